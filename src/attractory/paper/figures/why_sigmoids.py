"""Why sigmoids: spectra and basins of memories with ReLU and GELU beside erf and the logistic.

The paper's theorems are about sigmoidal activations. ReLU is homogeneous, and so is its memory:
f(cx) = c f(x) for c > 0, so that every multiple of a pattern is a fixed point, J(x) x = x, and no
pattern is an attractor, at any norm. GELU is nearly so at large norm, while sigmoids saturate, and
their radius falls to ½. Biases make ReLU's memory one that is not homogeneous; every memory is
therefore made without them, and with biases of σ_b = 1. Infinite width, f0 = 0, digits.
"""

from typing import Any, Unpack

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from attractory.analysis.corruption import Noise
from attractory.analysis.norm_search import relative_radius
from attractory.analysis.outcomes import RecallRule
from attractory.analysis.spectrum import spectral_radius
from attractory.maps.biased import Biased, lifted
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.protocol import SingularKernelError
from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.limit_claims import WITHIN, over_norms
from attractory.paper.setup import Patterns, make_patterns
from attractory.paper.statistics import above, all_of, below, estimate, said, shown, together
from attractory.paper.style import GREY, LINES, MARKERS, band, new_figure
from attractory.sweeps.grid import Settings
from attractory.sweeps.values import Values

__all__ = ["FIGURE", "cell"]

SIGMOIDS, OTHERS = ("erf", "sigmoid"), ("relu", "gelu")
_TEXT = {"erf": "erf", "sigmoid": "logistic", "relu": "ReLU", "gelu": "GELU"}
_BIASES = {0.0: "without biases", 1.0: "with biases, σ_b = 1"}
_TICKS = (10, 30, 100, 300, 1000, 3000)
_ONE = 1e-6  # radii that differ from 1 by less are 1: patterns are stored to that
_NEAR_ONE = 0.95  # beyond which an attractor at large norm is hardly one
_RULE = RecallRule(max_steps=50)
_SIZES: dict[str, dict[str, Any]] = {
    "quick": {"n": 10, "norms": [28.0, 100.0], "trials": 1, "seeds": 6},
    "full": {"n": 20, "norms": np.geomspace(7.0, 3200.0, 12).round(2).tolist(), "trials": 5,
             "seeds": 10},
}  # fmt: skip


def cell(
    *, norms: list[float], activation: str, bias: float, trials: int, **patterns: Unpack[Patterns]
) -> Values:
    """Return spectral radii and the basin of the memories of n patterns, by norm.

    Args:
        norms: that the patterns are given, (m,).
        activation: name of the kernel's activation.
        bias: σ_b of the first layer; 0 for none.
        trials: cues of each pattern that measure the basin.
        patterns: source, n, dim, seed, data; the seed is that of noise, too.

    Returns:
        least, largest: spectral radius over the patterns, (m,); basin: noise that 90 % of the cues
        survive, relative to the norm, (m,). NaN where the patterns could not be stored.

    Example:
        >>> of = {"source": "sphere", "n": 3, "dim": 9, "seed": 0, "data": None}
        >>> values = cell(norms=[9.0], activation="relu", bias=0.0, trials=1, **of)
        >>> bool(abs(values["least"][0] - 1) < 1e-6)
        True
    """
    values = {name: np.full(len(norms), np.nan) for name in ("least", "largest", "basin")}
    for k, norm in enumerate(norms):
        x = make_patterns(norm, **patterns)
        try:
            # A constant of 0 is no bias; so all memories have one shape, and are compiled once.
            constant = bias * float(np.sqrt(x.shape[1]))  # times a weight over √d it is a bias
            f = Biased(fit_regression(lifted(x, constant), activation=activation), constant)
        except SingularKernelError:
            continue
        radii = spectral_radius(f, x)
        values["least"][k], values["largest"][k] = radii.min(), radii.max()
        values["basin"][k] = relative_radius(
            f, x, success=0.9, noise=Noise(seed=patterns["seed"]), trials=trials, rule=_RULE
        )
    return values


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    chosen = _SIZES[size]
    return [
        {
            "source": "digits", "n": chosen["n"], "dim": 784, "norms": chosen["norms"],
            "activation": name, "bias": bias, "trials": chosen["trials"], "seed": seed,
            "data": data,
        }
        for name in _TEXT
        for bias in _BIASES
        for seed in range(seeds or chosen["seeds"])
    ]  # fmt: skip


def _columns(results: Results, name: str, activation: str, bias: float) -> np.ndarray:
    """Return a quantity over seeds and norms, (seeds, m)."""
    return over_norms(results, name, activation=activation, bias=bias)[1]


def _claims(results: Results) -> list[Claim]:
    return [_homogeneous(results), _at_large_norm(results), *(_basins(results, b) for b in _BIASES)]


def _homogeneous(results: Results) -> Claim:
    parts, verdicts = [], []
    off = np.abs(_columns(results, "least", "relu", 0.0) - 1)
    if off.size:
        worst = float(np.max(off))
        parts.append(f"ReLU: at most {shown(worst, 1)} from 1")
        verdicts.append(bool(worst <= _ONE) if np.isfinite(worst) else None)
    for name in SIGMOIDS:
        least = _best(_columns(results, "largest", name, 0.0), np.fmin)
        found = estimate(least, (0.0, np.inf)).among(len(SIGMOIDS))
        parts.append(f"{_TEXT[name]}: {found.text()}")
        verdicts.append(below(found, 1.0))
    return Claim(
        "beyond the paper",
        "No pattern of a ReLU memory without biases is an attractor at any norm: f(cx) = c f(x), "
        "so its spectral radius is 1; with sigmoids there is a norm at which every pattern is one",
        "ReLU: the smallest radius over the patterns is within 10⁻⁶ of 1 at every norm and seed; "
        "sigmoids: the largest over the patterns, at the norm where it is smallest, has its "
        "interval below 1", "; ".join(parts), all_of(*verdicts),
    )  # fmt: skip


