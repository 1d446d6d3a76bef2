r"""How probable each shortlisted row is, from what the models of damage say of a cue.

The models are not independent, and each is wrong for some damage, so their likelihoods can be
neither multiplied nor compared by size. Each has a weight instead, by how well it explains this
cue: with z the standard errors that a row r is behind in model k, and φ the features of
`memory.damage_evidence`,

    P(r) ∝ exp(−Σₖ (aₖ zₖᵣ + bₖ zₖᵣ²/2)),    aₖ, bₖ = softplus(θₖ·φₖ − 2).

`confidence` is the probability that the first row is the right one, where a cue is as probably of a
row that was never stored as of a stored one: a logistic law in what the weighed models say.

θ and the logistic law are of greatest likelihood on cues that were damaged at random: one to three
of some thirty kinds at random strength, on digits, clothes, photographs, tables and random points,
4 to 1,000 rows (`benchmarks/row_probability.py`). Not one of them is of the rows of a memory, and
all features are ratios, so that they mean the same for any rows.
"""

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from attractory.memory.damage_evidence import COMPARABLE, FEATURES, MODELS, Evidence
from attractory.memory.nearest_row import Position

__all__ = [
    "Judgement", "judged", "known_features", "logistic", "noise_features", "of_noise",
    "second_order", "weighed",
]  # fmt: skip

_FARTHEST = 10.0  # standard errors that count
_SHIFT = 2.0
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


@cache
def _learned() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return θ, (m, f, 2), and the coefficients of both laws, each with its constant at the end."""
    text = files("attractory.memory").joinpath("row_probability.json").read_text("utf-8")
    found = json.loads(text)
    return np.array(found["weights"]), np.array(found["confidence"]), np.array(found["noise"])


def judged(evidence: Evidence, count: int) -> Judgement:
    """Return how probable each row is.

    Args:
        evidence: of a shortlist.
        count: of stored rows.
    """
    theta, law, _ = _learned()
    probability, each, mine = weighed(evidence, theta)
    first = int(probability.argmax())
    model = _explaining(evidence, mine, each)
    told = known_features(evidence, probability, each * mine, mine, (first, count))
    return Judgement(probability, first, model, float(logistic(told[None], law)[0]))


def weighed(
    evidence: Evidence, theta: Float[np.ndarray, "m f 2"]
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " m"], Bool[np.ndarray, " m"]]:
    """Return the rows' probabilities, the models' weights, and which put the first row first.

    Args:
        evidence: of a shortlist.
        theta: θ.
    """
    size = np.einsum("kf,kfs->ks", evidence.features, theta) - _SHIFT
    weight = np.logaddexp(0, size) * evidence.told[:, None]
    z = np.minimum(evidence.behind, _FARTHEST)
    score = -(weight[:, 0] @ z + weight[:, 1] @ z**2 / 2)
    probability = np.exp(score - score.max())
    probability /= probability.sum()
    mine = (evidence.behind.argmin(axis=1) == probability.argmax()) & evidence.told
    return probability, weight.sum(axis=1), mine


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
