"""Where the flanks of a maximum cross a level, and what lies below the curve: exact for straight lines between steps.

Positions are rows of the curve (m, p) with a fraction: 3.25 is a quarter of the way from row 3 to row 4.
"""

from __future__ import annotations

import numpy as np


def crossing(
    curve: np.ndarray, pixel: np.ndarray, start: np.ndarray, level: np.ndarray, direction: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the curve of each of k pixels first falls below ``level`` going from row ``start`` on.

    ``direction`` is 1 for later and -1 for earlier. The curve is at least ``level`` at ``start`` and below it somewhere
    on the way. ``curve`` is contiguous. Returns the positions, (k,) float64, and the last rows before them, (k,).
    """
    values, stride = curve.reshape(-1), direction * curve.shape[1]
    inner = start * curve.shape[1] + pixel
    waiting, place, sought = np.arange(len(pixel)), inner, level.astype(curve.dtype)
    while waiting.size:
        further = place + stride
        goes_on = np.flatnonzero(values.take(further) >= sought)
        inner[waiting] = place
        waiting, place, sought = waiting[goes_on], further[goes_on], sought[goes_on]
    above, below = values.take(inner).astype(float), values.take(inner + stride)
    row = inner // curve.shape[1]
    return row + direction * np.clip((above - level) / (above - below), 0.0, 1.0), row


def value_at(curve: np.ndarray, pixel: np.ndarray, position: np.ndarray) -> np.ndarray:
    """The curve of each of k pixels at a position; float64 (k,)."""
    row = np.minimum(position.astype(np.intp), len(curve) - 2)
    share = position - row
    return curve[row, pixel] * (1.0 - share) + curve[row + 1, pixel] * share


def running_sum(curve: np.ndarray) -> np.ndarray:
    """The sum of the rows up to each row, (m, p) float32; gaps count as zero."""
    missing = np.isnan(curve)
    known = np.where(missing, np.float32(0), curve) if missing.any() else curve
    total = np.empty(curve.shape, np.float32)
    total[:1] = known[:1]
    for row in range(1, len(curve)):  # np.cumsum along the first axis is forty times slower
        np.add(total[row - 1], known[row], out=total[row])
    return total


def integral_to(
    curve: np.ndarray, total: np.ndarray, pixel: np.ndarray, position: np.ndarray, value: np.ndarray
) -> np.ndarray:
    """The integral from half a step before the first row to a position where the curve has ``value``, (k,) float64.

    ``total`` is the running sum; the unit is index x step. By the trapezium rule, whose rows all count whole but the
    last, so that the beginning falls out of differences.
    """
    row = np.minimum(position.astype(np.intp), len(curve) - 2)
    share, last = position - row, curve[row, pixel].astype(float)
    return total[row, pixel] - last / 2.0 + share * (last + value) / 2.0
