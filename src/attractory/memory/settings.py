"""The settings of a memory: its estimator's parameters, checked once and then unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from numbers import Integral
from typing import Any

import numpy as np

from attractory._util.machine import SOLVERS
from attractory._util.parallel import checked
from attractory._util.validation import (
    LEAST,
    choice,
    flag,
    moderate,
    nonnegative,
    positive,
    real_array,
    share,
    whole,
)
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.kernels.kernel import Kernel

__all__ = ["AT_RECALL", "MemorySettings", "check_limits"]

ITERATIONS = "guided", "plain"
METRICS = "search", "rule"
SCALES = "auto", "columns"
LONGEST = 64  # context
# Parameters that recall reads: they may change after `fit`. The others belong to what was stored.
AT_RECALL = "compute", "max_steps", "tolerance", "reject"
# Of memories in files. Each layer of a kernel takes a quarter of a second to compile.
_DEEPEST_KERNEL, _DEEPEST_NETWORK, _MOST_STEPS, _MOST_TERMS = 10, 64, 1_000_000, 256
NETWORK_BIAS = 1.0  # constant input of a network, relative to the norm; plain iteration needs one


@dataclass(frozen=True, eq=False)
class MemorySettings:
    """Checked parameters; names and meanings as in `AttractorMemory`.

    Attributes:
        norm: None for the rule.
        activation: the object that a name stands for.
        allow_unstored: an argument of `fit`: whether rows that the map misses may stay.
    """

    activation: Activation
    width: int | None = None
    depth: int = 2
    norm: float | None = None
    center: bool = True
    metric: str | float | np.ndarray | None = "search"
    scale: str | np.ndarray | None = "auto"
    iteration: str = "guided"
    context: int = 1
    ridge: float = 0.0
    solver: str = "auto"
    compute: str | None = None
    max_steps: int = 1000
    tolerance: float = 1e-7
    reject: float = 0.8
    random_state: int | np.random.RandomState | None = 0
    allow_unstored: bool = False

    @classmethod
    def checked(cls, parameters: Mapping[str, Any]) -> "MemorySettings":
        """Return the settings that parameters of an estimator stand for.

        Args:
            parameters: by name; those that are missing have their defaults.

        Raises:
            ValueError, TypeError: for a parameter out of range, with its name.
        """
        given = {"activation": "sigmoid", **parameters}
        values: dict[str, Any] = {}
        for name, value in given.items():
            values[name] = _CHECKS[name](value, name) if name in _CHECKS else value
        return cls(**values)

    def at_recall(self, parameters: Mapping[str, Any]) -> "MemorySettings":
        """Return these settings with the parameters that recall reads taken from an estimator."""
        now = {name: parameters[name] for name in AT_RECALL if name in parameters}
        return replace(self, **{name: _CHECKS[name](value, name) for name, value in now.items()})

    def as_parameters(self) -> dict[str, Any]:
        """Return the parameters of an estimator with these settings."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"norm": "auto" if self.norm is None else self.norm}

    @property
    def kernel(self) -> Kernel:
        """The NTK of the infinite width."""
        return Kernel(self.activation, self.depth)

    @property
    def guided(self) -> bool:
        """Whether recall is guided."""
        return self.iteration == "guided"

    @property
    def searches(self) -> bool:
        """Whether `fit` chooses the metric by trials: not for networks, which are trained."""
        searched = isinstance(self.metric, str) and self.metric == "search"  # it may be a matrix
        return searched and self.width is None and self.guided

    @property
    def bias(self) -> float:
        """Constant coordinate of the map's input, relative to the norm; 0 for none."""
        return 0.0 if self.width is None else NETWORK_BIAS


def check_limits(settings: MemorySettings) -> None:
    """Refuse settings that no file of a memory may have: how long it computes is not a file's word.

    Raises:
        ValueError: with the setting and its limit.
    """
    deepest = _DEEPEST_KERNEL if settings.width is None else _DEEPEST_NETWORK
    whole(settings.depth, "depth of a memory in a file", 2, deepest)
    whole(settings.max_steps, "max_steps of a memory in a file", 1, _MOST_STEPS)
    terms = len(getattr(settings.activation, "scales", ()))
    whole(terms, "the terms of an activation in a file", 0, _MOST_TERMS)


def _width(value: Any, name: str) -> int | None:
    return None if value is None else whole(value, name, 1)


def _norm(value: Any, name: str) -> float | None:
    if isinstance(value, str):
        if value != "auto":
            raise ValueError(f"{name} must be 'auto' or a number above 0, got {value!r}")
        return None
    number = positive(value, name)
    moderate(np.atleast_1d(number), name, least=LEAST)
    return number


def _metric(value: Any, name: str) -> str | float | np.ndarray | None:
    if value is None:
        return None
    if isinstance(value, list | tuple | np.ndarray):
        try:
            return real_array(value, name)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a matrix of numbers, got {value!r}") from None
    if isinstance(value, str):
        if value not in METRICS:
            raise ValueError(
                f"{name} must be 'search', 'rule', None, a number above 0 or a matrix, "
                f"got {value!r}"
            )
        return value
    return positive(value, name)


def _scale(value: Any, name: str) -> str | np.ndarray | None:
    if value is None:
        return None
    if isinstance(value, str):
        return choice(value, name, SCALES)
    try:
        numbers = real_array(value, name)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers, got {value!r}") from None
    if numbers.ndim != 1 or not (np.isfinite(numbers) & (numbers > 0)).all():
        raise ValueError(
            f"{name} must be 'auto', 'columns', None or one finite number above 0 for each column, "
            f"got {value!r}"
        )
    return numbers


def _random_state(value: Any, name: str) -> int | np.random.RandomState | None:
    if value is None or isinstance(value, np.random.RandomState):
        return value
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(
            f"{name} must be an integer, a numpy RandomState or None, got {type(value).__name__} "
            f"{value!r}"
        )
    return whole(value, name, 0, 2**32 - 1)


_CHECKS: dict[str, Any] = {
    "width": _width,
    "activation": lambda value, _: find_activation(value),
    "depth": lambda value, name: whole(value, name, 2),
    "norm": _norm,
    "center": flag,
    "metric": _metric,
    "scale": _scale,
    "iteration": lambda value, name: choice(value, name, ITERATIONS),
    "context": lambda value, name: whole(value, name, 1, LONGEST),
    "ridge": nonnegative,
    "solver": lambda value, name: choice(value, name, SOLVERS),
    "compute": lambda value, _: checked(value),
    "max_steps": lambda value, name: whole(value, name, 1),
    "tolerance": positive,
    "reject": share,
    "random_state": _random_state,
}
