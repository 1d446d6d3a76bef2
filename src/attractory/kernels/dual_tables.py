"""Tables of the layers' expectations, for activations of `duals` whose sums are long."""

from functools import lru_cache, partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from attractory._util.precision import full_precision
from attractory.activations import Activation
from attractory.duals.protocol import DualActivation
from attractory.duals.tabulated import SmoothParts, Tabulated, coefficients, error

__all__ = ["DualTable", "dual_tables", "parts_of"]

_MOST = 1e-12  # error of a table in float64, relative to what it tabulates
# Coefficients in each variance that a table is made with, and those it may be cut to: few, so that
# few are compiled.
_OTHERS = {1: (1,), 10: (6, 10), 16: (16,)}
_MANY = 1 << 16  # entries of a kernel, from which on a table is made for it


class DualTable(eqx.Module):
    """A tabulated activation in the place of a `LayerTable`."""

    act: Tabulated

    @property
    def phi(self) -> Array:
        """The coefficients: there are some."""
        return self.act.table

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return value and slope."""
        return self.act.moments(s, gap, a, b)

    def product(self, s: Array, gap: Array, a: Array, b: Array) -> Array:
        """Return value + s · slope, the NTK of depth 2."""
        value, slope = self.act.moments(s, gap, a, b)
        return value + s * slope


def parts_of(act: Activation, entries: int) -> SmoothParts[Any] | None:
    """Return how an activation's expectations are tabulated; None if not for so few entries."""
    if not isinstance(act, DualActivation) or entries < _MANY:
        return None
    return act.parts()


def dual_tables(
    act: Activation, ranges: list[tuple[float, float]], entries: int
) -> list[DualTable] | None:
    """Return a table for each layer, whose variances lie in ranges; None if there is none.

    Args:
        act: the activation.
        ranges: of the variances of each layer, of rows and columns.
        entries: of the kernel.
    """
    parts = parts_of(act, entries)
    if parts is None:
        return None
    for others, cuts in _OTHERS.items():
        if others == 1 and any(low < high for low, high in ranges):
            continue
        found = [_table(parts, *ends, others) for ends in ranges]
        for k, cut in enumerate(cuts):
            if all(errors[k] <= _MOST for _, errors in found):
                return [DualTable(table.cut(cut)) for table, _ in found]
    return None


@lru_cache(maxsize=64)
def _table(
    parts: SmoothParts[Any], low: float, high: float, others: int
) -> tuple[Tabulated, list[float]]:
    """Return a table, and its error at each cut."""
    with full_precision():
        ends = jnp.log(jnp.asarray([low, high]) + parts.shift)
        table, errors = _made(parts, (parts.terms, others), ends)
        return Tabulated(parts, ends, table), [float(one) for one in errors]


@partial(jax.jit, static_argnums=(0, 1))
def _made(
    parts: SmoothParts[Any], sizes: tuple[int, int], ends: Float[Array, "2"]
) -> tuple[Float[Array, "f k i j"], list[Array]]:
    table = coefficients(parts, ends, sizes)
    return table, [error(parts, ends, table, cut) for cut in _OTHERS[sizes[1]]]
