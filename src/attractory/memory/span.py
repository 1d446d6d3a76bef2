r"""The rows' own span, in which a memory computes: n rows of d numbers need n coordinates, not d.

A kernel sees lengths and products of points, and a memory's map takes every point into the span of
what is stored. Let B have that span's orthonormal basis as columns. A cue x is Bᵀx within it and a
vector u across it, of which every step of recall makes a multiple: f(x) has none of it, and steps
are sums of multiples of x and f(x) and of vectors of the span. So

    y = √(D/d) (Bᵀx, |u|, 0, …, 0) ∈ ℝᴰ

says all about x: products x·x'/d are y·y'/D, so kernels, the map, its steps, distances and angles
are the same. Nothing of d × d numbers is formed, and after one product with B a step costs as much
for photographs as for thumbnails. D is one of few sizes, so that what is compiled for one number of
rows serves for others. (A cue and the place where its recall starts have a vector each.)

B is the thin QR factor of the rows, or the basis of their metric if they lie in it, and grows by
Gram–Schmidt (twice, which is enough) when rows are added.
"""

import numpy as np
from jaxtyping import Float

from attractory._util.machine import few_sizes
from attractory.solvers.orthonormal import orthonormal

__all__ = ["Span"]

_ROUNDING = 1e-13  # relative length of a part across the span that is none
_LOOSE = 2  # a basis this many times the rows is made anew
_BESIDE = 2  # vectors across the span, of a cue and of where it starts


class Span:
    """Coordinates along an orthonormal basis of the rows, and two for what a cue has besides.

    Args:
        basis: orthonormal columns, (d, r); None for all of ℝᵈ, whose points stay as they are.
        dim: d.

    Attributes:
        basis: the same; None, too, where r is so near to d that nothing is saved.
        size: D, numbers of a point in these coordinates.
    """

    def __init__(self, basis: Float[np.ndarray, "d r"] | None, dim: int):
        size = dim if basis is None else few_sizes(basis.shape[1] + _BESIDE)
        self.basis = basis if size < dim else None
        self.dim, self.size = dim, min(size, dim)

    @classmethod
    def of(
        cls,
        rows: Float[np.ndarray, "n d"],
        others: Float[np.ndarray, "m d"],
        basis: Float[np.ndarray, "d r"] | None = None,
    ) -> "Span":
        """Return the span of rows and others, which may be the same.

        Args:
            rows, others: the points.
            basis: orthonormal columns, at most as many as rows, taken if the points lie in them.
        """
        dim = rows.shape[1]
        if few_sizes(len(rows) + _BESIDE) >= dim:
            return cls(None, dim)
        if basis is not None and 0 < basis.shape[1] <= len(rows):
            both = (rows,) if others is rows else (rows, others)
            if not any(_outside(points, basis) for points in both):
                return cls(basis, dim)
        basis = orthonormal(rows.T)
        if others is not rows and _outside(others, basis):
            both = np.vstack([rows, others])
            return cls.of(both, both)
        return cls(basis, dim)

    @property
    def whole(self) -> bool:
        """Whether the coordinates are the points' own."""
        return self.basis is None

    @property
    def scale(self) -> float:
        """Length of a point here over its own."""
        return float(np.sqrt(self.size / self.dim))

    def within(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k e"]:
        """Return points of the span, or coefficients of a map into it, in these coordinates."""
        if self.basis is None:
            return x
        return self._placed(x @ self.basis)

    def moved(self, y: Float[np.ndarray, "k e"], before: "Span") -> Float[np.ndarray, "k e"]:
        """Return points in the coordinates of an earlier span, which this one continues, here."""
        if before.basis is None:
            return y
        if self.basis is None:
            return before.outward(y)
        return self._placed(y[:, : before.basis.shape[1]] / before.scale)

    def inward(
        self, cues: Float[np.ndarray, "k d"], starts: Float[np.ndarray, "k d"]
    ) -> tuple[
        Float[np.ndarray, "k e"], Float[np.ndarray, "k e"], tuple[Float[np.ndarray, "k d"], ...]
    ]:
        """Return cues and their starts in these coordinates, and unit vectors across the span."""
        if self.basis is None:
            return cues, starts, ()
        rank = self.basis.shape[1]
        found, across = [], []
        for points in (cues, starts):
            along = points @ self.basis
            rest = points - along @ self.basis.T
            y = self._placed(along)
            for k, unit in enumerate(across):
                y[:, rank + k] = np.einsum("ij,ij->i", rest, unit)
                rest -= y[:, rank + k, None] * unit
            length = np.linalg.norm(rest, axis=1)
            y[:, rank + len(across)] = length
            y[:, rank:] *= self.scale
            rest /= np.where(length > 0, length, 1.0)[:, None]
            found.append(y)
            across.append(rest)
        return found[0], found[1], tuple(across)

    def outward(
        self, y: Float[np.ndarray, "k e"], across: tuple[Float[np.ndarray, "k d"], ...] = ()
    ) -> Float[np.ndarray, "k d"]:
        """Return points as they were; those of cues with the unit vectors of `inward`."""
        if self.basis is None:
            return y
        rank = self.basis.shape[1]
        x = (y[:, :rank] / self.scale) @ self.basis.T
        for k, unit in enumerate(across):
            x += (y[:, rank + k, None] / self.scale) * unit
        return x

    def with_rows(self, rows: Float[np.ndarray, "m d"]) -> "Span":
        """Return the span of these and more rows; its first coordinates are those of this one."""
        if self.basis is None:
            return self
        basis = self.basis
        for row in rows:
            rest = row - basis @ (basis.T @ row)
            if np.linalg.norm(rest) <= _ROUNDING * np.linalg.norm(row):
                continue
            rest -= basis @ (basis.T @ rest)
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
        return Span(basis, self.dim)

    def loose(self, count: int) -> bool:
        """Whether the basis is much larger than so many rows need."""
        return self.basis is not None and self.basis.shape[1] > _LOOSE * count

    def _placed(self, along: Float[np.ndarray, "k r"]) -> Float[np.ndarray, "k e"]:
        y = np.zeros((len(along), self.size))
        y[:, : along.shape[1]] = self.scale * along
        return y


def _outside(rows: np.ndarray, basis: np.ndarray) -> bool:
    """Whether some rows have parts across a basis."""
    rest = rows - (rows @ basis) @ basis.T
    return bool((np.linalg.norm(rest, axis=1) > _ROUNDING * np.linalg.norm(rows, axis=1)).any())
