r"""Section 4.3, appendix C.1: the linear region, σ(x) = αx + β, two layers, the NTK limit.

K = (2α²/n₀)(XᵀX + cB) with c = n₀β²/(2α²) and B = 11ᵀ, so that with M = X(XᵀX + cB)⁻¹Xᵀ

    J∞ = J₀ + M − J₀M − w uᵀ,   w = βW⁽¹⁾1/√n₁,   u = X(XᵀX + cB)⁻¹1,

J₀ = αW⁽¹⁾W⁽⁰⁾/√(n₁n₀); with f0 = 0 it is M alone. For β = 0, M is the projector P on the patterns:
J∞ = P + J₀(I − P) is block triangular, [[I, ·], [0, QJ₀Q]] with Q = I − P, which gives Lemmas 2 and
3 with multiplicities (errata, 5). For β ≠ 0 the space orthogonal to u within the span, of dimension
n − 1, is left as it is (Lemma 4), and with f0 = 0 the last eigenvalue is λ̂ = 1/(1 + cg). Why no
other eigenvalue reaches 1: errata, 3 (the last step of the printed proof does not follow).
"""

from typing import Any

import numpy as np

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, nonnegative, positive, whole
from attractory.activations import Linear
from attractory.theory.findings import Finding, Prediction
from attractory.theory.maps import limit_map
from attractory.theory.projection import rank_assumptions, shrinkage

__all__ = ["lemma_2", "lemma_3", "lemma_4"]

_SAME = 1e-9  # relative spread of norms that counts as equal


class _Limit:
    """J∞ in the linear region, with f0 = 0 or of a sampled network."""

    def __init__(
        self, patterns: ArrayLike, alpha: float, beta: float, f0: str, width: int, key: int
    ):
        self.x = as_points(patterns, "patterns")
        n, dim = self.x.shape
        act = Linear(positive(alpha, "alpha"), float(beta))
        f, start = limit_map(
            self.x, f0, activation=act, depth=2, width=whole(width, "width", 1), key=key
        )
        self.sampled, self.column = start is not None, 0.0
        self.first = np.zeros((dim, dim))
        if start is not None:
            self.first = np.asarray(start.jacobian(self.x[0]))
            sums = np.asarray(start.weights[1]).sum(axis=1)
            self.column = float(np.linalg.norm(sums)) / np.sqrt(width)
        self.jacobian = np.asarray(f.jacobian(self.x[0]))
        self.values = np.linalg.eigvals(self.jacobian)
        self.radius = float(np.abs(self.values).max())
        self.first_norm = float(np.linalg.norm(self.first, 2))
        self.setting: dict[str, Any] = {
            "n": n, "dim": dim, "alpha": alpha, "beta": beta, "f0": f0, "‖J₀‖": self.first_norm,
        }  # fmt: skip

    def ones(self, tolerance: float) -> int:
        return int((np.abs(self.values - 1) <= tolerance).sum())

    def contracting(self) -> tuple[str, ...]:
        if self.first_norm < 1:
            return ()
        return (f"‖J₀‖ < 1: got {self.first_norm:.4g}, lower alpha",)


def lemma_2(
    patterns: ArrayLike,
    *,
    alpha: float = 0.25,
    f0: str = "sampled",
    width: int = 1000,
    key: int = 0,
) -> Finding:
    """Check J∞ = I for σ(x) = αx and n = n₀ patterns of full rank.

    Args:
        patterns: (n, d).
        alpha: slope of σ, above 0.
        f0: "sampled" from a network, as in the lemma, or "zero".
        width, key: of the network.

    Raises:
        ValueError: for values out of range, zero or equal patterns.

    Example:
        >>> from attractory.datasets import sphere
        >>> lemma_2(sphere(6, 6)).verdict
        'holds'
        >>> lemma_2(sphere(5, 6)).verdict
        'assumptions not met: n = n₀: 5 patterns in dim 6'
    """
    limit = _Limit(patterns, alpha, 0.0, f0, width, key)
    n, dim = limit.x.shape
    unmet = rank_assumptions(limit.x)
    if n != dim:
        unmet = (f"n = n₀: {n} patterns in dim {dim}",)
    away = float(np.linalg.norm(limit.jacobian - np.eye(dim), 2))
    # Rounding errors grow with the condition number of K, the square of that of X.
    room = 1e-14 * dim * float(np.linalg.cond(limit.x)) ** 2
    predictions = (Prediction("‖J∞ − I‖", 0.0, away, "=", min(room, 1e-3), unmet),)
    return Finding("Lemma 2", limit.setting, predictions)


