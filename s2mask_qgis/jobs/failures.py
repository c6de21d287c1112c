"""What a failed export means: worth another attempt, perhaps in smaller parts, or not."""

from __future__ import annotations

from enum import Enum

CANCELLED, UNKNOWN, INVALID, DEADLINE, EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE = 1, 2, 3, 4, 8, 10, 13, 14
"""Codes of operations' errors. Source: google.rpc.Code."""

SMALLER_TILES_PX = (128, 64)
"""Sides of the tiles in which a later attempt is computed where memory did not suffice; the service's own is 256."""

_MEMORY = ("memory", "too much memory")
_PASSING = ("timed out", "internal error", "unavailable", "try again", "deadline", "backend", "ended before it was done")
_FULL = ("disk is full", "no space left")


class Verdict(Enum):
    """What to do about a failed export."""

    AGAIN = "again"
    SMALLER = "again, in smaller tiles"
    NEVER = "never again"
    DISK_FULL = "stop, the disk is full"


def verdict(code: int, message: str) -> Verdict:
    """What an operation's error means, by its code (google.rpc.Code) and text.

    Earth Engine gives most errors of computations code 3 whatever they are, so the text is looked at first.
    """
    text = message.lower()
    if any(part in text for part in _FULL):
        return Verdict.DISK_FULL
    if any(part in text for part in _MEMORY):
        return Verdict.SMALLER
    if code in (DEADLINE, ABORTED, INTERNAL, UNAVAILABLE) or any(part in text for part in _PASSING):
        return Verdict.AGAIN
    return Verdict.DISK_FULL if code == EXHAUSTED and "quota" not in text else Verdict.NEVER
