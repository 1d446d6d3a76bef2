"""Infinite-width memories of the same patterns over norms: their spectra and their basins.

The basin of a memory is the size of Gaussian noise, ‖noise‖/r in root mean square, up to which
nine tenths of the cues come home in 50 steps to 1 % of the norm, found by bisection between 0.001
and 10 with the same random numbers at every size and norm. Times r/√dim it is the paper's noise
radius, a standard deviation. (Noise below 0.01 is at home from the start where nothing moves, as at
small norm: basins of about 0.01 there mean none.)
"""

from typing import Any

import numpy as np

from attractory.analysis.norm_search import relative_radius
from attractory.analysis.spectrum import spectral_radius
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.network import Autoencoder
from attractory.maps.protocol import SingularKernelError
from attractory.maps.sampled_regression import fit_sampled_regression
from attractory.paper.claims import Results
from attractory.paper.patterns import make_patterns

__all__ = ["cell", "over_norms"]

SUCCESS = 0.9
STEPS = 50


def cell(
    *,
    source: str,
    n: int,
    dim: int,
    norms: list[float],
    activation: str,
    depth: int,
    width: int,
    trials: int,
    seed: int,
    data: str | None,
) -> dict[str, Any]:
    """Return spectral radii and basins of the infinite-width memories of n patterns, by norm.

    Args:
        source, n, dim, seed, data: of the patterns, see `paper.patterns`.
        norms: they are given, (m,).
        activation, depth: of the kernel.
        width: of the network whose f0 is taken, the same at all norms; 0 for f0 = 0 alone.
        trials: cues of each pattern that measure the basin; 0 for none.

    Returns:
        zero, sampled: the largest spectral radius over the patterns with f0 = 0 and f0 sampled,
        (m,); basin: with f0 = 0, relative to the norm, (m,). NaN where not asked for, and where the
        patterns could not be stored, the kernel being singular to working precision.

    Example:
        >>> kernel = {"activation": "erf", "depth": 2, "width": 100, "trials": 4}
        >>> values = cell(source="sphere", n=3, dim=9, norms=[9.0], seed=0, data=None, **kernel)
        >>> bool(values["zero"][0] < 1), values["basin"].shape
        (True, (1,))
    """
    values = {kind: np.full(len(norms), np.nan) for kind in ("zero", "sampled", "basin")}
    start = None
    if width:
        start = Autoencoder(
            dim, width=width, depth=depth, activation=activation, key=seed, dtype=np.float64
        )
    for k, norm in enumerate(norms):
        x = make_patterns(source, n, dim, norm, seed, data)
        try:
            f = fit_regression(x, activation=activation, depth=depth)
        except SingularKernelError:
            continue
        if not f.interpolates:
            continue
        values["zero"][k] = spectral_radius(f, x).max()
        if start is not None:
            values["sampled"][k] = spectral_radius(fit_sampled_regression(start, x), x).max()
        if trials:
            values["basin"][k] = relative_radius(
                f, x, success=SUCCESS, trials=trials, max_steps=STEPS, seed=seed
            )
    return values


def over_norms(results: Results, name: str, **settings: Any) -> tuple[list[float], np.ndarray]:
    """Return the norms and one quantity over them, (seeds, norms).

    Example:
        >>> over_norms(Results([]), "zero")[1].shape
        (0, 0)
    """
    some = results.where(**settings)
    norms = next((s["norms"] for s, _ in some), [])
    return norms, some.column(name).reshape(len(some), len(norms))
