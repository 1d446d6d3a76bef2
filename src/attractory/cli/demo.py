"""The main job in one call: store digits or pieces of photographs, corrupt them, recall them, and
say how each one fared.

Twice: by `AttractorMemory`, and by the paper's own map, whose Jacobian's eigenvalues are shown.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from attractory._util.contraction import BELOW_ONE
from attractory._util.validation import nonnegative, positive, whole
from attractory.activations import Activation
from attractory.analysis.iteration import RecallResult, recall
from attractory.analysis.spectrum import eigenvalues
from attractory.cli.pictures import write_pictures
from attractory.datasets import bundled_digits, rescale
from attractory.maps.kernel_regression import KernelRegression, fit_regression
from attractory.memory.estimator import AttractorMemory
from attractory.plotting.images import ImageShape

__all__ = ["Demo", "run_demo"]

RECALLED = 0.01  # a cue is recalled when it ends within this share of its pattern's norm
_DIGIT = (28, 28)
_TILE = 64  # pixels of a side of a piece of a photograph
_CONTRAST = 0.15  # standard deviation that its values have at least
_MOVING = 8  # images in the moving picture
_SHOWN = {"digit": 20, "tile": 14}  # columns of the figure


@dataclass(frozen=True)
class Trial:
    """Recall of every pattern from one kind of corruption.

    Attributes:
        name: what was done to the patterns.
        cues: for the paper's map: centred and of the patterns' norm, (n, d).
        pictures: the same as images, (n, d).
        result: where the paper's map took them.
        error: distance from the pattern at the end, relative to its norm, (n,).
        restored: the images that `AttractorMemory` made of the same cues, (n, d).
        memory_error: their distance from the digits, relative to those less the mean digit, (n,).
    """

    name: str
    cues: Float[np.ndarray, "n d"]
    pictures: Float[np.ndarray, "n d"]
    result: RecallResult
    error: Float[np.ndarray, " n"]
    restored: Float[np.ndarray, "n d"]
    memory_error: Float[np.ndarray, " n"]

    @property
    def recalled(self) -> Bool[np.ndarray, " n"]:
        """Which cues the paper's map took to within 1 % of their pattern in its steps."""
        return self.error <= RECALLED

    @property
    def recalled_by_memory(self) -> Bool[np.ndarray, " n"]:
        """Which cues `AttractorMemory` took to within 1 % of their digit."""
        return self.memory_error <= RECALLED

    def fate(self, k: int) -> dict[str, Any]:
        """Return how one cue fared."""
        return {
            "steps": int(self.result.steps[k]),
            "error": float(self.error[k]),
            "recalled": bool(self.recalled[k]),
            "memory_error": float(self.memory_error[k]),
            "recalled_by_memory": bool(self.recalled_by_memory[k]),
        }


