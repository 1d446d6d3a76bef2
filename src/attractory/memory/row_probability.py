r"""How probable each shortlisted row is, from what the models of damage say of a cue.

The models are not independent, and each is wrong for some damage, so their likelihoods can be
neither multiplied nor compared by size. They are weighed instead, by how well each explains this
cue, beside the others. With z the standard errors that a row r is behind in model k,

    P(r) ∝ exp(−Σₖ (aₖ zₖᵣ + bₖ zₖᵣ²/2)) · Σₖ gₖ exp(−cₖ zₖᵣ) / Zₖ,    Σₖ gₖ = 1:

in the first factor all models have their say, in the second one of them is right (Zₖ: the sum over
rows). a, b and c are softplus, g is softmax, of what is linear in the model's own features φₖ
(`memory.damage_evidence`) and in tanh of a few combinations of the features of all.

`confidence` is the probability that the first row is the right one, where a cue is as probably of a
row that was never stored as of a stored one: a logistic law in what the weighed models say. It was
learned of some kinds of damage and is asked about others, of which it would be too sure: by a
factor of 1.6 in the odds, about (`benchmarks/confidence.py`), which is taken off.

All weights are of greatest likelihood on cues that were damaged by some six hundred kinds, many of
them drawn at random, on digits, clothes, photographs, tables, curves, signs and random points, 4 to
1,000 rows
(`benchmarks/row_probability.py`). Not one of them is of the rows of a memory, and all features are
ratios, so that they mean the same for any rows.
"""

from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from attractory.memory.damage_evidence import Evidence
from attractory.memory.damage_kinds import COMPARABLE, KIND, MODELS
from attractory.memory.first_row import FEATURES, SCALES
from attractory.memory.local_contrast import WINDOWS
from attractory.memory.nearest_row import FEWEST, Position
from attractory.memory.row_screening import KEPT

__all__ = [
    "Judgement", "Weights", "constants", "judged", "known_features", "log_probabilities",
    "logistic", "noise_features", "of_noise", "second_order", "weighed",
]  # fmt: skip

_FARTHEST = 10.0  # standard errors that count
_SHIFT = 2.0
_NEVER = -1e9
_BETTER = 10.0  # nats
_OF_VALUES = COMPARABLE & (np.array(MODELS) != "changed deviations")  # over the cue's own q
_MOVED, _NATS = MODELS.index("displaced"), FEATURES.index("nats a coordinate")
_CLEARLY = 0.2  # nats a coordinate
_UNLEARNED = -0.5  # log odds: damage that nothing was learned of, and other rows
_LEARNED = (3, 1000), (12, 3072)  # rows and dims of what the laws were learned from


class Judgement(NamedTuple):
    """Which rows cues are of.

    Attributes:
        probability: of each row, (k, s).
        first: the most probable row, (k,).
        model: the one to fill the cue by, (k,): of those that put this row first, the one that
            explains the cue best.
        confidence: probability that the row is right, strangers being as frequent as stored rows,
            (k,).
    """

    probability: Float[np.ndarray, "k s"]
    first: Int[np.ndarray, " k"]
    model: Int[np.ndarray, " k"]
    confidence: Float[np.ndarray, " k"]


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
    single = [*np.ravel(_LEARNED), _FARTHEST, _SHIFT, FEWEST, *WINDOWS, KEPT]
    return np.concatenate([SCALES.ravel(), KIND, COMPARABLE, single])


def judged(evidence: Evidence, count: int) -> Judgement:
    """Return how probable each row is.

    Args:
        evidence: of shortlists.
        count: of stored rows.
    """
    weights, law, _ = _learned()
    probability, each, mine = weighed(evidence, weights)
    first = probability.argmax(axis=1)
    model = _explaining(evidence, mine, each)
    told = known_features(evidence, probability, each, mine, count)
    return Judgement(probability, first, model, logistic(told, law, _UNLEARNED))


def weighed(
    evidence: Evidence, weights: Weights
) -> tuple[Float[np.ndarray, "k s"], Float[np.ndarray, "k m"], Bool[np.ndarray, "k m"]]:
    """Return the rows' probabilities, the models' weights, and which put the first row first.

    Args:
        evidence: of shortlists.
        weights: as learned.
    """
    told = np.broadcast_to(evidence.told, evidence.features.shape[:2])
    given = evidence.behind, told, evidence.features, evidence.real
    score, weight = log_probabilities(weights, *given)
    first = score.argmax(axis=1)[:, None]
    mine = np.equal(evidence.behind.argmin(axis=2), first) & evidence.told
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


