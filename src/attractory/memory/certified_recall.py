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
from attractory._util.precision import full_precision
from attractory._util.progress import Progress, counting, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.text_tables import html_table, text_table
from attractory._util.validation import indices as checked
from attractory.activations import ErfMixture
from attractory.memory.base import BaseMemory
from attractory.memory.certified_answers import AnswerBound, Ladder
from attractory.memory.certified_approach import ApproachBound
from attractory.memory.certified_votes import VoteBound
from attractory.memory.estimator import AttractorMemory
from attractory.memory.guided_recall import DRIFT_FREE, HIGH_DEGREE, at_last
from attractory.memory.metric import Metric
from attractory.memory.state import MemoryState
from attractory.memory.stored_map import KernelStore

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "RecallCertificate", "RecallCertificateStatus", "certify_recall", "covered", "in_units",
    "is_covered",
]  # fmt: skip

_MOST_ROWS = 20_000  # of a memory: products of all pairs are held
_TOGETHER = 32  # rows whose angles are sought at a time
_HALVINGS = 10
_LESS = (0.004, 0.01, 0.03, 0.08, 0.2, 0.4)  # of the angle that one step reaches, for all of them
_QUIET = 1.1 * HIGH_DEGREE.tolerance  # a smaller turn may end the leg
_NEAR = 1e-6  # radians, for what rounding does to comparisons of distances


class RecallCertificateStatus(StatusEnum):
    """Whether recalls from near a row are certified, and why not."""

    CERTIFIED = 0, "every start within the angle is recalled as this row"
    NOT_CONTRACTING = (
        1,
        "nothing is proven: the steps without the linear part are not proven to come to rest at "
        "this row, which has others too much like it or which the map misses",
    )


@dataclass(frozen=True)
class RecallCertificate:
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
        half_angle: half the angle to the nearest other row, in the metric, (k,).
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
    kinds = RecallCertificateStatus
    return RecallCertificate(
        rows=chosen,
        angle=angle,
        radius=np.sin(angle),
        radius_in_units=in_units(
            memory.state_.coordinates.metric, np.asarray(memory.points_)[chosen], angle
        ),
        half_angle=chain.half_angles(chosen),
        status=np.where(angle > 0, kinds.CERTIFIED, kinds.NOT_CONTRACTING).astype(int),
    )


def _of_answers(chain: "RecallChain", memory: Any, cues: ArrayLike) -> RecallCertificate:
    """Return the certificates of the answers to cues."""
    result = memory.recall(cues)
    state = memory.state_
    known = np.isfinite(np.asarray(cues, float))
    start = state.beginnings(np.where(known, cues, 0.0), known).start
    _, inner, _ = state.span.inward(start, start)
    unit = inner / np.linalg.norm(inner, axis=1, keepdims=True)
    answer, kinds = result.pattern, RecallCertificateStatus
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
        status=np.where(angle > 0, kinds.CERTIFIED, kinds.NOT_CONTRACTING).astype(int),
    )


