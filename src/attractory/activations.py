r"""Sigmoidal activations as Gaussian scale mixtures of erf, the linear one, and names of all.

Every kernel of this library rests on one identity. If an activation can be written as

    σ(x) = offset + gain · E_w[erf(x / (√2 w))]

for a random scale w > 0, then Gaussian expectations of products of σ and of σ′ are averages of
closed forms over pairs of scales (see `kernels.matrices`). The logistic function is such a
mixture: if K has the Kolmogorov distribution and N is standard normal, 2KN is logistic (Andrews &
Mallows, 1974, *Scale mixtures of normal distributions*), so w = 2K. The Cauchy distribution
function (arctan) has w = 1/|N|, and softsign has w = √(2E)/R with E, R independent standard
exponentials.

The average over w is made finite by Gauss quadrature in log w², computed here by the Lanczos
process on a fine discretisation of the density of log w (Golub & Welsch, 1969). In that variable
the rule converges at every input norm alike; in w² or 1/w² it does not. Over input variances
1e-14 … 1e14 (‖x‖²/d) relative errors of expectations are at most 1e-12 for the logistic and tanh,
2e-10 for arctan and 1e-8 for softsign; erf is exact, and a mixture of your own is what it is.

Activations that do not saturate (ReLU, GELU, sin, a function of yours, …) are in
`attractory.duals`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf as _jax_erf
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.linalg import eigh_tridiagonal

from attractory._util.precision import double, traced
from attractory.duals.bell import Bell
from attractory.duals.gated import Gated
from attractory.duals.piecewise_linear import PiecewiseLinear
from attractory.duals.protocol import DualActivation
from attractory.duals.waves import Sinusoid

__all__ = ["Activation", "ErfMixture", "Linear", "activation", "activation_names"]

# Nodes of the Gauss rules. The densities of arctan and softsign have tails of many decades, which
# one rule would neglect: each part of log w² has its own, of density · exp(tilt · log w²).
_LOGISTIC_NODES = 16
_ARCTAN_PARTS = ((-4.6, 36.0, 48, 0.0), (36.0, 50.0, 4, 0.0))  # begin, end, nodes, tilt
_SOFTSIGN_PARTS = ((-46.0, -15.0, 18, -0.5), (-15.0, 20.0, 46, 0.0), (20.0, 50.0, 12, 0.0))


@dataclass(frozen=True)
class ErfMixture:
    """A sigmoidal activation σ(x) = offset + gain · Σᵢ weightsᵢ erf(x / (√2 scalesᵢ)).

    Make your own from scales and weights; the named ones come from `activation`. Instances are
    immutable and hashable, so they can be static arguments of compiled functions.

    Attributes:
        name: shown in tables and errors.
        offset: value at 0.
        gain: half the distance between the two limits.
        scales: positive w, one a node.
        weights: positive, summing to 1.
        function: the exact activation as a JAX function; by default the mixture itself.

    Raises:
        ValueError: if scales and weights differ in number, are not positive and finite, or the
            weights do not sum to 1.

    Example:
        >>> steep = ErfMixture("steep", offset=0.5, gain=0.5, scales=(0.1,), weights=(1.0,))
        >>> round(float(steep(0.1)), 4)  # Φ(1)
        0.8413
    """

    name: str
    offset: float
    gain: float
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    function: Callable[[ArrayLike], Array] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the nodes and make them hashable."""
        for key in ("scales", "weights"):
            values = np.atleast_1d(np.asarray(getattr(self, key), dtype=float))
            if values.ndim != 1 or not np.all(np.isfinite(values)) or np.any(values <= 0):
                raise ValueError(f"{key} must be positive finite numbers, got {values.tolist()}")
            object.__setattr__(self, key, tuple(float(v) for v in values))
        for key in ("offset", "gain"):
            value = float(getattr(self, key))
            if not np.isfinite(value) or (key == "gain" and value == 0):
                kind = "finite and not zero" if key == "gain" else "finite"
                raise ValueError(f"{key} must be {kind}, got {value}")
            object.__setattr__(self, key, value)
        if len(self.scales) != len(self.weights):
            raise ValueError(
                f"scales and weights must pair up, got {len(self.scales)} scales "
                f"and {len(self.weights)} weights"
            )
        if abs(sum(self.weights) - 1) > 1e-9:
            raise ValueError(
                f"weights must sum to 1, got a sum of {sum(self.weights)!r}; "
                "divide them by it and put the factor into gain"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the function of a named activation: it cannot be pickled."""
        named = self.function is not None and _is_named(self)
        return {**self.__dict__, "function": None if named else self.function, "_named": named}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the function of a named activation from its name."""
        named = state.pop("_named")
        self.__dict__.update(state)
        if named:
            object.__setattr__(self, "function", _function(self.name))

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise, exactly where `function` is known."""
        if self.function is not None:
            return jnp.asarray(self.function(x))
        return jnp.asarray(self.mixture(x))

    @double
    def mixture(self, x: ArrayLike) -> Array:
        """Apply the mixture of erf elementwise."""
        x = jnp.asarray(x)
        terms = sum(
            p * _jax_erf(x / (np.sqrt(2) * w))
            for p, w in zip(self.weights, self.scales, strict=True)
        )
        return jnp.asarray(self.offset + self.gain * terms)


@dataclass(frozen=True)
class Linear:
    """The linear activation αx + β of the paper's linear-region lemmas (2, 3, 4 and 6).

    Raises:
        ValueError: if a coefficient is not finite or α is 0.

    Example:
        >>> float(Linear(alpha=2.0, beta=1.0)(3.0))
        7.0
    """

    alpha: float = 1.0
    beta: float = 0.0

    def __post_init__(self) -> None:
        """Check the coefficients."""
        if not (np.isfinite(self.alpha) and np.isfinite(self.beta)) or self.alpha == 0:
            raise ValueError(
                f"linear needs a finite alpha other than 0 and a finite beta, "
                f"got alpha={self.alpha}, beta={self.beta}"
            )

    @property
    def name(self) -> str:
        """The name shown in tables and errors."""
        return f"linear({self.alpha:g}x{self.beta:+g})" if self.beta else f"linear({self.alpha:g}x)"

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""
        return self.alpha * jnp.asarray(x) + self.beta


Activation = ErfMixture | Linear | DualActivation


def gauss_rule(
    atoms: Float[np.ndarray, " k"], masses: Float[np.ndarray, " k"], count: int
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Return the `count`-point Gauss rule of a discrete measure, by the Lanczos process.

    Lanczos on diag(atoms), started at √masses, gives the Jacobi matrix whose eigenvalues are the
    nodes (Golub & Welsch, 1969). Vectors are orthogonalised twice: the
    plain three-term recurrence loses orthogonality long before the count used here.

    Example:
        >>> nodes, weights = gauss_rule(np.array([-1.0, 0.0, 1.0]), np.ones(3) / 3, 2)
        >>> np.round(nodes**2, 6).tolist(), np.round(weights, 6).tolist()
        ([0.666667, 0.666667], [0.5, 0.5])
    """
    masses = masses / masses.sum()
    basis = np.zeros((count + 1, len(atoms)))
    basis[0] = np.sqrt(masses)
    diagonal, off_diagonal = np.zeros(count), np.zeros(count)
    for k in range(count):
        vector = atoms * basis[k]
        diagonal[k] = vector @ basis[k]
        for _ in range(2):
            vector = vector - basis[: k + 1].T @ (basis[: k + 1] @ vector)
        off_diagonal[k] = np.linalg.norm(vector)
        basis[k + 1] = vector / off_diagonal[k]
    nodes, vectors = eigh_tridiagonal(diagonal, off_diagonal[:-1])
    weights = vectors[0] ** 2
    return nodes, weights / weights.sum()


def _kolmogorov_density(k: Float[np.ndarray, " q"]) -> Float[np.ndarray, " q"]:
    """Density of the Kolmogorov distribution, by whichever of its two theta series is short.

    (scipy.stats.kstwobign.pdf is off by 5e-8 near 0.82, where it changes series.)
    """
    j = np.arange(1, 40)
    k = k[:, None]
    right = 8 * k * (-1.0) ** (j + 1) * j**2 * np.exp(-2 * j**2 * k**2)
    m = (2 * j - 1) ** 2 * np.pi**2 / 8
    left = np.sqrt(2 * np.pi) * (2 * m / k**4 - 1 / k**2) * np.exp(-m / k**2)
    return np.where(k[:, 0] < 0.8, left.sum(axis=1), right.sum(axis=1))


@cache
def _kolmogorov() -> tuple[np.ndarray, np.ndarray]:
    """Gauss nodes and weights of K, the Kolmogorov distribution, in log K²."""
    log_k = np.linspace(np.log(0.05), np.log(8.0), 1200)
    k = np.exp(log_k)
    nodes, weights = gauss_rule(2 * log_k, _kolmogorov_density(k) * k, _LOGISTIC_NODES)
    return np.exp(nodes / 2), weights


def _rule_in_parts(
    u: Float[np.ndarray, " q"],
    density: Float[np.ndarray, " q"],
    parts: tuple[tuple[float, float, int, float], ...],
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return Gauss scales, weights and mass of a density of u = log w², a rule for each part."""
    nodes, masses = [], []
    for begin, end, count, tilt in parts:
        some = (u >= begin) & (u < end)
        lifted = density[some] * np.exp(tilt * u[some])
        here, share = gauss_rule(u[some], lifted, count)
        nodes.append(here)
        masses.append(share * lifted.sum() * np.exp(-tilt * here))
    mass = np.concatenate(masses)
    return np.exp(np.concatenate(nodes) / 2), mass / mass.sum(), float(mass.sum())


@cache
def _arctan_scales() -> tuple[np.ndarray, np.ndarray, float]:
    """Gauss nodes, weights and mass of w = 1/|N|, whose normal scale mixture is the Cauchy law."""
    u = np.linspace(_ARCTAN_PARTS[0][0], _ARCTAN_PARTS[-1][1], 6000)
    normal = np.exp(-u / 2)
    density = np.exp(-(normal**2) / 2) * normal / np.sqrt(2 * np.pi) * (u[1] - u[0])
    return _rule_in_parts(u, density, _ARCTAN_PARTS)


@cache
def _softsign_scales() -> tuple[np.ndarray, np.ndarray, float]:
    """Gauss nodes, weights and mass of w = √(2E)/R, whose normal scale mixture is softsign's law.

    1/(2(1+|x|)²) = ∫ (λ/2)e^{−λ|x|} e^{−λ} dλ mixes Laplace laws, each of which has a normal
    variance 2E/λ² (Andrews & Mallows, 1974); u = log w² then has the density below.
    """
    u = np.linspace(_SOFTSIGN_PARTS[0][0], _SOFTSIGN_PARTS[-1][1], 4000)
    log_rate = np.linspace(-60.0, 5.0, 1600)
    rate = np.exp(log_rate)
    density = np.array(
        [np.exp(v) * np.sum(rate**3 * np.exp(-(rate**2) * np.exp(v) / 2 - rate)) for v in u]
    )
    density *= (log_rate[1] - log_rate[0]) * (u[1] - u[0]) / 2
    return _rule_in_parts(u, density, _SOFTSIGN_PARTS)


@jax.custom_jvp
def _logistic(x: ArrayLike) -> Array:
    return jax.nn.sigmoid(x)


@_logistic.defjvp
def _logistic_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    """Take σ′ = σ(x) σ(−x): JAX's σ (1 − σ) has no digits left in float32 from x = 17 on."""
    (x,), (v,) = primals, tangents
    value = _logistic(x)
    return value, v * value * _logistic(-x)


def _sigmoid() -> ErfMixture:
    k, p = _kolmogorov()
    return ErfMixture("sigmoid", 0.5, 0.5, tuple(2 * k), tuple(p), _logistic)


def _tanh() -> ErfMixture:
    k, p = _kolmogorov()  # tanh(x) = 2 σ(2x) − 1
    return ErfMixture("tanh", 0.0, 1.0, tuple(k), tuple(p), jnp.tanh)


def _erf() -> ErfMixture:
    return ErfMixture("erf", 0.0, 1.0, (np.sqrt(0.5),), (1.0,), _jax_erf)


def _erf_surrogate() -> ErfMixture:
    def function(x: ArrayLike) -> Array:
        return 0.5 * _jax_erf(jnp.asarray(x) / 2) + 0.5

    return ErfMixture("erf_surrogate", 0.5, 0.5, (np.sqrt(2.0),), (1.0,), function)


def _arctan() -> ErfMixture:
    w, p, mass = _arctan_scales()
    return ErfMixture("arctan", 0.0, np.pi / 2 * mass, tuple(w), tuple(p), jnp.arctan)


def _softsign() -> ErfMixture:
    w, p, mass = _softsign_scales()
    return ErfMixture("softsign", 0.0, mass, tuple(w), tuple(p), jax.nn.soft_sign)


_BY_NAME: dict[str, Callable[[], Activation]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "erf": _erf,
    "erf_surrogate": _erf_surrogate,
    "arctan": _arctan,
    "softsign": _softsign,
    "linear": Linear,
    "relu": PiecewiseLinear,
    "leaky_relu": lambda: PiecewiseLinear(1.0, 0.01),
    "abs": lambda: PiecewiseLinear(1.0, -1.0),
    "gelu": lambda: Gated(ErfMixture("gelu_gate", 0.5, 0.5, (1.0,), (1.0,))),
    "silu": lambda: Gated(_sigmoid()),
    "sin": Sinusoid,
    "cos": lambda: Sinusoid(1.0, np.pi / 2),
    "gaussian": Bell,
}


def activation_names() -> tuple[str, ...]:
    """Return the names `activation` knows.

    Example:
        >>> activation_names()[:3]
        ('sigmoid', 'tanh', 'erf')
    """
    return tuple(_BY_NAME)


@cache
def _by_name(name: str) -> Activation:
    return _BY_NAME[name]()


def _is_named(act: ErfMixture) -> bool:
    return act.name in _BY_NAME and _function(act.name) is act.function


def _function(name: str) -> Callable[[ArrayLike], Array] | None:
    return getattr(_by_name(name), "function", None)


def activation(which: str | Activation) -> Activation:
    """Return an activation by name, or the object itself.

    Names: `sigmoid` (logistic), `tanh`, `erf`, `erf_surrogate` (½ erf(x/2) + ½, the paper's
    stand-in for the logistic), `arctan`, `softsign`, `linear`; `relu`, `leaky_relu` (slope 0.01),
    `abs`, `gelu`, `silu`, `sin`, `cos`, `gaussian` (exp(−x²/2)). `attractory.duals` has more, and
    `activation_from` takes a function of yours.

    Raises:
        ValueError: if the name is unknown.
        TypeError: if it is neither a name nor an activation.

    Example:
        >>> activation("tanh").offset
        0.0
    """
    if isinstance(which, ErfMixture | Linear | DualActivation):
        return which
    if traced(which):
        raise TypeError(
            "activation must be known when a function is compiled, and is traced; name it in "
            "static_argnames of jax.jit"
        )
    if not isinstance(which, str):
        mend = "; activation_from makes one of a function" * callable(which)
        raise TypeError(
            "activation must be a name or an object of attractory.activations or "
            f"attractory.duals, got {type(which).__name__}{mend}"
        )
    if which not in _BY_NAME:
        raise ValueError(f"activation must be one of {', '.join(_BY_NAME)}; got {which!r}")
    return _by_name(which)
