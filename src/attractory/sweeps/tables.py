"""The cells of a sweep as a pandas DataFrame or an xarray Dataset, which load on first use."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from attractory._util.optional import need

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

    from attractory.sweeps.results import Cell, CellError

__all__ = ["data_frame", "data_set"]

_MOST = 10_000_000  # cells of a data set's grid, with those that are missing


def _column(name: str, settings: Sequence[str]) -> str:
    # A function may return a value that has the name of a setting.
    return f"{name}_value" if name in settings else name


def _names(cells: "Sequence[Cell]") -> tuple[list[str], list[str]]:
    settings = list(dict.fromkeys(name for cell in cells for name in cell.settings))
    values = list(dict.fromkeys(name for cell in cells for name in cell.values or ()))
    return settings, values


def data_frame(cells: "Sequence[Cell]") -> "DataFrame":
    """Return a frame of one row a cell."""
    pandas = need("pandas", "frame()")
    settings, values = _names(cells)
    columns: dict[str, Any] = {
        name: [cell.settings.get(name) for cell in cells] for name in settings
    }
    for name in values:
        columns[_column(name, settings)] = [(cell.values or {}).get(name) for cell in cells]
    columns["cell_error"] = [_text(cell.error) for cell in cells]
    columns["cell_seconds"] = [cell.seconds for cell in cells]
    series = {}
    for name, column in columns.items():
        # pandas would spread arrays and lists over rows.
        held = any(isinstance(each, np.ndarray | list) for each in column)
        series[name] = pandas.Series(column, dtype=object) if held else column
    return pandas.DataFrame(series)


def _text(error: "CellError | None") -> str | None:
    return None if error is None else f"{error.type}: {error.message}"


def data_set(cells: "Sequence[Cell]") -> "Dataset":
    """Return a data set over the settings that vary."""
    xarray = need("xarray", "dataset()")
    settings, values = _names(cells)
    axes, fixed = _axes(cells, settings)
    shape = tuple(len(axis) for axis in axes.values())
    if np.prod(shape, dtype=float) > max(_MOST, len(cells)):
        raise ValueError(
            f"cells must lie on a grid to make a data set, got {len(cells)} cells on one of "
            f"{' × '.join(map(str, shape))}; frame() has one row a cell"
        )
    places = [
        tuple(axis[_mark(cell.settings.get(name))][0] for name, axis in axes.items())
        for cell in cells
    ]
    data = {}
    for name in values:
        found = {
            place: np.asarray(cell.values[name])
            for place, cell in zip(places, cells, strict=True)
            if cell.values is not None and name in cell.values
        }
        column = _column(name, settings)
        array = _spread(name, found, shape)
        data[column] = ([*axes, *(f"{column}_{k}" for k in range(array.ndim - len(shape)))], array)
    errors, seconds = np.full(shape, "", dtype=object), np.full(shape, np.nan)
    for place, cell in zip(places, cells, strict=True):
        errors[place], seconds[place] = _text(cell.error) or "", cell.seconds
    data["cell_error"], data["cell_seconds"] = (list(axes), errors), (list(axes), seconds)
    coordinates = {
        name: _coordinate([each for _, each in axis.values()]) for name, axis in axes.items()
    }
    return xarray.Dataset(data, coords=coordinates, attrs=fixed)


def _mark(value: object) -> str:
    return json.dumps(value)


def _axes(
    cells: "Sequence[Cell]", settings: list[str]
) -> tuple[dict[str, dict[str, tuple[int, Any]]], dict[str, Any]]:
    """Return for each setting that varies its values and their places, and the others."""
    axes, fixed = {}, {}
    for name in settings:
        seen: dict[str, Any] = {}
        for cell in cells:
            value = cell.settings.get(name)
            seen.setdefault(_mark(value), value)
        if len(seen) > 1:
            axes[name] = {mark: (k, value) for k, (mark, value) in enumerate(seen.items())}
        else:
            (fixed[name],) = seen.values()
    return axes, fixed


def _coordinate(values: list[Any]) -> np.ndarray:
    """Return labels of one kind; lists, and values of several kinds, as their JSON text."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} or kinds == {str} or kinds == {bool}:
        return np.array(values)
    return np.array([value if isinstance(value, str) else _mark(value) for value in values])


def _spread(name: str, found: dict[Any, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return the values on the grid; where there is none, NaN, or "" for text."""
    ranks = {array.ndim for array in found.values()}
    if len(ranks) > 1:
        raise ValueError(
            f"value {name!r} must have as many dimensions in each cell to make a data set, "
            f"got {sorted(ranks)}; frame() takes any"
        )
    inner = tuple(max(lengths) for lengths in zip(*(a.shape for a in found.values()), strict=True))
    dtype = np.result_type(*(array.dtype for array in found.values()))
    whole = len(found) == np.prod(shape) and all(a.shape == inner for a in found.values())
    if dtype.kind in "SU":
        result = np.full(shape + inner, "", dtype=object)
    elif whole:
        result = np.empty(shape + inner, dtype)
    else:
        result = np.full(shape + inner, np.nan, np.result_type(dtype, np.float64))
    for place, array in found.items():
        result[(*place, *(slice(length) for length in array.shape))] = array
    return result
