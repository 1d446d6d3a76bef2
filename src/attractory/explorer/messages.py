"""What the server tells the page: pictures as bytes of pixels, settings and limits."""

import base64
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory.explorer.session import Seen, State
from attractory.explorer.setup import ACTIVATIONS, DEEPEST, NORMS, WIDTHS
from attractory.explorer.sources import LIMITS, Patterns

__all__ = ["cue_message", "frames_message", "limits", "patterns_message"]

_THUMBNAIL = 32  # pixels of a side, at most
_LEGS = {
    "cue": "cue", "mended": "mended", "high degree": "high degree",
    "guided": "guided", "map": "map", "rest": "at rest",
}  # fmt: skip


def limits() -> dict[str, Any]:
    """Return what the page's controls may be set to."""
    return {
        "norms": NORMS, "depth": DEEPEST, "activations": ACTIVATIONS, "widths": WIDTHS,
        "files": LIMITS.files, "fileBytes": LIMITS.file_bytes, "totalBytes": LIMITS.total_bytes,
    }  # fmt: skip


def _pixels(patterns: Patterns, rows: Float[np.ndarray, "k d"], step: int = 1) -> dict[str, Any]:
    """Return rows as bytes, 0 for the patterns' least value and 255 for their largest."""
    height, width, channels = patterns.grid
    low, high = patterns.low, patterns.high
    scaled = np.clip((rows - low) / (high - low), 0, 1)
    missing = height * width * channels - rows.shape[1]
    images = np.pad(scaled, ((0, 0), (0, missing))).reshape(len(rows), height, width, channels)
    images = images[:, ::step, ::step]
    data = np.round(255 * images).astype(np.uint8)
    return {
        "shape": images.shape[1:],
        "data": base64.b64encode(data.tobytes()).decode("ascii"),
    }


def patterns_message(patterns: Patterns) -> dict[str, Any]:
    """Return small pictures of all patterns, and their names."""
    step = max(1, -(-max(patterns.grid[:2]) // _THUMBNAIL))
    return {
        **_pixels(patterns, patterns.rows, step),
        "names": patterns.names,
        "grid": patterns.grid,
        "vectors": patterns.shape is None,
        "digits": patterns.digits,
    }


def cue_message(state: State) -> dict[str, Any]:
    """Return the cue, and the settings that the page's controls are to show."""
    setup = state.setup
    return {
        **_pixels(state.patterns, state.cue[None]),
        "chosen": state.chosen,
        "planes": state.planes,
        "setup": {
            "n": setup.n, "norm": setup.norm, "depth": setup.depth, "width": setup.width,
            "activation": setup.activation, "kind": setup.kind,
        },
    }  # fmt: skip


def frames_message(seen: Seen) -> dict[str, Any]:
    """Return the recall as frames with captions, and beside them the stored pattern."""
    trace, patterns = seen.trace, seen.state.patterns
    rows = trace.rows[seen.frames]
    captions = [
        f"{k}: {_LEGS[trace.legs[k]]}" if 0 < k < len(trace.legs) - 1 else _LEGS[trace.legs[k]]
        for k in seen.frames.tolist()
    ]
    stored = patterns.rows[seen.ended if seen.ended >= 0 else seen.state.chosen]
    captions.append("stored pattern" if seen.ended >= 0 else "not reached")
    return {
        **_pixels(patterns, np.vstack([rows, stored])),
        "captions": captions,
        "ended": seen.ended,
        "chosen": seen.state.chosen,
        "known": bool(seen.trace.recall.known[0]),
        "norm": seen.memory.norm_,
        "planes": seen.patterns,
    }
