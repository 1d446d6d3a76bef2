"""PyTorch's side of the training and spectrum benchmarks; one JSON request a line.

``{"op": "train", "data": npz, "solver": "gd" | "momentum" | "adam", "rate": r, "cap": seconds}``
    Train the network whose weights w0, w1, … (fan-out, fan-in) and patterns x are in the file, with
    the logistic function, on ½‖f(x) − x‖² until the mean squared error per entry is 1e-7.
``{"op": "spectrum", "data": npz, "points": k}``
    Jacobian by torch.func.jacrev and all its eigenvalues at the first k patterns.
``{"op": "hopfield", "data": npz}``
    One step x ← softmax(q Xᵀ) X of a modern Hopfield network, patterns x and cues q.
"""

import json
import math
import resource
import sys
import time

import numpy as np
import torch


def forward(weights, x):
    for w in weights[:-1]:
        x = torch.sigmoid(x @ w.T / math.sqrt(w.shape[1]))
    return x @ weights[-1].T / math.sqrt(weights[-1].shape[1])


def load(path, grad):
    data = np.load(path)
    names = sorted(name for name in data.files if name.startswith("w"))
    weights = [torch.tensor(data[name], requires_grad=grad) for name in names]
    return weights, torch.tensor(data["x"])


def train(request):
    weights, x = load(request["data"], True)
    solver, rate = request["solver"], request["rate"]
    if solver == "adam":
        optimiser = torch.optim.Adam(weights, lr=rate)
    else:
        optimiser = torch.optim.SGD(weights, lr=rate, momentum=0.9 if solver == "momentum" else 0)
    start, step, loss = time.perf_counter(), 0, math.inf
    while True:
        optimiser.zero_grad()
        half = 0.5 * ((forward(weights, x) - x) ** 2).sum()
        if step % 5 == 0:  # reading the loss costs little, but not nothing
            loss = 2 * half.item() / x.numel()
            taken = time.perf_counter() - start
            if loss <= 1e-7 or taken > request["cap"] or not math.isfinite(loss):
                return {"seconds": taken, "loss": loss, "steps": step, "reached": loss <= 1e-7}
        half.backward()
        optimiser.step()
        step += 1


def spectrum(request):
    weights, x = load(request["data"], False)
    jacobian = torch.func.jacrev(lambda point: forward(weights, point))
    jacobian(x[0])
    times, radii = [], []
    for point in x[: request["points"]]:
        start = time.perf_counter()
        j = jacobian(point)
        middle = time.perf_counter()
        radii.append(torch.linalg.eigvals(j).abs().max().item())
        times.append([middle - start, time.perf_counter() - middle])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": times, "radii": radii, "peak_gib": peak}


def hopfield(request):
    data = np.load(request["data"])
    x, q = torch.tensor(data["x"]), torch.tensor(data["q"])
    start = time.perf_counter()
    torch.softmax(q @ x.T, dim=1) @ x
    return {"seconds": time.perf_counter() - start}


OPERATIONS = {"train": train, "spectrum": spectrum, "hopfield": hopfield}
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(OPERATIONS[request["op"]](request)), flush=True)
