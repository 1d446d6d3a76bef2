"""Tables of long sums against quadrature, and against the sums where quadrature cannot follow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gaussian_integrals import expected
from scipy.special import expit

from attractory import activation, ntk
from attractory.datasets import sphere
from attractory.duals import activation_from
from attractory.kernels.dual_tables import dual_tables


def _silu(x):
    return x * expit(x)


def _slope(x):
    return expit(x) * (1 + x * expit(-x))


# Loops over few numbers are unrolled, and take a minute to compile.
CORRELATIONS = np.concatenate([[1.0, 1 - 1e-9, 0.7, 0.0, -0.4, -1.0], np.linspace(-1, 1, 64)])
CORRELATIONS = CORRELATIONS[:, None]


def _pairs(size, spread):
    """Return points of variance size with others of up to 1 ± spread of that."""
    a = np.full((1, 1), size)
    b = (1 + np.linspace(-spread, spread, 64)[None]) * size
    gap = a * b * (1 - CORRELATIONS) * (1 + CORRELATIONS)
    return CORRELATIONS * np.sqrt(a * b), gap, np.broadcast_to(a, gap.shape), b


def test_tables_are_the_integrals():
    """At parallel, nearly parallel, orthogonal and opposite points of unlike norms."""
    s, gap, a, b = _pairs(1.0, 0.1)
    found = dual_tables(activation("silu"), [(0.9, 1.1)], 1 << 20)
    assert found is not None
    with jax.enable_x64(True):
        moments = jax.jit(lambda table, *z: table.moments(*z))
        results = moments(found[0], *map(jnp.asarray, (s, gap, a, b)))
    for values, f in zip(results, (_silu, _slope), strict=True):
        exact = [expected(f, f, v, 1.0, 0.9) for v in s[:6, 0]]
        np.testing.assert_allclose(np.asarray(values)[:6, 0], exact, rtol=0, atol=1e-11)


def test_no_table_where_it_would_be_wrong():
    assert dual_tables(activation("silu"), [(1e-2, 1e4)], 1 << 20) is None
    assert dual_tables(activation_from(jnp.tanh, terms=1024), [(40.0, 44.0)], 1 << 20) is None


@pytest.mark.parametrize(
    ("act", "depth", "norm", "most"),
    [("silu", 3, 1e4, 1e-12), (activation_from(jax.nn.softplus), 2, 5.0, 1e-11)],
    ids=["silu", "softplus"],
)
def test_a_matrix_by_tables_is_that_of_its_pairs(act, depth, norm, most):
    x = sphere(260, 20, norm=norm, seed=0)
    x[1], x[2] = x[0], -x[3]
    x[4] = x[0] + 1e-6 * x[4]
    x[4] *= norm / np.linalg.norm(x[4])
    whole = ntk(x, activation=act, depth=depth)[:6, :6]
    few = ntk(x[:6], activation=act, depth=depth)  # so few go by the sums
    size = np.sqrt(np.outer(np.diag(few), np.diag(few)))
    assert (np.abs(whole - few) / size).max() < most
