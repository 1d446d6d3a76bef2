"""Whose kernel it is: the activation and the depth of the network, in one object."""

from dataclasses import dataclass

from attractory._util.validation import whole
from attractory.activations import Activation
from attractory.activations import activation as find_activation

__all__ = ["Kernel"]


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
        return cls(find_activation(activation), whole(depth, "depth", 2))

    @property
    def hidden_layers(self) -> int:
        """Number of layers that apply the activation."""
        return self.depth - 1
