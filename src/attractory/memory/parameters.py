"""The parameters of `AttractorMemory`, checked."""

from typing import Any

import numpy as np

from attractory._util.machine import SOLVERS
from attractory._util.parallel import checked
from attractory._util.validation import (
    ascending,
    below_one,
    choice,
    nonnegative,
    positive,
    share,
    up_to_one,
    whole,
)
from attractory.activations import Activation
from attractory.activations import activation as find_activation

__all__ = ["check_parameters"]


def check_parameters(memory: Any) -> Activation:
    """Refuse parameters out of range, naming them; return the activation."""
    choice(memory.model, "model", ("kernel", "network"))
    if isinstance(memory.norm, str):
        choice(memory.norm, "norm", ("auto",))
    else:
        positive(memory.norm, "norm")
    for name in ("center", "search"):
        if not isinstance(getattr(memory, name), bool | np.bool_):
            kind = type(getattr(memory, name)).__name__
            raise TypeError(f"{name} must be True or False, got {kind}")
    whole(memory.depth, "depth", 2)
    whole(memory.width, "width", 1)
    whole(memory.max_steps, "max_steps", 1)
    if memory.metric is not None and not isinstance(memory.metric, list | tuple | np.ndarray):
        if isinstance(memory.metric, str):
            choice(memory.metric, "metric", ("auto",))
        else:
            positive(memory.metric, "metric")
    if isinstance(memory.bias, str):
        choice(memory.bias, "bias", ("auto",))
    else:
        nonnegative(memory.bias, "bias")
    if isinstance(memory.schedule, str):
        choice(memory.schedule, "schedule", ("auto",))
    elif memory.schedule is not None:
        ascending(memory.schedule, "schedule")
    up_to_one(memory.hold, "hold")
    below_one(memory.momentum, "momentum")
    nonnegative(memory.ridge, "ridge")
    choice(memory.solver, "solver", SOLVERS)
    checked(memory.compute)
    positive(memory.tolerance, "tolerance")
    share(memory.reject, "reject")
    return find_activation(memory.activation)
