r"""Appendix C.2: X(XᵀX + cB)⁻¹Xᵀ, the limit's Jacobian in the linear region with f0 = 0.

X holds m patterns as columns, B = 11ᵀ. By Sherman and Morrison, with a = X(XᵀX)⁻¹1 and g = ‖a‖²,

    X(XᵀX + cB)⁻¹Xᵀ = P − cg/(1 + cg) ââᵀ,   P the projector on the patterns' span, P a = a,

hence eigenvalues 1 (m − 1 times), 0 (k − m times) and λ = 1/(1 + cg), with eigenvector a (Lemma 6,
Corollary 7); the norm is max(1, |λ|), which is 1 for cg ≥ 0 (Corollary 8) and for cg ≤ −2, but not
between (Remark 2, corrected). a is the shortest vector with a·xᵢ = 1 for all i, so g = 1/distance²
of the patterns' affine hull from the origin: Lemma 9's g ≥ 1/r², for r the shortest pattern, and
without equal norms.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, nonnegative, positive
from attractory.theory.findings import Finding, Prediction

__all__ = [
    "corollary_7",
    "corollary_8",
    "lemma_6",
    "lemma_9",
    "rank_assumptions",
    "remark_2",
    "shrinkage",
]

_SAME = 1e-9  # relative spread of norms that counts as equal


def rank_assumptions(patterns: Float[np.ndarray, "n d"], least: int = 1) -> tuple[str, ...]:
    """Return which of full rank, n ≤ n₀ and n ≥ least fail, in words.

    Example:
        >>> rank_assumptions(np.ones((2, 3)))
        ('full rank: rank 1 of 2 patterns',)
    """
    n, dim = patterns.shape
    unmet = []
    if n < least:
        unmet.append(f"n ≥ {least}: got {n} pattern{'s' if n > 1 else ''}")
    if n > dim:
        unmet.append(f"n ≤ n₀: {n} patterns in dim {dim}")
    else:
        rank = int(np.linalg.matrix_rank(patterns))
        if rank < n:
            unmet.append(f"full rank: rank {rank} of {n} patterns")
    return tuple(unmet)


def shrinkage(patterns: ArrayLike) -> float:
    """Return g = 1ᵀ(XᵀX)⁺1 of patterns (n, d).

    Example:
        >>> round(shrinkage(np.eye(3)), 12)  # three vectors of norm 1 at right angles
        3.0
    """
    x = as_points(patterns, "patterns")
    return float(np.linalg.norm(np.linalg.pinv(x) @ np.ones(len(x))) ** 2)


def _inverse(x: np.ndarray, c: float) -> np.ndarray:
    """Return (XᵀX + cB)⁺, (n, n), for patterns in rows."""
    return np.linalg.pinv(x @ x.T + c, rcond=1e-13, hermitian=True)


def _matrix(x: np.ndarray, c: float) -> np.ndarray:
    """Return X(XᵀX + cB)⁺Xᵀ, (d, d)."""
    return x.T @ _inverse(x, c) @ x


def _setting(x: np.ndarray, c: float | None = None) -> dict[str, Any]:
    setting: dict[str, Any] = {"n": len(x), "dim": x.shape[1]}
    return setting if c is None else {**setting, "c": c, "cg": c * shrinkage(x)}


def _count(values: np.ndarray, at: float, tolerance: float) -> int:
    return int((np.abs(values - at) <= tolerance).sum())


def lemma_6(patterns: ArrayLike, c: float, *, tolerance: float = 1e-9) -> Finding:
    """Compare the eigenvalues of X(XᵀX + cB)⁻¹Xᵀ with Lemma 6.

    Args:
        patterns: (n, d), the columns of X.
        c: the constant, positive in the lemma.
        tolerance: within which an eigenvalue counts as 1 or 0.

    Example:
        >>> lemma_6(np.eye(3, 5), 0.5).verdict, lemma_6(np.eye(3, 5), -0.1).verdict
        ('holds', 'assumptions not met: c > 0: got -0.1')
    """
    x, tolerance = as_points(patterns, "patterns"), positive(tolerance, "tolerance")
    m, k = x.shape
    values = np.linalg.eigvalsh(_matrix(x, c))
    cg = c * shrinkage(x)
    unmet = rank_assumptions(x, 2)
    sign = () if c > 0 else (f"c > 0: got {c:g}",)
    expected = 1 / (1 + cg) if cg != -1 else np.nan
    nearest = float(values[np.abs(values - expected).argmin()]) if cg != -1 else np.nan
    predictions = (
        # At c = 0 the third eigenvalue is 1 too.
        Prediction(
            "eigenvalue 1, times", m - 1, _count(values, 1.0, tolerance), "=", 0, unmet + sign
        ),
        Prediction("eigenvalue 0, times", k - m, _count(values, 0.0, tolerance), "=", 0, unmet),
        Prediction("λ = 1/(1 + cg)", expected, nearest, "=", tolerance, unmet),
        Prediction("0 < λ < 1", (0.0, 1.0 - tolerance), nearest, "in", 0, unmet + sign),
    )
    return Finding("Lemma 6", _setting(x, c), predictions)


def corollary_7(patterns: ArrayLike, c: float, *, tolerance: float = 1e-9) -> Finding:
    """Check that X(XᵀX)⁻¹1 is the eigenvector of λ = 1/(1 + cg), and equals X(XᵀX + cB)⁻¹1/λ.

    Arguments are those of `lemma_6`.

    Example:
        >>> corollary_7([[1.0, 0.0, 0.0], [1.0, 2.0, 0.0]], 3.0).verdict
        'holds'
    """
    x, tolerance = as_points(patterns, "patterns"), positive(tolerance, "tolerance")
    ones = np.ones(len(x))
    a = np.linalg.pinv(x) @ ones
    size = float(np.linalg.norm(a)) or 1.0
    share = 1 / (1 + c * size**2)
    other = x.T @ _inverse(x, c) @ ones
    reach = float(np.abs(x @ a - 1).max())
    unmet = rank_assumptions(x)
    predictions = (
        Prediction(
            "‖M a − λ a‖/‖a‖", 0.0,
            float(np.linalg.norm(_matrix(x, c) @ a - share * a)) / size, "=", tolerance, unmet,
        ),
        Prediction(
            "‖X(XᵀX + cB)⁻¹1 − λ a‖/‖a‖", 0.0,
            float(np.linalg.norm(other - share * a)) / size, "=", tolerance, unmet,
        ),
        Prediction("a·xᵢ = 1: largest miss", 0.0, reach, "=", tolerance, unmet),
    )  # fmt: skip
    return Finding("Corollary 7", _setting(x, c), predictions)


def corollary_8(patterns: ArrayLike, c: float, *, tolerance: float = 1e-9) -> Finding:
    """Check ‖X(XᵀX + cB)⁻¹Xᵀ‖ = 1 for c ≥ 0 and m ≥ 2.

    Arguments are those of `lemma_6`.

    Example:
        >>> corollary_8(np.eye(1, 3), 1.0).predictions[0].measured  # one pattern: λ alone
        0.5
    """
    x, tolerance = as_points(patterns, "patterns"), positive(tolerance, "tolerance")
    unmet = rank_assumptions(x, 2) + (() if c >= 0 else (f"c ≥ 0: got {c:g}",))
    size = float(np.linalg.norm(_matrix(x, c), 2))
    predictions = (Prediction("operator norm", 1.0, size, "=", tolerance, unmet),)
    return Finding("Corollary 8", _setting(x, c), predictions)


def remark_2(patterns: ArrayLike, cg: float, *, tolerance: float = 1e-9) -> Finding:
    """Compare the norm for negative c, given by the product cg, with the remark as corrected.

    The remark lets c be negative "as long as cg is not close to −1". That keeps the matrix
    invertible; its norm is max(1, |1/(1 + cg)|), 1 only for cg ≥ 0 or cg ≤ −2.

    Raises:
        ValueError: at cg = −1, where XᵀX + cB is singular.

    Example:
        >>> remark_2(np.eye(2, 4), -0.5).predictions[0].measured.__round__(9)
        2.0
    """
    x, tolerance = as_points(patterns, "patterns"), positive(tolerance, "tolerance")
    if abs(1 + cg) < 1e-6:
        raise ValueError(f"cg must differ from -1, where XᵀX + cB is singular, got {cg:g}")
    g = shrinkage(x)
    if g < 1e-12:
        raise ValueError(
            "patterns must not have the origin in their affine hull (as antiparallel ones do): "
            f"g = {g:.1g}, and no c gives cg = {cg:g}"
        )
    size = float(np.linalg.norm(_matrix(x, cg / g), 2))
    unmet = rank_assumptions(x, 2)
    between = (f"cg ≥ 0 or cg ≤ −2: got {cg:g}",) if -2 < cg < 0 else ()
    predictions = (
        Prediction(
            "norm = max(1, 1/|1 + cg|)", max(1.0, 1 / abs(1 + cg)), size, "=", tolerance, unmet
        ),
        Prediction("norm 1", 1.0, size, "=", tolerance, unmet + between),
    )
    return Finding("Remark 2", {"n": len(x), "dim": x.shape[1], "cg": cg}, predictions)


def lemma_9(patterns: ArrayLike, *, tolerance: float = 1e-9) -> Finding:
    """Check g = 1ᵀ(XᵀX)⁻¹1 ≥ 1/r², and that it does not need equal norms.

    Example:
        >>> lemma_9(np.eye(1, 3)).predictions[0].measured  # one pattern: equality
        1.0
    """
    x, tolerance = as_points(patterns, "patterns"), nonnegative(tolerance, "tolerance")
    norms = np.linalg.norm(x, axis=1)
    g, unmet = shrinkage(x), rank_assumptions(x)
    even = ()
    if np.ptp(norms) > _SAME * norms.max():
        even = (f"equal norms: got {norms.min():g} to {norms.max():g}",)
    longest, shortest = 1 / norms.max() ** 2, 1 / norms.min() ** 2
    predictions = (
        Prediction("g, r the longest norm", longest, g, "≥", tolerance * longest, unmet + even),
        Prediction("g, r the shortest norm", shortest, g, "≥", tolerance * shortest, unmet),
    )
    return Finding("Lemma 9", {**_setting(x), "norm": float(norms.max())}, predictions)
