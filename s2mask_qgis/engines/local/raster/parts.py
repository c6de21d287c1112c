"""Windows read in parts, where pixels hold arrays that would be too large for a whole window at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .sources import Neighbourhood, Pixels, Source
from .windows import Rectangle, Window, blocks

MOST_BYTES = 128 * 2**20
"""What the arrays of one source may hold at once, in doubles."""

LEAST_SIDE_PX = 16


def side_px(sources: Iterable[Source]) -> int | None:
    """The side of the largest square window in which no source holds arrays of more than MOST_BYTES; None where no
    pixels hold arrays that differ between them."""
    arrays = [source for source in sources if source.array_shape and not source.is_uniform]
    if not arrays:
        return None
    elements = max(math.prod(source.array_shape) for source in arrays)
    return max(LEAST_SIDE_PX, math.isqrt(MOST_BYTES // (8 * max(elements, 1))))


def are_read_once(sources: Sequence[Source]) -> bool:
    """True where each reader reads each of its inputs once a window, and arrays make it worth while to forget them
    then. Neighbourhoods read larger windows besides."""
    return side_px(sources) is not None and not any(isinstance(source, Neighbourhood) for source in sources)


def is_too_large(window: Window, side: int | None) -> bool:
    """True where a window is to be read in parts of this side."""
    return side is not None and isinstance(window, Rectangle) and math.prod(window.shape) > side**2


def read_in_parts(read: Callable[[Window], list[Pixels]], window: Window, side: int | None) -> list[Pixels]:
    """What ``read`` gives for a rectangle, put together from squares of this side."""
    if not isinstance(window, Rectangle) or side is None:
        return read(window)
    places = [(row, column, read(part)) for row, column, part in blocks(window.grid, side)]
    return [
        _joined([(row, column, pixels[number]) for row, column, pixels in places], window)
        for number in range(len(places[0][2]))
    ]


def _joined(parts: Sequence[tuple[int, int, Pixels]], window: Rectangle) -> Pixels:
    """Pixels of a window from those of its parts, by the row and column at which each begins."""
    first = parts[0][2].data
    lead = first.shape[: first.ndim - 2]
    data = np.empty((*lead, *window.shape), np.result_type(*(pixels.data.dtype for _, _, pixels in parts)))
    valid = np.ones(window.shape, bool)
    for row, column, pixels in parts:
        rows, columns = pixels.data.shape[-2:]
        at = np.s_[..., row : row + rows, column : column + columns]
        data[at] = pixels.data
        if pixels.valid is not None:
            valid[at] = pixels.valid
    return Pixels(data, None if not lead and valid.all() else valid)
