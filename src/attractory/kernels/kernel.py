"""What a kernel is of: the activation and the depth of the network, and two sets of points."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from attractory._util.aliases import ArrayLike
from attractory._util.precision import full_precision, traced
from attractory._util.validation import as_points, moderate, whole
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.duals.protocol import DualActivation

__all__ = ["Kernel", "checked_sets"]


@dataclass(frozen=True)
class Kernel:
    """The network whose NNGP kernel and NTK are meant; immutable, and hashed by value.

    Compiled functions take it as a static argument, and are compiled once for equal ones.

    Attributes:
        activation: of the hidden layers.
        depth: number of weight matrices, at least 2: one more than hidden layers.

    Example:
        >>> Kernel.of("tanh", 3) == Kernel.of("tanh", 3)
        True
    """

    activation: Activation
    depth: int

    @classmethod
    def of(cls, activation: str | Activation, depth: int) -> "Kernel":
        """Return the kernel of an activation, or of its name, and a depth, both checked.

        Raises:
            ValueError: for an unknown name or a depth below 2.
            TypeError: for what is neither a name nor an activation, or no whole number.
        """
        if traced(depth):
            raise TypeError(
                "depth must be known when a function is compiled, and is traced; name it in "
                "static_argnames of jax.jit"
            )
        return cls(find_activation(activation), whole(depth, "depth", 2))

    def adapted(self, name: str, *sets: np.ndarray | None, room: float = 1.0) -> "Kernel":
        """Return the kernel, exact for these points; activations of quadratures take more terms.

        Args:
            name: of the points, for an error.
            sets: points, (n, d) each.
            room: by how much the variances may be larger.

        Raises:
            QuadratureError: a ValueError, where they cannot.
        """
        act = self.activation
        if not isinstance(act, DualActivation) or type(act).adapted is DualActivation.adapted:
            return self
        largest = room * max(
            float(np.einsum("ij,ij->i", x, x).max()) / x.shape[1] for x in sets if x is not None
        )
        most = largest
        for _ in range(self.hidden_layers):
            act = act.adapted(most, name)
            with full_precision():
                largest = float(_variance(act, jnp.asarray([largest]))[0])
            most = max(most, largest)
        return Kernel(act, self.depth)

    @property
    def hidden_layers(self) -> int:
        """Number of layers that apply the activation."""
        return self.depth - 1


@partial(jax.jit, static_argnums=0)  # a loop over terms would be compiled at each call
def _variance(act: DualActivation, a: Array) -> Array:
    return act.variance(a)


def checked_sets(x: ArrayLike, y: ArrayLike | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return two sets of points as arrays, y None for x itself, or refuse them by name."""
    rows = as_points(x, "x")
    others = None if y is None else as_points(y, "y", dim=rows.shape[1])
    moderate(rows, "x")
    if others is not None:
        moderate(others, "y")
    return rows, others
