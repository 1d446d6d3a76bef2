"""Draw the moving picture of the first page: `python docs/recall_gif.py` writes _static/recall.gif.

Six of twenty stored digits, of which the upper half is given; a frame is a step of recall.
"""

from pathlib import Path

import attractory as at
from attractory.plotting import recall_animation, save_animation

SHOWN = [0, 1, 2, 3, 5, 11]
PATH = Path(__file__).parent / "_static/recall.gif"


def main():
    """Store, recall, draw, write."""
    digits, _ = at.datasets.bundled_digits(20)
    memory = at.AttractorMemory().fit(digits)
    halves = digits.copy()
    halves[:, 392:] = 0.0
    movie = recall_animation(
        memory, halves[SHOWN], (28, 28), others=[("stored", digits[SHOWN])],
        title="Twenty digits stored; six from their upper half",
    )  # fmt: skip
    save_animation(movie, PATH, dpi=130, frames_per_second=6)
    print(f"{PATH.name}: {PATH.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
