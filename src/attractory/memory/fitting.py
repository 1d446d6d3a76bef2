"""From rows to a memory: coordinates are chosen for them, and a map is made that stores them."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from sklearn.utils import check_random_state

from attractory._util.progress import Progress, in_parts, reporting
from attractory.maps.network import Autoencoder
from attractory.memory.column_scale import column_scale
from attractory.memory.coordinates import Coordinates, distinct
from attractory.memory.densest_rows import STABLE, densest_radius
from attractory.memory.metric import fit_metric
from attractory.memory.metric_search import choose
from attractory.memory.norm_rule import auto_norm
from attractory.memory.row_checks import centre
from attractory.memory.settings import MemorySettings
from attractory.memory.state import MemoryState
from attractory.memory.stored_map import KernelStore
from attractory.memory.stored_map_gpu import store_type
from attractory.memory.stored_map_large import LargeStore
from attractory.memory.stored_network import NetworkStore

__all__ = ["fit_state", "make_store"]

_RAISE, _RAISES = 1.3, 6  # of the norm where rows are no attractors, and how often at most


def fit_state(
    rows: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n d"] | None,
    settings: MemorySettings,
    progress: Progress = None,
) -> MemoryState:
    """Choose coordinates for rows, store them, and return the state.

    Args:
        rows: in the user's units, (n, d).
        targets: the row that each is mapped to, (n, d); None for itself.
        settings: checked.
        progress: a bar or none, or a function of parts done, parts in all, and what is being done;
            each trial of a metric is a part (`metric_search.choose`). See `Progress`.

    Raises:
        ValueError: for rows that no memory can tell apart, or that cannot be stored.
    """
    with reporting(progress, "storing", in_parts) as show:
        return _fitted(rows, targets, settings, show)


def _solve(store: KernelStore | NetworkStore, show: Callable[[str], object]) -> None:
    """Solve for the map, so that what cannot be stored fails now."""
    if isinstance(store, LargeStore):
        store.tell = lambda steps, rest: show(f"equations: {steps} products, residual {rest:.0e}")
    try:
        store.residual()
    finally:
        if isinstance(store, LargeStore):
            store.tell = False


def _fitted(
    rows: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n d"] | None,
    settings: MemorySettings,
    show: Callable[[int, int, str], object],
) -> MemoryState:
    trials = 0

    def trial(done: int, total: int) -> None:
        nonlocal trials
        trials = total
        if done < total:
            show(1 + done, 2 + total, f"trial of a metric {done + 1} of {total}")

    show(0, 2, "coordinates")
    mean = centre(rows) if settings.center else np.zeros(rows.shape[1])
    given = rows if targets is None or _among(targets, rows) else np.vstack([rows, targets])
    scale = column_scale(given, mean, settings.scale, settings.context)
    apart = given - mean
    metric = fit_metric(apart if scale is None else apart / scale, settings.metric)
    coordinates = Coordinates(mean, 1.0, metric, scale)
    unit, sizes = coordinates.encode(rows)
    kept = distinct(unit, sizes, rows, mean)
    rows, unit, sizes = rows[kept], unit[kept], sizes[kept]
    choice = None
    if targets is None:
        scaled, middle = coordinates.scaled(rows), coordinates.of_scaled.mean
        choice = choose(scaled, middle, metric, settings, trial)
    if choice is not None:
        metric = metric.with_share(choice.metric)
        unit, sizes = Coordinates(mean, 1.0, metric, scale).encode(rows)
    norm, sequence = settings.norm, targets is not None
    if norm is None:
        norm = auto_norm(unit, settings.activation, settings.depth, settings.bias, sequence)
    coordinates = Coordinates(mean, norm, metric, scale)
    points = norm * unit
    answers, answer_sizes = points, sizes
    if targets is not None:
        answers, answer_sizes = coordinates.encode(targets[kept])
    show(1 + trials, 2 + trials, "equations")

    def solved() -> KernelStore | NetworkStore:
        store = make_store(points, answers, settings, metric.basis)
        _solve(store, lambda what: show(1 + trials, 2 + trials, what))
        return store

    store = solved()
    # Without guidance what some rows gain all others lose: at larger norms basins are smaller.
    raised = _RAISES if settings.norm is None and settings.guided and not sequence else 0
    for _ in range(raised):
        if not isinstance(store, KernelStore) or densest_radius(store) < STABLE:
            break
        norm *= _RAISE
        coordinates, points = Coordinates(mean, norm, metric, scale), norm * unit
        answers = points
        store = solved()
    show(2 + trials, 2 + trials, "done")
    return MemoryState(
        settings=settings,
        coordinates=coordinates,
        store=store,
        sizes=sizes,
        answer_sizes=answer_sizes,
        sequence=sequence,
        fitted=len(points),
        choice=choice,
    )


def _among(some: Float[np.ndarray, "m d"], rows: Float[np.ndarray, "n d"]) -> bool:
    """Whether each of some rows is one of others."""
    return {row.tobytes() for row in some} <= {row.tobytes() for row in rows}


def make_store(
    points: Float[np.ndarray, "n d"],
    answers: Float[np.ndarray, "n d"],
    settings: MemorySettings,
    basis: Float[np.ndarray, "d r"] | None = None,
) -> KernelStore | NetworkStore:
    """Return the store of a map that takes points to answers, not yet solved for or trained."""
    if settings.width is None:
        return store_type(settings, *points.shape)(points, answers, settings, basis=basis)
    start = Autoencoder(
        points.shape[1] + bool(settings.bias),
        width=settings.width,
        depth=settings.depth,
        activation=settings.activation,
        key=int(check_random_state(settings.random_state).randint(np.iinfo(np.int32).max)),
    )
    return NetworkStore(points, answers, start, settings.bias)
