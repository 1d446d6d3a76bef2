"""What a memory holds, row by row, and what to change where it does not hold.

Spectral radii are of the memory's own map; they do not depend on coordinates. Certificate and shock
are of the guided recall, from its start on (`memory.certified_recall`, `memory.recall_attack`):
between the two lies the distance at which recalls begin to be lost. Where recall is the map alone,
plain or a network's, both are of the map. A certified radius is then turned into one for cues: a
cue at relative distance ε from a row lies, once it has been given the norm, within
2 sin(½ arcsin ε) of it, so that a ball of relative radius c around the stored point covers all cues
nearer than c √(1 − c²/4) of the row's size. These are distances in the metric M. A perturbation u
of a row is one of M u there, at most as long as u times M's largest eigenvalue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.contraction import BELOW_ONE
from attractory._util.optional import frame_of
from attractory._util.plotted import Plotted
from attractory._util.text_tables import html_table, text_table
from attractory._util.validation import indices as checked
from attractory.analysis.certificate import certified_radius
from attractory.analysis.critical_shocks import ShockStatus, critical_shock
from attractory.analysis.outcomes import RecallRule
from attractory.analysis.spectrum import spectral_radius
from attractory.memory.base import STALE, BaseMemory
from attractory.memory.certified_chain import is_covered
from attractory.memory.certified_recall import certify_recall
from attractory.memory.coordinates import spread
from attractory.memory.cycles import cycles_of, floquet_radii
from attractory.memory.estimator import AttractorMemory
from attractory.memory.metric_search import Choice
from attractory.memory.recall_attack import RecallAttack, attack_recall
from attractory.memory.sequence import SequenceMemory
from attractory.memory.sequence_order import following

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Diagnosis", "attacked", "diagnose", "lost_in_units"]


_ROWS = 100  # looked at by default
_NAMED = 10  # rows named in a summary
_BY_ROW = (
    "spectral_radius", "attractor", "critical_shock", "certified", "floor", "shock_in_metric",
    "certified_in_metric", "correlation", "nearest",
)  # fmt: skip
_DIRECTIONS = 6  # an attack begins with
_ALIKE = 0.95  # correlation of near-duplicates


@dataclass(frozen=True)
class Diagnosis(Plotted):
    """Rows of a memory; arrays over the k rows looked at. Printed, it is a table of them.

    Attributes:
        rows: their indices.
        spectral_radius: of the Jacobian there; for a memory of successors, of the product along the
            cycle the row lies on, and NaN for rows on none.
        attractor: whether it is below 1 and the map takes the row to itself (or along its cycle)
            but for what counts as stored, 1e-6 of the norm (1e-3 in a network).
        critical_shock: smallest perturbation found with which a start is not recalled, relative to
            the row's distance from the mean; infinite if none was found, NaN if not asked for, if
            it was too slow to tell or the row is no fixed point (`shock_status`).
        shock_status: `analysis.ShockStatus` values; −1 if not asked for.
        certified: relative distance within which every start is proven to be recalled, that is to
            end within 1 % of the row; 0 where nothing could be proven, NaN if not asked for or not
            to be had for this memory.
        floor: distance from the row within which these starts are proven to end, relative to the
            norm; NaN without a certificate.
        shock_in_metric, certified_in_metric: the same two as distances in the memory's metric.
        correlation: with the nearest other row, in the metric.
        nearest: index of that row.
        residual: largest miss of any row, relative to the norm.
        choice: the metric's λ that `fit` chose, and the trials it chose by; None where a rule
            stands.
        advice: what to change, in sentences; empty if all is well.
    """

    rows: Int[np.ndarray, " k"]
    spectral_radius: Float[np.ndarray, " k"]
    attractor: Bool[np.ndarray, " k"]
    critical_shock: Float[np.ndarray, " k"]
    shock_status: Int[np.ndarray, " k"]
    certified: Float[np.ndarray, " k"]
    floor: Float[np.ndarray, " k"]
    shock_in_metric: Float[np.ndarray, " k"]
    certified_in_metric: Float[np.ndarray, " k"]
    correlation: Float[np.ndarray, " k"]
    nearest: Int[np.ndarray, " k"]
    residual: float
    choice: Choice | None
    advice: tuple[str, ...]

    def __repr__(self) -> str:
        """Summarise, and name the rows that are no attractors."""
        text = f"Diagnosis({int(self.attractor.sum())} of {len(self.rows)} rows are attractors"
        others = self.rows[~self.attractor].tolist()
        if others:
            some = ", ".join(map(str, others[:_NAMED])) + (", …" if len(others) > _NAMED else "")
            text += f", not row{'s' * (len(others) > 1)} {some}"
        chosen = "" if self.choice is None else f"; {self.choice}"
        return text + chosen + "".join(f"; {line}" for line in self.advice) + ")"

    def __str__(self) -> str:
        """Return the same with a line for each of the first 20 rows."""
        return f"{self!r}\n{text_table(self._columns(), 'frame() has all')}"

    def frame(self) -> "DataFrame":
        """Return a pandas DataFrame with one row for each stored row looked at, by its index.

        Raises:
            ModuleNotFoundError: without pandas, which `attractory[sweep]` brings.
        """
        names = [k.name.lower().replace("_", " ") for k in map(ShockStatus, self._shocks())]
        columns = {name: getattr(self, name) for name in _BY_ROW}
        columns["shock_status"] = names if len(names) else [None] * len(self.rows)
        return frame_of(columns, self.rows)

    def _repr_html_(self) -> str:
        return html_table(self._columns(), repr(self), "frame() has all")

    def _shocks(self) -> list[int]:
        """Return the statuses of the search, none if there was no search."""
        return [k for k in self.shock_status.tolist() if k >= 0]

    def _columns(self) -> dict[str, list[str]]:
        columns = {
            "row": [str(k) for k in self.rows.tolist()],
            "spectral radius": [f"{value:.4f}" for value in self.spectral_radius],
            "attractor": ["yes" if good else "NO" for good in self.attractor.tolist()],
        }
        for name, values in (
            ("critical shock", self.critical_shock), ("certified", self.certified),
        ):  # fmt: skip
            if not np.isnan(values).all():
                columns[name] = ["–" if np.isnan(value) else f"{value:.3g}" for value in values]
        columns["nearest row"] = [str(k) for k in self.nearest.tolist()]
        columns["correlation"] = [f"{value:.3f}" for value in self.correlation]
        return columns


def diagnose(
    memory: AttractorMemory | SequenceMemory,
    *,
    rows: Sequence[int] | None = None,
    shock: bool = True,
    certify: bool = True,
    progress: bool | Callable[[int, int], object] | None = None,
) -> Diagnosis:
    """Return radius, shock and certificate of stored rows, and what to change.

    Args:
        memory: fitted.
        rows: indices; by default all, or of more than 100 every so many.
        shock: whether to search for critical shocks.
        certify: whether to certify radii, where the map allows it.
        progress: of the search, as for `attractory.critical_shock`.

    Raises:
        ValueError: if an index is out of range.

    Example:
        >>> memory = AttractorMemory(activation="erf", norm=30.0).fit(np.eye(4, 9))
        >>> diagnose(memory, shock=False)
        Diagnosis(4 of 4 rows are attractors)
    """
    if not isinstance(memory, AttractorMemory | SequenceMemory):
        raise TypeError(
            f"memory must be an AttractorMemory or a SequenceMemory, got {type(memory).__name__}; "
            "for a map there are spectral_radius, certified_radius and critical_shock"
        )
    n = len(memory)
    if rows is None:
        chosen = spread(n, _ROWS)
    else:
        chosen = checked(np.asarray(rows), "rows", np.shape(rows), n)
    f, x = memory.map_, np.asarray(memory.points_, float)
    points = x[chosen]
    radius, _, attractor = stability(memory, chosen)
    stored = memory.residual_ <= memory.state_.store.accuracy
    shocks = certified = floor = own_shocks = own_certified = np.full(len(chosen), np.nan)
    shock_status = np.full(len(chosen), -1)
    metric = memory.state_.coordinates.metric
    # How much longer a row is than in the metric, for M's largest eigenvalue 1.
    stretch = memory.norm_ / np.linalg.norm(metric.invert(points), axis=1) / metric.ends[1]
    guided = is_covered(memory)
    if guided and shock:
        own_shocks, shocks, shock_status = lost_in_units(memory, attacked(memory, chosen, progress))
    elif shock and not memory.state_.sequence:
        found = critical_shock(f, points, progress=progress)
        shock_status = found.status
        shocks = found.distance / memory.norm_
        plain = np.linalg.norm(metric.invert(np.nan_to_num(found.shock)), axis=1)
        own_shocks = np.where(
            np.isfinite(shocks), plain * stretch * metric.ends[1] / memory.norm_, shocks
        )
    if guided and certify:
        proven = certify_recall(memory, chosen, progress=progress)
        certified, own_certified = proven.radius, proven.radius_in_units
        # The map moves what is at rest by no more than this, and it is no farther from the row.
        floor = np.where(certified > 0, memory.state_.settings.tolerance, np.nan)
    elif certify and not memory.state_.sequence:
        certified, floor = _certified(f, points, memory.norm_, len(chosen))
        own_certified = certified * stretch
    correlation, nearest = _neighbours(x / memory.norm_, chosen)
    return Diagnosis(
        chosen, radius, attractor, own_shocks, shock_status, own_certified, floor,
        shocks, certified, correlation, nearest, memory.residual_, memory.state_.choice,
        _advice(memory, stored, chosen, radius, correlation, nearest, shock_status),
    )  # fmt: skip


def attacked(memory: BaseMemory, rows: np.ndarray, progress: Any) -> RecallAttack:
    """Return the nearest lost starts that a quick search finds."""
    return attack_recall(memory, rows, directions=_DIRECTIONS, rounds=0, progress=progress)


def lost_in_units(
    memory: BaseMemory, attack: RecallAttack
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return distances of lost starts in units and in the metric, and statuses."""
    metric = memory.state_.coordinates.metric
    found = np.isfinite(attack.angle)
    row, start = metric.invert(np.asarray(memory.points_)[attack.rows]), metric.invert(attack.start)
    # A start has a direction and no size: that of the perturbation is the least there is.
    size = np.maximum((row * start).sum(axis=1) / (start**2).sum(axis=1), 0.0)
    away = np.linalg.norm(size[:, None] * start - row, axis=1) / np.linalg.norm(row, axis=1)
    status = np.where(found, ShockStatus.FOUND, ShockStatus.NONE_FOUND).astype(int)
    turned = np.sin(np.minimum(np.where(found, attack.angle, 0.0), np.pi / 2))
    return np.where(found, away, np.inf), np.where(found, turned, np.inf), status


