"""The pairs of vectors of the reference cases, the same to the last bit on every machine.

Only operations that IEEE 754 rounds correctly are used (+ - * / and square roots, `math.fsum` for
sums), on uniform numbers of NumPy's frozen legacy stream: normal deviates, cosines and BLAS sums
would depend on the machine's mathematical library, and the reference is for the exact vectors.
"""

import math

import numpy as np


def _dot(x: np.ndarray, y: np.ndarray) -> float:
    return math.fsum((x * y).tolist())


def pair(recipe: dict) -> tuple[np.ndarray, np.ndarray]:
    """Vectors x, y of a recipe: dim, norm_x, norm_y, seed, and correlation or angle (small).

    Correlation 1 (-1) with equal norms gives y = x (y = -x) exactly. The values reached differ
    from the recipe's by rounding, and an angle t is 2 arctan(t/2).
    """
    stream = np.random.RandomState(recipe["seed"])
    first, second = 2.0 * stream.random_sample((2, recipe["dim"])) - 1.0
    first = first / math.sqrt(_dot(first, first))
    for _ in range(2):  # twice, so that rounding leaves no component along the first
        second = second - _dot(second, first) * first
        second = second / math.sqrt(_dot(second, second))
    if "angle" in recipe:
        half = recipe["angle"] / 2
        cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    else:
        cosine = recipe["correlation"]
        sine = math.sqrt((1 - cosine) * (1 + cosine))
    x = recipe["norm_x"] * first
    if sine == 0 and recipe["norm_x"] == recipe["norm_y"]:
        return x, cosine * x
    return x, recipe["norm_y"] * (cosine * first + sine * second)
