import os

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Compilation is most of the tests' time, and optimised code would run but once.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"

import jax
from jaxtyping import install_import_hook

# Every shape in a signature is checked at run time while the tests run.
install_import_hook("attractory", "beartype.beartype")


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_code():
    """Each compiled function maps memory, and a process may have only so many maps."""
    yield
    jax.clear_caches()


@pytest.fixture
def cluster(tmp_path):
    pytest.importorskip("distributed")
    from dask_cluster import Cluster

    made = Cluster(tmp_path)
    yield made
    made.end()
