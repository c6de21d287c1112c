"""A sample of a series' pixels, from which the curves' strength is chosen: small windows spread over the area."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor

import numpy as np

from .area_mask import AreaMask
from .reading import SeriesReader, Window, spread

SAMPLE_PIXELS = 1000
_WINDOWS_A_SIDE, _WINDOW_PX = 5, 16
_LEAST_SHARE = 0.2
"""Share of the sample below which larger parts of the images are looked through."""

_STRIP_VALUES = 8_000_000


def sample_pixels(
    reader: SeriesReader,
    area: AreaMask | None,
    threads: Executor,
    on_count: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Clear values (n, q) of at most SAMPLE_PIXELS pixels that have any; q is 0 where none has.

    The same pixels every time. ``on_count(done, total)`` is called before each window that is read; what it raises ends
    the sampling. UnreadableError names a file that cannot be read.
    """
    found = [np.empty((len(reader.series.days), 0), np.float32)]
    rows, columns = reader.series.grid.shape_yx
    is_small = rows * columns * len(found[0]) <= _STRIP_VALUES
    for window in _counted([] if is_small else list(_scattered(rows, columns)), on_count):
        found.append(_with_values(reader, window, area, threads))
    if sum(part.shape[1] for part in found) < _LEAST_SHARE * SAMPLE_PIXELS:
        for window in _counted(list(_strips(rows, columns, len(found[0]))), on_count):
            found.append(_with_values(reader, window, area, threads))
            if sum(part.shape[1] for part in found) >= SAMPLE_PIXELS:
                break
    values = np.concatenate(found, axis=1)
    return values[:, spread(values.shape[1], SAMPLE_PIXELS)] if values.shape[1] else values


def _counted(windows: Sequence[Window], on_count: Callable[[int, int], None]) -> Iterator[Window]:
    for number, window in enumerate(windows):
        on_count(number, len(windows))
        yield window


def _with_values(reader: SeriesReader, window: Window, area: AreaMask | None, threads: Executor) -> np.ndarray:
    """The pixels (n, q) of a window that lie in the area and have a clear value."""
    values = reader.stack(window, threads, release=True).reshape(len(reader.series.days), -1)
    is_wanted = ~np.isnan(values).all(axis=0)
    if area is not None:
        part = reader.series.grid.part(window.row, window.column, window.rows, window.columns)
        is_wanted &= area.inside(part).ravel()
    return values[:, is_wanted]


def _scattered(rows: int, columns: int) -> Iterator[Window]:
    height, width = min(_WINDOW_PX, rows), min(_WINDOW_PX, columns)
    for row in spread(rows - height + 1, _WINDOWS_A_SIDE):
        for column in spread(columns - width + 1, _WINDOWS_A_SIDE):
            yield Window(row, column, height, width)


def _strips(rows: int, columns: int, dates: int) -> Iterator[Window]:
    """All rows in strips, those from the middle of the images first: the edges are often empty."""
    height = max(1, _STRIP_VALUES // (columns * dates))
    starts = sorted(range(0, rows, height), key=lambda row: abs(row + height / 2 - rows / 2))
    for row in starts:
        yield Window(row, 0, min(height, rows - row), columns)
