"""Frames of images gathered one by one: alike in size, no more than asked for and than there is
room for.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attractory._util.machine import GIB, machine_bytes
from attractory._util.texts import counted
from attractory.io.images import AS_IT_IS, Look, fitted
from attractory.io.kinds import Refused
from attractory.io.medium import Medium

__all__ = ["EVERYTHING", "MOST_FRAMES", "Cut", "Frames", "Gathering", "Room", "sizes_in_words"]

MOST_FRAMES = 5000  # of all sequences of a memory together
_COPIES = 14  # of the rows, while they are stored; measured
_SQUARES = 3  # n × n matrices


@dataclass(frozen=True)
class Cut:
    """Which frames are taken.

    Attributes:
        every: 1 for all, 2 for every second one, and so on.
        first: the first one, from 0.
        last: the last one; None for the end.
    """

    every: int = 1
    first: int = 0
    last: int | None = None

    def takes(self, place: int) -> bool:
        """Whether the frame at a place is taken."""
        inside = place >= self.first and (self.last is None or place <= self.last)
        return inside and (place - self.first) % self.every == 0

    def count(self, total: int) -> int:
        """Return how many of so many frames are taken."""
        end = total if self.last is None else min(total, self.last + 1)
        return max(0, -(-(end - self.first) // self.every))


EVERYTHING = Cut()


@dataclass(frozen=True)
class Frames:
    """One sequence, read.

    Attributes:
        rows: in their order, (n, d).
        medium: what a row is.
        notes: what a reader should know, as parts of a sentence.
        labels: names of the rows, if the file has them.
        failed: path and reason of files of a folder that could not be used.
    """

    rows: Float[np.ndarray, "n d"]
    medium: Medium
    notes: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


class Room:
    """How many frames one memory can take, counted over all its sequences before they are decoded.

    Args:
        context: frames that a state of the memory holds.
    """

    def __init__(self, context: int = 1) -> None:
        """Begin with no frame."""
        self._context = context
        self._frames = 0

    def check(self, count: int, dim: int) -> None:
        """Refuse so many frames more, of so many numbers, if they are too many or too large.

        Raises:
            Refused: with what they would take, and the option that mends it.
        """
        total = self._frames + count
        together = "" if self._frames == 0 else f" ({total:,} with those before)"
        if total > MOST_FRAMES:
            raise Refused(
                f"has {counted(count, 'frame')} to store{together}, and a memory takes "
                f"{MOST_FRAMES:,}; --every {math.ceil(total / MOST_FRAMES)} takes fewer of them, "
                "and --frames a part"
            )
        wanted = 8.0 * (_COPIES * self._context * total * dim + _SQUARES * total**2)
        if wanted > machine_bytes():
            raise Refused(
                f"has {counted(count, 'frame')} of {dim:,} numbers to store{together}, which would "
                f"take {wanted / GIB:,.0f} GiB of the machine's {machine_bytes() / GIB:.0f} GiB of "
                "memory; --size or --grey makes them smaller, and --every takes fewer"
            )

    def take(self, count: int, dim: int) -> None:
        """Count frames that were read."""
        self.check(count, dim)
        self._frames += count


class Gathering:
    """Images that become the rows of one sequence.

    Args:
        look: what images are made to look like.
        room: how many there may be.
        distinct: whether an image equal to the one before is left out.
    """

    def __init__(self, look: Look, room: Room, distinct: bool = False) -> None:
        """Begin without an image."""
        self.look, self._room, self._distinct = look, room, distinct
        self._images: list[np.ndarray] = []
        self._still, self._expected = 0, 1
        self.shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._images)

    def expected(self, count: int, shape: tuple[int, ...]) -> None:
        """Refuse so many images of a size before the first is decoded, if they find no room."""
        height, width = self.look.size or (shape[0], shape[1])
        grey = len(shape) == 2 if self.look.grey is None else self.look.grey
        self._room.check(count, height * width * (1 if grey else 3))
        self._expected = count

    def add(self, pixels: np.ndarray, place: int) -> None:
        """Take an image, of bytes or of numbers in [0, 1], (h, w) or (h, w, 3).

        Raises:
            Refused: if it is of another size than those before.
        """
        image = pixels
        if self.look != AS_IT_IS:
            image = fitted(pixels / 255 if pixels.dtype == np.uint8 else pixels, self.look)
        if self.shape is None:  # a header may have announced fewer, or smaller ones
            self._room.check(self._expected, image.size)
        elif image.shape != self.shape:
            raise Refused(
                f"changes at frame {place} from {sizes_in_words(self.shape)} to "
                f"{sizes_in_words(image.shape)}; --size, --grey and --color make frames alike"
            )
        self.shape = image.shape
        if self._distinct and self._images and np.array_equal(image, self._images[-1]):
            self._still += 1
            return
        self._images.append(image)
        if len(self) > self._expected and len(self) % 16 == 0:
            self._room.check(len(self), image.size)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, as a part of a sentence."""
        if not self._still:
            return ()
        return (f"left out {counted(self._still, 'frame')} equal to the one before",)

    def rows(self) -> Float[np.ndarray, "n d"]:
        """Return the rows, and give up the images.

        Raises:
            Refused: if there is none.
        """
        if self.shape is None:
            raise Refused("has no frame that can be taken")
        count, dim = len(self), math.prod(self.shape)
        self._room.take(count, dim)
        rows = np.empty((count, dim))
        for k in range(count - 1, -1, -1):
            image = self._images.pop()
            rows[k] = image.ravel()
            if image.dtype == np.uint8:
                rows[k] /= 255
        return rows


def sizes_in_words(shape: tuple[int, ...]) -> str:
    """Return an image's size and colours as words."""
    return f"{shape[0]} × {shape[1]} pixels {'in colour' if shape[2:] else 'in grey'}"
