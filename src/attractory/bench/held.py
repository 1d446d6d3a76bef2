"""How many bytes of arrays a memory holds."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import jax
import numpy as np

__all__ = ["held_bytes"]

_DEEPEST = 12  # objects within objects


def held_bytes(recall: Any) -> int:
    """Return what a recall says of itself by `nbytes`, else the bytes of arrays reached from it.

    Followed are attributes, containers, what a function closes over and is bound to, and what a
    `functools.partial` was given, not global variables. An array counts once, a view as what it is
    a view of.

    Example:
        >>> rows = np.zeros((3, 4))
        >>> held_bytes((lambda rows: lambda cues: cues @ rows.T)(rows)), held_bytes([rows, rows[0]])
        (96, 96)
    """
    own = getattr(recall, "nbytes", None)
    if isinstance(own, int) and not isinstance(own, bool):
        return own
    return sum(_arrays(recall, set(), _DEEPEST))


def _arrays(thing: Any, seen: set[int], deep: int) -> Iterator[int]:
    if isinstance(thing, np.ndarray):
        while isinstance(thing.base, np.ndarray):
            thing = thing.base
    if id(thing) in seen or deep == 0:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray | jax.Array):
        yield thing.nbytes
        return
    for inner in _within(thing):
        yield from _arrays(inner, seen, deep - 1)


def _within(thing: Any) -> list[Any]:
    if isinstance(thing, type | ModuleType | str | bytes | int | float):
        return []
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    inner = list(getattr(thing, "__dict__", {}).values())
    for name in getattr(type(thing), "__slots__", ()):
        inner += [getattr(thing, name)] if isinstance(name, str) and hasattr(thing, name) else []
    for cell in getattr(thing, "__closure__", None) or ():
        inner += [cell.cell_contents] if _filled(cell) else []
    inner += [getattr(thing, name) for name in ("__self__", "func") if hasattr(thing, name)]
    inner += [getattr(thing, name) for name in ("args", "keywords") if hasattr(thing, name)]
    return inner


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a variable that was never given a value
        return False
