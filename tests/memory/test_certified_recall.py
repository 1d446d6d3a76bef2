"""Certificates of the guided recall: against the worst states, closed forms, and attacks."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from attractory import AttractorMemory, SequenceMemory, certify_recall, diagnose
from attractory._util.precision import full_precision
from attractory.datasets import bundled_digits
from attractory.memory import RecallCertificateStatus, attack_recall
from attractory.memory.certified_answers import AnswerBound
from attractory.memory.certified_approach import ANGLES
from attractory.memory.certified_chain import RecallChain
from attractory.memory.certified_recall import in_units
from attractory.memory.certified_votes import VoteBound, groups_of
from attractory.memory.guided_recall import HIGH_DEGREE, lead
from attractory.memory.high_degree_steps import PACE, HighDegreeStep
from attractory.memory.metric import fit_metric
from attractory.memory.norm_rule import by_correlation


@pytest.fixture(scope="module")
def memory():
    return AttractorMemory(activation="erf", metric="rule").fit(bundled_digits(24)[0])


@pytest.fixture(scope="module")
def chain(memory):
    return RecallChain(memory)


@pytest.fixture(scope="module")
def certificate(memory):
    return certify_recall(memory)


def stepped(step, x):
    """A step from states, in their precision."""
    with full_precision():
        return np.asarray(step(jnp.asarray(x)), float)


def one(step, x):
    return step(x[None])[0]


def at_angle(p, u, angle):
    u = u - (u * p).sum(axis=-1, keepdims=True) * p
    u = u / np.linalg.norm(u, axis=-1, keepdims=True)
    return np.cos(angle) * p + np.sin(angle) * u


def directions(unit, row, rng, random=6):
    """Towards every other row, away from it, to pairs of the nearest, and random ones."""
    others = np.delete(unit, row, axis=0)
    near = others[np.argsort(-others @ unit[row])[:4]]
    pairs = [a + b for k, a in enumerate(near) for b in near[:k]]
    return np.vstack([others, -near, pairs, rng.normal(size=(random, unit.shape[1]))])


def angle_to(x, p):
    return 2 * np.arcsin(np.clip(np.linalg.norm(
        x / np.linalg.norm(x, axis=-1, keepdims=True) - p, axis=-1) / 2, 0, 1))  # fmt: skip


def two_rows(angle, table, off=0.0, other=None):
    """A step for two patterns in a plane, their votes turned or not."""
    patterns = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    votes = np.array([[np.cos(off), np.sin(off)], patterns[1]])
    if other is not None:
        votes[1] = 2 * np.cos(other), 2 * np.sin(other)
    return HighDegreeStep(*(np.asarray(v, np.float32) for v in (patterns, votes, table, 1.0)))


def test_of_two_rows_the_bound_is_the_step_itself():
    """In a plane the worst state is known: it lies towards the other row, or away from it."""
    rho = np.linspace(-1, 1, 4097)
    for angle, power, off in ((1.2, 7, 0.0), (1.9, 7, 0.0), (0.9, 7, 0.0), (1.2, 7, 0.15),
                              (1.2, 7, -0.15)):  # fmt: skip
        step = two_rows(angle, rho**power, off)
        bound = VoteBound(step, 2)
        edge = min(angle, np.pi - angle) / 2  # h is odd: the other row's opposite pulls as much
        rivals = bound.rivals(np.array([0]), np.array([0.9 * edge]))[0]
        if off == 0:  # half way both votes are equal, and a state goes nowhere
            assert bound.leads_in(rivals, np.array([edge - 0.01]))
            assert not bound.leads_in(rivals, np.array([edge + 0.002]))
        for a in (0.2 * edge, 0.5 * edge, 0.8 * edge):
            states = np.array([[np.cos(b), s * np.sin(b)] for b in (a, a / 2) for s in (1, -1)])
            worst = angle_to(stepped(step, states.astype(np.float32)), np.array([1.0, 0.0])).max()
            proven = bound.step(rivals, np.array([a]))[0]
            assert worst <= proven
            if worst < 0.9 * a:
                assert proven <= worst + 0.12 * a + abs(off)  # ψ is sought on a ladder


def test_votes_against_the_other_row_count_with_their_own_sign():
    """A rival with a vote along the row drives states away where its correlation is negative."""
    rho = np.linspace(-1, 1, 4097)
    for power, off, other in ((7, 0.0, 0.4), (7, -0.2, 0.0), (8, 0.0, 0.4)):
        step = two_rows(1.5, rho**power, off, other)
        bound = VoteBound(step, 2)
        assert bound.odd == (power == 7)  # of the other one signs are not followed
        rivals = bound.rivals(np.array([0]), np.array([0.6]))[0]
        for a in (0.4, 0.6, 0.7):
            states = np.array([[np.cos(b), s * np.sin(b)] for b in (a, a / 2) for s in (1, -1)])
            vote = (states @ step.patterns.T) ** power @ step.votes
            worst = angle_to(vote, np.array([1.0, 0.0])).max()
            proven = bound.vote(rivals, np.array([a]))[0]
            assert worst <= proven
            if power == 7 and off:  # the worst state is away from the rival, and proven to be it
                assert proven <= worst + 0.06


def test_no_state_is_led_farther_by_high_degrees_than_is_proven(memory, chain):
    rng = np.random.default_rng(1)
    votes, step = chain.votes, chain.linear.high_degree_step
    unit = votes.patterns
    half = chain.half_angles(np.arange(24))
    some = np.array([0, 7, 20])
    for rivals in votes.rivals(some, 0.9 * half[some]):
        for share in (0.4, 0.75, 0.9):
            angle = share * half[some]
            proven = votes.step(rivals, angle)
            for k, row in enumerate(some):
                u = directions(unit, row, rng)
                x = np.vstack([at_angle(unit[row], u, c * angle[k]) for c in (1.0, 0.8)])
                norm = float(step.norm)
                ended = stepped(step, (norm * x).astype(np.float32))
                assert (angle_to(ended, unit[row]) <= proven[k]).all()


def test_rows_taken_in_groups_are_never_fewer_than_they_are(chain, monkeypatch):
    """A group of rows is at least as bad as its rows: what is proven with groups is no more."""
    rows, start = np.arange(6), chain.votes.patterns[:6]
    half = chain.half_angles(rows)
    bound = AnswerBound(chain.votes, chain.beside)
    place = bound.place(at_angle(start, start[::-1], 0.3))
    near = np.full(6, 0.15)
    alone = [chain.votes.rivals(rows, half), bound.step(place, near)]
    monkeypatch.setattr("attractory.memory.certified_votes._ALONE", 3)
    monkeypatch.setattr("attractory.memory.certified_votes._GROUPS", 4)
    for one, some in zip(alone[0], chain.votes.rivals(rows, half), strict=True):
        assert some.members.sum(axis=1).tolist() == [23.0] * 6
        for share in (0.3, 0.7, 0.9):
            few, each = (chain.votes.shortfall(r, share * half, share * half)
                         for r in (some, one))  # fmt: skip
            assert (few >= each - 1e-5 * np.abs(each)).all()
        group = np.searchsorted(groups_of(23), np.arange(23), side="right") - 1
        for name in ("near", "reach", "size"):
            assert (getattr(some, name)[:, group] >= getattr(one, name)).all()
        assert (some.weight[:, group] <= one.weight).all()
        assert (some.toward[:, group, 0] <= one.toward[:, :, 0]).all()
        assert (some.toward[:, group, 1] >= one.toward[:, :, 1]).all()
    single, place = place, bound.place(at_angle(start, start[::-1], 0.3))
    assert (bound.step(place, near) >= alone[1] - 1e-12).all()
    group = np.searchsorted(groups_of(24), np.arange(24), side="right") - 1
    for name in ("high", "reach", "size"):
        assert (getattr(place, name)[:, group] >= getattr(single, name)).all()
    for name in ("low", "weight"):
        assert (getattr(place, name)[:, group] <= getattr(single, name)).all()
    assert (place.toward[:, group, 0] <= single.toward[:, :, 0]).all()
    assert (place.toward[:, group, 1] >= single.toward[:, :, 1]).all()


def test_what_holds_up_to_an_angle_holds_for_all_smaller_ones(chain):
    """Correlations are the largest on the way, not those at its end."""
    rows = np.arange(8)
    half = chain.half_angles(rows)
    rivals = chain.votes.rivals(rows, half)[0]
    with_sign, against, own = (
        np.array([getattr(chain.votes._gains(rivals, share * half), name) for share in
                  (0.1, 0.4, 0.7, 1.0)]) for name in ("with_sign", "against", "own")
    )  # fmt: skip
    assert (np.diff(with_sign, axis=0) >= 0).all()
    assert (np.diff(against, axis=0) >= 0).all()
    assert (np.diff(own, axis=0) <= 0).all()


def test_no_state_is_led_farther_without_the_linear_part_than_is_proven(memory, chain):
    """And near a row the bound is little more than the norm of the step's Jacobian there."""
    plan = memory.state_.plan(memory.state_.settings)
    rng = np.random.default_rng(2)
    approach, unit, norm = chain.approach, plan.patterns / plan.norm, plan.norm
    for row in (0, 7, 20):
        bound = approach.row(row).after(2)
        with full_precision():
            step = chain.linear.drift_free_step(plan.own, float)
            rough = chain.linear.rough_step(plan.own)
            jacobian = np.asarray(jax.jacobian(one, argnums=1)(step, norm * unit[row]))
        across = np.eye(len(jacobian)) - np.outer(unit[row], unit[row])
        _, size, right = np.linalg.svd(across @ jacobian @ across)
        tiny = 1e-4
        assert size[0] * tiny <= bound.step(tiny, False) <= 1.3 * size[0] * tiny
        # b (J + T) + (1 − b) is the Jacobian of the step, J that of the votes alone.
        inverse = chain.linear.inverse[0]
        votes = (jacobian - (1 - PACE) * across) / PACE - chain.linear.soft * inverse
        first, exact = approach.row(row).first_order, np.linalg.norm(across @ votes @ across, 2)
        assert exact <= first <= 1.001 * exact + 2e-4
        u = np.vstack([directions(unit, row, rng), right[:3], -right[:3]])
        for k in (0, 36, 73, 92):
            angle = float(ANGLES[k])
            x = norm * at_angle(unit[row], u, angle)
            ended = stepped(step, x)
            single = stepped(rough, x.astype(np.float32))
            assert (angle_to(ended, unit[row]) <= bound.step(angle, False)).all()
            assert (angle_to(single, unit[row]) <= bound.step(angle, True)).all()


