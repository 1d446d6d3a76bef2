r"""The NTK of any function of parameters and a point: networks of Equinox, Flax, or plain pytrees.

    Θ[i, j, p, q] = Σ ∂f_p(xᵢ)/∂θ · ∂f_q(xⱼ)/∂θ over all parameters θ,

by the Jacobians of a block of points at a time, contracted leaf by leaf, so that what is held
besides the result does not grow with the number of points.
"""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from attractory._util.aliases import ArrayLike
from attractory._util.precision import own_settings, traced
from attractory._util.validation import choice

__all__ = ["function_ntk", "function_ntk_tiles"]

OUTPUTS = ("blocks", "diagonal", "trace")
_HELD = 1 << 28  # bytes of the Jacobians of a block of points


def function_ntk(
    f: Callable[[Any, Array], Array],
    params: Any,
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    outputs: str = "blocks",
) -> np.ndarray | Array:
    """Return the NTK of a function at its parameters.

    In the precision of the parameters; where they or the points are traced, a JAX array.

    Args:
        f: f(params, point), one point without a batch axis, to one number or (k,); in JAX
            operations. Of a network that takes batches: ``lambda p, v: net(p, v[None])[0]``.
        params: a pytree; its floating-point arrays are the parameters, other leaves are kept.
        x: points, (n, ...).
        y: points, (m, ...); x by default.
        outputs: "blocks" for all pairs of outputs, (n, m, k, k); "diagonal" for each output with
            itself, (n, m, k); "trace" for the mean of these, (n, m), which tends to `ntk(x, y)` in
            networks of NTK parametrisation.

    Raises:
        ValueError: if a value is not finite, there are no parameters or points, or outputs have
            more than one axis.

    Example:
        >>> params = {"w": np.ones((2, 3)), "b": np.zeros(2)}
        >>> linear = lambda p, v: p["w"] @ v + p["b"]
        >>> function_ntk(linear, params, np.eye(3)[:2], outputs="trace").tolist()  # x·y + 1
        [[2.0, 1.0], [1.0, 2.0]]
    """
    outputs = choice(outputs, "outputs", OUTPUTS)
    if traced(params, x, y):
        with own_settings():
            rows = jnp.asarray(x)
            left = _jacobian(f, params, rows)
            return _contracted(
                left, left if y is None else _jacobian(f, params, jnp.asarray(y)), outputs
            )
    rows, columns = _points(x, "x"), None if y is None else _points(y, "y")
    shape = (len(rows), len(rows if columns is None else columns))
    out = None
    for i, j, values in function_ntk_tiles(f, params, rows, columns, outputs=outputs):
        if out is None:
            out = np.empty((*shape, *values.shape[2:]), values.dtype)
        out[i, j] = values
        if columns is None and i != j:
            out[j, i] = values.transpose(1, 0, *range(values.ndim - 1, 1, -1))
    assert out is not None
    return out


def function_ntk_tiles(
    f: Callable[[Any, Array], Array],
    params: Any,
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    outputs: str = "blocks",
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield rows, columns and values of tiles of the NTK, for what memory does not hold.

    Of x alone those on and above the diagonal. Arguments and errors as `function_ntk`.

    Example:
        >>> cube = lambda p, v: p * v**3
        >>> [v.tolist() for _, _, v in function_ntk_tiles(cube, np.ones(()), [1.0, 2.0],
        ...                                               outputs="trace")]
        [[[1.0, 8.0], [8.0, 64.0]]]
    """
    outputs = choice(outputs, "outputs", OUTPUTS)
    rows, columns = _points(x, "x"), None if y is None else _points(y, "y")
    double = any(v.dtype == np.float64 for v in _parameters(params))
    with own_settings(), jax.enable_x64(double):
        size = _block(f, params, rows)
        for i in _spans(len(rows), size):
            left = _jacobian(f, params, rows[i])
            other = rows if columns is None else columns
            for j in _spans(len(other), size):
                if columns is None and j.start < i.start:
                    continue
                right = left if columns is None and i == j else _jacobian(f, params, other[j])
                yield i, j, np.asarray(_contracted(left, right, outputs))


def _parameters(params: Any) -> list[Any]:
    arrays = [v for v in jax.tree.leaves(params) if _is_parameter(v)]
    if not arrays or not sum(v.size for v in arrays):
        raise ValueError("params must hold at least one array of floating-point numbers")
    return arrays


def _is_parameter(leaf: Any) -> bool:
    return hasattr(leaf, "shape") and bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def _points(value: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(value)
    if array.ndim < 1 or not array.size:
        raise ValueError(f"{name} must have shape (n, ...) and not be empty, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array


def _spans(count: int, size: int) -> list[slice]:
    return [slice(k, min(k + size, count)) for k in range(0, count, size)]


def _block(f: Callable[[Any, Array], Array], params: Any, x: np.ndarray) -> int:
    """Return of how many points Jacobians are held at a time."""
    out = eqx.filter_eval_shape(
        f, params, jax.ShapeDtypeStruct(x.shape[1:], jnp.asarray(x[:1]).dtype)
    )
    if out.ndim > 1:
        raise ValueError(f"f must return one number or (k,) for a point, got shape {out.shape}")
    numbers = sum(v.size for v in _parameters(params)) * max(1, out.size)
    return max(1, _HELD // (8 * numbers))


@eqx.filter_jit
def _jacobian(f: Callable[[Any, Array], Array], params: Any, x: Array | np.ndarray) -> list[Array]:
    """Return the derivatives in each leaf, (n, k, size)."""
    free, kept = eqx.partition(params, _is_parameter)

    def flat(point: Array) -> list[Array]:
        found = jax.jacrev(lambda p: jnp.atleast_1d(f(eqx.combine(p, kept), point)))(free)
        return [v.reshape(v.shape[0], -1) for v in jax.tree.leaves(found)]

    return jax.vmap(flat)(jnp.asarray(x))


@eqx.filter_jit
def _contracted(left: list[Array], right: list[Array], outputs: str) -> Array:
    if outputs == "blocks":
        return sum(jnp.einsum("ips,jqs->ijpq", a, b) for a, b in zip(left, right, strict=True))  # pyright: ignore[reportReturnType]
    if outputs == "diagonal":
        return sum(jnp.einsum("ips,jps->ijp", a, b) for a, b in zip(left, right, strict=True))  # pyright: ignore[reportReturnType]
    k = left[0].shape[1]
    parts = [
        a.reshape(len(a), -1) @ b.reshape(len(b), -1).T for a, b in zip(left, right, strict=True)
    ]
    return sum(parts[1:], parts[0]) / k
