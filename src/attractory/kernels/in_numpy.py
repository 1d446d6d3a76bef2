"""The NTK of few points with stored ones, in NumPy: compiling for them would take a second.

What `kernels.recursion.block` computes for one hidden layer, by the same tables. Where NumPy would
be no faster (more layers, columns of several norms, sums over many scales) there is none.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from attractory._util.precision import to_numpy
from attractory.activations import ErfMixture
from attractory.kernels.expectations import is_folded, perpendicular, scale_pairs
from attractory.kernels.recursion import Columns
from attractory.kernels.tables import LayerTable

__all__ = ["rows_in_numpy"]

_AT_ONCE = 1 << 15  # entries: what they take stays in a core's cache


def rows_in_numpy(
    columns: Columns,
) -> Callable[[Float[np.ndarray, "k d"]], Float[np.ndarray, "k m"]] | None:
    """Return the function x ↦ Θ(x, columns), in the precision of x; None if there is none."""
    act, tables = columns.kernel.activation, columns.tables
    one_scale = isinstance(act, ErfMixture) and len(act.scales) == 1
    first = tables[0]
    tabulated = isinstance(first, LayerTable) and first.phi is not None and first.b_ends is None
    if len(tables) > 1 or not (one_scale or tabulated):
        return None
    known: Columns = to_numpy(columns)
    y, table = np.asarray(known.points), known.tables[0]
    assert isinstance(table, LayerTable)
    b = np.asarray(known.variances[0])[None]
    root_b = np.sqrt(np.where(b > 0, b, 1))

    def block(x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k m"]:
        dim = x.shape[1]
        a = (np.einsum("ij,ij->i", x, x) / dim)[:, None]
        s = x @ y.T
        s /= dim
        out = _product(table, s, np.maximum(a * b - s * s, 0), a, b)
        if columns.careful:  # the nearest column from the points themselves, as in `block`
            nearest = (np.abs(s) / root_b).argmax(axis=1)
            _, s, gap = perpendicular(x, y[nearest], dim, np)
            its = _product(table, s[:, None], gap[:, None], a, b[0, nearest][:, None])
            out[np.arange(len(x)), nearest] = its[:, 0]
        return out

    def rows(x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k m"]:
        size = max(1, _AT_ONCE // len(y))
        if len(x) <= size:
            return block(x)
        return np.concatenate([block(x[k : k + size]) for k in range(0, len(x), size)])

    return rows


def _product(
    table: LayerTable, s: np.ndarray, gap: np.ndarray, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Return value + s · slope, as `LayerTable.product`; s and gap are (k, m), a is (k, 1)."""
    act = table.act
    assert isinstance(act, ErfMixture)
    factor, folded = act.gain**2 * 2 / np.pi, is_folded(act)
    if table.phi is None:
        (w,), _, _ = scale_pairs(act)
        root = np.sqrt(gap + (a + b) * float(w) + float(w) ** 2)
        rest = s / root
    else:
        split, one_b = table.split, b[:, :1]
        c0 = split * (a + one_b + split)
        square = gap + c0
        root = np.sqrt(square)
        phi, psi, low = _coefficients(table, a)
        both = phi + psi * (c0 / (a * one_b + c0))
        x = (2 * c0) / square
        x -= 1 + low
        x /= 1 - low
        rest = _clenshaw(both, x)
        rest *= s / root
    angle = np.arctan2(root, -s) if folded else np.arctan2(s, root)
    angle += rest
    angle *= factor
    return angle if folded else angle + act.offset**2


def _coefficients(
    table: LayerTable, a: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, "k 1"]]:
    """Return Φ's and Ψ's coefficients in t, (degree, k, 1), and the least t."""
    phi, psi, edges = (np.asarray(v) for v in (table.phi, table.psi, table.edges))
    place, pieces = np.log(a[:, 0] + table.shift), len(phi)
    piece = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, pieces - 1)
    low, high = edges[piece], edges[piece + 1]
    with np.errstate(invalid="ignore"):  # the last piece is infinite
        local = (2 * place - low - high) / np.where(high > low, high - low, 1)
    if table.infinite:
        local = np.where(piece == pieces - 1, 1 - 2 * np.exp(low - place), local)
    degrees = np.arange(phi.shape[1], dtype=a.dtype)
    basis = np.cos(degrees * np.arccos(np.clip(local, -1, 1))[:, None])
    found = (np.einsum("ri,rijk->krj", basis, v[piece]) for v in (phi, psi))
    return *found, np.asarray(table.t_low)[piece][:, None]


def _clenshaw(c: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return Σ cₖ Tₖ(x); c has shape (degree, rows, 1)."""
    twice, older, newer = 2 * x, np.zeros_like(x), np.zeros_like(x)
    for k in range(len(c) - 1, 0, -1):
        older, newer = newer, np.subtract(twice * newer, older, out=older)
        newer += c[k]
    newer *= x
    newer -= older
    newer += c[0]
    return newer