def test_orders_and_what_is_left_of_them_are_no_less_than_the_kernel(chain):
    """Derivatives from above, their sum and the rest against h itself, up to where it is steep."""
    approach = chain.approach
    c = np.repeat([0.02, 0.3, 0.6, 0.8], 5)
    reach = (1 - c) * np.tile([0.01, 0.3, 0.6, 0.9, 0.99], 4)
    kernel = by_correlation(np.concatenate([[0.0, 1e-4, -1e-4], c, c + reach]), *approach.kernel)
    slope = (kernel[1] - kernel[2]) / 2e-4
    grown = kernel[23:] - kernel[3:23] - slope * reach
    orders = sum(approach.at(approach.above[m], c) * reach ** (m + 1) for m in range(4))
    bound = orders + approach.left_over(c, reach)
    assert (grown <= bound + 1e-12).all()
    assert (bound <= 1.5 * grown + 1e-4).all()
    assert (orders < 0.99 * grown).any()  # there the rest counts


@pytest.mark.parametrize(("close", "norm"), [(0.75, 20.0), (0.6, 9.0)])
def test_of_two_rows_the_bound_without_the_linear_part_is_nearly_the_step(close, norm):
    """One rival: its terms of all orders add up to what they are, and the worst is in the plane."""
    rows = np.zeros((2, 8))
    rows[:, 0], rows[1, 1] = (1.0, close), np.sqrt(1 - close**2)
    pair = AttractorMemory(activation="erf", norm=norm, metric=None, center=False).fit(rows)
    chain = RecallChain(pair)
    plan = pair.state_.plan(pair.state_.settings)
    bound, size = chain.approach.row(0).after(2), plan.norm
    step = chain.linear.drift_free_step(plan.own, float)
    for k in (40, 55, 70):
        a = float(ANGLES[k])
        states = np.zeros((4, 8))
        states[:, 0] = np.cos([a, a, a / 2, a / 2])
        states[:, 1] = np.sin([a, -a, a / 2, -a / 2])
        worst = angle_to(stepped(step, size * states), rows[0]).max()
        assert worst <= bound.step(a, False) <= 1.3 * worst


