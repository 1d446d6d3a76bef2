r"""The same patterns stored at different norms, and the norm that recalls from the largest noise.

The norm of the patterns sets how nonlinear the map is over the distance between them. At small norm
the map is nearly linear: every spectral radius is close to 1, and recall is slow. At large norm the
patterns are strongly attracting, but only cues within an angle of about 2√dim/norm are recalled.
Relative to the norm the basin therefore grows, then shrinks, and one norm is best.

The **relative radius** of a map is the size of the noise, relative to the patterns' norm, up to
which a wanted share of cues is recalled. `best_norm` maximises it over the logarithm of the norm: a
few fits spread over the range bracket the peak, then Brent's method (successive parabolas, with
golden sections as a safeguard) refines it. All norms and sizes use the same random numbers;
otherwise the noise of sampling would hide the peak.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from attractory._util.aliases import ArrayLike
from attractory._util.plotted import Plotted
from attractory._util.progress import Progress, counting, reporting
from attractory._util.validation import as_points, ascending, share, whole
from attractory.analysis.certificate import Certificate, certified_radius
from attractory.analysis.corruption import Noise
from attractory.analysis.curves import RecallCurve, recall_curve, recalled_share
from attractory.analysis.outcomes import RecallRule
from attractory.analysis.spectrum import spectral_radius
from attractory.datasets import rescale
from attractory.maps.kernel_regression import KernelRegression, fit_regression
from attractory.maps.protocol import Map, SingularKernelError

__all__ = ["BestNorm", "NormProfile", "best_norm", "norm_profile", "relative_radius"]

_RANGE = (0.2, 40.0)  # norms searched by default, in units of √dim
_SPREAD = 6  # fits that bracket the peak
_SIZES = (1e-3, 10.0)  # between which the relative radius is bisected, relative to the norm
_WIDTH = 0.02  # relative width of its last bracket

Fit = Callable[[Float[np.ndarray, "n d"]], KernelRegression]


@dataclass(frozen=True)
class NormProfile(Plotted):
    """Maps that store the same patterns at m norms.

    Attributes:
        norms: (m,).
        spectral_radius: of the Jacobian at each pattern, (m, n).
        curves: recall from noise, one a norm.
        certificates: certified radii at the patterns, one a norm; None if they were not asked for.
        residual: largest ‖f(x) − x‖/‖x‖ of each map, (m,).
        activation, depth: of the maps.
    """

    norms: Float[np.ndarray, " m"]
    spectral_radius: Float[np.ndarray, "m n"]
    curves: tuple[RecallCurve, ...]
    certificates: tuple[Certificate, ...] | None
    residual: Float[np.ndarray, " m"]
    activation: str
    depth: int

    @property
    def recalled(self) -> Float[np.ndarray, "m s"]:
        """Share of cues recalled by norm and size, (m, s)."""
        return np.stack([curve.pooled_fraction for curve in self.curves])

    @property
    def certified(self) -> Float[np.ndarray, "m n"] | None:
        """Certified radius over the norm, (m, n)."""
        if self.certificates is None:
            return None
        return np.stack([c.radius for c in self.certificates]) / self.norms[:, None]

    def __repr__(self) -> str:
        """Summarise."""
        return (
            f"NormProfile({len(self.norms)} norms {self.norms[0]:g} … {self.norms[-1]:g}, "
            f"{self.activation}, depth {self.depth})"
        )


@dataclass(frozen=True)
class BestNorm(Plotted):
    """The norm with the largest relative radius found.

    Attributes:
        norm: the norm.
        radius: its relative radius.
        norms, radii: every norm that was tried, ascending, and its relative radius, (m,) each.
        tied: least and largest of the norms that were tried whose radius is the best, up to the
            2 % to which radii are found.
        at_edge: whether one of these is an end of the range, so that a wider one may hold a better.
        at_least: whether the share is recalled even from the largest noise looked at, so that the
            radius is a lower bound.
        settings: the arguments; the same ones give the same result.
    """

    norm: float
    radius: float
    norms: Float[np.ndarray, " m"]
    radii: Float[np.ndarray, " m"]
    tied: tuple[float, float]
    at_edge: bool
    at_least: bool
    settings: dict[str, Any]

    @property
    def fits(self) -> int:
        """How many maps were fitted."""
        return len(self.norms)

    def __repr__(self) -> str:
        """Summarise."""
        low, high = self.tied
        edge = ", at the edge of the range" if self.at_edge else ""
        tie = "" if low == high else f", tied from {low:.4g} to {high:.4g}"
        bound = "at least " if self.at_least else ""
        return (
            f"BestNorm({self.norm:.4g}{tie}: noise up to {bound}{self.radius:.3g} of the norm, "
            f"{self.fits} fits{edge})"
        )


def norm_profile(
    patterns: ArrayLike,
    norms: ArrayLike,
    *,
    sizes: ArrayLike = (0.1, 0.2, 0.4, 0.6, 1.0, 1.5, 2.0),
    fit: Fit = fit_regression,
    noise: Noise = Noise(),
    trials: int = 20,
    rule: RecallRule = RecallRule(max_steps=200),
    certify: bool = True,
    progress: Progress = None,
) -> NormProfile:
    """Store the patterns at each norm, and measure spectra, recall and certified radii.

    Args:
        patterns: (n, d), of which the directions count; take the mean off images first, whose
            directions are close to one another.
        norms: ascending, (m,).
        sizes: of the corruption, as for `recall_curve`, ascending.
        fit: makes the map of patterns (n, d) of one norm; `functools.partial(fit_regression,
            activation="erf", depth=3)` for instance.
        noise, trials, rule: as for `recall_curve`.
        certify: whether to certify radii (depth 2 only).
        progress: a bar or none, or a function of norms done and norms in all; see `Progress`.

    Raises:
        ValueError: for norms or sizes that are not above 0 and ascending, and as the parts raise
            it: a norm so small that the map does not hold its patterns, for instance.

    Example:
        >>> from functools import partial
        >>> from attractory.datasets import sphere
        >>> fit = partial(fit_regression, activation="erf")
        >>> settings = {"sizes": [0.5], "trials": 5, "certify": False}
        >>> profile = norm_profile(sphere(4, 16), [10.0, 60.0], fit=fit, **settings)
        >>> profile.spectral_radius.shape, profile.recalled.shape
        ((2, 4), (2, 1))
    """
    values, sizes = ascending(norms, "norms"), ascending(sizes, "sizes")
    maps, radii, curves, certificates = [], [], [], []
    with reporting(progress, "norms", counting) as report:
        for k, norm in enumerate(values):
            x = rescale(patterns, float(norm), center=False)
            f = fit(x)
            maps.append(f)
            radii.append(spectral_radius(f, x))
            curves.append(
                recall_curve(f, x, sizes, noise=noise, trials=trials, rule=rule, progress=False)
            )
            if certify:
                certificates.append(certified_radius(f, x))
            report(k + 1, len(values))
    return NormProfile(
        norms=values,
        spectral_radius=np.stack(radii),
        curves=tuple(curves),
        certificates=tuple(certificates) if certify else None,
        residual=np.array([float(f.residual) for f in maps]),
        activation=maps[0].activation.name,
        depth=maps[0].depth,
    )


def relative_radius(
    f: Map,
    patterns: ArrayLike,
    *,
    success: float = 0.9,
    noise: Noise = Noise(),
    trials: int = 20,
    rule: RecallRule = RecallRule(max_steps=200),
) -> float:
    """Return the size of noise up to which a wanted share of cues is recalled.

    It is found by bisection between 0.001 and 10 (1 for shares), to 2 %; every size meets the same
    random numbers. 0 if the share is missed at the smallest size, the largest if it never is.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations.
        patterns: stored patterns, (n, d).
        success: share of all cues, between 0 and 1.
        noise, trials, rule: as for `recall_curve`; sizes are relative to each pattern's norm. Cues
            not recalled by the step limit count as missed, whether they are lost or only slow, and
            are not followed any further: with a spectral radius near 1 raise `max_steps`.

    Raises:
        ValueError: as `recall_curve`, for a share not between 0 and 1, and for noise that is not
            relative.

    Example:
        >>> from attractory import fit_regression
        >>> from attractory.datasets import sphere
        >>> patterns = sphere(4, 16, norm=20.0)
        >>> 0.3 < relative_radius(fit_regression(patterns, activation="erf"), patterns) < 3.0
        True
    """
    wanted = share(success, "success")
    _check_relative(noise)
    rule = replace(rule, extra_steps=0)
    low, high = _SIZES[0], _largest_size(noise)
    share_at = recalled_share(f, patterns, noise=noise, trials=trials, rule=rule)
    if share_at(low) < wanted:
        return 0.0
    if share_at(high) >= wanted:
        return high
    while high > low * (1 + _WIDTH):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if share_at(middle) >= wanted else (low, middle)
    return low


def best_norm(
    patterns: ArrayLike,
    *,
    success: float = 0.9,
    norms: ArrayLike | None = None,
    fits: int = 10,
    fit: Fit = fit_regression,
    noise: Noise = Noise(),
    trials: int = 20,
    rule: RecallRule = RecallRule(max_steps=200),
    progress: Progress = None,
) -> BestNorm:
    """Find the norm at which a wanted share of cues is recalled from the largest relative noise.

    Args:
        patterns: (n, d), of which the directions count; take the mean off images first.
        success: wanted share of cues recalled.
        norms: least and largest norm to look at; 0.2 to 40 times √d by default.
        fits: most maps to fit, at least 3.
        fit: makes the map, as for `norm_profile`.
        noise, trials, rule: as for `relative_radius`.
        progress: as for `norm_profile`, of fits.

    Raises:
        ValueError: for a range that is not ascending and above 0, fewer than 3 fits, and as the
            parts raise it; and if no norm of the range recalls the wanted share.

    Example:
        >>> from functools import partial
        >>> from attractory.datasets import sphere
        >>> fit = partial(fit_regression, activation="erf")
        >>> best = best_norm(sphere(4, 16), fit=fit, fits=3, trials=4)
        >>> best.fits <= 3, bool(best.radius == best.radii.max())
        (True, True)
    """
    x = as_points(patterns, "patterns")
    span = np.sqrt(x.shape[1]) * np.array(_RANGE) if norms is None else norms
    ends = ascending(span, "norms")
    if len(ends) != 2:
        raise ValueError(f"norms must be two numbers, the least and the largest, got {len(ends)}")
    low, high = ends
    success, fits = share(success, "success"), whole(fits, "fits", 3)
    _check_relative(noise)
    known: dict[float, float] = {}

    with reporting(progress, "best norm", counting) as report:

        def loss(log_norm: float) -> float:
            norm = float(np.exp(log_norm))
            if norm not in known:
                if len(known) >= fits:
                    raise _Spent
                points = rescale(x, norm, center=False)
                f = _fitted(fit, points, rule.tolerance)
                known[norm] = 0.0 if f is None else relative_radius(
                    f, points, success=success, noise=noise, trials=trials, rule=rule
                )  # fmt: skip
                report(len(known), fits)
            return -known[norm]

        logs = np.linspace(np.log(low), np.log(high), min(_SPREAD, fits))
        values = np.array([loss(log) for log in logs])
        best = int(np.argmin(values))
        # Radii are in steps of the bisection, so neighbours may tie with the best.
        worse = np.flatnonzero(values > values[best])
        if worse.size and worse[0] < best < worse[-1]:
            beyond = worse[worse > best][0]
            with suppress(_Spent):
                bracket = logs[best - 1], logs[best], logs[beyond]
                minimize_scalar(loss, bracket=bracket, method="brent")
    tried = np.array(sorted(known))
    radii = np.array([known[norm] for norm in tried])
    if not radii.any():
        raise ValueError(
            f"norms from {low:.3g} to {high:.3g} hold none at which {success:.0%} of the cues are "
            "recalled; fewer patterns, a smaller share or more steps would do"
        )
    pick = int(radii.argmax())
    tied = np.flatnonzero(radii >= radii[pick] / (1 + _WIDTH))
    return BestNorm(
        norm=float(tried[pick]),
        radius=float(radii[pick]),
        norms=tried,
        radii=radii,
        tied=(float(tried[tied[0]]), float(tried[tied[-1]])),
        at_edge=bool(tied[0] == 0 or tied[-1] == len(tried) - 1),
        at_least=bool(radii[pick] >= _largest_size(noise)),
        settings={
            "success": success, "norms": (float(low), float(high)), "fits": fits, "fit": fit,
            "noise": noise, "trials": trials, "rule": rule,
        },
    )  # fmt: skip


class _Spent(Exception):
    """All the fits allowed have been made."""


def _largest_size(noise: Noise) -> float:
    return 1.0 if noise.is_share else _SIZES[1]


def _check_relative(noise: Noise) -> None:
    if not noise.relative:
        raise ValueError("noise must be relative to the norm here, got relative=False")


def _fitted(
    fit: Fit, patterns: Float[np.ndarray, "n d"], tolerance: float
) -> KernelRegression | None:
    """Return the map of patterns of one norm, None if it does not hold them."""
    try:
        f = fit(patterns)
    except SingularKernelError:
        return None
    return f if float(f.residual) <= tolerance else None
