r"""Section 4.1, appendix A: the Jacobian at initialisation.

Proposition 2 follows (α̂, ẑ) = (σ(a), σ′(a) b) through the layers, (a, b) normal with the second
moments of the layer before, started from x and a unit vector z. With c = Cov(a, b), p = Var a and
v = Var b, Stein's lemma closes the recursion:

    E α̂² = κ(p),   E α̂ẑ = c κ′(p),   E ẑ² = κ̇(p) (v − c²/p) + (c/p)² E[a²σ′(a)²].

Theorem 1's τ is the supremum of the last E ẑ² over unit z. Since c is proportional to t = x̂·z and
v₀ does not depend on it, E ẑ² = A (1 − t²) + B t²: a quadratic form with two values, B at z ∥ x and
A = Π κ̇(p_ℓ)/n₀ on the complement, and τ is the larger. σ′² falls with |a|, so that E[a²σ′²] ≤
p E[σ′²] and B ≤ A for every sigmoidal σ: the supremum sits at z ⊥ x.

Finite widths widen the spectrum. J is a product of free factors: a square Gaussian with S-transform
1/(1 + z), and one of 1/(1 + yᵢz) for each hidden layer, yᵢ = kᵢ n₀/n_i with k = E σ′⁴/(E σ′²)². The
upper edge of JJᵀ/τ is the least (1 + z)² Π(1 + yᵢz)/z, z > 0: 4 (1 + Σyᵢ) to first order.

At infinite width J(x) has independent rows N(0, C), C of eigenvalues A (n₀ − 1 times) and B. So by
Gordon's inequality ‖J‖ ≤ √τ (2√n₀ + t) with probability 1 − e^{−t²/2}: the theorem with c = 2 + δ
(the printed ε-net argument gives no constant). And ‖J‖ → 2√(n₀τ) = 2√(Π κ̇(p_ℓ)).

J of a finite network can be drawn without building the network: given one layer's values, the next
layer's pre-activations are normal with the Gram matrix of those values, exactly.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from attractory._util.aliases import ArrayLike
from attractory._util.precision import full_precision
from attractory._util.validation import as_points, nonnegative, real_array, whole, within
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.kernels import single_input
from attractory.maps.network import with_slopes
from attractory.theory.findings import Finding, Prediction

__all__ = [
    "InitialMoments",
    "initial_jacobian_norm",
    "initial_moments",
    "proposition_2",
    "sample_initial_jacobian",
    "tau",
    "theorem_1",
]

_SIGMA = 3.29  # half-width of a 99.9 % interval, in standard errors
# Of all directions z, and all draws, the variances of x are the same.
input_moments = lru_cache(maxsize=64)(single_input.input_moments)
_TRACY_WIDOM = -1.2065, 1.6078  # mean and variance of the distribution, real symmetric case


@dataclass(frozen=True)
class InitialMoments:
    """Proposition 2's recursion: moments of (α̂, ẑ) in hidden layers 1 … L − 1, arrays (L − 1,).

    Attributes:
        alpha_mean, alpha_square: E α̂ and E α̂².
        z_square: E ẑ²; E ẑ itself is 0.
        cross: E α̂ẑ, which is also the covariance.
        output_variance: of each entry of J(x) z, normal with mean 0.
    """

    alpha_mean: Float[np.ndarray, " layers"]
    alpha_square: Float[np.ndarray, " layers"]
    z_square: Float[np.ndarray, " layers"]
    cross: Float[np.ndarray, " layers"]
    output_variance: float


def initial_moments(
    *,
    dim: int,
    norm: float,
    cosine: float = 0.0,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
) -> InitialMoments:
    """Return the moments of J(x) z at initialisation, for infinite widths (Proposition 2).

    Args:
        dim: n₀, size of x.
        norm: ‖x‖, 0 included.
        cosine: between x and the unit vector z, −1 to 1.
        activation: a name or an object of `attractory.activations`.
        depth: number of weight matrices, at least 2.

    Raises:
        ValueError: for values out of range.

    Example:
        >>> moments = initial_moments(dim=4, norm=0.0)  # σ′(0)²/4 = 1/64
        >>> round(moments.output_variance, 12)
        0.015625
    """
    dim, depth = whole(dim, "dim", 1), whole(depth, "depth", 2)
    act = find_activation(activation)
    norm, cosine = nonnegative(norm, "norm"), float(within(cosine, "cosine", -1.0, 1.0))
    p, c, v = norm**2 / dim, norm * cosine / dim, 1 / dim
    rows = []
    for _ in range(depth - 1):
        m = input_moments(act, p)
        ratio = c / p if p > 0 else 0.0
        z_square = (
            m.derivative_square * max(v - c * ratio, 0.0) + ratio**2 * m.weighted_derivative_square
        )
        c, p, v = c * m.square_slope, m.square, z_square
        rows.append((p, v, c))
    alpha_square, z_squares, cross = np.array(rows).T
    mean = float(act(0.0))  # σ − σ(0) is odd
    return InitialMoments(np.full(depth - 1, mean), alpha_square, z_squares, cross, v)


def tau(
    *, dim: int, norm: float, activation: str | Activation = "sigmoid", depth: int = 2
) -> tuple[float, float]:
    """Return Theorem 1's τ and the |cosine| of x and the z where it is attained.

    Arguments and errors are those of `initial_moments`.

    Example:
        >>> value, cosine = tau(dim=4, norm=10.0)
        >>> cosine  # orthogonal to x, as for every sigmoidal activation
        0.0
    """

    def at(cosine: float) -> float:
        return initial_moments(
            dim=dim, norm=norm, cosine=cosine, activation=activation, depth=depth
        ).output_variance

    along = at(1.0)
    across = at(0.0) if dim > 1 else -np.inf
    return (along, 1.0) if along > across else (across, 0.0)


def initial_jacobian_norm(
    *, dim: int, norm: float, activation: str | Activation = "sigmoid", depth: int = 2
) -> float:
    """Return the expected operator norm of J(x) at initialisation, for infinite widths.

    It is 2√(n₀τ) less the edge's correction at finite dim (Johnstone, 2001). Arguments and errors
    are those of `initial_moments`.

    Example:
        >>> below = initial_jacobian_norm(dim=100, norm=50.0, activation="tanh")
        >>> below < 1 < initial_jacobian_norm(dim=100, norm=5.0, activation="tanh")
        True
    """
    value, _ = tau(dim=dim, norm=norm, activation=activation, depth=depth)
    return float(np.sqrt(value)) * _largest_singular_value(dim, dim)


def _largest_singular_value(rows: int, columns: int) -> float:
    """Return the mean largest singular value of a standard normal matrix (Johnstone, 2001)."""
    if columns < 1:
        return 0.0
    if min(rows, columns) == 1:  # |N| or the norm of a normal vector, nearly
        size = max(rows, columns)
        return float(np.sqrt(2 / np.pi)) if size == 1 else float(np.sqrt(size - 0.5))
    edge = np.sqrt(rows - 1) + np.sqrt(columns)
    scale = edge * (1 / np.sqrt(rows - 1) + 1 / np.sqrt(columns)) ** (1 / 3)
    mean, variance = edge**2 + _TRACY_WIDOM[0] * scale, _TRACY_WIDOM[1] * scale**2
    return float(np.sqrt(mean) * (1 - variance / (8 * mean**2)))


def _widening(dim: int, norm: float, act: Activation, depth: int, width: int) -> float:
    """Return the factor by which finite width moves the edge of ‖J‖."""
    p, ratios = norm**2 / dim, []
    grid = np.linspace(-9, 9, 4001)
    weight = np.exp(-(grid**2) / 2)
    for _ in range(depth - 1):
        # Saturated units need a finer grid: on most of this one the slope is 0.
        reach = min(1.0, 40 / (9 * np.sqrt(p))) if p > 0 else 1.0
        square = _activated(act, np.sqrt(p) * reach * grid)[1] ** 2
        share = weight if reach == 1 else np.exp(-((reach * grid) ** 2) / 2)
        mass = weight.sum() / reach
        second, fourth = (share @ square) / mass, (share @ square**2) / mass
        ratios.append(fourth / second**2 * dim / width)
        p = input_moments(act, p).square

    def log_edge(log_z: float) -> float:
        z = np.exp(log_z)
        return float(2 * np.log1p(z) - log_z + np.log1p(np.array(ratios) * z).sum())

    least: Any = minimize_scalar(log_edge, bounds=(-5, 5), method="bounded")
    return float(np.exp(least.fun / 2) / 2)


def sample_initial_jacobian(
    x: ArrayLike,
    directions: ArrayLike | None = None,
    *,
    width: int = 4000,
    depth: int = 2,
    activation: str | Activation = "sigmoid",
    seed: int | np.random.Generator = 0,
) -> tuple[Float[np.ndarray, "d k"], Float[np.ndarray, "layers 4"]]:
    """Draw J(x) Zᵀ of an untrained network of finite width, from its exact law.

    Args:
        x: (d,).
        directions: rows of Z, (k, d); the identity by default, which gives J(x) itself.
        width: of every hidden layer.
        depth: number of weight matrices, at least 2.
        activation: a name or an object; its true function is used.
        seed: an integer or a NumPy generator.

    Returns:
        J(x) Zᵀ, (d, k), and per hidden layer the means over units of α, α², ẑ² and αẑ, the last two
        for the first direction, (depth − 1, 4).

    Example:
        >>> sample_initial_jacobian([3.0, 4.0], width=50)[0].shape
        (2, 2)
    """
    point = as_points(np.atleast_2d(real_array(x, "x")), "x")[0]
    rows = np.eye(len(point)) if directions is None else as_points(directions, "directions")
    if rows.shape[1] != len(point):
        raise ValueError(f"directions must have {len(point)} columns, got {rows.shape[1]}")
    act, width, depth = (
        find_activation(activation),
        whole(width, "width", 1),
        whole(depth, "depth", 2),
    )
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    values = np.column_stack([point, rows.T])
    means = []
    for _ in range(depth - 1):
        before = _next_layer(values, width, rng)
        alpha, slope = _activated(act, before[:, 0])
        values = np.column_stack([alpha, slope[:, None] * before[:, 1:]])
        z = values[:, 1]
        means.append([alpha.mean(), (alpha**2).mean(), (z**2).mean(), (alpha * z).mean()])
    return _next_layer(values[:, 1:], len(point), rng), np.array(means)


def _next_layer(values: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return W values/√fan-in for a standard normal W of so many rows, from the Gram matrix."""
    factor = np.linalg.qr(values, mode="r")
    return rng.standard_normal((count, len(factor))) @ factor / np.sqrt(len(values))


