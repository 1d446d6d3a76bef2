"""Files of memories: what is written is what was fitted, and a file decides nothing else."""

import os

import numpy as np
import pytest

from attractory import AttractorMemory, SequenceMemory, load_memory, ntk, save_memory
from attractory.datasets import sphere
from attractory.io.tensor_file import FileChangedError, StorageError, read_file, write_file


@pytest.fixture
def memory():
    return AttractorMemory(activation="erf", norm=20.0).fit(sphere(5, 8))


def test_a_file_does_not_say_where_recall_computes(memory, tmp_path):
    save_memory(memory, tmp_path / "m")
    header, arrays = read_file(tmp_path / "m")
    header["parameters"]["compute"] = "tcp://127.0.0.1:9"
    write_file(tmp_path / "forged", header, arrays)
    loaded = load_memory(tmp_path / "forged")
    assert loaded.compute is None
    assert loaded.state_.settings.compute is None
    assert loaded.predict(memory.patterns_).tolist() == list(range(5))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"reject": 1.5}, "reject must"), ({"tolerance": -1.0}, "tolerance must")],
)
def test_a_setting_out_of_range_leaves_the_earlier_file(memory, tmp_path, wrong, message):
    file = tmp_path / "m"
    save_memory(memory, file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=message):
        save_memory(memory.set_params(**wrong), file)
    assert file.read_bytes() == before


def test_what_is_written_is_what_was_fitted(memory, tmp_path):
    """Parameters changed after `fit` are not those of the map."""
    memory.set_params(depth=3, norm=99.0, activation="tanh", max_steps=7)
    save_memory(memory, tmp_path / "m")
    loaded = load_memory(tmp_path / "m")
    assert (loaded.depth, loaded.norm, loaded.activation, loaded.max_steps) == (2, 20.0, "erf", 7)
    probes = memory.points_ * 0.9
    np.testing.assert_array_equal(loaded.map_(probes), memory.map_(probes))


def test_every_parameter_may_change_between_fit_and_save(memory, tmp_path):
    """What recall reads is written as it is now; the rest as it was fitted, whatever it is now."""
    fitted = memory.get_params()
    later = {"max_steps": 7, "tolerance": 1e-3, "reject": 0.5}
    strange = object()
    for k, name in enumerate(fitted):
        memory.set_params(**fitted)
        setattr(memory, name, later.get(name, strange if name != "compute" else "devices"))
        save_memory(memory, tmp_path / f"{k}")
        loaded = load_memory(tmp_path / f"{k}").get_params()
        assert loaded == fitted | ({name: later[name]} if name in later else {})


def test_numpy_scalars_are_parameters(tmp_path):
    kinds = {
        "depth": np.int64(2), "norm": np.float32(20.0), "center": np.bool_(True),
        "metric": np.float64(0.1), "ridge": np.float64(0.0), "max_steps": np.int32(9),
        "tolerance": np.float32(1e-5), "reject": np.float64(0.8), "random_state": np.int64(3),
    }  # fmt: skip
    memory = AttractorMemory(activation="erf", **kinds).fit(sphere(5, 8))
    save_memory(memory, tmp_path / "m", info={})
    loaded = load_memory(tmp_path / "m").get_params()
    assert all(loaded[name] == value for name, value in kinds.items())
    before = (tmp_path / "m").read_bytes()
    with pytest.raises(TypeError, match="header"):
        save_memory(memory, tmp_path / "m", info={"count": np.int64(3)})
    assert (tmp_path / "m").read_bytes() == before


MANY = {
    "mixture": "x", "offset": 0.5, "gain": 0.5, "scales": [1.0] * 300, "weights": [1 / 300] * 300,
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": 20}, "depth of a memory in a file must be from 2 to 10, got 20"),
        ({"depth": 3}, "its map does not do what the file says"),
        ({"max_steps": 10**12}, "max_steps of a memory in a file must be from 1 to 1000000"),
        ({"activation": MANY}, "terms of an activation in a file must be from 0 to 256, got 300"),
        ({"norm": 30.0}, "names the norm 30 and holds patterns of 20"),
        ({"center": False}, "the mean is left in, and names one"),
        ({"metric": None}, "there is no metric, and holds one"),
        ({"random_state": -1}, "random_state must be from 0"),
        ({"width": 5}, "it lacks 'weight0'"),
        ({"width": 10**12, "depth": 10**12}, "depth of a memory in a file must be from 2 to 64"),
        ({"unknown": 1}, "unknown"),
        ("residual", "its rows are not stored"),
        ("parameters", "it lacks 'parameters'"),
        ("allow_unstored", "allow_unstored must be True or False"),
    ],
)
def test_settings_that_are_not_those_of_what_is_stored(memory, tmp_path, settings, message):
    save_memory(memory, tmp_path / "m")
    header, arrays = read_file(tmp_path / "m")
    if isinstance(settings, dict):
        header["parameters"] |= settings
    elif settings == "parameters":
        del header[settings]
    else:
        header[settings] = 1e9
    write_file(tmp_path / "forged", header, arrays)
    with pytest.raises(StorageError, match=message) as caught:
        load_memory(tmp_path / "forged")
    assert str(tmp_path / "forged") in str(caught.value)


