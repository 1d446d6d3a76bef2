"""Functions that `attractory sweep` knows by name: spectra and recall of one memory.

Each takes settings and returns numbers and arrays, the same for the same seed.
"""

from typing import TYPE_CHECKING

from attractory._util.contraction import BELOW_ONE
from attractory.sweeps.values import Values

if TYPE_CHECKING:
    from attractory.maps.kernel_regression import KernelRegression

# Imports are inside the functions: the process that drives a sweep needs only their signatures.

__all__ = ["recall", "spectrum"]

_STEPS = 50  # as in the paper


def spectrum(
    *,
    norm: float,
    n: int = 20,
    dim: int = 32,
    depth: int = 2,
    activation: str = "sigmoid",
    data: str = "sphere",
    seed: int = 0,
) -> Values:
    """Return the spectral radii at the patterns of an infinitely wide autoencoder.

    Args:
        norm: of each pattern.
        n: patterns; of digits at most 200.
        dim: their dimension; digits have 784.
        depth: weight matrices.
        activation: name of one of `attractory.activations.activation_names()`.
        data: "sphere", points uniform on it; or "digits", bundled ones, centred.
        seed: of the points, or of the choice of digits.

    Returns:
        radius (n,), its largest and median, the number of attractors, and the residual: how far
        the map moves a pattern at most, relative to the norm.

    Raises:
        ValueError: for a setting out of range.

    Example:
        >>> values = spectrum(norm=30.0, n=2, dim=8)
        >>> values["radius"].shape, values["attractors"]
        ((2,), 2)
    """
    import numpy as np

    from attractory.analysis.spectrum import spectral_radius

    memory = _memory(norm, n, dim, depth, activation, data, seed)
    radius = spectral_radius(memory, memory.patterns)
    return {
        "radius": radius,
        "largest": float(radius.max()),
        "median": float(np.median(radius)),
        "attractors": int((radius < BELOW_ONE).sum()),
        "residual": float(memory.residual),
    }


def recall(
    *,
    norm: float,
    noise: float = 0.5,
    n: int = 20,
    dim: int = 32,
    depth: int = 2,
    activation: str = "sigmoid",
    data: str = "sphere",
    trials: int = 10,
    seed: int = 0,
) -> Values:
    """Return how often patterns of an infinitely wide autoencoder are recalled in 50 steps.

    Args:
        norm: of each pattern.
        noise: distance of a cue from its pattern, relative to the norm.
        n: patterns; of digits at most 200.
        dim: their dimension; digits have 784.
        depth: weight matrices.
        activation: name of one of `attractory.activations.activation_names()`.
        data: "sphere", points uniform on it; or "digits", bundled ones, centred.
        trials: cues of each pattern.
        seed: of points, or of the choice of digits, and of the noise.

    Returns:
        rate: the share of the cues that are recalled; rates: that of each pattern, (n,).

    Raises:
        ValueError: for a setting out of range, or patterns that the map cannot store.

    Example:
        >>> recall(norm=30.0, noise=0.1, n=2, dim=8)["rate"]
        1.0
    """
    import numpy as np

    from attractory.analysis.corruption import absolute_size, corrupt
    from attractory.analysis.outcomes import Outcome, RecallRule, recall_outcomes

    memory = _memory(norm, n, dim, depth, activation, data, seed)
    patterns = memory.patterns
    cues = corrupt(
        patterns, "sphere", absolute_size(patterns, "sphere", noise), trials=trials, seed=seed
    )
    result = recall_outcomes(
        memory, cues, patterns, np.arange(len(patterns)),
        rule=RecallRule(max_steps=_STEPS, extra_steps=0), progress=False,
    )  # fmt: skip
    rates = (result.outcome == Outcome.RECALLED).mean(axis=0)
    return {"rate": float(rates.mean()), "rates": rates}


def _memory(
    norm: float, n: int, dim: int, depth: int, activation: str, data: str, seed: int
) -> "KernelRegression":
    import numpy as np

    from attractory._util.validation import choice, positive, whole
    from attractory.datasets import bundled_digits, rescale, sphere
    from attractory.maps.kernel_regression import fit_regression

    choice(data, "data", ("sphere", "digits"))
    if data == "sphere":
        patterns = sphere(n, dim, norm=positive(norm, "norm"), seed=seed)
    else:
        images, _ = bundled_digits()
        rows = np.random.default_rng(whole(seed, "seed", 0)).permutation(len(images))
        patterns = rescale(images[rows[: whole(n, "n", 2, len(images))]], norm)
    return fit_regression(patterns, depth=depth, activation=activation)
