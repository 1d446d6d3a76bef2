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
from kinds.views import flat, images_of, moved, turned

_CUES = 40


def mapped(matrix, shift=(0, 0), mode="nearest"):
    """Damage by an affine map about the middle; shifts are parts of the sides."""

    def damage(rows, shape, stored, rng):
        return flat(np.stack([moved(i, matrix, shift, mode) for i in images_of(rows, shape)]))

    return damage


def by(degrees):
    """The matrix of a turn."""
    return turned(np.deg2rad(degrees))


def then(damage, change):
    """Damage, and what is done to its cues."""
    return lambda rows, shape, stored, rng: change(damage(rows, shape, stored, rng), rng)


ONE = np.eye(2)
KINDS = {
    "shifted by a tenth": mapped(ONE, (0.1, -0.05)),
    "shifted by a tenth, black": mapped(ONE, (-0.1, 0.1), "constant"),
    "shifted by a quarter": mapped(ONE, (-0.18, 0.22)),
    "rolled by a fifth": mapped(ONE, (0.2, 0.1), "grid-wrap"),
    "turned by 15°": mapped(by(15)),
    "turned by 40°": mapped(by(-40)),
    "turned by 90°": mapped(by(90)),
    "mirrored": mapped(np.diag([1, -1])),
    "upside down": mapped(-ONE),
    "three quarters of the size": mapped(ONE / 0.75),
    "larger by a third": mapped(0.75 * ONE),
    "sheared": mapped(np.array([[1, 0], [0.4, 1]])),
    "turned, shifted and smaller": mapped(by(20) / 0.85, (0.1, 0.07)),
    "shifted, in noise of 0.3": then(
        mapped(ONE, (0.14, -0.1)), lambda x, rng: x + 0.3 * rng.normal(size=x.shape)
    ),
    "shifted, and a negative": then(mapped(ONE, (0.1, 0.1)), lambda x, rng: 1 - x),
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
