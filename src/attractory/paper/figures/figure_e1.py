"""Figure E.1: eigenvalues of trained two-layer sigmoid networks, dim 10, width 1,000, n = 2, 5, 8.

The paper (appendix E.1, "the linear region"): n − 1 eigenvalues have norm around 1, which is 10 %,
40 % and 70 % of them. It names neither the patterns nor their norm; here they are uniform on the
sphere of norm 0.5, where it holds (errata, 13; `e1_against_norm` shows where it ends). The trained
networks are compared with infinite width, with f0 of the same network and with f0 = 0. An
eigenvalue counts as "around 1" when its modulus is within 0.05 of 1.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attractory.analysis.spectrum import eigenvalues
from attractory.datasets import sphere
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.sampled_regression import fit_sampled_regression
from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.setup import start_network, train
from attractory.paper.statistics import all_of, between, estimate, said
from attractory.paper.style import GREY, LINES, new_figure
from attractory.sweeps.grid import Settings
from attractory.sweeps.values import Values

__all__ = ["FIGURE", "MAPS", "cell", "settings", "share_claim"]

MAPS = {
    "network": "trained network, width 1,000",
    "sampled": "infinite width, f0 sampled",
    "zero": "infinite width, f0 = 0",
}
NEAR = 0.05  # of 1
_NUMBERS = 2, 5, 8
_NORM = 0.5
_ROOM = 0.02  # a fifth of one of the ten eigenvalues
_SEEDS = {"quick": 6, "full": 20}


def cell(*, n: int, norm: float, seed: int, width: int, dim: int) -> Values:
    """Return the moduli of the eigenvalues at n patterns of one network and of its limits.

    Args:
        n, norm, dim: patterns, uniform on a sphere.
        seed: of patterns and weights.
        width: of the network.

    Returns:
        network, sampled, zero: moduli, (n, dim) each; network_near, …: the share within 0.05 of 1;
        loss: per entry, at the end of training; converged: whether it is as low as it must be.

    Example:
        >>> values = cell(n=2, norm=0.5, seed=0, width=200, dim=6)
        >>> values["zero"].shape, bool(abs(values["zero"][0, 0] - 1) < 0.05)
        ((2, 6), True)
    """
    x = sphere(n, dim, norm=norm, seed=seed)
    start = start_network(dim, width, "sigmoid", seed, np.float64)
    run = train(start, x).uninterrupted()
    maps = {
        "network": run.model,
        "sampled": fit_sampled_regression(start, x),
        "zero": fit_regression(x),
    }
    moduli = {name: np.abs(eigenvalues(f, x)) for name, f in maps.items()}
    near = {f"{k}_near": float((np.abs(m - 1) < NEAR).mean()) for k, m in moduli.items()}
    return {**moduli, **near, "loss": float(run.losses[-1]), "converged": run.converged}


def settings(norms: list[float], seeds: int) -> list[Settings]:
    """Return the cells of all n at these norms.

    Example:
        >>> len(settings([0.5], 4))
        12
    """
    return [
        {"n": n, "norm": norm, "seed": seed, "width": 1000, "dim": 10}
        for n in _NUMBERS
        for norm in norms
        for seed in range(seeds)
    ]


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    return settings([_NORM], seeds or _SEEDS[size])


def share_claim(results: Results, source: str, kind: str, norm: float) -> Claim:
    """Return the claim that n − 1 of the eigenvalues are near 1, for one kind of map and norm.

    Example:
        >>> from attractory.sweeps.results import Cell
        >>> cells = [Cell({"n": n, "norm": 1.0, "dim": 10, "seed": s},
        ...               {"zero_near": (n - 1) / 10, "converged": True}, None, 0.0)
        ...          for n in (2, 5, 8) for s in range(4)]
        >>> share_claim(Results(cells), "", "zero", 1.0).verdict
        'holds'
    """
    parts, verdicts = [], []
    for n in results.levels("n"):
        some = results.where(n=n, norm=norm)
        shares = some.column(f"{kind}_near")
        kept = shares[some.column("converged")] if len(shares) else shares
        found = estimate(kept, (0, 1)).among(len(results.levels("n")))
        wanted = (n - 1) / some.levels("dim")[0] if len(some) else np.nan
        parts.append(f"n = {n}: {found.text(3, lambda share: 100 * share, '{} %')}")
        verdicts.append(between(found, wanted - _ROOM, wanted + _ROOM))
    return Claim(
        source,
        f"At norm {norm:g}: n − 1 eigenvalues with norm around 1, that is 10, 40, 70 % for n = 2, "
        f"5, 8 ({MAPS[kind]})",
        "for every n the interval of the mean share with | |λ| − 1 | < 0.05 is within 2 "
        "points of (n − 1)/10; fails if it lies outside for some n",
        "; ".join(parts),
        all_of(*verdicts),
    )


def _claims(results: Results) -> list[Claim]:
    sources = {"network": "paper, E.1", "sampled": "paper, Lemma 4", "zero": "paper, Lemma 4"}
    return [share_claim(results, sources[kind], kind, _NORM) for kind in MAPS]


def _pictures(results: Results) -> dict[str, Figure]:
    numbers = results.levels("n")
    figure = new_figure(8.4, 4.8)
    axes = figure.subplots(len(MAPS), len(numbers), sharex=True, sharey=True, squeeze=False)
    edges = np.arange(0.0, 1.26, 2 * NEAR)
    edges[1:] -= NEAR  # one bin is what counts as near 1
    for row, (kind, label) in zip(axes, MAPS.items(), strict=True):
        for k, (axis, n) in enumerate(zip(row, numbers, strict=True)):
            some = results.where(n=n)
            moduli = np.concatenate([v[kind].ravel() for _, v in some])
            axis.stairs(np.histogram(moduli, edges)[0] / len(moduli), edges, fill=True,
                        color=LINES[k], alpha=0.85)  # fmt: skip
            wanted = (n - 1) / some.levels("dim")[0]
            axis.axhline(wanted, color=GREY, ls="--", lw=0.9)
            axis.annotate(f"(n − 1)/10 = {wanted:.0%}", (0.62, wanted + 0.03), fontsize=8,
                          color=GREY, ha="center")  # fmt: skip
            axis.yaxis.set_major_formatter(PercentFormatter(1.0))
            axis.grid(alpha=0.25)
        row[0].set_ylabel(label.replace(", ", ",\n"), fontsize=8)
    for axis, n in zip(axes[0], numbers, strict=True):
        axis.set_title(f"n = {n}", fontsize=9)
    for axis in axes[-1]:
        axis.set(xlabel="modulus of the eigenvalue", ylim=(0, 1), xlim=(0, edges[-1]))
    figure.supylabel("share of the eigenvalues", fontsize=10)
    figure.suptitle(
        f"E.1, norm {_NORM:g}, dim 10: "
        + said(
            all_of(*(claim.holds for claim in _claims(results))),
            "n − 1 of the ten eigenvalues are near 1",
            "not everywhere n − 1 of the ten eigenvalues are near 1",
        ),
        fontsize=10,
    )
    return {"figure-e1": figure}


FIGURE = PaperFigure(
    "figure-e1",
    "Eigenvalue distribution in the linear region, n = 2, 5, 8",
    "Dim 10, width 1,000, logistic, patterns uniform on the sphere of norm 0.5 (the paper names "
    "no norm). Gauss–Newton in float64 until the squares of all errors together are below 1e-7.",
    cell,
    _cells,
    _claims,
    _pictures,
)
