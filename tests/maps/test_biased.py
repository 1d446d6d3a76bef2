"""Maps with biases: derivatives, the paper's limit, and certificates."""

import jax
import numpy as np
import pytest

from attractory import (
    Autoencoder,
    certified_radius,
    critical_shock,
    fit_regression,
    ntk,
    recall,
    spectral_radius,
)
from attractory.datasets import sphere
from attractory.maps import Biased
from attractory.maps.biased import lifted


@pytest.fixture(scope="module")
def patterns():
    return sphere(5, 12, norm=20.0)


@pytest.fixture(scope="module")
def biased(patterns):
    return Biased(fit_regression(lifted(patterns, 40.0), activation="erf"), 40.0)


def test_derivatives_agree_with_differentiation(patterns, biased):
    x = patterns[:2] + 1.0
    network = Biased(Autoencoder(13, width=30, key=0, dtype=np.float64), 40.0)
    for f in (biased, network):
        with jax.enable_x64(True):
            exact = np.asarray(jax.jit(jax.vmap(jax.jacfwd(f)))(x))
        np.testing.assert_allclose(f.jacobian(x), exact, rtol=1e-8, atol=1e-10)
        radius = [np.abs(np.linalg.eigvals(j)).max() for j in exact]
        np.testing.assert_allclose(spectral_radius(f, x), radius, rtol=1e-8)
    left, right = biased.jacobian_factors(x)
    np.testing.assert_allclose(left @ right, biased.jacobian(x), atol=1e-12)
    v = np.ones_like(x)
    np.testing.assert_allclose(
        network.linearize(x)(v), np.einsum("kij,kj->ki", network.jacobian(x), v), atol=1e-9
    )
    assert not hasattr(biased, "linearize")
    assert not hasattr(network, "jacobian_factors")


def test_the_kernel_has_even_terms_only_with_biases(patterns):
    """θ(x, y) + θ(x, −y) vanishes for an odd activation without biases, and not with them."""
    x, y = patterns[:1], patterns[1:2]
    odd = ntk(x, y, activation="erf") + ntk(x, -y, activation="erf")
    even = ntk(lifted(x, 40.0), lifted(y, 40.0), activation="erf") + ntk(
        lifted(x, 40.0), lifted(-y, 40.0), activation="erf"
    )
    assert abs(odd[0, 0]) < 1e-12
    assert abs(even[0, 0]) > 0.1


def test_certified_cues_come_home_and_shocks_lie_beyond(patterns, biased):
    patterns = patterns[:2]
    certificate = certified_radius(biased, patterns)
    assert certificate.certified.all()
    shock = critical_shock(biased, patterns, starts=2, rounds=4)
    assert (certificate.radius < shock.distance).all()
    directions = sphere(40, 12, seed=3)
    for point, radius in zip(patterns, certificate.radius, strict=True):
        result = recall(biased, point + 0.999 * radius * directions)
        np.testing.assert_allclose(result.state, np.broadcast_to(point, (40, 12)), atol=1e-5)


def test_shape_is_checked(biased):
    with pytest.raises(ValueError, match="x must have 12"):
        biased(np.zeros(13))
