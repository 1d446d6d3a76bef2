"""What is printed never changes how a command ends, and names never control the terminal."""

import io
import json
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from rich.table import Table

import attractory.cli
from attractory.cli.app import main
from attractory.cli.console import complain, print_json, say, show, working
from attractory.cli.streams import safe_streams

CODES = "a\x1b[2Jb\x9bc\x07d\u202ee\nf\x7f[bold]g[/x]"
UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\udc80-\udcff]")


def printed(encoding, act):
    """Return what an action prints into a file whose encoding is as strict as can be."""
    read, write = os.pipe()
    with (
        open(read, encoding=encoding) as seen,
        open(write, "w", encoding=encoding, errors="strict") as stream,
        redirect_stdout(stream),
    ):
        with safe_streams():
            act()
        stream.close()
        return seen.read()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_characters_that_the_encoding_lacks_are_spelled_out(encoding):
    def act():
        say("λ ½ № — 語\udcff")
        table = Table(caption="from λ ≥ ½")
        table.add_column("σ")
        table.add_row("№ 語")
        show(table)
        print_json({"name": "№ 語\udcff\x7f"})

    text = printed(encoding, act)
    want = {
        "ascii": "lambda 1/2 No. - \\u8a9e?",
        "cp1252": "lambda ½ No. — \\u8a9e?",
        "utf-8": "λ ½ № — 語�",
    }[encoding]
    assert text.splitlines()[0] == want
    assert json.loads(text[text.index("{") :]) == {"name": "№ 語\udcff\x7f"}


@pytest.mark.parametrize("command", ["store", "recall", "inspect", "add", "forget", "verify"])
def test_help_in_ascii(command):
    def act():
        with pytest.raises(SystemExit) as end:
            main([command, "-h"])
        assert end.value.code == 0

    assert "Usage" in printed("ascii", act)


def test_escape_codes_never_reach_the_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich's own codes are the only ones
    say(CODES)
    complain(CODES)
    with working(CODES) as tell:
        tell(CODES)
    table = Table(title=CODES, caption=CODES)
    table.add_column(CODES)
    table.add_row(CODES)
    show(table)
    print_json({CODES: CODES})
    with pytest.raises(SystemExit):
        main(["verify", CODES])
    with pytest.raises(SystemExit):
        main([CODES])
    captured = capsys.readouterr()
    own = re.compile(r"\x1b\[[\d;?]*[mhlAK]|\r")
    for text in (captured.out, captured.err):
        assert "b" in text
        assert not UNSAFE.search(own.sub("", text))
        assert "\x1b[2J" not in text
    assert "[bold]g[/x]" in captured.out


def test_every_print_goes_through_the_console():
    folder = Path(attractory.cli.__file__).parent
    for path in folder.glob("*.py"):
        if path.name != "console.py":
            assert not re.search(r"(?<![\w.])print\(|sys\.std\w+\.write|echo\(", path.read_text())


def test_a_reader_that_went_away_changes_no_status():
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stream, redirect_stdout(stream), redirect_stderr(stream):
        with pytest.raises(SystemExit) as end:
            main(["reproduce", "--list"])
        assert end.value.code == 0
        with pytest.raises(SystemExit) as end:
            main(["verify", "no-such"])
        assert end.value.code == 2


class Log:
    """All that some programs put in the place of a stream."""

    def write(self, text):
        return len(text)


@pytest.mark.parametrize("stream", [None, io.StringIO(), Log()])
def test_streams_that_are_no_files(monkeypatch, stream):
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    for arguments, status in ((["reproduce", "--list"], 0), (["verify", "no-such"], 2)):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == status
    assert sys.stdout is sys.stderr is stream


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_disk_is_told(capsys):
    with open("/dev/full", "w") as stream, redirect_stdout(stream), pytest.raises(SystemExit) as e:
        main(["reproduce", "--list"])
    assert e.value.code == 1
    assert capsys.readouterr().err == (
        "attractory: what was printed could not be written: No space left on device\n"
    )
