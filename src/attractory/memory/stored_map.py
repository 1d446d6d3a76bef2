"""Patterns and the map that takes each to its target, kept up to date: a kernel's, or a network's.

A store is not changed: growing or shrinking it returns another, so that what fails leaves the old
one whole. The kernel's Cholesky factor follows every change; its coefficients are solved for when
the map is asked for, and refined by the map's own misses at its patterns if there are any. A
network is trained on from where it is. With a bias both work on points with a constant coordinate
appended (`maps.biased`), which they map to itself.
"""

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError

from attractory.activations import Activation
from attractory.kernels.kernel import Kernel
from attractory.kernels.matrices import ntk
from attractory.maps.biased import Biased, lifted
from attractory.maps.interpolation import INTERPOLATES
from attractory.maps.kernel_regression import KernelRegression, assemble, factorised_regression
from attractory.maps.network import Autoencoder
from attractory.maps.training import train
from attractory.solvers.cholesky import Factor

__all__ = ["KernelStore", "NetworkStore"]

_EXACT = 1e-10  # residual at which refining the coefficients gains nothing
_FEW = 8  # rows removed one by one; more of them are cheaper by a new factor


class KernelStore:
    """A kernel memory under change.

    Attributes:
        x: patterns, (n, d).
        targets: what each is mapped to, (n, d): the pattern itself, or its successor.
        bias: the constant coordinate, relative to the norm; 0 for none.
        passed: whether recall only passes the map, so that its residual need not be known.
        accuracy: relative miss of a target that counts as stored.
    """

    accuracy = INTERPOLATES
    compute: str | None = None  # where, for stores that iterate

    def __init__(
        self,
        x: Float[np.ndarray, "n d"],
        targets: Float[np.ndarray, "n d"],
        activation: Activation,
        depth: int,
        ridge: float,
        bias: float = 0.0,
        coefficients: Float[np.ndarray, "n c"] | None = None,
        residual: float | None = None,
        *,
        passed: bool = False,
    ):
        self.x, self.targets, self.bias, self.passed = x, targets, bias, passed
        self.activation, self.depth, self.ridge = activation, depth, ridge
        self._value = bias * float(np.linalg.norm(x[0]))
        self._map: KernelRegression | None = None
        self._factor: Factor | None = None
        self._known = False  # whether the factor has been tried for
        if coefficients is not None:
            self._map = assemble(
                self._lift(x),
                self._lift(targets),
                coefficients,
                Kernel(activation, depth),
                ridge,
                residual,
            )

    def _lift(self, x: np.ndarray) -> np.ndarray:
        return lifted(x, self._value) if self.bias else x

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
            matrix = self._kernel(self.x)
            matrix[np.diag_indices(len(matrix))] += self.ridge
            return Factor(matrix)
        except LinAlgError:
            return None

    def _kernel(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        y = None if y is None else self._lift(y)
        return ntk(self._lift(x), y, activation=self.activation, depth=self.depth)

    def map(self) -> KernelRegression | Biased:
        """Return the map, its residual measured."""
        f = self.regression()
        return Biased(f, self._value) if self.bias else f

    def regression(self) -> KernelRegression:
        """Return the map, on points with the constant coordinate if there is one."""
        if self._map is None:
            if self.factor is None:
                x, targets = self._lift(self.x), self._lift(self.targets)
                self._map = factorised_regression(
                    x, targets, Kernel(self.activation, self.depth), self.ridge
                )
            else:
                self._map = self._solved(self.factor)
        return self._map

    def _solved(self, factor: Factor) -> KernelRegression:
        x, targets = self._lift(self.x), self._lift(self.targets)

        def made(coefficients: np.ndarray) -> KernelRegression:
            known = np.nan if self.passed else None
            kernel = Kernel(self.activation, self.depth)
            return assemble(x, targets, coefficients, kernel, self.ridge, known)

        f = made(factor.solve(targets))
        if self.passed:
            return f
        a = np.asarray(f.coefficients)
        if self.ridge == 0 and float(f.residual) <= _EXACT:
            return f
        miss = targets - np.asarray(f(x)) - self.ridge * a
        return made(a + factor.solve(miss))

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> "KernelStore":
        """Return the store with rows appended; this one stays as it is."""
        grown = self._copy(np.vstack([self.x, x]), np.vstack([self.targets, targets]))
        if self.factor is None:
            return grown._settle(None)
        corner = self._kernel(x)
        corner[np.diag_indices(len(x))] += self.ridge
        try:
            return grown._settle(self.factor.append(self._kernel(self.x, x), corner))
        except LinAlgError:
            return grown._settle(None)

    def without(self, rows: np.ndarray) -> "KernelStore":
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

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        return float(self.regression().residual) * float(np.hypot(1.0, self.bias))

    def _copy(self, x: np.ndarray, targets: np.ndarray) -> "KernelStore":
        copy = type(self)(
            x, targets, self.activation, self.depth, self.ridge, self.bias, passed=self.passed
        )
        copy.compute = self.compute
        return copy


class NetworkStore:
    """A trained network; attributes as `KernelStore`."""

    accuracy = 1e-3

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
            result = train(self._start, x, targets=targets, tolerance=1e-7 * square, progress=None)
            self._trained = result.model
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
        miss = np.linalg.norm(np.asarray(self.map()(self.x), float) - self.targets, axis=1)
        return float(miss.max() / np.linalg.norm(self.x, axis=1).max())
