r"""How probable each shortlisted row is, from what the models of damage say of a cue.

The models are not independent, and each is wrong for some damage, so their likelihoods can be
neither multiplied nor compared by size. They are weighed instead, by how well each explains this
cue, beside the others. With z the standard errors that a row r is behind in model k,

    P(r) ∝ exp(−Σₖ (aₖ zₖᵣ + bₖ zₖᵣ²/2)) · Σₖ gₖ exp(−cₖ zₖᵣ) / Zₖ,    Σₖ gₖ = 1:

in the first factor all models have their say, in the second one of them is right (Zₖ: the sum over
rows). a, b and c are softplus, g is softmax, of what is linear in the model's own features φₖ
(`memory.damage_evidence`) and in tanh of a few combinations of the features of all.

`confidence` is the probability that the first row is the right one, where a cue is as probably of a
row that was never stored as of a stored one: a logistic law in what the weighed models say.

All weights are of greatest likelihood on cues that were damaged at random or by some forty kinds,
on digits, clothes, photographs, tables, curves, signs and random points, 4 to 1,000 rows
(`benchmarks/row_probability.py`). Not one of them is of the rows of a memory, and all features are
ratios, so that they mean the same for any rows.
"""

from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from attractory.memory.damage_evidence import COMPARABLE, FEATURES, KIND, MODELS, SCALES, Evidence
from attractory.memory.local_contrast import WINDOWS
from attractory.memory.nearest_row import FEWEST, Position

__all__ = [
    "Judgement", "Weights", "constants", "judged", "known_features", "log_probabilities",
    "logistic", "noise_features", "of_noise", "second_order", "weighed",
]  # fmt: skip

_FARTHEST = 10.0  # standard errors that count
_SHIFT = 2.0
_NEVER = -1e9
_BETTER = 10.0  # nats
_OF_VALUES = COMPARABLE & (np.array(MODELS) != "changed deviations")  # over the cue's own q
_LEARNED = (3, 1000), (12, 3072)  # rows and dims of what the laws were learned from


class Judgement(NamedTuple):
    """Which row a cue is of.

    Attributes:
        probability: of each row, (s,).
        first: the most probable row.
        model: the one to fill the cue by: of those that put this row first, the one that explains
            the cue best.
        confidence: probability that the row is right, strangers being as frequent as stored rows.
    """

    probability: Float[np.ndarray, " s"]
    first: int
    model: int
    confidence: float


class Weights(NamedTuple):
    """What is learned of models; m models, f features, h combinations.

    Attributes:
        mixing, shift: the combinations of all features and of which models there are, (m (f + 1),
            h), (h,).
        own: of a and b in the model's features, (m, f, 2).
        shared: of the same in the combinations, (h, m, 2).
        own_of_one, shared_of_one: the same of g and c.
    """

    mixing: Float[np.ndarray, "c h"]
    shift: Float[np.ndarray, " h"]
    own: Float[np.ndarray, "m f 2"]
    shared: Float[np.ndarray, "h m 2"]
    own_of_one: Float[np.ndarray, "m f 2"]
    shared_of_one: Float[np.ndarray, "h m 2"]


@cache
def _learned() -> tuple[Weights, np.ndarray, np.ndarray]:
    """Return the weights, and the coefficients of both laws, each with its constant at the end."""
    with files("attractory.memory").joinpath("row_probability.npz").open("rb") as file:
        found = np.load(file)
        return Weights(*(found[name] for name in Weights._fields)), found["sure"], found["noise"]


def constants() -> Float[np.ndarray, " c"]:
    """Return what the weights and laws were learned with; others do not fit any more."""
    single = [*np.ravel(_LEARNED), _FARTHEST, _SHIFT, FEWEST, *WINDOWS]
    return np.concatenate([SCALES.ravel(), KIND, COMPARABLE, single])


def judged(evidence: Evidence, count: int) -> Judgement:
    """Return how probable each row is.

    Args:
        evidence: of a shortlist.
        count: of stored rows.
    """
    weights, law, _ = _learned()
    probability, each, mine = weighed(evidence, weights)
    first = int(probability.argmax())
    model = _explaining(evidence, mine, each)
    told = known_features(evidence, probability, each * mine, mine, (first, count))
    return Judgement(probability, first, model, float(logistic(told[None], law)[0]))


def weighed(
    evidence: Evidence, weights: Weights
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " m"], Bool[np.ndarray, " m"]]:
    """Return the rows' probabilities, the models' weights, and which put the first row first.

    Args:
        evidence: of a shortlist.
        weights: as learned.
    """
    real = np.ones(evidence.behind.shape[1], bool)
    score, weight = log_probabilities(weights, *evidence[:3], real)
    mine = (evidence.behind.argmin(axis=1) == score.argmax()) & evidence.told
    return np.exp(score), weight, mine


