"""Data sets that only held-out damage is measured on (`damage.py --held-out`).

Pictures are read by `held_out_pictures.py`, other rows by `held_out_tables.py`, where it is said
what they are. Tumours, patients and wine are scikit-learn's, in the units they were taken in. In no
run before the twelfth set of kinds were cuneiform, dungeon, craters, nebulae, codons, lenses,
genes, glass, satellites, demand, gestures, crabs and trial.
"""

import argparse

import numpy as np
from held_out_pictures import (
    brains,
    characters,
    craters,
    cuneiform,
    dungeon,
    earth,
    emoji,
    faces,
    flags,
    glyphs,
    hieroglyphs,
    icons,
    nebulae,
    pictograms,
    relief,
    sprites,
    stamps,
    syllables,
    terrain,
    textures,
    yi,
)
from held_out_tables import (
    answers,
    appliances,
    asteroids,
    chapters,
    climate,
    codons,
    compounds,
    counties,
    crabs,
    demand,
    diamonds,
    earthquakes,
    fertility,
    genes,
    gestures,
    glass,
    heartbeats,
    leaves,
    lenses,
    letters,
    music,
    ocean,
    programs,
    radar,
    satellites,
    schools,
    segments,
    soil,
    spectra,
    speech,
    strokes,
    tides,
    trial,
    weeks,
    winds,
    women,
)
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine


def _some(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return rows drawn by chance, each once, as many as there are at most."""
    rows = rows[rng.permutation(len(rows))[: 4 * count]]
    return rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])][:count]


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
    "syllables": (syllables, "NanumGothic.ttf"),
    "hieroglyphs": (hieroglyphs, "NotoSansEgyptianHieroglyphs-Regular.ttf"),
    "pictograms": (pictograms, "folder of KDE's Oxygen icons"),
    "sprites": (sprites, "crossfire.base of Crossfire's client"),
    "weeks": (weeks, "seattle-weather.csv of Vega's data sets"),
    "chapters": (chapters, "the Bible in plain text, as `bible -l9999 gen1:1-rev22:21` writes it"),
    "counties": (counties, "nc_crime.gdt of gretl"),
    "asteroids": (asteroids, "asteroids.dat of KStars"),
    "women": (women, "folder of Weka's examples"),
    "compounds": (compounds, "folder of Weka's examples"),
    "stamps": (stamps, "folder of Tux Paint's stamps"),
    "yi": (yi, "NotoSansYi-Regular.ttf"),
    "earth": (earth, "earth.jpg of Xplanet"),
    "earthquakes": (earthquakes, "quakes.csv of R's data sets"),
    "diamonds": (diamonds, "diamonds.csv of R's ggplot2"),
    "soil": (soil, "gilgais.csv of R's MASS"),
    "answers": (answers, "bfi.csv of R's psych"),
    "ocean": (ocean, "levitus_climatology.cdf of Ferret"),
    "tides": (tides, "XTide's harmonics in plain text, as restore_tide_db writes them"),
    "leaves": (leaves, "folder of aeon's data sets"),
    "appliances": (appliances, "folder of aeon's data sets"),
    "cuneiform": (cuneiform, "NotoSansCuneiform-Regular.ttf"),
    "dungeon": (dungeon, "folder of Dungeon Crawl's sheets of tiles"),
    "craters": (craters, "moon_4k.jpg of Stellarium"),
    "nebulae": (nebulae, "folder of Stellarium's pictures of nebulae"),
    "codons": (codons, "folder of EMBOSS's tables of codons (.cut)"),
    "lenses": (lenses, "folder of Lensfun's data"),
    "genes": (genes, "brown-selected.tab of Orange"),
    "glass": (glass, "folder of Weka's examples"),
    "satellites": (satellites, "satellites.dat of Gpredict"),
    "demand": (demand, "folder of aeon's data sets"),
    "gestures": (gestures, "folder of aeon's data sets"),
    "crabs": (crabs, "crabs.csv of R's MASS"),
    "trial": (trial, "ACTG175.csv of lifelines"),
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
