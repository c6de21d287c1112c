"""Evaluation of sources over a window: each source that several others read is computed once a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .sources import Pixels, Source
from .windows import Scatter, Window, offset_in


def shared_sources(outputs: Iterable[Source]) -> frozenset[Source]:
    """The sources below ``outputs`` that are read more than once."""
    readers: Counter[Source] = Counter(outputs)
    seen: set[Source] = set()
    waiting = list(readers)
    while waiting:
        source = waiting.pop()
        if source in seen:
            continue
        seen.add(source)
        readers.update(source.inputs)
        waiting.extend(source.inputs)
    return frozenset(source for source, count in readers.items() if count > 1)


class Evaluation:
    """Reads ``outputs`` window by window.

    What is shared within a window is kept until the next window; what has a single reader is dropped at once, so the
    memory of a block is bounded by the shared sources, not by the size of the graph.
    """

    def __init__(self, outputs: Sequence[Source]) -> None:
        self._outputs = tuple(outputs)
        self._shared = shared_sources(self._outputs)

    def read(self, window: Window) -> list[Pixels]:
        """The pixels of every output."""
        block = _Block(self._shared)
        return [block.read(source, window) for source in self._outputs]


class _Block:
    """What is computed for one window: an object and no closure, so that it goes at once when the window is done.

    A function that calls itself refers to itself; its pixels would wait for the garbage collector, block upon block.
    """

    def __init__(self, shared: frozenset[Source]) -> None:
        self._shared = shared
        self._kept: dict[Source, list[tuple[Window, Pixels]]] = {}

    def read(self, source: Source, window: Window) -> Pixels:
        """The pixels of a source, computed once where several read them."""
        if source not in self._shared:
            return source.compute(window, self.read)
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
    if isinstance(larger, Scatter) or isinstance(window, Scatter):
        return pixels if larger is window else None
    offset = offset_in(larger, window)
    if offset is None:
        return None
    rows, columns = window.shape
    at = (..., slice(offset[0], offset[0] + rows), slice(offset[1], offset[1] + columns))
    return Pixels(pixels.data[at], None if pixels.valid is None else pixels.valid[at])