def test_what_no_file_may_say_is_not_written(memory, tmp_path):
    with pytest.raises(ValueError, match="max_steps of a memory in a file"):
        save_memory(memory.set_params(max_steps=10**12), tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_a_file_that_changed_since_it_was_read_is_not_replaced(memory, tmp_path):
    """Two read one file, and change it: the second is told, and asks or reads again."""
    file, rows = tmp_path / "m", sphere(5, 8, seed=4)
    save_memory(memory, file)
    save_memory(memory, file)  # its own
    first, second = load_memory(file), load_memory(file)
    save_memory(first.partial_fit(rows[:1]), file)
    save_memory(first.partial_fit(rows[1:2]), file)
    content = file.read_bytes()
    with pytest.raises(FileChangedError, match="has changed since it was read; read it again"):
        save_memory(second.partial_fit(rows[2:3]), file)
    with pytest.raises(FileExistsError, match="exists already; overwrite=True"):
        save_memory(AttractorMemory(activation="erf").fit(rows), file)
    assert file.read_bytes() == content
    assert len(load_memory(file)) == 7
    assert os.listdir(tmp_path) == ["m"]
    save_memory(second, file, overwrite=True)
    assert len(load_memory(file)) == 6
    file.unlink()
    save_memory(first, file)  # nothing is lost
    (tmp_path / "other").write_text("a letter")
    with pytest.raises(FileExistsError):
        save_memory(first, tmp_path / "other")
    assert (tmp_path / "other").read_text() == "a letter"


def told(state):
    """Every field of a state but the map."""
    metric, settings = state.coordinates.metric, state.settings.as_parameters()
    return {
        **{name: value for name, value in settings.items() if name not in ("metric", "activation")},
        "activation": repr(settings["activation"]), "mean": state.coordinates.mean,
        "norm": state.norm, "sizes": state.sizes, "answer_sizes": state.answer_sizes,
        "points": state.points, "answers": state.answers, "sequence": state.sequence,
        "fitted": state.fitted, "outside": state.outside, "choice": state.choice,
        "residual": state.store.residual(), "basis": metric.basis, "gains": metric.gains,
        "variances": metric.variances, "rest": metric.rest, "floor": metric.floor,
        "allow_unstored": state.settings.allow_unstored,
    }  # fmt: skip


def test_a_loaded_state_is_the_state_that_was_saved(tmp_path):
    """Rows added beyond the metric's basis, a sequence of rows of differing sizes, a biased map."""
    rows, more = sphere(5, 8), 0.3 * sphere(3, 8, seed=5)
    given = {"activation": "erf", "norm": 20.0}
    added = AttractorMemory(**given, metric=0.02).fit(rows)
    added.partial_fit(more)
    assert added.state_.outside
    assert (added.state_.fitted, len(added)) == (5, 8)
    sequence = SequenceMemory(**given).fit(rows * np.arange(1, 6)[:, None], rows[::-1] + 0.1)
    assert not np.allclose(sequence.state_.sizes, sequence.state_.answer_sizes)
    plain = AttractorMemory(**given, center=False, metric=None, max_steps=33, reject=0.7).fit(rows)
    for k, memory in enumerate((added, sequence, plain)):
        save_memory(memory, tmp_path / f"{k}", info={"names": ["é"]})
        loaded = load_memory(tmp_path / f"{k}")
        assert type(loaded) is type(memory)
        assert loaded.info_ == {"names": ["é"]}
        assert loaded.n_features_in_ == 8
        ours, theirs = told(memory.state_), told(loaded.state_)
        for name, value in ours.items():
            np.testing.assert_array_equal(theirs[name], value, err_msg=name)


def test_where_to_compute_and_a_matrix_are_not_among_the_parameters(tmp_path):
    rows = sphere(5, 8)
    matrix = np.diag(np.linspace(1, 2, 8))
    memory = AttractorMemory(activation="erf", norm=20.0, metric=matrix).fit(rows)
    save_memory(memory.set_params(compute="devices"), tmp_path / "m")
    header, arrays = read_file(tmp_path / "m")
    assert header["parameters"]["compute"] is None
    assert header["parameters"]["metric"] == "rule"
    assert {name for name in arrays if name.startswith("metric")} == {
        "metric_basis", "metric_gains", "metric_variances", "metric_numbers",
    }  # fmt: skip
    np.testing.assert_array_equal(load_memory(tmp_path / "m").points_, memory.points_)
    seeded = AttractorMemory(
        activation="erf", norm=20.0, random_state=np.random.RandomState(3)
    ).fit(rows)
    save_memory(seeded, tmp_path / "s")
    assert read_file(tmp_path / "s")[0]["parameters"]["random_state"] is None


def forged(file, path, change):
    """Write a file again with its header and arrays changed; return the reason for its refusal."""
    header, arrays = read_file(file)
    change(header, arrays)
    write_file(path, header, arrays)
    with pytest.raises(StorageError) as caught:
        load_memory(path)
    return str(caught.value)


def put(name, value):
    return lambda header, arrays: arrays.update({name: value(arrays[name])})


DAMAGES = [
    (put("mean", lambda a: a[:-1]), "do not fit together"),
    (put("sizes", lambda a: a[:-1]), "do not fit together"),
    (put("sizes", lambda a: a[:, None]), "do not fit together"),
    (put("coefficients", lambda a: a[:-1]), "do not fit together"),
    (put("coefficients", lambda a: a[:, :-1]), "do not fit together"),
    (put("points", lambda a: a * np.linspace(1, 1.001, len(a))[:, None]), "not of the norm"),
    (put("points", lambda a: a[:0]), "do not fit together"),
    (lambda h, a: h.update(norm=-20.0), "not of the norm"),
    (lambda h, a: h.update(fitted=-1), "do not fit together"),
    (lambda h, a: h.update(fitted=6), "do not fit together"),
    (lambda h, a: h.update(kind="map"), "lacks 'map'"),
    (lambda h, a: h.update(kind="sequence"), "unexpected keyword"),
    (lambda h, a: a.pop("coefficients"), "lacks 'coefficients'"),
    (lambda h, a: h.update(info=[1]), "wrong kind"),
    (put("metric_basis", lambda a: a[:, :-1]), "do not fit together"),
    (put("metric_basis", lambda a: 1.001 * a), "do not fit together"),
    (put("metric_basis", lambda a: a[:, [0, 0, *range(2, a.shape[1])]]), "do not fit together"),
    (put("metric_gains", lambda a: -a), "do not fit together"),
    (put("metric_gains", lambda a: 0 * a), "do not fit together"),
    (put("metric_variances", lambda a: a[:-1]), "do not fit together"),
    (put("metric_variances", lambda a: -a - 1), "do not fit together"),
    (put("metric_numbers", lambda a: a[:1]), "do not fit together"),
    (put("metric_numbers", lambda a: a * [-1, 1]), "do not fit together"),
    (put("metric_numbers", lambda a: a * [0, 1]), "do not fit together"),
    (put("metric_numbers", lambda a: a * [1, -1]), "do not fit together"),
    (lambda h, a: h.update(residual=2e-3), "rows are not stored"),
]


def test_each_part_that_does_not_fit_is_refused(tmp_path):
    """One part of the file is changed at a time; the digest is right."""
    memory = AttractorMemory(activation="erf", norm=20.0, metric=0.02).fit(sphere(5, 8))
    save_memory(memory, tmp_path / "m")
    for k, (change, words) in enumerate(DAMAGES):
        assert words in forged(tmp_path / "m", tmp_path / f"{k}", change), k


def test_one_row_that_the_map_misses_is_enough(memory, tmp_path):
    """By coefficients with which one row is mapped to another place, and the others are right."""
    save_memory(memory, tmp_path / "m")
    points = memory.points_
    inverse = np.linalg.inv(ntk(points, activation="erf"))

    def change(share):
        off = share * 20.0 * np.eye(8)[3]
        return put("coefficients", lambda a: a + inverse[:, [2]] * off)

    words = forged(tmp_path / "m", tmp_path / "bad", change(2e-6))
    assert "its map does not do what the file says of it" in words
    header, arrays = read_file(tmp_path / "m")
    change(5e-7)(header, arrays)  # less than what a map may miss
    write_file(tmp_path / "good", header, arrays)
    load_memory(tmp_path / "good")
    header["residual"], header["allow_unstored"] = 1e-3, True  # a word for what is said
    change(5e-3)(header, arrays)
    write_file(tmp_path / "told", header, arrays)
    assert load_memory(tmp_path / "told").residual_ == 1e-3
    change(6e-3)(header, arrays)  # and more is missed than is said
    write_file(tmp_path / "worse", header, arrays)
    with pytest.raises(StorageError, match="its map does not do"):
        load_memory(tmp_path / "worse")
