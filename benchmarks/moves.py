"""Recall of images that were moved as a whole, beside simple searches.

    python benchmarks/moves.py --digits FOLDER --fashion FOLDER [--pictures FOLDER] [--rows 1000]

Shifted, turned, mirrored, sheared, shown at another size, or several of these. What comes into view
is the edge's, but where it says black or rolled. Recall was learned on moves drawn at random
(`row_probability.py`), of other rows: these are those of `damage.py --held-out`, as the tables are.
"""

import argparse
import warnings

import numpy as np
from damage import add_data, data_sets, table
from kinds.views import flat, images_of
from scipy.ndimage import affine_transform

_CUES = 40


def moved(matrix, shift=(0, 0), mode="nearest"):
    """Damage by an affine map about the middle; shifts are parts of the side."""

    def damage(rows, shape, stored, rng):
        middle, out = (np.array(shape[:2]) - 1) / 2, images_of(rows, shape)
        beyond = middle - matrix @ middle + np.multiply(shift, shape[:2])
        for image in out:
            for channel in np.moveaxis(image, 2, 0):
                channel[:] = affine_transform(channel, matrix, beyond, order=1, mode=mode)
        return flat(out)

    return damage


def turned(degrees):
    """The matrix of a turn."""
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def then(damage, change):
    """Damage, and what is done to its cues."""
    return lambda rows, shape, stored, rng: change(damage(rows, shape, stored, rng), rng)


ONE = np.eye(2)
KINDS = {
    "shifted by a tenth": moved(ONE, (0.1, -0.05)),
    "shifted by a tenth, black": moved(ONE, (-0.1, 0.1), "constant"),
    "shifted by a quarter": moved(ONE, (-0.18, 0.22)),
    "rolled by a fifth": moved(ONE, (0.2, 0.1), "grid-wrap"),
    "turned by 15°": moved(turned(15)),
    "turned by 40°": moved(turned(-40)),
    "turned by 90°": moved(turned(90)),
    "mirrored": moved(np.diag([1, -1])),
    "upside down": moved(-ONE),
    "three quarters of the size": moved(ONE / 0.75),
    "larger by a third": moved(0.75 * ONE),
    "sheared": moved(np.array([[1, 0], [0.4, 1]])),
    "turned, shifted and smaller": moved(turned(20) / 0.85, (0.1, 0.07)),
    "shifted, in noise of 0.3": then(
        moved(ONE, (0.14, -0.1)), lambda x, rng: x + 0.3 * rng.normal(size=x.shape)
    ),
    "shifted, and a negative": then(moved(ONE, (0.1, 0.1)), lambda x, rng: 1 - x),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    add_data(parser)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1000])
    arguments = parser.parse_args()
    arguments.held_out = True
    warnings.simplefilter("ignore")
    for count in arguments.rows:
        for name, (rows, shape, of_images) in data_sets(arguments, count).items():
            if of_images and (not arguments.only or name in arguments.only):
                table(name, rows, shape, KINDS, _CUES)
