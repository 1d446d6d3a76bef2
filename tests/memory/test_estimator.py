"""The estimator: scikit-learn's own checks, changes against fresh fits, and what it claims."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from attractory import AttractorMemory, SequenceMemory, diagnose, load_memory, save_memory
from attractory.analysis import ShockStatus
from attractory.datasets import bundled_digits, sphere
from attractory.solvers.cholesky import Factor


class Lenient(AttractorMemory):
    """The checks' rows, dozens in the plane, are more than a network of width 200 stores."""

    def fit(self, X, y=None, *, allow_unstored=True):
        return super().fit(X, y, allow_unstored=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks_pass_whole(monkeypatch):
    monkeypatch.setitem(os.environ, "SCIPY_ARRAY_API", "1")  # or that check is skipped
    results = check_estimator(AttractorMemory(activation="erf"), on_skip=None)
    assert {r["status"] for r in results} == {"passed"}
    assert len(results) > 40


# What a network could do otherwise; arguments are looked at before it is known to be one.
OF_NETWORKS = {
    "check_fit_idempotent", "check_methods_subset_invariance", "check_estimators_pickle",
    "check_estimators_overwrite_params", "check_transformer_general",
    "check_transformer_preserve_dtypes",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks_of_what_is_fitted_pass_for_a_network():
    passed = set()
    for network, check in estimator_checks_generator(Lenient(200, activation="erf")):
        # Once, and not again with rows of which the memory is read-only.
        if check.func.__name__ in OF_NETWORKS - passed:
            check(network)
            passed.add(check.func.__name__)
    assert passed == OF_NETWORKS


def test_pipeline_and_grid_search():
    digits, labels = bundled_digits(12)
    pipeline = make_pipeline(
        FunctionTransformer(lambda x: x / 2), AttractorMemory(activation="erf")
    )
    assert pipeline.fit(digits, labels).predict(digits).tolist() == list(range(12))
    noisy = digits + 0.1 * np.random.default_rng(0).normal(size=digits.shape)
    search = GridSearchCV(
        AttractorMemory(activation="erf", iteration="plain"), {"norm": [1e-2, 50.0]},
        cv=[(np.arange(12), np.arange(12))], scoring=lambda m, X, y=None: m.score(noisy, digits),
    ).fit(digits)  # fmt: skip
    assert search.best_params_["norm"] == 50.0
    assert search.best_score_ == 1.0


@pytest.mark.parametrize("width", [None, 800])
def test_rows_come_back_in_their_own_units(width):
    digits, _ = bundled_digits(8)
    rows = 200 + 50 * digits
    memory = AttractorMemory(width, activation="erf").fit(rows)
    # A network is trained to 1e-3 of the norm, in the metric; in the rows' units it is more.
    accuracy = 1e-9 if width is None else 0.02
    np.testing.assert_allclose(memory.patterns_, rows, atol=1e-9)
    away = np.linalg.norm(memory.transform(rows) - rows, axis=1)
    assert (away <= accuracy * np.linalg.norm(rows - rows.mean(axis=0), axis=1)).all()
    cues = rows + 5 * np.random.default_rng(1).normal(size=rows.shape)
    result = memory.recall(cues)
    assert result.pattern.tolist() == list(range(8))
    assert memory.score(cues, rows) == 1.0
    # Contrast does not matter: a paler cue is the same cue.
    pale = 0.3 * cues + 100
    assert memory.predict(pale).tolist() == memory.predict(cues).tolist()


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_random_storing_and_forgetting_equals_a_fresh_fit(seed):
    rng = np.random.default_rng(seed)
    pool = sphere(30, 12, seed=seed % 1000)
    # Mean and metric are those of the first fit, so a fresh one has neither.
    plain = {"activation": "erf", "norm": 25.0, "center": False, "metric": None}
    memory = AttractorMemory(**plain).fit(pool[:6])
    held = list(range(6))
    for _ in range(6):
        if rng.random() < 0.5 and len(held) > 3:
            gone = rng.choice(len(held), size=int(rng.integers(1, 3)), replace=False)
            memory.forget(gone)
            held = [k for i, k in enumerate(held) if i not in gone]
        else:
            new = [k for k in rng.choice(30, size=3, replace=False).tolist() if k not in held]
            memory.partial_fit(pool[[*new, held[0]]])  # one of them is known already
            held += new
    fresh = AttractorMemory(**plain).fit(pool[held])
    np.testing.assert_allclose(memory.patterns_, pool[held], atol=1e-12)
    probes = 25.0 * sphere(9, 12, seed=7)
    a, b = np.asarray(memory.map_(probes)), np.asarray(fresh.map_(probes))
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-8 * np.abs(b).max())
    assert memory.residual_ < 1e-9


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 12), m=st.integers(1, 4))
def test_factor_follows_appending_and_removing(seed, n, m):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n + m, n + m + 2))
    matrix = root @ root.T
    grown = Factor(matrix[:n, :n].copy()).append(matrix[:n, n:], matrix[n:, n:])
    np.testing.assert_allclose(grown.lower @ grown.lower.T, matrix, rtol=1e-9, atol=1e-9)
    index = int(rng.integers(n + m))
    less = np.delete(np.delete(matrix, index, 0), index, 1)
    shrunk = grown.remove(index)
    np.testing.assert_allclose(shrunk.lower @ shrunk.lower.T, less, rtol=1e-9, atol=1e-9)
    right = rng.standard_normal((n + m - 1, 2))
    np.testing.assert_allclose(less @ shrunk.solve(right), right, rtol=1e-6, atol=1e-6)


