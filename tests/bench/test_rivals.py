"""The memories that come with the benchmark, by closed forms and second routes."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import pearsonr
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge
from sklearn.linear_model import Ridge

from attractory.bench import (
    MEMORIES,
    Covariance,
    DenseHopfield,
    Hopfield,
    KernelHopfield,
    KernelRidge,
    UniversalHopfield,
    entmax,
    memories,
)
from attractory.bench.similarities import SIMILARITIES

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(7, 12))
SIGNS = np.where(RNG.random((9, 40)) < 0.5, -1.0, 1.0)


@pytest.mark.parametrize("alpha", [1.5, 2.0])
def test_entmax_is_the_point_of_the_simplex_where_each_weight_follows_from_one_bound(alpha):
    scores = RNG.normal(size=(20, 6)) * RNG.choice([0.1, 1, 10], (20, 1))
    for row, found in zip(scores, entmax(scores, alpha), strict=True):

        def weights(bound, row=row):
            return np.maximum((alpha - 1) * row - bound, 0) ** (1 / (alpha - 1))

        top = (alpha - 1) * row.max()
        bound = brentq(lambda b: weights(b).sum() - 1, top - 1 - 1e-9, top, xtol=1e-14)
        np.testing.assert_allclose(found, weights(bound), atol=1e-9)
    assert (entmax(scores * 100, alpha) == 0).any()


def test_entmax_of_order_one_is_softmax_and_no_other_order_is_taken():
    scores = RNG.normal(size=(5, 6)) * 50
    np.testing.assert_allclose(entmax(scores, 1.0), softmax(scores, axis=-1), rtol=1e-12)
    with pytest.raises(ValueError, match=r"1\.5 or 2, got 3"):
        entmax(scores, 3.0)


def test_similarities_are_those_of_numpy_and_scipy_on_what_is_known():
    cue, known = RNG.normal(size=12), RNG.random(12) < 0.6
    mean = ROWS.mean(axis=0)
    for told in (np.ones(12, bool), known):
        x = cue[told]
        for j, row in enumerate(ROWS[:, told]):
            expected = {
                "Euclid": -0.5 * np.sum((x - row) ** 2),
                "dot": x @ row,
                "cosine": x @ row / np.linalg.norm(x) / np.linalg.norm(row),
                "Pearson": pearsonr(x, row)[0],
                "Manhattan": -np.abs(x - row).sum(),
                "centred": (x - mean[told]) @ (row - mean[told])
                / np.linalg.norm(x - mean[told]) / np.linalg.norm(row - mean[told]),
            }  # fmt: skip
            for name, value in expected.items():
                mask = None if told.all() else told[None]
                found = SIMILARITIES[name](cue[None], ROWS, mask)[0, j]
                assert found == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("name", ["Euclid", "cosine", "Pearson", "Manhattan"])
def test_a_search_finds_each_row_and_by_what_is_known_alone(name):
    recall = MEMORIES[f"search, {name}"].store(ROWS)
    assert (recall(ROWS) == ROWS).all()
    known = np.zeros(ROWS.shape, bool)
    known[:, 2:7] = True
    hidden = np.where(known, ROWS, 1e3)
    assert (recall(hidden, known=known) == ROWS).all()
    assert not (recall(hidden) == ROWS).all()


def test_the_search_in_a_graph_finds_each_row_and_says_what_it_holds():
    pytest.importorskip("faiss")
    recall = MEMORIES["graph search"].store(ROWS)
    assert (recall(ROWS + 0.01) == ROWS).all()
    assert recall.nbytes > 2 * ROWS.nbytes


def test_what_is_not_installed_is_left_out_and_named_when_asked_for(monkeypatch):
    monkeypatch.setattr(memories, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert [memory.name for memory in memories.usual_memories()] == list(MEMORIES)[:-1]
    with pytest.raises(ModuleNotFoundError, match=r"faiss: pip install 'attractory\[bench\]'"):
        MEMORIES["graph search"].store(ROWS)


def test_constant_rows_and_cues_are_no_error_for_searches():
    rows = np.vstack([np.zeros(12), np.ones(12), ROWS[0]])
    for name, similarity in SIMILARITIES.items():
        assert np.isfinite(similarity(rows, rows)).all(), name
        assert np.isfinite(similarity(rows, rows, rows == rows)).all(), name


def test_the_softmax_network_tends_to_the_search_and_to_the_mean_row():
    cues = ROWS + 0.3 * RNG.normal(size=ROWS.shape)
    search = UniversalHopfield(ROWS, "centred", "max").recall(cues)
    np.testing.assert_allclose(UniversalHopfield(ROWS, beta=1e4).recall(cues), search, atol=1e-9)
    low = UniversalHopfield(ROWS, beta=1e-9)(cues)
    np.testing.assert_allclose(low, np.tile(ROWS.mean(axis=0), (7, 1)), atol=1e-7)


@pytest.mark.parametrize(
    "network",
    [
        UniversalHopfield(ROWS, "Pearson", "entmax", 8.0),
        UniversalHopfield(ROWS, "Manhattan", "softmax", 0.3),
        KernelRidge(ROWS, 0.6, 1e-3),
        Covariance(ROWS, 0.1),
        DenseHopfield(SIGNS, 4),
        KernelHopfield(SIGNS),
    ],
    ids=lambda network: type(network).__name__,
)
def test_rivals_are_maps_that_jax_can_trace_and_differentiate(network):
    x = network.patterns[:2] + 0.1
    with jax.enable_x64(True):
        both = jax.jit(lambda point: (network(point), jax.jacfwd(network)(point)))
        traced, jacobian = both(jnp.asarray(x[0]))
    np.testing.assert_allclose(np.asarray(traced), network(x)[0], atol=1e-9)
    step = 1e-6 * np.eye(network.dim)
    by_steps = (network(x[0] + step) - network(x[0] - step)).T / 2e-6
    np.testing.assert_allclose(np.asarray(jacobian), by_steps, atol=1e-6)


def test_the_pseudo_inverse_stores_exactly_and_hebb_is_a_sum_of_outer_products():
    network = Hopfield(SIGNS)
    np.testing.assert_allclose(SIGNS @ network.weights, SIGNS, atol=1e-12)
    np.testing.assert_allclose(network.weights @ network.weights, network.weights, atol=1e-12)
    weights = sum(np.outer(row, row) for row in SIGNS) / 40
    np.testing.assert_allclose(Hopfield(SIGNS, rule="Hebb").weights, weights - np.diag(
        np.diag(weights)), atol=1e-12)  # fmt: skip
    turned = SIGNS.copy()
    turned[:, 0] *= -1
    assert (network.recall(turned) == SIGNS).all()
    known = np.zeros(SIGNS.shape, bool)
    known[:, 0] = True  # a wrong sign that is told stays
    assert (network.recall(turned, known)[:, 0] != SIGNS[:, 0]).all()


def test_grey_rows_come_back_as_they_were_where_their_signs_do():
    grey = np.where(SIGNS > 0, RNG.uniform(0.6, 1, SIGNS.shape), RNG.uniform(0, 0.4, SIGNS.shape))
    for network in (Hopfield(grey), DenseHopfield(grey, 6), KernelHopfield(grey)):
        assert (network.recall(grey) == grey).all()
    spurious = Hopfield(grey).read(-SIGNS[:1])  # the inverse of a stored pattern is none
    assert set(spurious.ravel().tolist()) == {grey.min(), grey.max()}


def test_kernel_networks_hold_more_patterns_than_units():
    many = np.where(np.random.default_rng(0).random((200, 100)) < 0.5, -1.0, 1.0)
    assert (KernelHopfield(many, 3.0)(many) == many).all()
    assert not (Hopfield(many, rule="Hebb")(many) == many).all()


def test_fields_are_sums_over_stored_patterns():
    """A step of dense and of kernel networks, written out."""
    state = np.where(np.random.default_rng(4).random(40) < 0.5, -1.0, 1.0)
    votes = [row * max(0.0, row @ state / 40) ** 2 for row in SIGNS]  # (power − 1) = 2
    assert (DenseHopfield(SIGNS, 3)(state) == np.sign(np.sum(votes, axis=0))).all()
    found, expected = DenseHopfield(SIGNS, 3).field_(state), np.sum(votes, axis=0)
    scale = expected @ found / (expected @ expected)  # the field's unit is free
    np.testing.assert_allclose(found, scale * expected, atol=1e-9 * np.abs(found).max())

    def kernel(a, b):
        return np.exp(-3.0 / 40 * ((a - b) ** 2).sum())

    network = KernelHopfield(SIGNS, 3.0, 0.1)
    gram = np.array([[kernel(a, b) for b in SIGNS] for a in SIGNS]) + 0.1 * np.eye(len(SIGNS))
    expected = np.array([kernel(state, row) for row in SIGNS]) @ np.linalg.solve(gram, SIGNS)
    np.testing.assert_allclose(network.field_(state), expected, atol=1e-9)


def test_kernel_ridge_is_that_of_scikit_learn():
    network, mean = KernelRidge(ROWS, 0.7, 1e-2), ROWS.mean(axis=0)
    apart = ((ROWS[:, None] - ROWS) ** 2).sum(axis=2)
    gamma = 1 / (2 * 0.7**2 * apart.mean())
    peer = SklearnKernelRidge(alpha=1e-2, kernel="rbf", gamma=gamma).fit(ROWS, ROWS - mean)
    cues = RNG.normal(size=(4, 12))
    np.testing.assert_allclose(network(cues), mean + peer.predict(cues), atol=1e-9)


@pytest.mark.parametrize("rows", [ROWS, np.random.default_rng(1).normal(size=(40, 12))])
def test_the_conditional_mean_of_a_gaussian_is_ridge_regression(rows):
    """Of what is unknown on what is known; with more numbers than rows, and with fewer."""
    network, known = Covariance(rows, 0.05), np.arange(12) < 8
    cues = RNG.normal(size=(3, 12))
    variance = 0.05 * rows.var(axis=0).mean()  # of a Gaussian with covariance C: n times as much
    assert network.noise == pytest.approx(len(rows) * variance)
    peer = Ridge(alpha=network.noise).fit(rows[:, known], rows[:, ~known])
    found = network.recall(cues, np.tile(known, (3, 1)))
    np.testing.assert_allclose(found[:, ~known], peer.predict(cues[:, known]), atol=1e-9)
    assert (found[:, known] == cues[:, known]).all()
    whole = Ridge(alpha=network.noise).fit(rows, rows)  # all known, with noise
    np.testing.assert_allclose(network.recall(cues), whole.predict(cues), atol=1e-9)


@pytest.mark.parametrize("name", [*MEMORIES][1:-1])  # all but ours, and the search in a graph
def test_each_memory_recalls_rows_told_in_part(name):
    memory = MEMORIES[name]
    recall = memory.store(ROWS, **memory.parameters[0])
    known = np.ones(ROWS.shape, bool)
    known[:, 0] = False
    assert recall(ROWS).shape == ROWS.shape
    if name != "mean row":
        assert np.isfinite(recall(np.where(known, ROWS, 0.0), known=known)).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: UniversalHopfield(ROWS, "euclid"), "similarity must be one of"),
        (lambda: UniversalHopfield(ROWS, beta=0.0), "beta must be a finite number above 0"),
        (lambda: UniversalHopfield(ROWS * np.nan), "patterns must be finite"),
        (lambda: Hopfield(SIGNS, rule="hebb"), "rule must be one of"),
        (lambda: DenseHopfield(SIGNS, 1), "power must be at least 2"),
        (lambda: KernelRidge(ROWS, ridge=0.0), "ridge"),
    ],
)
def test_bad_values_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