def log_probabilities(
    weights: Weights, behind: Any, told: Any, features: Any, real: Any, xp: ModuleType = np
) -> tuple[Any, Any]:
    """Return the logarithms of the rows' probabilities, (…, s), and aₖ + bₖ, (…, m).

    Args:
        weights: as learned.
        behind, told, features: as `Evidence` has them, for any number of cues.
        real: which rows there are, (…, s).
        xp: NumPy, or JAX's.
    """
    z, here = xp.minimum(behind, _FARTHEST), told.astype(features.dtype)
    seen = features * here[..., None]
    flat = xp.concatenate([seen.reshape(*seen.shape[:-2], -1), here], axis=-1)
    hidden = xp.tanh(flat @ weights.mixing + weights.shift)
    size = xp.einsum("...kf,kfs->...ks", seen, weights.own) - _SHIFT
    size = size + xp.einsum("...h,hks->...ks", hidden, weights.shared)
    each = xp.logaddexp(0.0, size) * here[..., None]
    all_of_them = xp.einsum("...k,...kr->...r", each[..., 0], z)
    all_of_them = all_of_them + xp.einsum("...k,...kr->...r", each[..., 1], z**2) / 2
    size = xp.einsum("...kf,kfs->...ks", seen, weights.own_of_one)
    size = size + xp.einsum("...h,hks->...ks", hidden, weights.shared_of_one)
    one = xp.where(real[..., None, :], -xp.logaddexp(0.0, size[..., 1])[..., None] * z, _NEVER)
    gate = xp.where(told, size[..., 0], _NEVER)
    one = _normal(one, xp) + _normal(gate, xp)[..., None]
    top = one.max(axis=-2)
    score = top + xp.log(xp.exp(one - top[..., None, :]).sum(axis=-2)) - all_of_them
    return _normal(xp.where(real, score, _NEVER), xp), each.sum(axis=-1)


def _normal(size: Any, xp: ModuleType) -> Any:
    """Return logarithms less that of their sum along the last axis."""
    apart = size - size.max(axis=-1, keepdims=True)
    return apart - xp.log(xp.exp(apart).sum(axis=-1, keepdims=True))


def _explaining(evidence: Evidence, mine: np.ndarray, weight: np.ndarray) -> int:
    """Return the model that explains the cue best; an earlier one, if that is not much better."""
    some = mine & _OF_VALUES
    if not some.any():
        return int(np.where(mine if mine.any() else evidence.told, weight, -1.0).argmax())
    behind = np.where(some, evidence.features[:, 1] * 4.0, np.inf)
    enough = behind.min() + _BETTER / np.sqrt(evidence.compared[0].size)
    return int(np.flatnonzero(behind <= enough)[0])


def known_features(
    evidence: Evidence,
    probability: Float[np.ndarray, " s"],
    weight: Float[np.ndarray, " m"],
    mine: Bool[np.ndarray, " m"],
    which: tuple[int, int],
) -> Float[np.ndarray, " 18"]:
    """Return what the confidence in the most probable row is computed from.

    Args:
        evidence: of the shortlist.
        probability: of each row.
        weight: of the models that put that row first, 0 of others.
        mine: which those are.
        which: that row, and the number of stored rows.
    """
    first, count = which
    second, of_second = evidence.second(first)
    share = weight / max(float(weight.sum()), 1e-9)
    lead, gap = (evidence.features[:, k] * size for k, size in ((0, 3.0), (1, 4.0)))
    at_row = evidence.features[:, FEATURES.index("at the row")]
    structured = MODELS.index("structured")
    p = float(np.clip(probability.max(), 1e-6, 1 - 1e-6))
    dim = float(evidence.features[evidence.told, 11].max(initial=-2) + 2) * 3
    dim = float(np.clip(dim, *np.log(_LEARNED[1])))
    mean_at, mean_lead = float(share @ at_row), float(share @ lead)
    return np.array(
        [
            np.clip(np.log(p / (1 - p)), -4, 12),
            mean_at,
            mean_at**2,
            mean_lead,
            mean_lead**2 / 10,
            share @ gap,
            at_row[mine].max(initial=-1.0),
            lead[mine].max(initial=0.0),
            (weight > 0).sum() / max(int(evidence.told.sum()), 1),
            np.log(np.clip(count, *_LEARNED[0])),
            dim,
            float(evidence.features[evidence.told, 10].min(initial=0)) * 3,
            at_row[structured] if mine[structured] else 0.0,
            float(mine[structured]),
            float(evidence.told[MODELS.index("shaded")]),
            second,
            of_second,
            of_second**2,
        ]
    )


def of_noise(where: Position, shape: tuple[int, int]) -> Float[np.ndarray, " k"]:
    """Return how probable it is that cues which differ from a row by white noise are of that row.

    Args:
        where: the cues lie.
        shape: of the stored rows, (n, d).
    """
    return logistic(noise_features(where, shape), _learned()[2])


def noise_features(where: Position, shape: tuple[int, int]) -> Float[np.ndarray, "k 7"]:
    """Return what that is computed from; see `of_noise`.

    Of white noise, one of n rows explains about (1 + 2 log n)/d by chance.
    """
    count, dim = (np.log(np.clip(v, *r)) for v, r in zip(shape, _LEARNED, strict=True))
    chance = np.log(where.second * np.exp(dim) / (2 * count + 1) + 0.03)
    at_row, away = np.clip(where.at_row, -1, 2), np.clip(where.away, -6, 6)
    lead, one = np.log1p(np.clip(where.lead, 0, 1e4)), np.ones(len(chance))
    return np.stack(
        [at_row, chance, where.of_second, away, lead, one * count / 3, one * (dim / 3 - 2)], axis=1
    )


def logistic(
    told: Float[np.ndarray, "k f"], law: Float[np.ndarray, " c"]
) -> Float[np.ndarray, " k"]:
    """Return a logistic law of second order in some features; its constant is at the end."""
    return expit(second_order(told) @ law[:-1] + law[-1])


def second_order(told: Float[np.ndarray, "k f"]) -> Float[np.ndarray, "k c"]:
    """Return features and their products."""
    first, second = np.triu_indices(told.shape[1])
    return np.concatenate([told, told[:, first] * told[:, second]], axis=1)
