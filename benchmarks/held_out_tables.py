"""Data sets of other rows than pictures, for held-out damage alone (`held_out_data.py`).

Speech, windows of 30 ms of sound, and spectra, logarithms of the power of longer ones; music, of
the power in 20 bands at ten times; letters, 16 whole numbers each, of UCI's "Letter Recognition";
heartbeats, windows of 0.36 s of an electrocardiogram; climate, seven measurements in each month at
a place at sea; winds, eastward and northward, in 132 months at a place; weeks, four measurements of
the weather on seven days in Seattle; strokes, shares of eight directions of ink in each of 5 × 5
parts of a printed character; segments, 18 measurements of 3 × 3 pixels of photographs; radar, what
came back of 17 pulses; programs, how often each of 200 words is in a file of Python, and chapters,
how often each of 3,000 is in a chapter of the Bible; fertility, births in each of 52 years in a
country; schools, twelve measurements of a district's and products of them; counties, twenty
measurements of a county in one of seven years, of crime, wages and people; asteroids, ten numbers
of an orbit, some with long tails; women, eight measurements, most whole numbers, some 0 for
unknown; compounds, descriptors of chemical ones; earthquakes, where, how deep, how strong, and at
how many stations; diamonds, seven measurements in five units; soil, acidity, salts and chloride at
three depths; answers, of people to 25 questions, from 1 to 6; ocean, temperatures and salinities at
20 depths; tides, the heights and the phases, in degrees, of the waves that a harbour's tide is made
of, 0 and 0 for those not known; leaves, the distance of the outline from the middle at 427 places
along it; appliances, 1,460 readings of the power that one takes, in standard deviations of its own;
codons, how often each of 64 is used in a thousand, of an organism; lenses, how dark their corners
are, at one length and four apertures; genes, how active each of yeast's is in 79 experiments;
glass, its refraction and eight elements in per cent, many of them none; satellites, six elements of
the orbit, drag and launch of those in space, many of them in shoals; demand, for electric power in
each hour of a day, in standard deviations of the day's own; gestures, where a hand is at 150
moments; crabs, five measurements in millimetres that all tell how large one is; trial, 25 numbers
of a patient, of which most are 0 or 1 and some counts or days.
"""

import csv
import gzip
import json
import re
import sysconfig
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.io import netcdf_file, wavfile
from sklearn.feature_extraction.text import CountVectorizer


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


def _arff(file: Path, columns: int) -> tuple:
    """Return the set of the first columns of a file of Weka's that are not the same in all rows."""
    with file.open() as lines:
        data = [line for line in lines if line[0] not in "%@\r\n"]
    rows = np.array([line.split(",")[:columns] for line in data], float)
    rows = rows[:, rows.std(axis=0) > 0]
    return rows, rows.shape[1:], False


def _named(file: Path, names: list[str]) -> tuple:
    """Return the set of columns of a .csv file, without rows in which one is missing."""
    with file.open(newline="") as lines:
        found = [[line[name] for name in names] for line in csv.DictReader(lines)]
    rows = np.array([line for line in found if not {"", "NA"} & set(line)], float)
    return rows, rows.shape[1:], False


def _series(folder: Path, name: str) -> tuple:
    """Return the set of both parts of one of aeon's sets of series, without their classes."""
    rows = []
    for part in ("TRAIN", "TEST"):
        text = (folder / name / f"{name}_{part}.ts").read_text()
        data = re.split("^@data *\n", text, flags=re.MULTILINE | re.IGNORECASE)[1]
        rows += [line.partition(":")[0].split(",") for line in data.split()]
    rows = np.array(rows, float)
    return rows, rows.shape[1:], False


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


def segments(folder: Path) -> tuple:
    """Return measurements of parts of photographs."""
    return _arff(folder / "segment-challenge.arff", 19)


def radar(folder: Path) -> tuple:
    """Return real and imaginary parts of what came back of 17 pulses."""
    return _arff(folder / "ionosphere.arff", 34)


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


