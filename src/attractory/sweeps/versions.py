"""The version of a function's code: a digest of the source files that computing a cell may load.

These are the function's file, what it imports of attractory and of the folder or package it lies
in, what those import, and so on. Imports are found in the source, those inside functions too, so
an edit of a file that the function never reaches leaves its version as it is. Folders whose names
are loaded lazily list them in `__init__.pyi`; a name leads to the file that is listed there.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from attractory.sweeps.functions import Reference

__all__ = ["Code", "code_of", "digest"]

_PACKAGE = Path(__file__).parents[1]
_OWN = ""  # the name under which the function's own file is kept, wherever it lies

# What is imported: a module, and the names taken from it, dotted where they go on; "*" is all.
Import = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Code:
    """The code of a function.

    Attributes:
        version: digest of its files.
        modules: their names, sorted; "" is the function's file where that is not attractory's.
    """

    version: str
    modules: tuple[str, ...]


def code_of(reference: Reference, package: Path = _PACKAGE) -> Code:
    """Return the code of a function that has been loaded.

    Args:
        reference: of the function.
        package: attractory's folder.
    """
    finder = _Finder.of(reference, package)
    modules = tuple(sorted(_closure(finder)))
    return Code(digest(reference, modules, package), modules)


def digest(reference: Reference, modules: Iterable[str], package: Path = _PACKAGE) -> str:
    """Return the digest of these files as they are here; one that is not there counts as empty."""
    finder = _Finder.of(reference, package)
    whole = hashlib.sha256()
    for name in modules:
        path = finder.find(name)
        content = b"" if path is None else path.read_bytes()
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


@dataclass(frozen=True)
class _Finder:
    """Finds source files by module name.

    Attributes:
        package: attractory's folder.
        start: name of the function's module; "" if it is not one of attractory's.
        own: the function's file if it is not one of attractory's.
        root: folder from which the modules beside that file are imported, or None.
        top: the top-level package they must belong to; None for any.
        seen: what was looked for already: a finder serves one look at the files.
    """

    package: Path
    start: str
    own: Path | None = None
    root: Path | None = None
    top: str | None = None
    seen: dict[str, Path | None] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, reference: Reference, package: Path) -> "_Finder":
        """Return the one for a function's imports."""
        if reference.is_file:
            path = Path(reference.home)
            return cls(package, _OWN, path, path.parent)
        parts = reference.home.split(".")
        if parts[0] == _PACKAGE.name:
            return cls(package, reference.home)
        file = getattr(sys.modules.get(reference.home), "__file__", None)
        if file is None:
            return cls(package, _OWN)
        path = Path(file)
        if len(parts) == 1 and "site-packages" in path.parts:  # what lies beside it is foreign
            return cls(package, _OWN, path)
        up = len(parts) if path.stem == "__init__" else len(parts) - 1
        top = parts[0] if len(parts) > 1 or path.stem == "__init__" else None
        return cls(package, _OWN, path, path.parents[up], top)

    def find(self, name: str) -> Path | None:
        """Return the file of a module whose imports count, or None."""
        if name not in self.seen:
            self.seen[name] = self._look_for(name)
        return self.seen[name]

    def _look_for(self, name: str) -> Path | None:
        if name == _OWN:
            return self.own
        parts = name.split(".")
        if parts[0] == _PACKAGE.name:
            base = self.package.joinpath(*parts[1:])
        elif self.root is not None and self.top in (None, parts[0]):
            base = self.root.joinpath(*parts)
        else:
            return None
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
        return None

    def resolve(self, module: str, name: str) -> Iterator[str]:
        """Yield the modules that are loaded when a dotted name is taken from a module."""
        parts = module.split(".")
        for k in range(1, len(parts) + 1):
            if self.find(".".join(parts[:k])) is not None:
                yield ".".join(parts[:k])
        first, _, rest = name.partition(".")
        if not first:
            return
        path = self.find(module)
        if path is None:
            return
        if first != "*" and self.find(f"{module}.{first}") is not None:
            yield from self.resolve(f"{module}.{first}", rest)
            return
        for alias, (target, inner) in _listed(_content(path.with_suffix(".pyi")), module).items():
            if first in ("*", alias):
                yield from self.resolve(target, inner if first == "*" else f"{inner}.{rest}")


def _closure(finder: _Finder) -> set[str]:
    found: set[str] = set()
    asked: set[tuple[str, str]] = set()
    waiting = list(finder.resolve(finder.start, "")) or [_OWN]
    while waiting:
        name = waiting.pop()
        path = finder.find(name)
        if name in found or path is None:
            continue
        found.add(name)
        if path.suffix != ".py":  # compiled
            continue
        imports = _imports(path.read_bytes(), name, path.stem == "__init__")
        new = {(module, each) for module, names in imports for each in names or ("",)} - asked
        asked |= new
        for module, each in new:
            waiting += finder.resolve(module, each)
    return found


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@lru_cache(maxsize=1024)
def _imports(content: bytes, name: str, is_package: bool) -> tuple[Import, ...]:
    """Return what a module of this source imports."""
    visitor = _Visitor(name, is_package)
    visitor.visit(ast.parse(content))
    return tuple(visitor.imports())


@lru_cache(maxsize=1024)
def _listed(content: bytes, module: str) -> dict[str, tuple[str, str]]:
    """Return for each name in a folder's list of names the module and its name there."""
    found = {}
    for node in ast.parse(content).body:
        if isinstance(node, ast.ImportFrom):
            target = ".".join(filter(None, (module, node.module)))
            found |= {each.asname or each.name: (target, each.name) for each in node.names}
    return found


class _Visitor(ast.NodeVisitor):
    """Collects imports anywhere in a file but under `if TYPE_CHECKING`, and how they are used."""

    def __init__(self, name: str, is_package: bool) -> None:
        parts = name.split(".")
        self._package = parts if is_package else parts[:-1]
        self._found: list[Import] = []
        self._bound: dict[str, str] = {}  # names of imported modules
        self._chains: set[tuple[str, str]] = set()  # name, attributes; "" if it is used bare

    def imports(self) -> Iterator[Import]:
        """Yield what was found."""
        yield from self._found
        for name, attributes in self._chains:
            if name in self._bound:
                yield self._bound[name], (attributes or "*",)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" in (getattr(node.test, "id", ""), getattr(node.test, "attr", "")):
            for each in node.orelse:
                self.visit(each)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            self._found.append((each.name, ()))
            top = each.name.partition(".")[0]
            self._bound[each.asname or top] = each.name if each.asname else top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self._package[: len(self._package) - node.level + 1] if node.level else []
        module = ".".join([*base, *filter(None, [node.module])])
        names = tuple(each.name for each in node.names)
        self._found.append((module, names))
        for each in node.names:
            self._bound.setdefault(each.asname or each.name, f"{module}.{each.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        attributes, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            attributes.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._chains.add((inner.id, ".".join(attributes)))
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        self._chains.add((node.id, ""))
