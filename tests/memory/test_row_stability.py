"""Which rows are attractors, against the eigenvalues themselves."""

import numpy as np

from attractory import AttractorMemory, certify_recall, spectral_radius
from attractory.datasets import bundled_digits
from attractory.memory import RecallCertificateStatus
from attractory.memory.row_stability import RowStability


def test_a_row_is_an_attractor_if_its_radius_is_below_one(monkeypatch):
    """Without a call of the exact radius where it is clear, on either side of the limit."""
    digits = bundled_digits(24)[0]
    memory = AttractorMemory(activation="erf", metric="rule").fit(digits)
    stability, rows = RowStability(memory.state_.store), np.arange(24)
    exact = spectral_radius(memory.map_, memory.points_)
    for limit, clear in ((1.01 * exact.max(), True), (0.99 * exact.min(), False)):
        monkeypatch.setattr("attractory.memory.row_stability._CLEAR", limit)
        monkeypatch.setattr(
            "attractory.memory.row_stability.spectral_radius", lambda f, x: np.ones(len(x))
        )
        assert (stability.attractors(rows) == clear).all()
    # Now every row has radius 1: none has a certificate, though recall is proven to end at them.
    found = certify_recall(memory, [3, 4])
    assert (found.angle == 0).all()
    assert (found.status == RecallCertificateStatus.NOT_ATTRACTOR).all()
    assert (certify_recall(memory, cues=digits[3:4]).angle == 0).all()
    monkeypatch.undo()
    assert stability.attractors(rows).all()
    assert stability.attractors(rows[:0]).shape == (0,)