@pytest.mark.parametrize(("close", "norm"), [(0.75, 20.0), (0.9, 40.0), (0.97, 60.0)])
def test_parts_of_a_step_without_the_linear_part_are_no_larger_than_bounds(close, norm):
    """Across the row and along it, towards the other one, away from it and at right angles."""
    rows = np.zeros((2, 8))
    rows[:, 0], rows[1, 1] = (1.0, close), np.sqrt(1 - close**2)
    pair = AttractorMemory(activation="erf", norm=norm, metric=None, center=False).fit(rows)
    bound = RecallChain(pair).approach
    each, p = [bound.row(0).after(2, closely) for closely in (False, True)], bound.patterns
    soft = bound.linear.soft * bound.linear.inverse[0]
    slope = np.diff(by_correlation(np.array([-1e-4, 1e-4]), *bound.kernel))[0] / 2e-4

    def high(rho):
        return by_correlation(rho.ravel(), *bound.kernel).reshape(rho.shape) - slope * rho

    aside = p[1] - (p[1] @ p[0]) * p[0]
    beside = np.linalg.svd(p)[2][-1]
    for k in (0, 30, 50, 60, 70, 80, 90, 100):
        for begin in (1.0, 0.5):
            a = begin * ANGLES[k]
            x = at_angle(p[0], np.stack([aside, -aside, beside]), a)
            change = high(x @ p.T) - high(p[0] @ p.T)
            moved = (x - p[0]) @ soft + change @ bound.votes
            along = moved @ p[0]
            across = np.linalg.norm(moved - np.outer(along, p[0]), axis=1)
            for found in each:
                assert (across <= found.across[k] * a * (1 + 1e-9) + 1e-12).all()
                assert (np.abs(along) <= found.along[k] * (1 + 1e-9) + 1e-12).all()


