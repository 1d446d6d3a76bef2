"""One step of recall beside its own two matrix products.

    python benchmarks/recall_step.py

Target: 1,000 queries against 1,000 patterns at dim 784 cost at most 2 times the products
q Xᵀ and k A, measured alone in the same run.
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

import attractory


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(n=1000, m=1000, dim=784, repeats=11, steps=20):
    x = attractory.datasets.sphere(n, dim, norm=150.0, seed=1)
    f = attractory.fit_regression(x)
    cues = x[:m] + 150.0 / np.sqrt(dim) * np.random.default_rng(2).standard_normal((m, dim))

    def iterate(count):
        return attractory.recall(f, cues, max_steps=count, tol=1e-300)

    with jax.enable_x64(True):
        q, y, a = jnp.asarray(cues), jnp.asarray(x), jnp.asarray(f.coefficients)
        # `steps` times the two products, each on the result of the one before.
        both = jax.jit(lambda q: jax.lax.fori_loop(0, steps, lambda _, v: (v @ y.T) @ a, q))

        def products():
            with jax.enable_x64(True):
                both(q).block_until_ready()

        for function in (products, lambda: iterate(1), lambda: iterate(1 + steps)):
            function()  # compile
        alone, step = [], []
        for _ in range(repeats):
            alone.append(seconds(products) / steps)
            step.append((seconds(lambda: iterate(1 + steps)) - seconds(lambda: iterate(1))) / steps)
    a, b = statistics.median(alone), statistics.median(step)
    print(f"{m} queries, {n} patterns, dim {dim}, float64; medians of {repeats}, warm")
    print(f"  the two products alone {1e3 * a:7.2f} ms")
    print(f"  one step of recall     {1e3 * b:7.2f} ms")
    print(f"  ratio {b / a:.2f}")


if __name__ == "__main__":
    main()
