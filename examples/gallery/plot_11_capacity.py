"""
How many patterns fit
=====================

Patterns are fixed points of the infinite-width memory whatever their number, but to be recalled they
must attract. Random patterns in 16 dimensions, up to eight times as many, at three norms.
"""

import matplotlib.pyplot as plt

import attractory as at

dim, numbers = 16, [4, 16, 64, 128]
noise = at.analysis.Noise(seed=1)
rule = at.analysis.RecallRule(extra_steps=0)
figure, axis = plt.subplots(figsize=(5.8, 3.6), layout="constrained")
at_end = []
for norm, marker, color in ((4, "o", "#0072B2"), (16, "s", "#D55E00"), (64, "^", "#009E73")):
    shares = []
    for n in numbers:
        patterns = at.datasets.sphere(n, dim, norm=float(norm), seed=3)
        memory = at.fit_regression(patterns, activation="erf")
        curve = at.recall_curve(memory, patterns, [0.1], noise=noise, rule=rule, trials=4)
        shares.append(100 * float(curve.pooled_fraction[0]))
    axis.plot(numbers, shares, marker=marker, color=color, label=f"norm {norm}")
    at_end.append(shares[-1])
axis.set(xscale="log", xlabel="patterns stored in 16 dimensions")
axis.set(ylabel="recalled from 10 % noise (%)", xticks=numbers, xticklabels=numbers)
axis.minorticks_off()
axis.legend(frameon=False)
axis.set_title(
    f"128 patterns in 16 dimensions: {max(at_end):.0f} % recalled at the best norm", fontsize=10
)
