"""Statuses are integers with a sentence each, and survive arrays, pickles and look-ups."""

import pickle

import numpy as np
import pytest

from attractory.analysis import (
    CertificateStatus,
    CriticalNormStatus,
    Outcome,
    RecallStatus,
    ShockStatus,
)
from attractory.maps import TrainingStatus


@pytest.mark.parametrize(
    "kind",
    [CertificateStatus, CriticalNormStatus, Outcome, RecallStatus, ShockStatus, TrainingStatus],
)
def test_statuses_are_integers_with_messages(kind):
    assert [int(status) for status in kind] == list(range(len(kind)))
    assert len({status.message for status in kind}) == len(kind)
    for status in kind:
        assert kind(np.full(1, status)[0]) is status
        assert pickle.loads(pickle.dumps(status)) is status
