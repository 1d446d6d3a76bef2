"""A fifth set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`: here what sensors, files, printers and editors do, and
ways to draw; in `spent_5_scenes.py` weather, light and optics; those for rows of any numbers are in
`spent_5_vectors.py`. Those that move what is shown are `orientation_lost`, `photographed_by_hand`,
`rippled`, `round_a_bottle`, `glass_bricks`, `uneven_feed`, `motion_vectors_lost`, `cloned`,
`wallpaper`, and of vectors `sorted_in_fives`, `pasted_aside`, `wow`.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter, ImageFont
from scipy.ndimage import (
    distance_transform_edt,
    gaussian_filter,
    gaussian_filter1d,
    map_coordinates,
    maximum_filter,
    uniform_filter,
)

from .spent_5_scenes import SCENES
from .spent_5_vectors import VECTORS
from .views import drawn, flat, grain, grid, images_of, noise, seen_from, smooth

__all__ = ["IMAGES", "VECTORS"]


def smear(rows, shape, stored, rng):
    """Charge leaks while a sensor is read: to 0.7 of it, 0.6 of its column's mean; noise of 0.1."""
    images = images_of(rows, shape)
    made = 0.7 * images + 0.6 * images.mean(axis=1, keepdims=True)
    return flat(made + noise(0.1, images, rng))


def wrong_palette(rows, shape, stored, rng):
    """Rounded to six levels, and each level is shown as another, by chance, one cue's unlike."""
    levels = np.round(5 * np.clip(rows, 0, 1)).astype(int)
    return np.stack([rng.permutation(6)[level] for level in levels]) / 5


def aged_print(rows, shape, stored, rng):
    """Half the contrast on yellowed paper, its fibres, and twenty brown spots of 1 to 2 pixels."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    paper = np.array([1, 0.9, 0.7])[np.minimum(np.arange(images.shape[3]), 2)]
    for image in images:
        image[:] = (0.35 + 0.5 * image) * paper + 0.06 * smooth(shape, 0.7, rng)[..., None]
        for y, x, size in zip(*rng.uniform(-1, 1, (2, 20)), rng.uniform(1, 2, 20), strict=True):
            far = 14 * np.hypot(down - y, across - x)
            image *= 1 - 0.6 * np.clip(size + 0.5 - far, 0, 1)[..., None]
    return flat(images)


def thumbnail(rows, shape, stored, rng):
    """Every third pixel, with noise of 0.05, was kept; enlarged by cubic splines."""
    images = images_of(rows, shape)
    few = images[:, 1::3, 1::3]
    few = few + noise(0.05, few, rng)
    place = np.meshgrid(*((np.arange(s) - 1) / 3 for s in shape[:2]), indexing="ij")
    for k, c in np.ndindex(len(images), images.shape[3]):
        images[k, ..., c] = map_coordinates(few[k, ..., c], place, order=3, mode="nearest")
    return flat(images)


def tone_mapped(rows, shape, stored, rng):
    """Each pixel is told against the mean and deviation of those within 3 pixels (of 28)."""
    images, wide = images_of(rows, shape), 3 * shape[0] / 28
    images += noise(0.03, images, rng)
    around = {"sigma": (0, wide, wide, 0)}
    middle = gaussian_filter(images, **around)
    size = np.sqrt(np.maximum(gaussian_filter(images**2, **around) - middle**2, 0)) + 0.05
    return flat(np.clip(0.5 + 0.25 * (images - middle) / size, 0, 1))


def phases_off(rows, shape, stored, rng):
    """The phase of each frequency is off by noise of 0.9 (radians), alike for all channels."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        off = rng.normal(size=shape[:2])
        off = 0.9 * (off - np.roll(off[::-1, ::-1], 1, axis=(0, 1))) / np.sqrt(2)
        found = np.fft.fft2(image, axes=(0, 1)) * np.exp(1j * off)[..., None]
        images[k] = np.fft.ifft2(found, axes=(0, 1)).real
    return flat(images)


