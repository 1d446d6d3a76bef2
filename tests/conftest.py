import gc
import os
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Compilation is most of the tests' time, and optimised code would run but once.
os.environ["XLA_FLAGS"] = (
    f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0 "
    # A flag that jaxlib does not know ends the process: 0.12 has lost this one.
    + "--xla_cpu_use_fusion_emitters=false " * (int(version("jaxlib").split(".")[1]) < 11)
    # One piece of code a program: a third of the memory maps, and 8 % of the time.
    + "--xla_cpu_parallel_codegen_split_count=1"
)
# Where in the source an operation stands takes 5 % of the time to write down for the compiler.
os.environ["JAX_TRACEBACK_IN_LOCATIONS_LIMIT"] = "0"
# The workers fill the cores, and threads of BLAS would wait for one another.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

# Fewer pixels: figures are drawn by the hundred, and read back as numbers.
os.environ["MATPLOTLIBRC"] = os.path.join(os.path.dirname(__file__), "matplotlibrc")

# Bytecode is kept: without it each of many processes compiles the package anew, for 2 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import jax
import psutil
from shape_checks import check_shapes

sys.dont_write_bytecode = False

# Every shape in a signature is checked at run time while the tests run.
check_shapes("attractory")


# JAX keeps millions of objects: looking through them again and again is 5 % of the time.
gc.set_threshold(50_000, 20, 100)

_MAPS = 30_000  # of memory; Linux gives a process 65,530
_MEMORY = 2.5e9  # bytes a worker: four of them should fit a small machine


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_code():
    """Each compiled function takes memory and maps of it, without which XLA's compiler crashes."""
    yield
    full = psutil.Process().memory_info().rss > _MEMORY
    with suppress(OSError), open("/proc/self/maps", "rb") as maps:
        full = full or sum(1 for _ in maps) > _MAPS
    if full:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(autouse=True, scope="session")
def _temporary_folders_are_removed(tmp_path_factory):
    """What examples and killed processes leave goes where pytest's own folders are."""
    tempfile.tempdir = os.environ["TMPDIR"] = str(tmp_path_factory.mktemp("children"))


@pytest.fixture
def cluster(tmp_path):
    pytest.importorskip("distributed")
    from dask_cluster import Cluster

    made = Cluster(tmp_path)
    yield made
    made.end()
