"""What the benchmark found: a score a cell, and tables of them."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from attractory._util.optional import frame_of
from attractory._util.statistics import clopper_pearson
from attractory.bench.cells import Task
from attractory.bench.memories import Memory
from attractory.bench.protocols import Protocol
from attractory.sweeps.results import Cell

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["BenchResult", "Score"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Score:
    """How many cues of one kind a memory recalled.

    Attributes:
        protocol, condition, memory: names.
        n: rows stored.
        seed: of rows and cues.
        hits: cues that counted.
        cues: cues in all.
        seconds: for a cue, of a batch.
        store_seconds: to store the rows.
        bytes: of arrays that the memory holds.
        parameters: those chosen.
        error: why there is no result; "" if there is one.
    """

    protocol: str
    condition: str
    memory: str
    n: int
    seed: int
    hits: int = 0
    cues: int = 0
    seconds: float = np.nan
    store_seconds: float = np.nan
    bytes: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def of(cls, task: Task, cell: Cell) -> "Score":
        """Return the score of a cell."""
        names = task.protocol.name, task.condition.name, task.memory.name, task.n, task.seed
        if cell.values is None:
            return cls(*names, error=str(cell.error))
        values = cell.values
        return cls(
            *names, values["hits"], values["cues"], values["seconds"], values["store_seconds"],
            values["bytes"], json.loads(values["parameters"]),
        )  # fmt: skip


@dataclass(frozen=True)
class Share:
    """A share of cues, with its exact interval (Clopper & Pearson, 95 %).

    The interval is over cues of the rows stored, all seeds together; rows of another draw may
    differ by more. NaN where there is no result.
    """

    hits: int
    cues: int

    @property
    def value(self) -> float:
        """Hits over cues."""
        return self.hits / self.cues if self.cues else np.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends."""
        if not self.cues:
            return np.nan, np.nan
        low, high = clopper_pearson(self.hits, self.cues, CONFIDENCE)
        return float(low), float(high)