def test_a_cycle_of_digits_replays_from_noise(tmp_path):
    digits, _ = bundled_digits(6)
    memory = SequenceMemory(activation="erf").fit(digits)
    noise = np.random.default_rng(0).normal(size=784)
    noise *= 0.3 * np.linalg.norm(digits[0] - digits.mean(axis=0)) / np.linalg.norm(noise)
    path = memory.replay(digits[0] + noise, 60)
    np.testing.assert_allclose(path[-6:], digits[np.arange(55, 61) % 6], atol=1e-6)
    found = diagnose(memory)
    assert found.attractor.all()
    # One cycle, one product of Jacobians: every row on it has the same Floquet radius.
    assert np.ptp(found.spectral_radius) < 1e-6
    np.testing.assert_allclose(memory.transform(digits), np.roll(digits, -1, axis=0), atol=1e-6)
    np.testing.assert_allclose(memory.successors_, np.roll(digits, -1, axis=0), atol=1e-9)
    save_memory(memory, tmp_path / "cycle")
    again = load_memory(tmp_path / "cycle")
    assert type(again) is SequenceMemory
    np.testing.assert_allclose(again.replay(digits[0] + noise, 3), path[:4], atol=1e-12)
    # Rows that lead into the cycle are on none.
    inward = digits[:3] + 0.5
    memory.partial_fit(inward, digits[:3])
    found = diagnose(memory)
    assert np.isnan(found.spectral_radius[6:]).all()
    assert found.attractor[:6].all()


def test_unknown_cues_are_rejected_at_the_stated_rate():
    """Stored: 100 digits; unknown: 50 others. At reject 0.9 at most about one in ten may pass."""
    digits, _ = bundled_digits(150)
    memory = AttractorMemory(activation="erf").fit(digits[:100])
    scale = np.linalg.norm(digits[:100] - digits[:100].mean(axis=0), axis=1, keepdims=True)
    noise = np.random.default_rng(0).normal(size=(100, 784)) / 28 * scale * 0.5
    cues = np.vstack([digits[:100] + noise, digits[100:]])
    found = memory.recall(cues)
    known, ended = found.known[:100], found.pattern[:100] >= 0
    assert found.known[100:].mean() < 0.2
    assert known[ended].mean() > 0.95
    assert (memory.predict(cues[100:]) == -1).mean() > 0.8


def test_diagnosis_names_what_to_change():
    digits, _ = bundled_digits(4)
    well = diagnose(AttractorMemory(activation="erf").fit(digits))
    assert well.attractor.all()
    assert well.advice == ()
    assert (well.certified > 0).all()
    assert (well.floor < 1e-6).all()
    assert (well.shock_status == ShockStatus.FOUND).all()
    assert (well.certified < well.critical_shock).all()
    twin = digits[0] + 1e-3 * np.random.default_rng(0).normal(size=784)
    crowded = AttractorMemory(activation="erf", norm=3.0).fit(np.vstack([digits[:3], twin]))
    found = diagnose(crowded, shock=False, certify=False)
    assert found.nearest[0] == 3
    assert found.correlation[0] > 0.99


