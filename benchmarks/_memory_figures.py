"""The figure of docs/explanation/recall.md; `baselines.py` draws it."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_STYLES = (
    ("#D55E00", "o", "-"), ("#0072B2", "s", "--"), ("#56B4E9", "^", "--"), ("#009E73", "D", "--"),
    ("#CC79A7", "v", ":"), ("#7F7F7F", "x", ":"),
)  # fmt: skip


def draw(found, kinds, contenders, share):
    """Draw the share recalled against n, a panel a kind of corruption."""
    sizes = sorted(found)
    figure, axes = plt.subplots(2, 5, figsize=(10, 5.8), sharex=True, sharey=True)
    for axis, kind in zip(axes.flat, kinds, strict=True):
        for contender, (color, marker, line) in zip(contenders, _STYLES, strict=True):
            have = [n for n in sizes if (contender, kind) in found[n]]
            values = [share(found[n][contender, kind]) for n in have]
            axis.plot(have, values, line, marker=marker, color=color, label=contender, ms=5)
        axis.set(title=kind, xscale="log", ylim=(-0.03, 1.03))
        axis.set_xticks(sizes, [f"{n:,}" for n in sizes])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    for axis in axes[:, 0]:
        axis.set_ylabel("share recalled")
    for axis in axes[1]:
        axis.set_xlabel("stored digits")
    figure.suptitle(
        "Recall to 1 %: the memory finds what any search finds, and parts and shifts besides\n"
        "(a line ends where a memory was not measured)"
    )
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    figure.savefig(Path(__file__).parents[1] / "docs/explanation/baselines.png", dpi=110)
    plt.close(figure)
