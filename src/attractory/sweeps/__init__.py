"""A function over a grid of settings: each cell is stored as it ends, and none is computed twice.

`grid` makes cells, `sweep` computes them, `open_sweep` reads what a folder holds. Local processes
compute, or those of a Dask cluster, with one thread each, so that the bits of results do not depend
on the machine's cores. The guide is `docs/howto/sweep.md`; for clusters, `docs/howto/cluster.md`.

| file | what it does |
|---|---|
| `run` | a sweep from start to end |
| `grid` | settings of cells, their checks and keys |
| `functions`, `versions` | the function by name, and the version of the code it reaches |
| `builtin` | functions that come with attractory |
| `store`, `values` | one SQLite file; values as bytes |
| `results`, `tables` | what a sweep returns; as a data frame or data set |
| `workers`, `worker`, `compilation_cache` | local processes, and the compiled code they share |
| `dask_workers` | processes on a Dask cluster |
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
