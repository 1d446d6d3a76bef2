"""Networks of ±1 units: Hopfield's by Hebb's rule or the pseudo-inverse, dense ones, kernel ones.

Rows of other values are stored by whether they lie above the middle of the stored values' range. A
state that is a stored pattern of signs is read as that row, which favours these networks: they
cannot tell greys. Other states are read as the two ends of the range.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import cho_factor, cho_solve

from attractory._util.validation import as_points, choice, nonnegative, positive, whole
from attractory.bench.iterated import iterated
from attractory.bench.namespaces import Values, namespace

__all__ = ["DenseHopfield", "Hopfield", "KernelHopfield"]

Points = Float[np.ndarray, "k d"]


@dataclass(frozen=True, eq=False)
class Signs:
    """What the networks share: their units, and how states are read.

    Attributes:
        patterns: the stored rows, (n, d).
        middle: what divides +1 from −1.
        signs: the rows as ±1, (n, d).
    """

    patterns: Float[np.ndarray, "n d"]
    middle: float = field(init=False)
    signs: Float[np.ndarray, "n d"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the rows, and take their signs."""
        rows = as_points(self.patterns, "patterns")
        middle = float(0.5 * (rows.min() + rows.max()))
        for name, value in {
            "patterns": rows, "middle": middle, "signs": np.where(rows > middle, 1.0, -1.0)
        }.items():  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def dim(self) -> int:
        """d."""
        return self.patterns.shape[1]

    def field_(self, signs: Values) -> Values:
        """Return the field on each unit, (…, d), at states of ±1."""
        raise NotImplementedError

    def __call__(self, x: Values) -> Values:
        """Apply one step of all units at once to states of ±1, (…, d)."""
        xp = namespace(x)
        return xp.where(self.field_(x) >= 0, 1.0, -1.0)

    def recall(self, cues: Points, known: Bool[np.ndarray, "k d"] | None = None) -> Points:
        """Return where cues, of the rows' own values, end, in the rows' values."""
        start = np.where(cues > self.middle, 1.0, -1.0)
        state = iterated(lambda x, told: np.asarray(self(x)), start, known)
        return self.read(state)

    def read(self, state: Points) -> Points:
        """Return states of ±1 as rows where they are stored ones, else as the range's two ends."""
        alike = state @ self.signs.T
        found = alike.argmax(axis=1)
        ends = np.where(state > 0, self.patterns.max(), self.patterns.min())
        stored = alike.max(axis=1) > self.dim - 1  # products of ±1: d or at most d − 2
        return np.where(stored[:, None], self.patterns[found], ends)


@dataclass(frozen=True, eq=False)
class Hopfield(Signs):
    """Hopfield's network (PNAS 1982), all units at once.

    Attributes:
        rule: "pseudo-inverse" (Personnaz, Guyon & Dreyfus, 1985), which stores up to d independent
            patterns exactly, or "Hebb", without self-connections.

    Example:
        >>> rows = np.where(np.random.default_rng(0).random((5, 40)) < 0.5, -1.0, 1.0)
        >>> bool((Hopfield(rows)(rows) == rows).all())
        True
    """

    rule: str = "pseudo-inverse"
    weights: Float[np.ndarray, "d d"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the weights."""
        super().__post_init__()
        choice(self.rule, "rule", ("pseudo-inverse", "Hebb"))
        if self.rule == "Hebb":
            weights = self.signs.T @ self.signs / self.dim
            np.fill_diagonal(weights, 0.0)
        else:
            weights = np.linalg.pinv(self.signs) @ self.signs
        object.__setattr__(self, "weights", weights)

    def field_(self, signs: Values) -> Values:
        """Return the field on each unit, (…, d). Rounding decides no sign."""
        xp = namespace(signs)
        found = signs @ self.weights
        return xp.where(xp.abs(found) < 1e-9, 0.0, found)


@dataclass(frozen=True, eq=False)
class DenseHopfield(Signs):
    """Dense associative memory (Krotov & Hopfield, 2016): votes by a power of the overlaps.

    x ← sign(Σ ξ · max(0, ξ·x/d)^(power − 1)), by the gradient of their rectified polynomial energy,
    all units at once.

    Attributes:
        power: of the energy, ≥ 2.

    Example:
        >>> rows = np.where(np.random.default_rng(0).random((80, 40)) < 0.5, -1.0, 1.0)
        >>> bool((DenseHopfield(rows, 20)(rows) == rows).all())  # twice as many as units
        True
    """

    power: int = 3

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        object.__setattr__(self, "power", whole(self.power, "power", 2))

    def field_(self, signs: Values) -> Values:
        """Return the field on each unit, (…, d)."""
        xp = namespace(signs)
        overlaps = xp.maximum(signs @ self.signs.T / self.dim, 0.0)
        size = xp.maximum(overlaps.max(axis=-1)[..., None], 1.0 / self.dim)
        return (overlaps / size) ** (self.power - 1) @ self.signs


@dataclass(frozen=True, eq=False)
class KernelHopfield(Signs):
    """Kernel Hopfield network by ridge regression on ±1 (Tamamori, 2025), all units at once.

    x ← sign(k(x)ᵀ (K + ridge I)⁻¹ Ξ) with k = exp(−γ ‖x − ξ‖²).

    Attributes:
        gamma: γ · d; ‖x − ξ‖² is 2d for patterns that have nothing in common.
        ridge: added to K's diagonal.
    """

    gamma: float = 1.0
    ridge: float = 1e-2
    coefficients: Float[np.ndarray, "n d"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Solve for the coefficients."""
        super().__post_init__()
        positive(self.gamma, "gamma")
        gram = self._kernel(self.signs)
        gram[np.diag_indices_from(gram)] += nonnegative(self.ridge, "ridge")
        object.__setattr__(self, "coefficients", cho_solve(cho_factor(gram), self.signs))

    def _kernel(self, signs: Values) -> Values:
        xp = namespace(signs)
        return xp.exp(-2 * self.gamma * (1 - signs @ self.signs.T / self.dim))

    def field_(self, signs: Values) -> Values:
        """Return the field on each unit, (…, d)."""
        return self._kernel(signs) @ self.coefficients
