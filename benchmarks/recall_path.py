"""Where recall loses its way: which row is nearest, step by step, and what a step keeps.

    python benchmarks/recall_path.py --data FOLDER  # recall_path.png, recall_drift.png of the page

1,000 digits, 200 cues of two kinds. Three ways: plain iteration without metric; plain iteration
with it; the memory's own way: from the mended cue by the map's terms of high degree, with its
linear part taken out, to rest. And, for the first two, by what factor a step changes a state along
each principal axis of the patterns, beside αγ/(αγ + β) of docs/explanation/recall.md.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from _cues import cues, nearest, unit
from _results import keep

from attractory import AttractorMemory, activation
from attractory.datasets import mnist
from attractory.memory.norm_rule import expansion

KINDS = ("bottom half", "salt-and-pepper 0.3")
STEPS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
COUNT = 200


def plainly(memory, given):
    """Share of cues whose own row is nearest, and of those within 1 % of it, at STEPS."""
    state = memory.state_.coordinates.encode(given)[0]
    own, right, home = np.arange(len(given)), [], []
    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            right.append((nearest(unit(state), unit(memory.points_)) == own).mean())
            away = np.linalg.norm(state - memory.points_[own], axis=1) / memory.norm_
            home.append((away <= 0.01).mean())
        state = np.asarray(memory.map_(state))
    return right, home


def kept(memory, given):
    """Strength γ of each axis, share of the patterns there, factor predicted and measured."""
    unit_rows = memory.points_ / memory.norm_
    _, sizes, axes = np.linalg.svd(unit_rows, full_matrices=False)
    strength = sizes**2
    seen = strength > 1e-6 * strength[0]
    strength, axes = strength[seen], axes[seen]
    rule = activation(memory.activation), memory.depth, 0.0, axes.shape[1]
    slope, rest = expansion(memory.norm_, *rule)
    beta = rest / slope  # of α
    start = memory.state_.coordinates.encode(given)[0]
    before, after = start @ axes.T, np.asarray(memory.map_(start)) @ axes.T
    measured = (before * after).sum(axis=0) / (before**2).sum(axis=0)
    return strength, strength / strength.sum(), strength / (strength + beta), measured


def drift(memories, given):
    """Draw the factors, and return their table."""
    figure, panels = plt.subplots(1, len(memories), figsize=(10, 4), sharey=True)
    lines = ["| memory | axes | γ | of the patterns | a step keeps: predicted | measured |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for panel, (label, memory) in zip(panels, memories.items(), strict=True):
        strength, share, predicted, measured = kept(memory, given)
        panel.plot(strength, measured, ".", color="#56B4E9", label="measured, each axis")
        panel.plot(strength, predicted, "-", color="#D55E00", label="αγ / (αγ + β)")
        panel.set(title=label, xscale="log", xlabel="γ, how strongly the patterns fill the axis",
                  ylim=(-0.1, 1.2))  # fmt: skip
        panel.grid(alpha=0.3)
        for first, last in ((0, 10), (10, 50), (50, 150), (150, 300), (300, 1000)):
            part = slice(first, min(last, len(strength)))
            middle = [float(np.median(v[part])) for v in (strength, predicted, measured)]
            lines.append(
                f"| {label} | {first + 1} to {part.stop} | {middle[0]:.2g} | "
                f"{100 * share[part].sum():.0f} % | {middle[1]:.2f} | {middle[2]:.2f} |"
            )
    panels[0].set_ylabel("factor of a state along the axis in one step")
    panels[0].legend(fontsize=8, loc="upper left")
    figure.suptitle("The weak axes, which tell digits apart, are lost first; the metric evens them")
    figure.tight_layout()
    figure.savefig(Path(__file__).parents[1] / "docs/explanation/recall_drift.png", dpi=110)
    return lines


def main(folder):
    rows = mnist(folder, "test", 1000)[0]
    plain = AttractorMemory(metric=None, iteration="plain").fit(rows)
    sharp = AttractorMemory(metric="rule", iteration="plain").fit(rows)
    own_way = AttractorMemory(metric="rule").fit(rows)
    figure, axes = plt.subplots(1, len(KINDS), figsize=(10, 4), sharey=True)
    lines = ["| cue | way, after steps | " + " | ".join(map(str, STEPS)) + " | at home |"]
    lines.append("|---" * (len(STEPS) + 3) + "|")
    own = []
    for axis, kind in zip(axes, KINDS, strict=True):
        given = cues(rows[:COUNT], (28, 28), kind)
        for memory, label, style in (
            (plain, "plain iteration, no metric", "s--"),
            (sharp, "plain iteration, metric", "^-."),
        ):
            right, home = plainly(memory, given)
            color = "#0072B2" if memory is plain else "#009E73"
            axis.plot([max(s, 0.5) for s in STEPS], right, style, color=color, label=label)
            shown = " | ".join(f"{share:.2f}" for share in right)
            lines.append(f"| {kind} | {label} | {shown} | {home[-1]:.2f} |")
        result = own_way.recall(given)
        right = (result.path == np.arange(COUNT)).mean(axis=1)
        end = float(np.median(result.steps))
        label = "the memory's way: mended start, then at rest (median of the evaluations)"
        axis.plot([0.5, max(end, 0.5)], right[[0, -1]], "o-", color="#D55E00", label=label)
        names = "at the start", "after the vote", "without drift", "at rest"
        stages = zip(names, right, strict=True)
        own.append(
            f"{kind}: " + ", ".join(f"{share:.2f} {stage}" for stage, share in stages)
            + f"; at home {(result.pattern == np.arange(COUNT)).mean():.2f}. Evaluations of the "
            f"map, median: {end:g}."
        )  # fmt: skip
        axis.set(title=kind, xscale="log", xlabel="steps", ylim=(-0.03, 1.03))
        axis.set_xticks([max(step, 0.5) for step in STEPS], map(str, STEPS))
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("share of cues whose own row is nearest")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="lower center", ncol=3, fontsize=8)
    figure.suptitle("1,000 digits: the start knows the row; plain iteration loses it, step by step")
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(Path(__file__).parents[1] / "docs/explanation/recall_path.png", dpi=110)
    memories = {"no metric": plain, "metric": sharp}
    lines += ["", "The memory's own way, cues whose own row is nearest:", ""]
    lines += [f"- {line}" for line in own]
    lines += ["", f"What a step from a cue keeps ({KINDS[0]}, medians over the axes):", ""]
    lines += drift(memories, cues(rows[:COUNT], (28, 28), KINDS[0]))
    print("\n".join(lines))
    keep("recall_path", "\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    main(parser.parse_args().data)
