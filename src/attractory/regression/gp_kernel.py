"""The NTK and the NNGP kernel as kernels of scikit-learn's Gaussian processes."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from attractory._util.precision import full_precision
from attractory._util.validation import as_points, choice, moderate
from attractory.activations import Activation
from attractory.kernels.dense import Dense
from attractory.kernels.kernel import Kernel as Layers
from attractory.kernels.matrices import nngp, ntk
from attractory.kernels.pure import pure_kernels

__all__ = ["NTK"]

_ROWS = 4096  # of the diagonal at a time


class NTK(Kernel):
    """The NTK, or the NNGP kernel, with gradients in the scales of weights and biases.

    Args:
        activation: a name or an object, as for `ntk`.
        depth: number of weight matrices, at least 2.
        weight_std: σ_w of every layer, more than 0.
        bias_std: σ_b of every layer; 0 only with bounds "fixed".
        kind: "ntk" or "nngp".
        weight_std_bounds, bias_std_bounds: between which they are fitted, or "fixed".

    Example:
        >>> from sklearn.gaussian_process import GaussianProcessRegressor
        >>> x = np.linspace(-1, 1, 9)[:, None]
        >>> gp = GaussianProcessRegressor(NTK("gelu"), alpha=1e-4).fit(x, x.ravel() ** 2)
        >>> bool(gp.log_marginal_likelihood_value_ > -30)
        True
    """

    def __init__(
        self,
        activation: str | Activation = "relu",
        depth: int = 2,
        weight_std: float = 1.0,
        bias_std: float = 0.1,
        kind: str = "ntk",
        weight_std_bounds: tuple[float, float] | str = (1e-2, 1e2),
        bias_std_bounds: tuple[float, float] | str = (1e-3, 1e2),
    ):
        """Keep the arguments: scikit-learn clones kernels by them."""
        self.activation = activation
        self.depth = depth
        self.weight_std = weight_std
        self.bias_std = bias_std
        self.kind = kind
        self.weight_std_bounds = weight_std_bounds
        self.bias_std_bounds = bias_std_bounds

    @property
    def hyperparameter_weight_std(self) -> Hyperparameter:
        """σ_w, as scikit-learn fits it."""
        return Hyperparameter("weight_std", "numeric", self.weight_std_bounds)

    @property
    def hyperparameter_bias_std(self) -> Hyperparameter:
        """σ_b, as scikit-learn fits it."""
        return Hyperparameter("bias_std", "numeric", self.bias_std_bounds)

    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, X: Any, Y: Any = None, eval_gradient: bool = False
    ) -> Float[np.ndarray, "n m"] | tuple[Float[np.ndarray, "n m"], Float[np.ndarray, "n m p"]]:
        """Return the kernel, and its gradient in the logarithms of what is fitted if asked for.

        Raises:
            ValueError: as `ntk`, for a gradient of two sets, or of a bias_std of 0 that is fitted.
        """
        kind = choice(self.kind, "kind", ("ntk", "nngp"))
        kernel = ntk if kind == "ntk" else nngp
        of = {"activation": self.activation, "depth": self.depth}
        values = np.asarray(kernel(X, Y, weight_std=self.weight_std, bias_std=self.bias_std, **of))
        if not eval_gradient:
            return values
        if Y is not None:
            raise ValueError("the gradient is that of the kernel of X alone, so Y must be None")
        x = as_points(X, "X")
        layers = Layers.of(self.activation, self.depth).adapted("X", x)
        scales = np.array([self.weight_std, self.bias_std], float)
        if not (self.bias_std or self.hyperparameter_bias_std.fixed):
            raise ValueError("bias_std is fitted by its logarithm: 0 needs bias_std_bounds='fixed'")
        out: list[np.ndarray] = []
        with full_precision():
            for of in self.hyperparameters:  # in scikit-learn's order
                if not of.fixed:
                    change = scales * (np.array(["weight_std", "bias_std"]) == of.name)
                    out.append(np.asarray(_change(layers, kind, x, scales, change)))
        return values, np.stack(out, axis=2) if out else np.empty((*values.shape, 0))

    def diag(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, X: Any
    ) -> Float[np.ndarray, " n"]:
        """Return the kernel of each row with itself."""
        x = as_points(X, "X")
        moderate(x, "X")
        layers = Layers.of(self.activation, self.depth).adapted("X", x)
        scales, out = np.array([self.weight_std, self.bias_std], float), np.empty(len(x))
        with full_precision():
            for k in range(0, len(x), _ROWS):
                out[k : k + _ROWS] = _diagonal(layers, self.kind, x[k : k + _ROWS], scales)
        return out

    def is_stationary(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return False: it depends on more than x − y."""
        return False

    def __repr__(self) -> str:
        """Show what defines it, in few characters."""
        name = getattr(self.activation, "name", self.activation)
        return (
            f"{self.kind.upper()}({name}, depth={self.depth}, weight_std={self.weight_std:.3g}, "
            f"bias_std={self.bias_std:.3g})"
        )


def _kernel(layers: Layers, kind: str, x: jax.Array, scales: jax.Array) -> jax.Array:
    every = jnp.ones(layers.depth)
    network = Dense(layers, scales[0] * every, scales[1] * every, "ntk", ())
    found = pure_kernels(network, x)
    return found.ntk if kind == "ntk" else found.nngp


@partial(jax.jit, static_argnums=(0, 1))
def _change(
    layers: Layers, kind: str, x: jax.Array, scales: jax.Array, change: jax.Array
) -> jax.Array:
    """Return the kernel's change with its scales."""
    return jax.jvp(lambda z: _kernel(layers, kind, x, z), (scales,), (change,))[1]


@partial(jax.jit, static_argnums=(0, 1))
def _diagonal(layers: Layers, kind: str, x: jax.Array, scales: jax.Array) -> jax.Array:
    return jax.vmap(lambda row: _kernel(layers, kind, row[None], scales)[0, 0])(x)
