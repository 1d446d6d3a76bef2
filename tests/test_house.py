"""The rules of CONTRIBUTING.md on files, arguments and public names."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "attractory"
sys.path.append(str(ROOT / "benchmarks"))
from house import count  # noqa: E402

HOUSE = count(SOURCE)
# The estimator's constructor takes what a memory can be set to, as scikit-learn wants it.
# scikit-learn wants every parameter there; at most 14.
CONSTRUCTORS = {"memory/estimator.py:__init__", "memory/sequence.py:__init__"}
DOORS = sorted(path.parent.name for path in SOURCE.glob("*/__init__.pyi"))


def test_private_modules_are_in_util_only():
    assert HOUSE.private == []


def test_no_file_is_above_450_lines():
    assert [name for name, n in HOUSE.lines.items() if n > 450] == []


def test_no_function_takes_more_than_9_arguments():
    assert [name for name in HOUSE.long if name not in CONSTRUCTORS] == []
    assert max(HOUSE.long.values()) <= 15


@pytest.mark.parametrize("folder", DOORS)
def test_a_folder_lists_names_that_exist_and_says_what_it_is(folder):
    door = import_module(f"attractory.{folder}")
    assert door.__doc__
    assert door.__all__
    assert len(set(door.__all__)) == len(door.__all__)
    for name in door.__all__:
        assert not name.startswith("_")
        getattr(door, name)
    # lazy_loader offers imports alone: a definition in the .pyi would have no home.
    stub = (SOURCE / folder / "__init__.pyi").read_text(encoding="utf-8")
    assert stub.count(" as ") == len(door.__all__)
