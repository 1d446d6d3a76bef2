"""Files of memories: what is written is what was fitted, and a file decides nothing else."""

import numpy as np
import pytest

from attractory import AttractorMemory, load_memory, save_memory
from attractory.datasets import sphere
from attractory.io.tensor_file import read_file, write_file


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
