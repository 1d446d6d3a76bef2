r"""How far from a stored row every start of a recall is proven to end at that row.

A recall starts from a mended cue. Certified is what follows, as it is run: at most eight steps by
terms of high degree (`memory.certified_votes`), steps without the linear part in float32 and in
float64 (`memory.certified_approach`), and the map itself, which the last of these leave at rest.
The theorem and its proof are in docs/explanation/certified-recall.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from attractory._util.aliases import ArrayLike
from attractory._util.optional import frame_of
from attractory._util.plotted import Plotted
from attractory._util.precision import full_precision
from attractory._util.progress import Progress, counting, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.text_tables import html_table, text_table
from attractory._util.validation import indices as checked
from attractory.memory.base import BaseMemory
from attractory.memory.certified_chain import RecallChain
from attractory.memory.metric import Metric

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["RecallCertificate", "RecallCertificateStatus", "certify_recall", "in_units"]

_TOGETHER = 64  # rows whose angles are sought at a time


class RecallCertificateStatus(StatusEnum):
    """Whether recalls from near a row are certified, and why not."""

    CERTIFIED = 0, "every start within the angle is recalled as this row"
    NOT_CONTRACTING = (
        1,
        "nothing is proven: the steps without the linear part are not proven to come to rest at "
        "this row, which has others too much like it or its opposite, or which the map misses",
    )
    NOT_ATTRACTOR = (
        2,
        "nothing is certified: the row is no attractor of the map, whose spectral radius there is "
        "1 or more; guided recall would end at it all the same",
    )


@dataclass(frozen=True)
class RecallCertificate(Plotted):
    """Certified recalls from around k rows, or to k cues; printed, a table of them.

    All is of starts, from which the steps of a recall begin: the mended cue, not the cue.

    Attributes:
        rows: indices of the rows, (k,); of cues, those they are recalled as, −1 for none.
        angle: every start at less than this angle from the row (of cues, from their own start),
            seen from the mean in the memory's metric, is recalled as the row: within 1 % of the
            norm, at rest; radians, (k,). 0 where nothing is proven.
        radius: of the ball of starts around the pattern with that angle, relative to the norm: its
            sine, (k,).
        radius_in_units: the largest difference between a start and the row, in the units of the
            rows and relative to the row's distance from the mean, with which it is within that
            angle, (k,).
        half_angle: half the angle to the nearest other row, or opposite of one, to which steps of
            odd terms lead as well, in the metric, (k,): no ball of recalled starts is much larger.
        status: `RecallCertificateStatus` values, (k,).
    """

    rows: Int[np.ndarray, " k"]
    angle: Float[np.ndarray, " k"]
    radius: Float[np.ndarray, " k"]
    radius_in_units: Float[np.ndarray, " k"]
    half_angle: Float[np.ndarray, " k"]
    status: Int[np.ndarray, " k"]

    def __repr__(self) -> str:
        """Summarise."""
        some = self.angle[self.angle > 0]
        spread = f", median radius {np.median(self.radius):.2f} of the norm" if len(some) else ""
        return f"RecallCertificate({len(some)} of {len(self.rows)} rows certified{spread})"

    def __str__(self) -> str:
        """Return the same with a line for each of the first 20 rows."""
        return f"{self!r}\n{text_table(self._columns(), 'frame() has all')}"

    def frame(self) -> "DataFrame":
        """Return a pandas DataFrame with one line a row, by its index.

        Raises:
            ModuleNotFoundError: without pandas, which `attractory[sweep]` brings.
        """
        columns = {
            name: getattr(self, name)
            for name in ("angle", "radius", "radius_in_units", "half_angle")
        }
        names = [RecallCertificateStatus(k).name.lower().replace("_", " ") for k in self.status]
        return frame_of({**columns, "status": names}, self.rows)

    def _repr_html_(self) -> str:
        return html_table(self._columns(), repr(self), "frame() has all")

    def _columns(self) -> dict[str, list[str]]:
        degrees = {"certified angle": self.angle, "half angle to the nearest": self.half_angle}
        return {
            "row": [str(k) for k in self.rows.tolist()],
            **{name: [f"{v:.1f}°" for v in np.degrees(a)] for name, a in degrees.items()},
            "radius": [f"{v:.3f}" for v in self.radius],
            "in units": [f"{v:.3f}" for v in self.radius_in_units],
        }


def certify_recall(
    memory: BaseMemory,
    rows: Sequence[int] | Int[np.ndarray, " k"] | None = None,
    *,
    cues: ArrayLike | None = None,
    progress: Progress = None,
) -> RecallCertificate:
    """Return how far from stored rows every start of a guided recall is proven to end at the row.

    Or, of cues, how far from each one's start every other start is proven to get the same answer.

    Args:
        memory: fitted, of infinite width, with guided recall.
        rows: indices; all by default.
        cues: (k, d), in place of rows.
        progress: a bar or none, or a function of rows done and rows in all; see `Progress`.

    Raises:
        TypeError: for anything else than an `AttractorMemory`.
        ValueError: for a network, plain recall, more than 20,000 rows, or an index out of range.

    Example:
        >>> from attractory import AttractorMemory
        >>> from attractory.datasets import bundled_digits
        >>> memory = AttractorMemory(activation="erf", metric="rule").fit(bundled_digits(10)[0])
        >>> certificate = certify_recall(memory)
        >>> bool((certificate.radius > 0.4).all())
        True
    """
    chain = RecallChain(memory)
    if cues is not None:
        if rows is not None:
            raise ValueError("rows must be left out where cues are given")
        return _of_answers(chain, memory, cues)
    n = len(memory)
    chosen = np.arange(n) if rows is None else checked(np.asarray(rows), "rows", np.shape(rows), n)
    chosen = np.atleast_1d(chosen)
    angle = np.zeros(len(chosen))
    shown = reporting(progress, "certificates", counting)
    with threadpool_limits(1), full_precision(), shown as report:
        for k in range(0, len(chosen), _TOGETHER):
            angle[k : k + _TOGETHER] = chain.angles(chosen[k : k + _TOGETHER])
            report(min(k + _TOGETHER, len(chosen)), len(chosen))
    return RecallCertificate(
        rows=chosen,
        angle=angle,
        radius=np.sin(angle),
        radius_in_units=in_units(
            memory.state_.coordinates.metric, np.asarray(memory.points_)[chosen], angle
        ),
        half_angle=chain.half_angles(chosen),
        status=_statuses(chain, chosen, angle),
    )


def _of_answers(chain: RecallChain, memory: Any, cues: ArrayLike) -> RecallCertificate:
    """Return the certificates of the answers to cues."""
    result = memory.recall(cues)
    state = memory.state_
    known = np.isfinite(np.asarray(cues, float))
    start = state.beginnings(np.where(known, cues, 0.0), known).start
    _, inner, _ = state.span.inward(start, start)
    unit = inner / np.linalg.norm(inner, axis=1, keepdims=True)
    answer = result.pattern
    angle, held = np.zeros(len(answer)), np.flatnonzero(answer >= 0)
    with threadpool_limits(1), full_precision():
        chain.angles(np.unique(answer[held]))
        for k in range(0, len(held), _TOGETHER):
            some = held[k : k + _TOGETHER]
            angle[some] = chain.around(unit[some], answer[some])
    half = np.full(len(answer), np.nan)
    half[held] = chain.half_angles(answer[held])
    return RecallCertificate(
        rows=answer,
        angle=angle,
        radius=np.sin(angle),
        radius_in_units=in_units(state.coordinates.metric, start, angle),
        half_angle=half,
        status=_statuses(chain, answer, angle),
    )


def _statuses(
    chain: RecallChain, rows: Int[np.ndarray, " k"], angle: Float[np.ndarray, " k"]
) -> Int[np.ndarray, " k"]:
    kinds = RecallCertificateStatus
    out = np.where(angle > 0, kinds.CERTIFIED, kinds.NOT_CONTRACTING).astype(int)
    out[np.isin(rows, list(chain.unstable))] = kinds.NOT_ATTRACTOR
    return out


def in_units(
    metric: Metric, points: Float[np.ndarray, "k d"], angle: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    r"""Return the largest perturbation of rows, relative to them, that turns none by more.

    In the metric M a row y is z = My, and y + u turns by at most φ if n·(z + Mu) ≥ 0 for all unit
    n = sin φ ẑ − cos φ u′, u′ ⊥ z: for all |u| ≤ ρ if ρ |Mn| ≤ sin φ |z|. With q the part of M²ẑ
    across ẑ, for every λ above M's largest eigenvalue squared

        |Mn|² ≤ sin²φ |Mẑ|² + cos²φ λ + sin²φ q·(λ − M²)⁻¹ q.

    Args:
        metric: M.
        points: z, at any length.
        angle: φ.
    """
    length = np.linalg.norm(points, axis=1, keepdims=True)
    unit = points / length
    own = np.linalg.norm(metric.invert(unit), axis=1)  # |y| for |z| = 1
    once = metric.apply(unit)
    twice = metric.apply(once)
    across = twice - (twice * unit).sum(axis=1, keepdims=True) * unit
    sin, cos = np.sin(angle), np.cos(angle)
    top = metric.ends[1] ** 2
    along = (across @ metric.basis) ** 2
    rest = np.maximum((across**2).sum(axis=1) - along.sum(axis=1), 0.0)
    best = np.full(len(points), np.inf)
    for more in np.geomspace(1e-4, 10, 40):
        level = top * (1 + more)
        bent = (along / (level - metric.gains**2)).sum(axis=1) + rest / (level - metric.rest**2)
        square = sin**2 * (once**2).sum(axis=1) + cos**2 * level + sin**2 * bent
        best = np.minimum(best, square)
    return sin / np.sqrt(best) / own
