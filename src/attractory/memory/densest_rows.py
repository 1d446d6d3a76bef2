"""Whether rows amid many alike ones are attractors, which the norm's rule does not see.

The rule (`memory.norm_rule`) goes by the direction that all rows together fill most. Where some
rows are closely surrounded by others, as pieces of sky are among photographs, the Jacobian there
is larger: its radius is measured at the rows whose tenth neighbours are nearest, by power
iteration with differences of the map. A memory's norm is raised until they are attractors.
"""

import numpy as np

from attractory._util.seeds import generator
from attractory.maps.uncompiled import LOOP, in_numpy
from attractory.memory.stored_map import KernelStore

__all__ = ["STABLE", "densest_radius"]

STABLE = 0.995  # radius from which on the norm is raised
_ROWS, _NEIGHBOUR = 8, 10
_ROUNDS = 60
_STEP = 1e-5  # of the norm, of the differences
_MOST = 2000  # rows: of more it is not asked


def densest_radius(store: KernelStore) -> float:
    """Return the largest radius found at the rows that are most closely surrounded.

    0 where it is not asked: of more than 2,000 rows, and where the map has no function in NumPy.
    """
    inner = store.inner
    x = inner.x
    if len(x) > _MOST:
        return 0.0
    f = in_numpy(inner.calls(), 2 * _ROWS, LOOP)
    if f is None:
        return 0.0
    norm = float(np.linalg.norm(x[0]))
    rho = x @ x.T
    place = min(_NEIGHBOUR, len(x) - 1)
    near = -np.partition(-rho, place, axis=1)[:, place]  # the largest is the row itself
    here = x[np.argsort(-near, kind="stable")[:_ROWS]]
    turn = generator(0, "power iteration").normal(size=here.shape)
    size = np.zeros(len(here))
    for _ in range(_ROUNDS):
        turn *= (_STEP * norm / np.linalg.norm(turn, axis=1))[:, None]
        ahead, behind = np.split(f(np.concatenate([here + turn, here - turn])), 2)
        turn = (ahead - behind) / 2
        size = np.linalg.norm(turn, axis=1) / (_STEP * norm)
        turn[size == 0] = 1.0
    return float(size.max())