def test_bad_input_is_named_and_changes_nothing():
    x = sphere(5, 8)
    memory = AttractorMemory(activation="erf", norm=20.0).fit(x)
    before = np.asarray(memory.map_.coefficients).copy()
    with pytest.raises(ValueError, match="differ in contrast alone, got row 0 and stored row 0"):
        memory.partial_fit(x.mean(axis=0) + 2 * (x[:1] - x.mean(axis=0)))
    with pytest.raises(ValueError, match="indices must be integers from 0 to 4, got"):
        memory.forget([5])
    with pytest.raises(ValueError, match="indices must leave a row, got all 5"):
        memory.forget(range(5))
    with pytest.raises(ValueError, match="NaN"):
        memory.partial_fit([[np.nan] * 8])
    with pytest.raises(ValueError, match="row at the mean"):
        memory.fit(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]))  # of another width, too
    np.testing.assert_array_equal(memory.map_.coefficients, before)
    assert memory.predict(x).tolist() == [0, 1, 2, 3, 4]
    for wrong, message in (
        ({"width": 0}, "width must be"),
        ({"norm": "best"}, "norm must be 'auto' or a number above 0, got 'best'"),
        ({"norm": -1.0}, "norm must be a finite number above 0"),
        ({"activation": "rectifier"}, "activation must be one of"),
        ({"reject": 1.5}, "reject must lie between 0 and 1"),
        ({"solver": "lu"}, "solver must be one of 'auto', 'cholesky', 'cg'"),
        ({"compute": "gpu"}, "compute must be None for this process"),
    ):
        with pytest.raises(ValueError, match=message):
            AttractorMemory(**wrong).fit(x)
    with pytest.raises(ValueError, match="row at the mean"):
        AttractorMemory().fit(np.vstack([x, x.mean(axis=0)]))
    with pytest.raises(ValueError, match="y must have the shape of X"):
        SequenceMemory().fit(x, x[:3])


def test_equal_rows_are_stored_once_and_constant_columns_are_fine():
    x = np.hstack([sphere(5, 6), np.ones((5, 2))])
    memory = AttractorMemory(activation="erf", norm=20.0).fit(np.vstack([x, x[1:3]]))
    assert len(memory) == 5
    np.testing.assert_allclose(memory.transform(x), x, atol=1e-8)


def test_score_is_recall_of_damaged_stored_rows():
    """Rows that are not stored count for nothing, and a memory that recalls nothing scores 0."""
    rows = sphere(40, 30, norm=1.0)
    memory = AttractorMemory(activation="erf", metric="rule").fit(rows[:20])
    score = memory.score(rows[:20])
    assert 0.4 < score < 1.0
    assert memory.score(rows[20:], np.arange(20)) == score
    # At a norm this small the map is linear, and nothing is an attractor.
    nothing = AttractorMemory(activation="erf", norm=1e-2, metric="rule", iteration="plain")
    assert cross_val_score(nothing, rows, cv=2).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="features"):
        memory.score(rows[:, :5])


@pytest.fixture(scope="module")
def of_digits():
    digits, _ = bundled_digits(40)
    return digits, AttractorMemory(activation="erf", metric=0.01).fit(digits)


def test_unknown_coordinates_are_filled_in_and_known_ones_kept(of_digits):
    digits, memory = of_digits
    told = np.random.default_rng(0).random((40, 784)) < 1 / 8
    result = memory.recall(np.where(told, digits, 0.5), told)
    assert (result.pattern == np.arange(40)).all()
    digits, told = digits[:8], told[:8]
    missing = memory.recall(np.where(told, digits, np.nan))
    np.testing.assert_allclose(missing.state, result.state[:8], rtol=0, atol=1e-12)
    # What is known is kept, exactly, where that is asked, and only there.
    noisy = digits + 0.01
    clamped = memory.recall(np.where(told, noisy, np.nan), clamp=True).state
    assert (clamped[told] == noisy[told]).all()
    np.testing.assert_allclose(clamped[~told], digits[~told], rtol=0, atol=1e-3)
    # One mask is for all cues; one that is True everywhere is none.
    row = memory.recall(digits, told[0])
    assert (row.state == memory.recall(digits, np.tile(told[0], (8, 1))).state).all()
    assert (memory.recall(noisy, np.ones(784)).state == memory.recall(noisy).state).all()


