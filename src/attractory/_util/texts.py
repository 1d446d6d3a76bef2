"""Numbers and nouns as text."""

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "cell"), counted(0, "cell")
        ('1 cell', '0 cells')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
