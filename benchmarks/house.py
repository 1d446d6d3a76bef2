"""Counts of a source folder, and a check that the order of imports is really checked.

    python benchmarks/house.py [FOLDER]

Prints modules, lines, private modules outside `_util`, functions with more than 9 arguments, `Any`
in signatures, and the largest file: of src/attractory, or of another package's folder to compare.
Without a folder it also runs import-linter on the layers of pyproject.toml, and again with each two
neighbouring layers swapped: the first must pass. A swap passes only where neither layer imports the
other.
"""

import ast
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_ARGUMENTS = 9


@dataclass(frozen=True)
class House:
    """Counts of one source folder; files are named relative to it."""

    lines: dict[str, int]
    private: list[str]
    long: dict[str, int]  # "file:function", and its arguments, if above 9
    anys: int


def count(folder: Path) -> House:
    """Read every .py file under a folder."""
    lines: dict[str, int] = {}
    private: list[str] = []
    long: dict[str, int] = {}
    anys = 0
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        text = path.read_text(encoding="utf-8")
        lines[name] = text.count("\n")
        if "_util" not in path.parts and path.name.startswith("_") and not path.stem.endswith("__"):
            private.append(name)
        for function in functions(ast.parse(text)):
            given = arguments(function)
            number = sum(a.arg not in ("self", "cls") for a in given)
            if number > MOST_ARGUMENTS:
                long[f"{name}:{function.name}"] = number
            more = [a for a in (function.args.vararg, function.args.kwarg) if a]
            for note in [function.returns, *(a.annotation for a in (*given, *more))]:
                anys += sum(
                    isinstance(n, ast.Name) and n.id == "Any" for n in ast.walk(note or ast.Pass())
                )
    return House(lines, private, long, anys)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def layers() -> list[str]:
    """Return the layers of pyproject.toml, highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    return contract["layers"]


def order_holds(order: list[str]) -> bool:
    """Run import-linter with these layers in place of those of pyproject.toml."""
    text = "\n  ".join(order)
    config = (
        "[importlinter]\nroot_package = attractory\nexclude_type_checking_imports = True\n"
        f"[importlinter:contract:1]\nname = order\ntype = layers\nlayers =\n  {text}\n"
    )
    code = "import sys, importlinter.cli as cli; sys.exit(cli.lint_imports(sys.argv[1]))"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layers.ini"
        path.write_text(config, encoding="utf-8")
        run = subprocess.run(
            [sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True
        )
    if "order KEPT" not in run.stdout and "order BROKEN" not in run.stdout:
        raise RuntimeError(run.stdout + run.stderr)
    return run.returncode == 0


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src" / "attractory"
    house = count(folder)
    total = sum(house.lines.values())
    largest = max(house.lines, key=house.lines.__getitem__)
    print(f"modules                       {len(house.lines)}")
    print(f"lines                         {total}, {total / len(house.lines):.0f} a module")
    print(f"largest file                  {house.lines[largest]}, {largest}")
    print(f"private modules               {len(house.private)} outside _util")
    print(f"Any in signatures             {house.anys}")
    print(f"functions above {MOST_ARGUMENTS} arguments   {len(house.long)}")
    for name, number in sorted(house.long.items(), key=lambda item: -item[1]):
        print(f"  {number:3} {name}")
    if len(sys.argv) > 1:
        return
    order = layers()
    print(f"order of imports              {'holds' if order_holds(order) else 'BROKEN'}")
    for k in range(len(order) - 1):
        swapped = [*order[:k], order[k + 1], order[k], *order[k + 2 :]]
        found = (
            "passes: neither imports the other" if order_holds(swapped) else "breaks, as it should"
        )
        names = " and ".join(layer.replace("attractory.", "") for layer in order[k : k + 2])
        print(f"  with {names} swapped: {found}")


if __name__ == "__main__":
    main()
