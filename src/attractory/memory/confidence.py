r"""How sure a recall by plain iteration is: would an unknown pattern look as much like a row?

A cue that is stored pattern i and independent noise, c = a pᵢ + noise (directions, a ≤ 1), has
correlations q_j = c·p_j ≈ a ρᵢⱼ, so that (qᵢ − q_j)/(1 − ρᵢⱼ) is about a for every rival j. An
unknown cue lies between stored patterns, and some rival comes close. The evidence for i is the
least of these ratios over the rivals, j ≠ i. It is compared with that of unknown cues that are at
hand: each stored pattern shown to the memory of all others. The confidence of a recall is the share
of those that have less evidence; at least 0.9 means that of unknown patterns like the stored ones
at most one in ten would pass.

With fewer than 50 of them the share is taken from Student's law for one more of the same kind, with
median and median deviation for mean and spread: two stored rows that are nearly twins must not
decide for all.

This needs no training, and no assumption but that unknown cues are to the stored patterns what
these are to one another. Cues from elsewhere (another kind of image) are rejected more readily.
"""

from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.special import stdtr

from attractory._util.gpu import gpu, kept
from attractory._util.precision import full_precision
from attractory.analysis.iteration import pad_rows
from attractory.memory.coordinates import spread

__all__ = ["Confidence", "confidence", "unknown_evidence"]

_SAMPLE = 2000  # stored patterns taken as unknown cues
_BLOCK = 256
_MANY = 1000  # patterns from which on a metric is fitted to none in particular
_FEW = 50
_ITSELF = 1 - 0.01**2 / 2  # correlation of a cue within 1 % of the row: it is the row
_NORMAL = 1.4826  # standard deviation of a normal law over its median deviation


def _evidence(
    q: Float[np.ndarray, "k n"], winner: Int[np.ndarray, " k"], directions: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " k"]:
    """Return the least (qᵢ − q_j)/(1 − ρᵢⱼ) over the rivals of each winner."""
    rows = np.arange(len(q))
    if q.shape[1] == 1:
        return q[:, 0]
    rho = directions[winner] @ directions.T
    gap = np.maximum(1 - rho, 1e-12)
    ratio = (q[rows, winner][:, None] - q) / gap
    ratio[rows, winner] = np.inf
    return ratio.min(axis=1)


