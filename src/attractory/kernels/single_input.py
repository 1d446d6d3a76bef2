r"""Gaussian moments of one input and their derivatives, in closed form, as plain NumPy.

With a ~ N(0, p), squared scales u, v of a pair of nodes and D² = p (u + v) + uv,

    κ(p) = E[σ²] = offset² + gain² (2/π) Σ atan2(p, D),
    κ̇(p) = E[σ′²] = gain² (2/π) Σ 1/D,   E[a²σ′²] = gain² (2/π) Σ p uv / D³,

each sum weighted by pᵢpⱼ. Θ(x, x) of depth L follows from κ and κ̇ alone, and so does its slope in
p; `attractory.theory` compares the general kernels and gradients with them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from attractory._util.precision import full_precision
from attractory.activations import Activation, ErfMixture, Linear
from attractory.duals.protocol import DualActivation
from attractory.kernels.expectations import scale_pairs
from attractory.kernels.kernel import Kernel


class InputMoments(NamedTuple):
    """Moments at one variance p: E[σ²], its slope in p, E[σ′²], its slope, and E[a²σ′²]."""

    square: float
    square_slope: float
    derivative_square: float
    derivative_square_slope: float
    weighted_derivative_square: float


def input_moments(act: Activation, p: float) -> InputMoments:
    """Return the moments of σ(a) and σ′(a) for a normal of variance p ≥ 0."""
    if isinstance(act, Linear):
        slope = act.alpha**2
        return InputMoments(slope * p + act.beta**2, slope, slope, 0.0, slope * p)
    if isinstance(act, DualActivation):
        return _by_differentiation(act, p)
    u, v, weight = scale_pairs(act)
    root = np.sqrt(p * (u + v) + u * v)
    inverse = act.gain**2 * 2 / np.pi * weight / root
    cube = inverse / root**2
    return InputMoments(
        act.offset**2 + float(np.sum(inverse * root * np.arctan2(p, root))),
        float(np.sum(inverse * (u / (p + u) + v / (p + v)))) / 2,
        float(np.sum(inverse)),
        -float(np.sum(cube * (u + v))) / 2,
        p * float(np.sum(cube * u * v)),
    )


def _by_differentiation(act: DualActivation, p: float) -> InputMoments:
    with full_precision():
        at = jnp.asarray(float(p))
        (square, other), (slope, other_slope) = jax.jvp(
            lambda v: act.moments(v, jnp.zeros_like(v), v, v), (at,), (jnp.ones_like(at),)
        )
        # E[a²g] = p E[g] + 2p² dE[g]/dp for g = σ′², by Stein's lemma.
        weighted = p * other + 2 * p * p * other_slope
        values = (square, slope, other, other_slope, weighted)
        return InputMoments(*(float(value) for value in values))


def inverse_width(act: ErfMixture) -> float:
    """Return Σ pᵢpⱼ/√(u + v): E[σ′²] tends to gain² (2/π) times this over √p."""
    u, v, weight = scale_pairs(act)
    return float(np.sum(weight / np.sqrt(u + v)))


def diagonal(kernel: Kernel, p: float) -> tuple[float, float]:
    """Return Θ(x, x) and dΘ/d log p at ‖x‖² = p · dim, from the recursion of Lemma 5's proof."""
    theta, slope, change = p, p, p  # change: of the layer's variance with log p
    for _ in range(kernel.hidden_layers):
        m = input_moments(kernel.activation, p)
        slope = (
            slope * m.derivative_square
            + theta * m.derivative_square_slope * change
            + m.square_slope * change
        )
        theta = theta * m.derivative_square + m.square
        p, change = m.square, m.square_slope * change
    return theta, slope
