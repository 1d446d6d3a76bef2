"""From similarities to weights of the stored rows: softmax, sparse ones, and the largest alone."""

from attractory.bench.namespaces import Values, namespace

__all__ = ["SEPARATIONS", "entmax", "largest"]


def entmax(scores: Values, alpha: float = 1.5) -> Values:
    """Return α-entmax weights of the last axis: softmax at α = 1, sparsemax at 2, between them 1.5.

    The weights are those p on the simplex for which p·s plus Tsallis's entropy of order α is
    largest. By sorting, exactly (Peters, Niculae & Martins, ACL 2019; Martins & Astudillo, ICML
    2016 for α = 2).

    Args:
        scores: (…, n).
        alpha: 1, 1.5 or 2.

    Raises:
        ValueError: for another α.

    Example:
        >>> import numpy as np
        >>> entmax(np.array([1.0, 0.5, -3.0]), 2.0).tolist()
        [0.75, 0.25, 0.0]
    """
    if alpha not in (1.0, 1.5, 2.0):
        raise ValueError(f"alpha must be 1, 1.5 or 2, got {alpha}")
    xp = namespace(scores)
    scores = scores - scores.max(axis=-1, keepdims=True)
    if alpha == 1.0:
        weights = xp.exp(scores)
        return weights / weights.sum(axis=-1, keepdims=True)
    scores = scores * (alpha - 1)
    ordered = -xp.sort(-scores, axis=-1)
    count = xp.arange(1, scores.shape[-1] + 1)
    mean = xp.cumsum(ordered, axis=-1) / count
    if alpha == 2.0:
        bounds = mean - 1 / count
    else:
        spread = xp.cumsum(ordered**2, axis=-1) - count * mean**2
        bounds = mean - xp.sqrt(xp.maximum((1 - spread) / count, 0.0))
    support = (bounds <= ordered).sum(axis=-1, keepdims=True)
    bound = xp.take_along_axis(bounds, support - 1, axis=-1)
    return xp.maximum(scores - bound, 0.0) ** (1 / (alpha - 1))


def largest(scores: Values) -> Values:
    """Return weight 1 for the largest of the last axis, the first of equal ones.

    Example:
        >>> import numpy as np
        >>> largest(np.array([1.0, 3.0, 3.0])).tolist()
        [0.0, 1.0, 0.0]
    """
    xp = namespace(scores)
    places = xp.arange(scores.shape[-1])
    return 1.0 * (places == scores.argmax(axis=-1)[..., None])


SEPARATIONS = {
    "softmax": lambda scores: entmax(scores, 1.0),
    "entmax": lambda scores: entmax(scores, 1.5),
    "sparsemax": lambda scores: entmax(scores, 2.0),
    "max": largest,
}
