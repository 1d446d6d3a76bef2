"""Kernels of dense networks beside neural-tangents 0.6.5: time, and errors against 25 digits.

    python benchmarks/dense_kernels.py             # n = 1,000
    python benchmarks/dense_kernels.py --n 3000

ReLU, erf, GELU and sin at depths 2, 3 and 6, norms and angles of Gaussian rows with some nearly
parallel; gradients, finite-time predictions and the NTK of a finite network. Each in float64, warm,
interleaved, the median of eleven calls. Errors of values are relative to √(k(x, x) k(y, y)), those
of gradients to the gradient of Σⱼ k(x, yⱼ) in x, over other points yⱼ, by differences in 60 digits.
"""

import argparse
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from attractory import activation_from, fit_ensemble, ntk
from attractory.activations import ErfMixture
from attractory.duals import Bell, PiecewiseLinear, Polynomial, Sinusoid
from attractory.maps import function_ntk


def arcsine(s, a, b):
    size = mp.sqrt((1 + 2 * a) * (1 + 2 * b))
    return 2 / mp.pi * mp.asin(2 * s / size), 4 / mp.pi / mp.sqrt(size**2 - 4 * s * s)


def arc_cosine(s, a, b):
    size = mp.sqrt(a * b)
    angle = mp.acos(max(-1, min(1, s / size)))
    return (size * mp.sin(angle) + (mp.pi - angle) * s) / (2 * mp.pi), (mp.pi - angle) / (2 * mp.pi)


def gelu(s, a, b):
    square = (1 + a) * (1 + b) - s * s
    density = 1 / (2 * mp.pi * mp.sqrt(square))
    both = mp.mpf(1) / 4 + mp.asin(s / mp.sqrt((1 + a) * (1 + b))) / (2 * mp.pi)
    mixed = a * (b * (1 + a) - s * s) / (1 + a) + s * s / (1 + b)
    slope = both + s * density * (1 / (1 + a) + 1 / (1 + b) + 1 / square)
    return s * both + mixed * density, slope


def sine(s, a, b):
    near, far = mp.exp(-(a + b - 2 * s) / 2), mp.exp(-(a + b + 2 * s) / 2)
    return (near - far) / 2, (near + far) / 2


EXACT = {"relu": arc_cosine, "erf": arcsine, "gelu": gelu, "sin": sine}


def exact_ntk(moments, x, y, depth):
    x, y = ([mp.mpf(t) for t in row] for row in (x, y))
    s, a, b = (mp.fdot(p, q) / len(x) for p, q in ((x, y), (x, x), (y, y)))
    theta = s
    for _ in range(depth - 1):
        value, slope = moments(s, a, b)
        a, b = (moments(v, v, v)[0] for v in (a, b))
        s, theta = value, value + theta * slope
    return theta


def least(function, repeats=5):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def rows(n, dim):
    x = np.random.default_rng(0).standard_normal((n, dim))
    x[1:n:50] = x[0] + 1e-5 * x[1:n:50]  # nearly parallel
    return x


def kernels(peer, chosen):
    n, dim = chosen.n, chosen.dim
    x = rows(n, dim)
    path, out = peer.put(x=x), peer.put()
    pairs = [(0, 0), (0, 1), (1, 51), (2, 3), (4, 4), (5, 90), (101, 0), (7, 8)]
    print(f"NTK, n = {n:,}, dim {dim}: seconds ours and theirs; largest errors of both")
    for name in chosen.activations:
        moments = EXACT[name]
        for depth in chosen.depths:
            k = ntk(x, activation=name, depth=depth)
            peer.ask(op="dense", activation=name, depth=depth, data=path, save=out)
            other = np.load(out)["values"]
            ours, theirs = [], []
            for _ in range(chosen.repeats):
                ours.append(least(lambda a=name, d=depth: ntk(x, activation=a, depth=d), 1))
                theirs += peer.ask(op="dense", activation=name, depth=depth, data=path)["seconds"]
            truth = np.array([float(exact_ntk(moments, x[i], x[j], depth)) for i, j in pairs])
            scale = np.array([np.sqrt(k[i, i] * k[j, j]) for i, j in pairs])
            errors = [
                max(abs(m[i, j] - t) / s for (i, j), t, s in zip(pairs, truth, scale, strict=True))
                for m in (k, other)
            ]
            a, b = statistics.median(ours), statistics.median(theirs)
            print(
                f"  {name:5} depth {depth}: {a:7.4f} {b:7.4f} ({b / a:5.2f} ×)"
                f"   {errors[0]:.0e} {errors[1]:.0e}",
                flush=True,
            )


