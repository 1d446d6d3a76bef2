"""
Your own network's attractors
=============================

The analysis knows only a map: a function from (…, d) to (…, d) made of JAX operations. It need not
come from this library. Here a small network of our own is trained by plain JAX to clean up noise, and
then questioned: what are its attractors, how strongly do they attract, how far do their basins reach?
"""

import jax
import jax.numpy as jnp
import numpy as np

import attractory as at

# %%
# A network that is not ours
# --------------------------
#
# Two layers of tanh in plain JAX, trained to take noisy points back to one of six patterns. Any
# framework that gives a JAX function will do: Equinox, Flax, Haiku. A PyTorch model does not, unless
# its operations are written in JAX.

patterns = at.datasets.sphere(6, 10, norm=2.0, seed=3)


def apply(weights, x):
    first, second = weights
    return jnp.tanh(x @ first) @ second


def loss(weights, key):
    noise = 0.4 * jax.random.normal(key, (32, *patterns.shape))
    return jnp.mean((apply(weights, patterns + noise) - patterns) ** 2)


@jax.jit
def step(weights, key):
    slope = jax.grad(loss)(weights, key)
    return jax.tree.map(lambda w, g: w - 0.5 * g, weights, slope)


keys = jax.random.split(jax.random.key(0), 2000)
start = jax.random.split(jax.random.key(1))
weights = [0.3 * jax.random.normal(start[0], (10, 64)), 0.3 * jax.random.normal(start[1], (64, 10))]
for key in keys:
    weights = step(weights, key)


# %%
# As a map
# --------
#
# That is all the library needs:


def f(x):
    return apply(weights, x)


# %%
# The patterns are not exactly fixed: training under noise only brings the map near them. So look for
# the fixed points first. A **census** iterates the map from many starts and describes what they
# settle on, cycles included; within the rule's ``tolerance`` of a pattern an attractor counts as
# stored.

rule = at.analysis.RecallRule(max_steps=2000, tolerance=0.2)
census = at.attractor_census(f, patterns, count=300, rule=rule)
print(census)

figure = at.plotting.plot_census(census)

# %%
# Each attractor has its points, its share of the starts with an interval, its spectral radius, and the
# stored pattern nearest to it:

for one in census.attractors[:8]:
    print(
        f"share {one.share:.2f}, period {one.period}, radius {one.spectral_radius:.2f}, "
        f"pattern {one.nearest} at {one.distance:.2f} of its norm"
    )

# %%
# The spectrum
# ------------
#
# The eigenvalues of the Jacobian at these fixed points, beside the unit circle:

fixed = np.stack([one.points[0] for one in census.attractors if one.stored and one.period == 1])
values = at.eigenvalues(f, fixed)
spectrum = at.plotting.plot_eigenvalues(
    values, title=f"All inside the unit circle: the largest is at {abs(values).max():.2f}"
)

# %%
# How far the basins reach
# ------------------------
#
# Measured: the share of cues that come back, against the noise. Attacked: the smallest perturbation
# that does not come back, found by search.

curve = at.recall_curve(f, fixed, [0.2, 0.4, 0.6, 0.8, 1.0, 1.4], trials=40)
recalled = at.plotting.plot_recall_curve(curve)

shock = at.critical_shock(f, fixed, starts=3, rounds=8)
print("smallest harmful perturbation, relative to the norm:")
print((shock.distance / np.linalg.norm(fixed, axis=1)).round(2))

# %%
# Proven: nothing yet, as the library does not know how your map's Jacobian changes. If you can bound
# that, ``certified_radius`` takes the bound. For this network the Jacobian is
# :math:`W_2^\top D(x) W_1^\top` with :math:`D = 1 - \tanh^2`, whose entries change by at most
# 0.77 times the change of their argument:

first, second = (np.asarray(w, float) for w in weights)
sizes = np.linalg.norm(first, axis=0)
norm = np.linalg.norm


def change(point, radius):
    """Bound the change of the Jacobian within a radius of a point."""
    moved = np.minimum(0.77 * sizes * radius, 1.0)  # of each unit's slope
    return norm(second, 2) * moved.max() * norm(first, 2)


certificate = at.certified_radius(f, fixed, jacobian_change=change)
print(certificate)
print("certified, relative to the norm:", (certificate.radius / norm(fixed, axis=1)).round(3))

# %%
# What is proven is far smaller than what is measured, and this simple bound is not the sharpest;
# kernel memories and networks of this library have much better ones.
#
# Next
# ----
#
# - What each of the three distances means: :doc:`/howto/choose-certificate`, :doc:`/explanation/basins`.
# - What a map may offer besides (its own Jacobian, its precision): :py:class:`attractory.maps.Map`.
# - Over many settings, stored and resumable: :doc:`/howto/sweep`.
