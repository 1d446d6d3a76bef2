"""Memories as files: `save_memory` and `load_memory`, in the format of `attractory.storage`.

A kernel memory is its patterns and coefficients, so that loading solves nothing; a network memory
its weights. Loading measures the residual anew.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from attractory._sphere import Sphere
from attractory._store import KernelStore, NetworkStore
from attractory.activations import Activation, ErfMixture, Linear
from attractory.activations import activation as find_activation
from attractory.memory import AttractorMemory
from attractory.network import Autoencoder
from attractory.storage import StorageError, read_file, write_file

__all__ = ["load_memory", "save_memory"]

_ARRAYS = "mean", "points", "sizes", "answers", "answer_sizes"


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
    parameters["activation"] = _described(find_activation(memory.activation))
    if not isinstance(memory.random_state, int | np.integer):
        parameters["random_state"] = None
    parameters = {k: v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}
    arrays = {
        "mean": memory._sphere.mean, "points": memory.points_, "sizes": memory._sizes,
        "answers": memory._answers(), "answer_sizes": memory._answer_sizes,
    }  # fmt: skip
    if not memory.hetero_:
        del arrays["answers"], arrays["answer_sizes"]
    f = memory.map_
    if isinstance(f, Autoencoder):
        for k, weight in enumerate(f.weights):
            arrays[f"weight{k}"] = np.asarray(weight)
    else:
        arrays["coefficients"] = np.asarray(f.coefficients)
    header = {
        "parameters": parameters, "norm": float(memory.norm_), "hetero": memory.hetero_,
        "info": memory.__dict__.get("info_", {}) if info is None else info,
    }  # fmt: skip
    write_file(path, header, {k: np.ascontiguousarray(v) for k, v in arrays.items()})


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
    parameters = dict(header["parameters"])
    act = _activation(parameters["activation"])
    parameters["activation"] = act.name if _is_plain(act) else act
    memory = AttractorMemory(**parameters)
    memory._parameters()
    mean, points, sizes = (arrays[k] for k in _ARRAYS[:3])
    n, dim = points.shape
    hetero = bool(header["hetero"])
    answers = arrays["answers"] if hetero else points
    answer_sizes = arrays["answer_sizes"] if hetero else sizes
    if mean.shape != (dim,) or {sizes.shape, answer_sizes.shape} != {(n,)}:
        raise ValueError("its arrays do not fit together")
    if answers.shape != points.shape or n == 0:
        raise ValueError("its arrays do not fit together")
    norm = float(header["norm"])
    length = np.linalg.norm(points, axis=1)
    if not (norm > 0 and np.allclose(length, norm, rtol=1e-6)):
        raise ValueError("its patterns are not of the norm it names")
    if memory.model == "kernel":
        coefficients = arrays["coefficients"]
        if coefficients.shape != points.shape:
            raise ValueError("its arrays do not fit together")
        ridge = float(memory.ridge)
        model: Any = KernelStore(points, answers, act, memory.depth, ridge, coefficients)
    else:
        weights = tuple(arrays[f"weight{k}"] for k in range(memory.depth))
        into = [dim, *(w.shape[0] for w in weights[:-1])]
        if any(w.ndim != 2 or w.shape[1] != k for w, k in zip(weights, into, strict=True)):
            raise ValueError("its weights do not fit together")
        if weights[-1].shape[0] != dim:
            raise ValueError("its weights do not fit together")
        shell = Autoencoder(
            dim, width=1, depth=memory.depth, activation=act, key=0, dtype=weights[0].dtype
        )
        model = NetworkStore.trained(
            points, answers, eqx.tree_at(lambda f: f.weights, shell, weights)
        )
    memory.n_features_in_ = dim
    memory._adopt(Sphere(mean, norm), model, sizes, answer_sizes, hetero)
    memory.info_ = dict(header.get("info", {}))
    return memory


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
