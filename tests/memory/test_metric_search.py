"""What `fit` chooses: its evidence counted another way, and what it must leave alone."""

import numpy as np
import pytest

from attractory import AttractorMemory, SequenceMemory, diagnose, load_memory, save_memory
from attractory.activations import activation
from attractory.datasets import sklearn_digits, sphere
from attractory.kernels.single_input import inverse_width
from attractory.memory import metric_search as module
from attractory.memory.coordinates import nearest
from attractory.memory.guided_recall import follow
from attractory.memory.metric import fit_metric
from attractory.memory.metric_search import _twin, as_good, choose, held_out_cues
from attractory.memory.settings import MemorySettings

ROWS = sklearn_digits(40)[0]


@pytest.fixture(scope="module")
def memory():
    return AttractorMemory(activation="erf").fit(ROWS)


def share(memory):
    return memory.state_.coordinates.metric.share


def test_the_choice_is_as_good_as_the_best_of_its_own_evidence_and_what_the_memory_has(memory):
    chosen = memory.choice_
    recalled = [trial.recalled for trial in chosen.trials]
    best = chosen.trials[int(np.argmax(recalled))]
    assert min(best.metric, 0.03) <= chosen.metric <= best.metric
    # One of two trials alone recalls a cue only if the other one loses it.
    lost = 2 * chosen.cues - chosen.recalled - best.recalled
    assert (best.recalled - chosen.recalled) ** 2 <= 4 * lost
    assert chosen.trials[0].metric == 0.01  # the rule
    assert share(memory) == pytest.approx(chosen.metric, rel=1e-12)
    plain = AttractorMemory(activation="erf", metric=chosen.metric).fit(ROWS)
    assert memory.norm_ == pytest.approx(plain.norm_, rel=1e-12)
    assert len({trial.metric for trial in chosen.trials}) == len(recalled)


def test_of_trials_that_chance_may_have_parted_the_least_from_some_place_on_is_taken():
    """The variance of a difference is the number of cues that one of the two alone recalls."""
    best = np.arange(100) < 90

    def but(lost, found):
        """The same cues, but for so many that are lost, and others that are found."""
        out = best.copy()
        out[:lost], out[90 : 90 + found] = False, True
        return out

    def taken(**others):
        shares = [float(name[1:]) / 1000 for name in others]
        return as_good(shares, np.array(list(others.values())))

    # A difference of 8 is two standard errors if 16 cues differ, and more if 14 do.
    assert taken(_30=but(12, 4), _100=but(6, 5), _300=best) == 0.03
    assert taken(_30=but(11, 3), _100=but(6, 5), _300=best) == 0.1
    # So are five of five, however few that is of all, and four of four are not.
    assert taken(_30=but(5, 0), _100=but(6, 0), _300=best) == 0.3
    assert taken(_30=but(5, 0), _100=but(4, 0), _300=best) == 0.1
    # Below 0.03 only what is best itself.
    assert taken(_30=best, _10=but(1, 1), _3=but(1, 1)) == 0.03
    assert taken(_30=but(2, 1), _10=but(1, 0), _3=best) == 0.003


def test_the_evidence_is_what_such_memories_do(memory):
    """A memory with the settings of a trial, fitted by itself, recalls the cues in float64.

    From the cues less their noise: mended cues come back under every metric.
    """
    home, cues = held_out_cues(ROWS, memory.choice_.cues)
    for trial in memory.choice_.trials[:3]:
        own = AttractorMemory(activation="erf", metric=trial.metric).fit(ROWS)
        state, start = own.state_, own.state_.start(cues)
        assert trial.nearest == (nearest(start, own.points_) == home).sum()
        # The trial ends after so many steps in float32; a cue in a hundred may still be under way.
        plain = state.coordinates.encode(cues)[0]
        *given, across = state.span.inward(plain, start)
        ended = state.span.outward(follow(state.plan(state.settings), *given).state, across)
        away = np.linalg.norm(ended - own.points_[home], axis=1)
        found = (away <= 0.01 * own.norm_).sum()
        assert abs(trial.recalled - found) <= len(cues) // 100


def test_the_same_rows_give_the_same_choice_in_any_unit(memory):
    assert AttractorMemory(activation="erf").fit(ROWS).choice_ == memory.choice_
    # A power of two changes no rounding: every count must be the same.
    assert AttractorMemory(activation="erf").fit(4 * ROWS).choice_ == memory.choice_


@pytest.mark.parametrize("fixed", [{"metric": 0.05}, {"metric": None}, {"norm": 40.0}])
def test_what_the_user_fixed_stays(fixed):
    memory = AttractorMemory(activation="erf", **fixed).fit(ROWS)
    chosen = memory.choice_
    if "metric" in fixed:
        assert chosen is None  # nothing is left to choose
        assert memory.state_.coordinates.metric.plain == (fixed["metric"] is None)
        assert share(memory) == pytest.approx(fixed["metric"] or 0.0)
    if "norm" in fixed:
        assert memory.norm_ == 40.0


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({"metric": 0.01, "norm": 40.0}, ROWS),
        ({"iteration": "plain"}, ROWS),
        ({}, ROWS[:19]),  # too few rows
        ({}, sphere(40, 8)),  # of too few numbers
        ({"width": 100}, sphere(40, 60)[:20]),
    ],
)
def test_where_nothing_is_to_be_chosen_the_rule_stands(settings, rows):
    with_search = AttractorMemory(activation="erf", **settings).fit(rows)
    assert with_search.choice_ is None
    assert diagnose(with_search, rows=[0], shock=False, certify=False).choice is None
    without = AttractorMemory(activation="erf", **({"metric": "rule"} | settings)).fit(rows)
    assert with_search.norm_ == without.norm_


