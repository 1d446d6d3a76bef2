"""What the rows of a stored sequence are frames of, which is needed to write them back.

A file of a memory says it in its header. What a header says is checked: nothing it names can make
writing take long or allocate more than the rows do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attractory._util.validation import whole

__all__ = ["IMAGES", "SOUND", "VECTORS", "Medium", "bounded_rate", "checked_frame_length"]

IMAGES, SOUND, VECTORS = "images", "sound", "vectors"
_SLOWEST, _FASTEST = 0.01, 1000.0  # frames a second
_USUAL = 25.0  # frames a second of images that have no time of their own
_LONGEST_FRAME, _HIGHEST_RATE = 2**20, 768_000  # samples, and samples a second


def bounded_rate(rate: float | int | None) -> float:
    """Return frames a second that a film can have: the nearest, or the usual ones for none."""
    if rate is None or not math.isfinite(rate) or rate <= 0:
        return _USUAL
    return min(max(float(rate), _SLOWEST), _FASTEST)


@dataclass(frozen=True)
class Medium:
    """What rows are.

    Attributes:
        kind: "images", "sound" or "vectors".
        dim: numbers in a row.
        shape: of images, (height, width) or (height, width, 3).
        rate: of images, frames a second.
        sampling_rate: of sound, samples a second. A row is a frame of `dim` samples, and the next
            one begins half a frame later.
        bits: of sound, those of a sample of the file: 16, or 32 for floating point.
    """

    kind: str
    dim: int
    shape: tuple[int, ...] | None = None
    rate: float | None = None
    sampling_rate: int | None = None
    bits: int = 16

    @classmethod
    def of_images(cls, shape: tuple[int, ...], rate: float | int | None) -> "Medium":
        """Return the medium of images; without a rate, at the usual one."""
        return cls(IMAGES, math.prod(shape), tuple(shape), bounded_rate(rate))

    @classmethod
    def of_sound(cls, frame_length: int, sampling_rate: int, bits: int = 16) -> "Medium":
        """Return the medium of frames of sound."""
        return cls(SOUND, frame_length, sampling_rate=sampling_rate, bits=bits)

    @property
    def hop(self) -> int:
        """Samples from the beginning of a frame of sound to that of the next."""
        return self.dim // 2

    @property
    def words(self) -> str:
        """What a row is, as words."""
        if self.kind == SOUND:
            return f"{self.dim} samples of sound at {self.sampling_rate:,} a second"
        if self.shape is None:
            return f"{self.dim:,} number{'s' * (self.dim != 1)}"
        colour = " in colour" if self.shape[2:] else ""
        return f"{self.shape[0]} × {self.shape[1]} pixels{colour}"

    def as_info(self) -> dict[str, Any]:
        """Return what a file of a memory keeps, as JSON values."""
        return {
            "medium": self.kind, "shape": None if self.shape is None else list(self.shape),
            "rate": self.rate, "sampling_rate": self.sampling_rate, "bits": self.bits,
        }  # fmt: skip

    @classmethod
    def from_info(cls, info: Mapping[str, Any], dim: int) -> "Medium":
        """Return what a file says of its rows; plain vectors, if it says nothing of use.

        Args:
            info: what the file says. It may be anything.
            dim: numbers that a row of the file has.
        """
        kind, shape = info.get("medium"), info.get("shape")
        try:
            if kind == SOUND:
                checked_frame_length(dim)
                rate = whole(info.get("sampling_rate"), "sampling_rate", 1, _HIGHEST_RATE)
                return cls.of_sound(dim, rate, 32 if info.get("bits") == 32 else 16)
            if isinstance(shape, list) and len(shape) in (2, 3) and shape[2:] in ([], [3]):
                sides = tuple(whole(k, "shape's entries", 1, dim) for k in shape)
                if math.prod(sides) == dim:
                    given = info.get("rate")
                    rate = given if type(given) in (int, float) else None
                    return cls.of_images(sides, rate)
        except (TypeError, ValueError):
            pass
        return cls(VECTORS, dim)


def checked_frame_length(value: Any) -> int:
    """Return a length of frames of sound, in samples: even, since frames overlap by half."""
    length = whole(value, "frame_length", 2, _LONGEST_FRAME)
    if length % 2:
        raise ValueError(f"frame_length must be even (frames overlap by half), got {length}")
    return length
