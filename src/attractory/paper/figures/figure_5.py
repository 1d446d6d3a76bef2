"""Figure 5 and E.4 to E.6: the largest eigenvalue against the norm, and how the histograms change.

The paper (appendix E.4): sigmoid, tanh and erf, two layers, width 10,000, dim 32, n = 20, only runs
with training loss below 1e-7. Figure 5 draws the largest eigenvalue norm against the input norm,
E.4 (sigmoid), E.5 (erf) and E.6 (captioned "Sigmoid" again, presumably tanh) the histograms of the
norms of all eigenvalues as the input norm changes.

Here patterns are uniform on a sphere, one draw a seed; the largest eigenvalue of a network is that
over its 20 patterns, and then averaged over seeds. Added is the infinite width, with f0 of the
same network and with f0 = 0. Loss and solver: `paper.setup`; a run that does not reach the loss is
left out, and counted. The full size repeats the logistic networks
with momentum.
"""

from typing import Any

import numpy as np

from attractory.analysis.spectrum import eigenvalues
from attractory.datasets import sphere
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.sampled_regression import fit_sampled_regression
from attractory.paper.claims import PaperFigure, Size
from attractory.paper.figures.figure_5_claims import draw, judge
from attractory.paper.setup import LOSS, start_network, train
from attractory.sweeps.grid import Settings
from attractory.sweeps.values import Values

__all__ = ["FIGURE", "cell"]

EDGES = np.append(np.linspace(0.0, 1.5, 61), np.inf)
_ACTIVATIONS = "sigmoid", "tanh", "erf"
_NORMS = {
    "quick": [0.5, 5.0, 30.0, 100.0, 300.0],
    "full": [0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 300.0],
}
_WIDTH = {"quick": 1000, "full": 10_000}
_SEEDS = {"quick": 4, "full": 10}
_MOMENTUM = [5.0, 10.0, 20.0, 50.0, 100.0, 300.0]


def cell(
    *, activation: str, norm: float, seed: int, width: int, n: int, dim: int, solver: str
) -> Values:
    """Return the eigenvalue norms at the patterns of one network and of its limits.

    Args:
        activation, width, solver: of the network and its training.
        n, dim, norm: patterns, uniform on a sphere.
        seed: of patterns and weights.

    Returns:
        network, sampled, zero: the largest modulus at each pattern, (n,); histogram_…: shares of
        all n·dim moduli between 0, 0.025, … 1.5, ∞, (61,); loss: per entry; converged;
        off_data: the spectral radius of QJ₀Q, J₀ = ∂f0(0) and Q the projector off the patterns,
        which with 1 makes up the linear region's spectrum (Lemma 3).

    Example:
        >>> settings = {"activation": "erf", "width": 100, "solver": "gauss_newton"}
        >>> values = cell(norm=2.0, seed=0, n=3, dim=5, **settings)
        >>> values["zero"].shape, bool(values["converged"]), values["histogram_zero"].shape
        ((3,), True, (61,))
    """
    x = sphere(n, dim, norm=norm, seed=seed)
    dtype = np.float64 if solver == "gauss_newton" else np.float32
    start = start_network(dim, width, activation, seed, dtype)
    # A first-order method takes float32 and the mildest reading of the paper's loss.
    run = train(
        start, x, solver=solver, tolerance=None if dtype is np.float64 else LOSS
    ).uninterrupted()
    maps: dict[str, Any] = {"network": run.model}
    if dtype is np.float64:
        maps["sampled"] = fit_sampled_regression(start, x)
        maps["zero"] = fit_regression(x, activation=activation)
    values: Values = {"loss": float(run.losses[-1]), "converged": run.converged}
    for name, f in maps.items():
        moduli = np.abs(eigenvalues(f, x))
        values[name] = moduli.max(axis=1)
        values[f"histogram_{name}"] = np.histogram(moduli, EDGES)[0] / moduli.size
    first = np.asarray(start.jacobian(np.zeros(dim)), float)
    across = np.eye(dim) - np.linalg.pinv(x) @ x
    values["off_data"] = float(np.abs(np.linalg.eigvals(across @ first @ across)).max())
    return values


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    common = {"width": _WIDTH[size], "n": 20, "dim": 32}
    runs = range(seeds or _SEEDS[size])
    cells = [
        {"activation": a, "norm": norm, "seed": seed, **common, "solver": "gauss_newton"}
        for a in _ACTIVATIONS
        for norm in _NORMS[size]
        for seed in runs
    ]
    if size == "full":
        cells += [
            {"activation": "sigmoid", "norm": norm, "seed": seed, **common, "solver": "momentum"}
            for norm in _MOMENTUM
            for seed in runs
        ]
    return cells


FIGURE = PaperFigure(
    "figure-5",
    "Largest eigenvalue and eigenvalue histograms against the norm (5, E.4, E.5, E.6)",
    "Dim 32, n = 20, width 10,000 (quick: 1,000), patterns uniform on a sphere. Gauss–Newton in "
    "float64 until the squares of all errors together are below 1e-7, the strictest reading of the "
    "paper's loss; runs that do not reach it are left out. Full: logistic again with momentum, "
    "float32, to a mean squared error of 1e-7.",
    cell,
    _cells,
    judge,
    draw,
)
