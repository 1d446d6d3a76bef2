r"""Stored images moved onto a cue: shifted, turned, of another size, mirrored.

Where the rows lie on a grid (`memory.image_grid`), a cue is compared with every row under some
thousand moves: coarsely, by Pearson's correlation of images of about 14 pixels a side, where both
are in view, in principal axes. To the best rows the move is then fitted: the affine map T, the
contrast a and the offset o of least ‖x − a p∘T − o‖², by Gauss–Newton steps, first on blurred
images. What T leads to from beyond the row's edge is taken from the edge. An inverted row (a < 0)
is one, too.

Curves are images of one line: they are shifted, stretched and reversed.
"""

from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter

from attractory.memory.image_grid import Grid
from attractory.memory.small_images import SmallImages, at_most, pooled

__all__ = ["Aligned", "Alignment"]

_COARSE, _COARSE_CURVE = 14, 64  # pixels a side that are searched, if square; samples of a curve
_AXES = 64
_TURNS = 15.0, 30.0, 45.0  # degrees, either way
_SIZES = 0.75, 1.0, 1.33
_STRETCHES = np.exp(np.linspace(-0.25, 0.25, 11))  # of curves
_SHEARS = (0.35, 0), (-0.35, 0), (0, 0.35), (0, -0.35)
_REACH = 0.25  # of a side, by which is shifted
_WORK = 1 << 24  # transformations times rows, at most
_LIKE, _UNLIKE = 64, 16  # rows found by the search
_VIEW = 0.4  # of a cue, that a row must reach at least
_FLOOR = 0.1  # of a row's square that its part in view counts as at least
_FIRST = 3  # of these that are looked at closely, by what they leave of the cue in view and of all
_STEPS = 4  # of Gauss–Newton each time
_BLURS = 1.5, 0.7  # pixels
_DAMPING = 1e-2
_AT_ONCE = 1 << 24  # numbers of rows that are pooled
_CACHED = 1 << 18  # similarities worked out at a time: they stay in a core's cache
_FARTHEST = 3.0  # change of size a fit may come to
_NONE = 1e-9


class Aligned(NamedTuple):
    """Cues and rows moved onto them, as grey images; of one cue or several.

    Attributes:
        x: the cues, (…, c).
        rows: each row as it explains the cue best, of contrast 1 or −1, (…, s, c).
    """

    x: Float[np.ndarray, "*k c"]
    rows: Float[np.ndarray, "*k s c"]


