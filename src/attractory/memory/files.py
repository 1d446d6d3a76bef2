"""Memories as files: `save_memory` and `load_memory`, in the format of `io.tensor_file`.

A file is a memory's state written down. A kernel memory is its patterns and coefficients, so that
loading solves nothing; a network memory its weights. The residual is that of the memory saved, and
the file's digest stands for every bit; loading measures it anew at some rows.
"""

import os
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from attractory._util.caller import warn_caller
from attractory._util.machine import refuse_what_cannot_fit
from attractory._util.validation import flag, positive, whole
from attractory.activations import Activation, ErfMixture, Linear
from attractory.activations import activation as find_activation
from attractory.duals.bell import Bell
from attractory.duals.gated import Gated
from attractory.duals.piecewise_linear import PiecewiseLinear
from attractory.duals.polynomial import Polynomial
from attractory.duals.protocol import DualActivation
from attractory.duals.waves import Sinusoid
from attractory.io.tensor_file import ANY, StorageError, read_version, write_file
from attractory.maps.interpolation import InterpolationWarning
from attractory.maps.network import Autoencoder
from attractory.memory.coordinates import Coordinates, spread
from attractory.memory.estimator import AttractorMemory
from attractory.memory.metric import Metric
from attractory.memory.metric_search import Choice
from attractory.memory.sequence import SequenceMemory
from attractory.memory.settings import MemorySettings, check_limits
from attractory.memory.state import MemoryState
from attractory.memory.stored_map import KernelStore
from attractory.memory.stored_map_gpu import store_type
from attractory.memory.stored_network import NetworkStore

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
    overwrite: bool = False,
) -> None:
    """Write a memory to a file, whole or not at all.

    A file that is there is replaced only if it is the one that the memory was loaded from or saved
    to last, unchanged since: what another process has stored there meanwhile is not lost. The
    command `attractory` and this function take the same lock on the file while they look and
    replace (`io.file_lock`).

    Args:
        memory: fitted. What is written is what was fitted: parameters changed since are left out,
            but for those that recall reads (`max_steps`, `tolerance`, `reject`).
        path: of the file; its folder must exist.
        info: whatever else belongs to it (names, the shape of images), as JSON values; it comes
            back as the memory's `info_`.
        overwrite: replace whatever file is there.

    Raises:
        FileChangedError: a FileExistsError, if the file there is another's or has changed.
        NotStoredError: if a row is missed that `fit` was not told to allow.
        TypeError: for a map or another object.
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
    if not isinstance(memory, AttractorMemory | SequenceMemory):
        raise TypeError(
            f"memory must be an AttractorMemory or a SequenceMemory, got {type(memory).__name__}; "
            "a map is saved as what it was made of: fit an AttractorMemory to its patterns"
        )
    check_is_fitted(memory)
    found = memory.state_.check_stored()
    if found is not None:
        warn_caller(found, InterpolationWarning)
    state: MemoryState = memory.state_
    names = memory.get_params(deep=False)
    settings = state.settings.at_recall(names)
    parameters = {k: v for k, v in settings.as_parameters().items() if k in names}
    parameters["activation"] = _described(settings.activation)
    if "compute" in parameters:
        parameters["compute"] = None  # where is no part of the memory
    if isinstance(settings.scale, np.ndarray):
        parameters["scale"] = "columns"  # the numbers are among the arrays
    if isinstance(settings.metric, np.ndarray):
        parameters["metric"] = "rule"  # the matrix is among the arrays
    if not isinstance(settings.random_state, int | np.integer):
        parameters["random_state"] = None
    parameters = {k: v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}
    arrays = {"mean": state.coordinates.mean, "points": state.points, "sizes": state.sizes}
    if state.sequence:
        arrays |= {"answers": state.answers, "answer_sizes": state.answer_sizes}
    if state.coordinates.scale is not None:
        arrays["scale"] = state.coordinates.scale
    metric = state.coordinates.metric
    if not metric.plain:
        arrays |= {
            "metric_basis": metric.basis, "metric_gains": metric.gains,
            "metric_variances": metric.variances,
            "metric_numbers": np.array([metric.rest, metric.floor]),
        }  # fmt: skip
    arrays |= state.store.arrays()
    check_limits(settings)
    header = {
        "kind": "sequence" if state.sequence else "patterns", "parameters": parameters,
        "norm": float(state.norm), "fitted": int(state.fitted),
        "residual": float(state.store.residual()), "allow_unstored": settings.allow_unstored,
        "choice": None if state.choice is None else state.choice.as_dict(),
        "info": getattr(memory, "info_", {}) if info is None else info,
    }  # fmt: skip
    arrays = {k: np.ascontiguousarray(v) for k, v in arrays.items()}
    target = os.path.realpath(path)
    place, known = getattr(memory, "file_", (None, None))
    over = ANY if overwrite else known if place == target else None
    memory.file_ = target, write_file(path, header, arrays, over=over)


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
    header, arrays, version = read_version(path)
    try:
        memory = _rebuilt(header, arrays)
    except StorageError:
        raise
    except KeyError as error:
        lack = f"it lacks {error.args[0]!r}" if error.args else "it lacks a part"
        raise StorageError(f"{path} does not hold a memory: {lack}") from None
    except (TypeError, AttributeError, IndexError, ArithmeticError, RuntimeError) as error:
        reason = f"a part of it is of the wrong kind ({error})"
        raise StorageError(f"{path} does not hold a memory: {reason}") from None
    except ValueError as error:
        raise StorageError(f"{path} does not hold a memory: {error}") from None
    memory.file_ = os.path.realpath(path), version
    return memory


def _rebuilt(
    header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> AttractorMemory | SequenceMemory:
    parameters = dict(header["parameters"])
    act = _activation(parameters["activation"])
    parameters["activation"] = act.name if _is_plain(act) else act
    memory = _KINDS[header["kind"]](**parameters)
    settings = MemorySettings.checked(
        parameters
        | {"compute": None, "allow_unstored": flag(header["allow_unstored"], "allow_unstored")}
    )
    check_limits(settings)
    memory.set_params(**({"compute": None} if "compute" in parameters else {}))
    memory.state_ = _state(settings, header, arrays)
    memory.n_features_in_ = memory.state_.points.shape[1] // settings.context
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
    _fits(answers.shape == points.shape and n > 0 and dim % settings.context == 0)
    norm, fitted = float(header["norm"]), int(header["fitted"])
    if not (norm > 0 and np.allclose(np.linalg.norm(points, axis=1), norm, rtol=1e-6)):
        raise ValueError("its patterns are not of the norm it names")
    _fits(0 <= fitted <= n)
    _agree(settings, mean, norm, arrays)
    if settings.width is None:
        refuse_what_cannot_fit(n, dim, settings.solver, "its patterns")
    coordinates = Coordinates(mean, norm, _metric(arrays, dim), _scale(arrays, dim))
    residual, metric = float(header["residual"]), coordinates.metric
    store = _store(settings, points, answers, arrays, residual, metric)
    _check_some(store, settings.allow_unstored or settings.ridge > 0)
    choice = header["choice"]
    return MemoryState(
        settings=settings,
        coordinates=coordinates,
        store=store,
        sizes=sizes,
        answer_sizes=answer_sizes,
        sequence=sequence,
        fitted=fitted,
        outside=metric.outside(points),
        choice=None if choice is None else _choice(choice),
    )


def _agree(
    settings: MemorySettings, mean: np.ndarray, norm: float, arrays: dict[str, np.ndarray]
) -> None:
    """Refuse parameters that are not those of what is stored."""
    if settings.norm is not None and not np.isclose(settings.norm, norm, rtol=1e-12, atol=0):
        raise ValueError(f"it names the norm {settings.norm:g} and holds patterns of {norm:g}")
    if not settings.center and mean.any():
        raise ValueError("it says that the mean is left in, and names one")
    if settings.metric is None and "metric_basis" in arrays:
        raise ValueError("it says that there is no metric, and holds one")
    if settings.scale is None and "scale" in arrays:
        raise ValueError("it says that columns are not scaled, and holds a scale")


def _scale(arrays: dict[str, np.ndarray], dim: int) -> np.ndarray | None:
    scale = arrays.get("scale")
    if scale is not None:
        _fits(scale.shape == (dim,) and np.isfinite(scale).all() and (scale > 0).all())
    return scale


def _choice(values: dict[str, Any]) -> Choice:
    found = Choice.from_dict(values)
    _fits(found.trials)
    positive(found.metric, "the metric chosen")
    counts = [found.cues, found.rows]
    for trial in found.trials:
        positive(trial.metric, "the metric of a trial")
        counts += [trial.nearest, trial.recalled]
    for count in counts:
        whole(count, "a count of the trials", 0)
    return found


def _fits(condition: Any) -> None:
    if not condition:
        raise ValueError("its arrays do not fit together")


def _check_some(store: KernelStore | NetworkStore, allowed: bool) -> None:
    """Refuse a map that misses some of its targets by more than the file says, or may say."""
    some = spread(len(store.x), _CHECKED)
    if isinstance(store, KernelStore):
        # Not by the map, which has to be compiled: for minutes, if the file says so.
        values = store.kernel(store.x[some], store.x) @ np.asarray(store.map().coefficients)
    else:
        values = np.asarray(store.map()(store.x[some]), float)
    miss = np.linalg.norm(values - store.targets[some], axis=1).max()
    norm = np.linalg.norm(store.x[0])
    if not (allowed or store.residual() <= store.accuracy):
        raise ValueError("by what it says of itself its rows are not stored")
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
    metric: Metric,
) -> KernelStore | NetworkStore:
    n, dim = points.shape
    if settings.width is None:
        coefficients = arrays["coefficients"]
        _fits(coefficients.shape == (n, dim))
        kind = store_type(settings, n, dim)
        return kind(points, answers, settings, coefficients, residual, basis=metric.basis)
    size = dim + bool(settings.bias)
    weights = tuple(arrays[f"weight{k}"] for k in range(settings.depth))
    sizes = [size, *[settings.width] * (settings.depth - 1), size]
    if any(w.shape != (m, k) for w, k, m in zip(weights, sizes, sizes[1:], strict=False)):
        raise ValueError("its weights do not fit together, or its width")
    shell = Autoencoder(
        size, width=1, depth=settings.depth, activation=settings.activation, key=0,
        dtype=weights[0].dtype,
    )  # fmt: skip
    network = eqx.tree_at(lambda f: f.weights, shell, weights)
    return NetworkStore(points, answers, network, settings.bias, trained=True)


_DUALS = {"piecewise_linear": PiecewiseLinear, "sinusoid": Sinusoid, "bell": Bell}


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
    if isinstance(act, Gated):
        return {"gated": _described(act.gate)}
    if isinstance(act, DualActivation):
        described = act.describe()
        if not described:
            raise ValueError(f"activation {act.name!r} is of a class that a file cannot hold")
        return described
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
    for key, make in _DUALS.items():
        if key in described:
            return make(*described[key])
    if "gated" in described:
        gate = _activation(described["gated"])
        if not isinstance(gate, ErfMixture):
            raise ValueError("its activation's gate is no mixture")
        return Gated(gate)
    if "polynomial" in described:
        return Polynomial(tuple(described["polynomial"]), tuple(described["powers"]))
    return ErfMixture(
        str(described["mixture"]), described["offset"], described["gain"],
        tuple(described["scales"]), tuple(described["weights"]),
    )  # fmt: skip
