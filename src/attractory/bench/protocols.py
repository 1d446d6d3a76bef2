"""What a protocol is: rows as it wants them, how cues are made, and when a state counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory._util.validation import LEAST, as_points, moderate
from attractory.bench.damage import Shape
from attractory.bench.rules import Rule

__all__ = ["Condition", "Data", "Protocol", "as_data"]

SCALES = ("as it is", "unit", "signed")  # or a number: the largest norm of a row


@dataclass(frozen=True, eq=False)
class Data:
    """Rows to store.

    Attributes:
        rows: (n, d).
        shape: (height, width) or (height, width, 3) of images; (d,) of others.
        name: in tables.
    """

    rows: Float[np.ndarray, "n d"]
    shape: Shape
    name: str = "data"

    @property
    def of_images(self) -> bool:
        """Whether the rows are images."""
        return len(self.shape) > 1


def as_data(value: Any) -> Data:
    """Return rows to store, from what a caller has.

    Args:
        value: rows (n, d); images (n, height, width) or (n, height, width, 3); what
            `io.load_patterns` returns; `Data`; or None for the 200 digits that come with the
            package.

    Raises:
        ValueError: for fewer than two different rows, other shapes, and numbers that are not
            finite.

    Example:
        >>> as_data(None).rows.shape, as_data(np.eye(4).reshape(2, 2, 4)).shape
        ((200, 784), (2, 4))
    """
    if value is None:
        from attractory.datasets import bundled_digits

        return Data(bundled_digits()[0], (28, 28), "the 200 bundled digits")
    if isinstance(value, Data):
        rows, shape, name = value.rows, value.shape, value.name
    elif hasattr(value, "rows") and hasattr(value, "names"):
        rows, shape, name = value.rows, value.shape, "files"
    else:
        array = np.asarray(value)
        if array.ndim not in (2, 3, 4) or (array.ndim == 4 and array.shape[3] != 3):
            raise ValueError(
                "data must be rows (n, d) or images (n, height, width) or (n, height, width, 3), "
                f"got shape {array.shape}"
            )
        rows, shape, name = array.reshape(len(array), -1), array.shape[1:], "data"
    rows = as_points(rows, "data")
    moderate(rows.ravel(), "data", least=LEAST)
    if len(rows) < 2 or (rows == rows[0]).all():
        raise ValueError(
            f"data must hold at least 2 different rows, got {len(rows)}"
            + (" equal ones" if len(rows) > 1 else "")
        )
    shape = tuple(shape) if shape is not None else (rows.shape[1],)
    if int(np.prod(shape)) != rows.shape[1]:
        raise ValueError(f"data's shape must hold {rows.shape[1]} numbers a row, got {shape}")
    return Data(rows, shape, name)


@dataclass(frozen=True)
class Condition:
    """One kind of cue, with its own success rule.

    Attributes:
        name: in tables.
        damage: a function of rows (k, d), their shape, all stored rows and a generator, to cues
            (k, d), or to cues and a mask (k, d) of what is known of them.
        rule: when a state counts.
        scale: of the rows, before they are stored: "as it is"; "unit", values from 0 to 1, as they
            are; "signed", these as −1 to 1; or a number: one factor makes it the largest norm.
    """

    name: str
    damage: Callable[..., Any]
    rule: Rule
    scale: str | float = "as it is"


@dataclass(frozen=True)
class Protocol:
    """A published way to measure an associative memory.

    Attributes:
        name: of the command, such as "universal-hopfield".
        title: in tables.
        source: where it was published.
        method: what it does, in a few sentences, and where it differs from the publication.
        sizes: numbers of rows that were published, ascending.
        conditions: a function of whether rows are images, to the kinds of cues.
        needs_images: whether cues are made by height and width.
        one_by_one: whether rows are written one at a time, by memories that can.
        signs: if above 0, rows are random ±1, so many numbers each, whatever the data.

    Example:
        >>> from attractory.bench import PROTOCOLS
        >>> PROTOCOLS["bayes-pcn"].conditions(True)[0].name
        'noise 0.2'
    """

    name: str
    title: str
    source: str
    method: str
    sizes: tuple[int, ...]
    conditions: Callable[[bool], tuple[Condition, ...]]
    needs_images: bool = False
    one_by_one: bool = False
    signs: int = 0

    def refusal(self, data: Data) -> str | None:
        """Say why this protocol cannot be run on data, or None if it can."""
        if self.signs:
            return None
        if self.needs_images and not data.of_images:
            return f"{self.name} needs images, with a height and a width; {data.name} holds rows"
        scales = {each.scale for each in self.conditions(data.of_images)}
        low, high = float(data.rows.min()), float(data.rows.max())
        if scales & {"unit", "signed"} and not (low >= 0 and high <= 1):
            return (
                f"{self.name} needs values from 0 to 1; those of {data.name} go from {low:.3g} to "
                f"{high:.3g}: subtract the least and divide by the range"
            )
        return None

    def default_size(self, data: Data) -> int:
        """Return the largest published number of rows that the data hold, or all of fewer."""
        return max([n for n in self.sizes if n <= len(data.rows)], default=len(data.rows))


def scaled(rows: Float[np.ndarray, "n d"], scale: str | float) -> Float[np.ndarray, "n d"]:
    """Return rows as a condition wants them stored."""
    if scale == "signed":
        return 2 * rows - 1
    if isinstance(scale, str):
        return rows
    largest = float(np.linalg.norm(rows, axis=1).max())
    return rows * (scale / max(largest, np.finfo(float).tiny))
