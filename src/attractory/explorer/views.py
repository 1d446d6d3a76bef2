"""What the explorer shows of a memory and a cue, as arrays: no drawing, no browser.

Each function asks the library one question. All but the basins are about the memory's own map and
its coordinates, in which patterns have the norm; distances are relative to it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int

from attractory._util.progress import Progress
from attractory._util.validation import indices, whole
from attractory.analysis.certificate import certified_radius
from attractory.analysis.critical_norms import CriticalNorm, critical_norm
from attractory.analysis.spectrum import eigenvalues
from attractory.memory.estimator import AttractorMemory
from attractory.memory.trace import RecallTrace

__all__ = [
    "Basins", "Plane", "basins", "basins_by_parts", "certificate", "companions", "frames",
    "norm_course", "plane", "rival", "spectra",
]  # fmt: skip

_TOGETHER = 512  # cues of a basin map that are recalled at a time
_ALL = 32  # patterns up to which all spectra are shown


def frames(points: Float[np.ndarray, "t d"], most: int = 7) -> Int[np.ndarray, " k"]:
    """Return which states of a recall to show: the first two, the last, and others as it moves.

    Args:
        points: the states, (t, d), as in `recall_trace(...).points`.
        most: frames at most, from 3.

    Example:
        >>> frames(np.array([[0.0], [8.0], [9.0], [10.0], [10.0]]), 4).tolist()
        [0, 1, 3, 4]
    """
    moved = np.linalg.norm(np.diff(points, axis=0), axis=1)
    last, total = len(moved), moved.sum()
    if last < most:
        return np.arange(last + 1)
    # At even distances along the logarithm of what is left to go, as far as it can be seen.
    left = np.log(np.maximum(total - np.cumsum(moved), 1e-3 * total))
    wanted = np.linspace(left[0], left[-1], most - 1)[:-1]
    between = 1 + np.searchsorted(-left, -wanted - 1e-9)
    return np.unique(np.r_[0, between, last])


@dataclass(frozen=True)
class Plane:
    """The plane through two patterns and the origin, in the coordinates of a memory.

    Attributes:
        axes: orthonormal, (2, d): the first along pattern `pair[0]`.
        pair: the two patterns.
        patterns: all patterns in the plane, (n, 2), relative to the norm.
        path: the states of a recall there, (t, 2).
    """

    axes: Float[np.ndarray, "2 d"]
    pair: tuple[int, int]
    patterns: Float[np.ndarray, "n 2"]
    path: Float[np.ndarray, "t 2"]


def plane(memory: AttractorMemory, trace: RecallTrace, pair: tuple[int, int]) -> Plane:
    """Return a recall as a path in the plane of two patterns.

    Raises:
        ValueError: if the two are one, or out of range.
    """
    points, norm = memory.points_, memory.norm_
    a, b = indices(list(pair), "pair", (2,), len(points)).tolist()
    if a == b:
        raise ValueError(f"pair must be two different patterns, got {a} twice")
    axes = np.linalg.qr(points[[a, b]].T)[0].T
    axes *= np.sign((axes * points[[a, b]]).sum(axis=1, keepdims=True))
    return Plane(axes, (a, b), points @ axes.T / norm, trace.points @ axes.T / norm)


def rival(memory: AttractorMemory, point: Float[np.ndarray, " d"], *but: int) -> int:
    """Return the pattern of largest correlation with a point, besides some."""
    likeness = memory.points_ @ point
    likeness[list(but)] = -np.inf
    return int(likeness.argmax())


def spectra(memory: AttractorMemory, which: Sequence[int]) -> Complex[np.ndarray, "m e"]:
    """Return the eigenvalues of the map's Jacobian at some patterns, largest modulus first.

    They are computed in the patterns' span, where all that are not zero lie: what is compiled for
    one number of patterns serves for others. (e is the span's size.)
    """
    points = indices(list(which), "which", (len(which),), len(memory))
    plan = memory.state_.plan(memory.state_.settings)
    return eigenvalues(plan.own, plan.patterns[points])


def companions(memory: AttractorMemory, k: int) -> list[int]:
    """Return the patterns whose spectra are shown beside that of pattern k: all, if they are few.

    Those of a network take a second each, and there are none.
    """
    count = len(memory)
    few = memory.width is None and count <= _ALL
    return [i for i in range(count) if i != k] if few else []


def norm_course(
    memory: AttractorMemory,
    norms: Sequence[float],
    f0: str = "zero",
    progress: Progress = None,
    width: int = 300,
) -> CriticalNorm:
    """Return the largest spectral radius of a memory's patterns against their norm.

    Args:
        memory: fitted; its patterns, activation and depth count.
        norms: ascending.
        f0: "zero", the infinite-width memory; or "sampled", a trained network's limit, which starts
            at the outputs of a network of the memory's width, or of 300 units.
        progress: see `Progress`.
        width: of that network, if the memory has none.
    """
    return critical_norm(
        memory.points_, activation=memory.activation, depth=memory.depth, f0=f0, norms=list(norms),
        width=memory.width or width, progress=progress,
    )  # fmt: skip


def certificate(memory: AttractorMemory, k: int) -> tuple[float, str]:
    """Return the radius certified around pattern k, relative to the norm, and a sentence on it.

    It is about iteration of the map: every state nearer than this ends at the pattern. Certificates
    are for depth 2; of others the radius is NaN.
    """
    if memory.depth != 2:
        return np.nan, "certificates are for depth 2"
    found = certified_radius(memory.map_, memory.points_[[k]])
    radius = float(found.radius[0] / memory.norm_)
    if not found.certified[0]:
        return radius, "no ball around this pattern could be certified"
    floor = float(found.floor[0] / memory.norm_)
    return radius, (
        f"proven: the map alone takes every state within {radius:.3f} of the norm to the pattern, "
        f"to {floor:.0e}"
    )


@dataclass(frozen=True)
class Basins:
    """Where cues of the plane through three patterns end.

    Attributes:
        three: the patterns.
        ends: index of the pattern that each cue ends at, −1 for none, (m, m), by y then x.
        x, y: of the cues, (m,): distances in the plane, in the units of the rows.
        corners: the three patterns in the plane, (3, 2).
    """

    three: tuple[int, int, int]
    ends: Int[np.ndarray, "m m"]
    x: Float[np.ndarray, " m"]
    y: Float[np.ndarray, " m"]
    corners: Float[np.ndarray, "3 2"]

    @property
    def shares(self) -> dict[str, float]:
        """Share of the cues that ends at each of the three, at others, and at none."""
        kinds = self.kinds
        names = [*map(str, self.three), "another pattern", "no pattern"]
        return {name: float((kinds == k).mean()) for k, name in enumerate(names)}

    @property
    def kinds(self) -> Int[np.ndarray, "m m"]:
        """0, 1, 2 where cues end at one of the three, 3 at another pattern, 4 at none."""
        out = np.where(self.ends < 0, 4, 3)
        for k, pattern in enumerate(self.three):
            out[self.ends == pattern] = k
        return out


def basins(memory: AttractorMemory, three: tuple[int, int, int], size: int = 48) -> Basins:
    """Return where the cues of a grid in the plane through three patterns end.

    The plane is that of the rows as they were given, and cues are recalled as the memory does.

    Args:
        memory: fitted.
        three: patterns, no two the same.
        size: cues along each side, 4 to 200.

    Raises:
        ValueError: if two patterns are one, or the three are in one line.

    Example:
        >>> from attractory.datasets import bundled_digits
        >>> memory = AttractorMemory(metric="rule").fit(bundled_digits(5)[0])
        >>> found = basins(memory, (0, 1, 2), size=8)
        >>> found.ends.shape, bool({0, 1, 2} <= set(found.ends.ravel().tolist()))
        ((8, 8), True)
    """
    for found in basins_by_parts(memory, three, size, lambda done: None):
        if found is not None:
            return found
    raise AssertionError("a basin map without an end")


def basins_by_parts(
    memory: AttractorMemory,
    three: tuple[int, int, int],
    size: int,
    tell: Callable[[float], object],
) -> Iterator[Basins | None]:
    """Yield None after each part of the work, so that it may be left off, and last the basins.

    Args:
        memory, three, size: as for `basins`.
        tell: called with the share that is done.
    """
    size = whole(size, "size", 4, 200)
    rows = memory.patterns_
    chosen = tuple(indices(list(three), "three", (3,), len(rows)).tolist())
    if len(set(chosen)) < 3:
        raise ValueError(f"three must be different patterns, got {chosen}")
    corner = rows[list(chosen)]
    sides = corner[1:] - corner[0]
    axes, triangle = np.linalg.qr(sides.T)
    if abs(triangle[1, 1]) <= 1e-9 * np.abs(triangle).max():
        raise ValueError(f"three must not be patterns in one line, got {chosen}")
    axes = (axes * np.sign(np.diag(triangle))).T
    corners = np.vstack([np.zeros(2), sides @ axes.T])
    middle = corners.mean(axis=0)
    reach = 1.5 * np.linalg.norm(corners - middle, axis=1).max()
    offsets = np.linspace(-reach, reach, size)
    x, y = middle[0] + offsets, middle[1] + offsets
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    ends = np.empty(len(places), int)
    for k in range(0, len(places), _TOGETHER):
        some = places[k : k + _TOGETHER]
        # The same number of cues each time, which is compiled once.
        full = np.pad(some, ((0, min(_TOGETHER, len(places)) - len(some)), (0, 0)), mode="edge")
        cues = corner[0] + full @ axes
        ends[k : k + _TOGETHER] = memory.recall(cues).pattern[: len(some)]
        tell(min(1.0, (k + _TOGETHER) / len(places)))
        yield None
    yield Basins(chosen, ends.reshape(size, size), x, y, corners)
