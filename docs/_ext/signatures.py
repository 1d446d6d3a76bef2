"""Signatures as the source writes them: `x: ArrayLike`, not the union of 600 characters it is."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from sphinx.application import Sphinx


def _function(thing: Any) -> Callable[..., Any] | None:
    """Return the function whose source has the signature; None for what is made by others."""
    if inspect.isclass(thing):
        made = vars(thing).get("__init__")
        return made if inspect.isfunction(made) and "__create_fn__" not in str(made) else None
    thing = inspect.unwrap(getattr(thing, "__func__", thing))
    return thing if inspect.isfunction(thing) else None


def written(thing: Any) -> tuple[str, str] | None:
    """Return arguments and result of a function as its source has them, or None."""
    function = _function(thing)
    if function is None:
        return None
    try:
        (node, *_) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError):  # made at run time, as a dataclass's __init__ is
        return None
    if not isinstance(node, ast.FunctionDef):
        return None
    own = inspect.isclass(thing) or (
        node.args.args[:1] and node.args.args[0].arg in ("self", "cls")
    )
    if own:
        node.args.args = node.args.args[1:]
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        if argument.arg.startswith("_"):
            return None
    result = ast.unparse(node.returns).strip("'\"") if node.returns else ""
    return f"({ast.unparse(node.args)})", "" if inspect.isclass(thing) else result


def _process(app, what, name, thing, options, signature, result):
    found = written(thing) if what in ("function", "class", "method") else None
    return found if found else (signature, result)


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace the signatures that autodoc evaluates."""
    app.connect("autodoc-process-signature", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
