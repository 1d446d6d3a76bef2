r"""Tables of a layer's expectations for points of many norms, one for each pair of blocks.

Φ and Ψ of `kernels.tables` depend on t and on the variances a, b of both points. They are analytic
in t on all of [0, 1], and in x = log(a + w) and y = log(b + w), w the least squared scale, on a
strip about the real axis whose width does not depend on a and b. For given a and b, t runs from 1/B
(s = 0) to 1 (s² = ab), and τ = t s²/(ab) from 0 to 1: in τ the degree does not grow where norms are
small, and 32 coefficients are enough. So one polynomial serves all norms that occur,

    Φ ≈ Σ φ_kij T_k(2τ − 1) T_i(x) T_j(y),   symmetric in i and j,

its degree in x and y proportional to the decades they span. It is made once for each activation
and span, from the sums over pairs of scales, whatever the points are.

Evaluated as it stands it would cost thousands of products for each entry of the kernel. Points are
sorted by norm, and cut into blocks within which x spans at most 0.8: on that interval the
polynomial in x is one of degree 12, P its restriction, and for a pair of blocks there remain

    c_kpq = Σ_ij P_pi φ_kij Q_qj   (k < 32, p < 13, q < 13).

With u_kq = Σ_p c_kpq T_p(x), worked out once for each row, an entry is

    Σ_kq u_kq T_q(y) T_k(2τ − 1),

some 240 products, since of the terms with k/36 + q/13 above 1 nothing is left in float64. That is
twice what an entry costs where all norms are one. Nothing in it depends on how far norms spread,
and the compiled code is the same for all blocks.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.polynomial import chebyshev
from scipy.fft import dct

from attractory.activations import Activation, ErfMixture
from attractory.kernels.tables import sum_pairs

__all__ = [
    "WIDTH", "NormTable", "basis", "between", "block_parts", "block_sum", "norm_table", "weights",
]  # fmt: skip

WIDTH = 0.8  # of a block, in log(a + w)
_T, _X = 32, 13  # coefficients in t, and in x and y within a block
_TALL = 40  # nodes in t
_SPANS = (4.0, 8.0, 12.0, 16.0, 24.0, 36.0, 54.0)  # of x; few, so that few are made
_MANY = 24  # scales: more of them spread too far
_UNRESOLVED = 1e-13  # last coefficients, relative to the largest, of a table that is none


def block_sum(
    weights: Float[Array, "k q r 1"], columns: Float[Array, "q 1 c"], tau: Float[Array, "r c"]
) -> Float[Array, "r c"]:
    """Return Σ u_kq T_q(y) T_k(2τ − 1) by Clenshaw's recurrence.

    Written out term by term it is one loop over the entries, long to compile and quick to run.
    """
    x = 2 * tau - 1
    older, newer = jnp.zeros_like(x), jnp.zeros_like(x)
    for k in range(_T - 1, -1, -1):
        here = weights[k, 0] * columns[0]
        for q in range(1, _degrees(k)):
            here = here + weights[k, q] * columns[q]
        older, newer = newer, (2 if k else 1) * x * newer - older + here
    return newer


def block_parts(
    split: Array, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, Array, Array]:
    """Return D₀, τ and 1/B of the rows and columns of two blocks."""
    c0 = split * (a + b + split)
    square = gap + c0
    inverse_a, inverse_b = (jnp.where(v > 0, 1 / jnp.where(v > 0, v, 1.0), 0.0) for v in (a, b))
    cosine = (s * inverse_a) * (s * inverse_b)
    # What follows reads τ some 30 times: let it be worked out once.
    tau = lax.optimization_barrier(c0 / square * cosine)
    return jnp.sqrt(square), tau, c0 / (a * b + c0)


def basis(
    x: Float[np.ndarray, " n"], low: Float[np.ndarray, " n"], high: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "q n"]:
    """Return T₀ … T₁₂ at points, each in a block of its own, from −1 to 1 between its ends."""
    wide = high - low
    place = np.where(wide > 0, (2 * x - low - high) / np.where(wide > 0, wide, 1.0), 0.0)
    return chebyshev.chebvander(np.clip(place, -1, 1), _X - 1).T


def _degrees(k: int) -> int:
    """Return how many terms in y matter beside T_k."""
    return int(np.ceil(_X - (_X - 2) * k / (_T - 1)))


class NormTable(NamedTuple):
    """φ and ψ for all norms of a span.

    Attributes:
        act: the activation.
        split, shift: w₀ and w.
        ends: of x.
        phi, psi, both: coefficients of Φ, Ψ and Φ + Ψ/B, (k, i, j).
    """

    act: ErfMixture
    split: float
    shift: float
    ends: tuple[float, float]
    phi: np.ndarray
    psi: np.ndarray
    both: np.ndarray

    def restricted(self, a: tuple[float, float], wanted: str) -> np.ndarray:
        """Return coefficients of "phi", "psi" or "both" for x in a block, (k p, j)."""
        half = _restriction(self, a) @ getattr(self, wanted)
        return half.reshape(-1, half.shape[-1])

    def restrictions(self, blocks: list[tuple[float, float]]) -> np.ndarray:
        """Return Q of several blocks for `between`, (j, blocks q)."""
        return np.concatenate([_restriction(self, ends) for ends in blocks]).T.copy()


@jax.jit  # NumPy's threads would wait for XLA's
def between(
    half: Float[Array, "sums kp j"], right: Float[Array, "j m"]
) -> Float[Array, "sums blocks kq p"]:
    """Return c of a block of rows, `restricted`, and blocks of columns, with `restrictions`."""
    both = (half @ right).reshape(len(half), _T, _X, -1, _X)  # (sum, k, p, block, q)
    return both.transpose(0, 3, 1, 4, 2).reshape(len(half), -1, _T * _X, _X)


def weights(c: Float[Array, "kq p"], rows: Float[Array, "p r"]) -> Float[Array, "k q r 1"]:
    """Return u_kq at the rows of a block, from their `basis`."""
    return (c @ rows).reshape(_T, _X, -1, 1)


@lru_cache(maxsize=4096)
def _restriction_matrix(
    ends: tuple[float, float], count: int, block: tuple[float, float]
) -> np.ndarray:
    nodes = np.cos(np.pi * (np.arange(_X) + 0.5) / _X)
    x = (block[0] + block[1] + (block[1] - block[0]) * nodes) / 2
    place = np.clip((2 * x - ends[0] - ends[1]) / (ends[1] - ends[0]), -1, 1)
    return _coefficients(chebyshev.chebvander(place, count - 1))


def _restriction(table: NormTable, block: tuple[float, float]) -> np.ndarray:
    """Return P, (p, i), that takes coefficients of the span to those of a block."""
    return _restriction_matrix(table.ends, table.phi.shape[1], block)


def _coefficients(values: np.ndarray) -> np.ndarray:
    """Return Chebyshev coefficients along the first axis of values at Chebyshev nodes."""
    found = np.asarray(dct(values, type=2, axis=0)) / len(values)
    found[0] /= 2
    return found


def norm_table(act: Activation, largest: float) -> NormTable | None:
    """Return the table for variances up to `largest`; None for activations that have none."""
    if not isinstance(act, ErfMixture) or len(act.scales) == 1 or len(act.scales) > _MANY:
        return None
    shift = min(act.scales) ** 2
    needed = float(np.log1p(largest / shift))
    span = next((span for span in _SPANS if span >= needed), None)
    return None if span is None else _made(act, span)


@lru_cache(maxsize=16)
def _made(act: ErfMixture, span: float) -> NormTable | None:
    w, p = np.square(act.scales), np.asarray(act.weights)
    split, shift = float(np.exp(p @ np.log(w))), float(w.min())
    count = _nodes(span)
    low = np.log(shift)
    x = low + span * (1 + np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    variance = np.maximum(np.exp(x) - shift, 0.0)
    tau = (1 + np.cos(np.pi * (np.arange(_TALL) + 0.5) / _TALL)) / 2
    first, second = np.triu_indices(count)
    a, b = variance[first][:, None], variance[second][:, None]
    c0 = split * (a + b + split)
    inverse = c0 / (a * b + c0)
    t = inverse + (1 - inverse) * tau
    parts = np.array_split(np.arange(len(first)), max(2, len(first) // 128))
    with ThreadPoolExecutor(2) as threads:
        found = list(
            threads.map(lambda some: sum_pairs(act, split, t[some], a[some], b[some]), parts)
        )
    phi, psi = (np.concatenate([one[k] for one in found]) for k in range(2))
    tables = []
    for values in (phi, psi, phi + psi * inverse):
        full = np.empty((_TALL, count, count))
        full[:, first, second] = values.T
        full[:, second, first] = values.T
        for _ in range(3):  # along each axis in turn
            full = np.moveaxis(_coefficients(full), 0, 2)
        scale = np.abs(full).max()
        if max(np.abs(full[_T:]).max(), np.abs(full[:, -1]).max()) > _UNRESOLVED * scale:
            return None
        tables.append(np.ascontiguousarray(full[:_T]))
    return NormTable(act, split, shift, (float(low), float(low + span)), *tables)


def _nodes(span: float) -> int:
    return int(16 + 4.5 * span)