def test_every_start_within_a_certificate_is_recalled(memory, certificate):
    """Random, towards every row, and where attacks end: at 0.999 of the angle."""
    assert (certificate.status == RecallCertificateStatus.CERTIFIED).all()
    assert np.median(certificate.radius) > 0.6
    plan = memory.state_.plan(memory.state_.settings)
    unit, rng = plan.patterns / plan.norm, np.random.default_rng(3)
    attack = attack_recall(memory, directions=8, rounds=1)
    assert (certificate.angle < attack.angle).all()
    # Towards the nearest row half the angle is what is lost, but for near ties.
    assert (attack.angle < 1.1 * certificate.half_angle).all()
    assert np.median(certificate.angle / attack.angle) > 0.85
    starts, homes = [], []
    for row in range(24):
        u = np.vstack([directions(unit, row, rng, 2), attack.start[row : row + 1] @ basis(memory)])
        starts.append(at_angle(unit[row], u, 0.999 * certificate.angle[row]))
        homes += [row] * len(u)
    ended = lead(plan, plan.norm * np.vstack(starts)).state
    away = np.linalg.norm(ended - plan.patterns[homes], axis=1) / plan.norm
    assert away.max() < 1e-6
    # What the attack found is lost.
    lost = lead(plan, memory.state_.span.within(attack.start)).state
    assert (np.linalg.norm(lost - plan.patterns, axis=1) > 0.01 * plan.norm).all()


def test_the_opposite_of_a_row_is_a_rival_as_the_row_is():
    """Half way to it steps lead there; what ends there is at a row that is nearer to it."""
    rows = np.eye(16)  # of which the others are at right angles
    rows[1, :2] = -np.cos(1.2), -np.sin(1.2)
    rows[2, 1:3] = 0.6, 0.8
    assert np.arccos(-rows[1] @ rows[2]) < 1.2 < np.arccos(rows[0] @ rows[2])
    odd = AttractorMemory(activation="erf", norm=40.0, metric=None, center=False).fit(rows)
    found = certify_recall(odd, [0])
    np.testing.assert_allclose(found.half_angle, 0.6)
    attack = attack_recall(odd, [0], directions=8, rounds=0)
    assert found.angle[0] < attack.angle[0] < 0.62


