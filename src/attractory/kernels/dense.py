"""The dense network whose kernels are meant: scales of weights and biases, parametrisation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.precision import traced
from attractory._util.validation import choice, real_array, whole
from attractory.activations import ErfMixture, Linear
from attractory.kernels.kernel import Kernel

__all__ = ["PARAMETRIZATIONS", "Dense", "with_scales"]

PARAMETRIZATIONS = ("ntk", "standard")


@dataclass(frozen=True)
class Dense:
    """A network of dense layers W x σ_w/√fan-in + σ_b b, W and b standard normal.

    Attributes:
        kernel: activation and depth.
        weight_std: σ_w of each layer, (depth,); a tracer perhaps.
        bias_std: σ_b of each layer, (depth,); None for no biases.
        parametrization: "ntk", or "standard", whose weights are σ_w W/√fan-in themselves.
        widths: fan-in of each layer but the first, (depth − 1); for "standard".
    """

    kernel: Kernel
    weight_std: Float[np.ndarray, " depth"] | Array
    bias_std: Float[np.ndarray, " depth"] | Array | None
    parametrization: str
    widths: tuple[int, ...]

    @classmethod
    def of(
        cls,
        kernel: Kernel,
        weight_std: float | ArrayLike,
        bias_std: float | ArrayLike | None,
        parametrization: str,
        width: int | Sequence[int] | None,
    ) -> "Dense":
        """Return the network of arguments that are checked here, as of `kernels.ntk`."""
        parametrization = choice(parametrization, "parametrization", PARAMETRIZATIONS)
        weights = _scales(weight_std, "weight_std", kernel.depth, positive=True)
        biases = None if bias_std is None else _scales(bias_std, "bias_std", kernel.depth)
        if (width is None) == (parametrization == "standard"):
            need = "needs width, the hidden layers' sizes" if width is None else "takes no width"
            raise ValueError(f"parametrization {parametrization!r} {need}")
        widths: tuple[int, ...] = ()
        if traced(width):
            raise TypeError("width must be known when a function is compiled, and is traced")
        if width is not None:
            hidden = list(width) if isinstance(width, Sequence) else [width] * kernel.hidden_layers
            if len(hidden) != kernel.hidden_layers:
                raise ValueError(
                    f"width must be one number or {kernel.hidden_layers} of them at depth "
                    f"{kernel.depth}, got {len(hidden)}"
                )
            widths = tuple(whole(w, "width", 1) for w in hidden)
        return cls(kernel, weights, biases, parametrization, widths)

    @property
    def plain(self) -> bool:
        """Whether it is the paper's network: unit weights, no biases, NTK parametrisation."""
        if self.parametrization != "ntk" or traced(self.weight_std, self.bias_std):
            return False
        biases = self.bias_std is not None and np.any(np.asarray(self.bias_std))
        return bool(np.all(self.weight_std == 1)) and not biases

    def folded(self) -> tuple[Kernel, float, float] | None:
        """Return a plain network's kernel with the same values at other points; None if none has.

        A layer's scales change offset and gain of the activation before it; the first layer's
        change the points. That takes equal scales, and an activation that can be scaled.

        Returns:
            the kernel, the first layer's σ_w and its σ_b.
        """
        if self.parametrization != "ntk" or traced(self.weight_std, self.bias_std):
            return None
        weights = np.asarray(self.weight_std)
        biases = np.zeros_like(weights) if self.bias_std is None else np.asarray(self.bias_std)
        act, w, b = self.kernel.activation, float(weights[-1]), float(biases[-1])
        if np.any(weights[1:] != w) or np.any(biases[1:] != b):
            return None
        if isinstance(act, ErfMixture):
            act = replace(act, offset=np.hypot(w * act.offset, b), gain=w * act.gain, function=None)
        elif isinstance(act, Linear):
            act = Linear(w * act.alpha, float(np.hypot(w * act.beta, b)))
        elif w != 1 or b != 0:
            return None
        return Kernel(act, self.kernel.depth), float(weights[0]), float(biases[0])

    def adapted(self, *sets: np.ndarray | None) -> "Dense":
        """Return the network with expectations as exact as these points and scales need."""
        scale = float(np.max(np.square(self.weight_std)))
        if self.bias_std is not None:
            scale += float(np.max(np.square(self.bias_std)))
        return replace(self, kernel=self.kernel.adapted("x and y", *sets, room=max(1.0, scale)))


def with_scales(
    points: Float[np.ndarray, "n d"], weight: float, bias: float
) -> Float[np.ndarray, "n e"]:
    """Return points whose products over their size are weight² x·y/d + bias²."""
    if bias == 0:
        return weight * points
    dim = points.shape[1]
    lifted = np.column_stack([weight * points, np.full(len(points), bias * np.sqrt(dim))])
    return lifted * np.sqrt((dim + 1) / dim)


def _scales(
    value: float | ArrayLike, name: str, depth: int, *, positive: bool = False
) -> Float[np.ndarray, " depth"] | Array:
    """Return a number for each layer, checked unless it is traced."""
    if traced(value):
        array = jnp.asarray(value)
        found = jnp.broadcast_to(array, (depth,)) if array.ndim == 0 else array
    else:
        try:
            array = real_array(value, name)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a number or one for each layer") from None
        if not np.all(np.isfinite(array)) or np.any(array <= 0 if positive else array < 0):
            least = "positive" if positive else "at least 0"
            raise ValueError(f"{name} must be {least} and finite, got {array.tolist()}")
        found = np.full(depth, array) if array.ndim == 0 else array
    if found.shape != (depth,):
        raise ValueError(
            f"{name} must be one number or {depth} of them at depth {depth}, "
            f"got shape {found.shape}"
        )
    return found
