"""What the quality band of a filled series says: one code a value, and the words for it."""

from __future__ import annotations

OBSERVED = -1
HIGHEST_ORDER = 10
LINEAR, SAVITZKY_GOLAY, WHITTAKER = 101, 102, 103
NO_VALUE = 0

METHOD_CODES = {"linear": LINEAR, "savitzky-golay": SAVITZKY_GOLAY, "whittaker": WHITTAKER}
"""The code of each method that has one for all its values; harmonic methods write the order that was used."""


def words(code: int) -> str:
    """A quality code in words. ValueError for a code that no band holds."""
    fixed = {
        OBSERVED: "observed",
        NO_VALUE: "no value",
        LINEAR: "straight line in time",
        SAVITZKY_GOLAY: "Savitzky-Golay",
        WHITTAKER: "Whittaker",
    }
    if code in fixed:
        return fixed[code]
    if 1 <= code <= HIGHEST_ORDER:
        return f"harmonics of order {code}"
    raise ValueError(f"{code} is no quality code.")
