"""The cells of figures E.2, E.3 and 4b: how often noisy cues are recalled, by network and limit.

As in the paper: Gaussian noise on every coordinate, its standard deviation the "noise radius"; the
map applied 50 times. The paper does not say when a cue has converged to its pattern. Here it has
when it is then within 1 % of the pattern's norm. (The rule matters at small norm: at spectral
radius 0.95 fifty steps shrink an error to 0.08 of its size, however wide the basin.)

Networks are trained in float32 to a mean squared error per entry of 1e-7, as the paper's, or to
1e-9 of the patterns' own mean square if that is less: at norm 1 and dim 32 a loss of 1e-7 would
leave patterns 0.2 % away from their place, and no fixed points to the accuracy asked for.
"""

from typing import Any, Unpack

import numpy as np

from attractory.analysis.corruption import Noise
from attractory.analysis.curves import recall_curve
from attractory.analysis.outcomes import RecallRule
from attractory.analysis.spectrum import spectral_radius
from attractory.maps.kernel_regression import fit_regression
from attractory.paper.setup import LOSS, Patterns, make_patterns, start_network, train
from attractory.sweeps.values import Values

__all__ = ["STEPS", "cell"]

STEPS = 50
RULE = RecallRule(max_steps=STEPS, tolerance=0.01, extra_steps=0)
_FINE = 1e-9


def cell(
    *,
    norm: float,
    width: int,
    radii: list[float],
    trials: int,
    limit: str,
    **patterns: Unpack[Patterns],
) -> Values:
    """Return which share of the cues is recalled, by noise radius, for one network and its limit.

    Args:
        norm: of each pattern.
        width: of the network; 0 for the limit alone.
        radii: standard deviations of the noise, ascending, (s,).
        trials: cues of each pattern at each radius; no radii need none.
        limit: activation of the infinite-width memory, "sigmoid" or the paper's "erf_surrogate".
        patterns: source, n, dim, seed, data; the seed is that of weights and noise, too.

    Returns:
        network, limit: shares, (s,), NaN where a network is no memory of its patterns; loss: per
        entry; converged: whether the network reached its loss; radius: the mean spectral radius of
        the limit (f0 = 0) at the patterns.

    Example:
        >>> memory = {"source": "sphere", "n": 3, "dim": 16, "norm": 20.0, "width": 500}
        >>> values = cell(seed=0, radii=[0.1], trials=4, limit="erf_surrogate", data=None, **memory)
        >>> values["network"].tolist(), values["limit"].tolist()
        ([1.0], [1.0])
    """
    x = make_patterns(norm, **patterns)
    f = fit_regression(x, activation=limit)
    values: Values = {"radius": float(spectral_radius(f, x).mean())}
    maps: dict[str, Any] = {"limit": f}
    if width:
        goal = min(LOSS, _FINE * norm**2 / x.shape[1])
        start = start_network(x.shape[1], width, "sigmoid", patterns["seed"], np.float32)
        run = train(start, x, tolerance=goal).uninterrupted()
        values |= {"loss": float(run.losses[-1]), "converged": run.converged}
        maps["network"] = run.model
    for name, g in maps.items():
        values[name] = np.full(len(radii), np.nan)
        if radii and (name == "limit" or values["converged"]):
            curve = recall_curve(
                g, x, radii, noise=Noise(relative=False, seed=patterns["seed"]), trials=trials,
                rule=RULE, progress=False,
            )  # fmt: skip
            values[name] = curve.pooled_fraction
    return values