@dataclass(frozen=True)
class Demo:
    """Everything the demo measured.

    Attributes:
        images, labels: as they came, (n, d) and (n,): which digit, or of which photograph.
        memory: the paper's map.
        keeper: the `AttractorMemory` of the same images.
        eigenvalues: of the Jacobian at each pattern, (n, d).
        trials: recall from Gaussian noise, with the lower half of the image missing and, if there
            are colours, from grey.
        seconds: what each part took.
        shape: of the images.
        what: "digit" or "tile".
    """

    images: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"]
    memory: KernelRegression
    keeper: AttractorMemory
    eigenvalues: Complex[np.ndarray, "n d"]
    trials: tuple[Trial, ...]
    seconds: dict[str, float]
    shape: ImageShape
    what: str

    @property
    def spectral_radius(self) -> Float[np.ndarray, " n"]:
        """Largest modulus of the eigenvalues at each pattern, (n,)."""
        return np.abs(self.eigenvalues).max(axis=1)

    @property
    def kind(self) -> str:
        """What the labels say."""
        return "digit" if self.what == "digit" else "photo"

    def rows(self) -> list[dict[str, Any]]:
        """Return one record a pattern."""
        return [
            {
                "pattern": k,
                self.kind: int(self.labels[k]),
                "spectral_radius": float(self.spectral_radius[k]),
                **{trial.name: trial.fate(k) for trial in self.trials},
            }
            for k in range(len(self.labels))
        ]

    def as_pixels(self, states: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Undo centring and scaling, with the scale of each state's own image."""
        return _as_pixels(states, self.images, np.asarray(self.memory.patterns))

    def save_figures(self, folder: str | Path, gif: bool = False) -> list[Path]:
        """Write recall.png, eigenvalues.png and, if asked to, recall.gif; return their paths."""
        from attractory.plotting.images import plot_image_rows
        from attractory.plotting.spectra import plot_eigenvalues

        target = Path(folder)
        count, shown = len(self.labels), min(len(self.labels), _SHOWN[self.what])
        rows, missed = [("stored", self.images[:shown])], [None]
        for trial in self.trials:
            states = self.as_pixels(trial.result.state)
            rows += [
                (trial.name, trial.pictures[:shown]),
                ("AttractorMemory", trial.restored[:shown]),
                ("the paper's map", states[:shown]),
            ]
            missed += [None, ~trial.recalled_by_memory[:shown], ~trial.recalled[:shown]]
        any_missed = any(part is not None and part.any() for part in missed)
        title = self._message() + ("; orange: not recalled" if any_missed else "")
        radius = self.spectral_radius
        inside = int((radius < BELOW_ONE).sum())
        pictures = {
            target / "recall.png": plot_image_rows(rows, self.shape, title=title, missed=missed),
            target / "eigenvalues.png": plot_eigenvalues(
                self.eigenvalues,
                title=f"{inside} of {count} patterns are attractors\n"
                f"largest spectral radius {radius.max():.3f}",
            ),
        }
        written = write_pictures(pictures)
        return [*written, self._save_gif(target / "recall.gif")] if gif else written

    def _message(self) -> str:
        """Say what was recalled."""
        ours = [f"{trial.recalled_by_memory.sum()} from {trial.name}" for trial in self.trials]
        maps = [str(trial.recalled.sum()) for trial in self.trials]
        begin = f"Of {len(self.labels)} {self.what}s AttractorMemory recalls "
        if len(ours) == 2:
            both = zip(ours, maps, strict=True)
            return begin + ", ".join(f"{mine} (the paper's map: {its})" for mine, its in both)
        return f"{begin}{', '.join(ours)}; the paper's map {', '.join(maps)}"

    def _save_gif(self, path: Path) -> Path:
        from attractory.plotting.movies import recall_animation, save_animation

        halves, some = self.trials[1], slice(_MOVING)
        movie = recall_animation(
            self.keeper, halves.pictures[some], self.shape, title="AttractorMemory",
            others=[("stored", self.images[some])],
        )  # fmt: skip
        return save_animation(movie, path)


def run_demo(
    *,
    photos: bool = False,
    n: int = 20,
    norm: float = 100.0,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    noise: float = 1.0,
    seed: int = 0,
    progress: Callable[[str], object] = lambda message: None,
) -> Demo:
    """Store n bundled digits and recall them from Gaussian noise and from a masked half image.

    Args:
        photos: store pieces of scikit-learn's two photographs instead, 64 × 64 pixels in colour,
            and recall them from grey, too.
        n: number of images, 2 to 200 (they are centred, which leaves nothing of a single one).
        norm: Euclidean norm the centred images get.
        activation, depth: as for `maps.kernel_regression.fit_regression`.
        noise: expected norm of the noise relative to the pattern's.
        seed: of the noise.
        progress: called with a line of text as each part begins.

    Raises:
        ValueError: for values out of range, as the parts raise it.

    Example:
        >>> demo = run_demo(n=4, noise=0.5)
        >>> demo.trials[0].recalled.tolist(), bool(demo.spectral_radius.max() < 1)
        ([True, True, True, True], True)
    """
    n, norm = whole(n, "n", 2, 200), positive(norm, "norm")
    noise, seed = nonnegative(noise, "noise"), whole(seed, "seed", 0)
    seconds: dict[str, float] = {}

    def timed(part: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = function(*args, **kwargs)
        seconds[part] = time.perf_counter() - start
        return result

    what = "tile" if photos else "digit"
    shape: ImageShape = (_TILE, _TILE, 3) if photos else _DIGIT
    images, labels = photo_tiles(n) if photos else bundled_digits(n)
    patterns = rescale(images, norm)
    progress(f"storing {n} {what}s of norm {norm:g}")
    memory = timed("fit", fit_regression, patterns, activation=activation, depth=depth)
    progress("eigenvalues of the Jacobian at every pattern")
    spectra = timed("spectrum", eigenvalues, memory, patterns)

    grain = np.random.default_rng(seed).standard_normal(patterns.shape)
    noisy = patterns + noise * norm / np.sqrt(patterns.shape[1]) * grain
    progress(f"storing {n} {what}s in an AttractorMemory")
    # The search, the default, recalls as many digits as the rule and takes longer.
    metric = "search" if photos else "rule"
    keeper = AttractorMemory(activation=activation, depth=depth, metric=metric)
    timed("fit of AttractorMemory", keeper.fit, images)
    mean = images.mean(axis=0)
    sizes = np.linalg.norm(images - mean, axis=1)
    given = [(f"noise {noise:g}", noisy, _as_pixels(noisy, images, patterns))]
    for name, pictures in _damaged(images, shape):
        given.append((name, rescale(pictures - mean, norm, center=False), pictures))
    trials = []
    for name, cues, pictures in given:
        progress(f"recall from {name}")
        result = timed(f"recall from {name}", recall, memory, cues)
        error = np.linalg.norm(result.state - patterns, axis=1) / norm
        restored = timed(f"AttractorMemory from {name}", keeper.recall, pictures).state
        far = np.linalg.norm(restored - images, axis=1) / sizes
        trials.append(Trial(name, cues, pictures, result, error, restored, far))
    return Demo(images, labels, memory, keeper, spectra, tuple(trials), seconds, shape, what)


def photo_tiles(n: int) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    """Return pieces of scikit-learn's two photographs and of which one each is.

    Their places are drawn at random, the same in every call; plain sky is left out.
    """
    from sklearn.datasets import load_sample_images

    photos, rng = load_sample_images().images, np.random.default_rng(0)
    which = np.arange(n) % len(photos)
    tiles = np.zeros((n, _TILE, _TILE, 3))
    for tile, k in zip(tiles, which, strict=True):
        while tile.std() < _CONTRAST:
            y, x = (rng.integers(0, side - _TILE + 1) for side in photos[k].shape[:2])
            tile[:] = photos[k][y : y + _TILE, x : x + _TILE] / 255
    return tiles.reshape(n, -1), which


def _damaged(
    images: Float[np.ndarray, "n d"], shape: ImageShape
) -> list[tuple[str, Float[np.ndarray, "n d"]]]:
    """Return images without their lower half and, of those in colour, without their colours.

    Digits stand on black; of a photograph the lower half of the mean image stands for what lacks.
    """
    halves = images.copy().reshape(-1, *shape)
    lower = halves[:, shape[0] // 2 :]
    lower[:] = lower.mean(axis=0) if len(shape) == 3 else 0.0
    damaged = [("masked half", halves.reshape(images.shape))]
    if len(shape) == 3:
        grey = images.reshape(-1, *shape).mean(axis=3, keepdims=True).repeat(3, axis=3)
        damaged.append(("grey", grey.reshape(images.shape)))
    return damaged


def _as_pixels(
    states: Float[np.ndarray, "n d"],
    images: Float[np.ndarray, "n d"],
    patterns: Float[np.ndarray, "n d"],
) -> Float[np.ndarray, "n d"]:
    mean = images.mean(axis=0)
    size = np.linalg.norm(images - mean, axis=1, keepdims=True)
    return states * (size / np.linalg.norm(patterns, axis=1, keepdims=True)) + mean
