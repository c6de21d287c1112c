"""How a band is read at a coarser scale: a pyramid of means and nearest neighbours, in plain numpy."""

from __future__ import annotations

import numpy as np


def coarser(band: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The next level of a pyramid: whole-number means, halves rounded up, of the valid pixels of each 2 x 2.

    Odd edges have what is there; a pixel is invalid where none of its four is valid.
    """
    rows, columns = band.shape
    shape = ((rows + 1) // 2, (columns + 1) // 2)
    values, known = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    for row in range(shape[0]):
        for column in range(shape[1]):
            part = (slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2))
            inside = [int(value) for value in band[part][valid[part]]]
            if inside:
                values[row, column] = (2 * sum(inside) + len(inside)) // (2 * len(inside))
                known[row, column] = True
    return values, known


def read_at(
    band: np.ndarray, valid: np.ndarray, native_scale: float, out_scale: float, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A band (y, x) of whole numbers on pixels of ``out_scale`` with the same upper left corner: values and validity.

    Read from the coarsest level (native size times a power of two) that is not coarser than ``out_scale``, the native
    one where all are, at the centres of the output's pixels. Pixels beyond the band are invalid and 0.
    """
    level_scale = native_scale
    while 2 * level_scale <= out_scale:
        band, valid = coarser(band, valid)
        level_scale *= 2
    values, known = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    for row in range(shape[0]):
        for column in range(shape[1]):
            y = int((row + 0.5) * out_scale // level_scale)
            x = int((column + 0.5) * out_scale // level_scale)
            if y < band.shape[0] and x < band.shape[1] and valid[y, x]:
                values[row, column], known[row, column] = band[y, x], True
    return values, known
