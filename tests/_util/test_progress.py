"""Progress: a function of the caller's own, a bar on demand, silence otherwise."""

import os
import sys

import pytest

from attractory._util.progress import counting, reporting


def test_a_function_gets_the_values_themselves():
    seen = []
    with reporting(lambda *values: seen.append(values), "run", counting) as report:
        report(1, 2)
        report(2, 2)
    assert seen == [(1, 2), (2, 2)]


def test_a_bar_on_demand_and_silence_without_a_terminal(capsys, monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with reporting(True, "census", counting) as report:
        report(1000, 2000)
    assert "census: 1,000 of 2,000" in capsys.readouterr().err
    for quiet in (False, None):
        with reporting(quiet, "census", counting) as report:
            report(1, 2)
        assert capsys.readouterr().err == ""


def test_an_error_inside_comes_through():
    with pytest.raises(KeyError), reporting(True, "run", counting):
        raise KeyError


class Raises:
    """A stream none of whose methods can be called."""

    def __getattr__(self, name):
        raise OSError(name)


class Logger:
    """As logging packages put in the place of standard error: it has `write` and no more."""

    def __init__(self):
        self.lines = []

    def write(self, text):
        self.lines.append(text)


def test_whatever_stands_for_standard_error_no_run_fails(monkeypatch):
    with open(os.devnull, "w") as closed:
        pass
    logger = Logger()
    for stream in (None, closed, Raises(), logger):
        monkeypatch.setattr(sys, "stderr", stream)
        for progress in (None, True, False):
            with reporting(progress, "run", counting) as report:
                report(1, 2)
                report(2, 2)
    assert logger.lines
