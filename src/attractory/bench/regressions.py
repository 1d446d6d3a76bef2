"""Linear algebra as a memory: kernel ridge regression of rows on themselves, a Gaussian's mean."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import cho_factor, cho_solve

from attractory._util.validation import as_points, positive
from attractory.bench.iterated import iterated
from attractory.bench.namespaces import Values, namespace

__all__ = ["Covariance", "KernelRidge"]

Points = Float[np.ndarray, "k d"]


@dataclass(frozen=True, eq=False)
class KernelRidge:
    """Kernel ridge regression of rows on themselves with a Gaussian kernel, iterated.

    x ↦ mean + k(x)ᵀ (K + ridge I)⁻¹ (P − mean), k = exp(−‖x − p‖²/(2 (width · s)²)), s² the mean
    squared distance of rows.

    Attributes:
        patterns: the stored rows, (n, d).
        width: of the kernel, relative to s.
        ridge: added to K's diagonal.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(5, 9))
        >>> bool(np.abs(KernelRidge(rows, 0.5, 1e-10)(rows) - rows).max() < 1e-7)
        True
    """

    patterns: Float[np.ndarray, "n d"]
    width: float = 0.5
    ridge: float = 1e-3
    coefficients: Float[np.ndarray, "n d"] = field(init=False, repr=False)
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        """Solve for the coefficients."""
        rows = as_points(self.patterns, "patterns")
        object.__setattr__(self, "patterns", rows)
        apart = rows - rows.mean(axis=0)
        spread = 2 * float((apart**2).sum(axis=1).mean())  # mean squared distance of two rows
        scale = 2 * positive(self.width, "width") ** 2 * max(spread, np.finfo(float).tiny)
        object.__setattr__(self, "scale", scale)
        gram = self._kernel(rows)
        gram[np.diag_indices_from(gram)] += positive(self.ridge, "ridge")
        object.__setattr__(self, "coefficients", cho_solve(cho_factor(gram), apart))

    @property
    def dim(self) -> int:
        """d."""
        return self.patterns.shape[1]

    def _kernel(self, x: Values) -> Values:
        xp = namespace(x)
        rows = self.patterns
        squares = (x**2).sum(axis=-1)[..., None] + (rows**2).sum(axis=1) - 2 * x @ rows.T
        return xp.exp(-xp.maximum(squares, 0.0) / self.scale)

    def __call__(self, x: Values) -> Values:
        """Apply the map to the last axis."""
        return self.patterns.mean(axis=0) + self._kernel(x) @ self.coefficients

    def recall(self, cues: Points, known: Bool[np.ndarray, "k d"] | None = None) -> Points:
        """Return where cues end; what is unknown of them begins at the mean row."""
        start = cues if known is None else np.where(known, cues, self.patterns.mean(axis=0))
        return iterated(lambda x, told: np.asarray(self(x)), start, known)


@dataclass(frozen=True, eq=False)
class Covariance:
    """Predictive coding of the covariance, in closed form: the conditional mean of a Gaussian.

    The recurrent covariance-learning networks of Tang, Salvatori, Millidge, Song, Lukasiewicz &
    Bogacz (PLOS Computational Biology 2023) end at the mean of what is unknown, given what is
    known, under a Gaussian of the rows' mean and covariance C. Known coordinates have white noise
    of variance ridge · trace(C)/d; where all are, this is the mean given a noisy cue.

    Attributes:
        patterns: the stored rows, (n, d).
        ridge: variance of the noise, relative to the mean variance of a coordinate.

    Example:
        >>> rows = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])  # the second is twice the first
        >>> known = np.array([[True, False]])
        >>> Covariance(rows, 1e-12).recall(np.array([[3.0, 0.0]]), known).round(6).tolist()
        [[3.0, 6.0]]
    """

    patterns: Float[np.ndarray, "n d"]
    ridge: float = 1e-3
    noise: float = field(init=False)
    votes: Float[np.ndarray, "n d"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Solve for cues of which all is known."""
        rows = as_points(self.patterns, "patterns")
        apart = rows - rows.mean(axis=0)
        size = max(float((apart**2).mean()), np.finfo(float).tiny)
        object.__setattr__(self, "patterns", rows)
        object.__setattr__(self, "noise", positive(self.ridge, "ridge") * size * len(rows))
        object.__setattr__(self, "votes", self._solved(apart @ apart.T, apart))

    @property
    def dim(self) -> int:
        """d."""
        return self.patterns.shape[1]

    def __call__(self, x: Values) -> Values:
        """Apply the mean given a noisy cue to the last axis: one application is all there is."""
        mean = self.patterns.mean(axis=0)
        return mean + ((x - mean) @ (self.patterns - mean).T) @ self.votes

    def recall(self, cues: Points, known: Bool[np.ndarray, "k d"] | None = None) -> Points:
        """Return the conditional mean of each cue; known coordinates stay as they are."""
        if known is None:
            return np.asarray(self(cues))
        mean, out = self.patterns.mean(axis=0), cues.copy()
        apart = self.patterns - mean
        masks, which = np.unique(known, axis=0, return_inverse=True)
        for k, told in enumerate(masks):
            some = np.flatnonzero(which.ravel() == k)
            given, seen = (cues[some][:, told] - mean[told]).T, apart[:, told]
            if seen.shape[1] < len(seen):
                weights = seen @ self._solved(seen.T @ seen, given)
            else:
                weights = self._solved(seen @ seen.T, seen @ given)
            out[some] = np.where(told, cues[some], mean + weights.T @ apart)
        return out

    def _solved(
        self, inner: Float[np.ndarray, "m m"], right: Float[np.ndarray, "m k"]
    ) -> Float[np.ndarray, "m k"]:
        """Return (inner + noise I)⁻¹ right."""
        inner[np.diag_indices_from(inner)] += self.noise
        return cho_solve(cho_factor(inner), right)
