"""`SequenceMemory`: store a cycle of rows, each mapped to its successor, and replay it.

The map takes every stored row to the next one, so that the sequence is a cycle of the map rather
than a set of fixed points. It is stable if the product of the Jacobians along the cycle has a
spectral radius below 1 (its Floquet multipliers lie inside the unit circle).
"""

from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_array

from attractory._util.aliases import ArrayLike
from attractory._util.validation import whole
from attractory.activations import Activation
from attractory.memory.base import BaseMemory
from attractory.memory.coordinates import nearest

__all__ = ["SequenceMemory"]


class SequenceMemory(BaseMemory):
    """A memory of a sequence: `fit` stores it, `replay` runs through it from a cue.

    Args:
        width, activation, depth, norm, center, metric, ridge, solver, random_state: as for
            `AttractorMemory`; the metric is never chosen by trials.

    Attributes:
        patterns_, points_, norm_, map_, residual_: as for `AttractorMemory`; `successors_` are the
            rows that those of `patterns_` are mapped to, (n, d).

    Raises:
        ValueError: as for `AttractorMemory`, and for successors of another shape.

    Example:
        >>> frames = np.eye(4, 9)
        >>> memory = SequenceMemory(activation="erf", norm=20.0).fit(frames)
        >>> memory.replay(frames[0], 6).argmax(axis=1).tolist()
        [0, 1, 2, 3, 0, 1, 2]
    """

    @no_type_check  # scikit-learn's checks construct it with values of any kind; `fit` refuses them
    def __init__(
        self,
        width: int | None = None,
        *,
        activation: str | Activation = "sigmoid",
        depth: int = 2,
        norm: float | str = "auto",
        center: bool = True,
        metric: float | str | ArrayLike | None = "rule",
        ridge: float = 0.0,
        solver: str = "auto",
        random_state: int | np.random.RandomState | None = 0,
    ):
        """Keep the parameters; `fit` checks them."""
        self.width = width
        self.activation = activation
        self.depth = depth
        self.norm = norm
        self.center = center
        self.metric = metric
        self.ridge = ridge
        self.solver = solver
        self.random_state = random_state

    def fit(self, X: object, y: object = None, *, allow_unstored: bool = False) -> "SequenceMemory":
        """Store a sequence, and nothing else.

        Args:
            X: rows in their order, (n, d). Equal rows are stored once.
            y: the successor of each row, (n, d); by default the next row, and the first one after
                the last. Labels (n,) are ignored.
            allow_unstored: as for `AttractorMemory`.
        """
        self._store(X, y, allow_unstored)
        return self

    def partial_fit(
        self, X: object, y: object = None, *, allow_unstored: bool | None = None
    ) -> "SequenceMemory":
        """Store another sequence beside the first; arguments as for `fit`."""
        if not self.__sklearn_is_fitted__():
            return self.fit(X, y, allow_unstored=bool(allow_unstored))
        self._store_more(X, y, allow_unstored)
        return self

    def replay(self, x: ArrayLike, steps: int) -> Float[np.ndarray, "s d"]:
        """Return a cue (d,) and its successors under so many steps, (steps + 1, d)."""
        state = self.state_.start(self._cues(np.atleast_2d(np.asarray(x))))
        states = [state]
        for _ in range(whole(steps, "steps", 1)):
            state = np.asarray(self.map_(state), float)
            states.append(state)
        return self._in_units(np.concatenate(states))

    def transform(self, X: object) -> Float[np.ndarray, "k d"]:
        """Return the successors of cues, (k, d)."""
        start = self.state_.start(self._cues(X))
        return self._in_units(np.asarray(self.map_(start), float))

    @property
    def successors_(self) -> Float[np.ndarray, "n d"]:
        """The row that each stored one is mapped to, in the units given."""
        state = self.state_
        return state.coordinates.decode(state.answers, state.answer_sizes)

    def _in_units(self, points: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        state = self.state_
        sizes = state.answer_sizes[nearest(points, state.answers)]
        return state.coordinates.decode(points, sizes)

    def _targets(self, rows: Float[np.ndarray, "n d"], y: object) -> Float[np.ndarray, "n d"]:
        if y is None or np.asarray(y).ndim < 2:
            return np.roll(rows, -1, axis=0)
        kind: Any = np.float64
        given: Any = y
        targets = check_array(given, dtype=kind, input_name="y")
        if targets.shape != rows.shape:
            raise ValueError(f"y must have the shape of X, {rows.shape}, got {targets.shape}")
        return targets
