r"""The infinite-width autoencoder trained to convergence: kernel regression with the NTK.

Gradient flow from a network whose outputs start at zero ends, as the widths go to infinity, at

    f∞(x) = X̂ K⁻¹ k(x) = Σᵢ θ(x, xᵢ) aᵢ,   K = Θ∞(X̂, X̂),   A = K⁻¹ X̂ (rows aᵢ),

the "centred" map of Jiang & Pehlevan (2020, appendix D). It passes through every pattern, which is
therefore a fixed point; the spectral radius of the Jacobian there says whether it is an attractor.

The Jacobian has rank at most n. With ∂θ(x, xᵢ)/∂x = cᵢ xᵢ⊥ + eᵢ x (`kernels.matrices`),

    J(x) = Aᵀ G,   G = diag(c) X⊥ + e xᵀ,

so that its non-zero eigenvalues are those of the n × n matrix G Aᵀ.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.gpu import gpu
from attractory._util.machine import (
    SOLVERS,
    few_sizes,
    iterates,
    refuse_square_matrices,
    refuse_what_cannot_fit,
)
from attractory._util.parallel import checked
from attractory._util.precision import aligned, double, to_numpy, traced
from attractory._util.progress import Progress
from attractory._util.validation import (
    LEAST,
    as_batch,
    as_points,
    choice,
    duplicate_rows,
    moderate,
    no_zero_rows,
    nonnegative,
    positive,
    whole,
)
from attractory.activations import Activation
from attractory.kernels import recursion
from attractory.kernels.expectations import cost
from attractory.kernels.in_numpy import rows_in_numpy
from attractory.kernels.kernel import Kernel
from attractory.kernels.matrices import gradients, kernel_matrix
from attractory.maps.interpolation import (
    INTERPOLATES,
    StoredMap,
    advice_on_offset,
    missed_by,
    warn_of_misses,
)
from attractory.maps.protocol import SingularKernelError
from attractory.maps.uncompiled import InNumpy
from attractory.solvers import cholesky
from attractory.solvers.matrix_free import solve_kernel
from attractory.solvers.on_gpu import solve_on_gpu

__all__ = ["KernelRegression", "fit_regression"]

_BLOCK = 1 << 22  # entries of the kernel held at a time
_ROOM = 2.0  # variances of cues, relative to those of patterns, that a quadrature provides for
_GPU_BLOCK = 1 << 27  # and on a GPU
# What is small goes through functions compiled once for all maps, in a millisecond or two.
_LITTLE = 1 << 16  # terms of the kernels' sums
_FEW = 1 << 15  # numbers in G
_ENTRY = 1024  # coordinates whose products take as long as a kernel's entry


class KernelRegression(StoredMap):
    """The map f∞: (…, d) → (…, d); made by `fit_regression`.

    Attributes:
        patterns, residual: as in `StoredMap`, float64.
        coefficients: A = (K + ridge I)⁻¹ X̂, (n, d).
        kernel: the activation and the depth of the network.
        ridge: as given.
    """

    coefficients: Float[Array, "n d"]
    kernel: Kernel = eqx.field(static=True)
    ridge: float = eqx.field(static=True)
    _groups: tuple[recursion.Columns, ...]
    _order: Array | None  # patterns in the order of the groups, if there are several

    def __getstate__(self) -> dict[str, object]:
        """Travel as NumPy arrays: JAX would round its own to float32 where it arrives."""
        return {name: to_numpy(value) for name, value in vars(self).items()}

    @property
    def activation(self) -> Activation:
        """Activation of the network."""
        return self.kernel.activation

    @property
    def depth(self) -> int:
        """Number of weight matrices of the network."""
        return self.kernel.depth

    def _contents(self) -> str:
        n, dim = self.patterns.shape
        return (
            f"{n} patterns of dim {dim}, {self.activation.name}, depth {self.depth}, "
            f"ridge {self.ridge:g}"
        )

    @double
    def __call__(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Apply the map to the last axis.

        Raises:
            ValueError: if the last axis is not that of the patterns, or a value is not finite.
        """
        points = checked_points(self, x)
        if traced(self, points) or points.size // self.dim * _cost(self) > _LITTLE:
            return _apply(_in_trace(self), points)
        rows = np.asarray(points).reshape(-1, self.dim)
        values = kernel_matrix(rows, np.asarray(self.patterns), self.kernel, "ntk")
        return (values @ np.asarray(self.coefficients)).reshape(points.shape)

    @double
    def jacobian(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d d"]:
        """Return the Jacobian J(x), shape (…, d, d), J[i, j] = ∂fᵢ/∂xⱼ.

        Raises:
            ValueError: if the machine has no memory for it; `jacobian_factors` takes n × d numbers.
        """
        mend = "jacobian_factors(x) holds n rows in place of d"
        count = int(np.prod(np.shape(x)[:-1]))
        refuse_square_matrices(self.dim, count, "jacobian", mend)
        left, right = _factors(self, x)
        return left @ right

    @double
    def jacobian_factors(
        self, x: ArrayLike
    ) -> tuple[Float[Array | np.ndarray, "d n"], Float[Array | np.ndarray, "*k n d"]]:
        """Return Aᵀ and G(x) with J(x) = Aᵀ G(x)."""
        return _factors(self, x)

    def kernel_in_numpy(
        self, exact: bool = False
    ) -> Callable[[Float[np.ndarray, "k d"]], Float[np.ndarray, "k n"]] | None:
        """Return the kernel of points and patterns in NumPy.

        Args:
            exact: whether all of it must be exact, and not only that of the nearest pattern.

        Returns:
            None if patterns are not of one norm, layers not two, or it is not exact.
        """
        if len(self._groups) != 1 or traced(self) or (exact and self._groups[0].careful):
            return None
        return rows_in_numpy(self._groups[0])

    def in_numpy(self) -> InNumpy | None:
        """Return the map in NumPy, for few points; None if there is none."""
        kernel = self.kernel_in_numpy()
        if kernel is None:
            return None
        weights = np.asarray(self.coefficients)
        return InNumpy(lambda x: kernel(x) @ weights, len(weights) * (1 + self.dim / _ENTRY))


def _cost(f: KernelRegression) -> int:
    """Return about how many terms a point's sums have: over pairs of scales, and coordinates."""
    return len(f.patterns) * (cost(f.activation) + 4 * f.dim)


@eqx.filter_jit
def _apply(f: KernelRegression, x: Array | np.ndarray) -> Array:
    def rows(some: Array) -> Array:
        kernels = [recursion.block(g, some, "ntk", nearest=True)[0] for g in f._groups]
        joined = kernels[0] if len(kernels) == 1 else jnp.concatenate(kernels, axis=1)
        weights = f.coefficients if f._order is None else f.coefficients[f._order]
        return joined @ weights

    flat = jnp.asarray(x).reshape(-1, x.shape[-1]).astype(f.patterns.dtype)
    return by_blocks(rows, flat, f.patterns.shape[0]).reshape(x.shape)


def by_blocks(rows: Callable[[Array], Array], points: Array, n: int) -> Array:
    """Apply a function to points, (k, d), in blocks that hold n numbers for each point."""
    count, most = points.shape[0], max(1, (_BLOCK if gpu() is None else _GPU_BLOCK) // n)
    # Equal blocks where they need not be much smaller: a remainder would be compiled separately.
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


def checked_points(f: KernelRegression, x: ArrayLike) -> Array | np.ndarray:
    """Return points as an array, their values checked unless they are being traced."""
    if traced(f, x):
        return jnp.asarray(x)
    points = as_batch(x, "x", f.dim)
    moderate(points, "x")
    return points


def _factors(f: KernelRegression, x: ArrayLike) -> tuple[Array | np.ndarray, Array | np.ndarray]:
    points = checked_points(f, x)
    n, dim = f.patterns.shape
    if traced(f, points) or gpu() is not None or points.size * n > _FEW:
        return _right_factor(_in_trace(f), points)
    rows = np.asarray(points).reshape(-1, dim)
    right = gradients(rows, np.asarray(f.patterns), f.kernel, "ntk").dense()
    return np.asarray(f.coefficients).T, right.reshape((*points.shape[:-1], n, dim))


def _in_trace(f: KernelRegression) -> KernelRegression:
    """Return a map for a trace in float32: JAX rounds NumPy's float64, and warns of its own."""
    if traced(f) or jnp.result_type(float) == np.float64:
        return f
    return to_numpy(f)


@eqx.filter_jit
def _right_factor(f: KernelRegression, x: Array | np.ndarray) -> tuple[Array, Array]:
    def one(point: Array) -> Array:
        act, layers = f.kernel.activation, recursion.layers(f.kernel)
        y = jnp.asarray(f.patterns)
        c, e, across = recursion.gradient(act, layers, point, y, point.shape[-1])
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
    kernel = Kernel.of(activation, depth).adapted("patterns", x, room=_ROOM)
    ridge, solver = nonnegative(ridge, "ridge"), choice(solver, "solver", SOLVERS)
    tolerance, max_steps = positive(tolerance, "tolerance"), whole(max_steps, "max_steps", 1)
    compute = checked(compute)
    refuse_what_cannot_fit(len(x), x.shape[1], solver, "patterns")
    if iterates(solver, len(x)):
        _refuse_singular(x, ridge)
        f, _ = iterated_regression(
            x,
            x,
            kernel,
            ridge,
            tolerance=tolerance,
            max_steps=max_steps,
            compute=compute,
            progress=progress,
        )
    else:
        f = factorised_regression(x, x, kernel, ridge)
    if ridge == 0:
        warn_of_misses(f, x)
    return f


@double
def factorised_regression(
    x: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n d"], kernel: Kernel, ridge: float
) -> KernelRegression:
    """Return the regression of targets on patterns x, by a factor; its residual is measured.

    Raises:
        ValueError: for a zero pattern or equal ones.
        SingularKernelError: if without a ridge the targets cannot all be met.
    """
    _refuse_singular(x, ridge)
    found = solve_on_gpu(x, targets, kernel, ridge) if gpu() is not None else None
    if found is not None:
        return assemble(x, targets, found.coefficients, kernel, ridge)
    matrix = kernel_matrix(x, None, kernel, "ntk")
    mean_eigenvalue = float(np.trace(matrix)) / len(x)
    coefficients, image = cholesky.solve(matrix, targets, ridge)
    if image is not None and ridge == 0:
        missed = missed_by(image, targets, x)
        if missed.max() > INTERPOLATES:
            raise SingularKernelError(
                "patterns make the kernel matrix singular to working precision, so they cannot "
                f"all be fixed points (row {int(missed.argmax())} would be missed by "
                f"{missed.max():.0e} of its norm); drop near-duplicates, raise their norm, or "
                f"pass a ridge such as {1e-10 * mean_eigenvalue:.0e}" + advice_on_offset(x)
            )
    return assemble(x, targets, coefficients, kernel, ridge)


def _refuse_singular(x: np.ndarray, ridge: float) -> None:
    no_zero_rows(x, "patterns")
    moderate(x, "patterns", least=LEAST)
    if ridge == 0:
        duplicate_rows(x, "patterns")


def iterated_regression(
    x: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n d"],
    kernel: Kernel,
    ridge: float,
    *,
    tolerance: float,
    max_steps: int,
    compute: str | None = None,
    progress: Progress = None,
) -> tuple[KernelRegression, int]:
    """Return the regression of targets on patterns x by conjugate gradients, and the steps.

    Arguments are those of `solvers.matrix_free.solve_kernel`.
    """
    found = solve_kernel(
        x,
        targets,
        kernel,
        ridge,
        tolerance=tolerance,
        max_steps=max_steps,
        compute=compute,
        progress=progress,
    )
    residual = float(found.residual.max())
    return assemble(x, targets, found.coefficients, kernel, ridge, residual), found.steps


@double
def assemble(
    x: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n d"],
    coefficients: Float[np.ndarray, "n d"] | Float[jax.Array, "n d"],
    kernel: Kernel,
    ridge: float,
    residual: float | None = None,
) -> KernelRegression:
    """Return the map of known coefficients, its residual against the targets measured or given."""
    groups = recursion.group_by_norm(kernel, x)
    points = jax.device_put(aligned(x))
    parts = [points] if len(groups) == 1 else [x[members] for members in groups]
    columns = tuple(recursion.prepare(kernel, part, False) for part in parts)
    order = None if len(groups) == 1 else jnp.asarray(np.concatenate(groups))
    f = KernelRegression(
        points,
        jax.device_put(np.asarray(np.inf if residual is None else residual, float)),
        jax.device_put(coefficients),  # no copy of aligned ones, unlike jnp.asarray
        kernel,
        ridge,
        columns,
        order,
    )
    if residual is not None:
        return f
    missed = np.float64(missed_by(f(x), targets, x).max())
    return eqx.tree_at(lambda g: g.residual, f, jax.device_put(missed))


@double
def padded(
    x: Float[np.ndarray, "n d"],
    coefficients: Float[np.ndarray, "n d"],
    kernel: Kernel,
    ridge: float,
) -> KernelRegression:
    """Return the map of known coefficients for calls alone, its arrays of one of few sizes.

    What is compiled for it serves other numbers of patterns. Those added are 0 and taken to have
    the norm of the others, so that their kernel is a number and none is ever the nearest; with
    coefficients of 0 they add exact zeros.
    """
    more = few_sizes(len(x)) - len(x)
    if len(recursion.group_by_norm(kernel, x)) > 1 or not more:
        return assemble(x, x, coefficients, kernel, ridge, np.nan)
    columns = recursion.prepare(kernel, np.pad(x, ((0, more), (0, 0)), mode="edge"), False)
    with_zeros = ((0, more), (0, 0))
    points, weights = (jax.device_put(aligned(np.pad(v, with_zeros))) for v in (x, coefficients))
    columns = eqx.tree_at(lambda c: c.points, columns, points)
    unknown = jax.device_put(np.asarray(np.nan))
    return KernelRegression(points, unknown, weights, kernel, ridge, (columns,), None)
