r"""The infinite-width autoencoder trained to convergence: kernel regression with the NTK.

Gradient flow from a network whose outputs start at zero ends, as the widths go to infinity, at

    f∞(x) = X̂ K⁻¹ k(x) = Σᵢ θ(x, xᵢ) aᵢ,   K = Θ∞(X̂, X̂),   A = K⁻¹ X̂ (rows aᵢ),

the "centred" map of Jiang & Pehlevan (2020, appendix D). It passes through every pattern, which is
therefore a fixed point; the spectral radius of the Jacobian there says whether it is an attractor.

The Jacobian has rank at most n. With ∂θ(x, xᵢ)/∂x = cᵢ xᵢ⊥ + eᵢ x (`kernels.matrices`),

    J(x) = Aᵀ G,   G = diag(c) X⊥ + e xᵀ,

so that its non-zero eigenvalues are those of the n × n matrix G Aᵀ.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.typing import ArrayLike
from scipy.linalg import (
    LinAlgError,
    cho_factor,
    cho_solve,
    eigh,
    get_blas_funcs,
    get_lapack_funcs,
)

from attractory._util.machine import SOLVERS, iterates, refuse_what_cannot_fit
from attractory._util.parallel import checked
from attractory._util.precision import aligned, double, traced
from attractory._util.progress import Progress
from attractory._util.validation import (
    as_batch,
    as_points,
    choice,
    duplicate_rows,
    no_zero_rows,
    nonnegative,
    positive,
    whole,
)
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.kernels import recursion as _layers
from attractory.kernels.matrices import ntk
from attractory.kernels.tiles import TILE, mirror
from attractory.maps.protocol import SingularKernelError
from attractory.solvers.matrix_free import solve_large

__all__ = [
    "InterpolationWarning",
    "KernelRegression",
    "fit_regression",
]

INTERPOLATES = 1e-6  # largest residual at a pattern, relative to its norm, that counts as stored
_EPS = float(np.finfo(float).eps)
_BLOCK = 1 << 22  # entries of the kernel held at a time


class InterpolationWarning(UserWarning):
    """A memory does not reproduce its own patterns."""


class KernelRegression(eqx.Module):
    """The map f∞: (…, d) → (…, d); made by `fit_regression`.

    Attributes:
        patterns: the stored examples, (n, d), float64.
        coefficients: A = (K + ridge I)⁻¹ X̂, (n, d).
        activation, depth, ridge: as given.
        residual: largest ‖f(xᵢ) − xᵢ‖/‖xᵢ‖ over the patterns, measured after fitting.
    """

    patterns: Float[Array, "n d"]
    coefficients: Float[Array, "n d"]
    activation: Activation = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    ridge: float = eqx.field(static=True)
    residual: Float[Array, ""]  # an array, lest every memory be compiled anew
    _groups: tuple[_layers.Columns, ...]
    _order: Array | None  # patterns in the order of the groups, if there are several

    @property
    def dim(self) -> int:
        """Size of a pattern."""
        return self.patterns.shape[1]

    @property
    def interpolates(self) -> bool:
        """Whether every pattern is a fixed point to 1e-6 of its norm."""
        return float(self.residual) <= INTERPOLATES

    def __repr__(self) -> str:
        """Say what is stored, and how exactly."""
        n, dim = self.patterns.shape
        state = "interpolates" if self.interpolates else "DOES NOT INTERPOLATE"
        return (
            f"KernelRegression({n} patterns of dim {dim}, {self.activation.name}, "
            f"depth {self.depth}, ridge {self.ridge:g}: {state}, "
            f"residual {float(self.residual):.1e})"
        )

    @double
    def __call__(self, x: ArrayLike) -> Float[Array, "*k d"]:
        """Apply the map to the last axis.

        Raises:
            ValueError: if the last axis is not that of the patterns, or a value is not finite.
        """
        return _apply(self, checked_points(self, x))

    @double
    def jacobian(self, x: ArrayLike) -> Float[Array, "*k d d"]:
        """Return the Jacobian J(x), shape (…, d, d), J[i, j] = ∂fᵢ/∂xⱼ."""
        left, right = _factors(self, x)
        return left @ right

    @double
    def jacobian_factors(self, x: ArrayLike) -> tuple[Float[Array, "d n"], Float[Array, "*k n d"]]:
        """Return Aᵀ and G(x) with J(x) = Aᵀ G(x)."""
        return _factors(self, x)


@eqx.filter_jit
def _apply(f: KernelRegression, x: Array) -> Array:
    def rows(some: Array) -> Array:
        kernels = [_layers.block(g, some, "ntk", nearest=True)[0] for g in f._groups]
        joined = kernels[0] if len(kernels) == 1 else jnp.concatenate(kernels, axis=1)
        weights = f.coefficients if f._order is None else f.coefficients[f._order]
        return joined @ weights

    flat = x.reshape(-1, x.shape[-1]).astype(f.patterns.dtype)
    return by_blocks(rows, flat, f.patterns.shape[0]).reshape(x.shape)


def by_blocks(rows: Callable[[Array], Array], points: Array, n: int) -> Array:
    """Apply a function to so many points, (k, d), that k × n numbers are a block at most."""
    count, most = points.shape[0], max(1, _BLOCK // n)
    # Equal blocks, if there are some hardly smaller: a remainder would be compiled besides.
    fewest = max(1, -(-count // most))
    equal = (k for k in range(fewest, min(2 * fewest + 2, count + 1)) if count % k == 0)
    size = count // next(equal, fewest)
    if count <= size:
        return rows(points)
    whole_blocks = count // size * size
    head = lax.map(rows, points[:whole_blocks].reshape(-1, size, points.shape[-1]))
    parts = [head.reshape(whole_blocks, -1)]
    if whole_blocks < count:
        parts.append(rows(points[whole_blocks:]))
    return jnp.concatenate(parts)


def checked_points(f: KernelRegression, x: Any) -> Array:
    return jnp.asarray(x if traced(f, x) else as_batch(x, "x", f.dim))


def _factors(f: KernelRegression, x: Any) -> tuple[Array, Array]:
    return _right_factor(f, checked_points(f, x))


@eqx.filter_jit
def _right_factor(f: KernelRegression, x: Array) -> tuple[Array, Array]:
    def one(point: Array) -> Array:
        c, e, across = _layers.gradient(f.activation, point, f.patterns, f.depth, "ntk")
        return c[:, None] * across + e[:, None] * point

    flat = jnp.asarray(x).reshape(-1, x.shape[-1])
    right = lax.map(one, flat)
    return f.coefficients.T, right.reshape((*x.shape[:-1], *f.patterns.shape))


@double
def fit_regression(
    patterns: ArrayLike,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    ridge: float = 0.0,
    solver: str = "auto",
    tolerance: float = 1e-7,
    max_steps: int = 1000,
    compute: str | None = None,
    progress: Progress = None,
) -> KernelRegression:
    """Store patterns as fixed points of the centred infinite-width map.

    Args:
        patterns: shape (n, d); see `attractory.datasets.rescale` for giving them one norm.
        activation: a name or an object of `attractory.activations`.
        depth: number of weight matrices, at least 2.
        ridge: added to the diagonal of K. More than 0 makes K regular, and the patterns cease to
            be exact fixed points.
        solver: "cholesky" factorises K; "cg" holds no matrix and solves by conjugate gradients
            (`solvers.block_cg`); "auto" is "cg" for more than 20,000 patterns.
        tolerance: of "cg": the largest residual of the equations at a pattern, relative to its
            norm, at which it ends.
        max_steps: of "cg": products with K.
        compute: of "cg": None for this process, "devices" for all JAX devices, or the address of a
            Dask scheduler.
        progress: for "cg": a bar or none, or a function of steps and the largest residual so far;
            see `Progress`.

    Raises:
        ValueError: if values are not finite, a pattern is zero or occurs twice, or the machine has
            not the memory.
        SingularKernelError: a ValueError, if K is singular to working precision and the patterns
            cannot all be fixed points. (Antiparallel patterns can, though K is singular for x and
            −x under an odd activation.)
        ConnectionError: if the scheduler is lost.

    Warns:
        InterpolationWarning: if, without a ridge, a pattern is missed by more than 1e-6 of its
            norm; the map's `interpolates` is False then, and its `residual` says by how much.

    Example:
        >>> from attractory.datasets import sphere
        >>> f = fit_regression(sphere(5, 8, norm=10.0))
        >>> f.interpolates, f(f.patterns).shape
        (True, (5, 8))
    """
    x = as_points(patterns, "patterns")
    act, depth = find_activation(activation), whole(depth, "depth", 2)
    ridge, solver = nonnegative(ridge, "ridge"), choice(solver, "solver", SOLVERS)
    tolerance, max_steps = positive(tolerance, "tolerance"), whole(max_steps, "max_steps", 1)
    compute = checked(compute)
    refuse_what_cannot_fit(len(x), x.shape[1], solver, "patterns")
    if iterates(solver, len(x)):
        f = _fit_large(x, act, depth, ridge, tolerance, max_steps, compute, progress)
    else:
        f = fit_targets(x, x, act, depth, ridge)
    warn_of_misses(f, f, x)
    return f


@double
def fit_targets(
    x: np.ndarray, targets: np.ndarray, act: Activation, depth: int, ridge: float
) -> KernelRegression:
    """Return the regression of targets (n, d) on patterns x, its residual measured."""
    _refuse_singular(x, ridge)
    matrix = ntk(x, activation=act, depth=depth)
    return assemble(x, targets, _solve(matrix, x, targets, ridge), act, depth, ridge)


def _refuse_singular(x: np.ndarray, ridge: float) -> None:
    no_zero_rows(x, "patterns")
    if ridge == 0:
        duplicate_rows(x, "patterns")


def _fit_large(
    x: np.ndarray,
    act: Activation,
    depth: int,
    ridge: float,
    tolerance: float,
    max_steps: int,
    compute: str | None,
    progress: Progress,
) -> KernelRegression:
    _refuse_singular(x, ridge)
    found = solve_large(
        x, x, act, depth, ridge, tolerance=tolerance, max_steps=max_steps, compute=compute,
        progress=progress,
    )  # fmt: skip
    a = found.coefficients
    # f misses a pattern by what the equations leave, and by the ridge.
    missed = found.residual + ridge * np.linalg.norm(a, axis=1) / np.linalg.norm(x, axis=1)
    return assemble(x, x, a, act, depth, ridge, float(missed.max()))


@double
def assemble(
    x: np.ndarray,
    targets: np.ndarray,
    coefficients: np.ndarray,
    act: Activation,
    depth: int,
    ridge: float,
    residual: float | None = None,
) -> KernelRegression:
    """Return the map of known coefficients, its residual against the targets measured or given."""
    groups = _layers.group_by_norm(act, np.einsum("ij,ij->i", x, x) / x.shape[1])
    points = jax.device_put(aligned(x))
    parts = [points] if len(groups) == 1 else [x[members] for members in groups]
    columns = tuple(_layers.prepare(act, part, depth, False) for part in parts)
    order = None if len(groups) == 1 else jnp.asarray(np.concatenate(groups))
    f = KernelRegression(
        points,
        jax.device_put(coefficients),  # no copy of aligned ones, unlike jnp.asarray
        act,
        depth,
        ridge,
        jnp.asarray(np.inf if residual is None else residual),
        columns,
        order,
    )
    if residual is not None:
        return f
    return eqx.tree_at(lambda g: g.residual, f, jnp.asarray(missed_by(f(x), targets, x).max()))


def missed_by(values: Any, targets: np.ndarray, x: np.ndarray) -> Float[np.ndarray, " n"]:
    """Return by how much of each pattern's norm its target is missed."""
    return np.linalg.norm(np.asarray(values) - targets, axis=1) / np.linalg.norm(x, axis=1)


