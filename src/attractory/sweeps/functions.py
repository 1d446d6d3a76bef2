"""The function that a sweep calls, by a name under which other processes can import it."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from attractory._util.validation import near

__all__ = ["Reference", "builtin_names", "load", "reference_of"]


@dataclass(frozen=True)
class Reference:
    """A function by name.

    Attributes:
        home: its module, or the absolute path of a .py file.
        name: its name there.
    """

    home: str
    name: str

    def __str__(self) -> str:
        return f"{self.home}:{self.name}"

    @property
    def is_file(self) -> bool:
        """Whether `home` is a path."""
        return self.home.endswith(".py")

    @property
    def label(self) -> str:
        """The name under which cells are stored: the same wherever the file lies."""
        return f"{Path(self.home).name}:{self.name}" if self.is_file else str(self)


def reference_of(function: Callable[..., Any] | str, folder: Path | None = None) -> Reference:
    """Return how to import a function, or raise ValueError or TypeError saying why it cannot be.

    Args:
        function: the function, "package.module:name", "path/to/file.py:name", or the name of one
            in `sweeps.builtin`.
        folder: which relative paths start from; by default the current one.
    """
    if isinstance(function, str):
        return _parse(function, folder or Path())
    if not callable(function):
        raise TypeError(f"function must be a function or its name, got {type(function).__name__}")
    home, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(home, str) or not isinstance(name, str):
        raise ValueError(
            f"function must have a name that other processes can import, got {function!r}; "
            "define it with def in a module"
        )
    if home == "__main__":
        raise ValueError(
            f"function must be importable by other processes, got {name} of the script itself; "
            f"put it in a module, or give it as 'path/to/script.py:{name}'"
        )
    if not name.isidentifier():
        what = "a lambda" if "<lambda>" in name else f"{name}, defined inside another"
        raise ValueError(
            f"function must be importable by other processes, got {what}; "
            "define it with def at the top of a module"
        )
    reference = Reference(home, name)
    if getattr(sys.modules.get(home), name, None) is not function:
        raise ValueError(
            f"function must be importable by other processes, got {name}, which is not what "
            f"'{reference}' is; give it under the name it has there"
        )
    return reference


def builtin_names() -> list[str]:
    """Return the names of the functions that come with attractory."""
    return list(importlib.import_module("attractory.sweeps.builtin").__all__)


def _parse(text: str, folder: Path) -> Reference:
    home, colon, name = text.rpartition(":")
    if not colon:
        if text in builtin_names():
            return Reference("attractory.sweeps.builtin", text)
        raise ValueError(
            "function must be 'package.module:name', 'path/to/file.py:name' or one of "
            f"attractory.sweeps.builtin, got {near(text, builtin_names())}"
        )
    if home == "__main__" or not home or not name.isidentifier():
        raise ValueError(
            f"function must be 'package.module:name' or 'path/to/file.py:name', got {text!r}"
        )
    if home.endswith(".py"):
        path = (folder / home).resolve()
        if not path.is_file():
            raise ValueError(f"function must name a file that exists, got {str(path)!r}")
        return Reference(str(path), name)
    return Reference(home, name)


def load(reference: Reference) -> Callable[..., Any]:
    """Import a function.

    Raises:
        ValueError: if its module cannot be imported or has no such name.
        TypeError: if the name is that of something else.
    """
    try:
        module = _file_module(reference) if reference.is_file else _module(reference)
    except Exception as error:
        raise ValueError(
            f"function must be importable, got '{reference}': {type(error).__name__}: {error}"
        ) from error
    function = getattr(module, reference.name, None)
    if function is None:
        names = [name for name, value in vars(module).items() if callable(value) and name[0] != "_"]
        raise ValueError(
            f"function must name a function of {reference.home}, got {near(reference.name, names)}"
        )
    if not callable(function):
        raise TypeError(f"function must be a function, got {reference}, {type(function).__name__}")
    return function


def _module(reference: Reference) -> ModuleType:
    return importlib.import_module(reference.home)


def _file_module(reference: Reference) -> ModuleType:
    # Named by content: a file that has changed, or another of this name, is another module.
    digest = hashlib.sha256(Path(reference.home).read_bytes()).hexdigest()[:16]
    name = f"_attractory_cells_{Path(reference.home).stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, reference.home)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
