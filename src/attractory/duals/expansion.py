r"""Any function as an activation: its Hermite series at each variance, by Gauss–Hermite quadrature.

With αₖ(a) = E[f(√a z) hₖ(z)], z standard normal and hₖ normalised Hermite polynomials,

    E[f(u)f(v)] = Σₖ αₖ(a) αₖ(b) cᵏ,   c = s/√(ab) the correlation.

Σ αₖ² is E[f²] (Parseval), so that what a series of K terms leaves out is known: at most the
geometric mean of what it leaves out at a and at b. Smooth functions need about as many terms as the
variance in units of their own scale; functions with a kink, or steps, never have enough, and have
closed forms (`attractory.duals.PiecewiseLinear`). Derivatives of expectations are expectations
of derivatives (Price's theorem).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.special import roots_hermitenorm

from attractory._util.precision import double, full_precision
from attractory._util.validation import whole
from attractory.duals.protocol import DualActivation, plain_gap, safe_root
from attractory.duals.tabulated import SmoothParts

__all__ = ["Expansion", "QuadratureError", "activation_from"]

_LEAVES_OUT = 1e-9  # largest share of E[f²] and of E[f′²] that terms may leave out
_TERMS = (64, 256, 1024)
_LEAST_ROOT = 1e-100  # of a node's weight: nodes farther out do not count
_VARIANCES = 12  # at which a function is tried, falling by a factor of 4


class QuadratureError(ValueError):
    """An activation's expectations cannot be had to 1e-8 at these variances."""


@jax.tree_util.register_static
@dataclass(frozen=True)
class Expansion(DualActivation):
    """A function as an activation; made by `activation_from`.

    Attributes:
        function: of one number, in JAX operations.
        label: its name.
        terms: of the Hermite series. NumPy calls take as many as they need, up to 1,024; compiled
            code of the caller has these.
    """

    function: Callable[[Array], Array]
    label: str
    terms: int = 256

    @property
    def name(self) -> str:
        """The name shown in tables and errors."""
        return self.label

    @property
    def least_scale(self) -> float:
        """Infinite: the series is in the correlation alone."""
        return np.inf

    @property
    def cost(self) -> int:
        """The Hermite terms."""
        return self.terms

    def parts(self) -> SmoothParts[Any]:
        """Return the expectations as functions of the correlation."""
        return SeriesParts(self)

    def describe(self) -> dict[str, object]:
        """Refuse: a function of Python's is not for files."""
        raise ValueError(f"activation {self.name!r} is a function, which a file cannot hold")

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""
        return jnp.asarray(self.function(jnp.asarray(x)))

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        return _expected(self, 0, 0, s, a, b), _expected(self, 1, 1, s, a, b)

    def left_out(self, a: Array) -> Array:
        """Return the share of E[f²] or E[f′²], whichever is larger, that the series leaves out."""
        _, root, _ = _rule(self.terms)
        worst = jnp.zeros_like(a)
        for order in (0, 1):
            values = _values(self, order, a)
            square = jnp.sum(jnp.square(values * jnp.asarray(root, a.dtype)), axis=-1)
            kept = jnp.sum(jnp.square(_coefficients(self, order, a)), axis=-1)
            # What is small beside f² counts for nothing: constants have no derivative.
            size = square + jnp.square(self(jnp.zeros((), a.dtype))) * (order == 1)
            share = jnp.abs(square - kept) / jnp.where(size > 0, size, 1.0)
            worst = jnp.maximum(worst, jnp.where(jnp.isfinite(share), share, jnp.inf))
        return worst

    def guarded(self, a: Array) -> Array:
        """Return variances, with an error at run time where the terms do not suffice."""
        most = _LEAVES_OUT if a.dtype == jnp.float64 else 1e-5
        return eqx.error_if(
            a, jnp.any(self.left_out(a) > most),
            f"activation {self.name!r}: {self.terms} terms leave out more than 1e-9 at such norms; "
            "give activation_from more terms, or smaller points",
        )  # fmt: skip

    def refuse(self, largest: float, name: str) -> None:
        """Raise `QuadratureError` if the terms do not suffice."""
        variances = largest * 0.25 ** np.arange(_VARIANCES)
        with full_precision():
            found = np.asarray(_left_out(self, variances))
            other = replace(self, terms=_TERMS[0] if self.terms != _TERMS[0] else 96)
            squares = [float(_square(act, np.asarray(largest))) for act in (self, other)]
        worst = float(found.max())
        if np.isfinite(worst) and worst <= _LEAVES_OUT:
            # A spike between the nodes of one rule is not between those of another.
            if abs(squares[0] - squares[1]) <= 1e-3 * abs(squares[0]):
                return
            worst = abs(squares[0] - squares[1]) / max(squares[0], 1e-300)
        if not np.all(np.isfinite([worst, *squares])):
            raise QuadratureError(
                f"activation {self.name!r} is not finite, or grows faster than a Gaussian of "
                f"variance {largest:.3g} allows, at the norms of {name}"
            )
        raise QuadratureError(
            f"activation {self.name!r} is not resolved at the norms of {name} (variance "
            f"{largest:.3g}): {self.terms} Hermite terms leave out {worst:.0e} of its square; it "
            "has a kink or a step, or varies too quickly: smaller norms, a smoother function or "
            "one with a closed form (attractory.duals) would do"
        )

    def adapted(self, largest: float, name: str) -> "Expansion":
        """Return the expansion with as many terms as these variances need, or refuse them."""
        for terms in sorted({*_TERMS, self.terms}):
            found = replace(self, terms=terms)
            try:
                found.refuse(largest, name)
            except QuadratureError:
                if terms == max(*_TERMS, self.terms):
                    raise
            else:
                return found
        raise AssertionError("the loop returns or raises")