def exact_gradient(moments, x, others, depth):
    """Return the gradient of the sum of k(x, yⱼ) in x, by central differences in 60 digits."""
    step, total = mp.mpf(10) ** -25, []
    with mp.workdps(60):
        for k in range(len(x)):
            ends = []
            for sign in (1, -1):
                moved = [mp.mpf(float(t)) + sign * step * (i == k) for i, t in enumerate(x)]
                ends.append(sum(exact_ntk(moments, moved, y, depth) for y in others))
            total.append(float((ends[0] - ends[1]) / (2 * step)))
    return np.array(total)


def gradients(peer, chosen):
    n, dim = chosen.n, chosen.dim
    x = rows(n, dim)
    path, out = peer.put(x=x), peer.put()
    few = np.random.default_rng(3).standard_normal((4, 6))
    few_path = peer.put(x=few)
    print(f"gradient of Σ NTK in x, n = {n:,}: seconds ours and theirs; errors of both")
    with jax.enable_x64(True):
        for name in chosen.activations:
            moments = EXACT[name]
            for depth in chosen.depths:
                made = jax.jit(
                    jax.grad(lambda z, a=name, d=depth: ntk(z, activation=a, depth=d).sum())
                )
                made(x).block_until_ready()
                ask = {"op": "gradient", "activation": name, "depth": depth}
                peer.ask(**ask, data=path, save=out)
                bad = int(np.isnan(np.load(out)["values"]).any(axis=1).sum())
                ours, theirs = [], []
                for _ in range(chosen.repeats):
                    ours.append(least(lambda f=made: f(x).block_until_ready(), 1))
                    theirs += peer.ask(**ask, data=path)["seconds"]
                a, b = statistics.median(ours), statistics.median(theirs)
                # The sum's gradient: twice that of k(x, yⱼ), and of k(x, x) as of two points.
                truth = 2 * exact_gradient(moments, few[0], few[1:], depth)
                truth = truth + exact_gradient_of_own(moments, few[0], depth)
                peer.ask(**ask, data=few_path, save=out)
                errors = [
                    np.linalg.norm(np.asarray(found)[0] - truth) / np.linalg.norm(truth)
                    for found in (made(few), np.load(out)["values"])
                ]
                print(
                    f"  {name:5} depth {depth}: {a:7.4f} {b:7.4f} ({b / a:5.2f} ×)   "
                    f"{errors[0]:.0e} {errors[1]:.0e}; {bad} rows of theirs are NaN",
                    flush=True,
                )


def exact_gradient_of_own(moments, x, depth):
    """Return the gradient of k(x, x), from its change along x: it depends on the norm alone."""
    with mp.workdps(60):
        step, ends = mp.mpf(10) ** -20, []
        for sign in (1, -1):
            moved = [mp.mpf(float(t)) * (1 + sign * step) for t in x]
            ends.append(exact_ntk(moments, moved, moved, depth))
        along = float((ends[0] - ends[1]) / (2 * step))
    return along * x / (x @ x)


