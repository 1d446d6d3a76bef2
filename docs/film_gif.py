"""Draw a film that comes out of noise: `python docs/film_gif.py` writes _static/film.gif.

A window goes round over one of the two photographs that scikit-learn comes with (CC BY 2.0 by
danielbuechele): 36 frames of 48 × 48 pixels in colour. Left the film, right what is replayed from
one of its frames with noise of the frame's own deviation, by the map alone, at a norm at which it
draws the noise in. (The default brings the cue to a frame first, and is there at step 1.)
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_images

import attractory as at

PATH = Path(__file__).parent / "_static/film.gif"
COUNT, SIDE, SCALE, NOISE, START = 36, 48, 4, 1.0, 9
NORM, GREYS = 500.0, 8
STEPS = 44  # more than a round


def film():
    """Return the frames, (36, 48 · 48 · 3)."""
    photo = load_sample_images().images[0][::3, ::3] / 255
    turn = 2 * np.pi * np.arange(COUNT) / COUNT
    tops = np.rint(46 + 44 * np.sin(turn)).astype(int)
    lefts = np.rint(83 + 80 * np.cos(turn)).astype(int)
    return np.stack(
        [photo[y : y + SIDE, x : x + SIDE].ravel() for y, x in zip(tops, lefts, strict=True)]
    )


def picture(left, right, text):
    """Return two frames side by side below a title, with a line of text above each."""
    wide = SIDE * SCALE
    sheet = Image.new("RGB", (2 * wide + 34, wide + 64), "white")
    places = [(10 + k * (wide + 14), 54) for k in range(2)]
    for row, place in zip((left, right), places, strict=True):
        pixels = np.rint(255 * row.clip(0, 1)).astype(np.uint8).reshape(SIDE, SIDE, 3)
        frame = Image.fromarray(pixels).resize((wide, wide), Image.Resampling.NEAREST)
        sheet.paste(frame, place)
    # Colours for the frames, and greys for the texts, which would be given a frame's colours.
    colours = sheet.quantize(56, dither=Image.Dither.NONE).getpalette()[: 3 * 56]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours + np.linspace(0, 255, GREYS).astype(int).repeat(3).tolist())
    pen = ImageDraw.Draw(sheet)
    pen.text((10, 8), "The map draws a noisy frame into the film", fill="black", font_size=17)
    for label, (x, y) in zip(("stored film", text), places, strict=True):
        pen.text((x, y - 21), label, fill="black", font_size=14)
    return sheet.quantize(palette=palette, dither=Image.Dither.NONE)


def main():
    """Store, replay, draw, write."""
    frames, random = film(), np.random.default_rng(0)
    memory = at.SequenceMemory(iteration="plain", norm=NORM).fit(frames)
    mean = frames.mean(axis=0)
    size = np.linalg.norm(frames[START] - mean) / np.sqrt(frames.shape[1])
    cue = frames[START] + NOISE * size * random.normal(size=frames.shape[1])
    states = np.vstack([cue, memory.replay(cue, STEPS)[1:]])
    right = frames[(START + np.arange(STEPS + 1)) % COUNT]
    far = np.linalg.norm(states - right, axis=1) / np.linalg.norm(right - mean, axis=1)
    texts = [
        "cue: a noisy frame",
        *(f"replay, step {k}: error {error:.1g}" for k, error in enumerate(far[1:], 1)),
    ]
    drawn = [picture(*each) for each in zip(right, states, texts, strict=True)]
    drawn[0].save(
        PATH, save_all=True, append_images=drawn[1:], loop=0, duration=[1200] + [140] * STEPS
    )
    print(f"errors {far[[0, 1, 5, 10, 20, -1]]}; {PATH.name}: {PATH.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