def test_masks_that_say_nothing_are_refused(of_digits):
    digits, memory = of_digits
    cue, told = digits[:2].copy(), np.ones((2, 784), bool)
    with pytest.raises(ValueError, match=r"known must have shape \(2, 784\) or \(784,\)"):
        memory.recall(cue, told[:, :5])
    with pytest.raises(ValueError, match="cue 0 known nowhere"):
        memory.recall(cue, ~told)
    with pytest.raises(ValueError, match="known must be True"):
        memory.recall(cue, 0.5 * told)
    cue[1, 3] = np.nan
    with pytest.raises(ValueError, match=r"NaN where known is True, got NaN at \(1, 3\)"):
        memory.recall(cue, told)
    with pytest.raises(ValueError, match="only NaN in row 0"):
        memory.recall(np.full((2, 784), np.nan))
    with pytest.raises(TypeError, match="clamp"):
        memory.recall(digits[:2], clamp="yes")
    for method in (memory.predict, memory.transform, AttractorMemory().fit):
        with pytest.raises(ValueError, match="NaN; cues of `AttractorMemory"):
            method(cue)
    with pytest.raises(ValueError, match="infinity"):  # scikit-learn's own words
        memory.predict(np.where(np.isnan(cue), np.inf, cue))


def test_recall_says_which_damage_it_saw(of_digits):
    digits, memory = of_digits
    assert memory.recall(digits[:3]).damage.tolist() == ["none"] * 3
    half = np.where(np.arange(784) < 392, 1.0, digits[:10])
    result = memory.recall(half)
    assert result.pattern.tolist() == list(range(10))
    assert set(result.damage) == {"replaced"}
    missing = np.where(np.arange(784) < 392, np.nan, digits[:3])
    assert memory.recall(missing).damage.tolist() == ["none"] * 3
    assert "none" not in memory.recall(missing + 0.1).damage
    assert result[2:4].damage.tolist() == ["replaced"] * 2
    plain = AttractorMemory(activation="erf", norm=30.0, iteration="plain").fit(digits[:5])
    assert plain.recall(half[:2]).damage.tolist() == ["", ""]


@pytest.mark.parametrize("dim", [2, 20])
def test_the_nearer_a_cue_is_to_its_row_the_surer_it_is(dim):
    rng = np.random.default_rng(dim)
    rows, noise = rng.normal(size=(2, 25, dim))
    memory = AttractorMemory(activation="erf", metric=None).fit(rows)
    sure = [memory.recall(rows + size * noise / 500).confidence for size in (4, 1, 0)]
    # Other rows are some twenty times as far at least; a new one may be as near, in a plane.
    assert sure[0].min() > 0.6
    assert np.median(sure[0]) > 0.8
    assert (sure[1] >= sure[0] - 1e-9).all()
    assert (sure[2] >= sure[1] - 1e-9).all()
    assert set(memory.recall(rows).damage) == {"none"}


@pytest.mark.parametrize("dim", [4, 50, 400])
def test_a_memory_of_one_row_knows_it_and_not_what_is_far(dim):
    rng = np.random.default_rng(dim)
    row = rng.normal(size=(1, dim)) + 1
    memory = AttractorMemory(activation="erf", center=False).fit(row)
    assert memory.recall(np.vstack([row, row + 1e-2])).known.all()
    assert dim < 400 or memory.recall(row + 0.1 * rng.normal(size=(3, dim))).known.all()
    assert not memory.recall(100 * rng.normal(size=(3, dim))).known.any()
    assert memory.recall(np.where(np.arange(dim) < dim // 2, 0, row)).pattern.tolist() == [0]


def test_progress_says_which_of_how_many():
    rows, parts, cues = bundled_digits(25)[0], [], []
    memory = AttractorMemory(activation="erf")
    memory.fit(rows, progress=lambda *what: parts.append(what))
    assert [done for done, _, _ in parts] == [0, *range(1, 9)]
    assert parts[1][1:] == (8, "trial of a metric 1 of 6")
    assert parts[-2:] == [(7, 8, "equations"), (8, 8, "done")]
    memory.recall(np.tile(rows, (6, 1)), progress=lambda *what: cues.append(what))
    assert cues == [(0, 150), (128, 150), (150, 150)]


def test_no_row_of_a_relu_memory_is_an_attractor():
    """f(cx) = c f(x), so that J(x) x = x: every spectral radius is 1, however it is rounded."""
    rows = np.random.default_rng(0).standard_normal((4, 9))
    found = diagnose(AttractorMemory(activation="relu").fit(rows), shock=False, certify=False)
    np.testing.assert_allclose(found.spectral_radius, 1, rtol=1e-9)
    assert not found.attractor.any()