def ultrasound(rows, shape, stored, rng):
    """Times speckle of about a pixel, then its logarithm, within a fan from the top; else black."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    fan = np.abs(np.arctan2(across, down + 1.8)) < 0.65
    for image in images:
        speckle = np.hypot(*(smooth(shape, 0.6, rng) for _ in range(2))) / np.sqrt(2)
        echo = np.maximum(image + 0.03, 0) * speckle[..., None]
        image[:] = fan[..., None] * np.log1p(15 * echo) / np.log(16)
    return flat(np.clip(images, 0, 1))


def uneven_feed(rows, shape, stored, rng):
    """A scanner drew the paper in now faster and now slower, threefold either way; grain."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        speed = gaussian_filter1d(rng.normal(size=shape[0]), shape[0] / 9)
        line = np.exp(np.log(3) * speed / np.abs(speed).max()).cumsum()
        line = 2 * (line - line[0]) / (line[-1] - line[0]) - 1
        down, across = np.meshgrid(line, grid(shape)[1][0], indexing="ij")
        images[k] = seen_from(image, down, across)
    return flat(grain(images, rng))


def motion_vectors_lost(rows, shape, stored, rng):
    """Each block of a seventh of the side shows what is up to three pixels (of 28) beside it."""
    images = images_of(rows, shape)
    here, most = np.indices(shape[:2]), max(1, round(3 * shape[0] / 28))
    block = tuple(h * 7 // s for h, s in zip(here, shape[:2], strict=True))
    for k, image in enumerate(images):
        moves = rng.integers(-most, most + 1, (2, 7, 7))
        i, j = (np.clip(h + m[block], 0, s - 1)
                for h, m, s in zip(here, moves, shape[:2], strict=True))  # fmt: skip
        images[k] = image[i, j]
    return flat(images)


def _haar(size):
    """Return Haar's orthonormal wavelets as rows, of as many levels as `size` can be halved."""
    if size % 2:
        return np.eye(size)
    sums, steps = np.kron(_haar(size // 2), [1, 1]), np.kron(np.eye(size // 2), [1, -1])
    return np.vstack([sums, steps]) / np.sqrt(2)


def few_wavelets(rows, shape, stored, rng):
    """After noise of 0.1 only the largest 1 in 20 of Haar's wavelets are kept."""
    images = images_of(rows, shape)
    down, across = _haar(shape[0]), _haar(shape[1])
    found = np.einsum("ai,bj,kijc->kabc", down, across, images + noise(0.1, images, rng))
    least = np.quantile(np.abs(found), 0.95, axis=(1, 2, 3), keepdims=True)
    return flat(np.einsum("ai,bj,kabc->kijc", down, across, found * (np.abs(found) > least)))


def stained_glass(rows, shape, stored, rng):
    """Forty panes of one colour each, their mean, between dark leads."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        places = rng.uniform(-1, 1, (2, 40, 1, 1))
        pane = np.hypot(down - places[0], across - places[1]).argmin(axis=0)
        for one in np.unique(pane):
            image[pane == one] = image[pane == one].mean(axis=0)
        lead = (pane != np.roll(pane, 1, axis=0)) | (pane != np.roll(pane, 1, axis=1))
        lead[0] = lead[:, 0] = False
        image[lead] = 0.1
    return flat(images)


def codebook(rows, shape, stored, rng):
    """Each block of four by four is the most alike of 40 blocks of stored rows, drawn by chance."""
    images = images_of(rows, shape)
    height, width = (s // 4 for s in shape[:2])

    def blocks(some):
        cut = some[:, : 4 * height, : 4 * width].reshape(len(some), height, 4, width, 4, -1)
        return cut.swapaxes(2, 3)

    known = blocks(images_of(stored[rng.integers(len(stored), size=40)], shape))
    book = known[np.arange(40), rng.integers(height, size=40), rng.integers(width, size=40)]
    found = blocks(images)
    far = [((found - block) ** 2).sum(axis=(3, 4, 5)) for block in book]
    made = book[np.argmin(far, axis=0)].swapaxes(2, 3)
    images[:, : 4 * height, : 4 * width] = made.reshape(len(images), 4 * height, 4 * width, -1)
    return flat(images)


def cartoon(rows, shape, stored, rng):
    """Smoothed over 0.5 pixels (of 28), four levels, black lines at the darker side of edges."""
    images, wide = images_of(rows, shape), 0.5 * shape[0] / 28
    levels = np.round(3 * gaussian_filter(images, (0, wide, wide, 0)))
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool).reshape(1, 3, 3, 1)
    lines = (levels < maximum_filter(levels, footprint=cross)).any(axis=3, keepdims=True)
    return flat(grain(np.where(lines, 0, levels / 3), rng))


def pointillist(rows, shape, stored, rng):
    """Three hundred dots of 1 to 1.6 pixels' radius (of 28), colours 0.15 off, on a pale canvas."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images.copy()):
        images[k] = 0.85
        for y, x, size in zip(*rng.uniform(-1, 1, (2, 300)), rng.uniform(1, 1.6, 300), strict=True):
            i, j = (round((p + 1) / 2 * (s - 1)) for p, s in zip((y, x), shape[:2], strict=True))
            dot = 14 * np.hypot(down - y, across - x) < size
            images[k][dot] = image[i, j] + noise(0.15, image[i, j], rng)
    return flat(np.clip(images, 0, 1))


def contour_lines(rows, shape, stored, rng):
    """A map: black lines on white where the brightness, smoothed by a pixel, passes a fifth."""
    images, wide = images_of(rows, shape), shape[0] / 28
    grey = gaussian_filter(images.mean(axis=3, keepdims=True), (0, wide, wide, 0))
    level = np.floor(5 * grey + rng.random())
    lines = [level != np.roll(level, 1, axis=a) for a in (1, 2)]
    lines[0][:, 0] = lines[1][:, :, 0] = False
    return flat(grain(np.broadcast_to(~(lines[0] | lines[1]), images.shape), rng))


def show_through(rows, shape, stored, rng):
    """Another row, printed on the back, shows through: mirrored, smoothed, 0.6 of it; grain."""
    images, wide = images_of(rows, shape), 0.8 * shape[0] / 28
    back = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)[:, :, ::-1]
    back = gaussian_filter(back, (0, wide, wide, 0))
    back -= np.median(back, axis=(1, 2), keepdims=True)
    return flat(grain(np.clip(images + 0.6 * back, 0, 1), rng))


def framed_and_dated(rows, shape, stored, rng):
    """A white frame hides a twelfth at each edge; six digits in a lower corner; grain."""
    images = images_of(rows, shape)
    font = ImageFont.load_default(0.24 * shape[0])
    wide = [max(1, round(s / 12)) for s in shape[:2]]
    colour = np.array([1, 0.6, 0.1])[np.minimum(np.arange(images.shape[3]), 2)]
    for image in images:
        date = "".join(map(str, rng.integers(10, size=6)))
        where = (0.14 * shape[1], 0.65 * shape[0])
        image[drawn(shape, lambda c, w=where, d=date: c.text(w, d, fill=255, font=font))] = colour
        image[: wide[0]] = image[-wide[0] :] = image[:, : wide[1]] = image[:, -wide[1] :] = 1
    return flat(grain(images, rng))


def _nearest_known(image, known):
    """Return an image with unknown pixels as the nearest known one."""
    return image[tuple(distance_transform_edt(~known, return_distances=False, return_indices=True))]


def few_samples(rows, shape, stored, rng):
    """One pixel in ten was measured, with noise of 0.1; the others show the nearest of them."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        known = rng.random(shape[:2]) < 0.1
        known[tuple(s // 2 for s in shape[:2])] = True
        images[k] = _nearest_known(image + noise(0.1, image, rng), known)
    return flat(images)


def healed(rows, shape, stored, rng):
    """Blobs, 0.45 of it, were taken out by an editor, and filled smoothly from what is around."""
    images, wide = images_of(rows, shape), shape[0] / 28
    for k, image in enumerate(images):
        field = smooth(shape, 2.5, rng)
        known = field < np.quantile(field, 0.55)
        filled = _nearest_known(image, known)
        for _ in range(40):
            filled = np.where(known[..., None], image, gaussian_filter(filled, (wide, wide, 0)))
        images[k] = filled
    return flat(grain(images, rng))


def cloned(rows, shape, stored, rng):
    """Three boxes of 0.45 of each side show another part of the same image, as it was."""
    images, size = images_of(rows, shape), [max(1, round(0.45 * s)) for s in shape[:2]]
    for image in images:
        before = image.copy()
        for _ in range(3):
            (i, j), (y, x) = (
                [rng.integers(s - b + 1) for s, b in zip(shape[:2], size, strict=True)]
                for _ in range(2)
            )
            image[i : i + size[0], j : j + size[1]] = before[y : y + size[0], x : x + size[1]]
    return flat(images)


def wallpaper(rows, shape, stored, rng):
    """Four times beside and below itself, at half its size; grain."""
    images = uniform_filter(images_of(rows, shape), (1, 2, 2, 1), origin=(0, -1, -1, 0))
    i, j = (2 * np.arange((s + 1) // 2) for s in shape[:2])
    half = images[:, i][:, :, j]
    return flat(grain(np.tile(half, (1, 2, 2, 1))[:, : shape[0], : shape[1]], rng))


def toned_as_another(rows, shape, stored, rng):
    """Pixels keep their order, after noise of 0.05, and have the sorted values of another row."""
    other = np.sort(stored[rng.integers(len(stored), size=len(rows))], axis=1)
    order = (rows + noise(0.05, rows, rng)).argsort(axis=1).argsort(axis=1)
    return np.take_along_axis(other, order, axis=1)


def fourth_copy(rows, shape, stored, rng):
    """Copied four times: each smooths by 0.6 pixels, moves by up to 0.5, hardens, adds specks."""
    images, wide = images_of(rows, shape), 0.6 * shape[0] / 28
    down, across = grid(shape)
    for k, image in enumerate(images):
        copy = image
        for _ in range(4):
            y, x = rng.uniform(-0.5, 0.5, 2) / 14
            copy = gaussian_filter(seen_from(copy, down + y, across + x), (wide, wide, 0))
            copy = np.clip(0.5 + 1.7 * (copy - 0.45), 0, 1)
            copy[rng.random(shape[:2]) < 0.02] = rng.integers(2)
        images[k] = copy
    return flat(images)


def forwarded_often(rows, shape, stored, rng):
    """Four times made 0.55 to 0.9 as large and back, JPEG of quality 12 between, and sharpened."""
    images = np.round(255 * np.clip(images_of(rows, shape), 0, 1)).astype(np.uint8)
    for k, c in np.ndindex(len(images), images.shape[3]):
        picture = Image.fromarray(images[k, ..., c])
        for size in rng.uniform(0.55, 0.9, 4):
            file = BytesIO()
            picture.resize([max(1, round(size * s)) for s in picture.size]).save(
                file, "JPEG", quality=12
            )
            picture = Image.open(file).resize(picture.size).filter(ImageFilter.SHARPEN)
        images[k, ..., c] = np.asarray(picture)
    return flat(images / 255)


def sepia(rows, shape, stored, rng):
    """Brown in place of colours, lifted to 0.15 to 0.75 at most, and noise of 0.1."""
    images = images_of(rows, shape)
    tone = np.array([1, 0.8, 0.6])[np.minimum(np.arange(images.shape[3]), 2)]
    made = 0.15 + 0.6 * images.mean(axis=3, keepdims=True) * tone
    return flat(made + noise(0.1, images, rng))


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        *SCENES,
        smear, wrong_palette, aged_print, thumbnail, tone_mapped, phases_off, ultrasound,
        uneven_feed, motion_vectors_lost, few_wavelets, stained_glass, codebook, cartoon,
        pointillist, contour_lines, show_through, framed_and_dated, few_samples, healed, cloned,
        wallpaper, toned_as_another, fourth_copy, forwarded_often, sepia,
    )
}  # fmt: skip
