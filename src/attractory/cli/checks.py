"""What `attractory verify` prints: for each setting what was predicted and what was measured."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attractory.cli.console import show

if TYPE_CHECKING:
    from attractory.theory.findings import Prediction
    from attractory.theory.verification import Check

__all__ = ["show_checks"]

_WIDTHS = 22, 12, 10  # of predicted, measured and verdict; the claim takes what is left of a line
_PLACES = {"inside": "", "edge": " (at the edge of its assumptions)", "outside": " (outside them)"}


def show_checks(checks: "Sequence[Check]") -> None:
    """Print a block for each setting, in as many columns as the terminal has, 80 if it is none."""
    from rich.padding import Padding
    from rich.table import Table

    for check in checks:
        finding = check.finding
        setting = ", ".join(f"{key} {_brief(value)}" for key, value in finding.setting.items())
        head = f"{finding.statement}: {setting}{_PLACES[check.place]}"
        block = Table.grid(padding=(0, 2), expand=True)
        block.add_column(ratio=1)
        for width, right in zip(_WIDTHS, (True, True, False), strict=True):
            block.add_column(width=width, justify="right" if right else "left")
        block.add_row("claim", "predicted", "measured", "verdict", style="dim")
        for prediction in finding.predictions:
            block.add_row(
                prediction.text, prediction.predicted_text(), f"{prediction.measured:.6g}",
                _verdict(prediction),
            )  # fmt: skip
        lines = [head, *(f"not met: {text}" for text in finding.unmet)]
        if not check.passed:
            lines.insert(0, "NOT AS IT MUST")
        show("\n".join(lines), 80)
        show(Padding(block, (0, 0, 1, 2)), 80)
    show("Outside its assumptions a statement must break, or the check is empty.", 80)


def _verdict(prediction: "Prediction") -> str:
    if not prediction.unmet:
        return prediction.verdict
    return "holds all the same" if prediction.agrees else "breaks"


def _brief(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
