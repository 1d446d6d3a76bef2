"""The patterns and the map that takes each to its target: a kernel's, or a network's.

A store does not change: growing or shrinking it returns another, so that what fails leaves the old
one whole. The kernel's Cholesky factor follows every change. Its coefficients are solved for when
the map is asked for, and refined once by the map's own misses at its patterns. A network is trained
on from where it is. A network with a bias works on points with a constant coordinate appended
(`maps.biased`), which it maps to itself.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import LinAlgError

from attractory.kernels.matrices import ntk
from attractory.maps.biased import Biased, lifted
from attractory.maps.interpolation import INTERPOLATES
from attractory.maps.kernel_regression import KernelRegression, assemble, factorised_regression
from attractory.maps.network import Autoencoder
from attractory.maps.training import train
from attractory.memory.settings import MemorySettings
from attractory.solvers.cholesky import Factor

__all__ = ["KernelStore", "NetworkStore"]

_EXACT = 1e-10  # residual at which refining the coefficients gains nothing
_DOUBT = 1e-8  # ratio of K's pivots from which on the coefficients are exact
_FEW = 8  # rows removed one by one; more of them are cheaper by a new factor


class KernelStore:
    """A kernel regression under change.

    Attributes:
        x: patterns, (n, d).
        targets: what each is mapped to, (n, d): the pattern itself, or its successor.
        settings: activation, depth and ridge; and where a store that iterates computes.
        measure_residual: whether the map's misses at its patterns are measured, and its
            coefficients refined by them. Trials of `fit` need neither.
        accuracy: miss of a target, relative to the norm, that counts as stored.
    """

    accuracy = INTERPOLATES

    def __init__(
        self,
        x: Float[np.ndarray, "n d"],
        targets: Float[np.ndarray, "n d"],
        settings: MemorySettings,
        coefficients: Float[np.ndarray, "n d"] | None = None,
        residual: float | None = None,
        *,
        measure_residual: bool = True,
    ):
        self.x, self.targets, self.settings = x, targets, settings
        self.measure_residual = measure_residual
        self._map: KernelRegression | None = None
        self._factor: Factor | None = None
        self._known = False  # whether the factor has been tried for
        if coefficients is not None:
            self._map = self._assembled(coefficients, residual)

    def _assembled(
        self, coefficients: Float[np.ndarray, "n d"], residual: float | None
    ) -> KernelRegression:
        rule = self.settings
        return assemble(self.x, self.targets, coefficients, rule.kernel, rule.ridge, residual)

    @property
    def factor(self) -> Factor | None:
        """Of K + ridge, or None where it is singular to working precision."""
        if not self._known:
            self._factor, self._known = self._factorise(), True
        return self._factor

    def _settle(self, factor: Factor | None) -> "KernelStore":
        """Take a factor, or make one; where K is singular, solve now: a hopeless one must fail."""
        if factor is not None:
            self._factor, self._known = factor, True
        if self.factor is None:
            self.map()
        return self

    def _factorise(self) -> Factor | None:
        try:
            matrix = self.kernel(self.x)
            matrix[np.diag_indices(len(matrix))] += self.settings.ridge
            return Factor(matrix)
        except LinAlgError:
            return None

    def kernel(
        self, x: Float[np.ndarray, "m d"], y: Float[np.ndarray, "k d"] | None = None
    ) -> Float[np.ndarray, "m k"]:
        """Return the NTK of points."""
        return ntk(x, y, activation=self.settings.activation, depth=self.settings.depth)

    def map(self) -> KernelRegression:
        """Return the map, solved for now if it was not yet."""
        if self._map is None:
            if self.factor is None:
                rule = self.settings
                self._map = factorised_regression(self.x, self.targets, rule.kernel, rule.ridge)
            else:
                self._map = self._solved(self.factor)
        return self._map

    def _solved(self, factor: Factor) -> KernelRegression:
        coefficients = factor.solve(self.targets)
        if not self.measure_residual:
            return self._assembled(coefficients, np.nan)
        f = self._assembled(coefficients, None)
        a, ridge = np.asarray(f.coefficients), self.settings.ridge
        if ridge == 0 and float(f.residual) <= _EXACT:
            return f
        miss = self.targets - np.asarray(f(self.x)) - ridge * a
        return self._assembled(a + factor.solve(miss), None)

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> "KernelStore":
        """Return the store with rows appended; this one stays as it is."""
        grown = self._copy(np.vstack([self.x, x]), np.vstack([self.targets, targets]))
        if self.factor is None:
            return grown._settle(None)
        corner = self.kernel(x)
        corner[np.diag_indices(len(x))] += self.settings.ridge
        try:
            return grown._settle(self.factor.append(self.kernel(self.x, x), corner))
        except LinAlgError:
            return grown._settle(None)

    def without(self, rows: Int[np.ndarray, " k"]) -> "KernelStore":
        """Return the store without some rows."""
        kept = np.ones(len(self.x), bool)
        kept[rows] = False
        less = self._copy(self.x[kept], self.targets[kept])
        gone = np.flatnonzero(~kept)
        if self.factor is None or len(gone) > _FEW:
            return less._settle(None)
        factor = self.factor
        for index in gone[::-1].tolist():
            factor = factor.remove(index)
        return less._settle(factor)

    @property
    def doubtful(self) -> bool:
        """Whether some rows may not be stored: the map is solved already, or K nearly singular."""
        if self._map is not None or self.factor is None:
            return self._map is not None
        pivots = np.diag(self.factor.lower) ** 2
        return bool(pivots.min() < _DOUBT * pivots.max())

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        return float(self.map().residual)

    def missed(self) -> Float[np.ndarray, " n"]:
        """Return by how much each target is missed, relative to the norm of the patterns."""
        return _missed(self)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a file needs of the map besides patterns and targets, by name."""
        return {"coefficients": np.asarray(self.map().coefficients)}

    def _copy(
        self, x: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n d"]
    ) -> "KernelStore":
        return type(self)(x, targets, self.settings, measure_residual=self.measure_residual)


