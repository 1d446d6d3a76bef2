"""Draw the moving picture of the first page: `python docs/recall_gif.py` writes _static/recall.gif.

Six of twenty stored digits under noise one and a half times as large as they are; a frame is an
application of the map, the last ones are where it came to rest.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

import attractory as at
from attractory.plotting import plot_image_rows

SHOWN, NORM, NOISE = [0, 1, 2, 3, 4, 7], 100.0, 1.5
PATH = Path(__file__).parent / "_static/recall.gif"


def frame(shapes, states, step):
    """Return one picture: the digits as stored, and the states after some steps."""
    title = f"step {step}" if step else "twenty digits stored; six cues"
    rows = [("stored", shapes), ("recalled", states)]
    figure = plot_image_rows(rows, (28, 28), title=title)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=130)
    return Image.open(buffer).convert("L").quantize(24)


def main():
    """Iterate, draw, write."""
    images, _ = at.datasets.bundled_digits(20)
    mean, sizes = images.mean(axis=0), np.linalg.norm(images - images.mean(axis=0), axis=1)
    patterns = at.datasets.rescale(images, norm=NORM)
    memory = at.fit_regression(patterns)
    noise = np.random.default_rng(3).standard_normal(patterns.shape) * NOISE * NORM / 28
    state = (patterns + noise)[SHOWN]
    scale = (sizes[SHOWN] / NORM)[:, None]
    frames, steps = [], 0
    for steps in range(200):
        frames.append(frame(images[SHOWN], state * scale + mean, steps))
        following = np.asarray(memory(state))
        if np.linalg.norm(following - state, axis=1).max() < 0.003 * NORM:
            break
        state = following
    times = [1500] + [110] * (len(frames) - 2) + [2500]
    frames[0].save(
        PATH, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True
    )
    print(f"{PATH.name}: {len(frames)} frames, {PATH.stat().st_size / 1024:.0f} KiB, {steps} steps")


if __name__ == "__main__":
    main()
