"""The fast angles are atan2."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from attractory.duals.angles import angle_above, angle_beside

S = np.concatenate([-np.logspace(-12, 12, 61), [0.0], np.logspace(-12, 12, 61)])


@pytest.mark.parametrize("root", [1e-8, 0.3, 1.0, 1e8])
def test_relative_accuracy(root):
    with jax.enable_x64(True):
        above = np.asarray(angle_above(jnp.full_like(S, root), jnp.asarray(S)))
        beside = np.asarray(angle_beside(jnp.asarray(S), jnp.full_like(S, root)))
    for value, other, s in zip(above, beside, S, strict=True):
        exact = float(mpmath.atan2(root, -s))
        assert value == pytest.approx(exact, rel=2e-15)
        assert other == pytest.approx(float(mpmath.atan2(s, root)), rel=2e-15, abs=0)


def test_derivatives_at_zero_and_beside_it():
    with jax.enable_x64(True):
        for function in (
            lambda s: angle_above(jnp.array(2.0), s),
            lambda s: angle_beside(s, jnp.array(2.0)),
        ):
            slope = jax.jit(jax.grad(function))
            for s in (-1.0, 0.0, 1e-9, 3.0):  # d atan2(s, D)/ds = D/(D² + s²)
                assert float(slope(s)) == pytest.approx(2 / (4 + s * s), rel=1e-13)
