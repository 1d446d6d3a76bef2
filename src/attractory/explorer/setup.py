"""Which memory the explorer builds: its settings, the values they may have, and the memory."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory._util.progress import Progress
from attractory._util.validation import choice, whole, within
from attractory.memory.estimator import AttractorMemory

__all__ = ["ACTIVATIONS", "DEEPEST", "KINDS", "NORMS", "WIDTHS", "Setup"]

KINDS = ("memory", "plain")
ACTIVATIONS = ("sigmoid", "tanh", "erf", "arctan", "softsign")
DEEPEST = 5  # each layer takes a quarter of a second to compile
WIDTHS = (0, 100, 200, 500, 1000, 2000)  # 0 stands for infinite
# Steps of the slider, 12 % apart: few, so that the kernel's tables of each are kept.
NORMS = tuple(float(f"{norm:.3g}") for norm in np.geomspace(3.0, 3000.0, 61))


@dataclass(frozen=True)
class Setup:
    """Settings of a memory.

    Attributes:
        n: patterns stored, the first of those at hand.
        norm: of the patterns; 0 for the memory's own rule.
        depth: weight matrices.
        activation: of the map.
        width: units of each hidden layer; 0 for the infinite width.
        kind: "memory", patterns in their metric and guided recall; or "plain", the paper's: no
            metric, and recall by the map alone.

    Raises:
        ValueError: for a value out of range.

    Example:
        >>> Setup(n=5, norm=50.0).memory().norm
        50.0
    """

    n: int = 20
    norm: float = 0.0
    depth: int = 2
    activation: str = "sigmoid"
    width: int = 0
    kind: str = "memory"

    def __post_init__(self) -> None:
        """Check the values."""
        norm = float(within(self.norm, "norm", 0.0, NORMS[-1], ()))
        checked = {
            "n": whole(self.n, "n", 2),
            "norm": norm,
            "depth": whole(self.depth, "depth", 2, DEEPEST),
            "activation": choice(self.activation, "activation", ACTIVATIONS),
            "width": whole(self.width, "width", 0, WIDTHS[-1]),
            "kind": choice(self.kind, "kind", KINDS),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def changed(self, values: dict[str, Any]) -> "Setup":
        """Return the settings with some values changed; names that are no setting are refused."""
        unknown = set(values) - {field.name for field in fields(self)}
        if unknown:
            raise ValueError(f"settings must be known ones, got {sorted(unknown)}")
        return replace(self, **values)

    def parameters(self) -> dict[str, Any]:
        """Return the arguments of the estimator that differ from its defaults."""
        given: dict[str, Any] = {}
        if self.width:
            given["width"] = self.width
        if self.activation != "sigmoid":
            given["activation"] = self.activation
        if self.depth != 2:
            given["depth"] = self.depth
        if self.norm:
            given["norm"] = self.norm
        if self.kind == "plain":
            return given | {"metric": None, "iteration": "plain"}
        return given | {"metric": "rule"}

    def neighbours(self, name: str) -> list["Setup"]:
        """Return settings that the slider of one may come to next, the nearest first.

        None for a network, which takes seconds to train.
        """
        if self.width:
            return []
        if name == "norm" and self.norm:
            k = int(np.abs(np.array(NORMS) - self.norm).argmin())
            places = (k + 1, k - 1, k + 2, k - 2)
            return [replace(self, norm=NORMS[i]) for i in places if 0 <= i < len(NORMS)]
        if name == "n":
            return [replace(self, n=self.n + i) for i in (1, -1, 2, -2) if self.n + i >= 2]
        if name == "depth":
            depths = (self.depth + 1, self.depth - 1)
            return [replace(self, depth=i) for i in depths if 2 <= i <= DEEPEST]
        return []

    def memory(self) -> AttractorMemory:
        """Return the memory, not yet fitted."""
        return AttractorMemory(**self.parameters())

    def fitted(self, rows: Float[np.ndarray, "n d"], progress: Progress = None) -> AttractorMemory:
        """Return the memory of the first n rows.

        Raises:
            ValueError: if there are fewer, or they cannot be stored.
        """
        if len(rows) < self.n:
            raise ValueError(f"n must be at most the {len(rows)} patterns at hand, got {self.n}")
        return self.memory().fit(rows[: self.n], progress=progress)
