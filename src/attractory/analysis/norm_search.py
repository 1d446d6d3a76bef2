r"""Memories of the same patterns at different norms, and the norm that recalls from farthest.

The norm of the patterns sets how nonlinear the map is over the distance between them. At small norm
the map is nearly linear: every spectral radius is close to 1, and recall is slow. At large norm the
patterns are strongly attracting, but each answers only to cues within an angle of some 2√dim/norm.
Relative to the norm the basin therefore grows, then shrinks, and one norm is best.

The **relative radius** of a memory is the size of the noise, relative to the patterns' norm, up to
which a wanted share of cues is recalled. `best_norm` maximises it over the logarithm of the norm: a
few fits spread over the range bracket the peak, then Brent's method (successive parabolas, with
golden sections as a safeguard) closes in. All norms and sizes share their random numbers, without
which the noise of sampling would hide the peak.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from attractory._util.progress import counting, reporting
from attractory._util.validation import as_points, ascending, share, whole
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.analysis.certificate import Certificate, certified_radius
from attractory.analysis.corruption import SHARES, Kind
from attractory.analysis.curves import RecallCurve, recall_curve
from attractory.analysis.spectrum import spectral_radius
from attractory.datasets import rescale
from attractory.maps.kernel_regression import KernelRegression, fit_regression
from attractory.maps.protocol import Map, SingularKernelError

__all__ = ["BestNorm", "NormProfile", "best_norm", "norm_profile", "relative_radius"]

_RANGE = (0.2, 40.0)  # of √dim: where the norm is looked for by default
_SPREAD = 6  # fits that bracket the peak
_SIZES = (1e-3, 10.0)  # relative sizes between which the radius is bisected
_WIDTH = 0.02  # relative width of its last bracket


@dataclass(frozen=True)
class NormProfile:
    """Memories of the same patterns at m norms.

    Attributes:
        norms: (m,).
        spectral_radius: of the Jacobian at each pattern, (m, n).
        curves: recall from noise relative to the norm, one a norm.
        certificates: certified radii at the patterns, one a norm; None if they were not asked for.
        residual: largest ‖f(x) − x‖/‖x‖ of each memory, (m,).
        activation, depth: of the memories.
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
class BestNorm:
    """The norm with the largest relative radius found.

    Attributes:
        norm: the norm.
        radius: its relative radius.
        norms, radii: every memory that was fitted, in ascending norm, (m,) each.
        at_edge: whether the best is an end of the range, so that a wider one may hold a better.
        settings: the arguments; the same ones give the same result.
    """

    norm: float
    radius: float
    norms: Float[np.ndarray, " m"]
    radii: Float[np.ndarray, " m"]
    at_edge: bool
    settings: dict[str, Any]

    @property
    def fits(self) -> int:
        """Memories fitted."""
        return len(self.norms)

    def __repr__(self) -> str:
        """Summarise."""
        edge = ", at the edge of the range" if self.at_edge else ""
        return (
            f"BestNorm({self.norm:.4g}: noise up to {self.radius:.3g} of the norm, "
            f"{self.fits} fits{edge})"
        )


def norm_profile(
    patterns: ArrayLike,
    norms: ArrayLike,
    *,
    sizes: ArrayLike = (0.1, 0.2, 0.4, 0.6, 1.0, 1.5, 2.0),
    center: bool = True,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    corruption: Kind = "gaussian",
    trials: int = 20,
    max_steps: int = 200,
    tolerance: float = 0.01,
    certify: bool = True,
    seed: int = 0,
    progress: bool | Callable[[int, int], object] | None = None,
) -> NormProfile:
    """Store the patterns at each norm, and measure spectra, recall and certified radii.

    Args:
        patterns: (n, d); each memory holds `rescale(patterns, norm, center)`.
        norms: ascending, (m,).
        sizes: of the corruption, relative to the norm (or shares), ascending.
        center, activation, depth: as for `rescale` and `fit_regression`.
        corruption, trials, max_steps, tolerance, seed: as for `recall_curve`.
        certify: whether to certify radii (depth 2 only).
        progress: True or False for a bar; by default one on a terminal if the run takes long. Or a
            function of norms done and norms in all.

    Raises:
        ValueError: for norms or sizes that are not above 0 and ascending, and as the parts raise
            it: a norm so small that the memory does not hold its patterns, for instance.

    Example:
        >>> from attractory.datasets import sphere
        >>> x = sphere(4, 20)
        >>> settings = {"activation": "erf", "sizes": [0.5], "trials": 5, "certify": False}
        >>> profile = norm_profile(x, [10.0, 60.0], **settings)
        >>> profile.spectral_radius.shape, profile.recalled.shape
        ((2, 4), (2, 1))
    """
    values, sizes = ascending(norms, "norms"), ascending(sizes, "sizes")
    radii, curves, certificates, residual = [], [], [], []
    name = find_activation(activation).name
    with reporting(progress, "norms", counting) as report:
        for k, norm in enumerate(values):
            x, f = _memory(patterns, norm, center, activation, depth)
            radii.append(spectral_radius(f, x))
            curves.append(
                recall_curve(
                    f, x, sizes, corruption=corruption, trials=trials, max_steps=max_steps,
                    tolerance=tolerance, seed=seed, progress=False,
                )
            )  # fmt: skip
            if certify:
                certificates.append(certified_radius(f, x))
            residual.append(float(f.residual))
            report(k + 1, len(values))
    return NormProfile(
        values, np.stack(radii), tuple(curves), tuple(certificates) if certify else None,
        np.array(residual), name, depth,
    )  # fmt: skip


