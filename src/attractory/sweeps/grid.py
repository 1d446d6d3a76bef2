"""The cells of a sweep: settings of one call each, checked, and the keys they are stored under."""

import hashlib
import inspect
import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from attractory._util.validation import near

__all__ = ["Settings", "canonical", "check_cells", "grid", "key_of", "plain"]

Settings = dict[str, Any]  # strings, finite numbers, booleans, None and lists of these, by name


def grid(**axes: Any) -> list[Settings]:
    """Return the cells of a grid: every combination of the axes' values.

    Args:
        axes: for each setting a list, tuple, range or array of values, or one value that all cells
            share. The first axis changes slowest. A setting that is itself a list, and fixed, is a
            list with that list in it.

    Returns:
        One dictionary of settings a cell.

    Raises:
        ValueError: if there are no axes, or an axis has no values.

    Example:
        >>> grid(norm=[3.0, 10.0], seed=range(2), dim=32)[:2]
        [{'norm': 3.0, 'seed': 0, 'dim': 32}, {'norm': 3.0, 'seed': 1, 'dim': 32}]
    """
    if not axes:
        raise ValueError("grid must have an axis, got none; give a setting and its values")
    values = {name: _axis(name, value) for name, value in axes.items()}
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]


def _axis(name: str, value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple | range):
        return [value]
    if not len(value):
        raise ValueError(
            f"axis {name!r} must have a value, got an empty {type(value).__name__}; "
            "fill it or leave it out"
        )
    return list(value)


def check_cells(cells: object, function: Callable[..., object]) -> list[Settings]:
    """Return the settings of each cell as plain JSON values, or say what is wrong with which."""
    if isinstance(cells, str | Mapping) or not isinstance(cells, Iterable):
        mend = "; one cell is [cell]" if isinstance(cells, Mapping) else ""
        raise TypeError(f"cells must be a list of settings, got {type(cells).__name__}{mend}")
    checked = []
    parameters = _parameters(function)
    for k, cell in enumerate(cells):
        if not isinstance(cell, Mapping):
            raise TypeError(f"cells[{k}] must be a dictionary, got {type(cell).__name__}")
        for name in cell:
            if not isinstance(name, str):
                raise TypeError(f"cells[{k}] must have strings as keys, got {name!r}")
        if parameters is not None:
            _check_names(cell, parameters, f"cells[{k}]")
        checked.append(
            {name: plain(value, f"cells[{k}][{name!r}]") for name, value in cell.items()}
        )
    if not checked:
        raise ValueError("cells must not be empty, got no cell; grid(…) makes them")
    return checked


def _parameters(function: Callable[..., object]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # a C function without a signature
        return None


def _check_names(
    cell: Mapping[str, object], parameters: Mapping[str, inspect.Parameter], where: str
) -> None:
    kinds = inspect.Parameter
    named = {
        name: each
        for name, each in parameters.items()
        if each.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    }
    if not any(each.kind == kinds.VAR_KEYWORD for each in parameters.values()):
        for name in cell:
            if name not in named:
                raise ValueError(
                    f"{where} must hold settings of the function, got {near(name, named)}"
                )
    missing = [
        name for name, each in named.items() if each.default is kinds.empty and name not in cell
    ]
    if missing:
        raise ValueError(
            f"{where} must hold {', '.join(missing)}, which the function needs, got "
            f"{', '.join(cell) or 'no settings'}"
        )


def plain(value: Any, where: str) -> Any:
    """Return a value as JSON has it: NumPy's numbers become Python's, tuples become lists."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return [plain(each, f"{where}[{k}]") for k, each in enumerate(value)]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} must be finite, got {value}")
        return float(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{where} must be text that UTF-8 can hold, got {value!r}") from None
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > 1023:
            raise ValueError(f"{where} must be less than 2^1023 in size, got a larger integer")
        return int(value)
    mend = "; tolist() makes lists of arrays" if isinstance(value, np.ndarray) else ""
    raise TypeError(
        f"{where} must be a string, number, boolean, None or a list of these, "
        f"got {type(value).__name__}{mend}"
    )


def canonical(value: object) -> str:
    """Return the one JSON text of a plain value; 1, 1.0 and true have different ones."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def key_of(function: str, version: str, settings: Settings) -> str:
    """Return the key of a cell: a SHA-256 digest of function, code version and settings."""
    return hashlib.sha256(canonical([function, version, settings]).encode()).hexdigest()