class RecallChain:
    """The bounds of a memory's recall, from its start to rest.

    Raises:
        TypeError, ValueError: for a memory whose recall they are not of; see `certify_recall`.
    """

    def __init__(self, memory: BaseMemory):
        state = covered(memory)
        settings = state.settings.at_recall(memory.get_params(deep=False))
        linear = state.linear_part
        assert linear is not None  # a guided memory of a kernel has one
        self.linear = linear
        with full_precision():
            self.approach = ApproachBound(linear)
            step = self.linear.high_degree_step
            count = len(self.approach.patterns)
            self.votes = None if step is None else VoteBound(step, count)
            plan = state.plan(settings)
        self.tolerance = plan.tolerance
        self.ladders: dict[int, Ladder] = {}  # of the rows asked for
        self.beside = 2 * np.arcsin(self.linear.beside / 2)

    def half_angles(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return half the angle to the nearest other row; a right angle where there is none."""
        p = self.approach.patterns
        close = np.clip(p[rows] @ p.T, -1, 1)
        close[np.arange(len(rows)), rows] = -1.0
        return np.arccos(close.max(axis=1)) / 2

    def angles(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the certified angles of rows."""
        most = self._apart(rows)
        rests = np.array([
            self.approach.row(int(i)).rests_from(
                DRIFT_FREE, at_last(self.tolerance), self.tolerance, float(a)
            )
            for i, a in zip(rows, most, strict=True)
        ])  # fmt: skip
        for row, angle in zip(rows.tolist(), rests.tolist(), strict=True):
            self.ladders[row] = [angle] if angle > 0 else []
        if self.votes is None:
            return rests
        # Starts as near as this to the row take no steps of high degree.
        beside = self.beside[rows] + _NEAR
        found = np.where(rests > beside, np.minimum(beside, most), np.minimum(rests, most))
        found = np.where(rests > 0, found, 0.0)
        far = np.flatnonzero((rests > beside) & (rests > 0))
        if len(far):
            reached = self._led(rows[far], most[far], rests[far])
            found[far] = np.maximum(found[far], reached)
        for row, angle in zip(rows.tolist(), found.tolist(), strict=True):
            if self.ladders[row] and angle < self.ladders[row][0]:
                self.ladders[row] = [angle]
        return found

    def around(
        self, start: Float[np.ndarray, "k d"], answer: Int[np.ndarray, " k"]
    ) -> Float[np.ndarray, " k"]:
        """Return the certified angles around starts, of length 1; `angles` had their answers."""
        ladders = [self.ladders[row] for row in answer.tolist()]
        if self.votes is None:
            certified = np.array([ladder[0] if ladder else 0.0 for ladder in ladders])
            close = np.einsum("ij,ij->i", start, self.approach.patterns[answer])
            return np.maximum(certified - np.arccos(np.clip(close, -1, 1)), 0.0)
        return AnswerBound(self.votes, self.beside).angles(start, answer, ladders)

    def _apart(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the angle within which no other row is the nearest, or too near."""
        p = self.approach.patterns
        theta = np.arccos(np.clip(p[rows] @ p.T, -1, 1))
        theta[np.arange(len(rows)), rows] = np.pi
        return np.minimum(theta / 2, theta - self.beside).min(axis=1) - _NEAR

    def _led(
        self,
        rows: Int[np.ndarray, " k"],
        most: Float[np.ndarray, " k"],
        goal: Float[np.ndarray, " k"],
    ) -> Float[np.ndarray, " k"]:
        """Return the angles from which steps of high degree are proven to lead to within a goal."""
        votes = self.votes
        assert votes is not None
        least, chosen = np.zeros(len(rows)), None
        for rivals in votes.rivals(rows, 0.95 * np.minimum(most, np.pi / 4)):
            low, high = np.zeros(len(rows)), most.copy()
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                good = votes.leads_in(rivals, middle)
                low, high = np.where(good, middle, low), np.where(good, high, middle)
            chosen = rivals if chosen is None else chosen.where(low <= least, rivals)
            least = np.maximum(low, least)
        assert chosen is not None
        low, rivals = least, chosen
        found = np.where(low <= goal, 0.0, np.nan)
        for less in _LESS:
            left = np.flatnonzero(np.isnan(found))
            if not len(left):
                break
            start = (1 - less) * low[left]
            angle, some, aim = start.copy(), rivals.some(left), goal[left]
            path = [angle.copy()]
            for _ in range(HIGH_DEGREE.steps):
                moving = np.flatnonzero((angle > aim) & np.isfinite(angle))
                if not len(moving):
                    break
                angle[moving] = votes.step(some.some(moving), angle[moving]) + _QUIET
                path.append(angle.copy())
            for k in np.flatnonzero(angle <= aim):
                falling = [float(a[k]) for a in path]
                ended = next(j for j, a in enumerate(falling) if a <= aim[k])
                self.ladders[int(rows[left[k]])] = falling[: ended + 1]
            found[left] = np.where(angle <= aim, start, np.nan)
        return np.nan_to_num(found)


def covered(memory: BaseMemory) -> MemoryState:
    """Return a memory's state, or say why its recall is not certified."""
    if not isinstance(memory, AttractorMemory):
        raise TypeError(
            f"memory must be an AttractorMemory, got {type(memory).__name__}: the recall of other "
            "memories, sequences among them, has no certificate"
        )
    state = memory.state_
    if not isinstance(state.store, KernelStore):
        raise ValueError(
            "memory must be of infinite width: a network's own map ends its recall, and no bound "
            "on it covers the starts of guided steps; certified_radius is of networks of depth 2"
        )
    if not state.settings.guided:
        raise ValueError(
            'memory must have iteration="guided": plain recall is its map alone, which '
            "certified_radius is of"
        )
    if not isinstance(state.settings.activation, ErfMixture):
        raise ValueError(
            "memory must have an activation that is a mixture of error functions, as sigmoid, "
            f"tanh, erf or arctan, got {state.settings.activation.name}: of other kernels no bound "
            "is known to hold"
        )
    if len(state.points) > _MOST_ROWS:
        raise ValueError(
            f"memory must have at most {_MOST_ROWS:,} rows, got {len(state.points):,}: the bound "
            "holds the products of all pairs"
        )
    return state


def is_covered(memory: BaseMemory) -> bool:
    """Whether a memory's recall is one that is certified."""
    try:
        covered(memory)
    except (TypeError, ValueError):
        return False
    return True


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
