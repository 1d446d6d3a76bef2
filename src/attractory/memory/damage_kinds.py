"""Names of the models of damage, and what each is called when it has been seen in a cue."""

import numpy as np

__all__ = ["COMPARABLE", "DAMAGE", "FEWEST_FOR_MODELS", "FLAT", "KIND", "MODELS", "NOISY"]

MODELS = (
    "white", "white, of any contrast", "replaced, much", "replaced, little", "smoothed", "moved",
    "structured", "changed values", "changed deviations", "shaded", "slow part added", "patches",
    "unevenly lit", "moved far", "edges", "long-tailed", "displaced", "less the mean",
    "in deviations", "less the mean, in deviations", "told in scores", "told in ranges",
    "filtered", "gradients", "gradients, smoothed", "displaced, by edges",
    "in deviations, long-tailed",
)  # fmt: skip
DAMAGE = (
    "none", "noise", "structured noise", "replaced", "smoothed", "moved", "changed values", "shaded"
)  # fmt: skip
_NAMES = {
    "white": "noise", "white, of any contrast": "noise", "structured": "structured noise",
    "replaced, much": "replaced", "replaced, little": "replaced", "patches": "replaced",
    "smoothed": "smoothed", "moved": "moved", "changed values": "changed values",
    "changed deviations": "changed values", "shaded": "shaded", "slow part added": "shaded",
    "unevenly lit": "shaded", "moved far": "moved", "edges": "changed values",
    "long-tailed": "noise", "displaced": "moved", "less the mean": "changed values",
    "in deviations": "structured noise", "less the mean, in deviations": "changed values",
    "told in scores": "changed values", "told in ranges": "changed values",
    "filtered": "smoothed", "gradients": "shaded", "gradients, smoothed": "shaded",
    "displaced, by edges": "moved", "in deviations, long-tailed": "noise",
}  # fmt: skip
KIND = np.array([DAMAGE.index(_NAMES[name]) for name in MODELS])
COMPARABLE = np.isin(
    MODELS,
    ["structured", "shaded", "slow part added", "unevenly lit", "displaced", "filtered",
     "gradients", "gradients, smoothed", "displaced, by edges"], invert=True,
)  # fmt: skip  # whose terms are nats over the same q
FEWEST_FOR_MODELS = 12  # known coordinates below which nothing but noise is told
NOISY = (
    *MODELS[:6], "moved far", "long-tailed", "less the mean", "in deviations",
    "less the mean, in deviations", "told in scores", "told in ranges",
    "in deviations, long-tailed",
)  # fmt: skip  # noise about a row, whose residuals can be looked at
FLAT = "changed values", "changed deviations", "edges"  # which no residual is left of
