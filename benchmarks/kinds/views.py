"""What kinds of damage are made of: images, files, places, drawings, noise, scores."""

import io

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates


def images_of(rows, shape):
    """Return images (k, height, width, channels) of their own memory."""
    return rows.reshape(len(rows), *shape[:2], -1).copy()


def flat(images):
    """Return rows (k, d) of images."""
    return images.reshape(len(images), -1)


def noise(size, like, rng):
    """Return white noise of a standard deviation, of the shape of `like`."""
    return size * rng.normal(size=like.shape)


def grain(images, rng):
    """Add the slight noise of every camera, 0.05."""
    return images + noise(0.05, images, rng)


def grid(shape):
    """Return coordinates from −1 to 1 down and across, each (height, width)."""
    return np.meshgrid(*(np.linspace(-1, 1, s) for s in shape[:2]), indexing="ij")


def seen_from(image, down, across, fill=None):
    """Return the values of an image at places from −1 to 1; beyond them its edge, or `fill`."""
    place = [(g + 1) / 2 * (s - 1) for g, s in zip((down, across), image.shape[:2], strict=True)]
    mode = {"mode": "nearest"} if fill is None else {"mode": "constant", "cval": fill}
    return np.stack(
        [map_coordinates(image[..., c], place, order=1, **mode) for c in range(image.shape[2])],
        axis=-1,
    )


def turned(angle):
    """Return the matrix of a turn, (2, 2)."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def moved(image, matrix, shift, mode):
    """Return an image through an affine map about its middle; shifts are parts of the sides."""
    sides = image.shape[:2]
    middle = (np.array(sides) - 1) / 2
    beyond = middle - matrix @ middle + np.multiply(shift, sides)
    channels = np.moveaxis(image, 2, 0)
    parts = [affine_transform(c, matrix, beyond, order=1, mode=mode) for c in channels]
    return np.stack(parts, axis=2)


def smooth(shape, wide, rng):
    """Return a smooth field of deviation 1, alike over `wide` pixels of 28, (height, width)."""
    field = gaussian_filter(rng.normal(size=shape[:2]), wide * shape[0] / 28)
    return field / field.std()


def drawn(shape, draw):
    """Return which pixels a function draws on, given a canvas, (height, width)."""
    canvas = Image.new("L", (shape[1], shape[0]))
    draw(ImageDraw.Draw(canvas))
    return np.asarray(canvas) > 127


def spread(stored, size, like, rng):
    """Return noise of a size relative to each column's deviation."""
    return size * stored.std(axis=0) * rng.normal(size=like.shape)


def scored(rows, stored):
    """Return each column's distance from its mean over the stored rows, in deviations."""
    return (rows - stored.mean(axis=0)) / np.maximum(stored.std(axis=0), 1e-12)


def unscored(scores, stored):
    """Return the rows that have these distances."""
    return stored.mean(axis=0) + stored.std(axis=0) * scores


def between(low, high, images, rng):
    """Return a number for each image, of a range, that multiplies its pixels."""
    return rng.uniform(low, high, (len(images), 1, 1, 1))


def sized(image, size, how):
    """Return an image (height, width, channels) of another (height, width)."""
    channels = [Image.fromarray(image[..., c].astype(np.float32)) for c in range(image.shape[2])]
    return np.stack([np.asarray(c.resize(size[::-1], how)) for c in channels], axis=2)


def in_bytes(image):
    """Return an image of values from 0 to 1 as bytes."""
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)


def through_a_file(image, kind, **options):
    """Return an image that was saved as a file of 8 bits, and read again."""
    whole, buffer = in_bytes(image), io.BytesIO()
    Image.fromarray(whole[..., 0] if image.shape[2] == 1 else whole).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer)).reshape(image.shape) / 255


def box_within(shape, low, high, rng):
    """Return slices of a box whose sides are of a range of parts of the image's."""
    sides = [max(1, round(rng.uniform(low, high) * s)) for s in shape[:2]]
    places = [rng.integers(0, s - b + 1) for s, b in zip(shape[:2], sides, strict=True)]
    return tuple(slice(p, p + b) for p, b in zip(places, sides, strict=True))


def each(low, high, rows, rng):
    """Return a number for each row, of a range."""
    return rng.uniform(low, high, (len(rows), 1))


def mild(rows):
    """Return what the strength of damage is multiplied by, less than 1 if columns are few."""
    return min(1, np.sqrt(rows.shape[1] / 32))


def errors(low, high, rows, rng):
    """Return noise for scores, whose deviation is of a range."""
    return mild(rows) * each(low, high, rows, rng) * noise(1, rows, rng)


def measured(rows, stored, low, high, rng):
    """Return rows as measured again, with noise of a range on their scores."""
    return unscored(scored(rows, stored) + errors(low, high, rows, rng), stored)


def same_columns(rows, low, high, rng):
    """Return the numbers of columns concerned in all cues, a share of a range, in any order."""
    size = rows.shape[1]
    return rng.permutation(size)[: max(1, round(rng.uniform(low, high) * size))]


def some_cells(rows, low, high, rng):
    """Return which cells are concerned: in each row a share of a range, one at least."""
    some = rng.random(rows.shape) < mild(rows) * each(low, high, rows, rng)
    some[np.arange(len(rows)), rng.integers(rows.shape[1], size=len(rows))] = True
    return some
