"""The pixels the library stores: reflectance x 10000 or classes, uint16 with one invalid value, and their halvings."""

from __future__ import annotations

import numpy as np

from ..asset_pyramid import halve as halve_by

NODATA = 65535
"""Marks a pixel without value in every ingested file."""
HIGHEST = NODATA - 1
"""The largest value a valid pixel can have."""
LEVEL_FACTORS = (1, 2, 4, 8)


def harmonise(numbers: np.ndarray, offset: int, nodata: int, saturated: int | None) -> np.ndarray:
    """Digital numbers (uint16, any shape) as reflectance x 10000: max(number + offset, 0), invalid ones NODATA."""
    # The sum stays in 16 bits: within [low, high] it cannot leave 0 .. HIGHEST, and unsigned addition wraps exactly.
    low, high = max(0, -offset), min(NODATA, HIGHEST - offset)
    values = np.clip(numbers, low, high).astype(np.uint16, copy=False)
    values += np.uint16(offset % 65536)
    if saturated is not None:
        values[numbers == saturated] = HIGHEST
    values[numbers == nodata] = NODATA
    return values


def halve(values: np.ndarray) -> np.ndarray:
    """The next pyramid level of a 2-D array (sizes round up): the mean of the valid pixels among each 2 x 2.

    Means are rounded half up; a pixel none of whose sources is valid is NODATA.
    """
    rows, columns = ((size + 1) // 2 for size in values.shape)
    total = np.zeros((rows, columns), np.uint32)
    count = np.zeros((rows, columns), np.uint32)
    for row in (0, 1):
        for column in (0, 1):
            part = values[row::2, column::2]
            valid = part != NODATA
            height, width = part.shape
            total[:height, :width] += np.where(valid, part, 0)
            count[:height, :width] += valid
    mean = (2 * total + count) // np.maximum(2 * count, 1)
    return np.where(count > 0, mean, NODATA).astype(np.uint16)


def halve_classes(values: np.ndarray) -> np.ndarray:
    """The next pyramid level of classes or bit masks, which have no mean: the most frequent valid value among each
    2 x 2, of equally frequent ones the first in reading order."""
    return halve_by(values, NODATA, "MODE")


def level_shape(shape_yx: tuple[int, int], factor: int) -> tuple[int, int]:
    """Rows and columns of the pyramid level ``factor`` of a grid."""
    return -(-shape_yx[0] // factor), -(-shape_yx[1] // factor)


def levels_of(shape_yx: tuple[int, int]) -> tuple[int, ...]:
    """The levels a raster of this shape has: halved until a single pixel is left, at most to the last factor."""
    return tuple(factor for factor in LEVEL_FACTORS if factor == 1 or max(shape_yx) > factor // 2)
