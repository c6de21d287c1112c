"""Squares: what lies below the neighbourhoods of an export, computed once and kept for the windows around it.

A neighbourhood reads a few pixels around each window. Read window by window, these lie on tiles that other windows
have decoded before: up to four times in all. Cut along the tiles instead, each tile is decoded once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ....core.grid import Grid
from .parts import side_px
from .sources import Neighbourhood, Pixels, Reader, Source
from .stored import StoredBand
from .windows import Area, Rectangle, Window, offset_in, part_of

SIDE_PX = 512
"""Whole tiles of 256 pixels, at every scale that masks are made at. Tiles of 60 m reach over three squares of 10 m."""

Place = tuple[int, int]
"""Row and column of a square among all squares."""


@dataclass(frozen=True)
class Lattice:
    """An export and the ``margin_px`` around it that neighbourhoods read, cut into squares: ``row_cuts`` and
    ``column_cuts`` are where they begin and, last, where they end."""

    around: Rectangle
    margin_px: int
    row_cuts: tuple[int, ...]
    column_cuts: tuple[int, ...]

    def places(self, window: Rectangle) -> list[Place]:
        """The squares that a window meets; none where it does not lie wholly in the rectangle."""
        offset = offset_in(self.around, window)
        if offset is None:
            return []
        rows = _met(self.row_cuts, offset[0], window.shape[0])
        return [(row, column) for row in rows for column in _met(self.column_cuts, offset[1], window.shape[1])]

    def square(self, place: Place) -> Rectangle:
        """The pixels of a square."""
        rows, columns = (slice(*cuts[at : at + 2]) for cuts, at in zip((self.row_cuts, self.column_cuts), place))
        return part_of(self.around, (rows, columns))


def _met(cuts: Sequence[int], start: int, size: int) -> range:
    """Numbers of the intervals between ``cuts`` that ``size`` pixels from ``start`` on meet."""
    first = int(np.searchsorted(cuts, start, side="right")) - 1
    return range(first, int(np.searchsorted(cuts, start + size, side="left")))


def lattice_of(grid: Grid, outputs: Iterable[Source]) -> Lattice | None:
    """How to cut an export over ``grid``; None where a single square would hold it, or where pixels hold arrays."""
    reach = reaches(outputs)
    margin = max(reach.values(), default=0)
    band = next((source for source in reach if isinstance(source, StoredBand) and source.grid.crs == grid.crs), None)
    if band is None or not margin or side_px(reach) is not None:
        return None
    around = Rectangle(grid).grown(margin)
    x_scale, _, x0, _, y_scale, y0 = around.grid.transform
    x_tiles, y_tiles = band.grid.transform[2], band.grid.transform[5]
    rows, columns = around.shape
    row_cuts = _cuts(rows, round((y_tiles - y0) / y_scale))
    column_cuts = _cuts(columns, round((x_tiles - x0) / x_scale))
    return Lattice(around, margin, row_cuts, column_cuts) if len(row_cuts) + len(column_cuts) > 4 else None


def _cuts(size: int, origin: int) -> tuple[int, ...]:
    """0, the multiples of SIDE_PX counted from ``origin``, and ``size``; no piece at an end is a mere sliver."""
    least = SIDE_PX // 8
    inner = [cut for cut in range(origin % SIDE_PX, size, SIDE_PX) if least <= cut <= size - least]
    return (0, *inner, size)


def reaches(outputs: Iterable[Source]) -> dict[Source, int]:
    """All sources of ``outputs``, and how many pixels beyond a window each is read at most, by neighbourhoods above."""
    reach = dict.fromkeys(outputs, 0)
    waiting = list(reach)
    while waiting:
        source = waiting.pop()
        beyond = reach[source] + (source.radius_px if isinstance(source, Neighbourhood) else 0)
        for each in source.inputs:
            if beyond > reach.get(each, -1):
                reach[each] = beyond
                waiting.append(each)
    return reach


def squares_below(sources: Sequence[Source], lattice: Lattice | None) -> dict[Source, Squares]:
    """What to read instead of the sources that the lowest neighbourhoods among ``sources`` look at."""
    if lattice is None:
        return {}
    looked_at = dict.fromkeys(source.inputs[0] for source in sources if isinstance(source, Neighbourhood))
    lowest = (source for source in looked_at if not isinstance(source, StoredBand) and _is_lowest(source))
    return {source: Squares(source, lattice) for source in lowest}


def _is_lowest(source: Source) -> bool:
    below = list(reaches([source]))
    return any(isinstance(each, StoredBand) for each in below) and not any(isinstance(e, Neighbourhood) for e in below)


class Squares(Source):
    """The same pixels as another source's, square by square; values of a byte are kept, 0 and 1 as bits."""

    def __init__(self, source: Source, lattice: Lattice) -> None:
        self.inputs = source.inputs
        self.is_whole = source.is_whole
        self._source = source
        self._lattice = lattice
        self._kept: dict[Place, _Packed] = {}
        self._is_wide = False

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source. A window that is no part of the export is computed by itself."""
        places = self._lattice.places(window) if isinstance(window, Rectangle) and not self._is_wide else []
        if not isinstance(window, Rectangle) or not places:
            return self._source.compute(window, read)
        parts = {place: self._square(place, read) for place in places}
        if len(parts) == 1 and self._lattice.square(places[0]) == window:
            return parts[places[0]]
        return self._joined(window, parts)

    def missing(self, window: Rectangle) -> list[Place]:
        """The squares that a window needs and that are not kept. Those above it are forgotten: windows come in rows."""
        places = [] if self._is_wide else self._lattice.places(window)
        if places:
            top = places[0][0]
            self._kept = {place: kept for place, kept in self._kept.items() if place[0] >= top}
        return [place for place in places if place not in self._kept]

    def _square(self, place: Place, read: Reader) -> Pixels:
        kept = self._kept.get(place)
        square = self._lattice.square(place)
        if kept is not None:
            return kept.pixels(square.shape)
        pixels = self._source.compute(square, read)
        packed = _Packed.of(pixels)
        if packed is None:
            self._is_wide = True
            return pixels
        self._kept[place] = packed
        return packed.pixels(square.shape)

    def _joined(self, window: Rectangle, parts: Mapping[Place, Pixels]) -> Pixels:
        data = np.empty(window.shape, np.result_type(*(pixels.data.dtype for pixels in parts.values())))
        valid = np.ones(window.shape, bool)
        for place, pixels in parts.items():
            inside, taken = _common(window, self._lattice.square(place))
            data[inside] = pixels.data[taken]
            if pixels.valid is not None:
                valid[inside] = pixels.valid[taken]
        return Pixels(data, None if all(pixels.valid is None for pixels in parts.values()) else valid)


def _common(window: Rectangle, square: Rectangle) -> tuple[Area, Area]:
    """The pixels that a window and a square share, as rows and columns of each."""
    x_scale, _, x0, _, y_scale, y0 = window.grid.transform
    shifts = round((square.grid.transform[5] - y0) / y_scale), round((square.grid.transform[2] - x0) / x_scale)
    spans = list(_overlaps(window.shape, square.shape, shifts))
    return (spans[0][0], spans[1][0]), (spans[0][1], spans[1][1])


def _overlaps(sizes: Sequence[int], other_sizes: Sequence[int], shifts: Sequence[int]) -> Iterator[tuple[slice, slice]]:
    for size, other, shift in zip(sizes, other_sizes, shifts):
        start, stop = max(0, shift), min(size, shift + other)
        yield slice(start, stop), slice(start - shift, stop - shift)


@dataclass(frozen=True)
class _Packed:
    """Pixels kept in little memory: values of 0 and 1 and validity as bits, other values of one byte as they are."""

    data: np.ndarray
    dtype: np.dtype
    are_bits: bool
    valid: np.ndarray | None

    @classmethod
    def of(cls, pixels: Pixels) -> _Packed | None:
        """None where the values need more than a byte."""
        valid = None if pixels.valid is None else np.packbits(pixels.valid)
        data = pixels.data if pixels.valid is None else np.where(pixels.valid, pixels.data, pixels.data.dtype.type(0))
        ones = data == 1
        if (ones | ((data == 0) & ~np.signbit(data))).all():
            return cls(np.packbits(ones), data.dtype, True, valid)
        return cls(np.array(data), data.dtype, False, valid) if data.itemsize == 1 else None

    def pixels(self, shape: tuple[int, ...]) -> Pixels:
        """The pixels again; masked ones are 0."""
        valid = None if self.valid is None else _unpacked(self.valid, shape).astype(bool)
        return Pixels(_unpacked(self.data, shape).astype(self.dtype) if self.are_bits else self.data, valid)


def _unpacked(bits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.unpackbits(bits, count=math.prod(shape)).reshape(shape)
