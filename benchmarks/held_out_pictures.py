"""Data sets of pictures that only held-out damage is measured on (`held_out_data.py`).

Glyphs, the signs of a font, DejaVu Sans, 28 × 28; characters, Chinese ones, 26 × 26; syllables,
Korean ones, many of which are alike but for a stroke, 28 × 28; hieroglyphs, Egyptian ones, 30 × 30;
terrain, tiles of Matplotlib's heights of a part of Tennessee, and relief, of heights of the earth
and the sea floor, each from 0 to 1; brains, tiles of slices of a head by magnetic resonance, so,
too, 28 × 28; icons, on white, 32 × 32, and emoji; pictograms, of another desktop, 48 × 48; sprites,
figures and grounds of a game, on white, 32 × 32, many of them steps of one movement; flags, oblong
and in colour, 20 × 29; textures, tiles of photographs of brick, grass and gravel, 24 × 24; faces,
and as many other parts of photographs, 25 × 25; stamps, drawings and photographs of things for
children to paint with, on white, 40 × 40; yi, syllables of the Yi, 32 × 32; earth, tiles of land
and sea as seen from space, in colour, 32 × 32; cuneiform, signs of Sumer and Akkad, 32 wide and 24
high; dungeon, floors and walls of a game, in colour, 32 × 32, many of them hardly unlike; craters,
grey tiles of a map of the moon, 28 × 28; nebulae, photographs of them and of galaxies, in colour,
36 × 36.
"""

import gzip
import io
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from matplotlib import get_data_path
from matplotlib.cbook import get_sample_data
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont
from scipy.io import netcdf_file


