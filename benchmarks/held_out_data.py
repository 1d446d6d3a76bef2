"""Data sets that only held-out damage is measured on (`damage.py --held-out`).

Of images: glyphs, the signs of a font, DejaVu Sans, 28 × 28; characters, Chinese ones, 26 × 26;
terrain, tiles of Matplotlib's heights of a part of Tennessee, and relief, of heights of the earth
and the sea floor, each from 0 to 1; brains, tiles of slices of a head by magnetic resonance, so,
too, 28 × 28; icons, on white, 32 × 32, and emoji; flags, oblong and in colour, 20 × 29; textures,
tiles of photographs of brick, grass and gravel, 24 × 24; faces, and as many other parts of
photographs, 25 × 25. Of other rows: tumours, patients and wine are scikit-learn's, in the units
they were taken in; speech, windows of 30 ms of sound, and spectra, logarithms of the power of
longer ones; music, of the power in 20 bands at ten times; letters, 16 whole numbers each, of UCI's
"Letter Recognition"; heartbeats, windows of 0.36 s of an electrocardiogram; climate, seven
measurements in each month at a place at sea; winds, eastward and northward, in 132 months at a
place; strokes, shares of eight directions of ink in each of 5 × 5 parts of a printed character;
segments, 18 measurements of 3 × 3 pixels of photographs; radar, what came back of 17 pulses;
programs, how often each of 200 words is in a file of Python; fertility, births in each of 52 years
in a country; schools, twelve measurements of a district's and products of them.
"""

import argparse
import csv
import gzip
import sysconfig
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from matplotlib import get_data_path
from matplotlib.cbook import get_sample_data
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont
from scipy.io import netcdf_file, wavfile
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.feature_extraction.text import CountVectorizer


def _some(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return rows drawn by chance, each once, as many as there are at most."""
    rows = rows[rng.permutation(len(rows))[: 4 * count]]
    return rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])][:count]


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


def _windows(folder: Path, seconds: float) -> np.ndarray:
    """Return windows of sound files (.wav, one channel) that do not overlap and are not silent."""
    windows = []
    for file in sorted(folder.rglob("*.wav")):
        rate, samples = wavfile.read(file)
        size = round(seconds * rate)
        windows.append(samples[: len(samples) // size * size].reshape(-1, size))
    rows = np.concatenate(windows) / 2.0**15
    return rows[rows.std(axis=1) > 0.02]


def _monthly(file: Path, most: float) -> np.ndarray:
    """Return all months of all quantities of each place whose values are all below a size."""
    with netcdf_file(file, mmap=False) as found:
        months = [v.data for v in found.variables.values() if len(v.shape) == 3]
    rows = np.concatenate(months).astype(float).reshape(sum(map(len, months)), -1).T
    return rows[(np.abs(rows) < most).all(axis=1)]


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
    rows = []
    for file in sorted(f for f in folder.rglob("*.png") if f.exists()):  # links may lead nowhere
        picture = Image.open(file).convert("RGBA").resize((32, 32))
        on = Image.alpha_composite(Image.new("RGBA", (32, 32), "white"), picture)
        rows.append(np.asarray(on.convert("RGB")).ravel() / 255)
    return np.stack(rows), (32, 32, 3), True


def speech(folder: Path) -> tuple:
    """Return windows of sound."""
    rows = _windows(folder, 0.03)
    return rows, rows.shape[1:], False


def spectra(folder: Path) -> tuple:
    """Return decibels at each frequency, of windows of sound weighted by Hann's function."""
    sound = _windows(folder, 0.032)
    power = np.abs(np.fft.rfft(sound * np.hanning(sound.shape[1]), axis=1)) ** 2
    rows = 10 * np.log10(power + 1e-8)
    return rows, rows.shape[1:], False


def letters(file: Path) -> tuple:
    """Return measurements of printed letters, whole numbers from 0 to 15."""
    return np.loadtxt(file, delimiter=",", usecols=range(1, 17)), (16,), False


def heartbeats(file: Path) -> tuple:
    """Return millivolts, 128 of a window."""
    with np.load(file) as found:
        volts = (found["ecg"].astype(float) - 1024) / 200  # as SciPy reads it
    return volts[: len(volts) // 128 * 128].reshape(-1, 128), (128,), False


def climate(file: Path) -> tuple:
    """Return twelve months of seven measurements of each place where all were taken."""
    rows = _monthly(file, 1e6)  # lost ones are −1e34
    return rows, rows.shape[1:], False


def winds(file: Path) -> tuple:
    """Return two winds of each month, of each place where all were told."""
    rows = _monthly(file, 99)
    return rows, rows.shape[1:], False


def strokes(file: Path) -> tuple:
    """Return directions of ink in parts of characters, 200 numbers from 0 to 1 each."""
    with gzip.open(file, "rt") as found:
        numbers = found.read().partition("<data>")[2].partition("<")[0]
    return np.array(numbers.split(), float).reshape(-1, 200), (200,), False


def flags(folder: Path) -> tuple:
    """Return flags of Freeciv, without those that are large or shields, on white."""
    files = [f for f in sorted(folder.glob("*.png")) if not f.stem.endswith(("-large", "-shield"))]
    rows = []
    for file in files:
        picture = Image.open(file).convert("RGBA")
        if picture.size == (29, 20):
            on = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            rows.append(np.asarray(on.convert("RGB")).ravel() / 255)
    return np.stack(rows), (20, 29, 3), True


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


def _arff(file: Path, columns: int) -> np.ndarray:
    """Return the first columns of a file of Weka's that are not the same in all rows."""
    with file.open() as lines:
        data = [line for line in lines if line[0] not in "%@\r\n"]
    rows = np.array([line.split(",")[:columns] for line in data], float)
    return rows[:, rows.std(axis=0) > 0]


def segments(folder: Path) -> tuple:
    """Return measurements of parts of photographs."""
    rows = _arff(folder / "segment-challenge.arff", 19)
    return rows, rows.shape[1:], False


def radar(folder: Path) -> tuple:
    """Return real and imaginary parts of what came back of 17 pulses."""
    rows = _arff(folder / "ionosphere.arff", 34)
    return rows, rows.shape[1:], False


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
    """Return Chinese characters of a Japanese font, 1 on 0."""
    font, rows = ImageFont.truetype(file, 24, layout_engine=ImageFont.Layout.BASIC), []
    for code in sorted(c for c in TTFont(file).getBestCmap() or () if 0x4E00 <= c < 0xA000):
        canvas = Image.new("L", (26, 26))
        ImageDraw.Draw(canvas).text((13, 13), chr(code), fill=255, font=font, anchor="mm")
        rows.append(np.asarray(canvas).ravel() / 255)
    return np.stack(rows), (26, 26), True


def brains(file: Path) -> tuple:
    """Return tiles of slices of a head's image in a file of NIfTI-1, each from 0 to 1."""
    with gzip.open(file) as found:
        content = found.read()
    across, down, slices = np.frombuffer(content, "<i2", 3, 42)
    begin = int(np.frombuffer(content, "<f4", 1, 108)[0])
    voxels = np.frombuffer(content, np.uint8, -1, begin).reshape(slices, down, across)
    rows = np.concatenate([_parts(plane, 28) for plane in voxels[::3]])
    return _stretched(rows[rows.std(axis=1) > 25]), (28, 28), True


def music(folder: Path) -> tuple:
    """Return decibels in 20 bands of frequency at ten times within 0.4 s of sound."""
    sound = _windows(folder, 0.4)
    frames = sound.reshape(len(sound), 10, -1)
    size = frames.shape[2]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=2)[:, :, 1:161]) ** 2
    rows = 10 * np.log10(power.reshape(len(sound), 10, 20, 8).mean(axis=3) + 1e-6)
    return rows.reshape(len(sound), -1), (200,), False