def test_every_start_around_an_answer_gets_the_same(memory, chain):
    """Starts far beyond what is certified of their row, and others towards every row from there."""
    plan = memory.state_.plan(memory.state_.settings)
    unit, rng = plan.patterns / plan.norm, np.random.default_rng(5)
    rows = np.arange(8)
    chain.angles(rows)
    used = np.abs(unit).max(axis=0) > 0
    starts, homes = [], []
    for far, share in ((0.4, 0.8), (0.8, 0.2)):
        begun = at_angle(unit[rows], rng.normal(size=(8, len(used))) * used, far)
        angle = chain.around(begun, rows)
        assert (angle > 0).mean() > share
        if far > 0.75:  # none of them is within the certificate of the row
            assert (chain.angles(rows) < far).all()
        for x, a, row in zip(begun, angle, rows, strict=True):
            u = np.vstack([unit, -unit[row], unit - unit[row] + 1e-9, rng.normal(size=(4, len(x)))])
            starts.append(at_angle(x, u, 0.999 * a))
            homes += [row] * len(u)
    ended = lead(plan, plan.norm * np.vstack(starts)).state
    away = np.linalg.norm(ended - plan.patterns[homes], axis=1) / plan.norm
    assert away.max() < 1e-6
    # A start whose answer is another row is not certified as this one's.
    assert (chain.around(unit[rows[::-1]], rows) == 0).all()


def test_a_step_turns_no_state_near_another_farther_than_is_proven(memory, chain):
    plan = memory.state_.plan(memory.state_.settings)
    unit, rng = plan.patterns / plan.norm, np.random.default_rng(6)
    bound = AnswerBound(chain.votes, chain.beside)
    step, norm = chain.linear.high_degree_step, float(plan.norm)
    used = np.abs(unit).max(axis=0) > 0
    for far in (0.0, 0.6, 1.1):
        x = at_angle(unit[:3], rng.normal(size=(3, len(used))) * used, far)
        place = bound.place(x)
        after = stepped(step, (norm * x).astype(np.float32))
        for angle in (0.02, 0.1, 0.25):
            proven = bound.step(place, np.full(3, angle))
            for k in range(3):
                u = np.vstack([directions(unit, k, rng), unit[k] + 1e-9])
                y = at_angle(x[k], u, angle)
                ended = stepped(step, (norm * y).astype(np.float32))
                turned = angle_to(ended, after[k] / norm)
                assert (turned <= proven[k]).all()
                if far == 0.0 and angle < 0.2:
                    assert proven[k] < 3 * angle


def test_answers_are_certified_by_their_starts(memory):
    digits = bundled_digits(24)[0]
    cues = np.where(np.arange(784) < 300, 0.0, digits[:3])
    cues[2, 5] = np.nan
    found = certify_recall(memory, cues=cues)
    assert found.rows.tolist() == [0, 1, 2]
    assert (found.angle > 0.3).all()
    with pytest.raises(ValueError, match="rows must be left out"):
        certify_recall(memory, [0], cues=cues)


def basis(memory):
    span = memory.state_.span
    return np.eye(memory.n_features_in_) if span.whole else span.within(np.eye(span.dim))