def weeks(file: Path) -> tuple:
    """Return rain, highest and lowest temperature and wind on the seven days of a week."""
    days = np.loadtxt(file, delimiter=",", skiprows=1, usecols=range(1, 5))
    return days[: len(days) // 7 * 7].reshape(-1, 28), (28,), False


def chapters(file: Path) -> tuple:
    """Return counts of the commonest words in each chapter, whose number ends a line before it."""
    texts = re.split(r"^\S.*$", file.read_text(), flags=re.MULTILINE)[1:]
    words = CountVectorizer(max_features=3000, token_pattern="[A-Za-z]+").fit(texts)
    rows = words.transform(texts).toarray().astype(float)
    return rows, rows.shape[1:], False


def counties(file: Path) -> tuple:
    """Return what was measured of counties in years, without what is only one of two things."""
    found = ElementTree.parse(file).getroot().iter("obs")
    rows = np.array([(one.text or "").split()[2:25] for one in found], float)
    return (rows := rows[:, [len(set(c)) > 2 for c in rows.T]]), rows.shape[1:], False


def asteroids(file: Path) -> tuple:
    """Return brightness, six elements of the orbit, and three that follow from them."""
    found = json.loads(file.read_text())
    names = "H", "e", "a", "q", "i", "om", "w", "ma", "per_y", "moid"
    places = [found["fields"].index(name) for name in names]
    rows = [[one[p] for p in places] for one in found["data"]]
    rows = np.array([row for row in rows if None not in row], float)
    return rows, rows.shape[1:], False


def women(folder: Path) -> tuple:
    """Return eight measurements of women, of a study of diabetes."""
    return _arff(folder / "diabetes.arff", 8)


def compounds(folder: Path) -> tuple:
    """Return descriptors of chemical compounds."""
    return _arff(folder / "unbalanced.arff", 32)


def earthquakes(file: Path) -> tuple:
    """Return degrees, kilometres, magnitude and number of stations of earthquakes near Fiji."""
    return _named(file, ["lat", "long", "depth", "mag", "stations"])


def diamonds(file: Path) -> tuple:
    """Return carats, two percentages, dollars and three sides in millimetres."""
    return _named(file, ["carat", "depth", "table", "price", "x", "y", "z"])


def soil(file: Path) -> tuple:
    """Return pH, conductivity and chloride of soil at each of three depths."""
    return _named(file, [kind + deep for kind in ("pH", "e", "c") for deep in ("00", "30", "80")])


def answers(file: Path) -> tuple:
    """Return answers to 25 questions on five traits of a person."""
    return _named(file, [f"{trait}{k}" for trait in "ACENO" for k in range(1, 6)])


def ocean(file: Path) -> tuple:
    """Return degrees Celsius at 20 depths, and salinity there, of each place that is so deep."""
    rows = _monthly(file, 1e6)  # land and sea floor are −1e10
    return rows, rows.shape[1:], False


def tides(file: Path) -> tuple:
    """Return height and phase of each wave known at half of the stations, and the mean level."""
    stations, known = [], {}
    for line in file.read_text("latin-1").splitlines():
        if datum := re.fullmatch(r"([\d.+-]+) feet", line):
            stations.append(known := {"datum": (float(datum[1]), 0.0)})
        elif stations and (wave := re.fullmatch(r"(\w+) +([\d.]+) +([\d.]+)", line)):
            known[wave[1]] = float(wave[2]), float(wave[3])
    names = sorted({name for known in stations for name in known})
    names = [n for n in names if sum(n in known for known in stations) * 2 >= len(stations)]
    rows = np.array([[known.get(n, (0.0, 0.0)) for n in names] for known in stations])
    rows = rows.reshape(len(stations), -1)
    return (rows := rows[:, rows.std(axis=0) > 0]), rows.shape[1:], False


def leaves(folder: Path) -> tuple:
    """Return outlines of leaves."""
    return _series(folder, "OSULeaf")


def appliances(folder: Path) -> tuple:
    """Return readings of power."""
    return _series(folder, "ACSF1")


def codons(folder: Path) -> tuple:
    """Return uses of each codon in a thousand, of each organism of EMBOSS's."""
    rows = []
    for file in sorted(folder.glob("*.cut")):
        found = re.findall(r"^([ACGTU]{3})\s+\S+\s+\S+\s+(\S+)", file.read_text(), re.MULTILINE)
        rows.append([float(times) for _, times in sorted(found)])
    rows = np.array([row for row in rows if len(row) == 64])
    return rows, rows.shape[1:], False


def lenses(folder: Path) -> tuple:
    """Return focal length, and aperture and three coefficients of shade at each of four stops."""
    rows = []
    for file in sorted(folder.glob("*.xml")):
        for lens in ElementTree.parse(file).getroot().iter("lens"):
            known: dict[float, dict] = {}
            for shade in lens.iter("vignetting"):
                told = [float(shade.get(k, 0)) for k in ("focal", "aperture", "k1", "k2", "k3")]
                known.setdefault(told[0], {})[told[1]] = told[1:]
            for focal, stops in known.items():
                if len(stops) >= 4:
                    four = sorted(stops)[:4]
                    rows.append([focal, *(number for stop in four for number in stops[stop])])
    rows = np.array(rows)
    return rows, rows.shape[1:], False


def genes(file: Path) -> tuple:
    """Return logarithms of activity, of yeast's genes of which all were measured but three."""
    lines = file.read_text().splitlines()
    columns = lines[1].split("\t").count("continuous")
    found = [line.split("\t")[:columns] for line in lines[3:]]
    rows = [line for line in found if line.count("?") + line.count("") <= 3]
    rows = np.array([[0.0 if cell in ("?", "") else float(cell) for cell in row] for row in rows])
    return rows, rows.shape[1:], False


def glass(folder: Path) -> tuple:
    """Return the index of refraction and per cent of eight oxides."""
    return _arff(folder / "glass.arff", 9)


def satellites(file: Path) -> tuple:
    """Return drag, year and number of launch, change, and the six elements of each orbit."""

    def power(told: str) -> float:  # "10617-3" for 0.10617e-3
        return float(f"{told[0]}0.{told[1:6].strip()}e{told[6:]}")

    rows, text = [], file.read_text("latin-1")
    for one, two in re.findall(r"TLE1=(.{60,69})\s*TLE2=(.{60,69})", text):
        told = one[9:11], one[11:14], one[33:43], f"0.{two[26:33]}", two[8:16], two[17:25]
        told = *told, two[34:42], two[43:51], two[52:63]
        rows.append([power(one[53:61]), *map(float, told)])
    rows = np.array(rows)
    return rows, rows.shape[1:], False


def demand(folder: Path) -> tuple:
    """Return the demand for power in each hour of a day in Italy."""
    return _series(folder, "ItalyPowerDemand")


def gestures(folder: Path) -> tuple:
    """Return how far aside a hand is that points, or draws something, and comes back."""
    return _series(folder, "GunPoint")


def crabs(file: Path) -> tuple:
    """Return five sizes of crabs, two species and both sexes."""
    return _named(file, ["FL", "RW", "CL", "CW", "BD"])


def trial(file: Path) -> tuple:
    """Return what was known of patients of a trial, before and after, but for one lost column."""
    with file.open(newline="") as lines:
        names = next(csv.reader(lines))
    return _named(file, [name for name in names[2:] if name != "cd496"])