def fertility(folder: Path) -> tuple:
    """Return births for each woman in each of 52 years, of countries and regions."""
    with (folder / "fertility/fertility.csv").open(newline="") as lines:
        found = [line[4:56] for line in csv.reader(lines)][1:]
    rows = np.array([line for line in found if all(line)], float)
    return rows, rows.shape[1:], False


def schools(folder: Path) -> tuple:
    """Return twelve measurements of schools in each district, and ten products of them."""
    rows = np.loadtxt(folder / "star98/star98.csv", delimiter=",", skiprows=1)
    return rows, rows.shape[1:], False


def programs() -> tuple:
    """Return counts of the commonest words in 20,000 signs of each file that has 100 of them."""
    files = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    texts = [f.read_text(errors="ignore")[:20_000] for f in files if "site-packages" not in f.parts]
    words = CountVectorizer(max_features=200, token_pattern="[A-Za-z]+").fit(texts)
    rows = words.transform(texts).toarray().astype(float)
    return rows[rows.sum(axis=1) >= 100], rows.shape[1:], False


SETS = {
    "icons": (icons, "folder of pictures (.png)"),
    "relief": (relief, "heights of the earth, such as etopo5.cdf of Ferret"),
    "speech": (speech, "folder of .wav files"),
    "spectra": (spectra, "folder of .wav files"),
    "letters": (letters, "letter-recognition.data"),
    "heartbeats": (heartbeats, "ecg.dat of SciPy, which has it apart since 1.12"),
    "climate": (climate, "coads_climatology.cdf of Ferret"),
    "winds": (winds, "monthly_navy_winds.cdf of Ferret"),
    "strokes": (strokes, "OCRHMM_knn_model_data.xml.gz of OpenCV"),
    "flags": (flags, "folder of Freeciv's flags"),
    "textures": (textures, "folder of scikit-image's data"),
    "faces": (faces, "folder of scikit-image's data"),
    "segments": (segments, "folder of Weka's examples"),
    "radar": (radar, "folder of Weka's examples"),
    "emoji": (emoji, "NotoColorEmoji.ttf"),
    "characters": (characters, "ipag.ttf of IPA's fonts"),
    "brains": (brains, "ch2.nii.gz of MRIcron"),
    "music": (music, "folder of .wav files"),
    "fertility": (fertility, "folder of statsmodels' data sets"),
    "schools": (schools, "folder of statsmodels' data sets"),
}


def held_out_sets(arguments: argparse.Namespace, count: int, rng: np.random.Generator) -> dict:
    """Return rows, their shape and whether they are images, by name."""
    out = {
        "glyphs": glyphs(),
        "terrain": terrain(),
        "tumours": (load_breast_cancer(return_X_y=True)[0], (30,), False),
        "wine": (load_wine(return_X_y=True)[0], (13,), False),
        "patients": (load_diabetes(return_X_y=True, scaled=False)[0], (10,), False),
        "programs": programs(),
    }
    for name, (read, _) in SETS.items():
        if place := getattr(arguments, name):
            out[name] = read(place)
    return {
        name: (_some(rows, count, rng), shape, of_images)
        for name, (rows, shape, of_images) in out.items()
    }
