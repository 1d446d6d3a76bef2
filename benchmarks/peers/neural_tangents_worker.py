"""Time neural-tangents in its own environment, one JSON request a line on standard input.

Requests, each answered by one JSON line (``{"error": ...}`` where it failed):

``{"op": "ntk", "activation": "sigmoid" | "erf", "data": "x.npz", "repeat": 1, "degree": 25,
"save": "out.npz"}``
    The two-layer NTK of the rows of ``x`` with those of ``y`` (with themselves without ``y``).
    ``cold_seconds`` is the first call at these shapes, compilation included, and null once
    compiled; ``seconds`` holds ``repeat`` warm calls. ``diagonal`` is null where ``y`` is given.
    ``degree`` is sigmoid's quadrature degree, ``save`` keeps the matrix as ``ntk``. Optional are
    ``repeat``, ``degree`` and ``save``.
``{"op": "dense", "activation": "relu" | "erf" | "gelu" | "sin", "depth": 3, "data": "x.npz",
"save": "out.npz"}``
    The NTK of any depth, timed the same way; the answer as of "ntk". The activation may also be
    any of stax's layers, with its ``arguments``, a list.
``{"op": "gradient", ...}``
    The same arguments: the gradient of the sum of the NTK's entries in x.
``{"op": "flow", "activation", "depth", "data" (x, y, test), "time", "ridge", "save"}``
    The ensemble's mean and covariance by gradient_descent_mse_ensemble at a time.
``{"op": "empirical", "data" (w0, w1, w2, x), "repeat", "save"}``
    The trace of the NTK of a tanh network of three layers and NTK parametrisation.
``{"op": "check"}``
    The largest relative deviation of the erf kernel from its closed form, and the versions.

Loading the data and moving it into JAX is not timed.
"""

import json
import os
import sys
import time

# Answers go to a private copy of standard output; whatever any library prints, from Python or
# from C, goes to standard error. This must precede the imports below.
ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)

import neural_tangents  # noqa: E402
import numpy as np  # noqa: E402
from neural_tangents import stax  # noqa: E402

DEGREE = 25  # where the documentation of ElementwiseNumerical suggests to start
kernels = {}
compiled = set()


def kernel(activation, degree):
    """Return the jitted NTK; both Erf and ElementwiseNumerical trace under jax.jit."""
    key = (activation, degree)
    if key not in kernels:
        if activation == "erf":
            nonlinearity = stax.Erf()
        elif activation == "sigmoid":
            nonlinearity = stax.ElementwiseNumerical(jax.nn.sigmoid, deg=degree)
        else:
            raise ValueError(f"unknown activation {activation!r}")

        def dense():
            return stax.Dense(1, W_std=1.0, b_std=0.0, parameterization="ntk")

        _, _, kernel_fn = stax.serial(dense(), nonlinearity, dense())
        kernels[key] = jax.jit(lambda x, y: kernel_fn(x, y, "ntk"))
    return kernels[key]


def timed(fn, x, y):
    start = time.perf_counter()
    value = fn(x, y).block_until_ready()
    return value, time.perf_counter() - start


def ntk(request):
    with np.load(request["data"]) as data:
        x = jax.device_put(data["x"].astype(np.float64))
        y = jax.device_put(data["y"].astype(np.float64)) if "y" in data else None
    jax.block_until_ready((x, y))
    degree = int(request.get("degree") or DEGREE) if request["activation"] == "sigmoid" else None
    fn = kernel(request["activation"], degree)
    key = (request["activation"], degree, x.shape, None if y is None else y.shape)
    value = cold = None
    if key not in compiled:
        value, cold = timed(fn, x, y)
        compiled.add(key)
    seconds = []
    for _ in range(max(int(request.get("repeat", 1)), value is None)):
        value, elapsed = timed(fn, x, y)
        seconds.append(elapsed)
    diagonal = np.diag(value).tolist() if y is None else None
    answer = {"seconds": seconds, "cold_seconds": cold, "degree": degree, "diagonal": diagonal}
    if request.get("save"):
        np.savez(request["save"], ntk=np.asarray(value))
        answer["values"] = request["save"]
    return answer


