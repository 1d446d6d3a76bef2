"""What is compared: a memory is a function that stores rows and returns a function that recalls.

    def store(patterns):            # (n, d)
        ...
        return recall               # recall(cues), (k, d) → (k, d)

A recall that has an argument `known` is also given which coordinates of the cues are known, a mask
(k, d), where a protocol tells it. One that has an attribute `add` can take more rows, `add(rows)`,
which protocols that write one row at a time call. One that has `nbytes` says itself how much memory
it holds; otherwise the arrays are counted that can be reached from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from attractory._util.optional import need
from attractory._util.validation import near
from attractory.bench.regressions import Covariance, KernelRidge
from attractory.bench.signs import DenseHopfield, Hopfield, KernelHopfield
from attractory.bench.universal import UniversalHopfield

__all__ = ["MEMORIES", "OURS", "Memory", "Recall", "Stored", "memories_named", "usual_memories"]

OURS = "Attractory"
BETAS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
WIDTHS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
_LINKS, _LOOKED_AT = 32, 64  # of a row, and rows of a search, in a graph
RIDGES = (1e-6, 1e-4, 1e-2, 0.1, 1.0)


@runtime_checkable
class Recall(Protocol):
    """What a memory's function returns: cues (k, d) to states (k, d)."""

    def __call__(self, cues: Any, /) -> Any:
        """Return where cues end."""
        ...


@dataclass(frozen=True)
class Memory:
    """A memory of the benchmark.

    Attributes:
        name: in tables.
        store: a function of the rows, (n, d), and of the parameters by name, to a `Recall`.
        source: where it was published.
        parameters: the settings to choose among. For each protocol, number of rows and kind of cue
            the one is taken that recalls most of other cues of that kind, made of the same rows
            with other random numbers; of equals the one whose states lie nearest to the rows. So
            every free parameter is at its best of these, which favours the memory.

    Example:
        >>> memory = Memory("mean", lambda rows: lambda cues: 0 * cues + rows.mean(axis=0))
        >>> memory.store(np.eye(2))(np.zeros((1, 2))).tolist()
        [[0.5, 0.5]]
    """

    name: str
    store: Callable[..., Recall]
    source: str = ""
    parameters: tuple[Mapping[str, float | int | str], ...] = field(default=({},))


class Stored:
    """Recall by a map of this folder, kept with it: `recall.map` is for the analyses.

    Args:
        made: of the rows, the map.
        patterns: the rows.

    Example:
        >>> recall = Stored(UniversalHopfield, np.eye(3))
        >>> recall.map.dim, recall(np.eye(3)[:1]).shape
        (3, (1, 3))
    """

    def __init__(self, made: Callable[[np.ndarray], Any], patterns: np.ndarray) -> None:
        """Store the rows."""
        self.map = made(patterns)

    def __call__(
        self, cues: Float[np.ndarray, "k d"], known: Bool[np.ndarray, "k d"] | None = None
    ) -> Float[np.ndarray, "k d"]:
        """Return where cues end."""
        return self.map.recall(cues, known)


def _of(made: Callable[..., Any], **fixed: Any) -> Callable[..., Recall]:
    """Return the function that stores rows in a map."""

    def store(patterns: np.ndarray, **parameters: Any) -> Recall:
        return Stored(partial(made, **fixed, **parameters), patterns)

    return store


def _ours(patterns: np.ndarray) -> Recall:
    """Return this library's memory, loaded by name: changes of its code leave rivals as they are.

    `sweeps.versions` finds code by its imports; `bench.run` asks it for `bench.ours` separately.
    """
    return import_module("attractory.bench.ours").store(patterns)


class _Graph:
    """Approximate search in a graph of near rows (Malkov & Yashunin, 2018), by FAISS."""

    def __init__(self, patterns: np.ndarray) -> None:
        faiss = need("faiss", "the memory 'graph search'", "bench")
        self.rows = patterns
        self.index = faiss.IndexHNSWFlat(patterns.shape[1], _LINKS)
        self.index.hnsw.efSearch = _LOOKED_AT
        self.index.add(patterns.astype(np.float32))  # pyright: ignore[reportCallIssue]
        self.nbytes = patterns.nbytes + len(faiss.serialize_index(self.index))

    def __call__(self, cues: np.ndarray) -> np.ndarray:
        found = self.index.search(cues.astype(np.float32), 1)[1]  # pyright: ignore
        return self.rows[found[:, 0]]


