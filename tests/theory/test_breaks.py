"""Each statement's check, broken on purpose: a part is spoiled, and the check says so.

A check that cannot fail is a defect; these are the faults that each must notice, with its
assumptions met.
"""

import numpy as np
import pytest

from attractory.datasets import sphere
from attractory.theory import (
    closed_form,
    corollary_7,
    corollary_8,
    dominance,
    drop_below_one,
    gradient,
    gradient_norms,
    initial,
    large_norm,
    large_norm_limit,
    lemma_2,
    lemma_3,
    lemma_4,
    lemma_5,
    lemma_6,
    lemma_9,
    linear_region,
    maps,
    projection,
    proposition_2,
    remark_2,
    single_example,
    spike,
    stored_example,
    theorem_1,
)
from attractory.theory import drop as drop_module

X = sphere(4, 8)


class _Tilted:
    """A map whose Jacobian is off by a share of the identity."""

    def __init__(self, f, share):
        self._f, self._share = f, share

    def __call__(self, x):
        return self._f(x)

    def jacobian(self, x):
        return np.asarray(self._f.jacobian(x)) + self._share * np.eye(x.shape[-1])


def _tilt(fit, share=0.01):
    return lambda *args, **kwargs: _Tilted(fit(*args, **kwargs), share)


def _scaled(function, factor):
    return lambda *args, **kwargs: factor * function(*args, **kwargs)


class _Scaled:
    def __init__(self, gradient, factor):
        self._gradient, self._factor = gradient, factor

    def dense(self):
        return self._factor * self._gradient.dense()


BREAKS = [
    (
        proposition_2, {"width": 500, "draws": 50}, initial, "input_moments",
        lambda f: lambda *a: f(*a)._replace(derivative_square=2 * f(*a).derivative_square),
    ),
    (
        theorem_1, {"dim": 16, "width": 500, "draws": 20}, initial, "tau",
        lambda f: lambda **k: (f(**k)[0] / 2, 0.0),
    ),
    (lemma_5, {"norm": 0.0}, stored_example, "ntk", lambda f: _scaled(f, 0.99)),
    (single_example, {}, maps, "fit_regression", _tilt),
    (
        single_example, {"norm": 100.0}, stored_example, "ntk_gradient",
        lambda f: lambda *a, **k: _Scaled(f(*a, **k), 0.1),
    ),
    (lemma_2, {"patterns": sphere(6, 6)}, maps, "fit_sampled_regression", _tilt),
    (lemma_3, {"patterns": X}, maps, "fit_sampled_regression", _tilt),
    (lemma_3, {"patterns": X, "f0": "zero"}, maps, "fit_regression", _tilt),
    (lemma_4, {"patterns": X, "beta": 4.0}, maps, "fit_sampled_regression", _tilt),
    (lemma_4, {"patterns": X, "f0": "zero"}, linear_region, "shrinkage", lambda f: _scaled(f, 1.1)),
    (lemma_6, {"patterns": X, "c": 1.0}, projection, "shrinkage", lambda f: _scaled(f, 1.1)),
    (
        corollary_7, {"patterns": X, "c": 1.0}, projection, "_matrix",
        lambda f: lambda x, c: f(x, 1.1 * c),
    ),
    (corollary_8, {"patterns": X, "c": 1.0}, projection, "_matrix", lambda f: _scaled(f, 0.99)),
    (remark_2, {"patterns": X, "cg": -3.0}, projection, "_matrix", lambda f: _scaled(f, 1.01)),
    (lemma_9, {"patterns": X[:1]}, projection, "shrinkage", lambda f: _scaled(f, 0.99)),
    (closed_form, {}, gradient, "ntk", lambda f: _scaled(f, 1 + 1e-9)),
    (
        gradient_norms, {}, gradient, "ntk_gradient",
        lambda f: lambda *a, **k: _Scaled(f(*a, **k), 1 + 1e-9),
    ),
    (
        gradient_norms, {}, gradient, "gradient_parts",
        lambda f: lambda r, rho, d: (f(r, rho, d)[0], 1.01 * f(r, rho, d)[1]),
    ),
    (
        spike, {}, gradient, "gradient_parts",
        lambda f: lambda r, rho, d: tuple(1.05 * part for part in f(r, rho, d)),
    ),
    (dominance, {"patterns": X}, gradient, "ntk", lambda f: lambda x, **k: f(x, **k) ** 1.1),
    (
        large_norm_limit, {"patterns": X, "activation": "erf"}, maps, "fit_regression",
        lambda f: _tilt(f, 0.002),
    ),
    (
        large_norm_limit, {"patterns": X, "activation": "erf"}, large_norm, "approach_rate",
        lambda f: _scaled(f, 1.1),
    ),
    (
        drop_below_one, {"patterns": X, "activation": "erf", "width": 300, "points": 5},
        drop_module, "critical_norm", lambda f: lambda x, **k: f(x, **{**k, "f0": "zero"}),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "setting", "module", "name", "spoil"),
    BREAKS,
    ids=[f"{b[0].__name__}-{b[3]}" for b in BREAKS],
)
def test_a_spoiled_part_is_noticed(monkeypatch, statement, setting, module, name, spoil):
    assert statement(**setting).verdict == "holds"
    monkeypatch.setattr(module, name, spoil(getattr(module, name)))
    assert statement(**setting).verdict == "FAILS"
