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

Sums are of float32 numbers ≥ 0: relative errors are below the number of terms times its rounding.
"""

import numpy as np
from jaxtyping import Float

__all__ = ["across", "joint_weights", "largest_sum"]

_UNIT = 2.0**-22  # of float32, with room for the few operations on an entry
_ENTRY = 1e-6  # added to entries of B at k = 1: their own rounding
_FLOOR = 1e-3  # of y, relative to its largest entry


def across(
    gram: Float[np.ndarray, "n n"], along: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n n"]:
    """Return |qⱼ·qₖ| of vectors less their part along a unit vector, in float32.

    Args:
        gram: products of the vectors.
        along: products with the unit vector.
    """
    c = along.astype(np.float32)
    found = np.multiply.outer(c, c)
    np.subtract(gram, found, out=found)
    np.abs(found, out=found)
    found += np.float32(_ENTRY * max(1.0, float(np.abs(gram).max())))
    return found


def joint_weights(
    products: Float[np.ndarray, "n n"], power: int, y: Float[np.ndarray, "p n"]
) -> Float[np.ndarray, "p n"]:
    """Return D with Σⱼ Dⱼ (qⱼ·u)²ᵏ ≤ 1 for every unit u.

    Args:
        products: |qⱼ·qₖ|.
        power: k.
        y: some of them, at least 0; vectors where it is 0 have no weight.
    """
    raised = products.copy()
    for _ in range(power - 1):
        raised *= products
    sums = (y.astype(np.float32) @ raised).astype(float) * (1 + y.shape[1] * _UNIT)
    return np.where(y > 0, y / np.where(sums > 0, sums, 1.0), 0.0)


def largest_sum(
    products: Float[np.ndarray, "n n"], weights: Float[np.ndarray, " n"], rounds: int = 4
) -> float:
    """Return λ, at least the largest eigenvalue of √ω B √ω.

    Args:
        products: B.
        weights: ω.
        rounds: of power iteration towards a good y.
    """
    if not np.isfinite(weights).all():
        return np.inf
    root = np.sqrt(weights).astype(np.float32)
    if not root.any():
        return 0.0
    y = root + np.float32(_FLOOR) * root.max()
    ratio = np.inf
    for _ in range(rounds):
        z = root * (products @ (root * y))
        ratio = min(ratio, float((z / y).max()))
        y = z + np.float32(_FLOOR) * z.max()
    return ratio * (1 + (len(y) + 4) * _UNIT)
