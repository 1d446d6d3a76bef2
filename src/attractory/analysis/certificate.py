r"""A ball around a fixed point that is proven to lie in its basin.

The point given is nearly fixed; Newton's method finds the fixed point x* beside it. From any cue
x = x* + δ with ‖δ‖ ≤ R one step of the map reduces the distance by a factor. With
f(x* + δ) = x* + e + F(δ), e the residual at x*, the condition is

    ‖F(δ)‖ ≤ γ‖δ‖ for all ‖δ‖ ≤ R,   and   γR + ‖e‖ < R.

Then the distance obeys ‖δ'‖ ≤ γ‖δ‖ + ‖e‖, the ball is never left, and every orbit ends within the
floor ‖e‖/(1 − γ) of x*. Around the point given the ball is smaller, and the floor larger, by its
distance from x*. The Euclidean norm does as long as ‖J(x*)‖ < 1. Where that is 1 or more
but the spectral radius is below 1, the same is done in the norm √(δᵀPδ), P from a
Lyapunov equation, and R is the radius of the largest round ball in that ellipsoid.

γ(R) comes from the mean of the Jacobian along the segment from x* to x* + δ:

- the kernel map of depth 2 with f0 = 0 is Aᵀθ(s, p): the means of its slopes lie between bounds
  (`analysis.certificate_slopes`), each an unknown factor on one row of X̂, and the worst case over
  all of them together is bounded by multipliers (`analysis.certificate_gain`); of near-duplicate
  patterns, whose coefficients are huge and opposite, it is the difference that is bounded
  (`analysis.certificate_clusters`);
- of few patterns the ball may be grown by shells around it, in whose bounds what correlations and
  lengths do to near patterns has cancelled (`analysis.certificate_shells`);
- of many patterns all terms are bounded together, about the Jacobian
  (`analysis.certificate_rivals`);
- in a depth-2 network the mean of each unit's slope lies between bounds, Δ_j, and
  ‖W₂ diag(Δ) W₁‖² ≤ ‖W₂ diag(Δ) W₂ᵀ‖ ‖W₁ᵀ diag(Δ) W₁‖;
- a map with biases is one without on more coordinates, which stay constant;
- for any other map the caller bounds ‖J(x* + δ) − J(x*)‖ over a ball.

It is computed in double precision with a stated slack: sums are inflated by 1e-9 and radii by 1e-9
of the point's norm, where rounding is some 1e-13. Certified is the map in exact arithmetic with the
coefficients as stored; logistic and tanh kernels are those of their mixtures of error functions
(relative error 1e-14). Recall in float32 ends within its own rounding of that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import solve_discrete_lyapunov
from threadpoolctl import threadpool_limits

from attractory._util.aliases import ArrayLike
from attractory._util.contraction import BELOW_ONE
from attractory._util.machine import refuse_square_matrices
from attractory._util.plotted import Plotted
from attractory._util.precision import double, full_precision
from attractory._util.progress import Progress, counting, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_points, positive
from attractory.activations import ErfMixture
from attractory.analysis.certificate_gain import SLACK, Gain, conjugated
from attractory.analysis.certificate_kernel import kernel_gain
from attractory.analysis.certificate_rivals import RivalBound
from attractory.analysis.certificate_shells import MOST_PATTERNS, Shells
from attractory.analysis.cycles import refine_cycle
from attractory.analysis.spectrum import orbit_jacobian
from attractory.kernels.matrices import kernel_matrix
from attractory.maps.biased import Biased
from attractory.maps.kernel_regression import KernelRegression
from attractory.maps.network import Autoencoder
from attractory.maps.protocol import Map, dim_of

__all__ = ["Certificate", "CertificateStatus", "certified_radius"]

_MATRICES = 4  # d × d ones that the certificate of a map with a dense Jacobian takes
_EXACT = 1e-9  # residual, relative to the point's norm, from which a better point is sought
_BESIDE = 0.1  # how far from the point it may be, relative to the norm
_UNIT = 1e-15  # rounding of a kernel's value, relative
_PARTS = 8  # of a segment over which the Jacobian's mean is bounded
_FIRST = 0.03  # radius at which the search begins, relative to the point's norm
_SMALLEST, _LARGEST = 1e-8, 1e3  # radii searched, relative to the point's norm
_RESOLUTION = 1.01  # ratio of the least radius that failed and the largest certified

# (point, radius) ↦ bound on the change of the Jacobian over that ball
Change = Callable[[np.ndarray, float], float]
# point ↦ Jacobian there, and the gain over balls around it
Route = Callable[[np.ndarray], tuple[np.ndarray, Gain]]


class CertificateStatus(StatusEnum):
    """Whether a point has a certificate, and why not."""

    CERTIFIED = 0, "every cue within the radius ends no farther from the point than the floor"
    NOT_CONTRACTING = 1, "no ball could be certified: the map does not contract enough at the point"
    NOT_FIXED = 2, "the point is no fixed point, so it has no basin"


@dataclass(frozen=True)
class Certificate(Plotted):
    """Certified radii at k points, in the units of the points.

    Attributes:
        radius: every cue nearer than this ends within `floor` of the point, (k,); 0 where nothing
            could be certified, NaN where the point is no fixed point.
        rate: factor by which each step reduces the distance of such a cue from `fixed_point`, (k,),
            in the norm of `condition`, NaN without a certificate.
        floor: distance from the point within which the orbits end, (k,): at least that of the fixed
            point. A point that is only nearly fixed is not where they end.
        fixed_point: where they end, up to rounding, (k, d); NaN without a certificate.
        residual: ‖f(x) − x‖ at the points, (k,).
        condition: 1 where the norm is the Euclidean one, else √cond P, (k,).
        status: `CertificateStatus` values, (k,).
    """

    radius: Float[np.ndarray, " k"]
    rate: Float[np.ndarray, " k"]
    floor: Float[np.ndarray, " k"]
    fixed_point: Float[np.ndarray, "k d"]
    residual: Float[np.ndarray, " k"]
    condition: Float[np.ndarray, " k"]
    status: Int[np.ndarray, " k"]

    @property
    def certified(self) -> np.ndarray:
        """Which points have a certificate, (k,)."""
        return self.status == CertificateStatus.CERTIFIED

    def __repr__(self) -> str:
        """Summarise."""
        done = self.radius[self.certified]
        spread = ""
        if len(done):
            spread = (
                f", radii {done.min():.3g} … {done.max():.3g}, whose cues end at most "
                f"{self.floor[self.certified].max():.3g} from the point"
            )
        return f"Certificate({len(done)} of {len(self.radius)} points{spread})"


@double
def certified_radius(
    f: Map,
    points: ArrayLike,
    *,
    jacobian_change: Change | None = None,
    tolerance: float = 1e-3,
    grown: bool = False,
    progress: Progress = None,
) -> Certificate:
    """Return a radius around each point within which every cue is proven to end there.

    "There" is the fixed point at the point or beside it: within `floor` of the point.

    Args:
        f: a `KernelRegression` or an `Autoencoder` of depth 2, or any map with `jacobian_change`.
        points: (k, d), fixed points such as the stored patterns.
        jacobian_change: for a map of your own, a function of a point (d,) and a radius that bounds
            ‖J(x) − J(point)‖ (largest singular value) over the ball of that radius; it must not
            fall as the radius grows. The certificate is as good as this bound.
        tolerance: residual, relative to the point's norm, up to which it counts as a fixed point.
        grown: whether to grow the ball by shells, for kernel maps of depth 2 without biases: radii
            three to eight times as large. Of at most 64 patterns in seconds a point; of more it
            is another bound, which takes about 0.7 s a point at 1,000.
        progress: a bar or none, or a function of points done and points in all; see `Progress`.

    Raises:
        ValueError: for points that are not finite or of the wrong shape, tolerance ≤ 0, or a bound
            that is negative or not finite.
        TypeError: for a map whose Jacobian's change over a ball is not known.

    Example:
        >>> from attractory import fit_regression
        >>> from attractory.datasets import sphere
        >>> patterns = sphere(4, 16, norm=30.0)
        >>> certificate = certified_radius(fit_regression(patterns), patterns)
        >>> certificate.certified.all(), bool((certificate.radius > 0.3).all())
        (np.True_, True)
    """
    x = as_points(points, "points", dim_of(f))
    tolerance = positive(tolerance, "tolerance")
    route = _route(f, jacobian_change)
    rows: list[_Row] = []
    # The matrices are small: several threads on one would only wait for each other.
    with threadpool_limits(1), reporting(progress, "certificates", counting) as report:
        for k, point in enumerate(x):
            wider = grown and jacobian_change is None and _is_plain(f)
            row = _certify(f, point, route, tolerance, wider)
            rows.append(_grown(f, point, row) if wider else row)
            report(k + 1, len(x))
    return Certificate(
        radius=np.array([row.radius for row in rows]),
        rate=np.array([row.rate for row in rows]),
        floor=np.array([row.floor for row in rows]),
        fixed_point=np.array([row.fixed_point for row in rows]),
        residual=np.array([row.residual for row in rows]),
        condition=np.array([row.condition for row in rows]),
        status=np.array([int(row.status) for row in rows]),
    )


class _Row(NamedTuple):
    """The certificate of one point; see `Certificate`."""

    radius: float
    rate: float
    floor: float
    fixed_point: np.ndarray
    residual: float
    condition: float
    status: CertificateStatus


def _route(f: Map, change: Change | None) -> Route:
    """Return the function that gives the Jacobian at a point and the gain over a ball around it."""
    if change is not None:
        return lambda point: _generic(f, point, change)
    inner = _innermost(f)
    if isinstance(inner, KernelRegression) and inner.depth == 2:
        return lambda point: kernel_gain(inner, _lifted(f, point), len(point))
    if isinstance(inner, Autoencoder) and inner.depth == 2:
        return lambda point: _network(inner, _lifted(f, point), len(point))
    f = inner
    depth = getattr(f, "depth", None)
    known = type(f).__name__ + ("" if depth is None else f" of depth {depth}")
    raise TypeError(
        "f must be a centred KernelRegression or an Autoencoder, of depth 2, for its Jacobian's "
        f"change over a ball to be known; got {known}; pass jacobian_change for it"
    )


def _certify(
    f: Map, point: np.ndarray, route: Route, tolerance: float, wider: bool = False
) -> _Row:
    """Return the largest ball that some norm certifies around one point.

    Args:
        wider: whether the bound of many patterns is taken, where it proves anything.
    """
    norm = float(np.linalg.norm(point))
    f = _wide(f)
    value = np.asarray(f(point), float)
    if value.shape != point.shape:
        raise TypeError(f"f must map (…, d) to (…, d); it turned {point.shape} into {value.shape}")
    residual = float(np.linalg.norm(value - point))
    scale, nowhere = norm if norm > 0 else 1.0, np.full(point.shape, np.nan)
    if not residual <= tolerance * scale:
        return _Row(np.nan, np.nan, np.nan, nowhere, residual, np.nan, CertificateStatus.NOT_FIXED)
    center, left = point, residual
    if residual > _EXACT * scale:
        refined = refine_cycle(f, point, 1, _BESIDE * scale)
        center, left = refined.points[0], refined.residual
    beside = float(np.linalg.norm(center - point)) * (1 + SLACK)
    slack = left * (1 + SLACK) + SLACK * scale * 1e-3 + _rounding(f, center)
    if wider and isinstance(f, KernelRegression) and len(f.patterns) > MOST_PATTERNS:
        assert isinstance(f.activation, ErfMixture)
        radius, rate = RivalBound(
            f.activation, center, np.asarray(f.patterns), np.asarray(f.coefficients)
        ).grow(slack)
        if radius > beside:
            floor = slack / (1 - rate) + beside
            done = CertificateStatus.CERTIFIED
            return _Row(radius - beside, rate, floor, center, residual, 1.0, done)
    jacobian, gain = route(center)
    best = _Row(0.0, np.nan, np.nan, nowhere, residual, np.nan, CertificateStatus.NOT_CONTRACTING)
    for shape in _shapes(jacobian):
        stretched = 1.0 if shape is None else float(np.linalg.norm(shape, 2))
        radius, rate = _search(lambda r, t=shape: gain(r, t), scale, slack * stretched)
        if radius / stretched - beside > best.radius:
            best = _Row(
                radius=radius / stretched - beside,
                rate=rate,
                floor=slack * stretched / (1 - rate) + beside,
                fixed_point=center,
                residual=residual,
                condition=stretched,
                status=CertificateStatus.CERTIFIED,
            )
    return best


def _is_plain(f: Map) -> bool:
    """Whether a map is one whose balls are grown."""
    return isinstance(f, KernelRegression) and f.depth == 2 and isinstance(f.activation, ErfMixture)


def _grown(f: Map, point: np.ndarray, row: _Row) -> _Row:
    """Return a certificate with shells around its ball, from which cues come to it."""
    assert isinstance(f, KernelRegression)
    assert isinstance(f.activation, ErfMixture)
    if not (
        row.status == CertificateStatus.CERTIFIED
        and row.condition == 1
        and len(f.patterns) <= MOST_PATTERNS
    ):
        return row
    beside = float(np.linalg.norm(row.fixed_point - point)) * (1 + SLACK)
    slack = (row.floor - beside) * (1 - row.rate) + SLACK * row.floor
    shells = Shells(
        f.activation, row.fixed_point, np.asarray(f.patterns), np.asarray(f.coefficients)
    )
    radius, rate = shells.grow(row.radius + beside, slack)
    return row._replace(radius=radius - beside, rate=max(row.rate, rate))


def _innermost(f: Map) -> Map:
    """Return a map without its biases."""
    while isinstance(f, Biased):
        f = f.inner
    return f


def _lifted(f: Map, point: np.ndarray) -> np.ndarray:
    """Return the point as the innermost map has it, constant coordinates appended."""
    while isinstance(f, Biased):
        point, f = np.asarray(f.lift(point)), f.inner
    return point


def _rounding(f: Map, point: np.ndarray) -> float:
    """Return what the residual may be wrong by: huge coefficients nearly cancel."""
    point, f = _lifted(f, point), _innermost(f)
    if not isinstance(f, KernelRegression):
        return 0.0
    values = np.abs(kernel_matrix(point[None], np.asarray(f.patterns), f.kernel, "ntk")[0])
    return _UNIT * float(values @ np.linalg.norm(np.asarray(f.coefficients), axis=1))


def _shapes(jacobian: np.ndarray) -> list[np.ndarray | None]:
    """Return T = √P ⪰ I for the norms ‖Tδ‖ worth trying; None is the Euclidean one."""
    if np.linalg.norm(jacobian, 2) < 1 - 1e-6:
        return [None]
    radius = float(np.abs(np.linalg.eigvals(jacobian)).max())
    shapes = []
    if radius < BELOW_ONE:
        for between in (0.25, 0.5, 0.75):
            aim = radius + between * (1 - radius)
            p = solve_discrete_lyapunov((jacobian / aim).T, np.eye(len(jacobian)))
            values, vectors = np.linalg.eigh((p + p.T) / 2)
            # P = I + JᵀPJ/aim² gives ‖J‖_P ≤ aim; values are at least 1 up to rounding.
            shapes.append((vectors * np.sqrt(np.maximum(1.0, values))) @ vectors.T)
    return shapes


def _search(gain: Callable[[float], float], scale: float, slack: float) -> tuple[float, float]:
    """Return the largest radius found with gain · radius + slack < radius, and the gain there."""

    def holds(radius: float) -> float:
        rate = gain(radius)
        return rate if rate * radius + slack < radius * (1 - SLACK) else np.inf

    good, bad, rate = 0.0, np.inf, np.nan
    radius = _FIRST * scale
    while _SMALLEST * scale < radius < _LARGEST * scale:
        now = holds(radius)
        if np.isfinite(now):
            good, rate = radius, now
        else:
            bad = radius
        if bad <= good * _RESOLUTION:
            break
        between = good * 1.6 if np.isinf(bad) else np.sqrt(good * bad)
        radius = float(between) if good > 0 else bad / 4
    return good, rate


def _wide(f: Map) -> Map:
    """Return a float32 network in float64, with the same weights."""
    if isinstance(f, Biased):
        return Biased(_wide(f.inner), f.value)
    if not isinstance(f, Autoencoder):
        return f
    with full_precision():
        return jax.tree.map(lambda w: jnp.asarray(np.asarray(w), jnp.float64), f)


def _generic(f: Map, point: np.ndarray, change: Change) -> tuple[np.ndarray, Gain]:
    """Return the Jacobian and the gain of a map with a bound on its Jacobian's change."""
    f = _wide(f)
    mend = "a KernelRegression needs n × n ones"
    refuse_square_matrices(len(point), _MATRICES, "a certificate of a map of your own", mend)
    with full_precision():
        left, right = orbit_jacobian(f, point[None])
        jacobian = np.asarray(left if right is None else left @ right, float)

    def gain(radius: float, shape: np.ndarray | None) -> float:
        steps = [change(point, radius * k / _PARTS) for k in range(1, _PARTS + 1)]
        mean = float(np.mean(steps))
        if not (np.isfinite(mean) and min(steps) >= 0):
            raise ValueError(f"jacobian_change must be finite and at least 0, got {steps}")
        factor = 1.0 if shape is None else float(np.linalg.cond(shape))
        nominal = float(np.linalg.norm(conjugated(jacobian, shape), 2))
        return (nominal + factor * mean) * (1 + SLACK)

    return jacobian, gain