def test_in_units_the_ball_touches_the_cone():
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(30, 6)) * np.array([5, 3, 2, 1, 0.5, 0.2])
    for metric in (fit_metric(rows, 0.01), fit_metric(rows[:4], 0.1), fit_metric(rows, None)):
        angle = np.array([0.3, 0.7])
        y = rows[:2]
        z = metric.apply(y)
        radius = in_units(metric, z, angle) * np.linalg.norm(y, axis=1)
        unit = z / np.linalg.norm(z, axis=1, keepdims=True)
        for k, p in enumerate(unit):
            u = rng.normal(size=(2000, 6))
            # The worst perturbation is against some normal of the cone: climb to it.
            for _ in range(60):
                u *= radius[k] / np.linalg.norm(u, axis=1, keepdims=True)
                turned = metric.apply(y[k] + u)
                aside = turned - np.outer(turned @ p, p)
                aside /= np.linalg.norm(aside, axis=1, keepdims=True)
                u = -metric.apply(np.sin(angle[k]) * p - np.cos(angle[k]) * aside)
            u *= radius[k] / np.linalg.norm(u, axis=1, keepdims=True)
            worst = angle_to(metric.apply(y[k] + u), p).max()
            assert worst <= angle[k] + 1e-9
            assert worst >= angle[k] - 0.02
        if metric.plain:  # a ball stays a ball
            np.testing.assert_allclose(radius / np.linalg.norm(y, axis=1), np.sin(angle), rtol=1e-3)


def test_rows_that_are_alike_others_that_are_missed_and_tolerances_out_of_reach():
    digits = bundled_digits(24)[0]
    twins = np.vstack([digits, digits[0] + 0.01 * np.random.default_rng(0).normal(size=784)])
    alike = certify_recall(AttractorMemory(activation="erf", metric="rule").fit(twins), [0, 24, 5])
    # Half the angle between the twins is a bound on both.
    assert (alike.angle[:2] < alike.half_angle[:2]).all()
    assert alike.half_angle[0] < 0.2
    assert alike.angle[2] > 0.5
    ridge = AttractorMemory(activation="erf", metric="rule", ridge=0.1).fit(digits)
    assert (certify_recall(ridge, [0, 1]).angle == 0).all()
    strict = AttractorMemory(activation="erf", metric="rule", tolerance=1e-15).fit(digits)
    found = certify_recall(strict, [0])
    assert found.angle[0] == found.radius_in_units[0] == 0
    assert found.status[0] == RecallCertificateStatus.NOT_CONTRACTING
    assert "0 of 1 rows certified" in repr(found)
    single = AttractorMemory(activation="erf", metric=None, center=False).fit(digits[:1])
    assert certify_recall(single).angle[0] > 0.5


def test_of_two_rows_that_are_opposite_each_has_all_of_its_half_sphere():
    """Less their mean, two rows always are; the opposite of the other one is the row itself."""
    pair = AttractorMemory(activation="erf").fit(np.random.default_rng(0).normal(size=(2, 10)))
    found = certify_recall(pair)
    np.testing.assert_allclose(found.half_angle, np.pi / 2, rtol=1e-6)
    assert (found.angle > 1.5).all()
    assert (attack_recall(pair, directions=4, rounds=0).angle > found.angle).all()


def test_what_is_not_covered_is_refused_in_a_sentence(memory, monkeypatch):
    digits = bundled_digits(3)[0]
    with pytest.raises(ValueError, match="plain recall is its map alone"):
        certify_recall(AttractorMemory(activation="erf", iteration="plain").fit(digits))
    with pytest.raises(TypeError, match="got SequenceMemory"):
        certify_recall(SequenceMemory(activation="erf").fit(digits))
    with pytest.raises(ValueError, match="from 0 to 23"):
        attack_recall(memory, [24])
    with pytest.raises(NotFittedError):
        certify_recall(AttractorMemory())
    kinked = AttractorMemory(activation="relu", norm=20.0).fit(digits)
    with pytest.raises(ValueError, match="mixture of error functions"):
        certify_recall(kinked)
    network = AttractorMemory(activation="erf", width=300, metric=None, norm=20.0).fit(digits[:2])
    with pytest.raises(ValueError, match="of infinite width"):
        certify_recall(network)
    monkeypatch.setattr("attractory.memory.certified_chain._MOST_ROWS", 20)
    with pytest.raises(ValueError, match="at most 20 rows, got 24"):
        certify_recall(memory)


def test_a_diagnosis_has_certificate_and_attack_of_the_recall(memory, certificate):
    found = diagnose(memory, rows=[3, 4])
    np.testing.assert_allclose(found.certified, certificate.radius_in_units[[3, 4]])
    np.testing.assert_allclose(found.certified_in_metric, certificate.radius[[3, 4]])
    assert (found.certified < found.critical_shock).all()
    assert (found.certified_in_metric < found.shock_in_metric).all()
    assert HIGH_DEGREE.steps == 8
    frame = certificate.frame()
    assert frame.loc[3, "status"] == "certified"
    assert "in units" in str(certificate)


