r"""Figure D.1: the norm of the gradient's second component, ‖I₂‖, for correlations up to 1.

The paper (appendix D.2) splits ∂Θ(xᵢ, x)/∂x at x₁ into I₁, the gradient of Σ² = T(σ, σ), and I₂,
that of Θ² − Σ² = Θ¹T(σ̇, σ̇), and draws ‖I₂‖ over ρ and r. Here I₂ is the difference of the
library's gradients of the NTK and of the NNGP kernel, compared with the paper's two printed lines
for ‖I₂‖². The paper names no dim; here it is 32. Correlations are lines, not an axis of a surface,
so that the heights can be read off.
"""

import numpy as np
from matplotlib.figure import Figure

from attractory.kernels.matrices import nngp_gradient, ntk_gradient
from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.statistics import shown
from attractory.paper.style import GREY, MARKERS, new_figure, shades
from attractory.sweeps.grid import Settings
from attractory.sweeps.values import Values

__all__ = ["FIGURE", "cell"]

_CORRELATIONS = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0]
_POINTS = {"quick": 43, "full": 211}


def cell(*, correlation: float, dim: int, norms: list[float]) -> Values:
    """Return ‖I₂‖ between two patterns of one norm, by three routes, each (norms,).

    Args:
        correlation: ρ between the patterns.
        dim: n₀, at least 2.
        norms: r.

    Returns:
        measured: ‖∂NTK/∂x − ∂NNGP/∂x‖; first_line, printed: the root of the paper's two lines for
        ‖I₂‖², the second as it stands.

    Example:
        >>> values = cell(correlation=1.0, dim=4, norms=[1e6])
        >>> round(float(values["measured"][0]) * 16 * np.pi, 4)  # 1/(8π√n₀)
        1.0
    """
    measured, first_line, printed = [], [], []
    rho2, n0 = correlation**2, dim
    for r in norms:
        x, y = np.zeros((2, 1, dim))
        x[0, 0] = r
        y[0, :2] = r * correlation, r * np.sqrt((1 - correlation) * (1 + correlation))
        parts = [
            g(x, y, activation="erf_surrogate").dense()[0, 0] for g in (ntk_gradient, nngp_gradient)
        ]
        measured.append(np.linalg.norm(parts[0] - parts[1]))
        r2, big = r**2, r**2 + 2 * n0
        # (R − r²ρ)(R + r²ρ) for R² − r⁴ρ², which would cancel.
        below = ((2 * n0 + r2 * (1 - correlation)) * (2 * n0 + r2 * (1 + correlation))) ** 3
        # R⁴ + r⁴ρ²R² − 2r²ρ²R³ = R² (R²(1 − ρ²) + ρ²(2n₀)²), without its cancellation.
        top = big**2 * (big**2 * (1 - correlation) * (1 + correlation) + rho2 * (2 * n0) ** 2)
        first_line.append(np.sqrt(r2 * top / below) / (2 * np.pi))
        expansion = 16 * n0**4 + r2 * (
            n0**3 * (32 - 16 * rho2)
            + r2 * (n0**2 * (24 - 20 * rho2) + r2 * (n0 * (8 - 8 * rho2) + r2 * (1 - rho2)))
        )
        printed.append(np.sqrt(expansion / below) / (2 * np.pi))
    return {
        "measured": np.array(measured),
        "first_line": np.array(first_line),
        "printed": np.array(printed),
    }


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    norms = np.geomspace(0.1, 1e6, _POINTS[size]).tolist()
    return [{"correlation": rho, "dim": 32, "norms": norms} for rho in _CORRELATIONS]


