"""Types for the paper's figures: results of their cells, claims about them, the figure itself."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from attractory.sweeps.grid import Settings
from attractory.sweeps.results import Cell
from attractory.sweeps.values import Values

__all__ = ["Claim", "PaperFigure", "Results", "Size", "tally"]

Size = Literal["quick", "full"]


@dataclass(frozen=True)
class Claim:
    """A statement, the rule it is judged by, and what was measured.

    Attributes:
        source: where it is said: "paper, …" for the paper's own words, "errata …" for
            `docs/reference/errata.md`, "beyond the paper".
        statement: what is claimed.
        rule: what must be measured for it to hold, decided before any measurement.
        measured: the numbers with their intervals, as text.
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


def tally(claims: Iterable[Claim]) -> str:
    """Return how many of the claims hold, do not hold and are not decided.

    Example:
        >>> claims = [Claim("", "", "", "", holds) for holds in (True, False, None, None)]
        >>> tally(claims), tally([])
        ('1 holds, 1 does not hold, 2 are not decided', '0 hold')
    """
    forms = {
        True: ("holds", "hold"),
        False: ("does not hold", "do not hold"),
        None: ("is not decided", "are not decided"),
    }
    counts = {holds: sum(claim.holds is holds for claim in claims) for holds in forms}
    parts = [f"{n} {forms[holds][n != 1]}" for holds, n in counts.items() if n or holds]
    return ", ".join(parts)


class Results:
    """The cells of one figure that have run, to be looked up by their settings.

    Example:
        >>> cells = [Cell({"n": n}, {"y": 2.0 * n}, None, 0.0) for n in (5, 2)]
        >>> results = Results(cells)
        >>> results.levels("n"), results.column("y", n=5).tolist()
        ([2, 5], [10.0])
    """

    def __init__(self, cells: Iterable[Cell]):
        """Take cells, whose order is kept."""
        self.all = tuple(cells)

    def __iter__(self) -> Iterator[tuple[Settings, Values]]:
        """Iterate over settings and values of the cells that did not fail."""
        return ((c.settings, c.values) for c in self.all if c.values is not None)

    def __len__(self) -> int:
        """Return how many did not fail."""
        return sum(c.values is not None for c in self.all)

    @property
    def failed(self) -> tuple[Cell, ...]:
        """The cells that failed."""
        return tuple(c for c in self.all if c.values is None)

    @property
    def seconds(self) -> float:
        """What all cells took together."""
        return float(sum(c.seconds for c in self.all))

    def where(self, **settings: Any) -> "Results":
        """Return the cells with these settings."""
        return Results(
            c for c in self.all if all(c.settings.get(k) == v for k, v in settings.items())
        )

    def levels(self, name: str) -> list[Any]:
        """Return the values a setting takes, ascending."""
        return sorted({settings[name] for settings, _ in self if name in settings})

    def column(self, name: str, **settings: Any) -> np.ndarray:
        """Return one quantity of the cells with these settings, (cells, …), ordered by seed."""
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
        claims: judged by the results.
        pictures: figures by file name, without ending.
    """

    name: str
    title: str
    method: str
    cell: Callable[..., Values]
    cells: Callable[[Size, int | None, str | None], list[Settings]]
    claims: Callable[[Results], list[Claim]]
    pictures: Callable[[Results], dict[str, Figure]]
