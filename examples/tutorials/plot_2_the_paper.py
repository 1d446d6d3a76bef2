"""
The paper in an hour
====================

Jiang & Pehlevan, *Associative Memory in Iterated Overparameterized Sigmoid Autoencoders* (ICML
2020), ask when a trained autoencoder, applied over and over, returns to what it was trained on. This
tutorial walks through the answer, section by section, and ends with the tool that checks every claim.

You should know what a neural network and an eigenvalue are. Symbols: :doc:`/reference/glossary`.
"""

import matplotlib.pyplot as plt
import numpy as np

import attractory as at
from attractory import theory

# %%
# 1. A trained autoencoder as a map
# ---------------------------------
#
# An autoencoder is a map from :math:`\mathbb{R}^d` to itself. Trained until it reproduces its
# patterns, :math:`f(x_i) = x_i`, each pattern is a **fixed point**. Twelve patterns on a sphere of
# radius 30 in 32 dimensions, and a network of one hidden layer with 2,000 units:

patterns = at.datasets.sphere(12, 32, norm=30.0, seed=1)
network = at.Autoencoder(32, width=2000, activation="erf", key=1, dtype=np.float64)
trained = at.train(network, patterns)
print(trained)

# %%
# Whether a fixed point attracts is decided by the Jacobian there, :math:`J = \partial f/\partial x`:
# if all its eigenvalues lie inside the unit circle, what is near comes nearer. The largest modulus is
# the **spectral radius**.

print("largest spectral radius:", at.spectral_radius(trained.model, patterns).max().round(3))

# %%
# 2. Infinite width: the map in closed form
# -----------------------------------------
#
# As the width grows, training becomes kernel regression with the neural tangent kernel
# :math:`\Theta`. From outputs that start at zero it ends at
#
# .. math:: f_\infty(x) = \hat X\, \Theta(\hat X, \hat X)^{-1}\, \Theta(\hat X, x),
#
# with the patterns as columns of :math:`\hat X`. No training, no width:

limit = at.fit_regression(patterns, activation="erf")
print(limit)
print("largest spectral radius:", at.spectral_radius(limit, patterns).max().round(3))

# %%
# 3. At initialisation (section 4.1)
# ----------------------------------
#
# Before training the Jacobian is random, and Theorem 1 bounds its norm. The library computes the
# expected norm and draws networks from their exact law. Each statement of the paper is a function that
# returns what is predicted, what is measured, and a verdict.


def show(finding):
    print(f"{finding.statement}: {finding.verdict}")
    for part in finding.predictions:
        predicted = " to ".join(f"{x:.4g}" for x in np.atleast_1d(part.predicted))
        print(f"  {part.text}: {part.measured:.4g}, predicted {part.relation} {predicted}")


show(theory.theorem_1(width=500, draws=20))

# %%
# 4. One stored pattern (section 4.2)
# -----------------------------------
#
# A single pattern is an attractor at every norm. Lemma 5 (:math:`\Theta(x, x) \ge \frac{1}{4}`) is the
# paper's way to it:

show(theory.lemma_5(norm=10.0))

# %%
# 5. The linear region (section 4.3)
# ----------------------------------
#
# Where norms are small the sigmoid is nearly a line, and a linear network cannot tell its patterns
# from their mixtures: n patterns give n eigenvalues at 1 (n − 1 with a bias). Nothing is stored
# stably.

show(theory.lemma_3(at.datasets.sphere(4, 10)))

# %%
# 6. Large norm (section 4.4)
# ---------------------------
#
# As the norm grows the patterns leave the linear region, and the spectral radius falls below 1. For
# very large norms it tends to ½. Here is its whole course, for erf and these 12 patterns: with outputs that start at zero (dashed) and at a network's own values (full). Only the
# latter crosses 1, at the **critical norm**.

grid = np.geomspace(1.0, 1000.0, 12)
courses = [
    (
        f"n = 12, f0 {f0}",
        at.critical_norm(patterns, activation="erf", f0=f0, norms=grid, width=1000),
    )
    for f0 in ("zero", "sampled")
]
figure = at.plotting.plot_critical_norm(
    courses,
    title="With f0 sampled the radius exceeds 1 and drops below it; with f0 = 0 nothing drops",
)

# %%
# 7. Basins (appendix E)
# ----------------------
#
# A pattern that attracts has a **basin**: the cues that end there. The paper measures it with noise
# and calls a cue recalled if fifty steps bring it within 1 % of the pattern. It finds larger basins at
# larger norm. That is so up to a point, and then it turns:

sizes, shares = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0], []
noise = at.analysis.Noise(relative=False)  # sizes in the units of the patterns, as in the paper
rule = at.analysis.RecallRule(max_steps=50, extra_steps=0)
for norm in (3.0, 30.0, 300.0):
    x = patterns / 30.0 * norm
    stored = at.fit_regression(x, activation="erf")
    curve = at.recall_curve(stored, x, sizes, noise=noise, rule=rule, trials=10)
    shares.append((norm, curve.pooled_fraction))

basins, axis = plt.subplots(figsize=(6.0, 3.6), layout="constrained")
for (norm, share), marker, color in zip(
    shares, "os^", ("#0072B2", "#D55E00", "#009E73"), strict=True
):
    axis.plot(sizes, 100 * share, marker=marker, color=color, label=f"norm {norm:g}")
axis.set(xscale="log", xlabel="noise radius (standard deviation of each coordinate)")
axis.set(ylabel="recalled within 50 steps (%)")
axis.legend(frameon=False)
axis.set_title("The basin grows from norm 3 to 30, and shrinks again to 300", fontsize=10)

# %%
# 8. All of it
# ------------
#
# Two commands hold the paper against numbers:
#
# .. code-block:: sh
#
#    attractory verify               # every statement, in some hundred settings; a minute
#    attractory reproduce --quick    # every figure in small; some minutes
#
# The second writes a report, ``attractory-paper/report.html``, with a verdict for each claim.
# At the paper's own sizes 44 of 53 claims hold, 8 do not, 1 is not decided:
# :doc:`/reference/reproduction`. The appendix has misprints and gaps: :doc:`/reference/errata`.
#
# Next
# ----
#
# - The derivations, one page a section: :doc:`/explanation/theory/initial` and those after it.
# - Which of the memories that training can reach it does reach: :doc:`/explanation/training`.
