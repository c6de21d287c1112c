"""The observations of one pixel of a series, each with its reason, for charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engines.errors import SceneError
from .folder import Series
from .reading import SeriesReader, Window


@dataclass(frozen=True)
class PixelObservations:
    """One pixel: ``days`` (n,) float64 since 1970-01-01 UTC, ``values`` (n,) float32, ``reasons`` (n,) uint8 of Reason.

    Masked observations keep their value; it is NaN only where there is none.
    """

    days: np.ndarray
    values: np.ndarray
    reasons: np.ndarray


def pixel_at(series: Series, x: float, y: float) -> tuple[int, int] | None:
    """Row and column of the pixel at a point in the series' coordinate system, None outside of it."""
    x_scale, _, x0, _, y_scale, y0 = series.grid.transform
    row, column = int(np.floor((y - y0) / y_scale)), int(np.floor((x - x0) / x_scale))
    rows, columns = series.grid.shape_yx
    return (row, column) if 0 <= row < rows and 0 <= column < columns else None


def read_pixel(series: Series, x: float, y: float) -> PixelObservations:
    """The observations at a point in the series' coordinate system. SceneError where it lies outside."""
    with SeriesReader(series) as reader:
        return read_pixel_with(reader, x, y)


def read_pixel_with(
    reader: SeriesReader, x: float, y: float, each: Callable[..., Iterable[Any]] = map
) -> PixelObservations:
    """Like :func:`read_pixel`, with files that stay open from one pixel to the next.

    ``each`` is map, or an executor's to read several dates at once.
    """
    place = pixel_at(reader.series, x, y)
    if place is None:
        raise SceneError("The point lies outside of the images; click on one of them.")
    window = Window(*place, 1, 1)
    found = list(each(lambda at: reader.day(at, window), range(len(reader.series.days))))
    values = np.array([values[0, 0] for values, _ in found], np.float32)
    return PixelObservations(reader.series.days, values, np.array([reasons[0, 0] for _, reasons in found], np.uint8))
