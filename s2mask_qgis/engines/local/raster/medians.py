"""Medians of many layers at once: a selection network of elementwise minima and maxima over whole layers.

numpy takes medians along an axis by partitioning every column for itself; exchanging whole layers costs two vectorised
operations an exchange instead (figures: docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

CHUNK_PX = 32_768
"""Pixels handled at a time: 20 uint16 layers of a chunk are 1.3 MB and stay in the processor's cache."""


MOST_LAYERS = 128
"""Deeper stacks are left to numpy: the number of exchanges grows faster than the layers."""


class Exchange(NamedTuple):
    """Two layers to be put in order, of which only what is needed later is computed."""

    low: int
    high: int
    needs_low: bool
    needs_high: bool


@lru_cache(maxsize=MOST_LAYERS)
def exchanges(count: int) -> tuple[tuple[int, int], ...]:
    """Pairs (low, high) of layers to be put in order one after another so that ``count`` layers end up sorted.

    Odd-even merge sort of K. E. Batcher, "Sorting networks and their applications", AFIPS 1968, for any count.
    """
    pairs = []
    block = 1
    while block < count:
        stride = block
        while stride >= 1:
            for start in range(stride % block, count - stride, 2 * stride):
                for low in range(start, min(start + stride, count - stride)):
                    if low // (2 * block) == (low + stride) // (2 * block):
                        pairs.append((low, low + stride))
            stride //= 2
        block *= 2
    return tuple(pairs)


@lru_cache(maxsize=MOST_LAYERS)
def selection(count: int) -> tuple[Exchange, ...]:
    """The exchanges of a sorting network of ``count`` layers on which the layers around the middle depend."""
    needed = set(middle(count))
    steps: list[Exchange] = []
    for low, high in reversed(exchanges(count)):
        step = Exchange(low, high, low in needed, high in needed)
        if step.needs_low or step.needs_high:
            steps.append(step)
            needed |= {low, high}
    return tuple(reversed(steps))


def middle(count: int) -> tuple[int, int]:
    """Positions of the two values, among ``count`` in order, that a median may be made of (see median_layers)."""
    return (count - 1) // 2 - (count % 2 and count > 1), count // 2


def median_layers(
    layers: Sequence[np.ndarray], valid: Sequence[np.ndarray | None]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Per pixel the median of the valid values of integer layers of one type and shape, as doubles.

    An even number of values has the mean of the middle two as its median. Returns the medians and where there is one
    (None: everywhere). ``valid`` holds an array of booleans a layer, or None where all of it is valid.
    """
    shape, signed = layers[0].shape, layers[0].dtype
    unsigned = np.dtype(f"u{signed.itemsize}")
    # With its sign bit turned over a signed number is ordered like an unsigned one.
    turned = unsigned.type(1 << 8 * signed.itemsize - 1 if signed.kind == "i" else 0)
    flat = [np.ravel(layer).view(unsigned) for layer in layers]
    masks = [None if mask is None else np.ravel(mask) for mask in valid]
    result = np.empty(flat[0].size)
    counts = None if all(mask is None for mask in masks) else np.empty(flat[0].size, np.uint8)
    buffer = np.empty((len(layers) + 1, min(CHUNK_PX, flat[0].size)), unsigned)
    for start in range(0, flat[0].size, CHUNK_PX):
        part = slice(start, start + CHUNK_PX)
        rows = [row[: result[part].size] for row in buffer]
        for row, layer in zip(rows, flat):
            np.bitwise_xor(layer[part], turned, out=row)
        missing = _fill_gaps(rows, [_needed(mask, part) for mask in masks])
        if counts is not None:
            counts[part] = 0 if missing is None else missing
        selected = _selected(rows, len(layers))
        low, high = (selected[position] ^ turned for position in middle(len(layers)))
        result[part] = _median_of(low.view(signed), high.view(signed), len(layers), missing)
    if counts is None:
        return result.reshape(shape), None
    return result.reshape(shape), (counts < len(layers)).reshape(shape)


def _needed(mask: np.ndarray | None, part: slice) -> np.ndarray | None:
    """A chunk of a mask, None where all of it is valid: often a whole layer is, but for the edges of its window."""
    if mask is None or mask[part].all():
        return None
    return mask[part]


def _fill_gaps(rows: list[np.ndarray], masks: list[np.ndarray | None]) -> np.ndarray | None:
    """Fill the gaps of unsigned layers; returns how many values of each pixel are missing, None for none.

    Missing values become in turn the type's largest and smallest number: as many go above as below the valid ones (one
    more above where their number is odd), so the median stays where it is for a full stack. Bits are set by logic,
    which is many times faster than assigning by a mask.
    """
    if all(mask is None for mask in masks):
        return None
    ones = np.iinfo(rows[0].dtype).max
    missing = np.zeros(rows[0].size, np.uint8)
    filler = np.full(rows[0].size, ones, rows[0].dtype)
    gap = np.empty_like(filler)
    for row, mask in zip(rows, masks):
        if mask is not None:
            np.multiply(~mask, ones, out=gap, casting="unsafe", dtype=gap.dtype)
            row &= ~gap
            row |= filler & gap
            filler ^= gap
            missing += (~mask).view(np.uint8)
    return missing


def _selected(rows: list[np.ndarray], count: int) -> list[np.ndarray]:
    """``rows`` after the selection; the last of them is a spare."""
    for low, high, needs_low, needs_high in selection(count):
        if needs_low and needs_high:
            np.minimum(rows[low], rows[high], out=rows[count])
            np.maximum(rows[low], rows[high], out=rows[high])
            rows[low], rows[count] = rows[count], rows[low]
        elif needs_low:
            np.minimum(rows[low], rows[high], out=rows[low])
        else:
            np.maximum(rows[low], rows[high], out=rows[high])
    return rows


def _median_of(low: np.ndarray, high: np.ndarray, count: int, missing: np.ndarray | None) -> np.ndarray:
    """The medians from the values around the middle: one where their number is odd, the mean of two where even."""
    if missing is None:
        if count % 2:
            return high.astype(np.float64)
        return (low.astype(np.float64) + high) / 2
    # With an odd number missing one filler more lies above, so the lone middle value is the lower of the two.
    alone = low if count % 2 == 0 else high
    is_even = (count - missing) % 2 == 0
    return np.where(is_even, (low.astype(np.float64) + high) / 2, alone)
