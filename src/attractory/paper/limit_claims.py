"""Claims and pictures of infinite-width memories over norms, shared by several figures.

`depth` and `activations` compare memories of 20 patterns that differ in one setting, their kind.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from attractory._util.statistics import where_largest
from attractory.paper.claims import Claim, Results
from attractory.paper.statistics import (
    above,
    all_of,
    at_least,
    between,
    estimate,
    said,
)
from attractory.paper.style import GREY, LINES, MARKERS, band, new_figure

__all__ = ["TIE", "WITHIN", "draw_kinds", "kind_claims", "over_norms"]

TIE = 0.02  # basins that differ by less, relatively, are one: the resolution of `relative_radius`
WITHIN = 0.0, 10.0  # basins that it can tell

_PANELS = {  # quantity, and of which map
    "sampled": ("spectral radius, largest of the patterns", "infinite width, f0 sampled"),
    "zero": ("spectral radius, largest of the patterns", "infinite width, f0 = 0"),
    "basin": ("noise that 90 % of cues survive / norm", "infinite width, f0 = 0"),
}
_FEW = 6  # norms below which lines between them say nothing


def kind_claims(results: Results, setting: str, text: dict[Any, str]) -> list[Claim]:
    """Return the claims on every kind of memory: the drop, the limit ½ and the best norm.

    Args:
        results: cells of `paper.limit_cells`.
        setting: what tells the kinds apart.
        text: a kind in words.

    Example:
        >>> [claim.holds for claim in kind_claims(Results([]), "depth", {})]
        [None, None, None]
    """
    drops, halves, insides = [], [], []
    verdicts: list[list[bool | None]] = [[], [], []]
    kinds, radii = len(results.levels(setting)), (0.0, np.inf)
    for kind in results.levels(setting):
        norms, sampled = over_norms(results, "sampled", **{setting: kind})
        _, zero = over_norms(results, "zero", **{setting: kind})
        _, basin = over_norms(results, "basin", **{setting: kind})
        peak = estimate(np.nanmax(sampled, axis=1), radii).among(2 * kinds)
        last = estimate(sampled[:, -1], radii).among(2 * kinds)
        end = estimate(zero[:, -1], radii).among(kinds)
        drops.append(f"{text[kind]}: {peak.text()}, then {last.text()}")
        verdicts[0].append(above(peak, 1.0))
        verdicts[0].append(None if above(last, 1.0) is None else not above(last, 1.0))
        halves.append(f"{text[kind]}: {end.text()}")
        verdicts[1].append(between(end, 0.4, 0.6))  # a fifth of ½
        if not np.isfinite(basin).any(axis=1).all():
            continue
        best = np.nanmax(basin, axis=1)
        fall = estimate(best - basin[:, -1]).among(kinds)
        insides.append(f"{text[kind]}: {at_least(estimate(best, WITHIN), WITHIN[1])} at norm "
                       f"{where_largest(norms, basin, TIE)}")  # fmt: skip
        verdicts[2].append(above(fall, 0.0))
    end = max((max(s["norms"]) for s, _ in results), default=np.nan)
    claims = [
        Claim("beyond the paper", f"With f0 sampled the spectral radius exceeds 1 and drops below "
              f"it, for every {setting}", "its peak over the norms has its interval above 1 and "
              f"its value at norm {end:g} below 1; fails if one does not",
              "; ".join(drops), all_of(*verdicts[0])),
        Claim("beyond the paper", f"At large norm it is about ½, for every {setting}",
              f"with f0 = 0, at norm {end:g}: interval within 0.4 … 0.6; fails if one is outside",
              "; ".join(halves), all_of(*verdicts[1])),
    ]  # fmt: skip
    if insides or not len(results):
        claims.append(
            Claim("beyond the paper", "The relative basin is largest at a norm short of the "
                  f"largest, for every {setting} measured", "largest minus that at norm "
                  f"{end:g}, within a seed: interval above 0", "; ".join(insides),
                  all_of(*verdicts[2]))
        )  # fmt: skip
    return claims


def draw_kinds(results: Results, setting: str, text: dict[Any, str], title: str) -> Figure:
    """Return radii with f0 sampled and f0 = 0 and the relative basin, against the norm.

    The title is followed by what the claims on the drop and the limit ½ come to. Kinds stand a
    little beside one another, so that none hides another; few norms are joined by thin lines, which
    are no measurement.

    Example:
        >>> len(draw_kinds(Results([]), "depth", {}, "").axes)
        0
    """
    panels = [
        name for name in _PANELS if any(np.isfinite(values[name]).any() for _, values in results)
    ]
    figure = new_figure(3.7 * max(1, len(panels)), 4.0)
    verdict = all_of(*(claim.holds for claim in kind_claims(results, setting, text)[:2]))
    course = said(
        verdict, f"the spectral radius goes above 1, then to about ½, at every {setting}",
        f"not at every {setting} does the spectral radius go above 1, then to about ½",
    )  # fmt: skip
    figure.suptitle(f"{title}: {course}" if len(results) else title, fontsize=10)
    if not panels:
        return figure
    axes, kinds = figure.subplots(1, len(panels), squeeze=False)[0], results.levels(setting)
    radii = [axis for axis, name in zip(axes, panels, strict=True) if name != "basin"]
    for axis, name in zip(axes, panels, strict=True):
        for k, kind in enumerate(kinds):
            norms, values = over_norms(results, name, **{setting: kind})
            sparse = len(norms) < _FEW
            beside = 1.06 ** (k - (len(kinds) - 1) / 2) if sparse else 1.0
            band(axis, list(np.array(norms) * beside), values, LINES[k % len(LINES)], (0.0, np.inf),
                 "bars" if sparse else "band", lw=0.7 if sparse else 1.6, ms=4.5,
                 marker=MARKERS[k % len(MARKERS)], label=text[kind])  # fmt: skip
        axis.set(xscale="log", xlabel="norm of the patterns")
        axis.set_ylabel(_PANELS[name][0], fontsize=9)
        axis.set_title(f"{_PANELS[name][1]}; n = 20, dim 32", fontsize=9)
        if name == "basin":
            axis.set_yscale("log")
    for axis in radii:
        axis.sharey(radii[0])
        axis.set_ylim(bottom=0)
        for height, name, style in ((1.0, "1", "-"), (0.5, "½", ":")):
            axis.axhline(height, color=GREY, lw=0.8, ls=style)
            axis.annotate(name, (0.98, height), xycoords=("axes fraction", "data"), fontsize=8,
                          ha="right", va="bottom", color=GREY)  # fmt: skip
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center",
                  ncols=len(kinds), fontsize=8, frameon=False)  # fmt: skip
    return figure


def over_norms(results: Results, name: str, **settings: Any) -> tuple[list[float], np.ndarray]:
    """Return the norms and one quantity over them, (seeds, norms).

    Example:
        >>> over_norms(Results([]), "zero")[1].shape
        (0, 0)
    """
    some = results.where(**settings)
    norms = next((s["norms"] for s, _ in some), [])
    return norms, some.column(name).reshape(len(some), len(norms))
