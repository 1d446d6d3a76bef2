"""Pictures and tables drawn at random, which weights are learned on (`row_probability.py`).

They are of many sorts and sizes, so that the weights rely on no sort. Nothing of held-out data sets
is in them.
"""

import numpy as np
from kinds.views import flat
from scipy.ndimage import gaussian_filter


def pictures(count: int, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, tuple]]:
    """Return pictures, (count, d), and their shape."""
    side = int(rng.integers(18, 28))
    fields = np.zeros((count, side, side))
    for wide, size in ((1.0, 0.3), (3.0, 1.0), (8.0, 1.5)):
        field = gaussian_filter(rng.normal(size=fields.shape), (0, wide, wide), mode="reflect")
        fields += size * field / field.std()
    low, high = (f(fields, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    fields = flat((fields - low) / (high - low))
    shape = (int(rng.integers(16, 26)), int(rng.integers(16, 26)))
    drawings = flat(np.stack([drawing(shape, rng) for _ in range(count)]))
    return {
        "fields": (fields, (side, side)),
        "drawings": (drawings, (*shape, 3)),
        "characters": characters(count, rng),
    }


def characters(count: int, rng: np.random.Generator) -> tuple[np.ndarray, tuple]:
    """Return signs of two or three parts out of thirty, so that many share all parts but one."""
    side = int(rng.integers(22, 30))
    down, across = np.mgrid[: 2 * side, : 2 * side] / (2 * side)
    parts = []
    for _ in range(30):
        ink = np.zeros_like(down)
        for _ in range(rng.integers(1, 4)):
            (y, x), angle = rng.uniform(0.1, 0.9, 2), rng.choice([0, 0.5, 0.25, 0.75]) * np.pi
            angle += rng.normal(0, 0.1)
            along = (down - y) * np.sin(angle) + (across - x) * np.cos(angle)
            aside = (down - y) * np.cos(angle) - (across - x) * np.sin(angle)
            ink = np.maximum(ink, (np.abs(along) < rng.uniform(0.15, 0.4)) & (np.abs(aside) < 0.03))
        parts.append(ink)
    which = {tuple(sorted(rng.choice(30, rng.integers(2, 4), replace=False))) for _ in range(count)}
    while len(which) < count:
        which.add(tuple(sorted(rng.choice(30, 3, replace=False))))
    signs = np.stack([np.max([parts[k] for k in some], axis=0) for some in sorted(which)])
    signs = signs[rng.permutation(len(signs))].reshape(-1, side, 2, side, 2).mean(axis=(2, 4))
    return flat(signs), (side, side)


def drawing(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a few forms in colour, some of them shaded, on white or another ground."""
    out = np.ones((*shape, 3)) if rng.random() < 0.6 else np.tile(rng.random(3), (*shape, 1))
    down, across = np.mgrid[: 2 * shape[0], : 2 * shape[1]] / 2
    for _ in range(rng.integers(2, 7)):
        middle, size = rng.random(2) * shape, rng.uniform(0.1, 0.5, 2) * shape
        angle, kind = rng.uniform(0, np.pi), rng.integers(4)
        y, x = down - middle[0], across - middle[1]
        if kind < 3:
            y, x = y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) - y * np.sin(angle)
        y, x = y / size[0], x / size[1]
        within = [y**2 + x**2 < 1, np.abs(y) + np.abs(x) < 1, np.abs(y) < 0.15, np.abs(x) < 1][kind]
        within = within & (np.abs(y) < 1) & (np.abs(x) < 1)
        share = within.reshape(shape[0], 2, shape[1], 2).mean(axis=(1, 3))[..., None]
        colour = rng.random(3) if rng.random() < 0.7 else rng.integers(0, 2) * np.ones(3)
        shade = 1 + rng.choice([0, 0.5]) * y[::2, ::2, None].clip(-1, 1)
        out = (1 - share) * out + share * np.clip(colour * shade, 0, 1)
    return out


def tables(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return rows of other sorts, (count, d), of any d.

    Their columns are alike or not, smooth along the row or not, of one unit or of several.
    """

    def any_of(low: int, high: int) -> int:
        return int(np.exp(rng.uniform(np.log(low), np.log(high))))

    def factors(columns: int, several: int, own: float) -> np.ndarray:
        rows = rng.normal(size=(count, several)) @ rng.normal(size=(several, columns))
        return rows / np.sqrt(several) + own * rng.normal(size=(count, columns))

    out = {"points": rng.normal(size=(count, any_of(40, 400)))}
    wide = any_of(24, 100)
    table = np.sqrt(20) * factors(wide, 20, 0.2) * 10.0 ** rng.integers(0, 2, wide)
    out["table"] = table + 1000 * rng.normal(size=wide)
    wide = any_of(80, 300)
    waves = np.cos(np.outer(np.arange(1, 13), np.linspace(0, 3, wide)) + rng.uniform(0, 6, (12, 1)))
    out["curves"] = rng.normal(size=(count, 12)) @ waves + 0.1 * rng.normal(size=(count, wide))
    out["few numbers"] = rng.normal(size=(count, any_of(12, 24)))
    wide = any_of(16, 48)
    turned = np.linalg.qr(rng.normal(size=(wide, wide)))[0]
    out["measurements"] = rng.normal(size=(count, wide)) * np.geomspace(1, 0.1, wide) @ turned
    out["signs"] = rng.choice([-1.0, 1.0], (count, any_of(60, 200)))
    wide = any_of(12, 30)
    whole = 7.5 + 2.5 * factors(wide, 6, 0.6) * rng.uniform(0.5, 1.3, wide) + rng.normal(size=wide)
    out["whole numbers"] = np.clip(np.round(whole), 0, 15)
    wide = any_of(40, 200)
    rates = np.exp(0.7 * factors(wide, 5, 0.5) + rng.normal(0, 1.2, wide))
    out["counts"] = rng.poisson(rates).astype(float)
    level, season, phase = factors(6, 3, 0.4), factors(6, 2, 0.4), rng.uniform(0, 0.6, (count, 6))
    month = np.cos(2 * np.pi * np.arange(12) / 12 - phase[:, :, None])
    years = 3 * level[:, :, None] + season[:, :, None] * month
    years += 0.15 * rng.normal(size=years.shape)
    out["seasons"] = years.reshape(count, -1) * np.repeat(10.0 ** rng.uniform(-0.5, 1.5, 6), 12)
    wide = any_of(13, 30)
    middles = 2 * rng.normal(size=(7, wide))[rng.integers(7, size=count)]
    clusters = middles + factors(wide, 4, 0.2) * rng.uniform(0.1, 1, wide)
    out["clusters"] = clusters * 10.0 ** rng.uniform(-1, 2, wide) + 30 * rng.normal(size=wide)
    wide = any_of(24, 60)
    walks, told = np.cumsum(rng.normal(size=(count, wide)), axis=1) / 3, rng.random((count, wide))
    out["pulses"] = np.tanh(walks) * ((told < 0.7) | (rng.random((count, 1)) < 0.8))
    wide = any_of(80, 200)
    beats, places = 0.05 * factors(wide, 10, 0.3), np.arange(wide)
    for height, deviation in ((1.0, 2.0), (0.25, 6.0), (-0.2, 3.0)):
        away = (places - rng.uniform(0, wide, (count, 1))) / deviation
        beats += height * rng.lognormal(0, 0.2, (count, 1)) * np.exp(-0.5 * away**2)
    out["beats"] = beats
    wide, waves = any_of(40, 260), rng.normal(size=(2, 24))
    place = rng.random((count, 2)) @ (3 * waves) + rng.uniform(0, 6, 24)
    places = np.cos(place) @ (rng.normal(size=(24, wide)) * 10.0 ** rng.uniform(-0.5, 0.5, wide))
    out["places"] = places + 0.1 * places.std(axis=0) * rng.normal(size=places.shape)
    wide = any_of(13, 40)
    out["sizes"] = np.exp(0.5 * factors(wide, 4, 0.3)) * 10.0 ** rng.uniform(-2, 3, wide)
    return out
