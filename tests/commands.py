"""The command, run inside the tests' process."""

import pytest

from attractory.cli.app import main


def run(capsys, *arguments):
    """Return its exit status, and what it wrote to standard output and error."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return end.value.code, captured.out, captured.err
