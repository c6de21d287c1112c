"""Why an observation of a series is used or not."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """What became of one observation of one pixel; only CLEAR ones are fitted."""

    CLEAR = 0
    CLOUD = 1
    SHADOW = 2
    NO_DATA = 3
    SNOW = 4
    OTHER = 5  # masked, the mask does not say by what
