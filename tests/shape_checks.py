"""Shapes and types of all signatures are checked while tests run, at little of jaxtyping's cost.

Jaxtyping's import hook makes two checkers of each function when it is defined, closures at each
definition anew: 12 s for the whole package, before the first test. Here each piece of code gets
its checker once, when it is called first, made of the checkers of its types, which recur. What a
check says depends on types, shapes and dtypes, and so does not have to be asked again for a call
that has those of another.
"""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Mapping, Sequence, Set
from typing import Any

import jax.core
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
        arguments, result, seen = checks
        given = _kinds(args), tuple(kwargs), _kinds(kwargs.values())
        if None in given or given not in seen:
            with jaxtyped("context"):  # in which names of dimensions have one value
                arguments(*args, **kwargs)
                out = thing(*args, **kwargs)
                if result is not None:
                    result(out)
            if None not in given:
                seen.update((given, (given, _kinds((out,)))))
            return out
        out = thing(*args, **kwargs)
        if result is not None:
            pair = given, _kinds((out,))
            if pair[1] is None or pair not in seen:
                with jaxtyped("context"):
                    arguments(*args, **kwargs)
                    result(out)
                if pair[1] is not None:
                    seen.add(pair)
        return out

    call._is_checked = True
    return call


_HOW: dict = {}


def _kinds(values):
    """Return all of some values that a check can depend on, or None where that is within them."""
    kinds = []
    for value in values:
        kind = type(value)
        how = _HOW.get(kind)
        if how is None:
            how = _HOW[kind] = _how(kind)
        if how == "array":
            kinds.append((kind, value.shape, value.dtype))
        elif how == "type":
            kinds.append(kind)
        elif how == "value":  # one of several words, a class
            kinds.append((kind, value))
        else:
            within = _kinds(value) if how == "tuple" and len(value) < 9 else None
            if within is None:
                return None
            kinds.append((kind, within))
    return tuple(kinds)


def _how(kind):
    if issubclass(kind, jax.core.Tracer) or (hasattr(kind, "shape") and hasattr(kind, "dtype")):
        return "array"
    if issubclass(kind, (str, type)):
        return "value"
    if issubclass(kind, tuple):
        return "tuple"
    return "within" if issubclass(kind, (Mapping, Sequence, Set)) else "type"


class _Named:
    """What stands for a value in the text of a signature."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


def _checks(function):
    """Return functions that check arguments and the result, and a set for what they have seen."""
    positional, named, rest, others = [], {}, None, None
    signature = inspect.signature(function)
    for name, parameter in signature.parameters.items():
        check = _check(parameter.annotation, function)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            rest = check
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            others = check
        else:
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                positional.append(check)
            if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY:
                named[name] = check

    def arguments(*args, **kwargs):
        try:
            for k, value in enumerate(args):
                (positional[k] if k < len(positional) else rest or _anything)(value)
            for name, value in kwargs.items():
                named.get(name, others or _anything)(value)
        except TypeCheckError:
            _said(function, signature)(*args, **kwargs)  # which names the argument
            raise

    returned = signature.return_annotation
    result = None if returned is inspect.Signature.empty else _check(returned, function)
    return arguments, result, set()


def _anything(value): ...


_OF_TYPES: dict = {}
_OTHERS = typing.ParamSpecArgs, typing.ParamSpecKwargs


def _check(annotation, function):
    """Return a function that checks one value: to make these takes time, and most types recur."""
    if annotation is inspect.Parameter.empty:
        return _anything
    hint = _resolved(annotation, function)
    # What stands for other functions' arguments is not looked into, by beartype neither.
    if typing.get_origin(hint) is typing.Unpack or isinstance(hint, _OTHERS):
        return _anything
    try:
        return _OF_TYPES.get(hint) or _OF_TYPES.setdefault(hint, _made(hint))
    except TypeError:  # no hash
        return _made(hint)


def _made(hint):
    def check(returned): ...

    check.__annotations__ = {"returned": hint}
    return _typed(check)


def _said(function, signature):
    """Return one checker of all arguments, by their names."""
    scope, shown = {}, []
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
    return _typed(scope["arguments"])


def _resolved(annotation, function):
    """Return an annotation whose names are known; any type where one is for type checkers alone."""

    def only(value): ...

    only.__annotations__ = {"value": annotation}
    try:
        return typing.get_type_hints(only, function.__globals__, include_extras=True)["value"]
    except NameError:
        return Any
