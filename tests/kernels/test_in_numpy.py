"""The kernel of few points in NumPy is the compiled one, in both precisions, and near patterns."""

import equinox as eqx
import jax
import numpy as np
import pytest

from attractory._util.precision import full_precision
from attractory.activations import activation
from attractory.datasets import sphere
from attractory.kernels.in_numpy import rows_in_numpy
from attractory.kernels.kernel import Kernel
from attractory.kernels.recursion import block, prepare
from attractory.kernels.single_precision import single

DIM = 30


@pytest.mark.parametrize(("name", "norm"), [("sigmoid", 20.0), ("sigmoid", 3e6), ("erf", 20.0)])
def test_it_is_the_compiled_block(name, norm):
    y = sphere(7, DIM, norm=norm)
    rng = np.random.default_rng(0)
    x = np.vstack([
        y[:3], y[:3] + 1e-9 * norm * rng.normal(size=(3, DIM)), rng.normal(size=(3, DIM)),
        0.3 * norm * rng.normal(size=(3, DIM)), np.zeros((1, DIM)), -y[:2],
    ])  # fmt: skip
    with full_precision():
        columns = prepare(Kernel.of(name, 2), y, False)
        compiled = jax.jit(lambda x: block(columns, x, "ntk", nearest=True)[0])
        wanted = np.asarray(compiled(x))
        found = rows_in_numpy(columns)(x)
        rough = rows_in_numpy(single(columns))(x.astype(np.float32))
    np.testing.assert_allclose(found, wanted, rtol=2e-13, atol=1e-15 * wanted.max())
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough, wanted, atol=2e-4 * wanted.max())


def test_there_is_none_for_more_layers_or_norms():
    y = sphere(7, DIM, norm=20.0)
    with full_precision():
        assert rows_in_numpy(prepare(Kernel.of("erf", 3), y, False)) is None
        # The table of the test above, as of columns of several norms.
        one = prepare(Kernel.of("sigmoid", 2), y, False)
        assert rows_in_numpy(one) is not None
        several = eqx.tree_at(
            lambda c: c.tables[0].b_ends, one, jax.numpy.arange(2.0), is_leaf=lambda v: v is None
        )
        assert rows_in_numpy(several) is None
        linear = Kernel(activation("linear"), 2)
        assert rows_in_numpy(prepare(linear, y, False)) is None
