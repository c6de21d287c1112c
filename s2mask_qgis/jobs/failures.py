"""What a failed export means: worth another attempt, perhaps in smaller parts, or not."""

from __future__ import annotations

from enum import Enum

DEADLINE, EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE = 4, 8, 10, 13, 14
"""Codes of operations' errors. Source: google.rpc.Code."""

SMALLER_TILES_PX = (128, 64)
"""Sides of the tiles in which a later attempt is computed where memory did not suffice; the service's own is 256."""

_MEMORY = ("memory",)
_ROOM = ("storage quota", "quota exceeded", "exceeded quota", "number of assets")
_PASSING = (
    "timed out",
    "internal error",
    "unavailable",
    "try again",
    "deadline",
    "backend",
    "ended before it was done",
)


class Verdict(Enum):
    """What to do about a failed export."""

    AGAIN = "again"
    SMALLER = "again, in smaller tiles"
    NEVER = "never again"
    NO_ROOM = "stop, there is no room for results"


def verdict(code: int, message: str, is_on_this_disk: bool) -> Verdict:
    """What an operation's error means, by its code (google.rpc.Code) and text.

    Earth Engine gives most errors of computations code 3 whatever they are, so the text is looked at first. Results
    ``is_on_this_disk`` can find it full, others the storage of the project or of the user's Drive.
    """
    text = message.lower()
    if any(part in text for part in _MEMORY):
        return Verdict.SMALLER
    if (is_on_this_disk and code == EXHAUSTED) or any(part in text for part in _ROOM):
        return Verdict.NO_ROOM
    is_passing = code in (DEADLINE, EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE)
    return Verdict.AGAIN if is_passing or any(part in text for part in _PASSING) else Verdict.NEVER