def _own_and_evidence(
    cues: Float[np.ndarray, "k d"],
    winner: Int[np.ndarray, " k"],
    directions: Float[np.ndarray, "n d"],
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return the correlation of each cue with its winner, and its evidence for it."""
    if _on_gpu(directions):
        with full_precision():
            rows = pad_rows(np.arange(len(cues)))
            given = jnp.asarray(cues[rows]), jnp.asarray(winner[rows]), kept(directions)
            own, found = (np.asarray(v)[: len(cues)] for v in _known_traced(*given))
            return own, found
    q = cues @ directions.T
    return q[np.arange(len(cues)), winner], _evidence(q, winner, directions)


def _on_gpu(directions: np.ndarray) -> bool:
    return gpu() is not None and len(directions) >= _MANY


@jax.jit
def _known_traced(cues: Array, winner: Array, directions: Array) -> tuple[Array, Array]:
    q = cues @ directions.T
    return q[jnp.arange(len(q)), winner], _evidence_traced(q, winner, directions)


@jax.jit
def _unknown_traced(chosen: Array, directions: Array) -> Array:
    q = directions[chosen] @ directions.T
    q = q.at[jnp.arange(len(q)), chosen].set(-jnp.inf)
    return _evidence_traced(q, q.argmax(axis=1), directions)


def _evidence_traced(q: Array, winner: Array, directions: Array) -> Array:
    rows = jnp.arange(len(q))
    gap = jnp.maximum(1 - directions[winner] @ directions.T, 1e-12)
    ratio = (q[rows, winner][:, None] - q) / gap
    return ratio.at[rows, winner].set(jnp.inf).min(axis=1)


def _share_below(unknown: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Return the share of unknown cues with less evidence, known from these few or many."""
    count = len(unknown)
    if count >= _FEW:
        return np.searchsorted(unknown, evidence, side="left") / count
    middle = np.median(unknown)
    deviation = max(_NORMAL * float(np.median(np.abs(unknown - middle))), 1e-9)
    return stdtr(count - 1, (evidence - middle) / (deviation * np.sqrt(1 + 1 / count)))


def unknown_evidence(directions: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " m"]:
    """Return the evidence that stored patterns have when they are cues to all others, ascending.

    Args:
        directions: unit vectors, (n, d). Of more than 2,000, every so many is taken.

    Example:
        >>> unknown_evidence(np.eye(4)).tolist()  # none looks like any other
        [0.0, 0.0, 0.0, 0.0]
    """
    n = len(directions)
    if n < 3:
        return np.array([])
    chosen = spread(n, _SAMPLE)
    found = []
    for k in range(0, len(chosen), _BLOCK):
        cues = chosen[k : k + _BLOCK]
        if _on_gpu(directions):
            with full_precision():
                rows = jnp.asarray(cues[pad_rows(np.arange(len(cues)))])
                found.append(np.asarray(_unknown_traced(rows, kept(directions)))[: len(cues)])
            continue
        q = directions[cues] @ directions.T
        q[np.arange(len(cues)), cues] = -np.inf  # neither the winner nor a rival
        found.append(_evidence(q, q.argmax(axis=1), directions))
    return np.sort(np.concatenate(found))


def confidence(
    cues: Float[np.ndarray, "k d"],
    recalled: Int[np.ndarray, " k"],
    directions: Float[np.ndarray, "n d"],
    unknown: Float[np.ndarray, " m"],
) -> Float[np.ndarray, " k"]:
    """Return the share of unknown cues with less evidence; 0 where nothing was recalled.

    A cue that is the recalled row itself, to 1 %, has confidence 1.

    Args:
        cues: unit vectors, (k, d); zero rows have no evidence.
        recalled: index of the pattern each ended at, −1 for none.
        directions: of the patterns, (n, d).
        unknown: from `unknown_evidence`. Without any (fewer than three patterns) the confidence is
            the correlation with the recalled pattern itself.

    Example:
        >>> x = np.eye(4)
        >>> confidence(x[:2], np.array([0, -1]), x, unknown_evidence(x)).tolist()
        [1.0, 0.0]
    """
    out = np.zeros(len(cues))
    rows = np.flatnonzero(recalled >= 0)
    for k in range(0, len(rows), _BLOCK):
        some = rows[k : k + _BLOCK]
        own, found = _own_and_evidence(cues[some], recalled[some], directions)
        if len(unknown):
            out[some] = _share_below(unknown, found)
        else:
            out[some] = np.clip(own, 0, 1)
        out[some[own >= _ITSELF]] = 1.0
    return out


class Confidence:
    """The rule for one set of patterns; what it is compared with is worked out when first needed.

    Args:
        patterns: of one norm, (n, d).
        norm: theirs.
    """

    def __init__(self, patterns: Float[np.ndarray, "n d"], norm: float):
        """Keep the patterns."""
        self._patterns, self._norm = patterns, norm

    @cached_property
    def _directions(self) -> Float[np.ndarray, "n d"]:
        return self._patterns / self._norm

    @cached_property
    def unknown(self) -> Float[np.ndarray, " m"]:
        """Evidence of unknown cues, ascending."""
        return unknown_evidence(self._directions)

    def of(
        self, cues: Float[np.ndarray, "k d"], recalled: Int[np.ndarray, " k"]
    ) -> Float[np.ndarray, " k"]:
        """Return the confidence of recalls; cues may have any length."""
        length = np.linalg.norm(cues, axis=1, keepdims=True)
        unit = cues / np.where(length > 0, length, 1.0)
        return confidence(unit, recalled, self._directions, self.unknown)
