"""What the suite measures: cases, each a contender beside its floor and its peer.

A case's `make` returns functions by name for one size: "ours", and what there is of "floor" (what
the mathematics cannot do without: the same matrix products, the same factorisation, by BLAS and
LAPACK), "peer" (another library, in a separate environment) and "other" (another call of ours to
compare with). `targets` are the most that ours may take relative to one of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cholesky

import attractory
from attractory.activations import activation
from attractory.memory.settings import MemorySettings
from attractory.memory.stored_map import KernelStore

DIM, NORM = 784, 150.0


@dataclass(frozen=True)
class Case:
    """One measurement at several sizes.

    Attributes:
        group, name: where it belongs, what it is.
        along: what the sizes are: "n", "dim" or "width".
        sizes, quick: all sizes, and those of a quick run.
        make: a size, and whether there are peers, to functions by name.
        targets: largest ratio of ours to a name, at the sizes the targets are for.
        at: those sizes; all by default.
        most: exponent in the size that the mathematics asks, or None.
    """

    group: str
    name: str
    along: str
    sizes: Sequence[int]
    quick: Sequence[int]
    make: Callable[[int, "Peers | None"], Mapping[str, Callable]]
    targets: Mapping[str, float] = field(default_factory=dict)
    at: Sequence[int] = ()
    most: float | None = None


class Peers:
    """The peers' processes, started when they are first asked."""

    def __init__(self):
        self._running = {}

    def ask(self, which, **request):
        from benchmarks.peers import worker

        if which not in self._running:
            self._running[which] = getattr(worker, which)()
        return self._running[which].ask(**request)

    def put(self, which, **arrays):
        from benchmarks.peers import worker

        if which not in self._running:
            self._running[which] = getattr(worker, which)()
        return self._running[which].put(**arrays)

    def close(self):
        for peer in self._running.values():
            peer.close()


def _points(n, dim=DIM, seed=1):
    return attractory.datasets.sphere(n, dim, norm=NORM, seed=seed)


def _kernel(which, depth=2, peer=False, other=None):
    def make(n, peers):
        x = _points(n)
        calls = {
            "ours": lambda: attractory.ntk(x, activation=which, depth=depth),
            "floor": lambda: x @ x.T,
        }
        if other is not None:
            calls["other"] = lambda: attractory.ntk(x, activation=other, depth=depth)
        if peer and peers is not None:
            path = peers.put("neural_tangents", x=x)
            calls["peer"] = lambda: peers.ask(
                "neural_tangents", op="ntk", activation=which, data=path, repeat=1
            )["seconds"][0]
        return calls

    return make


def _kernel_in_dim(dim, _):
    x = _points(2000, dim)
    return {"ours": lambda: attractory.ntk(x), "floor": lambda: x @ x.T}


def _gradient(n, _):
    x, q = _points(n), _points(100, seed=2)
    return {"ours": lambda: attractory.kernels.ntk_gradient(q, x), "floor": lambda: q @ x.T}


def _store(n, _):
    x, act = _points(n), activation("sigmoid")
    definite = np.asfortranarray(x @ x.T) + 2 * np.diag((x**2).sum(axis=1))

    def ours():
        # Kernel, factorisation and solve; the residual is another pass, and not asked for here.
        KernelStore(x, x, MemorySettings(act), measure_residual=False).map()

    def floor():
        x @ x.T
        cholesky(definite, lower=True, check_finite=False)

    return {"ours": ours, "floor": floor}


def _recall(n, peers):
    x, q = _points(n), _points(1000, seed=2)
    f = attractory.fit_regression(x)
    a = np.asarray(f.coefficients)
    calls = {"ours": lambda: np.asarray(f(q)), "floor": lambda: (q @ x.T) @ a}
    if peers is not None:
        path = peers.put("torch", x=x, q=q)
        calls["peer"] = lambda: peers.ask("torch", op="hopfield", data=path)["seconds"]
    return calls


def _spectrum(n, _):
    x = _points(n)
    f = attractory.fit_regression(x)
    return {"ours": lambda: attractory.spectral_radius(f, x[:20])}


