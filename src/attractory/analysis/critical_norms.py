r"""The critical norm: where the spectral radius at all stored patterns first falls below 1.

In the paper (section 4.4, figure 5) the patterns of trained networks turn from unstable to stable
as their norm grows. That holds for maps with a sampled f0, f0 + (X̂ − f0(X̂))K⁻¹k: in the linear
region the largest eigenvalue is 1 (Lemmas 3 and 4), beyond it f0 pushes it above 1, and at large
norm it tends to ½. With f0 = 0 well separated patterns have a radius below 1
at every norm, and there is no critical one; patterns that are strongly correlated, or as many as
dim and more, can exceed 1 by up to about a per cent, and then there is
(`docs/reference/errata.md`).

The radius is continuous in the norm but not smooth, and may cross 1 more than once. So it is
sampled on a geometric grid first, and the first fall below 1 is then located by Brent's method;
crossings closer together than the grid's step can be missed.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from attractory._util.aliases import ArrayLike
from attractory._util.plotted import Plotted
from attractory._util.progress import Progress, counting, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_points, ascending, choice, no_zero_rows
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.analysis.spectrum import spectral_radius
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.network import Autoencoder
from attractory.maps.protocol import SingularKernelError
from attractory.maps.sampled_regression import fit_sampled_regression

__all__ = ["CriticalNorm", "CriticalNormStatus", "critical_norm"]

_POINTS = 32  # of the grid
_SPAN = 0.03, 100.0  # least and largest norm of the grid, in units of √dim
_ACCURACY = 1e-7  # of the critical norm, relative
_ABOVE = 1e-7  # a radius above 1 by less counts as 1, as in the linear region up to rounding


class CriticalNormStatus(StatusEnum):
    """Whether there is a critical norm."""

    FOUND = 0, "the spectral radius falls below 1 at this norm"
    CENTERED = (
        1,
        "none with f0 = 0: the spectral radius exceeds 1 nowhere on the grid, so nothing "
        "falls below 1",
    )
    BELOW = 2, "none in this range: the spectral radius exceeds 1 nowhere on the grid"
    ABOVE = (
        3,
        "none in this range: the spectral radius has not fallen below 1 by its end; extend norms",
    )


@dataclass(frozen=True)
class CriticalNorm(Plotted):
    """Where the spectral radius falls below 1, and its course.

    Attributes:
        norm: the first norm at which the largest spectral radius of the patterns falls below 1;
            NaN if there is none.
        norms, radii: the grid and the largest spectral radius on it, (k,); NaN where the patterns
            could not be stored.
        crossings: neighbours on the grid between which the radius crosses 1, up or down, (m, 2).
        status: see `CriticalNormStatus`.
        f0: "zero" or "sampled".
    """

    norm: float
    norms: Float[np.ndarray, " k"]
    radii: Float[np.ndarray, " k"]
    crossings: Float[np.ndarray, "m 2"]
    status: CriticalNormStatus
    f0: str

    def __repr__(self) -> str:
        """Say what was found."""
        text = self.status.message
        if self.status == CriticalNormStatus.FOUND:
            text = f"{self.norm:.7g}, {len(self.crossings)} crossing(s) on the grid"
        return f"CriticalNorm(f0 {self.f0}: {text})"


def critical_norm(
    patterns: ArrayLike,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    f0: str = "sampled",
    width: int = 10_000,
    key: int = 0,
    norms: ArrayLike | None = None,
    progress: Progress = None,
) -> CriticalNorm:
    """Return the norm at which the spectral radius at all patterns first falls below 1.

    Args:
        patterns: (n, d), more of them than dim included. They are scaled to one norm at a time.
        activation: a name or an object of `attractory.activations`.
        depth: number of weight matrices, at least 2.
        f0: "sampled" from a network of that width and key, the same at all norms; or "zero".
        width, key: of the network.
        norms: the grid, ascending; by default 32 norms from 0.03 to 100 √dim.
        progress: a bar or none, or a function of evaluations done and expected; see `Progress`.

    Returns:
        The norm to 1e-7 of itself, with the grid it was found on.

    Raises:
        ValueError: for values out of range, zero patterns, or if the patterns can be stored at no
            norm of the grid.

    Example:
        >>> from attractory.datasets import sphere
        >>> x, norms = sphere(5, 16), np.geomspace(1, 100, 7)
        >>> result = critical_norm(x, activation="erf", width=400, norms=norms)
        >>> result.status.name, bool(1 < result.norm < 100)
        ('FOUND', True)
        >>> critical_norm(x, activation="erf", f0="zero", norms=norms).status.name
        'CENTERED'
    """
    x = as_points(patterns, "patterns")
    no_zero_rows(x, "patterns")
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    dim, act = x.shape[1], find_activation(activation)
    if norms is None:
        grid = np.geomspace(*_SPAN, _POINTS) * np.sqrt(dim)
    else:
        grid = ascending(norms, "norms")
    start = None
    if choice(f0, "f0", ("zero", "sampled")) == "sampled":
        start = Autoencoder(
            dim, width=width, depth=depth, activation=act, key=key, dtype=np.float64
        )

    def excess(norm: float) -> float:
        return _largest_radius(norm * unit, start, act, depth) - 1

    expected = len(grid) + 12  # evaluations Brent's method takes at about this accuracy
    with reporting(progress, "critical norm", counting) as show:
        done, values, last = 0, [], None
        for norm in grid:
            try:
                values.append(excess(norm))
            except SingularKernelError as error:  # the norm is too small
                values.append(np.nan)
                last = error
            done += 1
            show(done, expected)
        above = np.array(values)
        if not np.isfinite(above).any():
            raise ValueError(f"patterns can be stored at no norm of the grid: {last}") from last
        first = _first_fall(above)

        def counted(log_norm: float) -> float:
            nonlocal done
            done += 1
            show(min(done, expected), expected)
            return excess(float(np.exp(log_norm)))

        found = np.nan
        if first is not None:
            ends = np.log(grid[list(first)])
            root: Any = brentq(counted, *ends, xtol=_ACCURACY / 4)
            found = float(np.exp(root))
    status = CriticalNormStatus.FOUND
    if first is None:
        status = CriticalNormStatus.BELOW if start is not None else CriticalNormStatus.CENTERED
        if (above > _ABOVE).any():
            status = CriticalNormStatus.ABOVE
    return CriticalNorm(
        norm=found,
        norms=grid,
        radii=above + 1,
        crossings=_crossings(grid, above),
        status=status,
        f0=f0,
    )


def _largest_radius(x: np.ndarray, start: Autoencoder | None, act: Activation, depth: int) -> float:
    f = (
        fit_regression(x, activation=act, depth=depth)
        if start is None
        else fit_sampled_regression(start, x)
    )
    if not f.interpolates:
        raise SingularKernelError("K is nearly singular there; raise the smallest norm")
    return float(spectral_radius(f, x).max())


def _first_fall(above: np.ndarray) -> tuple[int, int] | None:
    """Return the neighbours on the grid between which the radius first falls below 1."""
    known = np.flatnonzero(np.isfinite(above))
    for a, b in pairwise(known):
        if above[a] > _ABOVE and above[b] < 0:
            return int(a), int(b)
    return None


def _crossings(grid: np.ndarray, above: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(np.isfinite(above))
    pairs = [
        (grid[a], grid[b])
        for a, b in pairwise(known)
        if (above[a] > _ABOVE) != (above[b] > _ABOVE) and min(above[a], above[b]) < 0
    ]
    return np.array(pairs, float).reshape(-1, 2)
