"""auto_LiRPA's side of the benchmark of certificates of networks; one JSON request a line.

``{"op": "grow", "data": npz, "first": r, "ratio": q}``
    Of the network of depth 2 whose weights w0, w1 (fan-out, fan-in) are in the file, logistic, and
    each of its fixed points x: the largest r qᵏ from whose ball every state is proven to come to
    that of r, ball by ball, each mapped into the one before; 0 if that fails at once.

A linear relaxation holds f between A δ + b and A' δ + b', entry by entry, for |δ| ≤ r. So
f(x + δ) − x is (A + A')/2 δ and a vector whose entries are at most half of what lies between the
two: its length is at most |(A + A')/2| r + |e|, eₖ the largest of the k-th over the ball.
"""

import importlib
import json
import math
import sys
import time
from collections import defaultdict

import numpy as np
import torch


def bridged():
    """Import auto_LiRPA 0.3, which is of PyTorch below 1.13, into a later one."""
    from torch.onnx._internal import torchscript_exporter as exporter

    names = {n: importlib.import_module(f"{exporter.__name__}.{n}")
             for n in ("utils", "symbolic_helper", "_globals")}  # fmt: skip
    helper = importlib.import_module("torch.onnx.symbolic_helper")
    helper._set_opset_version = lambda version: setattr(
        names["_globals"].GLOBALS, "export_onnx_opset_version", version
    )
    importlib.import_module("torch.onnx.utils")._optimize_graph = names["utils"]._optimize_graph
    torch._C.Node.__getitem__ = lambda node, key: names["symbolic_helper"]._node_get(node, key)
    import auto_LiRPA

    members = auto_LiRPA.BoundedModule._named_members
    auto_LiRPA.BoundedModule._named_members = (
        lambda self, of, prefix="", recurse=True, remove_duplicate=True: members(
            self, of, prefix, recurse
        )
    )
    return auto_LiRPA


class Network(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.first, self.last = (
            torch.nn.Linear(w.shape[1], w.shape[0], bias=False) for w in weights
        )
        for layer, w in zip((self.first, self.last), weights, strict=True):
            layer.weight.data = torch.tensor(w / math.sqrt(w.shape[1]))

    def forward(self, x):
        return self.last(torch.sigmoid(self.first(x)))


def grow(request):
    data = np.load(request["data"])
    points = torch.tensor(data["x"])
    model = lirpa.BoundedModule(Network([data["w0"], data["w1"]]), points[:1], device="cpu")
    entry, end = model.input_name[0], model.output_name[0]
    wanted = defaultdict(set)
    wanted[end].add(entry)

    def length(x, radius):
        ball = lirpa.BoundedTensor(x, lirpa.PerturbationLpNorm(norm=2, eps=radius))
        found = model.compute_bounds(x=(ball,), method="CROWN", return_A=True, needed_A_dict=wanted)
        a = {name: v[0].detach() for name, v in found[-1][end][entry].items() if v is not None}
        middle, half = (a["lA"] + a["uA"]) / 2, (a["uA"] - a["lA"]) / 2
        centre = (a["lbias"] + a["ubias"]) / 2 + middle @ x[0] - x[0]
        width = (a["ubias"] - a["lbias"]) / 2 + half @ x[0] + half.norm(dim=1) * radius
        steepest = float(torch.linalg.eigvalsh(middle @ middle.T)[-1]) ** 0.5
        return steepest * radius + float((centre.abs() + width).norm())

    radii, begun = [], time.process_time()
    for x in points[:, None]:
        radius = request["first"]
        while length(x, radius * request["ratio"]) <= radius:
            radius *= request["ratio"]
        radii.append(radius if radius > request["first"] else 0.0)
    return {"radii": radii, "seconds": (time.process_time() - begun) / len(points)}


lirpa = bridged()
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"grow": grow}[asked["op"]](asked)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
