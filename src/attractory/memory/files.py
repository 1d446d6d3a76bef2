"""Memories as files: `save_memory` and `load_memory`, in the format of `io.tensor_file`.

A file is a memory's state written down. A kernel memory is its patterns and coefficients, so that
loading solves nothing; a network memory its weights. The residual is that of the memory saved, and
the file's digest stands for every bit; loading measures it anew at some rows.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from attractory.activations import Activation, ErfMixture, Linear
from attractory.activations import activation as find_activation
from attractory.io.tensor_file import StorageError, read_file, write_file
from attractory.maps.network import Autoencoder
from attractory.memory.coordinates import Coordinates, spread
from attractory.memory.estimator import AttractorMemory
from attractory.memory.metric import Metric
from attractory.memory.metric_search import Choice
from attractory.memory.sequence import SequenceMemory
from attractory.memory.settings import MemorySettings
from attractory.memory.state import MemoryState
from attractory.memory.stored_map import KernelStore, NetworkStore
from attractory.memory.stored_map_gpu import store_type

__all__ = ["load_memory", "save_memory"]

_CHECKED = 64  # rows whose residual is measured anew
_KINDS: dict[str, type[AttractorMemory] | type[SequenceMemory]] = {
    "patterns": AttractorMemory, "sequence": SequenceMemory,
}  # fmt: skip


def save_memory(
    memory: AttractorMemory | SequenceMemory,
    path: str | Path,
    *,
    info: dict[str, Any] | None = None,
) -> None:
    """Write a memory to a file, atomically.

    Args:
        memory: fitted. What is written is what was fitted: parameters changed since are left out,
            but for those that recall reads (`max_steps`, `tolerance`, `reject`).
        path: of the file; its folder must exist.
        info: whatever else belongs to it (names, the shape of images), as JSON values; it comes
            back as the memory's `info_`.

    Raises:
        ValueError: for an activation that is neither named nor a mixture, parameters out of range,
            or values JSON lacks; an earlier file stays.
        OSError: if the file cannot be written; an earlier one is whole then.

    Example:
        >>> import tempfile
        >>> memory = AttractorMemory(norm=20.0).fit(np.eye(4, 9))
        >>> path = Path(tempfile.mkdtemp()) / "four.mem"
        >>> save_memory(memory, path)
        >>> bool((load_memory(path).patterns_ == memory.patterns_).all())
        True
    """
    state: MemoryState = memory.state_
    settings = state.settings.at_recall(memory.get_params(deep=False))
    names = memory.get_params(deep=False)
    parameters = {k: v for k, v in settings.as_parameters().items() if k in names}
    parameters["activation"] = _described(settings.activation)
    if "compute" in parameters:
        parameters["compute"] = None  # where is no part of the memory
    if isinstance(settings.metric, np.ndarray):
        parameters["metric"] = "rule"  # the matrix is among the arrays
    if not isinstance(settings.random_state, int | np.integer):
        parameters["random_state"] = None
    parameters = {k: v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}
    arrays = {"mean": state.coordinates.mean, "points": state.points, "sizes": state.sizes}
    if state.sequence:
        arrays |= {"answers": state.answers, "answer_sizes": state.answer_sizes}
    metric = state.coordinates.metric
    if not metric.plain:
        arrays |= {
            "metric_basis": metric.basis, "metric_gains": metric.gains,
            "metric_variances": metric.variances,
            "metric_numbers": np.array([metric.rest, metric.floor]),
        }  # fmt: skip
    arrays |= state.store.arrays()
    header = {
        "kind": "sequence" if state.sequence else "patterns", "parameters": parameters,
        "norm": float(state.norm), "fitted": int(state.fitted),
        "residual": float(state.store.residual()),
        "choice": None if state.choice is None else state.choice.as_dict(),
        "info": getattr(memory, "info_", {}) if info is None else info,
    }  # fmt: skip
    write_file(path, header, {k: np.ascontiguousarray(v) for k, v in arrays.items()})


def load_memory(path: str | Path) -> AttractorMemory | SequenceMemory:
    """Read a memory that `save_memory` wrote; no code in the file is ever run.

    Raises:
        StorageError: if the file is damaged, of another kind or of a newer version, or does not
            hold a memory.
        FileNotFoundError: if there is none.

    Example:
        >>> load_memory("no/such.mem")
        Traceback (most recent call last):
        FileNotFoundError: there is no file no/such.mem
    """
    header, arrays = read_file(path)
    try:
        return _rebuilt(header, arrays)
    except StorageError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StorageError(f"{path} does not hold a memory: {error}") from None


def _rebuilt(
    header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> AttractorMemory | SequenceMemory:
    parameters = dict(header["parameters"])
    act = _activation(parameters["activation"])
    parameters["activation"] = act.name if _is_plain(act) else act
    memory = _KINDS[header["kind"]](**parameters)
    settings = MemorySettings.checked(parameters | {"compute": None})
    memory.set_params(**({"compute": None} if "compute" in parameters else {}))
    memory.state_ = _state(settings, header, arrays)
    memory.n_features_in_ = memory.state_.points.shape[1]
    memory.info_ = dict(header["info"])
    return memory


def _state(
    settings: MemorySettings, header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> MemoryState:
    mean, points, sizes = (arrays[k] for k in ("mean", "points", "sizes"))
    n, dim = points.shape
    sequence = header["kind"] == "sequence"
    answers = arrays["answers"] if sequence else points
    answer_sizes = arrays["answer_sizes"] if sequence else sizes
    _fits(mean.shape == (dim,) and {sizes.shape, answer_sizes.shape} == {(n,)})
    _fits(answers.shape == points.shape and n > 0)
    norm, fitted = float(header["norm"]), int(header["fitted"])
    if not (norm > 0 and np.allclose(np.linalg.norm(points, axis=1), norm, rtol=1e-6)):
        raise ValueError("its patterns are not of the norm it names")
    _fits(0 <= fitted <= n)
    store = _store(settings, points, answers, arrays, float(header["residual"]))
    _check_some(store)
    coordinates = Coordinates(mean, norm, _metric(arrays, dim))
    choice = header["choice"]
    return MemoryState(
        settings=settings,
        coordinates=coordinates,
        store=store,
        sizes=sizes,
        answer_sizes=answer_sizes,
        sequence=sequence,
        fitted=fitted,
        outside=coordinates.metric.outside(points),
        choice=None if choice is None else Choice.from_dict(choice),
    )


def _fits(condition: Any) -> None:
    if not condition:
        raise ValueError("its arrays do not fit together")


def _check_some(store: KernelStore | NetworkStore) -> None:
    """Refuse a map that misses some of its targets by more than the file says."""
    some = spread(len(store.x), _CHECKED)
    values = np.asarray(store.map()(store.x[some]), float)
    miss = np.linalg.norm(values - store.targets[some], axis=1).max()
    norm = np.linalg.norm(store.x[0])
    if not miss <= max(10 * store.residual(), store.accuracy) * norm:
        raise ValueError("its map does not do what the file says of it")


def _metric(arrays: dict[str, np.ndarray], dim: int) -> Metric:
    if "metric_basis" not in arrays:
        return Metric.identity(dim)
    basis, gains, variances, numbers = (
        arrays[f"metric_{part}"] for part in ("basis", "gains", "variances", "numbers")
    )
    q = len(gains)
    _fits(basis.shape == (dim, q) and gains.shape == variances.shape == (q,) and q > 0)
    _fits(numbers.shape == (2,) and gains.min() > 0 and variances.min() >= 0)
    rest, floor = numbers.tolist()
    _fits(rest > 0 and floor >= 0 and np.allclose(basis.T @ basis, np.eye(q), atol=1e-6))
    return Metric(basis, gains, variances, rest, floor)


def _store(
    settings: MemorySettings,
    points: Float[np.ndarray, "n d"],
    answers: Float[np.ndarray, "n d"],
    arrays: dict[str, np.ndarray],
    residual: float,
) -> KernelStore | NetworkStore:
    n, dim = points.shape
    if settings.width is None:
        coefficients = arrays["coefficients"]
        _fits(coefficients.shape == (n, dim))
        kind = store_type(settings, n, dim)
        return kind(points, answers, settings, coefficients, residual)
    whole = dim + bool(settings.bias)
    weights = tuple(arrays[f"weight{k}"] for k in range(settings.depth))
    into = [whole, *(w.shape[0] for w in weights[:-1])]
    if any(w.ndim != 2 or w.shape[1] != k for w, k in zip(weights, into, strict=True)):
        raise ValueError("its weights do not fit together")
    if weights[-1].shape[0] != whole:
        raise ValueError("its weights do not fit together")
    shell = Autoencoder(
        whole, width=1, depth=settings.depth, activation=settings.activation, key=0,
        dtype=weights[0].dtype,
    )  # fmt: skip
    network = eqx.tree_at(lambda f: f.weights, shell, weights)
    return NetworkStore(points, answers, network, settings.bias, trained=True)


def _is_plain(act: Activation) -> bool:
    try:
        return find_activation(act.name) == act
    except ValueError:
        return False


def _described(act: Activation) -> dict[str, Any]:
    if _is_plain(act):
        return {"name": act.name}
    if isinstance(act, Linear):
        return {"linear": [act.alpha, act.beta]}
    if act.function is not None:
        raise ValueError(
            f"activation {act.name!r} has a function of its own, which a file cannot hold; "
            "make it without one, as the mixture alone"
        )
    return {
        "mixture": act.name, "offset": act.offset, "gain": act.gain, "scales": list(act.scales),
        "weights": list(act.weights),
    }  # fmt: skip


def _activation(described: dict[str, Any]) -> Activation:
    if "name" in described:
        return find_activation(described["name"])
    if "linear" in described:
        return Linear(*described["linear"])
    return ErfMixture(
        str(described["mixture"]), described["offset"], described["gain"],
        tuple(described["scales"]), tuple(described["weights"]),
    )  # fmt: skip
