"""Warnings that name the user's line, however deep in the package they arise."""

import sys
import warnings

__all__ = ["warn_caller"]

# Packages whose frames may lie between a user's line and the warning.
_INSIDE = ("attractory", "beartype", "equinox", "jaxtyping")


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn in the name of the line that called the package.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warn_caller("the norm is small", UserWarning)
        >>> [str(w.message) for w in caught]
        ['the norm is small']
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    try:
        warnings.warn(message, category, stacklevel=level)
    except ValueError:  # Python's own way to print them does not expect a closed stream
        if not getattr(sys.stderr, "closed", False):
            raise


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] in _INSIDE