def relative_radius(
    f: Map,
    patterns: ArrayLike,
    *,
    success: float = 0.9,
    corruption: Kind = "gaussian",
    trials: int = 20,
    max_steps: int = 200,
    tolerance: float = 0.01,
    seed: int = 0,
) -> float:
    """Return the size of noise up to which a wanted share of cues is recalled.

    It is found by bisection between 0.001 and 10 (1 for shares), to 2 %; every size meets the same
    random numbers. 0 if the share is missed at the smallest size, the largest if it never is.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations.
        patterns: stored patterns, (n, d).
        success: share of all cues, between 0 and 1.
        corruption, trials, max_steps, tolerance, seed: as for `recall_curve`; sizes are relative to
            each pattern's norm.

    Raises:
        ValueError: as `recall_curve`, and for a share not between 0 and 1.

    Example:
        >>> from attractory import fit_regression
        >>> from attractory.datasets import sphere
        >>> patterns = sphere(4, 20, norm=20.0)
        >>> 0.3 < relative_radius(fit_regression(patterns, activation="erf"), patterns) < 3.0
        True
    """
    wanted = share(success, "success")
    low, high = _SIZES[0], 1.0 if corruption in SHARES else _SIZES[1]

    def recalled(size: float) -> bool:
        curve = recall_curve(
            f, patterns, [size], corruption=corruption, trials=trials, max_steps=max_steps,
            tolerance=tolerance, extra_steps=0, seed=seed, progress=False,
        )  # fmt: skip
        return bool(curve.pooled_fraction[0] >= wanted)

    if not recalled(low):
        return 0.0
    if recalled(high):
        return high
    while high > low * (1 + _WIDTH):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if recalled(middle) else (low, middle)
    return low


def best_norm(
    patterns: ArrayLike,
    *,
    success: float = 0.9,
    norms: ArrayLike | None = None,
    fits: int = 10,
    center: bool = True,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    corruption: Kind = "gaussian",
    trials: int = 20,
    max_steps: int = 200,
    tolerance: float = 0.01,
    seed: int = 0,
    progress: bool | Callable[[int, int], object] | None = None,
) -> BestNorm:
    """Find the norm whose memory recalls a wanted share of cues from the largest relative noise.

    Args:
        patterns: (n, d).
        success: wanted share of cues recalled.
        norms: least and largest norm to look at; 0.2 to 40 times √d by default.
        fits: most memories to fit, at least 3.
        center, activation, depth: as for `rescale` and `fit_regression`.
        corruption, trials, max_steps, tolerance, seed: as for `relative_radius`.
        progress: as for `norm_profile`, of fits.

    Raises:
        ValueError: for a range that is not ascending and above 0, fewer than 3 fits, and as the
            parts raise it; and if no norm of the range recalls the wanted share.

    Example:
        >>> from attractory.datasets import sphere
        >>> best = best_norm(sphere(3, 20), activation="erf", fits=5, trials=4)
        >>> best.fits <= 5, bool(best.radius == best.radii.max())
        (True, True)
    """
    x = as_points(patterns, "patterns")
    span = np.sqrt(x.shape[1]) * np.array(_RANGE) if norms is None else norms
    ends = ascending(span, "norms")
    if len(ends) != 2:
        raise ValueError(f"norms must be two numbers, the least and the largest, got {len(ends)}")
    low, high = ends
    share(success, "success")
    fits = whole(fits, "fits", 3)
    known: dict[float, float] = {}
    settings = {
        "success": success, "norms": (float(low), float(high)), "fits": fits, "center": center,
        "corruption": corruption, "trials": trials, "max_steps": max_steps,
        "tolerance": tolerance, "seed": seed, "depth": depth,
    }  # fmt: skip

    with reporting(progress, "best norm", counting) as report:

        def loss(log: float) -> float:
            norm = float(np.exp(log))
            if norm not in known:
                if len(known) >= fits:
                    raise _Spent
                known[norm] = _radius_at(x, norm, settings, activation)
                report(len(known), fits)
            return -known[norm]

        logs = np.linspace(np.log(low), np.log(high), min(_SPREAD, fits))
        values = [loss(log) for log in logs]
        best = int(np.argmin(values))
        if 0 < best < len(logs) - 1:
            with suppress(_Spent):
                minimize_scalar(loss, bracket=tuple(logs[best - 1 : best + 2]), method="brent")
    tried = np.array(sorted(known))
    radii = np.array([known[norm] for norm in tried])
    if not radii.any():
        raise ValueError(
            f"norms from {low:.3g} to {high:.3g} hold none at which {success:.0%} of the cues are "
            "recalled; fewer patterns, a smaller share or more steps would do"
        )
    pick = int(radii.argmax())
    return BestNorm(
        float(tried[pick]), float(radii[pick]), tried, radii, pick in (0, len(tried) - 1), settings
    )


class _Spent(Exception):
    """All the fits allowed have been made."""


def _memory(
    patterns: ArrayLike, norm: float, center: bool, activation: str | Activation, depth: int
) -> tuple[Float[np.ndarray, "n d"], KernelRegression]:
    x = rescale(patterns, float(norm), center)
    return x, fit_regression(x, activation=activation, depth=depth)


def _radius_at(
    patterns: np.ndarray, norm: float, settings: dict[str, Any], activation: str | Activation
) -> float:
    """Return the relative radius of the memory of one norm, 0 if it does not hold its patterns."""
    try:
        x, f = _memory(patterns, norm, settings["center"], activation, settings["depth"])
    except SingularKernelError:
        return 0.0
    if float(f.residual) > settings["tolerance"]:
        return 0.0
    names = ("success", "corruption", "trials", "max_steps", "tolerance", "seed")
    return relative_radius(f, x, **{name: settings[name] for name in names})
