"""What models of neighbours compare, written out coordinate by coordinate."""

import numpy as np
import pytest

from attractory.memory.damage_evidence import DamageModels
from attractory.memory.damage_kinds import MODELS
from attractory.memory.damage_models import combined, density, lead, mixture, white
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.neighbourhoods import Neighbourhoods
from attractory.memory.shortlist import RowFrame
from attractory.memory.slow_parts import SlowParts
from attractory.memory.small_images import SmallImages

RNG = np.random.default_rng(11)
PLACE = np.linspace(0, 6, 90)
CURVES = RNG.normal(size=(30, 9)) @ np.cos(np.outer(np.arange(1, 10), PLACE))
FRAME = RowFrame(CURVES, CURVES.mean(axis=0))
IMAGES = SmallImages(FRAME.points)
NEAR = Neighbourhoods(FRAME.points)
CUES = CURVES[:3] + 0.3 * RNG.normal(size=(3, 90))
X = FRAME.inward(CUES)
ROWS = np.arange(8)  # as many as are fitted to the end
LIKE = NEAR.like[:, 1:]


def of_like(values, what, which):
    return np.stack([what([values[..., k] for k in some], axis=0) for some in which], axis=-1)


def behind(fit):
    order = np.argsort(fit.rows[0])
    terms = fit.terms[:, order]
    return lead(terms, terms.sum(axis=2).argmax(axis=1))[0]


@pytest.mark.parametrize("k", range(3))
def test_neighbours_are_those_most_like_a_coordinate(k):
    models = DamageModels(
        FRAME, LocalContrast(FRAME.points), NEAR, IMAGES, SlowParts(FRAME.points, IMAGES)
    )
    given = X, CUES / FRAME.scale, np.tile(ROWS, (3, 1))
    told = models.of(*given).behind[k]
    x, points = X[k : k + 1], FRAME.points[ROWS][None]
    other = (density(given[1][k : k + 1]) + density(x - FRAME.middle)) / 2
    mean = of_like(points, np.mean, LIKE)
    shaded = white(x - of_like(x, np.mean, LIKE), points - mean)
    least, most = (of_like(points, what, NEAR.like) for what in (np.min, np.max))
    far = of_like(least, np.min, NEAR.like), of_like(most, np.max, NEAR.like)
    every = of_like(points, np.mean, NEAR.like)
    again = of_like(of_like(every, np.mean, NEAR.like), np.mean, NEAR.like)
    wanted = {
        "shaded": behind(shaded),
        "smoothed": behind(combined(x, [points, every, again])),
        "moved": behind(mixture(x, points, other, (0.3, 0.1), (least, most))),
        "moved far": behind(mixture(x, points, other, (0.3, 0.1), far)),
    }
    for name, z in wanted.items():
        assert told[MODELS.index(name)] == pytest.approx(z, rel=0.01, abs=0.02), name