def test_between_nodes_nothing_is_left_out(chain, monkeypatch):
    """With few nodes the bound is no less than with many, which are as good as all."""
    rows = np.arange(8)
    half = chain.half_angles(rows)
    rivals, found = chain.votes.rivals(rows, half)[0], []
    for nodes in (4, 8, 400):
        monkeypatch.setattr("attractory.memory.certified_votes._NODES", nodes)
        shares = np.linspace(0, 1, nodes + 1, dtype=np.float32)[:, None, None]
        monkeypatch.setattr("attractory.memory.certified_votes._SHARES", shares)
        found.append([
            chain.votes.shortfall(rivals, share * half, share * half) for share in (0.5, 0.8, 0.95)
        ])  # fmt: skip
    few, some, many = np.array(found)
    assert (few >= many - 1e-4 * np.abs(many)).all()
    assert (some >= many - 1e-4 * np.abs(many)).all()
    assert (few > some).mean() > 0.8


def test_votes_take_the_rounding_of_float32_into_account(chain):
    """As many roundings as a sum has terms, at least (Higham, 2002, section 3.1)."""
    bound, unit = chain.votes, 2.0**-24
    patterns = np.asarray(chain.linear.high_degree_step.patterns)
    assert bound.place >= patterns.shape[1] * unit
    assert bound.sum >= len(patterns) * unit
    rows, p, w = np.arange(4), bound.patterns, bound.votes
    angle = 0.7 * chain.half_angles(rows)
    rivals = bound.rivals(rows, angle)[0]
    along = np.einsum("ij,ij->i", p[:4], w[:4])
    length = np.linalg.norm(w, axis=1)
    across = np.sqrt(length[:4] ** 2 - along**2)
    assert (rivals.own[:, 0] <= along - bound.sum * length[:4]).all()
    assert (rivals.own[:, 1] >= across + bound.sum * length[:4]).all()
    for k in rows:
        near = np.argsort(-np.abs(p @ p[k]))[1:]
        aside = np.sqrt(length[near] ** 2 - (w[near] @ p[k]) ** 2)
        assert (rivals.size[k] >= aside + bound.sum * length[near]).all()
    psi = bound.vote(rivals, angle)
    mixed = np.arctan2(
        0.3 * np.sin(angle) + 0.7 * np.sin(psi), 0.3 * np.cos(angle) + 0.7 * np.cos(psi)
    )
    assert (bound.step(rivals, angle) >= mixed + 4 * unit).all()


def test_ladders_are_of_steps_that_go_on_and_of_no_more_than_there_are(memory, chain, monkeypatch):
    rows = np.arange(8)
    angle = chain.angles(rows)
    # Farther than that another row may be the nearest.
    assert (angle <= chain._apart(rows)).all()
    close = chain.approach.patterns[:8] @ chain.approach.patterns.T
    close[rows, rows] = -1.0
    nearest = np.arccos(close.max(axis=1))
    assert (chain._apart(rows) < nearest / 2).all()
    # A start that is beside another row begins where that one's does.
    with monkeypatch.context() as patch:
        patch.setattr(chain, "beside", np.full(24, 1.0))
        assert (chain._apart(rows) == np.minimum(nearest / 2, nearest - 1.0) - 1e-6).all()
    weighted = chain.votes.rivals(rows, 0.95 * np.minimum(chain._apart(rows), np.pi / 4))
    for row in rows.tolist():
        for before, after in pairwise(chain.ladders[row]):
            angle = np.array([before])
            least = min(chain.votes.step(some.some(rows[[row]]), angle)[0] for some in weighted)
            assert least + HIGH_DEGREE.tolerance <= after < before
    monkeypatch.setattr(
        "attractory.memory.certified_chain.HIGH_DEGREE", HIGH_DEGREE._replace(steps=1)
    )
    short = RecallChain(memory)
    assert (short.angles(rows) <= chain.angles(rows)).all()
    assert max(len(ladder) for ladder in short.ladders.values()) == 2
