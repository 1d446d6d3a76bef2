"""Universal Hopfield networks, and the searches that are their limit.

Millidge, Salvatori, Song, Lukasiewicz & Bogacz (ICML 2022) write associative memories of one step
as P · separation(similarity(P, x)), P the stored rows: a search separates by the maximum, the
modern Hopfield network (Ramsauer et al., ICLR 2021) by a softmax, sparse ones by an entmax (Martins
et al., 2023; Santos et al., 2024). Iterated, the weights are those of the state.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from attractory._util.validation import as_points, choice, positive
from attractory.bench.iterated import iterated
from attractory.bench.namespaces import Values
from attractory.bench.separations import SEPARATIONS
from attractory.bench.similarities import SIMILARITIES

__all__ = ["UniversalHopfield"]


@dataclass(frozen=True, eq=False)
class UniversalHopfield:
    """The map x ↦ Pᵀ separation(β · similarity(P, x)), (…, d) → (…, d), and recall by it.

    Attributes:
        patterns: the stored rows, (n, d).
        similarity: "Euclid" (−‖x − p‖²/2), "dot" (x·p), "cosine", "Pearson", "Manhattan"
            (−Σ |x − p|), or "centred", the cosine after the mean row is taken off.
        separation: "max", a search; "softmax", "entmax" (α = 1.5) or "sparsemax".
        beta: β > 0, without effect on a search.

    Raises:
        ValueError: for other names, β ≤ 0, or patterns that are not finite.

    Example:
        >>> search = UniversalHopfield(np.eye(3), "Euclid", "max")
        >>> search(np.array([0.4, 0.6, 0.0])).tolist(), search.recall(np.eye(3)[[2]]).tolist()
        ([0.0, 1.0, 0.0], [[0.0, 0.0, 1.0]])
        >>> from attractory import spectral_radius
        >>> modern = UniversalHopfield(np.eye(3), "cosine", "softmax", 30.0)
        >>> bool(spectral_radius(modern, np.eye(3)).max() < 1e-9)
        True
    """

    patterns: Float[np.ndarray, "n d"]
    similarity: str = "centred"
    separation: str = "softmax"
    beta: float = 1.0

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "patterns", as_points(self.patterns, "patterns"))
        choice(self.similarity, "similarity", tuple(SIMILARITIES))
        choice(self.separation, "separation", tuple(SEPARATIONS))
        object.__setattr__(self, "beta", positive(self.beta, "beta"))

    @property
    def dim(self) -> int:
        """d."""
        return self.patterns.shape[1]

    def weights(self, x: Values, known: Values | None = None) -> Values:
        """Return the weight of each stored row, (…, n), by the coordinates that are known."""
        alike = SIMILARITIES[self.similarity](x, self.patterns, known)
        return SEPARATIONS[self.separation](self.beta * alike)

    def __call__(self, x: Values) -> Values:
        """Apply the map to the last axis."""
        return self.weights(x) @ self.patterns

    def recall(
        self, cues: Float[np.ndarray, "k d"], known: Bool[np.ndarray, "k d"] | None = None
    ) -> Float[np.ndarray, "k d"]:
        """Return where cues end; a search takes one step, others go on until they rest."""
        if self.separation == "max":
            alike = SIMILARITIES[self.similarity](cues, self.patterns, known)
            return self.patterns[alike.argmax(axis=1)]
        return iterated(self._step, cues, known)

    def _step(
        self, x: Float[np.ndarray, "k d"], known: Bool[np.ndarray, "k d"] | None
    ) -> Float[np.ndarray, "k d"]:
        return np.asarray(self.weights(x, known)) @ self.patterns
