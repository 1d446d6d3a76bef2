r"""Section 4.4, appendix D.3: J∞ at a stored pattern as the norm r grows, f0 = 0.

Patterns keep their directions, correlations ρᵢⱼ. For every sigmoidal σ in closed form, p = r²/n₀:

* E[σ′²] falls as G/√p with G = ∫σ′²/√(2π) = gain² (2/π) Σ pᵢpⱼ/√(wᵢ² + wⱼ²), hence the diagonal
  Θ(x, x) = I_k + κ∞ + O(1/r) with I_k = G√p; κ∞ = offset² + gain² is the "½" of the paper's B₂.
* Off the diagonal Θ tends to M = offset² + gain² (2/π)(arcsin ρ + ρ/√(1 − ρ²)), its gradient to 0.

So K is dominated by its diagonal, ∂k/∂x by its own row, and J tends to λ x̂₁x̂₁ᵀ with λ the slope
d log Θ/d log p of the diagonal (section 4.2). That is ½ because Θ ∝ √p, and Θ ∝ √p because σ′² has
a finite integral: the limit is ½ for every activation here and at every depth (deeper layers see a
variance that has settled, and multiply Θ by constants). What differs is the approach,

    ½ − λ₁ = ½ (κ∞ + Σ_{i≠1} ρ₁ᵢ M₁ᵢ)/I_k + O(1/r²),

whose sign is that of the bracket: the printed "≤ ½" fails at every finite r where it is negative.

An antiparallel pair leaves K with a channel (1, 1) that does not grow and which takes up what is
constant: offset² drops out of κ∞ and M, for all patterns, and a pair counts once in the sum. With
f0 sampled the radius has the same limit, but ‖J‖ comes down only with ‖J₀‖ ∝ r^(−1/2).

At depth L > 2, with (a, b, −k) the coefficients of √p and 1 in Θ and of 1/√p in the layer's
variance p_ℓ → p∞: a ← a κ̇, b ← b κ̇ + κ − a κ̇′k, k ← κ′k, all at p∞; a and b replace G and κ∞.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.machine import few_sizes
from attractory._util.precision import full_precision
from attractory._util.validation import as_points, no_zero_rows, positive, whole
from attractory.activations import Activation, ErfMixture, Linear
from attractory.activations import activation as find_activation
from attractory.analysis.spectrum import spectral_radius
from attractory.kernels.expectations import PairSum, covariance_gap, moments, pair_sum, scale_pairs
from attractory.kernels.single_input import input_moments, inverse_width
from attractory.maps.protocol import Map, jacobian_factors_of, jacobian_of
from attractory.theory.findings import Finding, Prediction
from attractory.theory.maps import limit_map

__all__ = ["approach_rate", "diagonal_growth", "large_enough_norm", "large_norm_limit"]

_OPPOSITE = 1e-9  # a pair with 1 + ρ below this is antiparallel


class _Growth(NamedTuple):
    root: float  # a: coefficient of √p in Θ(x, x)
    constant: float  # b


def _sigmoidal(which: str | Activation) -> ErfMixture:
    act = find_activation(which)
    if not isinstance(act, ErfMixture):
        grows = " (Θ grows as ‖x‖², and the limit is 1)" if isinstance(act, Linear) else ""
        raise ValueError(
            f"activation must be sigmoidal, whose slope has a finite integral; {act.name} has none"
            f"{grows}"
        )
    return act


def diagonal_growth(
    activation: str | Activation = "sigmoid", depth: int = 2
) -> tuple[float, float]:
    """Return a and b with Θ(x, x) = a ‖x‖/√dim + b + O(1/‖x‖).

    Raises:
        ValueError: for a linear activation, or a depth below 2.

    Example:
        >>> a, b = diagonal_growth("erf_surrogate")  # 1/(4π) and ½
        >>> round(4 * np.pi * a, 12), round(b, 12)
        (1.0, 0.5)
    """
    growth = _growth(_sigmoidal(activation), whole(depth, "depth", 2))
    return growth.root, growth.constant


def _growth(act: ErfMixture, depth: int) -> _Growth:
    u, v, weight = scale_pairs(act)
    factor = act.gain**2 * 2 / np.pi
    a = factor * inverse_width(act)
    k = factor * float(np.sum(weight * np.sqrt(u + v)))
    p = b = act.offset**2 + act.gain**2
    for _ in range(depth - 2):
        m = input_moments(act, p)
        b = b * m.derivative_square + m.square - a * m.derivative_square_slope * k
        a, k, p = a * m.derivative_square, m.square_slope * k, m.square
    return _Growth(a, b)


def _beside(act: ErfMixture, cosine: np.ndarray, depth: int, offset: float) -> np.ndarray:
    """Return M, the limit of Θ off the diagonal, for correlations below 1 in modulus."""
    angle = np.arcsin(cosine)
    slope = cosine / np.sqrt(1 - cosine**2)
    factor = act.gain**2 * 2 / np.pi
    s, theta = offset + factor * angle, offset + factor * (angle + slope)
    p, numbers = act.offset**2 + act.gain**2, pair_sum(act)
    with full_precision():
        for _ in range(depth - 2):
            few = np.pad(s, (0, few_sizes(len(s)) - len(s)))  # of a few sizes, each compiled once
            value, slope = (np.asarray(v)[: len(s)] for v in _moments(numbers, few, np.asarray(p)))
            s, theta, p = value, theta * slope + value, input_moments(act, p).square
    return theta


@jax.jit
def _moments(act: PairSum, s: Array, p: Array) -> tuple[Array, Array]:
    """Return the moments of pairs of variance p each and covariance s, (k,)."""
    both = jnp.full(s.shape, p)
    return moments(act, s, covariance_gap(s, both, both), both, both)


def _operator_norms(f: Map, x: np.ndarray) -> np.ndarray:
    """Return ‖J‖ at points; of J = L R with few columns in L, from the smaller matrix R_L R."""
    factors, own = jacobian_factors_of(f), jacobian_of(f)
    if factors is None:
        assert own is not None
        return np.linalg.norm(np.asarray(own(x)), 2, axis=(1, 2))
    left, right = factors(x)
    return np.linalg.norm(np.linalg.qr(left, mode="r") @ right, 2, axis=(1, 2))


def _furthest(values: np.ndarray, target: float) -> float:
    return float(values[np.abs(values - target).argmax()])


def _correlations(x: np.ndarray) -> np.ndarray:
    directions = x / np.linalg.norm(x, axis=1, keepdims=True)
    return np.clip(directions @ directions.T, -1, 1)


def _directions(patterns: ArrayLike) -> np.ndarray:
    x = as_points(patterns, "patterns")
    no_zero_rows(x, "patterns")
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def approach_rate(
    patterns: ArrayLike, *, activation: str | Activation = "sigmoid", depth: int = 2
) -> Float[np.ndarray, " n"]:
    """Return C with ½ − λ = C/r + O(1/r²) at each pattern of norm r, f0 = 0.

    Args:
        patterns: (n, d), of which only the directions count.
        activation: sigmoidal.
        depth: number of weight matrices; 2 if there are antiparallel patterns.

    Raises:
        ValueError: for a linear activation; zero or parallel patterns; antiparallel ones at a depth
            above 2.

    Example:
        >>> float(approach_rate(np.eye(2, 32), activation="erf_surrogate")[0].round(9))  # π√32
        17.771531753
    """
    x, act, depth = _directions(patterns), _sigmoidal(activation), whole(depth, "depth", 2)
    cosine = _correlations(x)
    same = np.argwhere(np.triu(cosine > 1 - _OPPOSITE, 1))
    if len(same):
        raise ValueError(
            f"patterns must differ in direction, got rows {same[0][0]} and {same[0][1]} parallel"
        )
    opposite = cosine < _OPPOSITE - 1
    if opposite.any() and depth > 2:
        raise ValueError(f"antiparallel patterns need depth 2 here, got depth {depth}")
    offset = 0.0 if opposite.any() else act.offset**2
    growth = _growth(act, depth)
    constant = growth.constant if depth > 2 else offset + act.gain**2
    others = ~np.eye(len(x), dtype=bool) & ~opposite
    terms = np.zeros_like(cosine)
    terms[others] = cosine[others] * _beside(act, cosine[others], depth, offset)
    # A pair's two members carry the same term once M is odd in ρ: half of each.
    terms[:, opposite.any(axis=1)] /= 2
    return (constant + terms.sum(axis=1)) / (2 * growth.root) * np.sqrt(x.shape[1])


def large_enough_norm(
    patterns: ArrayLike,
    *,
    tolerance: float = 1e-3,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
) -> float:
    """Return a norm beyond which ‖J∞‖ at every pattern is within the tolerance of ½ (f0 = 0).

    Twice the norm at which the first order would be within it, and no less than ten times that of
    the gradient's last spike, √(8n₀/(1 − ρ²)) for the largest correlation (appendix D.2).

    Arguments and errors are those of `approach_rate`.

    Example:
        >>> large_enough_norm(np.eye(2, 32), activation="erf_surrogate") > 2 * 17.77 / 1e-3
        True
    """
    x, act = _directions(patterns), _sigmoidal(activation)
    tolerance = positive(tolerance, "tolerance")
    growth = _growth(act, whole(depth, "depth", 2))
    correlations = _correlations(x)
    cosine = np.abs(correlations) - np.eye(len(x))
    rest = 1 - np.where(cosine > 1 - _OPPOSITE, 0.0, cosine).max() ** 2
    rate = growth.constant * np.sqrt(x.shape[1]) / (2 * growth.root)
    if depth == 2 or not (correlations < _OPPOSITE - 1).any():
        rates = approach_rate(x, activation=act, depth=depth)
        rate = max(rate, float(np.abs(rates).max()))
    return float(max(2.01 * rate / tolerance, 10 * np.sqrt(8 * x.shape[1] / rest)))


def large_norm_limit(
    patterns: ArrayLike,
    *,
    norm: float | None = None,
    tolerance: float = 1e-3,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    f0: str = "zero",
    width: int = 2000,
    key: int = 0,
) -> Finding:
    """Check the limit ½ of ‖J∞‖ at stored patterns, and the first order of its approach.

    Args:
        patterns: (n, d), of which the directions count.
        norm: given to each; by default `large_enough_norm`.
        tolerance: on ½.
        activation, depth: as for `approach_rate`.
        f0: "zero", or "sampled" from a network of that width and key.

    Returns:
        With f0 = 0: ‖J‖ against ½, and (½ − λ) r against `approach_rate`, to 2 %, each at the
        pattern where it differs most. With f0 sampled: the spectral radius against ½, with room
        for f0(x)/r, and ‖J‖ ≤ ½ + ‖J₀‖.

    Example:
        >>> from attractory.datasets import sphere
        >>> large_norm_limit(sphere(5, 16)).verdict
        'holds'
        >>> large_norm_limit(sphere(5, 16), norm=10.0).agrees
        False
    """
    act, depth = _sigmoidal(activation), whole(depth, "depth", 2)
    unit = _directions(patterns)
    named = large_enough_norm(unit, tolerance=tolerance, activation=act, depth=depth)
    r = named if norm is None else positive(norm, "norm")
    x, dim = r * unit, unit.shape[1]
    pairs = bool((_correlations(unit) < _OPPOSITE - 1).any())
    unmet = () if r >= named * (1 - 1e-12) else (f"a large norm: {r:g} is below {named:.4g}",)
    f, start = limit_map(x, f0, activation=act, depth=depth, width=width, key=key)
    sizes = _operator_norms(f, x)
    radius = spectral_radius(f, x)
    if start is not None:
        first = np.linalg.norm(np.asarray(start.jacobian(x)), 2, axis=(1, 2))
        room = tolerance + float(np.sqrt(dim * _growth(act, 2).constant)) / r
        excess = float((sizes - first).max())
        predictions = (
            Prediction("radius, furthest from it", 0.5, _furthest(radius, 0.5), "=", room, unmet),
            Prediction("largest ‖J‖ − ‖J₀‖", 0.5, excess, "≤", room, unmet),
        )  # fmt: skip
        note = (
            f"‖J‖ is still {sizes.max():.4f}: it falls with ‖J₀‖ = {first.max():.4f}, as r^(−1/2)"
        )
    else:
        predictions = (
            Prediction("‖J‖, furthest from it", 0.5, _furthest(sizes, 0.5), "=", tolerance, unmet),
        )
        note = ""
        if not unmet and radius.max() > 0.5:
            note = "above ½, from where it comes down: the printed ≤ ½ does not hold"
        if depth == 2 or not pairs:
            rates = approach_rate(unit, activation=act, depth=depth)
            growth = _growth(act, depth)
            scale = max(
                float(np.abs(rates).max()), growth.constant * np.sqrt(dim) / (2 * growth.root)
            )
            found = (0.5 - radius) * r
            worst = int(np.abs(found - rates).argmax())
            heavy = ()
            if depth > 2 and r**2 / dim < max(act.scales) ** 2:
                heavy = (f"scales below r/√n₀: {act.name}'s heavy tails add log r above depth 2",)
            predictions += (
                Prediction(
                    "(½ − λ) r, furthest from it", float(rates[worst]), float(found[worst]), "=",
                    0.02 * scale, unmet + heavy,
                ),
            )  # fmt: skip
    setting: dict[str, Any] = {
        "n": len(x), "dim": dim, "norm": r, "activation": act.name, "depth": depth, "f0": f0,
        "antiparallel": pairs,
    }  # fmt: skip
    return Finding("Section 4.4, limit", setting, predictions, note=note)
