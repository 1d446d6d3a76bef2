"""What each part of a recall contributes: the same cues with one part changed at a time.

    python benchmarks/ablation.py --data FOLDER [--rows 100 1000]

The cues are those of the six headline kinds of `baselines.py`, 200 of each. Metric and norms are
those of the rule (λ 0.01), so that one thing at a time differs; the first line is the automatic
choice by trials.
"""

import argparse
from pathlib import Path

import numpy as np
from _cues import HEADLINE, cues
from _results import keep

import attractory.memory
from attractory import AttractorMemory, mnist

_CUES = 200


def variants(rule):
    """Settings by name; `rule` is the memory by the rule."""
    return {
        "automatic choice": {"search": True},
        "by the rule": {},
        "no metric": {"metric": None},
        "start: the cue as it is": {"_start": "plain"},
        "start: less noise, mean left in": {"_start": "noise"},
        "no momentum": {"momentum": 0.0},
        "drift left in, cue held": {"schedule": [0.999 * rule.norm_]},
        "drift left in, cue held at half the norm": {"schedule": [0.5 * rule.norm_]},
        "plain iteration": {"schedule": None},
        "no metric, plain iteration": {"metric": None, "schedule": None},
        "half the norm": {"norm": 0.5 * rule.norm_},
        "twice the norm": {"norm": 2 * rule.norm_},
        "bias 1": {"bias": 1.0},
        "bias 3": {"bias": 3.0},
        "λ 0.003": {"metric": 0.003},
        "λ 0.03": {"metric": 0.03},
        "λ 0.1": {"metric": 0.1},
    }


def recalled(rows, settings):
    """Share of each kind's cues that end within 1 % of their row, and evaluations at 95 %."""
    settings = {"search": False, **settings}
    start = settings.pop("_start", None)
    memory = AttractorMemory(**settings).fit(rows)
    size = np.linalg.norm(rows - rows.mean(axis=0), axis=1)
    draws = max(1, -(-_CUES // len(rows)))
    own = np.tile(np.arange(len(rows)), draws)[:_CUES]
    shares, steps = [], []
    before = attractory.memory.denoised
    if start == "plain":
        attractory.memory.denoised = lambda apart, metric, *rest: metric.apply(apart)
    elif start == "noise":
        attractory.memory.denoised = lambda apart, metric, outside, mean: before(
            apart, metric, outside
        )
    try:
        for kind in HEADLINE:
            result = memory.recall(cues(rows, (28, 28), kind, draws)[:_CUES])
            away = np.linalg.norm(result.state - rows[own], axis=1)
            shares.append(float((away <= 0.01 * size[own]).mean()))
            steps.append(result.steps)
    finally:
        attractory.memory.denoised = before
    return shares, float(np.quantile(np.concatenate(steps), 0.95))


def main(folder, counts):
    lines = []
    for n in counts:
        rows = mnist(folder, "test", n)[0]
        rule = AttractorMemory(search=False).fit(rows)
        lines += [
            f"### {n:,} digits, {_CUES} cues a cell", "",
            "| | " + " | ".join(HEADLINE) + " | mean | evaluations, 95 % |",
            "|---" * (len(HEADLINE) + 3) + "|",
        ]  # fmt: skip
        for name, settings in variants(rule).items():
            shares, steps = recalled(rows, settings)
            parts = [
                *(f"{share:.2f}" for share in shares),
                f"{np.mean(shares):.3f}",
                f"{steps:.0f}",
            ]
            lines.append(f"| {name} | " + " | ".join(parts) + " |")
            print(lines[-1], flush=True)
        lines.append("")
        keep("ablation", "\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1000, 5000])
    given = parser.parse_args()
    main(given.data, given.rows)
