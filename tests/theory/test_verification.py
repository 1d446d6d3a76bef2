"""Every statement in all its settings: inside, at the edge of and outside its assumptions."""

import numpy as np
import pytest

from attractory.theory import Check, Finding, Prediction, statement_names, verify


@pytest.mark.parametrize("name", statement_names())
def test_statement_holds_where_it_must_and_breaks_outside(name):
    found = verify([name])
    for check in found:
        assert check.passed, (check.place, check.finding)
    assert len(found) >= 3
    assert {check.place for check in found} == {"inside", "edge", "outside"}


def test_a_check_outside_that_holds_all_the_same_does_not_pass():
    holds = Finding("S", {}, (Prediction("x", 1.0, 1.0, unmet=("rank",)),))
    breaks = Finding("S", {}, (Prediction("x", 1.0, 2.0, unmet=("rank",)),))
    silent = Finding("S", {}, (Prediction("x", 1.0, 2.0),))
    assert not Check("s", "outside", holds).passed
    assert Check("s", "outside", breaks).passed
    assert not Check("s", "outside", silent).passed
    assert not Check("s", "inside", breaks).passed
    assert not Check("s", "edge", silent).passed


def test_progress_and_unknown_names():
    seen = []
    verify(["lemma-9"], progress=lambda *step: seen.append(step))
    assert seen == [(k, 3, "lemma-9") for k in range(3)]
    with pytest.raises(ValueError, match=r"one of proposition-2.*got 'lemma-7'"):
        verify(["lemma-7"])


def test_findings_are_finite_and_reproducible():
    first, second = (verify(["corollary-8", "lemma-5"]) for _ in range(2))
    assert first == second
    assert all(np.isfinite(c.measured) for check in first for c in check.finding.predictions)
