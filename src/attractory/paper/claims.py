"""What a figure of the paper is here: cells that make numbers, claims about them, and pictures."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from matplotlib.figure import Figure

__all__ = ["Claim", "Ended", "PaperFigure", "Results", "Size"]

Size = Literal["quick", "full"]


@dataclass(frozen=True)
class Claim:
    """A statement, the rule it is judged by, and what was measured.

    Attributes:
        source: where it is said: "paper, …" for the paper's own words, "errata …" for
            `docs/errata.md`, "beyond the paper".
        statement: what is said.
        rule: what must be measured for it to hold; it knows no result.
        measured: the numbers with their intervals, in words.
        holds: None where the data do not decide.

    Example:
        >>> Claim("paper, E.2", "larger", "difference above 0", "0.1 [−0.1, 0.3]", None).verdict
        'not decided at this size'
    """

    source: str
    statement: str
    rule: str
    measured: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """Return "holds", "DOES NOT HOLD" or "not decided at this size"."""
        if self.holds is None:
            return "not decided at this size"
        return "holds" if self.holds else "DOES NOT HOLD"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "verdict": self.verdict}


@runtime_checkable
class Ended(Protocol):
    """A cell that has run, as a sweep returns it: values or an error, never both."""

    @property
    def settings(self) -> dict[str, Any]:
        """What it was run with."""
        ...

    @property
    def values(self) -> dict[str, Any] | None:
        """Its numbers, by name."""
        ...

    @property
    def error(self) -> Any:
        """Why it has none."""
        ...

    @property
    def seconds(self) -> float:
        """How long it took."""
        ...


class Results:
    """The cells of one figure that have run, to be looked up by their settings.

    Example:
        >>> from attractory.sweeps.results import Cell
        >>> cells = [Cell({"n": n}, {"y": 2.0 * n}, None, 0.0) for n in (5, 2)]
        >>> results = Results(cells)
        >>> results.levels("n"), results.column("y", n=5).tolist()
        ([2, 5], [10.0])
    """

    def __init__(self, cells: Iterable[Ended]):
        """Keep them in order."""
        self.all = tuple(cells)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Go through settings and values of those that did not fail."""
        return ((c.settings, c.values) for c in self.all if c.values is not None)

    def __len__(self) -> int:
        """Count those that did not fail."""
        return sum(c.values is not None for c in self.all)

    @property
    def failed(self) -> tuple[Ended, ...]:
        """The cells that did."""
        return tuple(c for c in self.all if c.values is None)

    @property
    def seconds(self) -> float:
        """What all cells took together."""
        return float(sum(c.seconds for c in self.all))

    def where(self, **settings: Any) -> "Results":
        """Return those with these settings."""
        return Results(
            c for c in self.all if all(c.settings.get(k) == v for k, v in settings.items())
        )

    def levels(self, name: str) -> list[Any]:
        """Return the values a setting takes, ascending."""
        return sorted({settings[name] for settings, _ in self if name in settings})

    def column(self, name: str, **settings: Any) -> np.ndarray:
        """Return one quantity of those with these settings, stacked, (cells, …), by seed."""
        rows = [(s.get("seed", 0), v[name]) for s, v in self.where(**settings)]
        return np.asarray([value for _, value in sorted(rows, key=lambda row: row[0])])


@dataclass(frozen=True)
class PaperFigure:
    """A figure, or a table of the paper's claims, as something to run.

    Attributes:
        name: as `attractory reproduce` takes it.
        title: what it shows.
        method: how it is made and where that departs from the paper, for the report.
        cell: a module's own function of JSON values that returns numbers and arrays; the same
            settings give the same values.
        cells: settings of all cells, given the size, how many seeds (None: the size's own) and a
            folder of IDX files (None: the bundled digits).
        claims: what the results say.
        pictures: figures by file name, without ending.
    """

    name: str
    title: str
    method: str
    cell: Callable[..., dict[str, Any]]
    cells: Callable[[Size, int | None, str | None], list[dict[str, Any]]]
    claims: Callable[[Results], list[Claim]]
    pictures: Callable[[Results], dict[str, Figure]]