def _at_large_norm(results: Results) -> Claim:
    last, parts, verdicts = {}, [], []
    for name in _TEXT:
        for bias in _BIASES:
            values = _columns(results, "largest", name, bias)
            last[name, bias] = values[:, -1] if values.size else values
    kinds = len(last)
    for (name, bias), values in last.items():
        found = estimate(values, (0.0, np.inf)).among(kinds)
        parts.append(f"{_TEXT[name]} {_BIASES[bias].split(',')[0]}: {found.text()}")
        verdicts.append((below if name in SIGMOIDS else above)(found, _NEAR_ONE))
    end = max((max(s["norms"]) for s, _ in results), default=np.nan)
    return Claim(
        "beyond the paper",
        "At large norm the patterns of ReLU and GELU memories are hardly attractors, also with "
        "biases; those of sigmoids are strong ones",
        f"largest spectral radius over the patterns at norm {end:g}: interval above {_NEAR_ONE} "
        "for ReLU and GELU, below for the sigmoids", "; ".join(parts), all_of(*verdicts),
    )  # fmt: skip


def _best(values: np.ndarray, which: np.ufunc = np.fmax) -> np.ndarray:
    """Return the best over the norms of each seed, those not stored left out."""
    return which.reduce(values, axis=1) if values.size else np.empty(0)


def _basins(results: Results, bias: float) -> Claim:
    best = {name: _best(_columns(results, "basin", name, bias)) for name in _TEXT}
    pairs = [(one, other) for one in SIGMOIDS for other in OTHERS]
    alike = all(len(best[name]) == len(best["erf"]) for name in best)
    with np.errstate(divide="ignore", invalid="ignore"):  # a basin of 0 is one below 0.001
        gains = together([
            estimate(np.log(best[a] / best[b]) if alike else []) for a, b in pairs
        ])  # fmt: skip
    parts = [
        f"{_TEXT[name]} {estimate(values, WITHIN).text(2)}" for name, values in best.items()
    ]  # fmt: skip
    ratios = [
        f"{_TEXT[a]} over {_TEXT[b]}: {gain.text(2, np.exp, '×{}')}"
        for (a, b), gain in zip(pairs, gains, strict=True)
    ]
    return Claim(
        "beyond the paper",
        f"Each at its best norm, memories with sigmoids have larger basins than those with ReLU "
        f"and GELU, {_BIASES[bias]}",
        "logarithm of the ratio of the largest basins over the norms, within a seed: interval "
        "above 0 for every pair; fails if below for one",
        "basins: " + ", ".join(parts) + "; " + "; ".join(ratios),
        all_of(*(above(gain, 0.0) for gain in gains)),
    )


def _pictures(results: Results) -> dict[str, Figure]:
    figure = new_figure(8.4, 6.2)
    axes = figure.subplots(2, 2, sharex=True, sharey="col")
    for row, (bias, words) in zip(axes, _BIASES.items(), strict=True):
        for k, name in enumerate(_TEXT):
            norms, radii = over_norms(results, "largest", activation=name, bias=bias)
            _, basin = over_norms(results, "basin", activation=name, bias=bias)
            style = {"lw": 1.5, "marker": MARKERS[k], "ms": 5, "label": _TEXT[name],
                     "ls": "-" if name in SIGMOIDS else "--"}  # fmt: skip
            band(row[0], norms, radii, LINES[k], (0.0, np.inf), **style)
            # The smallest noise looked at stands for none.
            band(row[1], norms, np.maximum(basin, 1e-3), LINES[k], WITHIN, **style)
        row[0].axhline(1.0, color=GREY, lw=0.8)
        row[0].set_ylabel("spectral radius, largest of the patterns", fontsize=8)
        row[1].set_ylabel("noise that 90 % of cues survive / norm", fontsize=8)
        row[0].set(ylim=(0, 1.25))
        for axis in row:
            axis.set_title(words, fontsize=9)
    for axis in axes.flat:
        axis.set(xscale="log")
        axis.xaxis.set_major_locator(FixedLocator(_TICKS))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.grid(alpha=0.25)
    for axis in axes[1]:
        axis.set_xlabel("norm of the patterns")
    axes[0, 1].set(yscale="log")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center",
                  ncols=len(_TEXT), fontsize=8, frameon=False)  # fmt: skip
    claims = _claims(results)
    none = said(claims[0].holds, "no ReLU memory has attractors without biases",
                "not so that ReLU memories without biases have no attractors")  # fmt: skip
    wide = said(all_of(claims[2].holds, claims[3].holds), "basins are widest with sigmoids",
                "basins are not always widest with sigmoids")  # fmt: skip
    numbers = results.levels("n")
    figure.suptitle(f"Why sigmoids: {none}; {wide}\n(digits, n = {numbers[0] if numbers else 0}, "
                    "infinite width, f0 = 0)", fontsize=10)  # fmt: skip
    return {"why-sigmoids": figure}


FIGURE = PaperFigure(
    "why-sigmoids",
    "Memories with ReLU and GELU beside sigmoids",
    "Infinite width, f0 = 0, digits less their mean image; the noise up to which 90 % of the cues "
    "are within 1 % of the norm after 50 steps. Without biases, as the paper's networks, and with "
    "biases in the first layer whose σ_b is 1.",
    cell,
    _cells,
    _claims,
    _pictures,
)
