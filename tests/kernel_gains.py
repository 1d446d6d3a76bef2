"""Steps of kernel maps of one error function, by the formula, and how far they enlarge."""

import numpy as np


def theta(act, s, p, q):
    """The kernel of one error function by s = x·y/d and the squares, and its slope in s."""
    (scale,), (weight,) = act.scales, act.weights
    g = 2 / np.pi * act.gain**2 * weight**2
    big = (p + scale**2) * (q + scale**2)
    d = np.sqrt(big - s**2)
    return g * (np.arcsin(s / np.sqrt(big)) + s / d), g * (2 / d + s**2 / d**3)


def stepped(f, x):
    x = np.atleast_2d(x)
    y, d = np.asarray(f.patterns), x.shape[1]
    values, slope = theta(
        f.activation, x @ y.T / d, (x**2).sum(axis=1)[:, None] / d, (y**2).sum(axis=1) / d
    )
    return values @ np.asarray(f.coefficients), slope


def worst_gain(f, x, radius, angle):
    """The largest ‖F(δ)‖/‖δ‖ of many δ of a length and an angle to the plane across x."""
    unit = x / np.linalg.norm(x)
    y, rng = np.asarray(f.patterns), np.random.default_rng(0)
    y = y[np.linalg.norm(y - x, axis=1).argsort()]
    pairs = (y[1:6, None] - y[None, 1:6]).reshape(-1, len(x))
    u = np.vstack([y[1:], -y[1:], pairs, rng.normal(size=(300, len(x)))])
    best = 0.0
    for _ in range(12):
        u = u - np.outer(u @ unit, unit)
        u = u / np.maximum(np.linalg.norm(u, axis=1, keepdims=True), 1e-12)
        moved, slope = stepped(f, x + radius * (np.sin(angle) * unit + np.cos(angle) * u))
        off = moved - stepped(f, x)[0]  # the constant that the kernel has besides cancels
        best = max(best, np.linalg.norm(off, axis=1).max() / radius)
        # Up the gradient, by what the kernel's slope in s has of it.
        u = (slope * (off @ np.asarray(f.coefficients).T)) @ np.asarray(f.patterns)
    return best
