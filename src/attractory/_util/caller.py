"""Which line a warning is about: the user's, however deep in the package the warning arises."""

import sys

__all__ = ["stack_level"]

# What may lie between a user's line and the package: wrappers of its functions.
_WRAPPERS = ("attractory", "beartype", "jaxtyping", "equinox")


def stack_level() -> int:
    """Return the `stacklevel` with which a warning names the line that called the package.

    It is meant for `warnings.warn`, in the function that calls this one.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _in_package(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def _in_package(module: str) -> bool:
    return module.partition(".")[0] in _WRAPPERS
