"""Predictions and findings: no verdict without a measurement that supports it."""

import json

import numpy as np
import pytest

from attractory.theory import Finding, Prediction


@pytest.mark.parametrize(
    ("relation", "agreeing", "contradicting"),
    [
        ("=", (0.95, 1.0, 1.05), (0.85, 1.2)),
        ("≤", (-9.0, 1.0, 1.05), (1.2,)),
        ("≥", (0.95, 1.0, 9.0), (0.8,)),
        ("<", (-9.0, 0.999), (1.0, 1.05)),
        (">", (1.001, 9.0), (1.0, 0.95)),
    ],
)
def test_relations(relation, agreeing, contradicting):
    for value in agreeing:
        assert Prediction("x", 1.0, value, relation, 0.1).agrees
    for value in contradicting:
        assert not Prediction("x", 1.0, value, relation, 0.1).agrees


@pytest.mark.parametrize("relation", ["=", "≤", "≥", "<", ">"])
def test_nothing_is_claimed_of_nan(relation):
    assert not Prediction("x", 1.0, np.nan, relation, 1e9).agrees
    assert not Prediction("x", (0.0, 1.0), np.nan, "in").agrees


def test_intervals_include_their_ends_and_tolerance():
    for value in (0.0, 0.5, 1.0, 1.05):
        assert Prediction("x", (0.0, 1.0), value, "in", 0.1).agrees
    assert not Prediction("x", (0.0, 1.0), 1.2, "in", 0.1).agrees


def test_verdict_of_a_finding():
    good, bad = Prediction("a", 1.0, 1.0), Prediction("b", 1.0, 2.0)
    unmet = Prediction("c", 1.0, 1.0, unmet=("full rank",))
    assert Finding("S", {}, (good,)).verdict == "holds"
    assert Finding("S", {}, (good, bad, unmet)).verdict == "FAILS"
    found = Finding("S", {}, (good, unmet))
    assert found.verdict == "assumptions not met: full rank"
    assert found.agrees
    assert not Finding("S", {}, (bad,)).agrees


def test_as_dict_is_plain():
    unmet = Prediction("c", (0.0, 1.0), 1.0, "in", unmet=("full rank",))
    report = json.loads(json.dumps(Finding("S", {"n": 3}, (unmet,), note="so").as_dict()))
    assert report["verdict"] == "assumptions not met: full rank"
    assert report["predictions"][0]["agrees"] is True
    assert report["note"] == "so"