def _mean_row(patterns: np.ndarray) -> Recall:
    """Return the mean row for every cue: the floor, which shows what a success rule lets pass."""
    mean = patterns.mean(axis=0)
    return lambda cues: np.broadcast_to(mean, cues.shape)


def _grid(name: str, values: tuple[float | int, ...]) -> tuple[Mapping[str, float | int], ...]:
    return tuple({name: value} for value in values)


_SEARCHES = {
    f"search, {name}": Memory(
        f"search, {name}", _of(UniversalHopfield, similarity=name, separation="max"),
        "the row that is most alike",
    )
    for name in ("Euclid", "cosine", "Pearson", "Manhattan")
}  # fmt: skip
_NETWORKS = (
    Memory("Hopfield, Hebb", _of(Hopfield, rule="Hebb"), "Hopfield 1982; signs"),
    Memory(
        "Hopfield, pseudo-inverse", _of(Hopfield), "Personnaz, Guyon & Dreyfus 1985; signs",
    ),
    Memory(
        "dense Hopfield", _of(DenseHopfield), "Krotov & Hopfield 2016; signs",
        _grid("power", (2, 3, 5, 10, 30)),
    ),
    Memory(
        "softmax Hopfield", _of(UniversalHopfield, separation="softmax"),
        "Ramsauer et al. 2021; centred unit rows", _grid("beta", BETAS),
    ),
    Memory(
        "entmax Hopfield", _of(UniversalHopfield, separation="entmax"),
        "Santos et al. 2024, α = 1.5; centred unit rows", _grid("beta", BETAS),
    ),
    Memory(
        "sparsemax Hopfield", _of(UniversalHopfield, separation="sparsemax"),
        "Hu et al. 2023; Santos et al. 2024, α = 2; centred unit rows", _grid("beta", BETAS),
    ),
    Memory(
        "kernel ridge", _of(KernelRidge), "Gaussian kernel, iterated",
        tuple({"width": w, "ridge": r} for w in WIDTHS for r in (1e-6, 1e-3)),
    ),
    Memory(
        "kernel Hopfield", _of(KernelHopfield), "Tamamori 2025, by ridge regression; signs",
        _grid("gamma", (0.3, 1.0, 3.0, 10.0)),
    ),
    Memory(
        "covariance coding", _of(Covariance), "Tang et al. 2023, in closed form",
        _grid("ridge", RIDGES),
    ),
)  # fmt: skip
MEMORIES: dict[str, Memory] = {
    OURS: Memory(OURS, _ours, "this library, `AttractorMemory` as it comes"),
    "mean row": Memory("mean row", _mean_row, "the floor: the mean of all rows, whatever the cue"),
    **_SEARCHES,
    **{memory.name: memory for memory in _NETWORKS},
    "graph search": Memory(
        "graph search", _Graph, "approximate, Euclid; FAISS, Malkov & Yashunin 2018"
    ),
}


def usual_memories() -> list[Memory]:
    """Return the memories that come with the package, without those that need what is not here.

    Example:
        >>> usual_memories()[0].name
        'Attractory'
    """
    present = find_spec("faiss") is not None
    return [each for name, each in MEMORIES.items() if present or name != "graph search"]


def memories_named(names: Sequence[str]) -> list[Memory]:
    """Return the memories that come with the package, by name.

    Raises:
        ValueError: for an unknown name; the message gives the near ones.

    Example:
        >>> [memory.name for memory in memories_named(["search, Pearson", "softmax hopfield"])]
        ['search, Pearson', 'softmax Hopfield']
    """
    known = {name.lower(): name for name in MEMORIES}
    wanted = []
    for name in names:
        plain = str(name).strip().lower()
        if plain not in known:
            raise ValueError(f"rivals must be of the benchmark's, got {near(str(name), MEMORIES)}")
        wanted.append(known[plain])
    return [MEMORIES[name] for name in dict.fromkeys(wanted)]
