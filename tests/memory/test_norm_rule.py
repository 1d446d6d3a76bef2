"""The norm by rule: the radius it is to give, by the kernel of points of all coordinates."""

import numpy as np
import pytest

from attractory.activations import activation
from attractory.kernels import ntk
from attractory.memory.norm_rule import _norm_of, auto_norm

RNG = np.random.default_rng(0)
UNIT = RNG.normal(size=(30, 50))
UNIT /= np.linalg.norm(UNIT, axis=1, keepdims=True)


@pytest.mark.parametrize("bias", [0.0, 1.0])
@pytest.mark.parametrize("name", ["sigmoid", "erf"])
def test_a_step_along_the_strongest_axis_has_the_factor_asked_for(name, bias):
    """αγ/(αγ + β) with κ(ρ) = κ(0) + αρ + h(ρ), β = h(1), γ the largest eigenvalue."""
    norm = _norm_of(0.97, UNIT, activation(name), 2, bias, (1e-2, 1e6))
    rho = np.array([-1e-3, 0.0, 1e-3, 1.0])
    points = np.zeros((4, 51))
    points[:, 0], points[:, 1], points[:, 50] = rho, np.sqrt(1 - rho**2), bias
    one = np.zeros((1, 51))
    one[0, 0], one[0, 50] = 1, bias
    kept = slice(None) if bias else slice(50)
    below, middle, above, same = ntk(norm * one[:, kept], norm * points[:, kept], activation=name)[
        0
    ]
    slope = (above - below) / 2e-3
    strength = np.linalg.eigvalsh(UNIT @ UNIT.T)[-1]
    rest = same - middle - slope
    assert slope * strength / (slope * strength + rest) == pytest.approx(0.97, abs=2e-4)


def test_the_norm_is_between_its_limits_and_falls_with_the_radius():
    act = activation("erf")
    norms = [_norm_of(radius, UNIT, act, 2, 0.0, (1e-2, 1e6)) for radius in (0.999, 0.97, 0.9)]
    assert norms[0] < norms[1] < norms[2]
    assert _norm_of(0.97, UNIT, act, 2, 0.0, (norms[1] + 1, 1e6)) == norms[1] + 1
    assert _norm_of(0.97, UNIT, act, 2, 0.0, (1e-2, norms[1] - 1)) == norms[1] - 1
    assert auto_norm(UNIT, act, 2, 0.0) >= norms[1]
