"""What each part of a recall contributes: the same cues with one part changed at a time.

    python benchmarks/ablation.py --data FOLDER [--rows 100 1000]   # half an hour

The cues are those of the six headline kinds of `baselines.py`, 200 of each. The first two lines are
recall as it is, from a cue mended by a stored row. The others begin at the cue less its noise, so
that what the map does shows; metric and norms are those of the rule (λ 0.01), so that one thing at
a time differs. Then the automatic choice, also without mending, beside the best of a grid of λ and
norms.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np
from _cues import HEADLINE, cues
from _results import keep

import attractory.memory.drift_free_steps
import attractory.memory.state
from attractory import AttractorMemory
from attractory.datasets import mnist
from attractory.memory.guided_recall import lead
from attractory.memory.high_degree_steps import without_low_degrees

_CUES = 200


def variants(rule):
    """Settings by name; `rule` is the memory by the rule."""
    return {
        "automatic choice, mended": {"metric": "search", "_start": "mended"},
        "by the rule, mended": {"_start": "mended"},
        "automatic choice, not mended": {"metric": "search"},
        "by the rule, not mended": {},
        "no metric": {"metric": None},
        "start: the cue as it is": {"_start": "plain"},
        "start: less noise, mean left in": {"_start": "mean left in"},
        "degrees from 3 only (drift taken out)": {"_degree": 3},
        "degrees from 5": {"_degree": 5},
        "degrees from 9": {"_degree": 9},
        "plain iteration": {"iteration": "plain"},
        "no metric, plain iteration": {"metric": None, "iteration": "plain"},
        "half the norm": {"norm": 0.5 * rule.norm_},
        "twice the norm": {"norm": 2 * rule.norm_},
        "four times the norm": {"norm": 4 * rule.norm_},
        "λ 0.003": {"metric": 0.003},
        "λ 0.03": {"metric": 0.03},
        "λ 0.1": {"metric": 0.1},
    }


def plain(apart, metric, *rest):
    """Return centred cues as they are, in the metric's coordinates."""
    return metric.apply(apart)


def led(memory, given):
    """Return the rows that cues less their noise are led to by the map, −1 for none, and steps."""
    state = memory.state_
    start = state.span.within(state.start(given))
    plan = state.plan(state.settings)
    found = lead(plan, start)
    away = np.linalg.norm(found.state - plan.patterns[found.path[-1]], axis=1)
    return np.where(away <= 0.01 * plan.norm, found.path[-1], -1), found.steps


def recalled(rows, settings):
    """Share of each kind's cues that end within 1 % of their row, and evaluations at 95 %."""
    settings = {"metric": "rule", **settings}
    start, degree = settings.pop("_start", None), settings.pop("_degree", None)
    draws = max(1, -(-_CUES // len(rows)))
    own = np.tile(np.arange(len(rows)), draws)[:_CUES]
    shares, steps = [], []
    before = attractory.memory.state.denoised

    def mean_left(apart, metric, outside, mean):
        return before(apart, metric, outside)

    def of_degree(*kernel, **other):
        return without_low_degrees(*kernel, **({"degree": degree} | other))

    with ExitStack() as changed:
        if degree is not None:
            module = attractory.memory.drift_free_steps
            changed.enter_context(patch.object(module, "without_low_degrees", of_degree))
        if start in ("plain", "mean left in"):
            other = plain if start == "plain" else mean_left
            changed.enter_context(patch.object(attractory.memory.state, "denoised", other))
        memory = AttractorMemory(**settings).fit(rows)
        for kind in HEADLINE:
            given = cues(rows, (28, 28), kind, draws)[:_CUES]
            if start == "mended" or memory.iteration == "plain":  # which mends nothing
                result = memory.recall(given)
                found, took = result.pattern, result.steps
            else:
                found, took = led(memory, given)
            shares.append(float((found == own).mean()))
            steps.append(took)
    return shares, float(np.quantile(np.concatenate(steps), 0.95))


def grid(rows, chosen):
    """Compare the automatic choice (its mean share) with a grid of λ and norms; a line of text."""
    found = {}
    for share in (0.003, 0.01, 0.03, 0.1, 0.3):
        rule = AttractorMemory(metric=share).fit(rows).norm_
        for factor in (0.7, 1.0, 1.5, 3.0):
            shares, _ = recalled(rows, {"metric": share, "norm": factor * rule})
            found[share, factor] = float(np.mean(shares))
            print(
                f"λ {share:g}, {factor:g} × the rule's norm: {found[share, factor]:.3f}", flush=True
            )
    best = max(found, key=lambda at: found[at])
    return (
        f"{len(rows):,} digits, not mended, mean of six kinds: the automatic choice {chosen:.3f}; "
        f"the best of a grid of {len(found)} (5 λ, 4 norms) {found[best]:.3f}, at λ {best[0]:g} "
        f"and {best[1]:g} × the rule's norm; the worst {min(found.values()):.3f}."
    )


def main(folder, counts):
    lines = []
    for n in counts:
        rows = mnist(folder, "test", n)[0]
        rule = AttractorMemory(metric="rule").fit(rows)
        lines += [
            f"## {n:,} digits, {_CUES} cues a cell", "",
            "| | " + " | ".join(HEADLINE) + " | mean | evaluations, 95 % |",
            "|---" * (len(HEADLINE) + 3) + "|",
        ]  # fmt: skip
        means = {}
        for name, settings in variants(rule).items():
            shares, steps = recalled(rows, settings)
            means[name] = float(np.mean(shares))
            parts = [
                *(f"{share:.2f}" for share in shares),
                f"{means[name]:.3f}",
                f"{steps:.0f}",
            ]
            lines.append(f"| {name} | " + " | ".join(parts) + " |")
            print(lines[-1], flush=True)
        lines += ["", grid(rows, means["automatic choice, not mended"]), ""]
        print(lines[-2], flush=True)
        keep("ablation", "\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1000])
    given = parser.parse_args()
    main(given.data, given.rows)
