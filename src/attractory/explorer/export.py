"""What the page gives to take away: the figure, and the Python that makes it."""

import base64
import io
import zipfile
from collections.abc import Sequence

import numpy as np

from attractory._util.validation import choice
from attractory.analysis.critical_norms import CriticalNorm
from attractory.explorer.figure import draw
from attractory.explorer.script import Courses, script
from attractory.explorer.session import Seen
from attractory.explorer.views import Basins

__all__ = ["exported_figure", "exported_script"]

_NAME = "explored"


def exported_figure(
    kind: str, seen: Seen, courses: Sequence[CriticalNorm], basins: Basins | None
) -> tuple[str, str]:
    """Return the name of a picture and its content in base 64.

    Args:
        kind: "png" or "svg".
        seen: what is shown.
        courses: radius against norm, of the memory and perhaps of a sampled network's limit.
        basins: of the figure, None for none.

    Raises:
        ValueError: for another kind.
    """
    choice(kind, "kind", ("png", "svg"))
    figure = draw(
        seen.memory, seen.trace, seen.state.patterns, pair=seen.patterns[:2],
        at=seen.at, courses=courses, basins=basins,
    )  # fmt: skip
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind)
    return f"{_NAME}.{kind}", _text(buffer.getvalue())


def exported_script(seen: Seen, courses: Courses, size: int | None) -> tuple[str, str]:
    """Return the name of a program, or of an archive with its patterns, and its content in base 64.

    Digits a program can get by itself. Arguments are those of `script`.
    """
    source = script(seen, courses, size)
    if seen.state.patterns.digits:
        return f"{_NAME}.py", _text(source.encode("utf-8"))
    rows, archive = io.BytesIO(), io.BytesIO()
    np.save(rows, seen.state.patterns.rows)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{_NAME}.py", source)
        packed.writestr("patterns.npy", rows.getvalue())
    return f"{_NAME}.zip", _text(archive.getvalue())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
