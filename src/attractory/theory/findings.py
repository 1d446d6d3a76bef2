"""What a statement of the paper predicts, what is measured, and whether the two agree.

Each statement is a function that takes a setting and returns a `Finding`: one or more
`Prediction`s, each with its own assumptions. Where the setting does not meet these, the number is
measured all the same, and the verdict says which assumption failed.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Finding", "Prediction"]

Relation = Literal["=", "≤", "≥", "<", ">", "in"]


@dataclass(frozen=True)
class Prediction:
    """One number that a statement predicts.

    Attributes:
        text: what is claimed.
        predicted: the number; for the relation "in" the two ends of an interval.
        measured: the number found.
        relation: how measured must stand to predicted.
        tolerance: absolute difference allowed for rounding, sampling or neglected orders.
        unmet: the assumptions that the setting does not meet, in words.

    Example:
        >>> prediction = Prediction("largest eigenvalue", 1.0, 1.2, "≤")
        >>> prediction.agrees, prediction.verdict
        (False, 'FAILS')
        >>> Prediction("largest eigenvalue", 1.0, 1.2, "≤", unmet=("full rank",)).verdict
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

    def predicted_text(self) -> str:
        """Return the predicted side as text, with its tolerance where that exceeds rounding."""
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
        predictions: its parts.
        note: a remark for the reader.

    Example:
        >>> Finding("Lemma 0", {}, (Prediction("two", 2.0, 2.0),)).verdict
        'holds'
    """

    statement: str
    setting: dict[str, Any]
    predictions: tuple[Prediction, ...]
    note: str = field(default="", kw_only=True)

    @property
    def unmet(self) -> tuple[str, ...]:
        """The assumptions that are not met for some prediction, each once."""
        return tuple(
            dict.fromkeys(text for prediction in self.predictions for text in prediction.unmet)
        )

    @property
    def agrees(self) -> bool:
        """Whether every prediction agrees, assumptions met or not."""
        return all(prediction.agrees for prediction in self.predictions)

    @property
    def verdict(self) -> str:
        """Return "holds", "FAILS" (with its assumptions met) or "assumptions not met: …"."""
        if any(prediction.verdict == "FAILS" for prediction in self.predictions):
            return "FAILS"
        return f"assumptions not met: {'; '.join(self.unmet)}" if self.unmet else "holds"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        predictions = [
            {**asdict(prediction), "agrees": prediction.agrees, "verdict": prediction.verdict}
            for prediction in self.predictions
        ]
        return {
            "statement": self.statement,
            "setting": self.setting,
            "verdict": self.verdict,
            "agrees": self.agrees,
            "note": self.note,
            "predictions": predictions,
        }
