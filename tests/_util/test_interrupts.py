"""Ctrl-C: raised again where it was swallowed, and the end of a command whatever it is doing."""

import signal
import subprocess
import sys

import pytest

from attractory._util.interrupts import check, heeded, too_late

# What follows `ready` is where Ctrl-C comes: in a destructor, which swallows exceptions; in code
# that takes every exception; after the work is done.
WATCHED = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from attractory._util.interrupts import gently, too_late, unfinished, watched

class Swallows:
    def __del__(self):
        ready()

def ready(seconds=20):
    print("ready", flush=True)
    time.sleep(seconds)

def anything():
    while True:
        try:
            ready()
        except BaseException:
            pass

with watched(), unfinished(sys.argv[2]):
    open(sys.argv[2], "w").close()
    try:
        exec(sys.argv[1])
    finally:
        os.unlink(sys.argv[2])
"""


def ended(tmp_path, code, signals=1):
    left = tmp_path / "temporary"
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED, code, left], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    for _ in range(signals):
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert not left.exists()
    return process.returncode, err.decode()


@pytest.mark.parametrize("code", ["Swallows()", "anything()", "import this; ready()"])
def test_a_command_ends_wherever_it_is(tmp_path, code):
    said = "attractory: interrupted; nothing was written\n"
    assert ended(tmp_path, code) == (130, said)


def test_a_command_that_has_done_its_work_is_not_interrupted(tmp_path):
    assert ended(tmp_path, "too_late(); ready(0.2); sys.exit(3)") == (3, "")


def test_a_command_that_says_what_it_keeps_ends_at_the_second(tmp_path):
    code, err = ended(tmp_path, "gently()\ntry: ready()\nexcept KeyboardInterrupt: sys.exit(7)")
    assert (code, err) == (7, "")
    assert ended(tmp_path, "gently(); anything()", 2)[0] == 130


@pytest.fixture
def default():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_in_a_destructor_is_raised_at_the_next_check():
    class Swallows:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    reached = []

    def swallowed(then, last):
        Swallows()
        reached.append("after")
        then()
        reached.append(last)

    with pytest.raises(KeyboardInterrupt), heeded():
        swallowed(check, "never")
    with pytest.raises(KeyboardInterrupt), heeded(), heeded():
        swallowed(lambda: None, "last")  # raised at the end of the block, if nothing checks
    with pytest.raises(KeyboardInterrupt), heeded():
        swallowed(lambda: too_late(lambda: reached.append("done")), "never")
    assert reached == ["after", "after", "last", "after"]
    check()  # all are answered
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