def stability(
    memory: AttractorMemory | SequenceMemory, rows: Int[np.ndarray, " k"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"], Bool[np.ndarray, " k"]]:
    """Return spectral radius, miss and whether each is an attractor, as in `Diagnosis`, of rows."""
    points = np.asarray(memory.points_, float)[rows]
    if memory.state_.sequence:
        radius = _cycle_radii(memory)[rows]
    else:
        radius = np.asarray(spectral_radius(memory.map_, points))
    wanted = np.asarray(memory.state_.answers, float)[rows]
    miss = np.linalg.norm(np.asarray(memory.map_(points), float) - wanted, axis=1) / memory.norm_
    return radius, miss, (radius < BELOW_ONE) & (miss <= memory.state_.store.accuracy)


def _certified(
    f: Any, points: np.ndarray, norm: float, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the relative distance within which cues are recalled, and how near they end."""
    try:
        proven = certified_radius(f, points, progress=False)
    except TypeError:  # no bound on this map's curvature
        return np.full(count, np.nan), np.full(count, np.nan)
    floor = proven.floor / norm
    # To end somewhere near a row is not to be recalled.
    share = np.where(floor > RecallRule().tolerance, 0.0, proven.radius / norm)
    return share * np.sqrt(np.maximum(1 - share**2 / 4, 0)), floor


def _cycle_radii(memory: AttractorMemory | SequenceMemory) -> np.ndarray:
    """Return the spectral radius of the Jacobians' product along each row's cycle (Floquet)."""
    state = memory.state_
    cycles = cycles_of(following(state.points, state.answers))
    radii = np.full(len(state.points), np.nan)
    for cycle, radius in zip(cycles, floquet_radii(state, cycles), strict=True):
        radii[cycle] = radius
    return radii


def _neighbours(unit: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(unit) == 1:
        return np.zeros(1), np.zeros(1, int)
    cosine = unit[chosen] @ unit.T
    cosine[np.arange(len(chosen)), chosen] = -np.inf
    return cosine.max(axis=1), cosine.argmax(axis=1)


def _advice(
    memory: AttractorMemory | SequenceMemory,
    stored: bool,
    rows: np.ndarray,
    radius: np.ndarray,
    correlation: np.ndarray,
    nearest: np.ndarray,
    shock_status: np.ndarray,
) -> tuple[str, ...]:
    lines = []
    if not stored:
        more = "a greater width" if memory.state_.settings.width is not None else "a larger norm"
        lines.append(
            f"rows are missed by up to {memory.residual_:.1e} of the norm, so none counts as "
            f"stored: {more} or fewer near-duplicates would do"
        )
    unstable = np.flatnonzero(~(radius < BELOW_ONE) & np.isfinite(radius))
    if len(unstable):
        alike = unstable[correlation[unstable] >= _ALIKE]
        if len(alike):
            pairs = ", ".join(f"{rows[k]} and {nearest[k]}" for k in alike[:3])
            lines.append(
                f"rows {pairs}{' and more' if len(alike) > 3 else ''} are near-duplicates "
                f"(correlation {correlation[alike].max():.3f}): keep one of each, or raise the norm"
            )
        rest = len(unstable) - len(alike)
        if rest:
            lines.append(
                f"{rest} other row{'s are' if rest > 1 else ' is'} unstable at norm "
                f"{memory.norm_:.4g}: raise it by half, or store fewer rows than {len(memory)}"
            )
    slow = int((shock_status == ShockStatus.TOO_SLOW).sum())
    if slow:
        lines.append(
            f"of {slow} row{'s' if slow > 1 else ''} the critical shock is not known, because cues "
            "return too slowly to tell: raise the norm"
        )
    if memory.stale_:
        lines.append(f"{STALE}: fit anew")
    return tuple(lines)
