"""Whether JAX computes on a GPU, and what stays in its memory from call to call.

Arrays that go to the GPU and back with every call take longer to travel than to compute with. Where
the default device is a GPU, maps therefore keep their arrays there, in float64 if that is their
precision, and long calculations are one compiled function each.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

import jax
import numpy as np

from attractory._util.machine import machine_bytes

__all__ = ["COMPILER", "compiled", "gpu", "gpu_bytes", "kept", "resident", "treat_as_gpu"]

T = TypeVar("T")
Device = Any  # of JAX
# XLA's own matrix products in float32 are tried out for 5 s each before the first call; cuBLAS's
# are as fast.
COMPILER = {"xla_gpu_enable_triton_gemm": False}
compiled: Any = partial(jax.jit, compiler_options=COMPILER)
_treated: ContextVar[bool] = ContextVar("treated", default=False)
_kept: dict[Any, tuple[Any, jax.Array]] = {}


def _default_device() -> Device:
    chosen: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
    if isinstance(chosen, str):
        return jax.devices(chosen)[0]
    return chosen or jax.devices()[0]


def gpu() -> Device | None:
    """Return JAX's default device if it is a GPU, else None."""
    device = _default_device()
    return device if device.platform == "gpu" or _treated.get() else None


@contextmanager
def treat_as_gpu(device: Device) -> Iterator[None]:
    """Make a device the default and compute there as on a GPU, whatever it is: for tests."""
    token = _treated.set(True)
    try:
        with jax.default_device(device):
            yield
    finally:
        _treated.reset(token)


def gpu_bytes() -> float:
    """Return the bytes that JAX may take of the default device's memory."""
    stats = _default_device().memory_stats() or {}
    return float(stats.get("bytes_limit", machine_bytes()))


def resident(tree: T) -> T:
    """Return a tree whose arrays are in the memory of the default device.

    Those that are there already are not copied. Call it where float64 is on.
    """
    device = _default_device()

    def there(leaf: Any) -> Any:
        array = isinstance(leaf, jax.Array | np.ndarray | np.generic)
        return jax.device_put(leaf, device) if array else leaf

    return jax.tree.map(there, tree)


def kept(values: np.ndarray, kind: Any = np.float64) -> jax.Array:
    """Return an array in the device's memory; the copy stays as long as the array is alive.

    For arrays that nobody writes to. Call it where float64 is on.
    """
    device = _default_device()
    key = id(values), np.dtype(kind), device
    if key in _kept and _kept[key][0]() is values:
        return _kept[key][1]
    copy = jax.device_put(np.asarray(values, kind), device)
    _kept[key] = weakref.ref(values, lambda _: _kept.pop(key, None)), copy
    return copy
