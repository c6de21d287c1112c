"""Choices between numbers by masks, through their bits: as fast for scattered masks as for whole ones.

``numpy.where`` and masked copies branch at each element, which costs ten times as much where masks are cloudy.
"""

from __future__ import annotations

import numpy as np


def chosen(mask: np.ndarray, values: np.ndarray | np.generic, others: np.ndarray) -> np.ndarray:
    """``values`` where ``mask`` holds, else ``others``; numbers of one type, shapes that broadcast."""
    integer = np.dtype(f"i{values.dtype.itemsize}")
    keep = -(mask.astype(integer))
    result = np.bitwise_and(values.view(integer), keep)
    rest = np.bitwise_and(others.view(integer), np.invert(keep, out=keep))
    return np.bitwise_or(result, rest, out=result).view(values.dtype)


def zero_unless(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``values`` float32 where ``mask`` holds, else 0; what stands elsewhere may be no number."""
    keep = -(mask.astype(np.int32))
    return np.bitwise_and(values.view(np.int32), keep, out=keep).view(np.float32)


def nan_unless(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``values`` float32 where ``mask`` holds, else NaN: all bits set."""
    lost = mask.astype(np.int32) - np.int32(1)
    return np.bitwise_or(values.view(np.int32), lost, out=lost).view(np.float32)