@dataclass(frozen=True)
class SeriesParts(SmoothParts[Expansion]):
    """An expansion's expectations: polynomials in c = s/√(ab) as they are, y = (1 + c)/2."""

    act: Expansion
    shift: float = 0.0
    terms: int = 48

    def place(self, s: Array, gap: Array, a: Array, b: Array) -> Array:
        """Return y."""
        return (1 + _correlation(s, a, b)) / 2

    def pair(self, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return s and the gap."""
        return jnp.sqrt(a * b) * (2 * y - 1), 4 * a * b * y * (1 - y)

    def smooth(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return the expectations."""
        return self.act.moments(s, gap, a, b)

    def weights(self, low: Array, largest: Float[Array, " f"]) -> Float[Array, " f"]:
        """Return what makes errors relative."""
        return 1 / jnp.maximum(largest, jnp.finfo(largest.dtype).tiny)

    def moments(
        self, smooth: tuple[Array, Array], s: Array, gap: Array, a: Array, b: Array
    ) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        return smooth

    def following_gap(
        self,
        value: Array,
        smooth: Array,
        pair: tuple[Array, Array, Array, Array],
        ends: tuple[Array, Array],
    ) -> Array:
        """Return the next layer's gap."""
        return plain_gap(value, *ends)


def activation_from(
    function: Callable[[Array], Array], *, name: str | None = None, terms: int = 256
) -> Expansion:
    """Return any smooth function as an activation, its expectations by quadrature to 1e-8.

    The number of terms follows the points' norms, up to 1,024, and what these leave out is known:
    norms at which that is more than 1e-9 are refused with `QuadratureError`, as are functions that
    grow faster than a Gaussian allows, or have a kink. A softplus is good up to variances
    ‖x‖²/d of some 100. In a caller's own compiled code the number of terms is fixed, and
    the refusal is an error at run time.

    Args:
        function: elementwise, in JAX operations, three times differentiable.
        name: shown in tables and errors; the function's own by default.
        terms: in the caller's own compiled code, 16 to 1,024.

    Raises:
        TypeError: if it is no function, or returns no real numbers of its argument's shape.
        ValueError: if it is not finite at 0, or terms are out of range.

    Example:
        >>> import jax
        >>> from attractory import ntk
        >>> ntk([[1.0, 2.0]], activation=activation_from(jax.nn.softplus)).shape
        (1, 1)
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {type(function).__name__}")
    terms = whole(terms, "terms", 16, _TERMS[-1])
    label = name or getattr(function, "__name__", type(function).__name__)
    with full_precision(), jax.ensure_compile_time_eval():
        try:
            probe = jax.eval_shape(lambda x: function(x), jax.ShapeDtypeStruct((2,), float))
        except jax.errors.JAXTypeError as error:
            kind = type(error).__name__
            raise TypeError(f"function must be made of JAX operations ({kind})") from None
        at_zero = np.asarray(function(jnp.zeros(2)))
    if probe.shape != (2,) or not np.issubdtype(probe.dtype, np.floating):
        raise TypeError(
            f"function must return real numbers of its argument's shape (2,), got {probe.dtype} of "
            f"shape {probe.shape}"
        )
    if not np.isfinite(at_zero).all():
        raise ValueError(f"function must be finite, got {at_zero[0]} at 0")
    return Expansion(function, label, terms)


@lru_cache(maxsize=8)
def _rule(terms: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes z, roots of weights and √w hₖ(z), (nodes, terms), of one and a half as many."""
    nodes, weights = roots_hermitenorm(3 * terms // 2)
    root = np.sqrt(weights / weights.sum())
    kept = root > _LEAST_ROOT
    nodes, root = nodes[kept], root[kept]
    basis = np.zeros((terms, len(nodes)))
    basis[0] = root
    basis[1] = nodes * root
    for k in range(1, terms - 1):
        basis[k + 1] = (nodes * basis[k] - np.sqrt(k) * basis[k - 1]) / np.sqrt(k + 1)
    return nodes, root, np.ascontiguousarray(basis.T)


def _derivative(function: Callable[[Array], Array], order: int) -> Callable[[Array], Array]:
    for _ in range(order):
        function = partial(_once, function)
    return function


def _once(function: Callable[[Array], Array], x: Array) -> Array:
    return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


def _values(act: Expansion, order: int, a: Array) -> Array:
    nodes = jnp.asarray(_rule(act.terms)[0], a.dtype)
    # Loops in reverse mode forget the rule that is Price's theorem: this has to be right, too.
    inner = safe_root(a)[..., None] * nodes
    return jnp.asarray(_derivative(act.function, order)(inner))


def _coefficients(act: Expansion, order: int, a: Array) -> Array:
    """Return αₖ of the derivative of some order, (…, terms)."""
    _, root, basis = _rule(act.terms)
    root, basis = jnp.asarray(root, a.dtype), jnp.asarray(basis, a.dtype)
    return (_values(act, order, a) * root) @ basis


def _correlation(s: Array, a: Array, b: Array) -> Array:
    product = safe_root(a * b)
    c = s / jnp.where(product > 0, product, 1.0)
    return c + lax.stop_gradient(jnp.clip(c, -1, 1) - c)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _expected(act: Expansion, p: int, q: int, s: Array, a: Array, b: Array) -> Array:
    """Return E[f⁽ᵖ⁾(u) f⁽ᑫ⁾(v)]."""
    left, right = _coefficients(act, p, a), _coefficients(act, q, b)
    c = _correlation(s, a, b)

    def add(k: Array, total: Array) -> Array:
        j = act.terms - 1 - k
        return total * c + left[..., j] * right[..., j]

    shape = jnp.broadcast_shapes(s.shape, a.shape, b.shape)
    return lax.fori_loop(0, act.terms, add, jnp.zeros(shape, c.dtype))


@_expected.defjvp
def _expected_jvp(
    act: Expansion, p: int, q: int, primals: tuple[Array, ...], tangents: tuple[Array, ...]
) -> tuple[Array, Array]:
    (s_dot, a_dot, b_dot), value = tangents, _expected(act, p, q, *primals)
    change = (
        _expected(act, p + 1, q + 1, *primals) * s_dot
        + _expected(act, p + 2, q, *primals) * (a_dot / 2)
        + _expected(act, p, q + 2, *primals) * (b_dot / 2)
    )
    return value, jnp.broadcast_to(change, value.shape)


@partial(jax.jit, static_argnums=0)
def _left_out(act: Expansion, a: Array) -> Array:
    return act.left_out(jnp.asarray(a))


@partial(jax.jit, static_argnums=0)
def _square(act: Expansion, a: Array) -> Array:
    root = jnp.asarray(_rule(act.terms)[1], a.dtype)
    return jnp.sum(jnp.square(_values(act, 0, jnp.asarray(a)) * root))
