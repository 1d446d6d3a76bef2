"""E[f(u)g(v)] of normal u, v by quadrature in polar coordinates: shares nothing with the library.

On the circle the integrand is smooth but where u or v is 0, so each arc between
has a rule of its own.
"""

from itertools import pairwise

import numpy as np

_RADIUS, _RADIAL = np.polynomial.legendre.leggauss(160)
_RADIUS, _RADIAL = 7.5 * (_RADIUS + 1), 7.5 * _RADIAL
_ANGLE, _ANGULAR = np.polynomial.legendre.leggauss(120)


def expected(f, g, s, a, b):
    """Return the expectation for variances a, b and covariance s."""
    c = np.clip(s / np.sqrt(a * b), -1, 1)
    # u vanishes at ±π/2; v, where cos φ c + sin φ √(1 − c²) does.
    kinks = [
        np.pi / 2,
        3 * np.pi / 2,
        *((np.arccos(c) + np.pi / 2 + k * np.pi) % (2 * np.pi) for k in (0, 1)),
    ]
    edges = np.unique(np.concatenate([[0, 2 * np.pi], kinks]))
    total = 0.0
    for low, high in pairwise(edges):
        angle = (low + high + (high - low) * _ANGLE) / 2
        u = np.sqrt(a) * np.outer(_RADIUS, np.cos(angle))
        v = np.sqrt(b) * np.outer(_RADIUS, np.cos(angle - np.arccos(c)))
        weight = np.outer(
            _RADIAL * _RADIUS * np.exp(-(_RADIUS**2) / 2), _ANGULAR * (high - low) / 2
        )
        total += np.sum(weight * f(u) * g(v)) / (2 * np.pi)
    return total