def _network(f: Autoencoder, point: np.ndarray, own: int) -> tuple[np.ndarray, Gain]:
    """Return the Jacobian and the gain of a network of depth 2; for `own` see `kernel_gain`."""
    first, last = (np.asarray(w, float) for w in f.weights)
    first, last = first / np.sqrt(first.shape[1]), last / np.sqrt(last.shape[1])
    before = first @ point
    first, last = first[:, :own], last[:own]
    lengths = np.linalg.norm(first, axis=1)
    ratio = np.sqrt(lengths / np.maximum(np.linalg.norm(last, axis=0), 1e-300))

    def slope(values: np.ndarray) -> np.ndarray:
        with full_precision():
            v = jnp.asarray(values)
            return np.asarray(jax.jvp(f.activation, (v,), (jnp.ones_like(v),))[1])

    def gain(radius: float, shape: np.ndarray | None) -> float:
        low = high = 0.0
        for k in range(1, _PARTS + 1):
            reach = lengths * radius * k / _PARTS + SLACK * (1 + np.abs(before))
            # σ′ is even and falls with |·|, being a mixture of normal densities (or constant).
            near, far = np.maximum(0.0, np.abs(before) - reach), np.abs(before) + reach
            low, high = low + slope(far) / _PARTS, high + slope(near) / _PARTS
        middle, half = (low + high) / 2, (high - low) / 2 + SLACK
        # W₂ΔW₁ = (W₂√Δ r)(√Δ/r W₁): the norm of each factor from its smaller Gram matrix.
        left, right = last * (np.sqrt(half) * ratio), first * (np.sqrt(half) / ratio)[:, None]
        change = np.sqrt(_top(left @ left.T) * _top(right.T @ right))
        factor = 1.0 if shape is None else float(np.linalg.cond(shape))
        nominal = float(np.linalg.norm(conjugated((last * middle) @ first, shape), 2))
        return (nominal + factor * change) * (1 + SLACK)

    return (last * slope(before)) @ first, gain


def _top(gram: np.ndarray) -> float:
    """Return the largest eigenvalue of a symmetric matrix."""
    return float(np.linalg.eigvalsh(gram)[-1])
