"""Locks: one holder at a time, none after a kill, and on the file of a name, not on an old one."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from attractory.io.atomic_file import replacing
from attractory.io.file_lock import locked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no locks there")

HOLD = """
import sys, time
from attractory.io.atomic_file import replacing
from attractory.io.file_lock import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_leaves_the_lock_free(tmp_path):
    file = tmp_path / "file"
    file.write_text("old")
    holder = subprocess.Popen([sys.executable, "-c", HOLD, file], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    waited = []

    def kill():
        waited.append(True)
        holder.send_signal(signal.SIGKILL)

    with locked(file, kill):  # would wait for a minute if the lock outlived its holder
        assert waited == [True]
    holder.stdout.close()
    assert holder.wait() == -signal.SIGKILL
    assert os.listdir(tmp_path) == ["file"]


def test_threads_that_read_change_and_replace_lose_nothing(tmp_path):
    """Each waiter finds that the file it waited for has been replaced, and takes the new one."""
    file = tmp_path / "count"
    file.write_text("0")

    def count(name):
        for _ in range(20):
            with locked(file), locked(file):  # a thread may take its own lock again
                number = int(file.read_text())
                new = tmp_path / name
                new.write_text(str(number + 1))
                os.replace(new, file)

    threads = [threading.Thread(target=count, args=(f"new{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_text() == "80"


def test_an_error_frees_the_lock_and_a_missing_file_has_none(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(KeyError), locked(file):
        raise KeyError
    with locked(file, lambda: pytest.fail("it is held")):
        pass
    with locked(tmp_path / "none"):
        assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_not_replaced_while_another_holds_its_lock(tmp_path):
    file, seen = tmp_path / "file", []
    file.write_text("old")

    def look():
        seen.append(released.is_set())
        return True

    def write():
        with replacing(
            file, durable=True, guard=lambda: seen.append(released.is_set()) or True
        ) as new:
            new.write(b"new")

    released, writer = threading.Event(), threading.Thread(target=write)
    with locked(file):
        writer.start()
        writer.join(0.3)  # a writer that does not wait is done by then, on most machines
        assert file.read_text() == "old"
        released.set()
    writer.join()
    assert seen == [True]
    assert file.read_text() == "new"
