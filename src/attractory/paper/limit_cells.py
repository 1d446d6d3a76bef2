"""The cells of figures at infinite width: spectral radii and basins over norms, same patterns.

The basin of a memory is the size of Gaussian noise, its root mean square norm relative to the
patterns' norm, up to which nine tenths of the cues are recalled: within 1 % of the norm after 50
steps. It is found by bisection between 0.001 and 10 with the same random numbers at every size and
norm. Times r/√dim it is the paper's noise radius, a standard deviation. (A cue with noise below
0.01 counts as recalled even if the map does not move it, as at small norm: a basin of about 0.01
means that there is none.)
"""

from typing import Unpack

import numpy as np

from attractory.analysis.corruption import Noise
from attractory.analysis.norm_search import relative_radius
from attractory.analysis.outcomes import RecallRule
from attractory.analysis.spectrum import spectral_radius
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.network import Autoencoder
from attractory.maps.protocol import SingularKernelError
from attractory.maps.sampled_regression import fit_sampled_regression
from attractory.paper.setup import Patterns, make_patterns
from attractory.sweeps.values import Values

__all__ = ["cell"]

SUCCESS = 0.9
RULE = RecallRule(max_steps=50)


def cell(
    *,
    norms: list[float],
    activation: str,
    depth: int,
    width: int,
    trials: int,
    **patterns: Unpack[Patterns],
) -> Values:
    """Return spectral radii and basins of the infinite-width memories of n patterns, by norm.

    Args:
        norms: that the patterns are given, (m,).
        activation: name of the kernel's activation.
        depth: of the kernel, in weight matrices.
        width: of the network whose f0 is taken, the same at all norms; 0 for f0 = 0 alone.
        trials: cues of each pattern that measure the basin; 0 for no basin.
        patterns: source, n, dim, seed, data; the seed is that of weights and noise, too.

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
    seed = patterns["seed"]
    values = {kind: np.full(len(norms), np.nan) for kind in ("zero", "sampled", "basin")}
    start = None
    if width:
        start = Autoencoder(
            patterns["dim"],
            width=width,
            depth=depth,
            activation=activation,
            key=seed,
            dtype=np.float64,
        )
    for k, norm in enumerate(norms):
        x = make_patterns(norm, **patterns)
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
                f, x, success=SUCCESS, noise=Noise(seed=seed), trials=trials, rule=RULE
            )
    return values
