"""What f0 does: the largest spectral radius against the norm, with f0 = 0 and f0 sampled.

Section 4.4 says that the largest eigenvalue "drops below one" as the norm grows. Errata 16: that is
true of a sampled f0, which every trained network has; with f0 = 0 it is below one at every norm.
Infinite width, surrogate and erf, dim 32, n = 5, 20, 40; f0 of a network of width 10,000 (quick:
500). The critical norm is where the radius, interpolated in log r on the grid, last crosses 1.
"""

import numpy as np
from matplotlib.figure import Figure

from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.limit_cells import cell
from attractory.paper.limit_claims import over_norms
from attractory.paper.statistics import above, all_of, below, estimate, said, together
from attractory.paper.style import GREY, LINES, MARKERS, band, new_figure
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE", "last_crossing"]

_ACTIVATIONS = "erf_surrogate", "erf"
_NAMED = {"erf_surrogate": "surrogate"}
_NUMBERS = 5, 20, 40
_POINTS = {"quick": 7, "full": 25}
_SEEDS = {"quick": 4, "full": 10}
_WIDTH = {"quick": 500, "full": 10_000}


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    norms = np.geomspace(1.0, 300.0, _POINTS[size]).round(3).tolist()
    return [
        {
            "source": "sphere", "n": n, "dim": 32, "norms": norms, "activation": activation,
            "depth": 2, "width": _WIDTH[size], "trials": 0, "seed": seed, "data": None,
        }
        for activation in _ACTIVATIONS
        for n in _NUMBERS
        for seed in range(seeds or _SEEDS[size])
    ]  # fmt: skip


def last_crossing(norms: list[float], radii: np.ndarray) -> float:
    """Return the norm at which the radius last falls through 1, interpolated; NaN if it does not.

    Example:
        >>> round(last_crossing([1.0, 100.0], np.array([1.5, 0.5])), 6)
        10.0
    """
    down = np.flatnonzero((radii[:-1] > 1) & (radii[1:] <= 1))
    if not len(down):
        return float("nan")
    k = int(down[-1])
    part = (radii[k] - 1) / (radii[k] - radii[k + 1])
    return float(np.exp(np.log(norms[k]) + part * np.log(norms[k + 1] / norms[k])))


def _claims(results: Results) -> list[Claim]:
    claims, numbers = [], len(results.levels("n"))
    for name in results.levels("activation"):
        centred, sampled, verdict_0, verdict_1, critical = [], [], [], [], {}
        called = _NAMED.get(name, name)
        for n in results.levels("n"):
            norms, zero = over_norms(results, "zero", activation=name, n=n)
            _, other = over_norms(results, "sampled", activation=name, n=n)
            low = estimate(np.nanmax(zero, axis=1) - 1, (-1, np.inf)).among(numbers)
            high, end = (
                estimate(v, (0, np.inf)).among(2 * numbers)
                for v in (np.nanmax(other, axis=1), other[:, -1])
            )
            critical[n] = np.array([last_crossing(norms, row) for row in other])
            centred.append(f"n = {n}: {low.text(2)}")
            verdict_0.append(below(low, 0.0))
            sampled.append(f"n = {n}: peak {high.text()}, end {end.text()}, "
                           f"critical norm {_located(norms, other, critical[n])}")  # fmt: skip
            verdict_1 += [above(high, 1.0), below(end, 1.0)]
        claims += [
            Claim(
                "paper, section 4.4",
                f"The largest eigenvalue drops below one as the norm grows ({called}, f0 sampled)",
                "for every n its peak over the norms has its interval above 1 and that at the "
                "largest norm below 1",
                "; ".join(sampled), all_of(*verdict_1),
            ),
            Claim(
                "errata 16",
                f"With f0 = 0 the largest eigenvalue is below one at every norm: nothing drops "
                f"({called})",
                "for every n its peak over the norms of the grid has its interval below 1; fails "
                "if above",
                "peak minus 1: " + "; ".join(centred),
                all_of(*verdict_0),
            ),
        ]  # fmt: skip
        pairs = list(zip(results.levels("n"), results.levels("n")[1:], strict=False))
        steps = together([estimate(np.log(critical[b] / critical[a])) for a, b in pairs])
        claims.append(
            Claim(
                "errata 16", f"The critical norm grows with n ({called}, f0 sampled)",
                "logarithm of its ratio within a seed: interval above 0 for every step in n",
                "; ".join(f"n = {b} over {a}: {e.text(3, np.exp, '×{}')}"
                          for (a, b), e in zip(pairs, steps, strict=True)),
                all_of(*(above(e, 0.0) for e in steps)),
            )
        )  # fmt: skip
    return claims


def _located(norms: list[float], radii: np.ndarray, critical: np.ndarray) -> str:
    """Return the critical norm as text, with the seeds whose radius falls below 1 later or never.

    Example:
        >>> _located([1.0, 9.0], np.array([[2.0, 0.5], [2.0, 1.5]]), np.array([6.0, np.nan]))
        '6 (one seed); above norm 9 in 1 of 2 seeds'
    """
    text, beyond = estimate(critical, (0, np.inf)).text(), int((radii[:, -1] > 1).sum())
    never = int((np.isnan(critical) & ~(radii[:, -1] > 1)).sum())
    parts = [text] if np.isfinite(critical).any() else []
    parts += [f"above norm {norms[-1]:g} in {beyond} of {len(radii)} seeds"] if beyond else []
    parts += [f"none in {never} of {len(radii)} seeds"] if never else []
    return "; ".join(parts)


def _pictures(results: Results) -> dict[str, Figure]:
    names = results.levels("activation")
    figure = new_figure(8.4, 3.9)
    axes = figure.subplots(1, max(1, len(names)), sharey=True, squeeze=False)[0]
    for axis, name in zip(axes, names, strict=False):
        axis.axhline(1, color=GREY, lw=0.8)
        for k, n in enumerate(results.levels("n")):
            for kind, style in (("sampled", "-"), ("zero", "--")):
                norms, values = over_norms(results, kind, activation=name, n=n)
                text = {"sampled": "f0 sampled", "zero": "f0 = 0"}[kind]
                band(axis, norms, values, LINES[k], (0, np.inf), ls=style, lw=1.6,
                     marker=MARKERS[k], ms=3.5, label=f"n = {n}, {text}")  # fmt: skip
        axis.set(xscale="log", xlabel="norm of the patterns")
        axis.set_title(
            {"erf_surrogate": "½erf(x/2) + ½, the paper's surrogate"}.get(name, name), fontsize=9
        )
    axes[0].set_ylabel("spectral radius, largest of the patterns", fontsize=9)
    axes[-1].legend(fontsize=7.5, frameon=False, handlelength=3.2)
    claims = [c for c in _claims(results) if "critical norm grows" not in c.statement]
    title = said(
        all_of(*(c.holds for c in claims)),
        "the spectral radius exceeds 1, and drops below it, only with f0 sampled",
        "the spectral radius does not do what is said of f0 = 0 or of f0 sampled",
    )
    figure.suptitle(title.capitalize(), fontsize=10)
    return {"f0": figure}


FIGURE = PaperFigure(
    "f0",
    "The spectral radius against the norm, f0 = 0 beside f0 sampled",
    "Infinite width, dim 32, patterns uniform on a sphere; f0 of a network of width 10,000 (quick: "
    "500). The critical norm is interpolated on the grid of norms.",
    cell,
    _cells,
    _claims,
    _pictures,
)
