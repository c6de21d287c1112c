"""Evaluation of sources over a window: each source that several others read is computed once a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .sources import Pixels, Source
from .windows import Rectangle, Window


def shared_sources(outputs: Iterable[Source]) -> frozenset[int]:
    """Identities of the sources below ``outputs`` that are read more than once."""
    readers: Counter[int] = Counter(id(source) for source in outputs)
    seen: set[int] = set()
    waiting = list(outputs)
    while waiting:
        source = waiting.pop()
        if id(source) in seen:
            continue
        seen.add(id(source))
        readers.update(id(part) for part in source.inputs)
        waiting.extend(source.inputs)
    return frozenset(identity for identity, count in readers.items() if count > 1)


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
        kept: dict[tuple[int, object], Pixels] = {}

        def read(source: Source, part: Window) -> Pixels:
            if id(source) not in self._shared:
                return source.compute(part, read)
            key = (id(source), part.grid if isinstance(part, Rectangle) else id(part))
            if key not in kept:
                kept[key] = source.compute(part, read)
            return kept[key]

        return [read(source, window) for source in self._outputs]