class NetworkStore:
    """A trained network; attributes as `KernelStore`."""

    accuracy = 1e-3
    doubtful = True

    def __init__(
        self,
        x: Float[np.ndarray, "n d"],
        targets: Float[np.ndarray, "n d"],
        network: Autoencoder,
        bias: float = 0.0,
        *,
        trained: bool = False,
    ):
        self.x, self.targets, self.bias = x, targets, bias
        self._value = bias * float(np.linalg.norm(x[0]))
        self._start = network
        self._trained = network if trained else None

    def map(self) -> Autoencoder | Biased:
        """Return the network, trained until its mean squared error is 1e-7 of a pattern's."""
        network = self.network()
        return Biased(network, self._value) if self.bias else network

    def network(self) -> Autoencoder:
        """Return the network, on points with the constant coordinate if there is one."""
        if self._trained is None:
            x, targets = self.x, self.targets
            square = float((x**2).mean())
            if self.bias:
                x, targets = lifted(x, self._value), lifted(targets, self._value)
            result = train(self._start, x, targets=targets, tolerance=1e-7 * square)
            self._trained = result.uninterrupted().model
        return self._trained

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> "NetworkStore":
        """Return the store with rows appended, its network where this one's is."""
        both = np.vstack([self.x, x]), np.vstack([self.targets, targets])
        return NetworkStore(*both, self.network(), self.bias)

    def without(self, rows: np.ndarray) -> "NetworkStore":
        """Return the store without some rows."""
        kept = np.delete(np.arange(len(self.x)), rows)
        return NetworkStore(self.x[kept], self.targets[kept], self.network(), self.bias)

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        return float(self.missed().max())

    def missed(self) -> Float[np.ndarray, " n"]:
        """Return by how much each target is missed, relative to the norm of the patterns."""
        return _missed(self)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a file needs of the network, by name."""
        return {f"weight{k}": np.asarray(w) for k, w in enumerate(self.network().weights)}


def _missed(store: KernelStore | NetworkStore) -> Float[np.ndarray, " n"]:
    miss = np.linalg.norm(np.asarray(store.map()(store.x), float) - store.targets, axis=1)
    return miss / np.linalg.norm(store.x, axis=1).max()
