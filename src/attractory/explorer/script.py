"""The Python that makes the explorer's figure, written out for a visitor to run and to change."""

import base64
import textwrap
import zlib
from collections.abc import Sequence
from importlib.metadata import version
from pprint import pformat

import numpy as np

from attractory.explorer.session import Seen

__all__ = ["Courses", "script"]

Courses = Sequence[tuple[str, Sequence[float]]]


def script(seen: Seen, courses: Courses, size: int | None) -> str:
    """Return a program that makes the figure of what is shown.

    Args:
        seen: what is shown.
        courses: of radius against norm in the figure, f0 and norms of each.
        size: of the basin map, cues along a side; None for none.
    """
    state = seen.state
    setup = state.setup
    arguments = ", ".join(f"{name}={value!r}" for name, value in setup.parameters().items())
    names = ["Patterns", "bundled", "draw", "norm_course"]
    names = [name for name in names if name != ("Patterns" if state.patterns.digits else "bundled")]
    names += ["basins"] if size is not None else []
    lines = [
        '"""A memory and a cue, as `attractory explore` showed them.',
        "",
        f"Made by attractory {version('attractory')}. It writes explored.png.",
        '"""',
        "",
        *(["import base64", "import zlib", ""] if _packs(seen) else []),
        "import numpy as np",
        "",
        "from attractory import AttractorMemory",
        f"from attractory.explorer import {', '.join(sorted(names, key=str.lower))}",
        "from attractory.memory import recall_trace",
        "",
        *_patterns(seen),
        f"memory = AttractorMemory({arguments})",
        f"memory.fit(patterns.rows[:{setup.n}])",
        "",
        *_cue(seen),
        "trace = recall_trace(memory, cue)",
        "print(trace.recall)",
        "",
        "courses = [",
        *(f"    norm_course(memory, {list(norms)}, {f0!r})," for f0, norms in courses),
        "]",
    ]
    if size is not None:
        lines += [f"found = basins(memory, {seen.patterns}, size={size})"]
    lines += [
        "",
        "figure = draw(",
        "    memory, trace, patterns,",
        f"    pair={seen.patterns[:2]}, at={seen.at}, courses=courses,"
        + (" basins=found," if size is not None else ""),
        ")",
        'figure.savefig("explored.png")',
    ]
    return "\n".join(lines) + "\n"


def _patterns(seen: Seen) -> list[str]:
    patterns = seen.state.patterns
    if patterns.digits:
        return ["patterns = bundled()"]
    names = pformat(patterns.names, width=88, compact=True)
    return [
        "# patterns.npy came with this file.",
        f"names = {names}",
        f'patterns = Patterns(np.load("patterns.npy"), names, {patterns.shape})',
    ]


def _difference(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Return where the cue is not the pattern it was made from, and its values there."""
    row = seen.state.patterns.rows[seen.state.chosen]
    places = np.flatnonzero(seen.state.cue != row)
    return places, seen.state.cue[places]


def _packs(seen: Seen) -> bool:
    """Whether the cue is written as packed numbers: many values, each its own."""
    places, values = _difference(seen)
    return len(places) > 0 and len(np.unique(values)) > 1


def _cue(seen: Seen) -> list[str]:
    begin = f"cue = patterns.rows[{seen.state.chosen}].copy()"
    places, values = _difference(seen)
    if not len(places):
        return [begin]
    if not _packs(seen):
        starts = np.flatnonzero(np.diff(places, prepend=-2) > 1)
        ends = np.append(starts[1:], len(places)) - 1
        runs = [
            f"{places[a]}:{places[b] + 1}" if b > a else f"{places[a]}"
            for a, b in zip(starts, ends, strict=True)
        ]
        text = textwrap.wrap(", ".join(runs), 88)
        return [
            begin,
            "cue[np.r_[",
            *(f"    {line}" for line in text),
            f"]] = {float(values[0])!r}",
        ]
    packed = base64.b85encode(zlib.compress(seen.state.cue.astype("<f8").tobytes(), 9)).decode()
    text = [f'    "{packed[k : k + 88]}"' for k in range(0, len(packed), 88)]
    return [
        "PACKED = (  # the cue as it was drawn",
        *text,
        ")",
        'cue = np.frombuffer(zlib.decompress(base64.b85decode(PACKED)), "<f8")',
    ]