class Alignment:
    """What is worked out of the stored rows, once.

    Args:
        points: the rows, in units of their spread, (n, d).
        images: the same as small images.
    """

    def __init__(self, points: Float[np.ndarray, "n d"], images: SmallImages):
        self._points, self._images = points, images

    @property
    def grid(self) -> Grid | None:
        """What the rows lie on."""
        return self._images.grid

    def prepare(self) -> None:
        """Work out what the search needs to know of all rows."""
        if self.grid is not None:
            _ = self._axes, self._places

    def of(
        self, x: Float[np.ndarray, "k d"], rows: list[Int[np.ndarray, " _"]]
    ) -> list[tuple[Int[np.ndarray, " s"], Aligned]]:
        """Return, for each cue, some rows and those liked best besides, moved onto it.

        Args:
            x: the cues, in the rows' units.
            rows: some of each.
        """
        coarse, fine = pooled(self._images.grey(x), self._coarse_by), self._images.of(x)
        return [self._one(*given) for given in zip(coarse, fine, rows, strict=True)]

    def _one(
        self, coarse: np.ndarray, fine: np.ndarray, given: Int[np.ndarray, " _"]
    ) -> tuple[Int[np.ndarray, " s"], Aligned]:
        rows, moves = self._searched(coarse, given)
        # The search moved the cue onto the row; here the row is moved onto the cue.
        matrix = np.linalg.inv(moves[:, :, :2])
        shift = -matrix @ moves[:, :, 2:]
        state = np.concatenate([matrix, shift], axis=2)
        state, left = _fitted(coarse, self._coarse[rows], state, _STEPS)
        beyond = _unlike(coarse, _sampled(self._coarse[rows], state)[0])
        first = [rows[np.argsort(each)[:_FIRST]] for each in (left, beyond)]
        kept = np.unique(np.concatenate([*first, given]))
        best = np.full(len(self._points), -1)
        order = np.argsort(-left)
        best[rows[order]] = order  # the better one of two of a row
        state, ratio = state[best[kept]], np.divide(self._coarse_by, self._images.by)
        state[:, :, 2] *= ratio
        state[:, :, :2] *= ratio[:, None] / ratio
        images, close = self._images.rows[kept], np.isin(kept, np.concatenate(first))
        for blur in _BLURS:
            wide = (0, blur if fine.shape[0] > 1 else 0, blur)
            state[close], _ = _fitted(
                gaussian_filter(fine, wide[1:], mode="nearest"),
                gaussian_filter(images[close], wide, mode="nearest"), state[close], _STEPS,
            )  # fmt: skip
        moved = _sampled(images, state)[0]
        x = np.asarray(fine.ravel(), np.float32)
        along = (moved - moved.mean(axis=1, keepdims=True)) @ (x - x.mean())
        return kept, Aligned(x, moved * np.where(along < 0, -1, 1)[:, None].astype(np.float32))

    def _searched(
        self, image: np.ndarray, given: Int[np.ndarray, " _"]
    ) -> tuple[Int[np.ndarray, " s"], Float[np.ndarray, "s 2 3"]]:
        """Return rows and moves of the cue that make them alike or unlike, given ones besides."""
        axes, rows, inverse = self._axes
        count = len(rows)
        most, least = np.empty((2, count), np.float32)
        copies = np.append(image.ravel(), np.float32(0))[self._places]
        within = self._within
        copies -= (copies.sum(axis=1) / within.sum(axis=1))[:, None]
        copies *= within
        copies /= np.maximum(np.linalg.norm(copies, axis=1, keepdims=True), _NONE)
        along = (copies @ axes).T

        def alike(which: slice | Int[np.ndarray, " m"]) -> Float[np.ndarray, "m t"]:
            values = rows[which] @ along
            values *= inverse[which]
            return values

        size = max(1, _CACHED // along.shape[1])
        for some in (slice(k, k + size) for k in range(0, count, size)):
            values = alike(some)
            most[some], least[some] = values.max(axis=1), values.min(axis=1)
        first = np.unique(np.append(_top(most, min(count, _LIKE)), given))
        inverted = _top(-least, min(count, _UNLIKE))
        best = alike(first).argmax(axis=1), alike(inverted).argmin(axis=1)
        moves = self._moves[np.concatenate(best)]
        return np.concatenate([first, inverted]), moves

    @property
    def _coarse_by(self) -> tuple[int, int]:
        """The same in those that are searched: multiples."""
        assert self.grid is not None
        (down, across), (height, width, _) = self._images.by, self.grid
        high, wide = height // down, width // across
        size = wide / _COARSE_CURVE if height == 1 else np.sqrt(high * wide) / _COARSE
        more = max(1, round(size))
        return down * at_most(more, high), across * at_most(more, wide)

    @cached_property
    def _coarse(self) -> Float[np.ndarray, "n h w"]:
        size = max(1, _AT_ONCE // self._points.shape[1])
        parts = (self._points[k : k + size] for k in range(0, len(self._points), size))
        return np.concatenate([pooled(self._images.grey(some), self._coarse_by) for some in parts])

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Principal axes of coarse rows, the rows there, and 1 over their norms in moves' views.

        Products with cues less their mean need no rows less theirs.
        """
        rows = self._coarse.reshape(len(self._coarse), -1)
        rows = rows - rows.mean(axis=1, keepdims=True)
        axes = np.linalg.eigh(np.asarray(rows.T @ rows, float))[1][:, ::-1][:, :_AXES]
        axes = np.asarray(axes, np.float32)
        square, whole = (rows**2) @ self._within.T, (rows**2).sum(axis=1, keepdims=True)
        square -= (rows @ self._within.T) ** 2 / self._within.sum(axis=1)
        return axes, rows @ axes, 1 / np.sqrt(np.maximum(square, _FLOOR * whole) + _NONE)

    @cached_property
    def _moves(self) -> Float[np.ndarray, "t 2 3"]:
        """Matrices and shifts, in coarse pixels from the middle; nearer ones are first."""
        height, width = self._coarse.shape[1:]
        parts = [np.diag([1.0, size]) for size in _STRETCHES] if height == 1 else []
        flips = [np.diag([1.0, -1.0])]
        if height > 1:
            turns = [t for turn in _TURNS for t in (turn, -turn)]
            parts += [np.array([[1, a], [b, 1]]) for a, b in _SHEARS]
            parts += [size * _turned(turn) for turn in (0.0, *turns) for size in _SIZES]
            flips = [turn @ flip for turn in map(_turned, (0.0, 90.0, 180.0, 270.0))
                     for flip in (np.eye(2), np.diag([1.0, -1.0]))][1:]  # fmt: skip
            flips = flips if height == width else [flips[0], flips[3], flips[4]]
        reach = [max(1, round(_REACH * side)) if side > 1 else 0 for side in (height, width)]
        shifts = np.stack(
            np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1
        ).reshape(-1, 2)
        shifts = shifts[np.argsort(np.abs(shifts).max(axis=1), kind="stable")]
        one = np.eye(2)
        every = [(one, shift) for shift in shifts]
        near = [shift for shift in shifts if np.abs(shift).max() <= max(1, max(reach) // 2)]
        every += [(flip, shift) for flip in flips for shift in near]
        every += [(part, shift) for part in parts if not np.allclose(part, one)
                  for shift in shifts if np.abs(shift).max() <= max(1, max(reach) - 1)]  # fmt: skip
        most = max(1, _WORK // len(self._points))
        return np.array([np.column_stack([part, shift]) for part, shift in every[:most]])

    @cached_property
    def _places(self) -> Int[np.ndarray, "t c"]:
        """Where each copy of a coarse cue has its values from; the last place is beyond."""
        height, width = self._coarse.shape[1:]
        middle = (np.array([height, width]) - 1) / 2
        moves = self._moves
        seen = np.einsum("tij,jc->tic", moves[:, :, :2], _centred(height, width))
        seen += moves[:, :, 2:] + middle[:, None]
        near = np.rint(seen).astype(int)
        within = ((near >= 0) & (near < [[height], [width]])).all(axis=1)
        return np.where(within, near[:, 0] * width + near[:, 1], height * width)

    @cached_property
    def _within(self) -> Float[np.ndarray, "t c"]:
        """1 where a copy of a cue has values, 0 beyond."""
        return np.asarray(self._places < self._coarse[0].size, np.float32)


def _turned(degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _unlike(image: Float[np.ndarray, "h w"], rows: Float[np.ndarray, "s c"]) -> np.ndarray:
    """Return the share of an image that rows leave, at their best contrast and offset."""
    flat, apart = image.ravel() - image.mean(), rows - rows.mean(axis=1, keepdims=True)
    size = np.einsum("sc,sc->s", apart, apart) * (flat @ flat)
    return 1 - (apart @ flat) ** 2 / np.maximum(size, _NONE)


def _top(values: Float[np.ndarray, " n"], count: int) -> Int[np.ndarray, " f"]:
    return np.argpartition(-values, count - 1)[:count]


def _sampled(
    images: Float[np.ndarray, "s h w"], state: Float[np.ndarray, "s 2 3"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return images through affine maps of places from the middle, their slopes, and what is seen.

    Values between pixels are bilinear, those beyond the edge the edge's. All are (s, c).
    """
    count, height, width = images.shape
    middle = (np.array([height, width], np.float32) - 1)[None, :, None] / 2
    places = np.asarray(state[:, :, :2] @ _centred(height, width) + state[:, :, 2:], np.float32)
    places += middle
    last = np.array([height, width])[None, :, None] - 1
    within = ((places >= 0) & (places <= last)).all(axis=1)
    places = np.clip(places, 0, last)
    low = np.minimum(places.astype(np.int32), np.maximum(last - 1, 0))
    part = np.asarray(places - low, np.float32)
    down, across = (width if height > 1 else 0), (1 if width > 1 else 0)
    at = low[:, 0] * width + low[:, 1] + np.arange(count)[:, None] * (height * width)
    flat = images.ravel()
    one, right, below, both = (flat[at + step] for step in (0, across, down, down + across))
    upper, lower = right - one, both - below
    left = one + part[:, 1] * upper
    slope = below + part[:, 1] * lower - left
    value = left + part[:, 0] * slope
    upper += part[:, 0] * (lower - upper)
    return value, slope, upper, np.asarray(within, np.float32)


@cache
def _centred(height: int, width: int) -> Float[np.ndarray, "2 c"]:
    grid = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.stack([g.ravel() - (s - 1) / 2 for g, s in zip(grid, (height, width), strict=True)])


def _fitted(
    image: Float[np.ndarray, "h w"],
    rows: Float[np.ndarray, "s h w"],
    state: Float[np.ndarray, "s 2 3"],
    steps: int,
) -> tuple[Float[np.ndarray, "s 2 3"], Float[np.ndarray, " s"]]:
    """Return the best affine maps of some Gauss–Newton steps, and what they leave of the image."""
    count, size = len(rows), image.size
    at = np.asarray(_centred(*image.shape), np.float32)
    flat = np.asarray(image.ravel() - image.mean(), np.float32)
    best, least = state, np.full(count, np.inf)
    change = np.empty((count, 7, size), np.float32)
    for step in range(steps + 1):
        moved, down, across, seen = _sampled(rows, state)
        share = np.maximum(seen.sum(axis=1, keepdims=True), 1)
        apart = (flat - (seen @ flat)[:, None] / share) * seen
        moved -= np.einsum("sc,sc->s", moved, seen)[:, None] / share
        moved *= seen
        square = np.maximum(np.einsum("sc,sc->s", moved, moved), _NONE)
        contrast = np.einsum("sc,sc->s", moved, apart) / square
        rest = apart - contrast[:, None] * moved
        whole = np.einsum("sc,sc->s", apart, apart) + _FLOOR * (flat @ flat)
        left = np.einsum("sc,sc->s", rest, rest) + _FLOOR * (flat @ flat)
        left = np.where(whole > _NONE, left / np.maximum(whole, _NONE), 1.0)  # 1: of a flat cue
        left += share[:, 0] < _VIEW * size
        better = left < least
        best = np.where(better[:, None, None], state, best)
        least = np.minimum(left, least)
        if step == steps:
            break
        for k, slope in enumerate((down, across)):
            slope *= contrast[:, None] * seen
            change[:, 3 * k] = slope * at[0]
            change[:, 3 * k + 1] = slope * at[1]
            change[:, 3 * k + 2] = slope
        change[:, 6] = moved
        change -= change.sum(axis=2, keepdims=True) / share[:, None]
        change *= seen[:, None]
        gram = np.asarray(change @ change.transpose(0, 2, 1), float)
        diagonal = np.einsum("sii->si", gram)
        diagonal *= 1 + _DAMPING
        diagonal += 1e-6 * diagonal.max(axis=1, keepdims=True) + _NONE
        move = np.linalg.solve(gram, np.asarray(change @ rest[:, :, None], float))[:, :6, 0]
        state = state + move.reshape(count, 2, 3)
        bounds = np.linalg.norm(state[:, :, :2], axis=(1, 2)) / np.sqrt(2)
        wild = ~((bounds < _FARTHEST) & (bounds > 1 / _FARTHEST))
        state = np.where(wild[:, None, None], best, state)
    return best, least
