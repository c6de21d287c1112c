"""Medians of many layers at once: a selection network of elementwise minima and maxima over whole layers.

numpy takes medians along an axis by partitioning every column for itself; exchanging whole layers costs two vectorised
operations an exchange instead (figures: docs/performance.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

CHUNK_PX = 65_536
"""Pixels handled at a time: 20 uint16 layers of a chunk are 2.6 MB and stay in the processor's cache, while a call of
numpy's still costs little beside its work."""


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
    shape = layers[0].shape
    result = np.empty(shape)
    known = None if all(mask is None for mask in valid) else np.empty(shape, bool)
    rows = max(1, CHUNK_PX // max(1, math.prod(shape[1:])))
    size = min(rows, shape[0]) * math.prod(shape[1:])
    memory = np.empty((2 * len(layers) + 5, size), f"u{layers[0].dtype.itemsize}")
    for start in range(0, shape[0], rows):
        part = slice(start, start + rows)
        chunk = [np.ravel(layer[part]) for layer in layers]  # copies what is not contiguous, while it is in the cache
        masks = [None if mask is None or mask[part].all() else np.ravel(mask[part]) for mask in valid]
        medians, found = _chunk_medians(chunk, masks, [row[: chunk[0].size] for row in memory])
        result[part] = medians.reshape(result[part].shape)
        if known is not None:
            known[part] = True if found is None else found.reshape(known[part].shape)
    return result, known


def _chunk_medians(
    layers: list[np.ndarray], masks: list[np.ndarray | None], memory: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Medians of flat layers, and where there is one; ``memory`` are unsigned arrays to be used, 2 n + 5 of them."""
    count, signed = len(layers), layers[0].dtype
    spare, free = memory[:count], memory[count:]
    unsigned = free[0].dtype
    # With its sign bit turned over a signed number is ordered like an unsigned one.
    turned = unsigned.type(1 << 8 * signed.itemsize - 1 if signed.kind == "i" else 0)
    rows = [layer.view(unsigned) for layer in layers]
    if turned:
        rows = [np.bitwise_xor(row, turned, out=mine) for row, mine in zip(rows, spare)]
    is_odd = found = None
    if any(mask is not None for mask in masks):
        rows, is_odd, found = _gaps_filled(rows, masks, spare, free[:3])
    low, high = _selected(rows, free[3:])
    if is_odd is None:
        low = low if count % 2 == 0 else high
    else:
        # Where the number of values is odd both have to be the middle one. With an odd number missing one filler more
        # lies above the valid values, so it is the lower of the two where there is an even number of layers.
        alone, other = (low, high) if count % 2 == 0 else (high, low)
        takes_one = is_odd if count % 2 == 0 else ~is_odd
        other = other ^ ((other ^ alone) & takes_one)
        low, high = alone, other
    return _mean_of((low ^ turned).view(signed), (high ^ turned).view(signed)), found


def _gaps_filled(
    rows: list[np.ndarray], masks: list[np.ndarray | None], spare: list[np.ndarray], memory: list[np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Layers with their gaps filled (in ``spare``), all bits set where an odd number is missing, and where any is not.

    Missing values become in turn the type's largest and smallest number: as many go above as below the valid ones (one
    more above where their number is odd), so the median stays where it is for a full stack. All is done by logic on
    whole words, which is many times faster than assigning by a mask (benchmarks/mask.py).
    """
    is_odd, gap, change = memory
    is_odd[:] = 0
    found = np.zeros(is_odd.size, bool)
    filled = list(rows)
    for position, (row, mask) in enumerate(zip(rows, masks)):
        if mask is None:
            found[:] = True
            continue
        np.copyto(gap, mask, casting="unsafe")
        gap -= gap.dtype.type(1)  # all bits where the value is missing, none where it is there
        np.bitwise_xor(is_odd, gap, out=is_odd)
        np.bitwise_and(is_odd, gap, out=change)  # where the largest number goes
        np.bitwise_xor(gap, change, out=change)  # where the smallest goes
        np.bitwise_or(row, gap, out=spare[position])
        np.bitwise_xor(spare[position], change, out=spare[position])
        np.logical_or(found, mask, out=found)
        filled[position] = spare[position]
    return filled, is_odd, found


def _selected(layers: list[np.ndarray], free: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The values around the middle; ``layers`` are left as they are, exchanges write to the arrays ``free``.

    A layer is only ever read from where it lies, and its first exchange puts it into an array of ours: copying all of
    them before would be one pass in eight.
    """
    rows, ours, free = list(layers), [False] * len(layers), list(free)

    def place(position: int) -> np.ndarray:
        return rows[position] if ours[position] else free.pop()

    for low, high, needs_low, needs_high in selection(len(layers)):
        below, above, was_ours = rows[low], rows[high], ours[low]
        if needs_low:
            # The lower value must not overwrite what the higher one is still made of.
            rows[low] = np.minimum(below, above, out=free.pop() if needs_high else place(low))
        if needs_high:
            rows[high] = np.maximum(below, above, out=place(high))
            ours[high] = True
        if needs_high and was_ours:
            free.append(below)
        if not needs_high and ours[high]:
            free.append(above)
        ours[low], ours[high] = needs_low, needs_high
    low, high = middle(len(layers))
    return rows[low], rows[high]


def _mean_of(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The mean of two arrays of whole numbers, as doubles; small ones are added as such, which is exact and faster."""
    wide = np.int32 if low.dtype.itemsize <= 2 else np.float64
    return np.add(low, high, dtype=wide) * 0.5
