"""Memories as files: `save_memory` and `load_memory`, in the format of `io.tensor_file`.

A kernel memory is its patterns and coefficients, at its own norm and at those that recall passes,
so that loading solves nothing; a network memory its weights. The residual is that of the memory
saved, the file's digest standing for every bit; loading measures it anew at some rows. Files
written before memories had a metric, biases and a schedule load without them, and those before
`fit` chose by trials without its choice.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from attractory._util.machine import iterates
from attractory.activations import Activation, ErfMixture, Linear
from attractory.activations import activation as find_activation
from attractory.io.tensor_file import StorageError, read_file, write_file
from attractory.maps.network import Autoencoder
from attractory.memory.estimator import AttractorMemory
from attractory.memory.metric import Metric
from attractory.memory.metric_search import Choice
from attractory.memory.parameters import check_parameters
from attractory.memory.sphere import Sphere, spread
from attractory.memory.stored_map import KernelStore, NetworkStore
from attractory.memory.stored_map_large import LargeStore

__all__ = ["load_memory", "save_memory"]

_ARRAYS = "mean", "points", "sizes"
_CHECKED = 64  # rows whose residual is measured anew
_BEFORE = {"metric": None, "bias": 0.0, "schedule": None}  # parameters of the first files


def save_memory(
    memory: AttractorMemory, path: str | Path, *, info: dict[str, Any] | None = None
) -> None:
    """Write a memory to a file, atomically.

    Args:
        memory: fitted.
        path: of the file; its folder must exist.
        info: whatever else belongs to it (names, the shape of images), as JSON values; it comes
            back as the memory's `info_`.

    Raises:
        ValueError: for an activation that is neither named nor a mixture, or values JSON lacks.
        OSError: if the file cannot be written; an earlier one is whole then.

    Example:
        >>> import tempfile
        >>> memory = AttractorMemory(norm=20.0).fit(np.eye(4, 9))
        >>> path = Path(tempfile.mkdtemp()) / "four.mem"
        >>> save_memory(memory, path)
        >>> bool((load_memory(path).patterns_ == memory.patterns_).all())
        True
    """
    parameters = memory.get_params()
    parameters["compute"] = None  # where is no part of the memory
    parameters["activation"] = _described(find_activation(memory.activation))
    if isinstance(memory.metric, list | tuple | np.ndarray):
        parameters["metric"] = "auto"  # the matrix is among the arrays
    if not isinstance(memory.schedule, str | None):
        parameters["schedule"] = [float(norm) for norm in memory.schedule]
    if not isinstance(memory.random_state, int | np.integer):
        parameters["random_state"] = None
    parameters = {k: v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}
    arrays = {
        "mean": memory._sphere.mean, "points": memory.points_, "sizes": memory._sizes,
        "answers": memory._answers(), "answer_sizes": memory._answer_sizes,
    }  # fmt: skip
    if not memory.hetero_:
        del arrays["answers"], arrays["answer_sizes"]
    metric = memory._sphere.metric
    if not metric.plain:
        arrays |= {
            "metric_basis": metric.basis, "metric_gains": metric.gains,
            "metric_variances": metric.variances,
            "metric_numbers": np.array([metric.rest, metric.floor]),
        }  # fmt: skip
    _add_map(arrays, "", memory._model)
    for k, (stage, _) in enumerate(memory._stages):
        _add_map(arrays, f"stage{k}_", stage)
    header = {
        "parameters": parameters, "norm": float(memory.norm_), "hetero": memory.hetero_,
        "recall": 2, "bias": float(memory._model.bias), "schedule": list(memory.schedule_),
        "first": int(memory._first), "residual": float(memory.residual_),
        "choice": None if memory.choice_ is None else memory.choice_.as_dict(),
        "info": memory.__dict__.get("info_", {}) if info is None else info,
    }  # fmt: skip
    write_file(path, header, {k: np.ascontiguousarray(v) for k, v in arrays.items()})


def _add_map(arrays: dict[str, np.ndarray], prefix: str, store: Any) -> None:
    if isinstance(store, NetworkStore):
        for k, weight in enumerate(store.network().weights):
            arrays[f"{prefix}weight{k}"] = np.asarray(weight)
    else:
        arrays[f"{prefix}coefficients"] = np.asarray(store.regression().coefficients)


def load_memory(path: str | Path) -> AttractorMemory:
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


def _rebuilt(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> AttractorMemory:
    parameters = _BEFORE | dict(header["parameters"])
    if "recall" not in header:  # `hold` was another one then
        parameters.pop("hold", None)
    act = _activation(parameters["activation"])
    parameters["activation"] = act.name if _is_plain(act) else act
    memory = AttractorMemory(**parameters)
    check_parameters(memory)
    mean, points, sizes = (arrays[k] for k in _ARRAYS)
    n, dim = points.shape
    hetero = bool(header["hetero"])
    answers = arrays["answers"] if hetero else points
    answer_sizes = arrays["answer_sizes"] if hetero else sizes
    _fits(mean.shape == (dim,) and {sizes.shape, answer_sizes.shape} == {(n,)})
    _fits(answers.shape == points.shape and n > 0)
    norm, bias = float(header["norm"]), float(header.get("bias", 0.0))
    length = np.linalg.norm(points, axis=1)
    if not (norm > 0 and bias >= 0 and np.allclose(length, norm, rtol=1e-6)):
        raise ValueError("its patterns are not of the norm it names")
    model = _model(memory, act, points, answers, bias, arrays, "", header.get("residual"))
    _check_some(model)
    stages = []
    for k, at in enumerate(header.get("schedule", [])):
        _fits(0 < at < norm and not hetero)
        there = points * (at / norm)
        stage = _model(memory, act, there, there, bias, arrays, f"stage{k}_", np.nan)
        stages.append((stage, float(at)))
    memory.n_features_in_ = dim
    first = int(header.get("first", n))
    _fits(0 <= first <= n)
    sphere = Sphere(mean, norm, _metric(arrays, dim))
    outside = sphere.metric.outside(points)
    memory._adopt(sphere, model, tuple(stages), sizes, answer_sizes, hetero, first, outside)
    choice = header.get("choice")
    # Older files may hold a choice of the norm alone.
    if choice is not None and choice["metric"] is None:
        choice = None
    memory.choice_ = None if choice is None else Choice.from_dict(choice)
    memory.info_ = dict(header.get("info", {}))
    return memory


def _fits(condition: Any) -> None:
    if not condition:
        raise ValueError("its arrays do not fit together")


def _check_some(model: KernelStore | NetworkStore) -> None:
    """Refuse a map that misses some of its targets by more than the file says."""
    some = spread(len(model.x), _CHECKED)
    values = np.asarray(model.map()(model.x[some]), float)
    miss = np.linalg.norm(values - model.targets[some], axis=1).max()
    norm = np.linalg.norm(model.x[0])
    if not miss <= max(10 * model.residual(), model.accuracy) * norm:
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


def _model(
    memory: AttractorMemory,
    act: Activation,
    points: np.ndarray,
    answers: np.ndarray,
    bias: float,
    arrays: dict[str, np.ndarray],
    prefix: str,
    residual: float | None,
) -> KernelStore | NetworkStore:
    n, dim = points.shape
    whole = dim + bool(bias)
    if memory.model == "kernel":
        coefficients = arrays[f"{prefix}coefficients"]
        _fits(coefficients.shape == (n, whole))
        known = None if residual is None else float(residual) / float(np.hypot(1.0, bias))
        kind = LargeStore if iterates(memory.solver, n) else KernelStore
        return kind(
            points, answers, act, memory.depth, float(memory.ridge), bias, coefficients, known,
            passed=bool(prefix),
        )  # fmt: skip
    weights = tuple(arrays[f"{prefix}weight{k}"] for k in range(memory.depth))
    into = [whole, *(w.shape[0] for w in weights[:-1])]
    if any(w.ndim != 2 or w.shape[1] != k for w, k in zip(weights, into, strict=True)):
        raise ValueError("its weights do not fit together")
    if weights[-1].shape[0] != whole:
        raise ValueError("its weights do not fit together")
    shell = Autoencoder(
        whole, width=1, depth=memory.depth, activation=act, key=0, dtype=weights[0].dtype
    )
    network = eqx.tree_at(lambda f: f.weights, shell, weights)
    return NetworkStore(points, answers, network, bias, trained=True)


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
