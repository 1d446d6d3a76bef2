"""The value object that says whose kernel is meant."""

from functools import partial

import jax
import pytest

from attractory.activations import ErfMixture
from attractory.kernels import Kernel


def test_equal_kernels_share_what_is_compiled():
    traced = []

    @partial(jax.jit, static_argnums=0)
    def depth(kernel, x):
        traced.append(kernel)
        return kernel.depth * x

    def own():
        return ErfMixture("own", offset=0.0, gain=1.0, scales=(0.5, 2.0), weights=(0.5, 0.5))

    for kernel in (Kernel.of(own(), 3), Kernel.of(own(), 3), Kernel.of("tanh", 3)):
        assert depth(kernel, 2.0) == 6.0
    assert traced == [Kernel(own(), 3), Kernel.of("tanh", 3)]


@pytest.mark.parametrize(
    ("activation", "depth", "error", "text"),
    [
        ("sigmoid", 1, ValueError, "depth"),
        ("sigmoid", 2.5, TypeError, "depth"),
        ("rectifier", 2, ValueError, "activation must be one of"),
        (3, 2, TypeError, "activation"),
    ],
)
def test_kernels_are_checked(activation, depth, error, text):
    with pytest.raises(error, match=text):
        Kernel.of(activation, depth)