def _claims(results: Results) -> list[Claim]:
    curves = {s["correlation"]: (np.array(s["norms"]), v, s["dim"]) for s, v in results}
    apart = {rho: c for rho, c in curves.items() if abs(rho) < 1}
    source = "paper, D.2 and figure D.1"
    exponents = [
        float(np.log(v["measured"][-1] / v["measured"][-2]) / np.log(r[-1] / r[-2]))
        for r, v, _ in apart.values()
    ]
    claims = [
        Claim(
            source, "‖I₂‖ decays to zero with larger r if ρ² ≠ 1",
            "at the largest norm the local exponent of ‖I₂‖ in r is below −0.9 for every ρ < 1",
            f"exponents from −1 by at most {shown(max(abs(e + 1) for e in exponents), 2)} "
            "at r = 10⁶ (exact, no sampling)"
            if exponents else "no such correlation",
            bool(max(exponents) < -0.9) if exponents else None,
        )
    ]  # fmt: skip
    if 1.0 in curves:
        _, v, dim = curves[1.0]
        limit = 1 / (8 * np.pi * np.sqrt(dim))
        away = abs(float(v["measured"][-1]) / limit - 1)
        claims.append(
            Claim(
                source, "‖I₂‖ converges to a constant, about 1/(8π√n₀), if ρ² = 1",
                "within 10⁻⁶ of it at r = 10⁶", f"away from it by {shown(away, 2)} of it (exact)",
                bool(away < 1e-6),
            )
        )  # fmt: skip
    near = {rho: c for rho, c in apart.items() if rho >= 0.99}
    heights = {
        rho: float(v["measured"].max()) * 8 * np.pi * np.sqrt(dim)
        for rho, (_, v, dim) in near.items()
    }
    inside = all(0 < int(v["measured"].argmax()) < len(r) - 1 for r, v, _ in near.values())
    claims.append(
        Claim(
            source, "If ρ is close to one, the norm sees a spike before going down to zero",
            "for ρ ≥ 0.99 the maximum lies inside the range of r and exceeds twice 1/(8π√n₀)",
            "maxima over 1/(8π√n₀): "
            + ", ".join(f"{shown(h)} at ρ = {r}" for r, h in heights.items()) + " (exact)",
            bool(inside and min(heights.values()) > 2) if heights else None,
        )
    )  # fmt: skip
    for name, key in (("first line", "first_line"), ("second, expanded line", "printed")):
        worst = max(float(np.abs(v[key] / v["measured"] - 1).max()) for _, v, _ in curves.values())
        claims.append(
            Claim(
                "paper, D.2", f"The {name} printed for ‖I₂‖² is right",
                "its root is that of the kernels' gradients to 10⁻⁶ at every r and ρ",
                f"largest relative difference {shown(worst, 2)} (exact)"
                + ("; it lacks a factor r² (errata, 1)" if key == "printed" else ""),
                bool(worst < 1e-6),
            )
        )  # fmt: skip
    return claims


def _pictures(results: Results) -> dict[str, Figure]:
    figure = new_figure(6.6, 4.4)
    axis = figure.subplots()
    dim = 32
    for k, (color, (s, v)) in enumerate(zip(shades(len(results)), results, strict=True)):
        dim = s["dim"]
        axis.loglog(
            s["norms"], v["measured"], color=color, lw=1.7, marker=MARKERS[k % len(MARKERS)], ms=4,
            markevery=(2 * k, max(1, len(s["norms"]) // 6)), label=f"{s['correlation']:g}",
        )  # fmt: skip
    limit = 1 / (8 * np.pi * np.sqrt(dim))
    axis.axhline(limit, color=GREY, lw=0.9, ls="--")
    axis.annotate("1/(8π√n₀)", (0.12, 1.12 * limit), fontsize=8, color=GREY)
    axis.set(
        xlabel="norm r of both patterns", ylabel="‖I₂‖, second part of the NTK's gradient",
        ylim=(1e-6, 1.0), xlim=(0.1, 1e6),
    )  # fmt: skip
    axis.legend(title="correlation ρ", fontsize=8, title_fontsize=8, frameon=False, ncols=2)
    axis.set_title(
        f"D.1: ‖I₂‖ falls as 1/r, after a spike if ρ is near 1; at ρ = 1 it stays (n₀ = {dim})",
        fontsize=10,
    )
    return {"figure-d1": figure}


FIGURE = PaperFigure(
    "figure-d1",
    "Gradient component I₂ against the norm, for correlations up to 1",
    "Surrogate ½erf(x/2) + ½, depth 2, dim 32 (the paper names none). I₂ is the library's gradient "
    "of the NTK less that of the NNGP kernel; no randomness.",
    cell,
    _cells,
    _claims,
    _pictures,
)
