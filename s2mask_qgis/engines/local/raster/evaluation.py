"""Evaluation of sources over a window: each source that several others read is computed once a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from ....core.grid import Grid
from .parts import are_read_once, is_too_large, read_in_parts, side_px
from .sources import Pixels, Source
from .squares import Lattice, Place, lattice_of, squares_below
from .weighted import together
from .windows import Rectangle, Scatter, Window, offset_in


def shared_sources(outputs: Iterable[Source], instead: Mapping[Source, Source] | None = None) -> frozenset[Source]:
    """The sources below ``outputs`` that are read more than once, where some are read ``instead`` of others."""
    return frozenset(source for source, count in readers_of(outputs, instead or {}).items() if count > 1)


def readers_of(outputs: Iterable[Source], instead: Mapping[Source, Source]) -> Counter[Source]:
    """How often ``outputs`` and all that lies below them are read."""
    readers: Counter[Source] = Counter(instead.get(source, source) for source in outputs)
    seen: set[Source] = set()
    waiting = list(readers)
    while waiting:
        source = waiting.pop()
        if source in seen:
            continue
        seen.add(source)
        inputs = [instead.get(each, each) for each in source.inputs]
        readers.update(inputs)
        waiting.extend(inputs)
    return readers


def all_sources(outputs: Iterable[Source]) -> list[Source]:
    """The outputs and all that lies below them, each once, always in the same order."""
    found: dict[Source, None] = {}
    waiting = list(outputs)
    while waiting:
        source = waiting.pop()
        if source not in found:
            found[source] = None
            waiting.extend(source.inputs)
    return list(found)


class Evaluation:
    """Reads ``outputs`` window by window.

    What is shared within a window is kept until the window is done; what has a single reader is dropped at once, so the
    memory of a block is bounded by the shared sources, not by the size of the graph. Where pixels hold arrays, a large
    window is read in parts, and what is shared is kept until its last reader has it. Where a ``lattice`` is given, what
    lies below neighbourhoods is computed by its squares.
    """

    def __init__(self, outputs: Sequence[Source], lattice: Lattice | None = None) -> None:
        self._outputs = tuple(outputs)
        everything = all_sources(self._outputs)
        self._side_px = side_px(everything)
        self._squares = squares_below(everything, lattice)
        self._instead = together(everything) | self._squares
        self._shared = shared_sources(self._outputs, self._instead)
        self._readers = readers_of(self._outputs, self._instead) if are_read_once(everything) else Counter()

    def read(self, window: Window, around: Block | None = None) -> list[Pixels]:
        """The pixels of every output; what ``around`` keeps for others as well is read from there."""
        if is_too_large(window, self._side_px):
            return read_in_parts(self.read, window, self._side_px)
        block = Block(self._shared, self._instead, around, self._readers)
        return [block.read(source, window) for source in self._outputs]

    def missing(self, window: Rectangle) -> set[Place]:
        """The squares that a window needs and that are not computed yet."""
        return {place for squares in self._squares.values() for place in squares.missing(window)}

    def fill(self, square: Rectangle, around: Block) -> None:
        """Compute a square of all that is kept by squares."""
        block = Block(self._shared, self._instead, around, self._readers)
        for source in self._squares:
            block.read(source, square)


class SideBySide:
    """Evaluates several images that are asked for the same windows in turn: what they share is computed once a window.

    Images of a tile share most of their backgrounds. What only one image reads goes when that image has been read, so
    a window's memory is that of one image and of the shared sources. Where the windows are those of an export over
    ``grid``, row by row, what lies below neighbourhoods is computed once as well (see squares).
    """

    def __init__(self, images: Sequence[Sequence[Source]], grid: Grid | None = None) -> None:
        everything = [source for outputs in images for source in outputs]
        self._lattice = None if grid is None else lattice_of(grid, everything)
        self._evaluations = [Evaluation(outputs, self._lattice) for outputs in images]
        self._asked = set(range(len(images)))
        counts = Counter(source for outputs in images for source in all_sources(outputs))
        self._shared = frozenset(source for source, count in counts.items() if count > 1)
        self._window: Window | None = None
        self._block = Block(self._shared, {})

    def read(self, position: int, window: Window) -> list[Pixels]:
        """The pixels of every output of an image."""
        if window != self._window:
            self._block = Block(self._shared, {})
            if self._lattice is not None and isinstance(window, Rectangle):
                self._fill(window, self._lattice)
            self._window, self._asked = window, set()
        self._asked.add(position)
        return self._evaluations[position].read(window, self._block)

    def _fill(self, window: Rectangle, lattice: Lattice) -> None:
        """Compute the squares that a window needs, for the images that were asked for the window before."""
        evaluations = [self._evaluations[position] for position in sorted(self._asked)]
        read = window.grown(lattice.margin_px)
        for place in sorted(set().union(*(evaluation.missing(read) for evaluation in evaluations))):
            around = Block(self._shared, {})
            for evaluation in evaluations:
                with suppress(Exception):  # it fails again, and is told, where this image itself is read
                    evaluation.fill(lattice.square(place), around)


class Block:
    """What is computed for one window: an object and no closure, so that it goes at once when the window is done.

    A function that calls itself refers to itself; its pixels would wait for the garbage collector, block upon block.
    """

    def __init__(
        self,
        shared: frozenset[Source],
        instead: Mapping[Source, Source],
        around: Block | None = None,
        readers: Mapping[Source, int] | None = None,
    ) -> None:
        """``readers`` says how often sources will be read, for those that may be forgotten after that."""
        self._shared = shared
        self._instead = instead
        self._around = around
        self._kept: dict[Source, list[tuple[Window, Pixels]]] = {}
        self._left = dict(readers or {})

    def keeps(self, source: Source) -> bool:
        """True for what is computed once for all readers."""
        return source in self._shared

    def read(self, source: Source, window: Window) -> Pixels:
        """The pixels of a source, computed once where several read them."""
        source = self._instead.get(source, source)
        if self._around is not None and self._around.keeps(source):
            return self._around.read(source, window)
        if source not in self._shared:
            return source.compute(window, self.read)
        pixels = self._read_shared(source, window)
        if source in self._left:
            self._left[source] -= 1
            if not self._left[source]:
                self._kept.pop(source, None)
        return pixels

    def _read_shared(self, source: Source, window: Window) -> Pixels:
        known = self._kept.setdefault(source, [])
        for larger, pixels in known:
            found = _part_of(pixels, larger, window)
            if found is not None:
                return found
        known.append((window, source.compute(window, self.read)))
        return known[-1][1]


def _part_of(pixels: Pixels, larger: Window, window: Window) -> Pixels | None:
    """The pixels of ``window`` out of those of ``larger``, None where it does not hold them all.

    Neighbourhoods ask for larger windows than their readers; what is below both is computed for the larger only.
    """
    if larger is window:
        return pixels
    if isinstance(larger, Scatter) or isinstance(window, Scatter):
        return None
    offset = offset_in(larger, window)
    if offset is None:
        return None
    rows, columns = window.shape
    at = (..., slice(offset[0], offset[0] + rows), slice(offset[1], offset[1] + columns))
    return Pixels(pixels.data[at], None if pixels.valid is None else pixels.valid[at])
