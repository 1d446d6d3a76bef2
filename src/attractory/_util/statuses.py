"""Base of the enums that say how something ended: integers, each with a sentence for people."""

from enum import IntEnum

__all__ = ["StatusEnum"]


class StatusEnum(IntEnum):
    """An integer, so that statuses fit into an array, with a message.

    Members are written as (value, message).

    Attributes:
        message: a sentence for people.
    """

    message: str

    def __new__(cls, value: int, message: str) -> "StatusEnum":
        """Make a member of its value and its message."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.message = message
        return member