_with_slopes = partial(jax.jit, static_argnums=0)(with_slopes)


def _activated(act: Activation, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with full_precision():
        value, slope = _with_slopes(act, before)
        return np.asarray(value), np.asarray(slope)


def proposition_2(
    *,
    dim: int = 32,
    norm: float = 10.0,
    cosine: float = 0.3,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    width: int = 4000,
    draws: int = 200,
    seed: int = 0,
) -> Finding:
    """Compare Proposition 2's moments with networks of finite width.

    Args:
        dim, norm, cosine, activation, depth: as for `initial_moments`.
        width: of the networks drawn. The moments are those of infinite width; at depth 2 they are
            exact at any.
        draws: networks, at least 20.
        seed: of the draws.

    Returns:
        Predictions on the mean square of the entries of J(x) z, and on E α̂², E ẑ², E α̂ẑ in the last
        hidden layer, each to 3.29 standard errors over the draws.

    Example:
        >>> proposition_2(width=500, draws=50).verdict
        'holds'
    """
    expected = initial_moments(
        dim=dim, norm=norm, cosine=cosine, activation=activation, depth=depth
    )
    draws = whole(draws, "draws", 20)
    x, z = np.zeros(dim), np.zeros(dim)
    x[0], z[0] = norm, cosine
    if dim > 1:
        z[1] = np.sqrt(1 - cosine**2)
    rng = np.random.default_rng(seed)
    samples = np.empty((draws, 4))
    for k in range(draws):
        image, means = sample_initial_jacobian(
            x, z[None], width=width, depth=depth, activation=activation, seed=rng
        )
        samples[k] = (image**2).mean(), *means[-1, 1:]
    mean, error = samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(draws)
    unmet = []
    if depth > 2 and (depth - 2) / width > np.sqrt(2 / (draws * dim)):
        unmet.append(
            f"widths to infinity: at width {width} moments are off by about "
            f"{(depth - 2) / width:.1g}, more than these draws resolve"
        )
    if dim == 1 and abs(cosine) != 1:
        unmet.append("unit z: in dim 1 the cosine is ±1")
    predicted = (
        expected.output_variance,
        expected.alpha_square[-1],
        expected.z_square[-1],
        expected.cross[-1],
    )
    texts = ("mean square of J(x)z's entries", "E α̂²", "E ẑ²", "E α̂ẑ")
    predictions = tuple(
        Prediction(
            text if k == 0 else f"{text}, last hidden layer",
            float(predicted[k]),
            float(mean[k]),
            tolerance=_SIGMA * float(error[k]) + 1e-12 * abs(float(predicted[k])),
            unmet=tuple(unmet),
        )
        for k, text in enumerate(texts)
    )
    setting: dict[str, Any] = {
        "dim": dim, "norm": norm, "cosine": cosine, "activation": find_activation(activation).name,
        "depth": depth, "width": width, "draws": draws,
    }  # fmt: skip
    return Finding("Proposition 2", setting, predictions)


def theorem_1(
    *,
    dim: int = 32,
    norm: float = 10.0,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    width: int = 4000,
    draws: int = 50,
    seed: int = 0,
) -> Finding:
    """Compare Theorem 1's bound on ‖J(x)‖ with networks, and measure its constant.

    Returns:
        Predictions: no z has more than τ (101 cosines); the largest ‖J‖/√(n₀τ) of the draws is at
        most 2 + t/√n₀, with t such that all draws satisfy this with probability 0.999; and the mean
        ratio lies between those of n₀ − 1 and of n₀ columns of variance τ, widened for the finite
        width (3.29 standard errors, and 1 % for the edge's expansion).

    Arguments are those of `proposition_2`.

    Example:
        >>> theorem_1(dim=16, width=500, draws=20).verdict
        'holds'
    """
    act, draws = find_activation(activation), whole(draws, "draws", 2)
    value, _ = tau(dim=dim, norm=norm, activation=act, depth=depth)
    variances = [
        initial_moments(
            dim=dim, norm=norm, cosine=float(t), activation=act, depth=depth
        ).output_variance
        for t in (np.linspace(0, 1, 101) if dim > 1 else [1.0])
    ]
    x = np.zeros(dim)
    x[0] = norm
    rng = np.random.default_rng(seed)
    sizes = [
        np.linalg.norm(
            sample_initial_jacobian(x, width=width, depth=depth, activation=act, seed=rng)[0], 2
        )
        for _ in range(draws)
    ]
    ratios = np.array(sizes) / np.sqrt(dim * value)
    widening = _widening(dim, norm, act, depth, width)
    unmet = ()
    if widening > 1.1:
        unmet = (f"widths to infinity first: width {width} is not large against dim {dim}",)
    room = np.sqrt(2 * np.log(draws / 1e-3))
    low, high = (widening * _largest_singular_value(dim, k) / np.sqrt(dim) for k in (dim - 1, dim))
    error = _SIGMA * float(ratios.std(ddof=1)) / np.sqrt(draws) + 0.01 * high
    predictions = (
        Prediction(
            "E ẑ² over unit z, largest of a grid", value, max(variances), "≤", 1e-12 * value
        ),
        Prediction(
            "largest ‖J‖/√(n₀τ)",
            2 + float(room) / np.sqrt(dim),
            float(ratios.max()),
            "≤",
            unmet=unmet,
        ),
        Prediction("mean ‖J‖/√(n₀τ)", (low, high), float(ratios.mean()), "in", error, unmet),
    )
    setting: dict[str, Any] = {
        "dim": dim, "norm": norm, "activation": act.name, "depth": depth, "width": width,
        "draws": draws,
    }  # fmt: skip
    return Finding(
        "Theorem 1", setting, predictions, note=f"τ = {value:.6g}; as dim grows c tends to 2"
    )