@dataclass(frozen=True, eq=False)
class BenchResult:
    """The benchmark's table.

    Attributes:
        scores: of each cell.
        data: the name of the rows.
        shape: (n, d) of the rows that there were to choose from.
        protocols, memories: what was run.
        left_out: protocols that the data do not allow, with the reason.
        reused: cells that were stored already.
    """

    scores: tuple[Score, ...] = field(repr=False)
    data: str
    shape: tuple[int, ...]
    protocols: tuple[Protocol, ...] = field(repr=False)
    memories: tuple[Memory, ...] = field(repr=False)
    left_out: tuple[tuple[str, str], ...] = ()
    reused: int = 0

    @property
    def rows_in_words(self) -> str:
        """What was stored: the data, or random rows where a protocol draws its own."""
        drawn = [protocol.signs for protocol in self.protocols if protocol.signs]
        random = f"random rows of {max(drawn, default=0)} signs"
        if len(drawn) == len(self.protocols):
            return random
        given = f"{self.data} ({self.shape[0]:,} rows of {self.shape[1]:,} numbers)"
        return f"{given}, and {random}" if drawn else given

    @property
    def failed(self) -> int:
        """How many cells have no result."""
        return sum(bool(score.error) for score in self.scores)

    def columns(self) -> list[tuple[Protocol, int]]:
        """Return the protocols and numbers of rows."""
        pairs = dict.fromkeys((score.protocol, score.n) for score in self.scores)
        by_name = {each.name: each for each in self.protocols}
        return [(by_name[name], n) for name, n in pairs]

    def conditions(self, protocol: str, n: int) -> list[str]:
        """Return the kinds of cues of a protocol."""
        return list(dict.fromkeys(s.condition for s in self._of(protocol=protocol, n=n)))

    def share(self, **where: Any) -> Share:
        """Return the share of all cues of some cells; NaN if one of them failed.

        Args:
            where: values of attributes of `Score`, such as protocol, memory, n, condition.
        """
        found = self._of(**where)
        if not found or any(score.error for score in found):
            return Share(0, 0)
        return Share(sum(s.hits for s in found), sum(s.cues for s in found))

    def seconds(self, memory: str) -> float:
        """Return the median time for a cue, in seconds, at the most rows; NaN without any."""
        found = [s for s in self._of(memory=memory) if not s.error]
        most = max((s.n for s in found), default=0)
        times = [s.seconds for s in found if s.n == most]
        return float(np.median(times)) if times else np.nan

    def bytes(self, memory: str) -> int:
        """Return the bytes held at most."""
        return max((s.bytes for s in self._of(memory=memory)), default=0)

    def errors(self) -> dict[str, int]:
        """Return each reason for a missing result, with its memory, and how many cells have it."""
        out: dict[str, int] = {}
        for score in self.scores:
            if score.error:
                text = f"{score.memory}: {score.error}"
                out[text] = out.get(text, 0) + 1
        return out

    def frame(self) -> "DataFrame":
        """Return a pandas DataFrame with one row a score, and its interval.

        Raises:
            ModuleNotFoundError: without pandas.
        """
        rows = [self._row(score) for score in self.scores]
        return frame_of({name: [row[name] for row in rows] for name in rows[0]})

    def as_dict(self) -> dict[str, Any]:
        """Return everything as values that JSON can hold."""
        return {
            "data": self.data, "rows": self.shape[0], "dim": self.shape[1],
            "failed": self.failed, "reused": self.reused,
            "left_out": [{"protocol": name, "reason": why} for name, why in self.left_out],
            "protocols": [
                {"name": p.name, "title": p.title, "source": p.source, "method": p.method}
                for p in self.protocols
            ],
            "memories": [{"name": m.name, "source": m.source} for m in self.memories],
            "scores": [self._row(score) for score in self.scores],
        }  # fmt: skip

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return headings and lines: a memory a line, a protocol a column, then time and memory."""
        columns = self.columns()
        heads = ["memory", *(f"{p.name}, {n:,} rows" for p, n in columns), "ms a cue", "MB"]
        lines = []
        for memory in self.memories:
            shares = [self.share(memory=memory.name, protocol=p.name, n=n) for p, n in columns]
            cost = 1e3 * self.seconds(memory.name), self.bytes(memory.name) / 1e6
            lines.append([
                memory.name, *("—" if not s.cues else f"{s.value:.2f}" for s in shares),
                *("—" if np.isnan(cost[0]) else f"{each:.3g}" for each in cost),
            ])  # fmt: skip
        return heads, lines

    def widest(self) -> float:
        """Return how far an interval of the table reaches from its share, at most."""
        found = [
            self.share(memory=memory.name, protocol=p.name, n=n)
            for memory in self.memories
            for p, n in self.columns()
        ]
        ends = [(s.value, s.interval) for s in found if s.cues]
        return max((max(v - low, high - v) for v, (low, high) in ends), default=np.nan)

    def text(self) -> str:
        """Return the table as text."""
        heads, lines = self.table()
        widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
        rows = [
            "  ".join(
                f"{cell:{'<' if k == 0 else '>'}{w}}"
                for k, (cell, w) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in (heads, *lines)
        ]
        return "\n".join(rows)

    def __str__(self) -> str:
        """Return the table as text."""
        return self.text()

    def _of(self, **where: Any) -> list[Score]:
        return [s for s in self.scores if all(getattr(s, k) == v for k, v in where.items())]

    @staticmethod
    def _row(score: Score) -> dict[str, Any]:
        share = Share(score.hits, score.cues)
        low, high = share.interval
        numbers = {
            "share": share.value, "low": low, "high": high, "seconds": score.seconds,
            "store_seconds": score.store_seconds,
        }  # fmt: skip
        return {
            "protocol": score.protocol, "condition": score.condition, "memory": score.memory,
            "n": score.n, "seed": score.seed, "hits": score.hits, "cues": score.cues,
            **{name: value if np.isfinite(value) else None for name, value in numbers.items()},
            "bytes": score.bytes, "parameters": dict(score.parameters),
            "error": score.error or None,
        }  # fmt: skip
