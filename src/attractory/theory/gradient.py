r"""Appendix D.1 and D.2: the surrogate's kernel and its gradient at large norm, in closed form.

For σ̂(x) = ½ erf(x/2) + ½ and depth 2, with s = x·y, P = ‖x‖² + 2n₀, Q = ‖y‖² + 2n₀,

    Θ = ¼ + arcsin(s/√(PQ))/2π + s/(2π √(PQ − s²)),

the last two terms having gradients I₁ and I₂ in x. Between patterns of norm r and correlation ρ,
in the plane of x₁ (first component) and xᵢ, with R = r² + 2n₀ and E = R² − r⁴ρ²,

    I₁ = r (2n₀ρ, R√(1 − ρ²)) / (2π R √E),   I₂ = rR (2n₀ρ, R√(1 − ρ²)) / (2π E^{3/2}).

I₁ → 0 for every ρ; I₂ → 0 unless ρ² = 1, where it tends to 1/(8π√n₀). For ρ near 1 it first passes
a spike, 1/(2π√(27 n₀(1 − ρ²))) high, at r ≈ √(8n₀/(1 − ρ²)). Hence each row of ∂k/∂x except the
pattern's own falls as 1/r, and so does K off its diagonal, relative to the diagonal.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, positive, whole, within
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.kernels.matrices import ntk, ntk_gradient
from attractory.theory.findings import Finding, Prediction
from attractory.theory.large_norm import large_enough_norm

__all__ = [
    "closed_form",
    "dominance",
    "gradient_norms",
    "gradient_parts",
    "spike",
    "surrogate_ntk",
]


def _only_surrogate(act: Activation, depth: int) -> tuple[str, ...]:
    unmet = []
    if act.name != "erf_surrogate":
        unmet.append(f"the surrogate ½erf(x/2) + ½: got {act.name}")
    if depth != 2:
        unmet.append(f"depth 2: got {depth}")
    return tuple(unmet)


def surrogate_ntk(x: ArrayLike, y: ArrayLike) -> Float[np.ndarray, "n m"]:
    """Return D.1's closed form as printed (misprints corrected), (n, d) and (m, d) → (n, m).

    It loses digits between near-parallel points of large norm; `attractory.ntk` does not.

    Example:
        >>> float(surrogate_ntk([[0.0]], [[1.0]])[0, 0])
        0.25
    """
    x, y = as_points(x, "x"), as_points(y, "y")
    s, two = x @ y.T, 2 * x.shape[1]
    product = (np.sum(x**2, axis=1) + two)[:, None] * (np.sum(y**2, axis=1) + two)
    angle = np.arcsin(s / np.sqrt(product))
    return 0.25 + (angle + s / np.sqrt(product - s**2)) / (2 * np.pi)


def gradient_parts(
    norm: float, correlation: float, dim: int
) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
    """Return I₁ and I₂ between two patterns of one norm, as components along x₁ and across.

    Args:
        norm: r, above 0.
        correlation: ρ, −1 to 1.
        dim: n₀.

    Example:
        >>> first, second = gradient_parts(1e6, 1.0, 4)
        >>> round(float(second[0]) * 16 * np.pi, 6)  # 1/(8π√n₀)
        1.0
    """
    r, n0 = positive(norm, "norm"), whole(dim, "dim", 1)
    rho = float(within(correlation, "correlation", -1.0, 1.0))
    big = r**2 + 2 * n0
    # (R − r²ρ)(R + r²ρ), which does not cancel at ρ = 1.
    e = (2 * n0 + r**2 * (1 - rho)) * (2 * n0 + r**2 * (1 + rho))
    both = r * np.array([2 * n0 * rho, big * np.sqrt((1 - rho) * (1 + rho))]) / (2 * np.pi)
    return both / (big * np.sqrt(e)), both * big / e**1.5


def closed_form(
    *,
    dim: int = 32,
    norm: float = 10.0,
    n: int = 6,
    activation: str | Activation = "erf_surrogate",
    depth: int = 2,
    seed: int = 0,
) -> Finding:
    """Compare D.1's closed form with the kernel, on random points of norms up to `norm`.

    Example:
        >>> closed_form().verdict, closed_form(activation="sigmoid").agrees
        ('holds', False)
    """
    rng = np.random.default_rng(seed)
    act, norm = find_activation(activation), positive(norm, "norm")
    x = rng.standard_normal((whole(n, "n", 2), whole(dim, "dim", 1)))
    x *= (norm * rng.uniform(0.1, 1, len(x)) / np.linalg.norm(x, axis=1))[:, None]
    kernel = ntk(x, activation=act, depth=depth)
    away = float(np.abs(surrogate_ntk(x, x) / kernel - 1).max())
    # On the diagonal the printed PQ − s² keeps 2n₀/r² of its digits.
    room = 1e-13 * (1 + norm**2 / dim)
    predictions = (
        Prediction(
            "largest relative difference", 0.0, away, "≤", room, _only_surrogate(act, depth)
        ),
    )
    setting: dict[str, Any] = {
        "n": n, "dim": dim, "norm": norm, "activation": act.name, "depth": depth,
    }  # fmt: skip
    return Finding("Appendix D.1", setting, predictions)


def gradient_norms(
    *,
    dim: int = 32,
    norm: float = 10.0,
    correlation: float = 0.3,
    activation: str | Activation = "erf_surrogate",
    depth: int = 2,
) -> Finding:
    """Compare D.2's I₁ + I₂ with the kernel's gradient, and ‖I₂‖² with its corrected expansion.

    Args:
        dim, norm: of the patterns.
        correlation: between them.
        activation, depth: of the kernel; the closed forms are the surrogate's at depth 2.

    Example:
        >>> gradient_norms(correlation=1.0).verdict
        'holds'
    """
    first, second = gradient_parts(norm, correlation, dim)
    act, n0, r2, rho2 = find_activation(activation), dim, norm**2, float(correlation) ** 2
    if dim == 1 and rho2 != 1:
        raise ValueError(f"correlation must be ±1 in dim 1, got {correlation}")
    x, y = np.zeros((1, dim)), np.zeros((1, dim))
    x[0, 0], y[0, 0] = norm, norm * correlation
    if dim > 1:
        y[0, 1] = norm * np.sqrt(1 - rho2)
    gradient = ntk_gradient(x, y, activation=act, depth=depth).dense()[0, 0]
    expected = np.zeros(dim)
    expected[: min(dim, 2)] = (first + second)[:dim]
    size = float(np.linalg.norm(expected))
    expansion = 16 * n0**4 + r2 * (
        n0**3 * (32 - 16 * rho2)
        + r2 * (n0**2 * (24 - 20 * rho2) + r2 * (n0 * (8 - 8 * rho2) + r2 * (1 - rho2)))
    )
    square = r2 * expansion / (r2**2 * (1 - rho2) + 4 * n0 * r2 + 4 * n0**2) ** 3 / (4 * np.pi**2)
    predictions = (
        Prediction(
            "I₁ + I₂ = ∂Θ/∂x, relative difference", 0.0,
            float(np.linalg.norm(gradient - expected)) / size, "≤", 1e-11,
            _only_surrogate(act, depth),
        ),
        # Between antiparallel patterns the expansion's 1 − ρ² holds fewer digits.
        Prediction("‖I₂‖², with the factor r²", square, float(second @ second), "=", 1e-9 * square),
    )  # fmt: skip
    setting: dict[str, Any] = {
        "dim": dim, "norm": norm, "correlation": correlation, "activation": act.name,
        "depth": depth,
    }  # fmt: skip
    return Finding("Appendix D.2, gradient", setting, predictions)


def spike(*, dim: int = 32, correlation: float = 0.999) -> Finding:
    """Compare the height and place of ‖I₂‖'s maximum over the norm, for correlations near ±1.

    Both are first orders in 1 − ρ²; the tolerance is five times that, or 5 % if that is less.

    Example:
        >>> spike(correlation=0.999).verdict, spike(correlation=0.0).agrees
        ('holds', False)
    """
    n0, rho = whole(dim, "dim", 1), float(within(correlation, "correlation", -1.0, 1.0))
    rest = (1 - rho) * (1 + rho)
    if rest < 1e-14:
        raise ValueError(f"correlation must differ from ±1, where ‖I₂‖ has no maximum, got {rho:g}")

    def minus(log_norm: float) -> float:
        return -float(np.linalg.norm(gradient_parts(np.exp(log_norm), rho, n0)[1]))

    place, height = np.sqrt(8 * n0 / rest), 1 / (2 * np.pi * np.sqrt(27 * n0 * rest))
    found: Any = minimize_scalar(
        minus, bounds=(np.log(place) - 4, np.log(place) + 4), options={"xatol": 1e-9}
    )
    unmet = () if abs(rho) > 0.99 else (f"|ρ| near 1: got {rho:g}",)
    room = min(5 * rest, 0.05)
    predictions = (
        Prediction("height of ‖I₂‖", height, -float(found.fun), "=", room * height, unmet),
        Prediction("norm at the maximum", place, float(np.exp(found.x)), "=", room * place, unmet),
    )
    return Finding("Appendix D.2, spike", {"dim": n0, "correlation": rho}, predictions)


def dominance(
    patterns: ArrayLike,
    *,
    norm: float | None = None,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
) -> Finding:
    """Check that ∂k/∂x beside a pattern's own row, and K off the diagonal, fall as 1/r.

    Args:
        patterns: (n, d), n ≥ 2, of which the directions count.
        norm: r, by default `large_enough_norm` for 1 %; measured between r and 2r.
        activation, depth: of the kernel.

    Returns:
        Predictions on the exponents of max ‖gᵢ‖/‖g₁‖ and max |Kᵢ₁|/K₁₁ in r, −1 to 0.02.

    Example:
        >>> from attractory.datasets import sphere
        >>> dominance(sphere(5, 16)).verdict
        'holds'
        >>> dominance(np.vstack([np.eye(2, 8), -np.eye(1, 8)])).agrees
        False
    """
    x = as_points(patterns, "patterns")
    if len(x) < 2:
        raise ValueError("patterns must be at least 2 to dominate one another, got 1")
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    act = find_activation(activation)
    named = large_enough_norm(unit, tolerance=1e-2, activation=act, depth=depth)
    r = named if norm is None else positive(norm, "norm")
    once, twice = (_rivals(size * unit, act, depth) for size in (r, 2 * r))
    unmet = () if r >= named else (f"a large norm: {r:g} is below {named:.4g}",)
    if (unit @ unit.T).min() < 1e-9 - 1:
        unmet += ("no antiparallel patterns",)
    predictions = tuple(
        Prediction(text, -1.0, float(np.log2(b / a)), "=", 0.02, unmet)
        for text, a, b in zip(
            ("exponent of the other rows of ∂k/∂x", "exponent of K off the diagonal"),
            once,
            twice,
            strict=True,
        )
    )
    setting: dict[str, Any] = {
        "n": len(x), "dim": x.shape[1], "norm": r, "activation": act.name, "depth": depth,
    }  # fmt: skip
    note = f"at r = {r:.4g} the largest ratios are {once[0]:.2g} and {once[1]:.2g}"
    return Finding("Appendix D.2, dominance", setting, predictions, note=note)


def _rivals(x: np.ndarray, act: Activation, depth: int) -> tuple[float, float]:
    """Return the largest ratios of another row of ∂k/∂x, and of K, to a pattern's own."""
    sizes = np.linalg.norm(ntk_gradient(x, x, activation=act, depth=depth).dense(), axis=2)
    kernel = np.abs(ntk(x, activation=act, depth=depth))
    off = ~np.eye(len(x), dtype=bool)
    rows, entries = (float((m / np.diag(m)[:, None])[off].max()) for m in (sizes, kernel))
    return rows, entries
