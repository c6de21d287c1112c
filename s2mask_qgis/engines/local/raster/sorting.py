"""Sorting many short columns at once: a network of elementwise minima and maxima over the layers of a stack.

numpy sorts along the last axis; for 20 layers of an image that costs far more than exchanging whole layers, since each
exchange is two vectorised operations (see benchmarks/).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

CHUNK_PX = 65_536
"""Pixels sorted at a time: the layers of a chunk stay in the processor's cache."""

MOST_LAYERS = 128
"""Deeper stacks are better sorted by numpy: the number of exchanges grows faster than the layers."""


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


def sort_layers(stack: np.ndarray) -> np.ndarray:
    """A copy of ``stack`` (n, ...) with the values of each position in ascending order along axis 0.

    NaN is not allowed: it has no place in an order.
    """
    flat = stack.reshape(len(stack), -1)
    result = np.empty_like(flat)
    pairs = exchanges(len(stack))
    spare = np.empty(min(CHUNK_PX, flat.shape[1]), stack.dtype)
    for start in range(0, flat.shape[1], CHUNK_PX):
        layers = result[:, start : start + CHUNK_PX]
        layers[:] = flat[:, start : start + CHUNK_PX]
        lower = spare[: layers.shape[1]]
        for low, high in pairs:
            np.minimum(layers[low], layers[high], out=lower)
            np.maximum(layers[low], layers[high], out=layers[high])
            layers[low] = lower
    return result.reshape(stack.shape)
