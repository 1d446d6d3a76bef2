"""Shapes and types of all signatures are checked while tests run, at a sixth of jaxtyping's cost.

Jaxtyping's import hook makes two checkers of each function when it is defined, closures at each
definition anew: 12 s for the whole package, before the first test. Here each piece of code gets
its checker once, when it is called first.
"""

import dataclasses
import functools
import inspect
import typing
from contextlib import nullcontext
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import TypeCheckError, install_import_hook, jaxtyped

__name__ = "jaxtyping.shape_checks"  # warnings name the caller's line: see `_util/caller.py`

_CHECKS: dict = {}
_typed = beartype(conf=BeartypeConf(violation_type=TypeCheckError))


def check_shapes(package):
    """Check what functions of a package are given and return, and what its dataclasses hold."""
    jaxtyping.jaxtyped = checked  # which the hook puts before each definition
    install_import_hook(package, None)


def checked(thing=None, *, typechecker=None):
    if thing is None:
        return checked
    if inspect.isclass(thing):
        if dataclasses.is_dataclass(thing) and not hasattr(thing.__init__, "_is_checked"):
            thing.__init__ = checked(thing.__init__)
        return thing
    checks = None

    @functools.wraps(thing)
    def call(*args, **kwargs):
        __tracebackhide__ = True
        nonlocal checks
        if checks is None:
            key = thing.__module__, thing.__qualname__, thing.__code__
            checks = _CHECKS.get(key) or _CHECKS.setdefault(key, _checks(thing))
        arguments, result, shaped = checks
        # A context, in which names of dimensions have one value, takes longer than most checks.
        with jaxtyped("context") if shaped else nullcontext():
            arguments(*args, **kwargs)
            out = thing(*args, **kwargs)
            if result is not None:
                result(out)
        return out

    call._is_checked = True
    return call


class _Named:
    """What stands for a value in the text of a signature."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


def _checks(function):
    """Return functions that check arguments and the result by a function's annotations."""
    signature = inspect.signature(function)
    scope, shown = {"__name__": function.__module__}, []
    for k, parameter in enumerate(signature.parameters.values()):
        of = {}
        if parameter.annotation is not inspect.Parameter.empty:
            scope[f"_type{k}"] = _resolved(parameter.annotation, function)
            of["annotation"] = _Named(f"_type{k}")
        if parameter.default is not inspect.Parameter.empty:
            scope[f"_default{k}"] = parameter.default
            of["default"] = _Named(f"_default{k}")
        shown.append(parameter.replace(**of))
    shown = signature.replace(parameters=shown, return_annotation=inspect.Signature.empty)
    exec(f"def arguments{shown}: pass", scope)
    result = None
    if signature.return_annotation is not inspect.Signature.empty:
        scope["_returned"] = _resolved(signature.return_annotation, function)
        exec("def result(returned: _returned): pass", scope)
        result = _typed(scope["result"])
    types = (value for name, value in scope.items() if name.startswith(("_type", "_returned")))
    shaped = any("jaxtyping." in repr(value) for value in types)
    return _typed(scope["arguments"]), result, shaped


def _resolved(annotation, function):
    """Return an annotation whose names are known; any type where one is for type checkers alone."""

    def only(value): ...

    only.__annotations__ = {"value": annotation}
    try:
        return typing.get_type_hints(only, function.__globals__, include_extras=True)["value"]
    except NameError:
        return Any