def _parts(plane: np.ndarray, size: int) -> np.ndarray:
    """Return tiles (n, size²) of a plane (height, width) that do not overlap."""
    down, across = (s // size for s in plane.shape)
    parts = plane[: down * size, : across * size].reshape(down, size, across, size)
    return parts.swapaxes(1, 2).reshape(down * across, -1).astype(float)


def _stretched(parts: np.ndarray) -> np.ndarray:
    """Return those that are not flat, each from 0 to 1."""
    low, high = parts.min(axis=1, keepdims=True), parts.max(axis=1, keepdims=True)
    uneven = (high > low)[:, 0]
    return ((parts - low)[uneven]) / (high - low)[uneven]


def _on_white(picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Return a row of a picture, transparent where nothing is shown, on white."""
    seen = picture.convert("RGBA")
    seen = seen.resize(size) if seen.size != size else seen
    on = Image.alpha_composite(Image.new("RGBA", size, "white"), seen)
    return np.asarray(on.convert("RGB")).ravel() / 255


def _signs(file: Path, size: int, side: int, first: int, last: int) -> np.ndarray:
    """Return signs of a font whose codes are of a range, 1 on 0, (n, side²)."""
    font, rows = ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC), []
    for code in sorted(c for c in TTFont(file).getBestCmap() or () if first <= c <= last):
        canvas = Image.new("L", (side, side))
        ImageDraw.Draw(canvas).text((side / 2, side / 2), chr(code), 255, font, "mm")
        rows.append(np.asarray(canvas).ravel() / 255)
    return np.stack(rows)


def terrain() -> tuple:
    """Return tiles of heights of Matplotlib's."""
    with np.load(get_sample_data("jacksboro_fault_dem.npz", asfileobj=False)) as found:
        return _stretched(_parts(found["elevation"], 20)), (20, 20), True


def glyphs() -> tuple:
    """Return the signs of a font, as large as they are there, 1 on 0."""
    file = Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf")
    font, rows = ImageFont.truetype(file, 20, layout_engine=ImageFont.Layout.BASIC), []
    for code in sorted(FT2Font(str(file)).get_charmap()):
        canvas = Image.new("L", (28, 28))
        ImageDraw.Draw(canvas).text((14, 14), chr(code), fill=255, font=font, anchor="mm")
        rows.append(np.asarray(canvas).ravel() / 255)
    rows = np.stack(rows)
    return rows[rows.sum(axis=1) > 15], (28, 28), True


def relief(file: Path) -> tuple:
    """Return tiles of the heights in a file of the earth's."""
    with netcdf_file(file, mmap=False) as found:
        heights = next(v.data for v in found.variables.values() if len(v.shape) == 2)
    return _stretched(_parts(heights, 24)), (24, 24), True


def icons(folder: Path) -> tuple:
    """Return pictures, transparent where nothing is shown, on white."""
    files = sorted(f for f in folder.rglob("*.png") if f.exists())  # links may lead nowhere
    return np.stack([_on_white(Image.open(f), (32, 32)) for f in files]), (32, 32, 3), True


def flags(folder: Path) -> tuple:
    """Return flags of Freeciv, without those that are large or shields, on white."""
    files = [f for f in sorted(folder.glob("*.png")) if not f.stem.endswith(("-large", "-shield"))]
    found = [picture for picture in map(Image.open, files) if picture.size == (29, 20)]
    return np.stack([_on_white(picture, (29, 20)) for picture in found]), (20, 29, 3), True


def textures(folder: Path) -> tuple:
    """Return grey tiles of three photographs."""
    rows = []
    for name in ("brick", "grass", "gravel"):
        grey = np.asarray(Image.open(folder / f"{name}.png").convert("L"))
        rows.append(grey[:504, :504].reshape(21, 24, 21, 24).swapaxes(1, 2))
    return np.concatenate(rows).reshape(-1, 576) / 255, (24, 24), True


def faces(folder: Path) -> tuple:
    """Return grey parts of photographs, half of them faces."""
    rows = np.load(folder / "lfw_subset.npy")
    return rows.reshape(len(rows), -1).astype(float), rows.shape[1:], True


def emoji(file: Path) -> tuple:
    """Return small pictures of a font in colour, on white."""
    font = ImageFont.truetype(file, 109, layout_engine=ImageFont.Layout.BASIC)  # its one size
    rows = []
    for code in sorted(TTFont(file).getBestCmap() or ()):
        canvas = Image.new("RGB", (136, 128), "white")
        ImageDraw.Draw(canvas).text((0, 0), chr(code), font=font, embedded_color=True)
        rows.append(np.asarray(canvas.resize((32, 32), Image.Resampling.BOX)).ravel() / 255)
    rows = np.stack(rows)
    return rows[rows.std(axis=1) > 0.05], (32, 32, 3), True


def characters(file: Path) -> tuple:
    """Return Chinese characters of a Japanese font."""
    return _signs(file, 24, 26, 0x4E00, 0x9FFF), (26, 26), True


def brains(file: Path) -> tuple:
    """Return tiles of slices of a head's image in a file of NIfTI-1, each from 0 to 1."""
    with gzip.open(file) as found:
        content = found.read()
    across, down, slices = np.frombuffer(content, "<i2", 3, 42)
    begin = int(np.frombuffer(content, "<f4", 1, 108)[0])
    voxels = np.frombuffer(content, np.uint8, -1, begin).reshape(slices, down, across)
    rows = np.concatenate([_parts(plane, 28) for plane in voxels[::3]])
    return _stretched(rows[rows.std(axis=1) > 25]), (28, 28), True


def syllables(file: Path) -> tuple:
    """Return Korean syllables of a font."""
    return _signs(file, 25, 28, 0xAC00, 0xD7A3), (28, 28), True


def hieroglyphs(file: Path) -> tuple:
    """Return Egyptian hieroglyphs of a font."""
    return _signs(file, 25, 30, 0x13000, 0x1342F), (30, 30), True


def pictograms(folder: Path) -> tuple:
    """Return pictures of a desktop's, of 48 × 48 pixels."""
    files = [f for f in sorted(folder.rglob("48x48/**/*.png")) if f.exists() and not f.is_symlink()]
    return np.stack([_on_white(Image.open(f), (48, 48)) for f in files]), (48, 48, 3), True


def sprites(file: Path) -> tuple:
    """Return pictures of 32 × 32 pixels of a file of Crossfire's, one after another with a head."""
    content, place, rows = file.read_bytes(), 0, []
    while place < len(content):
        begin = content.index(b"\n", place) + 1
        end = begin + int(content[place:begin].split()[1])
        picture = Image.open(io.BytesIO(content[begin:end]))
        if picture.size == (32, 32):
            rows.append(_on_white(picture, (32, 32)))
        place = end
    rows = np.stack(rows)
    return rows[rows.std(axis=1) > 0.05], (32, 32, 3), True


def stamps(folder: Path) -> tuple:
    """Return drawings and photographs of Tux Paint's, the longer side of each 40 pixels."""
    rows = []
    for file in sorted(folder.rglob("*.png")):
        picture, canvas = Image.open(file).convert("RGBA"), Image.new("RGBA", (40, 40))
        picture.thumbnail((40, 40))
        canvas.paste(picture, ((40 - picture.width) // 2, (40 - picture.height) // 2))
        rows.append(_on_white(canvas, (40, 40)))
    rows = np.stack(rows)
    return rows[rows.std(axis=1) > 0.05], (40, 40, 3), True


def yi(file: Path) -> tuple:
    """Return syllables of the Yi's script of a font."""
    return _signs(file, 29, 32, 0xA000, 0xA48C), (32, 32), True


def earth(file: Path) -> tuple:
    """Return parts of a map of the earth as seen from space."""
    planes = np.moveaxis(np.asarray(Image.open(file).convert("RGB")), 2, 0)
    tiles = np.stack([_parts(plane, 32) for plane in planes], axis=2) / 255
    uneven = tiles.std(axis=1).mean(axis=1) > 0.03  # not the open sea
    return tiles[uneven].reshape(uneven.sum(), -1), (32, 32, 3), True


def cuneiform(file: Path) -> tuple:
    """Return signs of cuneiform of a font, without what is left empty above and below."""
    rows = _signs(file, 17, 32, 0x12000, 0x123FF).reshape(-1, 32, 32)[:, 4:28]
    return rows.reshape(len(rows), -1), (24, 32), True


def dungeon(folder: Path) -> tuple:
    """Return floors and walls of Dungeon Crawl, from sheets where they stand side by side."""
    rows = []
    for name in ("floor", "wall"):
        sheet = Image.open(folder / f"{name}.png").convert("RGBA")
        places = np.ndindex(sheet.height // 32, sheet.width // 32)
        boxes = [(32 * x, 32 * y, 32 * x + 32, 32 * y + 32) for y, x in places]
        rows += [_on_white(sheet.crop(box), (32, 32)) for box in boxes]
    rows = np.stack(rows)
    return rows[rows.std(axis=1) > 0.03], (32, 32, 3), True


def craters(file: Path) -> tuple:
    """Return grey parts of a map of the moon, each from 0 to 1, without those near the poles."""
    grey = np.asarray(Image.open(file).convert("L"))
    high = len(grey) // 6
    return _stretched(_parts(grey[high:-high], 28)), (28, 28), True


def nebulae(folder: Path) -> tuple:
    """Return small pictures of photographs of nebulae and galaxies."""
    found = [Image.open(file).convert("RGB") for file in sorted(folder.glob("*.png"))]
    rows = np.stack([np.asarray(one.resize((36, 36))).ravel() / 255 for one in found])
    return rows[rows.std(axis=1) > 0.03], (36, 36, 3), True
