"""
Kernels for Gaussian processes
==============================

A network of infinite width with random weights *is* a Gaussian process, whose covariance is the NNGP
kernel. Trained by gradient descent it becomes kernel regression with the neural tangent kernel (NTK).
Both are here in closed form, for the logistic function, tanh, erf, arctan and softsign, at any depth,
exact to some 12 digits, as plain NumPy matrices for your own code.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

import attractory as at

# %%
# Two matrices
# ------------
#
# ``nngp`` and ``ntk`` take points as rows.

points = at.datasets.sphere(4, 10, norm=5.0)
print(at.nngp(points, activation="tanh").round(3))
print(at.ntk(points, activation="tanh", depth=3).round(3))

# %%
# Functions before any data
# -------------------------
#
# The networks have no biases, so for functions of one variable a constant coordinate is added: the
# input is :math:`s\,(x, 1)`, and the scale :math:`s` says how fast functions may vary. Draws from the
# prior are draws from a normal distribution with the NNGP kernel as covariance.

x = np.linspace(-3, 3, 121)


def inputs(x, scale):
    return scale * np.stack([x, np.ones_like(x)], axis=1)


random = np.random.default_rng(2)
prior, axes = plt.subplots(1, 3, figsize=(8.4, 2.8), sharey=True, layout="constrained")
for axis, scale in zip(axes, (1.0, 5.0, 25.0), strict=True):
    covariance = at.nngp(inputs(x, scale), activation="erf")
    values = random.multivariate_normal(np.zeros(len(x)), covariance, size=5, method="eigh")
    axis.plot(x, values.T, lw=1.2)
    axis.set(title=f"scale {scale:g}", xlabel="x")
axes[0].set_ylabel("value of the network")
prior.suptitle("The larger the inputs, the faster random networks vary (erf, depth 2)", fontsize=11)

# %%
# After twelve data
# -----------------
#
# The posterior of a Gaussian process: with :math:`K` the kernel of the data and :math:`\sigma^2` the
# variance of their noise, mean :math:`k(x)^\top (K + \sigma^2 I)^{-1} y`. Scale and amplitude are
# those of largest marginal likelihood.

seen = np.r_[np.linspace(-2.5, -0.4, 7), np.linspace(1.2, 2.5, 5)]
measured = np.sin(2 * seen) + 0.1 * random.standard_normal(12)
variance = 0.1**2


def covariance(x, y, log_scale, log_amplitude):
    values = at.nngp(inputs(x, np.exp(log_scale)), inputs(y, np.exp(log_scale)), activation="erf")
    return np.exp(2 * log_amplitude) * values


def minus_log_likelihood(logs):
    factor = cho_factor(covariance(seen, seen, *logs) + variance * np.eye(12))
    fit = measured @ cho_solve(factor, measured)
    return 0.5 * fit + np.log(np.diag(factor[0])).sum()


best = minimize(minus_log_likelihood, [0.0, 1.0], method="Nelder-Mead", bounds=[(-1, 4), (-2, 4)])
scale, amplitude = np.exp(best.x)
print(f"scale {scale:.2f}, amplitude {amplitude:.2f}")

factor = cho_factor(covariance(seen, seen, *best.x) + variance * np.eye(12))
across = covariance(x, seen, *best.x)
mean = across @ cho_solve(factor, measured)
own = np.diag(covariance(x, x, *best.x))
spread = np.sqrt(own - np.sum(across * cho_solve(factor, across.T).T, axis=1))

# %%
# The NTK gives what a trained network predicts: a mean without a spread. (The ridge is that of a
# network whose weights are held to their start, as the data are noisy.) The slope of the mean comes from ``ntk_gradient``, exactly.

known, asked = inputs(seen, scale), inputs(x, scale)
weights = np.linalg.solve(at.ntk(known, activation="erf") + variance * np.eye(12), measured)
trained = at.ntk(asked, known, activation="erf") @ weights
slope = scale * (at.kernels.ntk_gradient(asked, known, activation="erf").dense()[:, :, 0] @ weights)

posterior, (top, bottom) = plt.subplots(
    2, 1, figsize=(6.4, 5.0), sharex=True, height_ratios=(2, 1), layout="constrained"
)
top.fill_between(x, mean - 2 * spread, mean + 2 * spread, color="#0072B2", alpha=0.2, lw=0)
top.plot(x, mean, color="#0072B2", label="Gaussian process (NNGP), two standard deviations")
top.plot(x, trained, color="#D55E00", ls="--", label="trained network (NTK)")
top.plot(seen, measured, "ko", ms=4, label="data")
top.set_ylabel("value")
top.legend(frameon=False, fontsize=8)
bottom.plot(x, slope, color="#D55E00", ls="--")
bottom.plot(x, np.gradient(trained, x), color="#777777", lw=3, alpha=0.4)
bottom.set(xlabel="x", ylabel="slope (grey: by differences)")
posterior.suptitle(
    "In the gap between the data the Gaussian process says that it is unsure", fontsize=11
)

# %%
# As a kernel of scikit-learn
# ---------------------------
#
# Everything that takes a matrix takes these. A support vector machine on small digits:

digits, labels = at.datasets.sklearn_digits(600)
rows = at.datasets.rescale(digits, norm=20.0)
train, test, answers, truth = train_test_split(rows, labels, random_state=0)
for name in ("sigmoid", "tanh", "erf"):
    machine = SVC(kernel="precomputed", C=100).fit(at.ntk(train, activation=name), answers)
    score = machine.score(at.ntk(test, train, activation=name), truth)
    print(f"{name:>7}: {score:.3f} of {len(test)} unseen digits")

# %%
# Next
# ----
#
# - How accurate, how fast, beside neural-tangents: :doc:`/reference/benchmarks`,
#   :doc:`/explanation/beside-other-libraries`.
# - More points than a matrix can hold: :doc:`/howto/scale`.
# - An activation of your own: :py:class:`attractory.activations.ErfMixture`.