LAYERS = {"relu": "Relu", "erf": "Erf", "gelu": "Gelu", "sin": "Sin"}


def network(activation, depth, *arguments):
    layers = [stax.Dense(1, W_std=1.0, b_std=0.0, parameterization="ntk")]
    layer = getattr(stax, LAYERS.get(activation, activation))
    for _ in range(depth - 1):
        layers += [layer(*arguments), stax.Dense(1, W_std=1.0, b_std=0.0)]
    return stax.serial(*layers)[2]


def repeated(key, make, request):
    """Time a compiled function of x, made once for each key."""
    if key not in kernels:
        kernels[key] = jax.jit(make())
    with np.load(request["data"]) as data:
        x = jax.device_put(data["x"].astype(np.float64))
    value, cold = timed(lambda v, _: kernels[key](v), x, None)
    seconds = []
    for _ in range(int(request.get("repeat", 1))):
        value, elapsed = timed(lambda v, _: kernels[key](v), x, None)
        seconds.append(elapsed)
    if request.get("save"):
        np.savez(request["save"], values=np.asarray(value))
    return {"seconds": seconds, "cold_seconds": cold}


def dense(request):
    arguments = request.get("arguments", [])
    key = ("dense", request["activation"], request["depth"], str(arguments))
    made = network(*key[1:3], *arguments)
    return repeated(key, lambda: lambda x: made(x, None, "ntk"), request)


def gradient(request):
    key = ("gradient", request["activation"], request["depth"])
    made = network(*key[1:])
    return repeated(key, lambda: jax.grad(lambda x: made(x, None, "ntk").sum()), request)


def flow(request):
    with np.load(request["data"]) as data:
        x, y, test = (data[k].astype(np.float64) for k in ("x", "y", "test"))
    predict = neural_tangents.predict.gradient_descent_mse_ensemble(
        network(request["activation"], request["depth"]), x, y, diag_reg=request["ridge"],
        diag_reg_absolute_scale=True,
    )  # fmt: skip
    found = predict(t=request["time"] * y.size, x_test=test, get="ntk", compute_cov=True)
    np.savez(request["save"], mean=np.asarray(found.mean), covariance=np.asarray(found.covariance))
    return {"ok": True}


def empirical(request):
    with np.load(request["data"]) as data:
        params = [jax.device_put(data[f"w{k}"]) for k in range(3)]

    def f(params, x):
        for w in params[:-1]:
            x = jax.numpy.tanh(x @ w.T / w.shape[1] ** 0.5)
        return x @ params[-1].T / params[-1].shape[1] ** 0.5

    kernel = neural_tangents.empirical_ntk_fn(f)
    return repeated(("empirical",), lambda: lambda x: kernel(x, None, params), request)


def check(_request):
    x = np.random.default_rng(0).standard_normal((12, 30))
    s = x @ x.T / x.shape[1]
    a = 1 + 2 * np.diag(s)
    outer = np.outer(a, a)
    nngp = 2 / np.pi * np.arcsin(2 * s / np.sqrt(outer))
    closed = nngp + s * 4 / np.pi / np.sqrt(outer - 4 * s**2)
    deviation = float(np.max(np.abs(np.asarray(kernel("erf", None)(x, None)) / closed - 1)))
    versions = {m.__name__: m.__version__ for m in (neural_tangents, jax, np)}
    return {"ok": deviation < 1e-10, "erf_deviation": deviation, "versions": versions}


def main():
    operations = {
        "ntk": ntk, "dense": dense, "gradient": gradient, "flow": flow, "empirical": empirical,
        "check": check,
    }  # fmt: skip
    for line in filter(str.strip, sys.stdin):
        try:
            request = json.loads(line)
            answer = operations[request["op"]](request)
        except Exception as error:  # the benchmark decides what a failure means
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=ANSWERS, flush=True)


if __name__ == "__main__":
    main()
