"""Outcomes on maps whose basins are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_maps import Cubic, Product, Ring, Sigmoid

from attractory import Outcome, fit_regression, recall, recall_outcomes
from attractory.analysis import RecallRule
from attractory.analysis.outcomes import make_judge, nearest_pattern
from attractory.analysis.settling import settle
from attractory.datasets import bundled_digits, rescale


def test_cubic_basins_alternate_out_to_divergence():
    """Every interval of the closed form, 1e-3 inside its ends, on both sides."""
    f = Cubic(0.3)
    ends = np.concatenate([[0.0], f.edges(5)])
    width = 1e-3 * np.diff(ends)
    cues = np.concatenate([ends[:-1] + width, ends[1:] - width])
    sign = np.tile((-1.0) ** np.arange(6), 2)
    for side in (1, -1):
        result = recall_outcomes(
            f, side * cues[:, None], [[1.0], [-1.0]], 0, rule=RecallRule(max_steps=200)
        )
        expected = np.where(side * sign > 0, Outcome.RECALLED, Outcome.OTHER)
        assert result.outcome.tolist() == expected.tolist()
        np.testing.assert_array_equal(result.pattern, np.where(side * sign > 0, 0, 1))
    beyond = f.bound * np.array([[1.001], [-1.001]])
    result = recall_outcomes(f, beyond, [[1.0], [-1.0]], 0, rule=RecallRule(max_steps=200))
    assert (result.outcome == Outcome.DIVERGED).all()
    assert np.isinf(result.error).all()
    assert (result.pattern == -1).all()


def test_every_outcome_and_its_fields():
    f = Product((Ring(), Sigmoid()))
    centre = np.array([[3.0, 4.0, 1.0], [3.0, 4.0, -1.0]])
    cues = centre[0] + np.array([[0.3, 0.2, 0], [0.3, 0.2, -2.0], [1.5, 0, 0], [0, 0, -1.0]])
    result = recall_outcomes(f, cues, centre, 0)
    names = [Outcome(k).name for k in result.outcome]
    assert names == ["RECALLED", "OTHER", "CYCLE", "SPURIOUS"]  # the last is the saddle x₃ = 0
    assert result.period.tolist() == [1, 1, 5, 1]
    assert result.pattern.tolist() == [0, 1, -1, -1]
    cycle = f.attractors[2]
    assert np.linalg.norm(cycle - result.state[2], axis=1).min() < 1e-6
    np.testing.assert_allclose(result.error[1], 2 / np.sqrt(26), rtol=1e-6)
    assert (result.residual[[0, 2, 3]] < 1e-6).all()
    assert result.counts["cycle"] == 1
    assert repr(result) == "OutcomeResult(1 recalled, 1 other, 1 spurious, 1 cycle)"
    for outcome in Outcome:
        assert outcome.message


def test_success_is_judged_at_the_step_limit():
    """x ← 1 + q(x − 1) from 1 + e is within the tolerance after k steps iff e qᵏ ≤ 0.01."""
    q, e = 0.9, 0.5
    needed = int(np.ceil(np.log(0.01 / e) / np.log(q)))

    def f(x):
        return 1 + q * (x - 1)

    for steps, outcome in [(needed, Outcome.RECALLED), (needed - 1, Outcome.LATE)]:
        result = recall_outcomes(f, [[1 + e]], [[1.0]], 0, rule=RecallRule(max_steps=steps))
        assert result.outcome.tolist() == [outcome]
        np.testing.assert_allclose(result.error, e * q**steps, rtol=1e-9)
    assert result.pattern.tolist() == [0]  # its own, but too late
    rule = RecallRule(max_steps=3, extra_steps=0)
    short = recall_outcomes(f, [[1 + e]], [[1.0]], 0, rule=rule)
    assert (short.outcome[0], short.pattern[0]) == (Outcome.UNDECIDED, -1)
    np.testing.assert_allclose(short.residual, e * q**3 * (1 - q), rtol=1e-9)


def test_creeping_is_not_settling():
    """At rate 1 − 1e-6 a step is a millionth of the way: no fixed point may be claimed."""
    f = lambda x: 1 + (1 - 1e-6) * (x - 1)  # noqa: E731
    result = recall_outcomes(f, [[1.02]], [[1.0]], 0)
    assert result.outcome.tolist() == [Outcome.UNDECIDED]
    assert result.residual[0] < 1e-7
    with jax.enable_x64(True):  # steps of 2e-9 with 2e-3 to go
        end = settle(f, np.array([[1.002]]), np.ones(1), 600, 12, 1e6)
    assert end.period.tolist() == [0]
    assert end.residual[0] == pytest.approx(2e-9, rel=1e-2)


class _Turn(eqx.Module):
    """Its matrix is no part of what is compiled."""

    matrix: np.ndarray

    def __call__(self, x):
        return x @ self.matrix.T + jnp.array([0.0, 1.0], x.dtype)


# In float32 a slower spiral stalls at a width of eps/(1 − rate), too wide for a fixed point.
@pytest.mark.parametrize(("dtype", "rate"), [(np.float32, 0.9), (np.float64, 0.97)])
def test_a_spiral_is_no_cycle_and_an_irrational_turn_is_undecided(dtype, rate):
    def turn(angle, shrink):
        c, s = np.cos(angle), np.sin(angle)
        return _Turn((shrink * np.array([[c, -s], [s, c]])).astype(dtype))

    def period_of(angle, shrink):
        start = np.array([[1.0, 0.5]]).astype(dtype)
        with jax.enable_x64(True):
            return settle(turn(angle, shrink), start, np.ones(1), 5000, 12, 1e6).period.tolist()

    for period in (2, 3, 7):
        assert period_of(2 * np.pi / period, rate) == [1]
        assert period_of(2 * np.pi / period, 1.0) == [period]
    assert period_of(1.0, 1.0) == [0]
    assert period_of(2 * np.pi / 13, 1.0) == [0]


def test_settled_points_and_their_residual_belong_together():
    f = Ring(3)
    start = np.array(f.centre) + np.random.default_rng(0).normal(size=(40, 2)) * 2
    with jax.enable_x64(True):
        end = settle(f, start, np.full(40, 5.0), 3000, 12, 1e6)
    radius = np.linalg.norm(start - np.array(f.centre), axis=1)
    assert end.period.tolist() == np.where(radius < 1, 1, 3).tolist()
    for x, p, residual in zip(end.state, end.period, end.residual, strict=True):
        y = x
        for _ in range(p):
            with jax.enable_x64(True):
                y = np.asarray(f(y))
        assert np.linalg.norm(y - x) == pytest.approx(residual, abs=1e-14)
        assert residual <= 1e-8 * 5


def test_agrees_with_plain_recall_on_digits_whatever_the_chunk():
    x = rescale(bundled_digits(12)[0][:, ::4], 50.0)
    f = fit_regression(x)
    home = np.arange(60) % 12
    cues = x[home] + np.random.default_rng(2).normal(size=(60, 196)) * 14
    seen = []
    result = recall_outcomes(f, cues, x, home, progress=lambda done, total: seen.append(done))
    assert seen == [60]
    plain = recall(f, cues, max_steps=51, tol=1e-15).state
    error = np.linalg.norm(plain - x[home], axis=1) / 50
    np.testing.assert_allclose(result.error, error, atol=1e-6)
    np.testing.assert_array_equal(result.outcome == Outcome.RECALLED, error <= 0.01)
    assert {Outcome.RECALLED} < set(result.outcome.tolist())
    shaped = recall_outcomes(
        f, cues.reshape(5, 12, 196), x, home.reshape(5, 12), chunk=7, progress=False
    )
    assert shaped.state.shape == (5, 12, 196)
    np.testing.assert_array_equal(shaped.outcome.ravel(), result.outcome)


def test_float32_maps():
    class Low:
        dtype = np.float32

        def __call__(self, x):
            assert x.dtype == np.float32
            return 1.5 * x - 0.5 * x**3

    result = recall_outcomes(Low(), [[0.5], [0.0], [-0.3]], [[1.0], [-1.0]], 0)
    assert result.outcome.tolist() == [Outcome.RECALLED, Outcome.SPURIOUS, Outcome.OTHER]


def test_bad_values():
    f = Sigmoid()
    one, cue = [[1.0], [-1.0]], [[0.5]]
    for call, error, words in [
        (lambda: recall_outcomes(f, [[np.nan]], one, 0), ValueError, "cues must be finite"),
        (lambda: recall_outcomes(f, np.ones((1, 2)), one, 0), ValueError, "cues must have 1 feat"),
        (lambda: recall_outcomes(f, cue, [[np.inf]], 0), ValueError, "patterns must be finite"),
        (lambda: recall_outcomes(lambda x: x, cue, [[0.0]], 0), ValueError, "a zero vector"),
        (lambda: recall_outcomes(f, cue, one, 2), ValueError, "origin must be from 0 to 1"),
        (lambda: recall_outcomes(f, cue, one, [0.0]), TypeError, "origin must hold integers"),
        (lambda: recall_outcomes(f, cue, one, [0, 1]), ValueError, "origin must be one number"),
        (lambda: RecallRule(tolerance=1.0), ValueError, "tolerance must lie"),
        (lambda: RecallRule(max_steps=0), ValueError, "max_steps must be"),
        (lambda: RecallRule(extra_steps=-1), ValueError, "extra_steps must"),
        (lambda: RecallRule(max_period=0), ValueError, "max_period must be"),
        (lambda: recall_outcomes(f, cue, one, 0, chunk=0), ValueError, "chunk must be"),
        (lambda: recall_outcomes(lambda x: x[..., :1], [[1.0, 2.0]], [[1.0, 1.0]], 0), TypeError,
         "must map"),
        (lambda: recall_outcomes(lambda x: np.sin(x), cue, [[1.0]], 0), TypeError, "JAX operat"),
    ]:  # fmt: skip
        with pytest.raises(error, match=words):
            call()


def test_patterns_that_are_no_fixed_points_are_named():
    """x ← 1 + 0.5(x − 1): the patterns 1.1 and 2 move by 0.05/1.1 and 0.5/2 of their norm."""
    with pytest.raises(ValueError, match=r"2 of 3 are not.* row 1 by 2\.5e-01 of .* rows 1, 2"):
        recall_outcomes(lambda x: 1 + 0.5 * (x - 1), [[1.0]], [[1.0], [2.0], [1.1]], 0)
    nan = pytest.raises(ValueError, match="moves row 0 by nan")
    with nan:
        recall_outcomes(lambda x: x * jnp.nan, [[1.0]], [[1.0]], 0)
    # A tenth of the tolerance is allowed: 0.5 · 0.0019 is less, 0.5 · 0.0023 more.
    for pattern, allowed in ((1.0019, True), (1.0023, False)):
        call = lambda p=pattern: make_judge(lambda x: 1 + 0.5 * (x - 1), [[p]], RecallRule())  # noqa: E731
        if allowed:
            assert call().residual[0] == pytest.approx(0.5 * (pattern - 1) / pattern, rel=1e-3)
        else:
            with pytest.raises(ValueError, match="leave out rows 0, or train further"):
                call()


def test_nearest_is_relative_to_each_patterns_norm():
    """4.5 is 3.5 norms from 1 and 0.55 norms from 10."""
    patterns = np.array([[1.0, 0.0], [10.0, 0.0], [0.0, -2.0]])
    state = np.array([[4.5, 0.0], [1.2, 0.1], [0.0, -2.5], [10.4, 3.0]])
    near, error = nearest_pattern(state, patterns, np.array([1.0, 10.0, 2.0]))
    assert near.tolist() == [1, 0, 2, 1]
    np.testing.assert_allclose(
        error, [0.55, np.hypot(0.2, 0.1), 0.25, np.hypot(0.4, 3.0) / 10], rtol=1e-12
    )


def test_every_tolerance_is_relative_to_the_patterns_own_norm():
    """On the identity nothing moves, and where a cue is decides alone."""
    patterns = [[1.0], [10.0], [10.05], [-3.0]]
    cues, origin = [[1.008], [1.05], [10.09], [10.12], [10.05], [1.009], [-3.028], [-3.032]], [
        0, 0, 1, 1, 1, 3, 3, 3,
    ]  # fmt: skip
    result = recall_outcomes(lambda x: 1.0 * x, cues, patterns, origin)
    assert [Outcome(k).name for k in result.outcome] == [
        "RECALLED", "SPURIOUS", "RECALLED", "OTHER", "RECALLED", "OTHER", "RECALLED", "SPURIOUS",
    ]  # fmt: skip
    assert result.pattern.tolist() == [0, -1, 1, 2, 1, 0, 3, -1]  # of two within it, the origin
    errors = np.abs(np.ravel(cues) - np.ravel(patterns)[origin]) / np.abs(
        np.ravel(patterns)[origin]
    )
    np.testing.assert_allclose(result.error, errors, rtol=1e-9)
    far = recall_outcomes(lambda x: 1.0 * x, [[3e7]], patterns, 0)  # large, and it stays
    assert far.outcome.tolist() == [Outcome.SPURIOUS]
    judge = make_judge(lambda x: 1.0 * x, patterns, RecallRule())
    assert (judge.bound(0.5), judge.bound(30.0)) == (10.05e6, 30e6)


def test_extra_steps_alone_say_how_long_cues_are_followed():
    """From 1.5 at rate 0.9 it takes 38 steps to be within 0.01."""
    f = lambda x: 1 + 0.9 * (x - 1)  # noqa: E731
    for extra, outcome in ((600, Outcome.LATE), (24, Outcome.UNDECIDED), (1, Outcome.UNDECIDED)):
        rule = RecallRule(max_steps=2, extra_steps=extra)
        result = recall_outcomes(f, [[1.5]], [[1.0]], 0, rule=rule)
        assert result.outcome.tolist() == [outcome]
        np.testing.assert_allclose(result.error, 0.5 * 0.9**2)
        steps = {600: None, 24: 2 + 24 - 12, 1: 2 + 24 - 12}[extra]  # the last block is undone
        if steps:
            np.testing.assert_allclose(result.state, 1 + 0.5 * 0.9**steps)


def test_what_is_reached_after_the_limit_is_late_or_elsewhere():
    rule = RecallRule(max_steps=2, extra_steps=600)
    result = recall_outcomes(
        Cubic(0.3), [[0.01], [-0.01], [0.0]], [[1.0], [-1.0]], [0, 0, 1], rule=rule
    )
    assert result.outcome.tolist() == [Outcome.LATE, Outcome.OTHER, Outcome.SPURIOUS]
    assert result.pattern.tolist() == [0, 1, -1]
    assert result.period.tolist() == [1, 1, 1]
    assert (result.error > 0.9).all()  # at the limit
    np.testing.assert_allclose(result.state[:, 0], [1, -1, 0], atol=1e-6)
    # Off the pattern 1 it grows until there is no number any more.
    nan = lambda x: jnp.where(x == 1, x, jnp.where(x > 3, jnp.nan, 1.1 * x))  # noqa: E731
    lost = recall_outcomes(nan, [[1.02], [1.0]], [[1.0]], 0, rule=rule)
    assert lost.outcome.tolist() == [Outcome.DIVERGED, Outcome.RECALLED]
    assert (lost.pattern[0], lost.period[0], lost.residual[0]) == (-1, 0, np.inf)
    assert np.isfinite(lost.state).all()


def test_settling_does_not_depend_on_the_unit():
    """A map seen in units a million times larger or smaller settles on the same periods."""
    start = np.array([[3.2, 4.1], [5.5, 4.0], [3.0, 4.0], [4.0 - 1e-4, 4.0]])
    periods = []
    for unit in (1.0, 1e6, 1e-6):
        f = Ring(3)
        with jax.enable_x64(True):
            end = settle(
                lambda x, f=f, u=unit: u * f(x / u), unit * start, np.full(4, 5 * unit), 600, 12,
                1e6 * unit,
            )  # fmt: skip
        periods.append(end.period.tolist())
        assert (end.residual <= 1e-8 * 5 * unit).all()
    assert periods[0] == periods[1] == periods[2] == [1, 3, 1, 1]
