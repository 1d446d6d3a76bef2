"""The toy maps are what they claim to be."""

import jax
import numpy as np
import pytest
from toy_maps import Cubic, Product, Ring, Sigmoid

MAPS = [Sigmoid(), Cubic(), Cubic(0.7), Ring(), Ring(3), Product((Ring(), Sigmoid(), Cubic()))]


@pytest.mark.parametrize("f", MAPS, ids=str)
def test_attractors_recur_with_their_multipliers(f):
    # All points together: each shape is compiled.
    every = np.concatenate(f.attractors)
    with jax.enable_x64(True):
        values, jacobians = jax.jit(lambda x: (f(x), jax.vmap(jax.jacfwd(f))(x)))(every)
        ends = np.cumsum([len(points) for points in f.attractors])[:-1]
        parts = np.split(np.asarray(values), ends), np.split(np.asarray(jacobians), ends)
        for points, multipliers, images, derivatives in zip(
            f.attractors, f.multipliers, *parts, strict=True
        ):
            np.testing.assert_allclose(images, np.roll(points, -1, axis=0), atol=1e-14)
            jacobian = np.eye(f.dim)
            for derivative in derivatives:
                jacobian = derivative @ jacobian
            values = np.linalg.eigvals(jacobian)
            np.testing.assert_allclose(
                np.sort_complex(np.round(values, 10)),
                np.sort_complex(np.round(multipliers + 0j, 10)),
                atol=1e-9,
            )
            assert np.abs(multipliers).max() < 1


@pytest.mark.parametrize("f", MAPS, ids=str)
def test_basin_reaches_to_the_boundary_and_not_beyond(f):
    """States just short of the stated distance return to their cycle; some just beyond do not."""
    rng = np.random.default_rng(0)
    run = jax.jit(lambda x: jax.lax.fori_loop(0, 300, lambda _, y: f(y), x))
    with jax.enable_x64(True):
        for points, distance in zip(f.attractors, f.distances, strict=True):
            way = rng.normal(size=(100, f.dim))
            # The boundary's nearest point lies on an axis about the first point of each cycle.
            way = np.vstack([way, np.eye(f.dim), -np.eye(f.dim)])
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            for factor, all_home in [(0.99, True), (1.01, False)]:
                x = np.asarray(run(points[0] + factor * distance * way))
                home = np.linalg.norm(x[:, None] - points, axis=2).min(axis=1) < 1e-6
                assert home.all() == all_home
