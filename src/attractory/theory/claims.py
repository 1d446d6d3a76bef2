"""What a statement predicts beside what is measured, and whether the two agree.

A statement of the paper becomes a function that takes a setting and returns a `Finding`: one or
more `Claim`s, each with its own assumptions. Where these are not met the claim is measured all the
same, and its verdict says which one failed.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Claim", "Finding"]

Relation = Literal["=", "≤", "≥", "<", ">", "in"]


@dataclass(frozen=True)
class Claim:
    """One number that a statement predicts.

    Attributes:
        text: what is claimed.
        predicted: the number; for the relation "in" the two ends of an interval.
        measured: the number found.
        relation: how measured must stand to predicted.
        tolerance: absolute room given to rounding, to sampling or to the order neglected.
        unmet: the assumptions that the setting does not meet, in words.

    Example:
        >>> claim = Claim("largest eigenvalue", 1.0, 1.2, "≤")
        >>> claim.agrees, claim.verdict
        (False, 'FAILS')
        >>> Claim("largest eigenvalue", 1.0, 1.2, "≤", unmet=("full rank",)).verdict
        'assumptions not met: full rank'
    """

    text: str
    predicted: float | int | tuple[float, float]
    measured: float | int
    relation: Relation = "="
    tolerance: float | int = 0.0
    unmet: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the measurement is as predicted; never if it is NaN."""
        low, high = self._interval()
        if self.relation in ("<", ">"):
            return bool(low < self.measured < high)
        return bool(low - self.tolerance <= self.measured <= high + self.tolerance)

    def _interval(self) -> tuple[float | int, float | int]:
        if isinstance(self.predicted, tuple):
            return self.predicted
        lower, upper = self.relation in ("≥", ">", "="), self.relation in ("≤", "<", "=")
        return (
            self.predicted if lower else -math.inf,
            self.predicted if upper else math.inf,
        )

    @property
    def verdict(self) -> str:
        """Return "holds", "FAILS" or "assumptions not met: …"."""
        if self.unmet:
            return f"assumptions not met: {'; '.join(self.unmet)}"
        return "holds" if self.agrees else "FAILS"

    def prediction(self) -> str:
        """Return the predicted side as text, with its tolerance where that is no rounding."""
        if isinstance(self.predicted, tuple):
            return f"{self.predicted[0]:.6g} … {self.predicted[1]:.6g}"
        if self.relation != "=":
            return f"{self.relation} {self.predicted:.6g}"
        shown = self.tolerance > 1e-6 * abs(self.predicted)
        return f"{self.predicted:.6g}" + (f" ± {self.tolerance:.1g}" if shown else "")


@dataclass(frozen=True)
class Finding:
    """A statement evaluated in one setting.

    Attributes:
        statement: its name in the paper.
        setting: what it was evaluated for.
        claims: its parts.
        note: a remark for the reader.

    Example:
        >>> Finding("Lemma 0", {}, (Claim("two", 2.0, 2.0),)).verdict
        'holds'
    """

    statement: str
    setting: dict[str, Any]
    claims: tuple[Claim, ...]
    note: str = field(default="", kw_only=True)

    @property
    def unmet(self) -> tuple[str, ...]:
        """The assumptions that some claim lacks, each once."""
        return tuple(dict.fromkeys(text for claim in self.claims for text in claim.unmet))

    @property
    def agrees(self) -> bool:
        """Whether every claim agrees, assumptions met or not."""
        return all(claim.agrees for claim in self.claims)

    @property
    def verdict(self) -> str:
        """Return "holds", "FAILS" (with its assumptions met) or "assumptions not met: …"."""
        if any(claim.verdict == "FAILS" for claim in self.claims):
            return "FAILS"
        return f"assumptions not met: {'; '.join(self.unmet)}" if self.unmet else "holds"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        claims = [
            {**asdict(claim), "agrees": claim.agrees, "verdict": claim.verdict}
            for claim in self.claims
        ]
        return {
            "statement": self.statement,
            "setting": self.setting,
            "verdict": self.verdict,
            "agrees": self.agrees,
            "note": self.note,
            "claims": claims,
        }