def warn_of_misses(f: Any, part: KernelRegression, x: np.ndarray) -> None:
    if part.ridge == 0 and not f.interpolates:
        missed = missed_by(f(x), x, x)
        warnings.warn(
            f"the memory does not interpolate: pattern {int(missed.argmax())} is missed by "
            f"{missed.max():.1e} of its norm (K is nearly singular, or solver='cg' was short of "
            "steps); a larger norm, fewer near-duplicates, a small ridge or more max_steps would "
            "do",
            InterpolationWarning,
            stacklevel=4,
        )


def _solve(matrix: np.ndarray, x: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """Solve (K + ridge I) A = targets by Cholesky, refined once; by eigenvectors if singular.

    The factor takes the place of one triangle of the matrix, and the other one, with the diagonal
    kept beside, is the matrix still.
    """
    n = len(matrix)
    scale = float(np.trace(matrix)) / n
    matrix[np.diag_indices(n)] += ridge
    diagonal = np.diag(matrix).copy()
    size = max(float(np.abs(part).sum(axis=1).max()) for part in _stripes(matrix))
    try:
        factor = cho_factor(matrix.T, lower=True, overwrite_a=True, check_finite=False)
        (pocon,) = get_lapack_funcs(("pocon",), (matrix,))
        reciprocal_condition, _ = pocon(factor[0], size, uplo="L")
    except LinAlgError:
        factor, reciprocal_condition = None, 0.0
    if factor is not None and reciprocal_condition > n * _EPS:
        coefficients = cho_solve(factor, targets, check_finite=False)
        own = diagonal - np.diag(factor[0])
        (symm,) = get_blas_funcs(("symm",), (matrix,))
        product = symm(1.0, factor[0], coefficients, lower=0) + own[:, None] * coefficients
        return coefficients + cho_solve(factor, targets - product, check_finite=False)
    mirror(matrix.T)
    matrix[np.diag_indices(n)] = diagonal
    # K may be singular and the patterns fixed points all the same: x and −x under an odd σ, or
    # more patterns than dimensions under a linear one. The least-norm solution is where gradient
    # flow ends.
    values, vectors = eigh(matrix, check_finite=False)
    kept = values > n * _EPS * values[-1]
    basis = vectors[:, kept]
    coefficients = basis @ ((basis.T @ targets) / values[kept, None])
    missed = missed_by(matrix @ coefficients, targets, x)
    if ridge == 0 and missed.max() > INTERPOLATES:
        raise SingularKernelError(
            "patterns make the kernel matrix singular to working precision, so they cannot all "
            f"be fixed points (row {int(missed.argmax())} would be missed by {missed.max():.0e} of "
            "its norm); drop near-duplicates, raise their norm, or pass a ridge such as "
            f"{1e-10 * scale:.0e}"
        )
    return coefficients


def _stripes(matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the matrix a few rows at a time."""
    return (matrix[k : k + TILE] for k in range(0, len(matrix), TILE))
