"""The patterns and the kernel map that takes each to its target.

A store does not change: growing or shrinking it returns another, so that what fails leaves the old
one whole. The kernel's Cholesky factor follows every change. Its coefficients are solved for when
the map is asked for, and refined once by the map's own misses at its patterns; a few rows more or
less change them by what blocks of K⁻¹ say.

All of a kernel's equations are those of the patterns' own span (`memory.span`), in which they are
solved and recall computes; the map of all d coordinates is made when it is asked for.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import LinAlgError, solve

from attractory.analysis.iteration import pad_rows
from attractory.kernels.matrices import ntk
from attractory.maps.interpolation import INTERPOLATES
from attractory.maps.kernel_regression import (
    KernelRegression,
    assemble,
    factorised_regression,
    padded,
)
from attractory.maps.protocol import Map
from attractory.maps.uncompiled import ONCE, in_numpy
from attractory.memory.settings import MemorySettings
from attractory.memory.span import Span
from attractory.solvers.cholesky import Factor

__all__ = ["FactorlessStore", "KernelStore", "Solution", "called", "missed_by"]

_EXACT = 1e-10  # residual at which refining the coefficients gains nothing
_DOUBT = 1e-8  # ratio of K's pivots from which on the coefficients are exact
_CALLED, _TOGETHER = 1024, 64  # points up to which a map is called for a few at a time
_FEW = 8  # rows removed one by one; more of them are cheaper by a new factor
_SURE = 1e-4  # ratio of K's pivots above which a change's rounding needs no look
_ROUNDING = 1e-14  # of norms that are equal
_CHANGES = 64  # that coefficients follow before they are solved for anew


class KernelStore:
    """A kernel regression under change.

    Attributes:
        x: patterns, (n, d).
        targets: what each is mapped to, (n, d): the pattern itself, or its successor.
        settings: activation, depth and ridge; and where a store that iterates computes.
        measure_residual: whether the map's misses at its patterns are measured, and its
            coefficients refined by them. Trials of `fit` need neither.
        accuracy: miss of a target, relative to the norm, that counts as stored.

    `basis` is taken for that of the span if all points lie in it (`Span.of`).
    """

    accuracy = INTERPOLATES
    _continues = True  # in the span, after a change, from what it holds there

    def __init__(
        self,
        x: Float[np.ndarray, "n d"],
        targets: Float[np.ndarray, "n d"],
        settings: MemorySettings,
        coefficients: Float[np.ndarray, "n d"] | None = None,
        residual: float | None = None,
        *,
        measure_residual: bool = True,
        basis: Float[np.ndarray, "d r"] | None = None,
    ):
        self.x, self.targets, self.settings = x, targets, settings
        self.measure_residual, self._basis = measure_residual, basis
        self._map: KernelRegression | None = None
        self._calls: KernelRegression | None = None
        self._factor: Factor | None = None
        self._known = False  # whether the factor has been tried for
        self._span: Span | None = None
        self._inner: KernelStore | None = None
        self._changes = 0  # that the coefficients have followed
        known = np.nan if residual is None else residual
        self._solution = None if coefficients is None else Solution(coefficients, known)

    @property
    def span(self) -> Span:
        """The span of patterns and targets, in whose coordinates the memory computes."""
        if self._span is None:
            self._span = Span.of(self.x, self.targets, self._basis)
        return self._span

    @property
    def inner(self) -> "KernelStore":
        """The same store in the coordinates of the span: itself, if these are its own."""
        if self.span.whole:
            return self
        if self._inner is None:
            x = _of_norms(self.span.within(self.x), self.x, self.span)
            y = x if self.targets is self.x else self.span.within(self.targets)
            self._inner = KernelStore(
                x, y, self.settings, *self._within(), measure_residual=self.measure_residual
            )
        return self._inner

    def _within(self) -> tuple[Float[np.ndarray, "n e"] | None, float | None]:
        """Return what is known of coefficients and residual, in the span's coordinates."""
        if self._solution is None:
            return None, None
        return self.span.within(self._solution.coefficients), self._solution.residual

    @property
    def factor(self) -> Factor | None:
        """Of K + ridge, or None where it is singular to working precision."""
        if self.inner is not self:
            return self.inner.factor
        if not self._known:
            self._factor, self._known = self._factorise(), True
        return self._factor

    def _settle(self, factor: Factor | None) -> "KernelStore":
        """Take a factor, or make one; where K is singular, solve now: a hopeless one must fail."""
        inner = self.inner
        if factor is not None:
            inner._factor, inner._known = factor, True
        if inner.factor is None:
            inner.solution()
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
        how = self.settings
        return np.asarray(ntk(x, y, activation=how.activation, depth=how.depth))

    def map(self) -> KernelRegression:
        """Return the map, solved for now if it was not yet."""
        rule, residual = self.settings, self.residual()
        coefficients, found = self.solution().coefficients, self._map
        if found is None:
            self._map = found = assemble(
                self.x, self.targets, coefficients, rule.kernel, rule.ridge, residual
            )
        return found

    def calls(self) -> KernelRegression:
        """Return the map with arrays of few sizes, for many calls and no analysis."""
        coefficients, found = self.solution().coefficients, self._calls
        if found is None:
            self._calls = found = self._padded(coefficients)
        return found

    def solution(self) -> "Solution":
        """Return coefficients and residual, solved for now if they were not yet."""
        found = self._solution
        if found is None:
            self._solution = found = self._solved()
        return found

    def _solved(self) -> "Solution":
        if self.inner is not self:
            found = self.inner.solution()
            return Solution(self.span.outward(found.coefficients), found.residual)
        rule, factor = self.settings, self.factor
        if factor is None:
            f = factorised_regression(self.x, self.targets, rule.kernel, rule.ridge)
            return Solution(np.asarray(f.coefficients), float(f.residual))
        a = factor.solve(self.targets)
        return self._refined(factor, a) if self.measure_residual else Solution(a, np.nan)

    def _refined(self, factor: Factor, a: Float[np.ndarray, "n d"]) -> "Solution":
        """Return coefficients, refined by what they miss if that is worth it, and the residual."""
        ridge = self.settings.ridge
        miss, residual = self._misses(a)
        if ridge == 0 and residual <= _EXACT:
            return Solution(a, residual)
        a = a + factor.solve(miss - ridge * a)
        return Solution(a, self._misses(a)[1])

    def _misses(self, coefficients: np.ndarray) -> tuple[Float[np.ndarray, "n d"], float]:
        """Return by how much the map of coefficients misses its targets, and the relative most."""
        self._calls = self._padded(coefficients)
        miss = self.targets - called(self._calls, self.x)
        size = np.linalg.norm(miss, axis=1) / np.linalg.norm(self.x, axis=1)
        return miss, float(size.max())

    def _padded(self, coefficients: np.ndarray) -> KernelRegression:
        return padded(self.x, coefficients, self.settings.kernel, self.settings.ridge)

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> "KernelStore":
        """Return the store with rows appended; this one stays as it is."""
        grown = self._grown(x, targets)
        factor, n = self.factor, len(self.x)
        if factor is None:
            return grown._settle(None)
        points = grown.inner.x
        corner, beside = self._blocks(points[:n], points[n:])
        try:
            grown._settle(factor.append(beside, corner))
        except LinAlgError:
            return grown._settle(None)
        known = self._followed(grown, len(x))
        if known is not None:  # of the blocks of K⁻¹, with the Schur complement of the corner
            a = grown.span.moved(known, self.span)
            w = factor.solve(beside)
            last = solve(corner - beside.T @ w, grown.inner.targets[n:] - beside.T @ a)
            grown.inner._solution = Solution(np.vstack([a - w @ last, last]), np.nan)
        return grown

    def _blocks(
        self, x: Float[np.ndarray, "n e"], new: Float[np.ndarray, "m e"]
    ) -> tuple[Float[np.ndarray, "m m"], Float[np.ndarray, "n m"]]:
        """Return the kernel matrix of new points, the ridge on it, and the others' with them.

        Where the map is at hand nothing is compiled for one new point.
        """
        known, factor = self.inner._calls, self.factor
        same = known is not None and known.dim == x.shape[1]
        rows = known.kernel_in_numpy(exact=True) if known is not None and same else None
        beside = self.kernel(x, new) if rows is None else rows(new)[:, : len(x)].T
        sizes = np.linalg.norm(np.vstack([x[:1], new]), axis=1)
        if len(new) == 1 and factor is not None and np.ptp(sizes) <= _ROUNDING * sizes[0]:
            return factor.lower[:1, :1] ** 2, beside  # the same at every point of a norm
        corner = self.kernel(new)
        corner[np.diag_indices(len(new))] += self.settings.ridge
        return corner, beside

    def _followed(self, changed: "KernelStore", rows: int) -> Float[np.ndarray, "n d"] | None:
        """Return the coefficients, if those after a change of so many rows are to follow them."""
        inner, after = self.inner, changed.inner
        if inner._solution is None or after._solution is not None or changed._span is None:
            return None
        if rows > _FEW or inner._changes >= _CHANGES or not inner._sure or not after._sure:
            return None
        after._changes = inner._changes + 1
        return inner._solution.coefficients

    @property
    def _sure(self) -> bool:
        """Whether K is so regular that its equations are solved to rounding."""
        return self.factor is not None and self._pivots > _SURE

    @property
    def _pivots(self) -> float:
        """The least pivot of K, of the largest."""
        assert self.factor is not None
        pivots = np.diag(self.factor.lower) ** 2
        return float(pivots.min() / pivots.max())

    def without(self, rows: Int[np.ndarray, " k"]) -> "KernelStore":
        """Return the store without some rows."""
        less = self._shrunk(rows)
        gone = np.unique(np.asarray(rows)[()])
        if self.factor is None or len(gone) > _FEW:
            return less._settle(None)
        factor = self.factor
        known = None if self.inner._solution is None else self.inner._solution.coefficients
        for index in gone[::-1].tolist():
            if known is not None:
                one = np.zeros((len(known), 1))
                one[index] = 1.0
                column = factor.solve(one)
                known = np.delete(known - column * (known[index] / column[index]), index, axis=0)
            factor = factor.remove(index)
        less._settle(factor)
        if known is not None and self._followed(less, len(gone)) is not None:
            less.inner._solution = Solution(less.span.moved(known, self.span), np.nan)
        return less

    @property
    def doubtful(self) -> bool:
        """Whether some rows may not be stored: K is nearly singular, or what is missed is known."""
        inner = self.inner
        if inner.factor is None or (inner._solution is not None and not inner._changes):
            return inner._solution is not None
        return inner._pivots < _DOUBT

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        inner = self.inner
        found = inner.solution()
        if np.isnan(found.residual) and self.measure_residual and inner.factor is not None:
            found = inner._refined(inner.factor, found.coefficients)
            self._map = self._solution = None
            inner._map, inner._solution, inner._changes = None, found, 0
        return found.residual

    def missed(self) -> Float[np.ndarray, " n"]:
        """Return by how much each target is missed, relative to the norm of the patterns."""
        return missed_by(self.inner.calls(), self.inner.x, self.inner.targets)

    def to_itself(self) -> "KernelStore":
        """Return the store of the map that takes each pattern to itself, of the same factor."""
        own = self._copy(self.x, self.x)
        own._span = self.span
        if self.inner is not self:
            inner = self.inner.x
            own._inner = KernelStore(
                inner, inner, self.settings, measure_residual=self.measure_residual
            )
        return own._settle(self.factor)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a file needs of the map besides patterns and targets, by name."""
        self.residual()  # may refine them
        return {"coefficients": np.asarray(self.solution().coefficients)}

    def _grown(self, x: np.ndarray, targets: np.ndarray) -> "KernelStore":
        """Return the store with rows appended, in a span that goes on from this one's."""
        both = np.vstack([self.x, x])
        own = self.targets is self.x and targets is x
        grown = self._copy(both, both if own else np.vstack([self.targets, targets]))
        if self._span is not None:
            grown._span = self.span.with_rows(x if own else np.vstack([x, targets]))
            grown._inner = self._continued(grown.span, None, x, targets)
        return grown

    def _shrunk(self, rows: Int[np.ndarray, " k"]) -> "KernelStore":
        """Return the store without rows, in the same span if that is not far too large."""
        kept = np.delete(np.arange(len(self.x)), rows)
        x = self.x[kept]
        less = self._copy(x, x if self.targets is self.x else self.targets[kept])
        if self._span is not None and not self.span.loose(len(kept)):
            less._span = self.span
            less._inner = self._continued(self.span, kept, x[:0], x[:0])
        return less

    def _continued(
        self,
        span: Span,
        kept: Int[np.ndarray, " k"] | None,
        x: Float[np.ndarray, "m d"],
        targets: Float[np.ndarray, "m d"],
    ) -> "KernelStore | None":
        """Return the store of rows kept and added, in a span whose first coordinates are these."""
        if span.whole or self._inner is None or not self._continues:
            return None
        old, some = self._inner, slice(None) if kept is None else kept
        new = _of_norms(span.within(x), x, span)
        points = np.vstack([span.moved(old.x[some], self.span), new])
        answers = points
        if old.targets is not old.x or targets is not x:
            there = span.moved(old.targets[some], self.span)
            answers = np.vstack([there, span.within(targets)])
        return KernelStore(points, answers, self.settings, measure_residual=self.measure_residual)

    def _copy(
        self, x: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n d"]
    ) -> "KernelStore":
        return type(self)(x, targets, self.settings, measure_residual=self.measure_residual)


