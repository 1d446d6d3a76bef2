"""What a memory made of cues: the state, the row and the confidence of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.optional import frame_of
from attractory._util.plotted import Plotted
from attractory._util.text_tables import html_table, text_table
from attractory._util.texts import counted
from attractory.analysis.iteration import RecallStatus

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["MemoryRecall"]

_BY_CUE = (
    "state", "pattern", "confidence", "known", "distance", "steps", "residual", "status", "damage"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class MemoryRecall(Plotted):
    """What a memory made of each cue; arrays over k cues.

    A recall has a length, and an index, a slice or a mask chooses cues of it.

    Attributes:
        state: where the iteration ended, (k, d), in the units of the stored rows.
        pattern: index of the stored row it ended at, within 1 % of the norm; −1 for none. `status`
            says whether it had come to rest there.
        confidence: probability that the row is the right one, where cues are as often of rows that
            were never stored as of stored ones, (k,); see `memory.row_probability`. 0 where recall
            ended at another row than the start named. Of plain iteration it is the share of
            unknown cues that would look less like that row (`memory.confidence`).
        known: whether the memory vouches for the answer: it ended at a row, with a confidence of at
            least `reject`.
        distance: from the nearest stored row, relative to the norm, (k,).
        steps: evaluations of a map, all legs together, (k,).
        residual, status: as in `analysis.RecallResult`, of the memory's own map, the residual
            relative to the norm; of a state put at its row, the most that the map moves any row by.
        path: the stored row nearest to the state at the start and at the end of each leg,
            (s + 1, k): three legs if recall is guided by the map's kernel, else one.
        damage: what each cue had suffered, by the model that explains it best, (k,): "none",
            "noise", "structured noise", "replaced", "smoothed", "moved", "changed values" or
            "shaded" (`memory.damage_models`); "" where recall is not guided.
        names: of the cues, (k,): the index of the DataFrame that they came in; None without one.

    Example:
        >>> from attractory import AttractorMemory
        >>> memory = AttractorMemory(activation="erf", norm=30.0).fit(np.eye(4, 9))
        >>> result = memory.recall(np.eye(4, 9)[[2, 1]])
        >>> len(result), result[result.known].pattern.tolist(), result[1].pattern.tolist()
        (2, [2, 1], [1])
    """

    state: Float[np.ndarray, "k d"]
    pattern: Int[np.ndarray, " k"]
    confidence: Float[np.ndarray, " k"]
    known: Bool[np.ndarray, " k"]
    distance: Float[np.ndarray, " k"]
    steps: Int[np.ndarray, " k"]
    residual: Float[np.ndarray, " k"]
    status: Int[np.ndarray, " k"]
    path: Int[np.ndarray, "t k"]
    damage: np.ndarray
    names: np.ndarray | None = None

    @property
    def status_names(self) -> list[str]:
        """The statuses in words, k of them: "converged", "not converged" or "diverged"."""
        return [RecallStatus(k).name.lower().replace("_", " ") for k in self.status.tolist()]

    def frame(self) -> "DataFrame":
        """Return a pandas DataFrame with one row a cue and all but the states and paths.

        Its index is that of the DataFrame that was recalled, if it was one.

        Raises:
            ModuleNotFoundError: without pandas, which `attractory[sweep]` brings.
        """
        columns = {name: getattr(self, name) for name in _BY_CUE if name != "state"}
        return frame_of(columns | {"status": self.status_names}, self.names)

    def __len__(self) -> int:
        """Return the number of cues."""
        return len(self.pattern)

    def __getitem__(self, cues: int | slice | Sequence[int] | np.ndarray) -> "MemoryRecall":
        """Return the recall of some cues: one by its number, or those of a slice, list or mask."""
        chosen = np.atleast_1d(np.arange(len(self))[cues])
        parts: dict[str, Any] = {name: getattr(self, name)[chosen] for name in _BY_CUE}
        names = None if self.names is None else self.names[chosen]
        return replace(self, **parts, path=self.path[:, chosen], names=names)

    def __repr__(self) -> str:
        """Count what became of the cues."""
        found = self.status_names
        kinds = [f"{found.count(name)} {name}" for name in dict.fromkeys(sorted(found))]
        parts = [
            f"{int((self.pattern >= 0).sum())} ended at a stored row, "
            f"{int(self.known.sum())} known",
            *([", ".join(kinds), f"at most {int(self.steps.max())} steps"] if found else []),
        ]
        return f"MemoryRecall({counted(len(self), 'cue')}: {'; '.join(parts)})"

    def __str__(self) -> str:
        """Return the same with a line for each of the first 20 cues."""
        return f"{self!r}\n{text_table(self._columns(), 'frame() has all')}"

    def _repr_html_(self) -> str:
        return html_table(self._columns(), repr(self), "frame() has all")

    def _columns(self) -> dict[str, list[str]]:
        names = range(len(self)) if self.names is None else self.names
        return {
            "cue": [str(name) for name in names],
            "row": ["–" if k < 0 else str(k) for k in self.pattern.tolist()],
            "known": ["yes" if known else "no" for known in self.known.tolist()],
            "confidence": [f"{value:.3f}" for value in self.confidence],
            "distance": [f"{value:.1e}" for value in self.distance],
            "steps": [str(k) for k in self.steps.tolist()],
            "status": self.status_names,
        }
