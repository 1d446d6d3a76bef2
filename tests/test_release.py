"""What is told in several places is told alike: the version, and what the package needs."""

import re
import tomllib
from pathlib import Path

import attractory

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version_and_one_date():
    assert PROJECT["dynamic"] == ["version"]
    version = attractory.__version__
    heads = re.findall(r"(?m)^## (.+)$", text("CHANGELOG.md"))
    assert heads[0] == "Unreleased"
    released, date = heads[1].split(" — ")
    assert released == version
    assert re.search(r"(?m)^version: (.+)$", text("CITATION.cff"))[1] == version
    assert re.search(r"(?m)^date-released: (.+)$", text("CITATION.cff"))[1] == date
    assert re.search(r'(?m)^  version: "(.+)"$', text("packaging/conda/recipe.yaml"))[1] == version


def test_the_conda_recipe_needs_what_the_package_needs():
    names = {"matplotlib-base": "matplotlib", "typing_extensions": "typing-extensions"}
    run = text("packaging/conda/recipe.yaml").split("  run:\n")[1].split("\ntests:")[0]
    found = [re.fullmatch(r" *- (\S+) (\S+)", line) for line in run.strip("\n").splitlines()]
    (python, bound), *rest = [each.groups() for each in found]
    assert (python, bound) == ("python", PROJECT["requires-python"])
    assert [names.get(name, name) + bound for name, bound in rest] == PROJECT["dependencies"]


def test_every_claimed_python_is_in_the_matrix():
    claimed = [
        each.rpartition(" ")[2]
        for each in PROJECT["classifiers"]
        if re.search(r"Python :: 3\.\d+$", each)
    ]
    assert f">={claimed[0]}" == PROJECT["requires-python"]
    assert (
        re.findall(r'"(3\.\d+)"', text("noxfile.py").split("PYTHONS = ")[1].split("\n")[0])
        == claimed
    )
    matrix = re.search(r"python: (\[.*\])", text(".github/workflows/ci.yml"))[1]
    assert re.findall(r'"(3\.\d+)"', matrix) == claimed[1:]


def test_the_commands_of_the_readme_are_what_ci_takes():
    """`.ci/run` takes the test command from there by the same expression."""
    expression = re.search(r"grep -m 1 -E '(.*)' README.md", text(".ci/run"))[1]
    assert len(re.findall(f"(?m){expression}", text("README.md"))) == 1