class FactorlessStore(KernelStore):
    """`KernelStore` whose solves keep no factor: a change is followed by a solve from nothing.

    Attributes:
        steps: that the last solve took.
    """

    steps = 0
    _continues = False  # the span's store is made from a solution, when it is asked for

    @property
    def factor(self) -> None:
        """None: there is no factor, or it is not kept."""
        return None

    @property
    def doubtful(self) -> bool:
        """Whether the map is solved for already: then its residual is known."""
        return self._solution is not None

    def calls(self) -> KernelRegression:
        """Return the map: it is large, and not copied."""
        return self.map()

    def _within(self) -> tuple[Float[np.ndarray, "n e"] | None, float | None]:
        self.solution()  # the span's own store would factorise
        return super()._within()

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        return self.solution().residual

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> KernelStore:
        """Return the store with rows appended; this one stays as it is."""
        return self._grown(x, targets)

    def without(self, rows: Int[np.ndarray, " k"]) -> KernelStore:
        """Return the store without some rows."""
        return self._shrunk(rows)


class Solution(NamedTuple):
    """Coefficients of a map, (n, d), and its largest miss, relative to the norm."""

    coefficients: Float[np.ndarray, "n d"]
    residual: float


def _of_norms(
    y: Float[np.ndarray, "k e"], x: Float[np.ndarray, "k d"], span: Span
) -> Float[np.ndarray, "k e"]:
    """Return points y of a span with the norms of x: tables serve one norm to the last digits."""
    if span.whole or not len(y):
        return y
    given, have = (np.linalg.norm(v, axis=1) for v in (x, y))
    return y * (span.scale * given / np.where(have > 0, have, 1.0))[:, None]


def missed_by(f: Map, x: np.ndarray, targets: np.ndarray) -> Float[np.ndarray, " n"]:
    """Return by how much a map misses each target, relative to the norm of the patterns."""
    miss = np.linalg.norm(called(f, x) - targets, axis=1)
    return miss / np.linalg.norm(x, axis=1).max()


def called(f: Map, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
    """Return the map's values, compiled for few numbers of points: one up to a thousand."""
    count, quick = len(x), in_numpy(f, len(x), ONCE)
    if quick is not None:
        return quick(x)
    if count > _CALLED:
        return np.asarray(f(x[pad_rows(np.arange(count))]), float)[:count]
    out = np.empty(x.shape)
    for k in range(0, count, _TOGETHER):
        some = x[k : k + _TOGETHER]
        rows = np.pad(some, ((0, _TOGETHER - len(some)), (0, 0)), mode="edge")
        out[k : k + _TOGETHER] = np.asarray(f(rows))[: len(some)]
    return out