def _network_spectrum(width, peers):
    x = attractory.datasets.rescale(attractory.datasets.bundled_digits(10)[0], 10.0)
    network = attractory.Autoencoder(DIM, width=width, key=0)
    calls = {"ours": lambda: attractory.spectral_radius(network, x)}
    if peers is not None:
        weights = {f"w{k}": np.asarray(w) for k, w in enumerate(network.weights)}
        path = peers.put("torch", x=x.astype(np.float32), **weights)
        calls["peer"] = lambda: float(
            sum(map(sum, peers.ask("torch", op="spectrum", data=path, points=10)["seconds"]))
        )
    return calls


def _training(width, peers):
    x = attractory.datasets.rescale(attractory.datasets.bundled_digits(20)[0], 10.0)
    start = attractory.Autoencoder(DIM, width=width, key=0)
    calls = {"ours": lambda: attractory.train(start, x, progress=False)}
    if peers is not None:
        weights = {f"w{k}": np.asarray(w) for k, w in enumerate(start.weights)}
        path = peers.put("torch", x=x.astype(np.float32), **weights)
        calls["peer"] = lambda: float(
            peers.ask("torch", op="train", data=path, solver="adam", rate=0.1, cap=30)["seconds"]
        )
    return calls


def _basin(n, _):
    x = attractory.datasets.rescale(attractory.datasets.bundled_digits(n)[0], 100.0)
    f = attractory.fit_regression(x)
    return {"ours": lambda: attractory.recall_curve(f, x, sizes=[0.5, 1.0], trials=2)}


CASES = (
    *(
        Case("kernel", f"NTK, {which}", "n", (1000, 3000), (500,), _kernel(which))
        for which in ("tanh", "arctan")
    ),
    Case("kernel", "NTK, softsign", "n", (250, 500), (250,), _kernel("softsign")),
    Case(
        "kernel", "NTK, erf, beside neural-tangents", "n", (1000, 3000, 10_000), (500,),
        _kernel("erf", peer=True), {"peer": 1.0}, (3000, 10_000), most=2.0,
    ),
    Case(
        "kernel", "NTK, sigmoid, beside erf", "n", (1000, 3000, 10_000), (500,),
        _kernel("sigmoid", other="erf"), {"other": 2.0}, most=2.0,
    ),
    Case("kernel", "NTK, sigmoid, depth 3", "n", (1000, 3000), (500,), _kernel("sigmoid", 3)),
    Case("kernel", "NTK, sigmoid, depth 4", "n", (1000, 3000), (500,), _kernel("sigmoid", 4)),
    Case(
        "kernel", "NTK of 2,000, sigmoid", "dim", (100, 400, 1600, 6400), (100,), _kernel_in_dim,
        most=1.0,
    ),
    Case(
        "gradient", "NTK gradient, 100 queries", "n", (1000, 2000, 4000, 8000), (500,), _gradient,
        most=1.0,
    ),
    Case(
        "store", "kernel, factor, solve", "n", (1000, 2000, 3000, 5000, 10_000), (500,), _store,
        {"floor": 2.0}, (10_000,), most=3.0,
    ),
    Case(
        "recall", "one step of 1,000 cues", "n", (1000, 2000, 3000, 5000, 10_000), (500,), _recall,
        {"floor": 1.5}, (10_000,), most=1.0,
    ),
    Case("spectrum", "radius at 20 patterns, kernel", "n", (250, 500, 1000), (100,), _spectrum),
    Case(
        "spectrum", "radius at 10 digits, network", "width", (1000, 2000, 4000, 10_000), (500,),
        _network_spectrum, {"peer": 0.2}, (10_000,), most=1.0,
    ),
    Case(
        "training", "20 digits, norm 10, to 1e-7", "width", (1000, 2000, 4000, 10_000), (500,),
        _training, most=1.0,
    ),
    Case("basin", "recall curve, 4 cues a pattern", "n", (20, 50, 100), (10,), _basin),
)  # fmt: skip