def _explaining(
    evidence: Evidence, mine: Bool[np.ndarray, "k m"], weight: Float[np.ndarray, "k m"]
) -> Int[np.ndarray, " k"]:
    """Return the model that explains the cue best; an earlier one, if that is not much better."""
    some = np.asarray(mine & _OF_VALUES)
    behind = np.where(some, evidence.features[:, :, 1] * 4.0, np.inf)
    enough = behind.min(axis=1, keepdims=True) + _BETTER / np.sqrt(evidence.compared[0].shape[1])
    best = np.asarray(behind <= enough).argmax(axis=1)
    others = np.where(mine.any(axis=1, keepdims=True), mine, evidence.told)
    other = np.where(others, weight, -1.0).argmax(axis=1)
    found, nats = np.where(some.any(axis=1), best, other), evidence.features[:, :, _NATS]
    # A moved row's terms are over another q, so that it must explain clearly more.
    moved = mine[:, _MOVED] & (nats[:, _MOVED] > nats[np.arange(len(found)), found] + _CLEARLY)
    return np.where(moved, _MOVED, found)


def known_features(
    evidence: Evidence,
    probability: Float[np.ndarray, "k s"],
    weight: Float[np.ndarray, "k m"],
    mine: Bool[np.ndarray, "k m"],
    count: int,
) -> Float[np.ndarray, "k 23"]:
    """Return what the confidence in the most probable row is computed from.

    Args:
        evidence: of the shortlists.
        probability: of each row.
        weight: of the models.
        mine: which of them put that row first.
        count: of stored rows.
    """
    first = probability.argmax(axis=1)
    second, of_second = evidence.second(first)
    beside = evidence.beside[np.arange(len(first)), first] / 3
    weight, features, one = weight * mine, evidence.features, np.ones(len(weight))
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    lead, gap = features[:, :, 0] * 3.0, features[:, :, 1] * 4.0
    at_row = features[:, :, FEATURES.index("at the row")]
    structured = MODELS.index("structured")
    p = np.clip(probability.max(axis=1).astype(float), 1e-6, 1 - 1e-6)
    dim = features[:, evidence.told, 11].max(axis=1, initial=-2) + 2
    mean_at, mean_lead = (share * at_row).sum(axis=1), (share * lead).sum(axis=1)
    return np.stack(
        [
            np.clip(np.log(p / (1 - p)), -4, 12),
            mean_at,
            mean_at**2,
            mean_lead,
            mean_lead**2 / 10,
            (share * gap).sum(axis=1),
            np.where(mine, at_row, -1.0).max(axis=1),
            np.where(mine, lead, 0.0).max(axis=1),
            (weight > 0).sum(axis=1) / max(int(evidence.told.sum()), 1),
            one * np.log(np.clip(count, *_LEARNED[0])),
            np.clip(3.0 * dim, *np.log(_LEARNED[1])),
            features[:, evidence.told, 10].min(axis=1, initial=0) * 3,
            np.where(mine[:, structured], at_row[:, structured], 0.0),
            mine[:, structured],
            one * evidence.told[MODELS.index("shaded")],
            second,
            of_second,
            of_second**2,
            *evidence.unlike.T,
            *beside.T,
        ],
        axis=1,
    )


def of_noise(where: Position, shape: tuple[int, int]) -> Float[np.ndarray, " k"]:
    """Return how probable it is that cues which differ from a row by white noise are of that row.

    Args:
        where: the cues lie.
        shape: of the stored rows, (n, d).
    """
    # At one row's likelihood beside the next one's it cannot be surer than of the two alone.
    return np.minimum(logistic(noise_features(where, shape), _learned()[2]), expit(where.lead))


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
    told: Float[np.ndarray, "k f"], law: Float[np.ndarray, " c"], more: float = 0.0
) -> Float[np.ndarray, " k"]:
    """Return a logistic law of second order in some features, its constant at the end.

    Args:
        told: the features.
        law: coefficients and constant.
        more: log odds besides.
    """
    return expit(second_order(told) @ law[:-1] + law[-1] + more)


def second_order(told: Float[np.ndarray, "k f"]) -> Float[np.ndarray, "k c"]:
    """Return features and their products."""
    first, second = np.triu_indices(told.shape[1])
    return np.concatenate([told, told[:, first] * told[:, second]], axis=1)
