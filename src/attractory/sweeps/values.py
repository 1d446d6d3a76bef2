"""The values that a cell returns as bytes: numbers and text as JSON, arrays in NumPy's format."""

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["Encoded", "Values", "decode", "encode"]

Values = dict[str, Any]  # numbers, booleans, strings and arrays, by name

_MOST = 900_000_000  # bytes of a value; SQLite takes at most 10⁹

Encoded = list[tuple[str, str, bytes]]  # name, "json" or "npy", content


def encode(values: object) -> Encoded:
    """Encode a dictionary of numbers, booleans, strings and arrays; TypeError for anything else."""
    if not isinstance(values, Mapping):
        raise TypeError(f"a cell must return a dictionary, got {type(values).__name__}")
    encoded = []
    for name, value in values.items():
        if not isinstance(name, str):
            raise TypeError(f"a cell's values must have strings as names, got {name!r}")
        if type(value).__module__.partition(".")[0] in ("jax", "jaxlib"):
            value = np.asarray(value)
            value = value.item() if value.ndim == 0 else value
        if isinstance(value, np.ndarray):
            encoded.append((name, "npy", _npy(value, name)))
        else:
            encoded.append((name, "json", _json(value, name)))
    return encoded


def _npy(array: np.ndarray, name: str) -> bytes:
    if array.dtype.kind not in "biufcSU":
        raise TypeError(f"value {name!r} must be an array of numbers or text, got {array.dtype}")
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    content = file.getvalue()
    if len(content) > _MOST:
        raise ValueError(f"value {name!r} must take at most {_MOST:,} bytes, got {len(content):,}")
    return content


def _json(value: Any, name: str) -> bytes:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        # JSON has no NaN and no infinities: they are a list of one string, as no other value is.
        value = float(value) if math.isfinite(value) else [str(float(value))]
    elif not isinstance(value, bool | int | str):
        raise TypeError(
            f"value {name!r} must be a number, a boolean, a string or a NumPy array, "
            f"got {type(value).__name__}"
        )
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode()


def decode(encoded: Encoded) -> Values:
    """Return the values that were encoded, bit for bit."""
    values: Values = {}
    for name, kind, content in encoded:
        if kind == "npy":
            values[name] = np.load(io.BytesIO(content), allow_pickle=False)
        else:
            value = json.loads(content)
            values[name] = float(value[0]) if isinstance(value, list) else value
    return values
