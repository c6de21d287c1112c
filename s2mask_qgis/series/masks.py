"""What the numbers of a mask mean: how its coding is recognised, and every value as a reason."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import numpy as np

from ..core.filling.observations import Reason
from ..engines.errors import SceneError

OUTSIDE = 255
"""Stands for pixels outside a mask, and for no data; no coding uses it otherwise."""


class MaskCoding(Enum):
    """How a mask is read; the text is for the user."""

    CLOUDS = "0 clear, 1 cloud, 2 shadow"
    MASKED = "0 clear, 1 masked"
    VALID = "1 clear, 0 masked"
    SCL = "scene classification: 4, 5, 6 and 7 clear; 2 and 3 shadow; 8, 9 and 10 cloud; 11 snow; 0 and 1 no data"


_REASONS: dict[MaskCoding, dict[int, Reason]] = {
    MaskCoding.CLOUDS: {0: Reason.CLEAR, 1: Reason.CLOUD, 2: Reason.SHADOW},
    # A shadow that the look at the values missed is one all the same.
    MaskCoding.MASKED: {0: Reason.CLEAR, 1: Reason.OTHER, 2: Reason.SHADOW},
    MaskCoding.VALID: {0: Reason.OTHER, 1: Reason.CLEAR},
    # Class 7, unclassified, stays: the processor found no cloud there, and a robust fit leaves out what it missed.
    MaskCoding.SCL: {
        **dict.fromkeys((0, 1), Reason.NO_DATA),
        **dict.fromkeys((2, 3), Reason.SHADOW),
        **dict.fromkeys((4, 5, 6, 7), Reason.CLEAR),
        **dict.fromkeys((8, 9, 10), Reason.CLOUD),
        11: Reason.SNOW,
    },
}


def coding_of(values: Iterable[float], says_scl: bool, says_cloud: bool, says_valid: bool, label: str) -> MaskCoding:
    """The coding of masks that hold ``values`` (no data left out).

    ``says_scl``, ``says_cloud`` and ``says_valid`` tell what names and metadata say. SceneError
    where no coding has all the values.
    """
    found = {float(value) for value in values}
    if says_scl or (found <= set(range(12)) and max(found, default=0) > 2):
        coding = MaskCoding.SCL
    elif 2 in found or (says_cloud and not says_valid):
        coding = MaskCoding.CLOUDS
    else:
        coding = MaskCoding.VALID if says_valid else MaskCoding.MASKED
    unknown = sorted(found - set(_REASONS[coding]))
    if unknown:
        shown = ", ".join(f"{value:g}" for value in unknown[:5])
        raise SceneError(
            f"{label} cannot be read as a mask: the value {shown} is neither of a mask (0 clear, 1 cloud, 2 shadow) "
            f"nor of a scene classification (0 to 11)."
        )
    return coding


def reasons_of(stored: np.ndarray, coding: MaskCoding, nodata: float | None) -> np.ndarray:
    """Every value of a mask as a Reason (uint8, same shape); a value that the coding does not have is OTHER.

    ``nodata`` is what the file declares; where it is one of the coding's own values it means what the coding says,
    since many programs declare 0 in masks in which 0 is clear.
    """
    table = np.full(256, Reason.OTHER, np.uint8)
    for value, reason in _REASONS[coding].items():
        table[value] = reason
    table[OUTSIDE] = Reason.NO_DATA
    if stored.dtype == np.uint8:
        codes = stored
    else:
        with np.errstate(invalid="ignore"):
            is_code = (stored >= 0) & (stored < OUTSIDE) & (stored == np.floor(stored))
        is_missing = np.isnan(stored) if stored.dtype.kind == "f" else np.zeros(stored.shape, bool)
        codes = np.where(is_code, stored, np.where(is_missing, OUTSIDE, OUTSIDE - 1)).astype(np.uint8)
    reasons = table[codes]
    if nodata is not None and nodata not in _REASONS[coding]:
        reasons[stored == nodata] = Reason.NO_DATA
    return reasons
