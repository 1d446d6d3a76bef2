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

from attractory.memory.damage_evidence import FEATURES, MODELS, Evidence

__all__ = ["Judgement", "judged", "known_features", "noise_features", "of_noise"]

_FARTHEST = 10.0  # standard errors that count
_SHIFT = 2.0


class Judgement(NamedTuple):
    """Which row a cue is of.

    Attributes:
        probability: of each row, (s,).
        first: the most probable row.
        model: the one to fill the cue by: that of the greatest weight that puts this row first.
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
    return tuple(np.array(found[name]) for name in ("weights", "confidence", "noise"))


def judged(evidence: Evidence, count: int) -> Judgement:
    """Return how probable each row is.

    Args:
        evidence: of a shortlist.
        count: of stored rows.
    """
    theta, law, _ = _learned()
    size = np.einsum("kf,kfs->ks", evidence.features, theta) - _SHIFT
    weight = np.logaddexp(0, size) * evidence.told[:, None]
    z = np.minimum(evidence.behind, _FARTHEST)
    score = -(weight[:, 0] @ z + weight[:, 1] @ z**2 / 2)
    probability = np.exp(score - score.max())
    probability /= probability.sum()
    first = int(probability.argmax())
    mine = (evidence.behind.argmin(axis=1) == first) & evidence.told
    each = weight.sum(axis=1)
    model = int(np.where(mine, each, -1.0).argmax()) if mine.any() else int(each.argmax())
    told = known_features(evidence, probability, each * mine, mine, (first, count))
    logit = float(told @ law[:-1] + law[-1])
    return Judgement(probability, first, model, float(1 / (1 + np.exp(-logit))))


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
            np.log(count),
            (evidence.features[structured, 11] + 2) * 3,
            evidence.features[structured, 10] * 3,
            at_row[structured] if mine[structured] else 0.0,
            float(mine[structured]),
            float(evidence.told[MODELS.index("shaded")]),
            second,
            of_second,
            of_second**2,
        ]
    )


def of_noise(
    at_row: Float[np.ndarray, " k"],
    second: Float[np.ndarray, " k"],
    of_second: Float[np.ndarray, " k"],
    shape: tuple[int, int],
) -> Float[np.ndarray, " k"]:
    """Return how probable it is that cues which differ from a row by white noise are of that row.

    Args:
        at_row, second, of_second: from `nearest_row.position`.
        shape: of the stored rows, (n, d).
    """
    told = noise_features(at_row, second, of_second, shape)
    law = _learned()[2]
    return 1 / (1 + np.exp(-(told @ law[:-1] + law[-1])))


def noise_features(
    at_row: Float[np.ndarray, " k"],
    second: Float[np.ndarray, " k"],
    of_second: Float[np.ndarray, " k"],
    shape: tuple[int, int],
) -> Float[np.ndarray, "k 6"]:
    """Return what that is computed from; see `of_noise`."""
    one = np.ones(len(at_row))
    return np.stack(
        [
            np.clip(at_row, -1, 2),
            second,
            of_second,
            np.sqrt(of_second),
            np.log(shape[0]) * one,
            np.log(shape[1]) * one,
        ],
        axis=1,
    )