def calls():
    """Yield a layer of theirs, its arguments, what it is here, and by how much it is larger."""
    yield "Erf", [2.0, 0.5, 0.3], ErfMixture("erf", 0.3, 2.0, (2**0.5,), (1.0,)), 1.0
    scales = (2.4020563531719796 / 2**0.5,)
    yield "Sigmoid_like", [], ErfMixture("like", 0.5, 0.5, scales, (1.0,)), 1.0
    yield "Relu", [], "relu", 1.0
    yield "LeakyRelu", [0.2], PiecewiseLinear(1, 0.2), 1.0
    yield "ABRelu", [0.3, 1.5], PiecewiseLinear(1.5, 0.3), 1.0
    yield "Abs", [], "abs", 1.0
    yield "Gelu", [], "gelu", 1.0
    yield "Sin", [2.0, 0.7, 0.4], Sinusoid(0.7, 0.4), 2.0
    yield "Cos", [2.0, 0.7, 0.4], Sinusoid(0.7, 0.4 + np.pi / 2), 2.0
    yield "Rbf", [0.5], Sinusoid(1.0, np.pi / 4), 2**0.5
    yield "Gaussian", [2.0, -0.7], Bell(1 / 1.4), 2.0
    yield "Gabor", [], activation_from(lambda x: jnp.exp(-(x**2)) * jnp.sin(x)), 1.0
    yield "Exp", [0.5, 0.3], activation_from(lambda x: 0.5 * jnp.exp(0.3 * x)), 1.0
    yield "Monomial", [3], Polynomial.of_powers((0.0, 0.0, 0.0, 1.0)), 1.0
    yield "Polynomial", [[0.2, -0.5, 0.3]], Polynomial.of_powers((0.2, -0.5, 0.3)), 1.0
    yield "Identity", [], "linear", 1.0


def page(peer):
    """Print how far apart both are for the layers that the page of calls says are the same."""
    x = np.random.default_rng(4).standard_normal((6, 10))
    path, out = peer.put(x=x), peer.put()
    for name, arguments, act, factor in calls():
        ours = ntk(x, activation=act, depth=3, weight_std=[1.0, factor, factor])
        peer.ask(op="dense", activation=name, arguments=arguments, depth=3, data=path, save=out)
        theirs = np.load(out)["values"]
        print(f"{name}{tuple(arguments)}: {np.abs(ours - theirs).max() / ours.max():.0e} apart")


def predictions(peer):
    rng = np.random.default_rng(1)
    x, y, test = (rng.standard_normal(shape) for shape in ((60, 10), (60, 2), (20, 10)))
    path, out = peer.put(x=x, y=y, test=test), peer.put()
    for span in (0.01, 1.0, 100.0):
        ensemble = fit_ensemble(x, y, activation="relu", depth=3, ridge=1e-2)
        peer.ask(op="flow", activation="relu", depth=3, data=path, time=span, ridge=1e-2, save=out)
        other = np.load(out)
        mean = np.abs(ensemble.mean(test, span) - other["mean"]).max()
        covariance = np.abs(ensemble.covariance(test, span) - other["covariance"]).max()
        print(f"flow to t = {span:g}: means {mean:.0e} apart, covariances {covariance:.0e}")


def finite(peer, n=200, width=256):
    rng = np.random.default_rng(2)
    sizes = (32, width, width, 4)
    params = [rng.standard_normal((b, a)) for a, b in pairwise(sizes)]
    x = rng.standard_normal((n, 32))

    def f(params, v):
        for w in params[:-1]:
            v = jnp.tanh(w @ v / w.shape[1] ** 0.5)
        return params[-1] @ v / params[-1].shape[1] ** 0.5

    path = peer.put(x=x, **{f"w{k}": w for k, w in enumerate(params)})
    out = peer.put()
    found = function_ntk(f, params, x, outputs="trace")
    peer.ask(op="empirical", data=path, save=out)
    apart = np.abs(found - np.load(out)["values"]).max() / found.max()
    ours, theirs = [], []
    for _ in range(4):
        ours.append(least(lambda: function_ntk(f, params, x, outputs="trace"), 1))
        theirs += peer.ask(op="empirical", data=path)["seconds"]
    a, b = statistics.median(ours), statistics.median(theirs)
    print(
        f"NTK of a network 32-{width}-{width}-4, n = {n}: {a:.3f} {b:.3f} ({b / a:.2f} ×), "
        f"{apart:.0e} apart"
    )


PARTS = {
    "values": kernels,
    "gradients": gradients,
    "predictions": lambda peer, _: predictions(peer),
    "finite": lambda peer, _: finite(peer),
    "calls": lambda peer, _: page(peer),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--depths", nargs="+", type=int, default=[2, 3, 6])
    parser.add_argument("--activations", nargs="+", choices=EXACT, default=list(EXACT))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    chosen = parser.parse_args()
    from peers.worker import neural_tangents

    mp.mp.dps = 25
    peer = neural_tangents()
    for part in chosen.parts:
        PARTS[part](peer, chosen)
    peer.close()


if __name__ == "__main__":
    main()
