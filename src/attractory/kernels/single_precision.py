"""Kernel maps in float32: exact enough for the first steps of a recall, not for its result."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from attractory._util.gpu import gpu
from attractory._util.precision import aligned
from attractory.kernels.tables import LayerTable

__all__ = ["single"]

T = TypeVar("T")
_TAIL = 1e-8  # relative to the largest coefficient: what float32 does not resolve


def single(tree: T) -> T:
    """Return a module, or several, with arrays in float32 and tables as long as that needs."""
    return jax.tree.map(_leaf, tree, is_leaf=lambda leaf: isinstance(leaf, LayerTable))


def _leaf(leaf: Any) -> Any:
    if isinstance(leaf, LayerTable) and leaf.phi is not None and leaf.psi is not None:
        tables = np.asarray(leaf.phi), np.asarray(leaf.psi)
        along = np.maximum(*(np.abs(table).max(axis=(0, 1, 2)) for table in tables))
        count = int(np.flatnonzero(along > _TAIL * along.max())[-1]) + 1
        phi, psi = (table[..., :count] for table in tables)
        leaf = eqx.tree_at(lambda p: (p.phi, p.psi), leaf, (phi, psi))
    return jax.tree.map(_narrowed, leaf)


def _narrowed(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array) and gpu() is not None:
        return leaf.astype(np.float32) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
    return aligned(np.asarray(leaf, np.float32)) if eqx.is_array(leaf) else leaf
