"""JAX's settings for this library, float64 among them, whatever those of the caller are.

JAX computes in float32 unless told otherwise, and an interpolating kernel map is not to be had in
float32. Every public function therefore runs inside `full_precision`, which is local to the call
and to the thread, and hands back NumPy arrays: a float64 JAX array that left that scope would be
rounded at the next operation. What is float32 by choice is meant to be all of it: on a GPU JAX
would otherwise multiply matrices of it with 11 bits. Maps keep their arrays on a GPU (`_util.gpu`),
float64 among them: only code within the scope may compute with those. Called with tracers, from
inside somebody's `jax.jit`, the functions return tracers in the precision of that trace.

The same scope sets everything else that changes numbers or refuses code: how arrays of different
rank or type combine, the generator of random numbers (the same seed gives the same weights), checks
for NaN and infinity (which are values on the way, for instance of a search), compilation, and
transfers between host and device.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

from attractory._util.gpu import gpu

P = ParamSpec("P")
T = TypeVar("T")


def traced(*values: Any) -> bool:
    """Whether any leaf of the values is being traced."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(values))


def to_numpy(tree: Any) -> Any:
    """Turn every JAX array of a tree into a NumPy one."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


# JAX's own defaults; all are local to the thread.
_SETTINGS: tuple[tuple[Any, Any], ...] = (
    (jax.numpy_rank_promotion, "allow"),
    (jax.numpy_dtype_promotion, "standard"),
    (jax.debug_nans, False),
    (jax.debug_infs, False),
    (jax.check_tracer_leaks, False),
    (jax.debug_key_reuse, False),
    (jax.disable_jit, False),
    (jax.transfer_guard_host_to_device, "allow"),
    (jax.transfer_guard_device_to_device, "allow"),
    (jax.transfer_guard_device_to_host, "allow"),
    (jax.default_prng_impl, "threefry2x32"),
    (jax.threefry_partitionable, True),
    (jax.default_matmul_precision, "highest"),
)
_IN_FULL: tuple[tuple[Any, Any], ...] = (*_SETTINGS, (jax.enable_x64, True))


@contextmanager
def own_settings() -> Iterator[None]:
    """Compute with the settings that this library is written for, in the caller's precision."""
    with ExitStack() as stack:
        _enter(stack, _SETTINGS)
        yield


def _enter(stack: ExitStack, settings: tuple[tuple[Any, Any], ...]) -> None:
    """Set them within the stack where they are not so already: entering is dearer than a look."""
    for setting, value in settings:
        if getattr(setting, "value", None) != value:
            stack.enter_context(setting(value))


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute in float64, and in float32 with all its bits, within this scope."""
    with ExitStack() as stack:
        _enter(stack, _IN_FULL)
        yield


def double(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function in float64 and return NumPy arrays, unless it is being traced.

    A module, such as a map, that is returned keeps its arrays where they are, if that is a GPU.
    """

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        if traced(args, kwargs):
            with own_settings():
                return function(*args, **kwargs)
        with full_precision():
            result: Any = function(*args, **kwargs)
            if isinstance(result, eqx.Module) and gpu() is not None:
                return cast(Any, result)
            return to_numpy(result)

    return wrapper


def aligned(values: np.ndarray) -> np.ndarray:
    """Return a copy that `jax.device_put` takes as it is; jnp.asarray makes two, for a while.

    JAX shares memory that begins at a multiple of 64 bytes. Nobody may write to it afterwards.
    """
    room = np.empty(values.nbytes + 64, np.uint8)
    begin = -room.ctypes.data % 64
    copy = room[begin : begin + values.nbytes].view(values.dtype).reshape(values.shape)
    copy[...] = values
    return copy
