"""How a memory's maps are made, from what its user asked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils import check_random_state

from attractory._util.machine import iterates
from attractory.activations import Activation
from attractory.maps.network import Autoencoder
from attractory.memory.stored_map import KernelStore, NetworkStore
from attractory.memory.stored_map_large import LargeStore, as_large

__all__ = ["Recipe", "grown"]


@dataclass(frozen=True)
class Recipe:
    """What makes a map of patterns; names as in `AttractorMemory`, the bias a number."""

    model: str
    activation: Activation
    depth: int
    width: int
    ridge: float
    bias: float
    solver: str
    compute: str | None
    random_state: Any

    @classmethod
    def of(cls, memory: Any, act: Activation, bias: float) -> "Recipe":
        """Return that of an `AttractorMemory`."""
        return cls(
            memory.model, act, memory.depth, memory.width, float(memory.ridge), bias,
            memory.solver, memory.compute, memory.random_state,
        )  # fmt: skip

    def store(
        self, points: Float[np.ndarray, "n d"], answers: Float[np.ndarray, "n d"],
        passed: bool = False,
    ) -> Any:  # fmt: skip
        """Return the store of a map that takes points to answers; see `memory.stored_map`."""
        if self.model == "kernel":
            kind: Any = LargeStore if iterates(self.solver, len(points)) else KernelStore
            made = kind(
                points, answers, self.activation, self.depth, self.ridge, self.bias, passed=passed
            )
            made.compute = self.compute
            return made
        start = Autoencoder(
            points.shape[1] + bool(self.bias), width=self.width, depth=self.depth,
            activation=self.activation,
            key=int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max)),
        )  # fmt: skip
        return NetworkStore(points, answers, start, self.bias)

    def stages(
        self, unit: Float[np.ndarray, "n d"], norms: tuple[float, ...]
    ) -> tuple[tuple[Any, float], ...]:
        """Return the stores that recall passes, solved or trained, each with its norm."""
        made = []
        for at in norms:
            points = at * unit
            made.append((self.store(points, points, True), at))
            made[-1][0].map()
        return tuple(made)


def grown(
    store: Any, points: Float[np.ndarray, "m d"], answers: Float[np.ndarray, "m d"],
    *, solver: str,
) -> Any:  # fmt: skip
    """Return a store with rows appended, one that iterates where they are too many to factorise."""
    kernel = not isinstance(store, NetworkStore)
    if kernel and iterates(solver, len(store.x) + len(points)):
        store = as_large(store)
    return store.with_rows(points, answers)