def lemma_3(
    patterns: ArrayLike,
    *,
    alpha: float = 0.25,
    f0: str = "sampled",
    width: int = 1000,
    key: int = 0,
    tolerance: float = 1e-6,
) -> Finding:
    """Check eigenvalue 1 with multiplicity n, and spectral radius 1, for σ(x) = αx.

    Args:
        patterns, alpha, f0, width, key: as for `lemma_2`.
        tolerance: within which an eigenvalue counts as 1.

    Example:
        >>> from attractory.datasets import sphere
        >>> lemma_3(sphere(4, 16)).verdict
        'holds'
        >>> lemma_3(sphere(4, 16), alpha=2.0).predictions[0].verdict  # whatever the slope
        'holds'
    """
    tolerance = positive(tolerance, "tolerance")
    limit = _Limit(patterns, alpha, 0.0, f0, width, key)
    rank, small = rank_assumptions(limit.x), limit.contracting()
    n, count = len(limit.x), limit.ones(tolerance)
    predictions = (
        Prediction("eigenvalue 1, times at least", n, count, "≥", 0, rank),
        Prediction("eigenvalue 1, times", n, count, "=", 0, rank + small),
        Prediction("spectral radius", 1.0, limit.radius, "=", tolerance, small),
    )
    return Finding("Lemma 3", limit.setting, predictions)


def lemma_4(
    patterns: ArrayLike,
    *,
    alpha: float = 0.25,
    beta: float = 0.5,
    f0: str = "sampled",
    width: int = 1000,
    key: int = 0,
    tolerance: float = 1e-6,
) -> Finding:
    """Check eigenvalue 1 with multiplicity n − 1, and spectral radius 1, for σ(x) = αx + β.

    With f0 = 0 the remaining eigenvalue is compared with λ̂ = 1/(1 + cg) as well.

    Args:
        patterns, alpha, f0, width, key, tolerance: as for `lemma_3`.
        beta: offset of σ; |β| stands in the lemma's inequality (errata, 4).

    Example:
        >>> from attractory.datasets import sphere
        >>> lemma_4(sphere(4, 16), beta=2.0).verdict
        'holds'
        >>> lemma_4(sphere(4, 16), beta=0.01).unmet
        ('‖W1‖/√n₁ < |β|n₀Δ/(2rα²): 3.12 is not below 0.717',)
    """
    tolerance, size = positive(tolerance, "tolerance"), abs(float(beta))
    limit = _Limit(patterns, alpha, beta, f0, width, key)
    n, dim = limit.x.shape
    norms = np.linalg.norm(limit.x, axis=1)
    r = float(norms.max())
    rank, small = rank_assumptions(limit.x, 2), limit.contracting()
    even = ()
    if np.ptp(norms) > _SAME * r:
        even = (f"equal norms: got {norms.min():g} to {r:g}",)
    bound = size * dim * max(1 - limit.first_norm, 0.0) / (2 * r * alpha**2)
    inequality = ()
    if limit.sampled and not limit.column < bound:
        inequality = (f"‖W1‖/√n₁ < |β|n₀Δ/(2rα²): {limit.column:.3g} is not below {bound:.3g}",)
    flat = (f"β ≠ 0: got {beta:g}",) if nonnegative(size, "beta") == 0 else ()
    count = limit.ones(tolerance)
    exact = rank + even + small + inequality + flat
    predictions: tuple[Prediction, ...] = (
        Prediction("eigenvalue 1, times at least", n - 1, count, "≥", 0, rank),
        Prediction("eigenvalue 1, times", n - 1, count, "=", 0, exact),
        Prediction("spectral radius", 1.0, limit.radius, "=", tolerance, exact),
    )
    if not limit.sampled:
        c = dim * size**2 / (2 * alpha**2)
        expected = 1 / (1 + c * shrinkage(limit.x))
        nearest = limit.values[np.abs(limit.values - expected).argmin()]
        away = float(abs(nearest - expected))
        predictions += (
            Prediction("λ̂ = 1/(1 + cg): distance to it", 0.0, away, "=", tolerance, rank),
        )
    return Finding("Lemma 4", limit.setting, predictions)
