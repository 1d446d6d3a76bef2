"""What takes seconds: certificate, radius against norm, basins. Each is computed once and kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np
from jaxtyping import Complex

from attractory.analysis.critical_norms import CriticalNorm
from attractory.explorer.session import Seen
from attractory.explorer.setup import NORMS
from attractory.explorer.views import (
    Basins,
    basins_by_parts,
    certificate,
    companions,
    norm_course,
    spectra,
)

__all__ = ["COURSE", "SAMPLED", "Check", "Findings", "Tell"]

COURSE = NORMS[::6]  # at which radius against norm is computed
SAMPLED = NORMS[10:49:6]  # the same for the limit of sampled networks, which takes longer
_KEPT = 24

V = TypeVar("V")
Check = Callable[[], None]  # raises if what is computed is of no use any more
Tell = Callable[[float], object]  # takes the share that is done


class Findings:
    """What one page has had computed, by memory and question: one at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: OrderedDict[Hashable, object] = OrderedDict()

    def _once(self, key: Hashable, work: Callable[[], V]) -> V:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = work()
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            found: V = self._kept[key]  # pyright: ignore[reportAssignmentType]
            return found

    def certificate(self, seen: Seen) -> tuple[float, str]:
        """Return the radius certified at the pattern looked at, and a sentence."""
        k, memory = seen.at, seen.memory
        return self._once((memory, k), lambda: certificate(memory, k))

    def companions(self, seen: Seen) -> Complex[np.ndarray, "m e"]:
        """Return the spectra at the other patterns, no rows where they are not shown."""
        which = companions(seen.memory, seen.at)
        if not which:
            return np.zeros((0, len(seen.eigenvalues)), complex)
        return self._once((seen.memory, seen.at, "spectra"), lambda: spectra(seen.memory, which))

    def course(self, seen: Seen, f0: str, check: Check, tell: Tell) -> CriticalNorm:
        """Return radius against norm; it does not depend on the memory's own norm."""
        setup = seen.state.setup
        same = setup.n, setup.activation, setup.depth, setup.kind, f0
        key = seen.state.patterns, *same, setup.width if f0 == "sampled" else 0

        def progress(done: int, total: int, *_: object) -> None:
            check()
            # With f0 = 0 nothing is critical but for a few patterns, and the grid is all there is.
            tell(min(1.0, done / (total if f0 == "sampled" else len(norms))))

        norms = SAMPLED if f0 == "sampled" else COURSE
        return self._once(key, lambda: norm_course(seen.memory, norms, f0, progress))

    def basins(self, seen: Seen, size: int, check: Check, tell: Tell) -> Basins:
        """Return the basins in the plane of the three patterns."""

        def work() -> Basins:
            for found in basins_by_parts(seen.memory, seen.patterns, size, tell):
                check()
                if found is not None:
                    return found
            raise AssertionError("a basin map without an end")

        return self._once((seen.memory, seen.patterns, size), work)
