"""Writing figures: all are drawn before the first is written, and each is written whole."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from attractory._util.interrupts import too_late
from attractory.io.atomic_file import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PICTURE_KINDS", "write_pictures"]

PICTURE_KINDS = ".png", ".svg", ".pdf"


def write_pictures(pictures: "dict[Path, Figure]") -> list[Path]:
    """Write figures as what their names say, and return the paths.

    Folders that lack are made. Drawing takes seconds, and Ctrl-C ends the command without a
    file; writing takes none.
    """
    drawn: dict[Path, bytes] = {}
    for path, figure in pictures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=path.suffix.lower().removeprefix("."))
        drawn[path] = buffer.getvalue()
    too_late()
    for path, content in drawn.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(Path(os.path.realpath(path))) as file:  # what a link names, not the link
            file.write(content)
    return list(drawn)
