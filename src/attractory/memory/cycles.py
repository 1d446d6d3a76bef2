"""Cycles of a map that takes rows to rows: which they are, whether they attract, how far.

A cycle of p rows attracts if the product of the Jacobians along it has a spectral radius below 1:
its largest Floquet multiplier. With x₁ … x_p at hand that is the radius of a product of p matrices
in the rows' own span, whatever d is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.contraction import BELOW_ONE
from attractory._util.plotted import Plotted
from attractory._util.seeds import generator
from attractory._util.text_tables import text_table
from attractory.analysis.spectrum import orbit_radius
from attractory.maps.protocol import Map
from attractory.memory.replaying import brought_to_frames, steps_from
from attractory.memory.sequence_order import following
from attractory.memory.settings import MemorySettings
from attractory.memory.state import MemoryState
from attractory.memory.stored_map import KernelStore

__all__ = ["CycleDiagnosis", "cycles_of", "diagnose_cycles", "floquet_radii"]

_ROUNDS, _MOST = 2, 400  # rounds that a replay is given, and steps at most


@dataclass(frozen=True)
class CycleDiagnosis(Plotted):
    """What a memory of sequences holds, cycle by cycle; printed, a table of it.

    A sequence that ends is a cycle of one: its last frame, which is mapped to itself.

    Attributes:
        cycles: for each cycle the indices of its frames, in their order.
        leading: for each cycle, how many frames lead to it and are not on it.
        multiplier: largest modulus of its Floquet multipliers, (cycles,); below 1 it attracts.
        stable: whether it is below 1, and the map takes each of its frames to the next, (cycles,).
        noise: sizes of the noise, relative to a frame's distance from the mean frame, (levels,).
        returned: replays from frames of the cycle and those leading to it, under that noise, that
            were in the cycle and in phase within two rounds, (cycles, levels).
        cues: replays for each cycle and level.
    """

    cycles: tuple[Int[np.ndarray, " _"], ...]
    leading: Int[np.ndarray, " c"]
    multiplier: Float[np.ndarray, " c"]
    stable: Bool[np.ndarray, " c"]
    noise: Float[np.ndarray, " s"]
    returned: Int[np.ndarray, "c s"]
    cues: int

    def __repr__(self) -> str:
        """Return how many cycles attract."""
        return (
            f"CycleDiagnosis({int(self.stable.sum())} of {len(self.cycles)} cycles are attractors, "
            f"largest multiplier {self.multiplier.max():.3g})"
        )

    def __str__(self) -> str:
        """Return a table with a line for each of the first 20 cycles."""
        columns = {
            "frames": [str(len(cycle)) for cycle in self.cycles],
            "leading to it": [str(count) for count in self.leading.tolist()],
            "multiplier": [f"{value:.3g}" for value in self.multiplier],
            "attracts": ["yes" if good else "NO" for good in self.stable.tolist()],
        }
        for k, size in enumerate(self.noise.tolist()):
            shares = [f"{count} of {self.cues}" for count in self.returned[:, k].tolist()]
            columns[f"back from noise {size:g}"] = shares
        return f"{self!r}\n{text_table(columns, 'its attributes have all')}"


def cycles_of(after: Int[np.ndarray, " n"]) -> list[Int[np.ndarray, " _"]]:
    """Return the cycles of rows that are mapped to the rows named, each from its first row on.

    Example:
        >>> [cycle.tolist() for cycle in cycles_of(np.array([1, 2, 0, 0, 4, -1]))]
        [[0, 1, 2], [4]]
    """
    seen, found = np.full(len(after), -1), []
    for start in range(len(after)):
        path, at = [], start
        while at >= 0 and seen[at] < 0:
            seen[at] = start
            path.append(at)
            at = int(after[at])
        if at >= 0 and seen[at] == start:  # the path has met itself
            found.append(np.array(path[path.index(at) :]))
    return found


def floquet_radii(
    state: MemoryState, cycles: list[Int[np.ndarray, " _"]]
) -> Float[np.ndarray, " c"]:
    """Return the spectral radius of the product of Jacobians along each cycle."""
    f, points = _within(state)
    return np.array([orbit_radius(f, points[cycle]) for cycle in cycles])


def _within(state: MemoryState) -> tuple[Map, Float[np.ndarray, "n e"]]:
    """Return the map and its rows in the coordinates of the span, if it has them."""
    store = state.store
    if isinstance(store, KernelStore):
        return store.inner.map(), store.inner.x
    return store.map(), store.x


def diagnose_cycles(
    state: MemoryState,
    settings: MemorySettings,
    noise: Float[np.ndarray, " s"],
    cues: int,
    seed: int,
    tell: Callable[[int, int], object],
) -> CycleDiagnosis:
    """Return what a memory of sequences holds.

    Args:
        state: what is stored.
        settings: at recall.
        noise, cues, seed: as for `SequenceMemory.diagnose`.
        tell: called with the cycles looked at, and all.
    """
    after = following(state.points, state.answers)
    cycles = cycles_of(after)
    ends = _ends(after, cycles)
    radii = floquet_radii(state, cycles)
    missed = state.store.missed()
    stored = np.array([bool((missed[c] <= state.store.accuracy).all()) for c in cycles], bool)
    returned = np.zeros((len(cycles), len(noise)), int)
    for c in range(len(cycles)):
        home = np.flatnonzero(ends == c)
        which = home[np.linspace(0, len(home) - 1, cues).astype(int)]
        for k, size in enumerate(noise.tolist()):
            rng = generator(seed, "noise on frames", c, k)
            found = _returned(state, settings, after, which, size, rng)
            returned[c, k] = int(found.sum())
        tell(c + 1, len(cycles))
    leading = np.bincount(ends[ends >= 0], minlength=len(cycles)) - [len(c) for c in cycles]
    return CycleDiagnosis(
        tuple(cycles), leading, radii, (radii < BELOW_ONE) & stored, noise, returned, cues
    )


def _ends(after: Int[np.ndarray, " n"], cycles: list[np.ndarray]) -> Int[np.ndarray, " n"]:
    """Return the cycle that each row comes to, −1 for none."""
    ends = np.full(len(after), -1)
    for c, cycle in enumerate(cycles):
        ends[cycle] = c
    for _ in range(len(after)):
        open_ends = np.flatnonzero((ends < 0) & (after >= 0))
        found = ends[after[open_ends]]
        if not (found >= 0).any():
            break
        ends[open_ends] = found
    return ends


def _returned(
    state: MemoryState,
    settings: MemorySettings,
    after: Int[np.ndarray, " n"],
    which: Int[np.ndarray, " k"],
    noise: float,
    rng: np.random.Generator,
) -> Bool[np.ndarray, " k"]:
    """Return which replays of frames under noise are soon where those of the frames are."""
    rows, coordinates = state.rows[which], state.coordinates
    white = rng.standard_normal(rows.shape)
    away = np.linalg.norm(coordinates.scaled(rows - coordinates.mean), axis=1)
    away /= np.linalg.norm(white, axis=1)
    cues = rows + coordinates.unscaled(noise * away[:, None] * white)
    points = brought_to_frames(state, settings, cues).points
    steps, wanted = min(_ROUNDS * len(after), _MOST), which
    for reached in steps_from(state, points, steps):
        points, wanted = reached, after[wanted]
    there = state.span.within(state.points)[wanted]
    missed = np.linalg.norm(points - there, axis=1) / (state.norm * state.span.scale)
    return missed <= state.store.accuracy
