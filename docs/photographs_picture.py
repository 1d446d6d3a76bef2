"""Draw recalled photographs: `python docs/photographs_picture.py`; explanation/photographs.png.

It is the figure of the gallery's example of photographs, in 256 colours.
"""

import io
import runpy
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
PATH = HERE / "explanation/photographs.png"
EXAMPLE = HERE.parent / "examples/gallery/plot_17_photographs.py"

if __name__ == "__main__":
    drawn = io.BytesIO()
    runpy.run_path(str(EXAMPLE))["figure"].savefig(drawn, format="png", dpi=110)
    Image.open(drawn).convert("RGB").quantize(256).save(PATH, optimize=True)
