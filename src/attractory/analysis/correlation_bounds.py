r"""How much a vector can have in common with many others at once, for certificates of recall.

Let q₁…qₙ be vectors and B the matrix |qⱼ·qₖ|ᵏ, k a whole number. For every unit u, and any weights
ω ≥ 0, Σⱼ ωⱼ (qⱼ·u)²ᵏ ≤ λmax(√ω B √ω): the numbers √ωⱼ (qⱼ·u)ᵏ are products of the tensors
√ωⱼ qⱼ⊗…⊗qⱼ with the unit tensor u⊗…⊗u; the sum of such squares is at most the largest eigenvalue of
the tensors' Gram matrix, which is at most that of its absolute values. Of a matrix with entries
≥ 0 that is at most maxⱼ (By)ⱼ/yⱼ for any y > 0 (Collatz, 1942; Wielandt, 1950), so that two bounds
cost one product each:

    Σⱼ Dⱼ (qⱼ·u)²ᵏ ≤ 1   with Dⱼ = yⱼ/(By)ⱼ,
    Σⱼ ωⱼ (qⱼ·u)²ᵏ ≤ λ   with λ = maxⱼ (√ω B √ω y)ⱼ/yⱼ.

At k = 1 unlike vectors add up when there are many. At k = 3 hardly: cubes of products are small.

The q are vectors p less their parts along a unit vector, another one for each certificate: B is
formed in blocks that stay in the processor's cache, for all powers at once, and never stored.

Sums are of float32 numbers ≥ 0: relative errors are below the number of terms times its rounding.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.linalg import get_blas_funcs

__all__ = ["LargestSums", "gram_of", "joint_weights", "power_sums"]

_UNIT = 2.0**-22  # of float32, with room for the few operations on an entry
_ENTRY = 1e-6  # added to entries of B at k = 1, of the longest p squared: their own rounding
_FLOOR = 1e-3  # of y, relative to its largest entry
_TILE = 256  # rows and columns of B at a time


def gram_of(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n n"]:
    """Return products of vectors, worked out in float64 and rounded to float32."""
    found = np.empty((len(vectors),) * 2, np.float32)
    size = max(1, (1 << 22) // max(len(vectors), 1))
    for k in range(0, len(vectors), size):
        found[k : k + size] = vectors[k : k + size] @ vectors.T
    return found


def power_sums(
    gram: Float[np.ndarray, "n n"],
    along: Float[np.ndarray, " n"],
    y: Sequence[Float[np.ndarray, "n _"] | None],
) -> list[Float[np.ndarray, "n _"]]:
    """Return B y for powers k = 1, 2, …, or a little more; no columns for powers not asked for.

    Args:
        gram: products of the p, in float32.
        along: their products with the unit vector.
        y: for each power, at least 0; None for one not asked for.
    """
    n = len(gram)
    some = [None if v is None else np.ascontiguousarray(v, np.float32) for v in y]
    out = [np.zeros((n, 0 if v is None else v.shape[1]), np.float32) for v in some]
    c = along.astype(np.float32)
    entry = np.float32(_ENTRY * float(np.diagonal(gram).max(initial=0.0)))
    (ger,) = get_blas_funcs(("ger",), (c,))
    room, raised_room = np.empty((2, _TILE * _TILE), np.float32)
    for first in range(0, n, _TILE):
        for second in range(first, n, _TILE):  # B is symmetric
            rows, columns = slice(first, first + _TILE), slice(second, second + _TILE)
            c_rows, c_columns = c[rows], c[columns]
            shape = len(c_rows), len(c_columns)
            size = shape[0] * shape[1]
            block, raised = room[:size].reshape(shape), raised_room[:size].reshape(shape)
            np.copyto(block, gram[rows, columns])
            # Twice as quick as NumPy's outer product.
            ger(-1.0, c_columns, c_rows, a=block.T, overwrite_a=1)
            np.abs(block, out=block)
            block += entry
            power = block
            for k, v in enumerate(some):
                if k:
                    power = np.multiply(power, block, out=raised)
                if v is not None:
                    out[k][rows] += power @ v[columns]
                    if second > first:
                        out[k][columns] += power.T @ v[rows]
    return [v.astype(float) * (1 + (n + 4) * _UNIT) for v in out]


def joint_weights(
    sums: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n p"]
) -> Float[np.ndarray, "n p"]:
    """Return D with Σⱼ Dⱼ (qⱼ·u)²ᵏ ≤ 1 for every unit u; 0 where y is, which has no weight.

    Args:
        sums: B y of y restricted to where it is positive; B of all is no less.
        y: at least 0.
    """
    return np.where(y > 0, y / np.where(sums > 0, sums, 1.0), 0.0)


class LargestSums:
    """Bounds λ of the largest eigenvalues of √ω B √ω, for powers k = 1, 2, ….

    Args:
        gram, along: as for `power_sums`.
        weights: ω for each power, at least 0; one that is infinite has no bound.
    """

    def __init__(
        self,
        gram: Float[np.ndarray, "n n"],
        along: Float[np.ndarray, " n"],
        weights: Sequence[Float[np.ndarray, "n _"]],
    ):
        self._gram, self._along = gram, along
        self._known = [np.isfinite(w).all(axis=0) for w in weights]
        finite = [np.where(good, w, 0.0) for good, w in zip(self._known, weights, strict=True)]
        self._sizes = [w.max(axis=0, initial=1e-300) for w in finite]
        self._roots = [np.sqrt(w / size) for w, size in zip(finite, self._sizes, strict=True)]
        self._ys = [root + _FLOOR for root in self._roots]
        self._ratios = [np.full(good.shape, np.inf) for good in self._known]
        self._rounds = 0

    def after(self, rounds: int) -> list[Float[np.ndarray, " _"]]:
        """Return λ after as many rounds of power iteration in all towards a good y."""
        while self._rounds < rounds:
            given = [r * y for r, y in zip(self._roots, self._ys, strict=True)]
            sums = power_sums(self._gram, self._along, given)
            for k, root in enumerate(self._roots):
                z = root * sums[k]
                ratio = (z / self._ys[k]).max(axis=0, initial=0.0)
                self._ratios[k] = np.minimum(self._ratios[k], ratio)
                self._ys[k] = z / z.max(axis=0, initial=1e-300) + _FLOOR
            self._rounds += 1
        return [
            np.where(good, ratio * size, np.inf)
            for good, ratio, size in zip(self._known, self._ratios, self._sizes, strict=True)
        ]
