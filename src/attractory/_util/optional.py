"""Packages that only some results need, loaded when asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["frame_of", "need"]


def need(module: str, method: str, extra: str = "sweep") -> Any:
    """Return a module, or say which extra brings it.

    Raises:
        ModuleNotFoundError: if it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{method} needs {module}: pip install 'attractory[{extra}]'"
        ) from None


def frame_of(columns: Mapping[str, Any], index: Any = None) -> "DataFrame":
    """Return columns of equal length as a pandas DataFrame.

    Raises:
        ModuleNotFoundError: without pandas.
    """
    return need("pandas", "frame()").DataFrame(dict(columns), index=index)
