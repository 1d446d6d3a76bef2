r"""The norm a memory works at, from its patterns.

On a sphere of norm r the kernel of two patterns is a function κ of their correlation ρ alone. Write
it as κ(0) + αρ + h(ρ); where patterns are nearly orthogonal h(ρ) is small and h(1) = β. Then
K ≈ κ(0)11ᵀ + αG + βI, G the matrix of correlations, and along a direction that the patterns fill
with strength γ (an eigenvalue of G) the Jacobian at a stored pattern is about

    αγ / (αγ + β):

near 1, so a pattern is barely an attractor, unless β/α, which grows with the norm, exceeds γ, which
grows with the number of patterns. γ is taken to be G's largest eigenvalue, the worst case: at
digits in their metric, 1 − radius is then about two thirds of what is measured.

A memory's own norm is the least at which that radius is 0.97 and the closest 5 % of neighbours, at
an angle θ, are told apart (the power of θ is fitted to digits). Which row a cue is recalled as
hardly depends on it (`memory.high_degree_steps`); at a smaller norm states come to rest slowly, at
a larger one a pattern's pull reaches less far. With biases the radius is 0.92. These figures, and
the least norms in units of w √dim, were chosen on digits; w is the activation's width.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from attractory._util.seeds import generator
from attractory.activations import Activation, ErfMixture
from attractory.kernels.matrices import ntk
from attractory.kernels.single_input import inverse_width
from attractory.memory.coordinates import spread

__all__ = ["auto_norm", "by_correlation", "erf_width", "expansion"]

# Spectral radius to aim at, and least norm in units of w √dim, w the activation's width.
_PLAIN, _BIASED = (0.97, 3.0), (0.92, 2.1)
_CLOSER, _POWER = 0.44, -2.5
_CLOSE = 0.05  # of the patterns have a neighbour closer than the angle taken
_ALIKE = 48.0  # w √dim: the most that alike neighbours raise the norm of a sequence to
_MOST = 1e4  # w √dim: beyond it nothing changes
_PLACES = 0.05  # between logarithms of norms at which α and β are worked out


def auto_norm(
    unit: Float[np.ndarray, "n d"],
    act: Activation,
    depth: int,
    bias: float,
    sequence: bool = False,
) -> float:
    """Return a memory's own norm for unit patterns.

    A sequence needs no more than stability: its neighbours are alike by nature, and recall has told
    them apart before the map steps from one to the next.
    """
    scale = _scale(unit, act)
    radius, least = _BIASED if bias else _PLAIN
    if len(unit) > 1:
        closer = _CLOSER * max(_close(unit), 1e-2) ** _POWER
        least = max(least, min(closer, _ALIKE) if sequence else closer)
    return _norm_of(radius, unit, act, depth, bias, (float(least * scale), _MOST * scale))


def erf_width(act: Activation) -> float:
    """Return w, the scale of the erf whose Θ grows as fast with the norm; 1 for a linear one."""
    return float(1 / inverse_width(act) / np.sqrt(2)) if isinstance(act, ErfMixture) else 1.0


def _scale(unit: np.ndarray, act: Activation) -> float:
    """Return w √dim."""
    return erf_width(act) * float(np.sqrt(unit.shape[1]))


def _close(unit: np.ndarray) -> float:
    """Return the angle that the closest 5 % of patterns have to a neighbour."""
    some = unit[spread(len(unit), 2000)]
    closest = np.empty(len(some))
    for k in range(0, len(some), 256):
        cosine = some[k : k + 256] @ unit.T
        # The largest is the pattern itself.
        closest[k : k + 256] = np.partition(cosine, -2, axis=1)[:, -2]
    return float(np.arccos(np.clip(np.quantile(closest, 1 - _CLOSE), -1, 1)))


def _norm_of(
    radius: float,
    unit: np.ndarray,
    act: Activation,
    depth: int,
    bias: float,
    between: tuple[float, float],
) -> float:
    """Return the norm, between two, at which β/(αγ) is what the radius needs."""
    wanted = float(np.log((1 / radius - 1) * _strength(unit)))
    root = np.sqrt(unit.shape[1] + bool(bias))

    def excess(place: int) -> float:
        return _log_ratio(place, act, depth, bias) - wanted

    # Bisection over places that all fits share: what one has worked out the next one need not.
    low, high = (int(np.floor(np.log(norm / root) / _PLACES)) for norm in between)
    if low >= high or excess(low) > 0:
        return between[0]
    if excess(high) < 0:
        return between[1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if excess(middle) <= 0 else (low, middle)
    below, above = excess(low), excess(high)
    norm = float(np.exp((low - below / (above - below)) * _PLACES) * root)
    return max(norm, between[0])


@lru_cache(maxsize=4096)
def _log_ratio(place: int, act: Activation, depth: int, bias: float) -> float:
    """Return log β/α where the norm is e^(place / 20) √dim."""
    dim = 2 if bias else 3  # of any number of coordinates, those of the norm over its root
    norm = float(np.exp(place * _PLACES) * np.sqrt(dim + bool(bias)))
    slope, rest = expansion(norm, act, depth, bias, dim)
    return float(np.log(max(rest / slope, 1e-300)))


def expansion(
    norm: float, act: Activation, depth: int, bias: float, dim: int
) -> tuple[float, float]:
    """Return α and β = h(1) of the kernel of points of a norm."""
    step = 1e-3
    rho = np.array([-step, 0.0, step, 1.0])
    below, middle, above, same = by_correlation(rho, norm, act, depth, bias, dim)
    slope = float((above - below) / (2 * step))
    return slope, float(same - middle - slope)


def by_correlation(
    rho: Float[np.ndarray, " k"], norm: float, act: Activation, depth: int, bias: float, dim: int
) -> Float[np.ndarray, " k"]:
    """Return the kernel κ(ρ) of points of a norm."""
    # Three coordinates, scaled so that the kernel takes them for points of so many.
    scale = norm * np.sqrt(3 / (dim + bool(bias)))
    one = np.array([[1.0, 0.0, bias]])
    others = np.column_stack([rho, np.sqrt(1 - rho**2), np.full(len(rho), bias)])
    return np.asarray(ntk(scale * one, scale * others, activation=act, depth=depth)[0])


def _strength(unit: np.ndarray) -> float:
    """Return the largest eigenvalue of the matrix of correlations, by power iteration."""
    direction = generator(0, "power iteration").normal(size=unit.shape[1])
    value = 1.0
    for _ in range(50):
        direction = (unit @ direction) @ unit
        value = float(np.linalg.norm(direction))
        direction /= max(value, 1e-300)
    return value
