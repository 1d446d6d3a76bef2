"""Where the command starts: Ctrl-C is heeded before anything slow is imported."""

from attractory._util.interrupts import watched

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command `attractory` as `attractory.cli.app.main` does."""
    with watched():
        from attractory.cli.app import main as run

        run(arguments)
