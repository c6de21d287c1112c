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
        kept: dict[Source, list[tuple[Window, Pixels]]] = {}

        def read(source: Source, part: Window) -> Pixels:
            if source not in self._shared:
                return source.compute(part, read)
            known = kept.setdefault(source, [])
            for larger, pixels in known:
                found = _part_of(pixels, larger, part)
                if found is not None:
                    return found
            known.append((part, source.compute(part, read)))
            return known[-1][1]

        return [read(source, window) for source in self._outputs]


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