def test_a_sequence_has_its_metric_by_the_rule():
    memory = SequenceMemory(activation="erf").fit(ROWS)
    assert memory.state_.choice is None
    assert share(memory) == pytest.approx(0.01)


def test_of_more_rows_than_a_trial_holds_the_rule_stands(monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 40)
    monkeypatch.setattr(module, "_SMALL", 0)
    monkeypatch.setattr(module, "_CUES", 12)
    rows = sklearn_digits(60)[0]
    memory = AttractorMemory(activation="erf").fit(rows)
    assert memory.choice_ is None
    assert memory.norm_ == AttractorMemory(activation="erf", metric="rule").fit(rows).norm_
    few = AttractorMemory(activation="erf").fit(rows[:24]).choice_
    assert (few.cues, few.rows) == (24, 24)


def test_of_rows_of_many_numbers_trials_see_evenly_spread_ones(monkeypatch):
    """Rows whose numbers each occur twice, side by side, are chosen for as those with each once."""
    monkeypatch.setattr(module, "_WORK", 24 * 64)
    monkeypatch.setattr(module, "_SMALL", 0)
    monkeypatch.setattr(module, "_CUES", 12)
    seen, shown = [], []
    rows = sklearn_digits(24)[0]
    for values in (rows, np.repeat(rows, 2, axis=1)):
        mean = values.mean(axis=0)
        metric = fit_metric(values - mean, "search")
        settings = MemorySettings(activation("erf"))
        seen.append(choose(values, mean, metric, settings, lambda *done: shown.append(done)))
    first, second = seen
    assert first == second
    assert shown[:7] == [(k, 6) for k in range(7)]


def test_cues_are_of_the_kinds_they_are_said_to_be():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(30, 200))
    home, cues = held_out_cues(rows, 300)
    assert np.ptp(np.bincount(home)) == 0  # every row as often
    away = cues - rows[home]
    changed = away != 0
    for k in range(0, 300, 5):
        values = np.unique(cues[k, changed[k]])
        assert len(values) == 1
        assert values[0] in rows
        # A run on a circle begins once, and once more where the value was there before.
        assert (changed[k] & ~np.roll(changed[k], 1)).sum() <= 2
    size = np.linalg.norm(rows[home] - rows.mean(axis=0), axis=1)
    noise = np.linalg.norm(away, axis=1) / size
    assert ((noise[3::5] >= 0.5) & (noise[3::5] <= 3.0)).all()
    assert (np.diff(noise[3::5]) > 0).mean() > 0.6  # ever more severe, but for the draw in a step
    assert ((noise[4::5] >= 0.3 - 1e-9) & (noise[4::5] <= 1.2)).all()
    apart = rows - rows.mean(axis=0)
    basis = np.linalg.qr(apart[:-1].T)[0]  # n centred rows span n − 1 directions
    mixed = away[4::5]
    np.testing.assert_allclose(mixed @ basis @ basis.T, mixed, atol=1e-8)
    inside = (cues[2::5] >= rows.min(axis=0)) & (cues[2::5] <= rows.max(axis=0))
    assert inside.all()
    assert held_out_cues(np.eye(2), 3)[1].shape == (3, 2)


def test_rows_that_differ_where_no_trial_looks_are_stored(monkeypatch):
    monkeypatch.setattr(module, "_WORK", 25 * 100)  # every other number, of 25 rows of 200
    rows = np.random.default_rng(0).normal(size=(25, 200))
    rows[:12] -= rows[12:24]
    rows[12:24] = -rows[:12]  # a mean of 0 but for the last row
    looked_at = module.spread(200, 100)
    unseen = np.setdiff1d(np.arange(200), looked_at)
    rows[24, looked_at] = 0.0
    rows[13] = rows[12]
    rows[1] = -rows[13]
    rows[13, unseen[:3]] += 4.0
    rows[1, unseen[:3]] -= 4.0
    memory = AttractorMemory(activation="erf").fit(rows)
    assert len(memory.patterns_) == 25
    assert memory.choice_ is not None
    assert (memory.recall(rows).pattern == np.arange(25)).all()


def test_the_twin_grows_as_fast():
    for name in ("sigmoid", "tanh", "erf"):
        act = activation(name)
        assert inverse_width(_twin(act)) == pytest.approx(inverse_width(act), rel=1e-12)


def test_files_and_diagnoses_tell_the_choice(memory, tmp_path):
    save_memory(memory, tmp_path / "m")
    loaded = load_memory(tmp_path / "m")
    assert loaded.choice_ == memory.choice_
    found = diagnose(loaded, rows=[0], shock=False, certify=False)
    assert found.choice == memory.choice_
    assert f"{len(memory.choice_.trials)} candidates" in repr(found)


def test_a_bad_search_is_named():
    with pytest.raises(ValueError, match="metric must be 'search', 'rule', None, a number above 0"):
        AttractorMemory(metric="thorough").fit(ROWS)
