"""Translation: an image moved by whole pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ....core.grid import Grid
from ..raster.sources import Pixels, Reader, Source
from ..raster.windows import Area, Rectangle, Scatter, Window
from ..values import Band, ComputeError, GeometryValue, ImageValue, ProjectionValue
from .elementwise import refuse
from .geometry_sets import transformed
from .registry import algorithm

_LARGEST_READ = 4
"""A window and where it is read from are read as one where that takes up to this many times the window's pixels."""


class Translated(Source):
    """Another source moved by ``x`` and ``y`` in units of ``crs``, on windows for which these are whole pixels.

    The window's own pixels are read along with those that it takes, if they lie near: an image and the same image
    moved often meet (a maximum along a line), and what is read first is then read for both.
    """

    def __init__(self, source: Source, crs: str, x: float, y: float) -> None:
        self.inputs = (source,)
        self.is_whole = source.is_whole
        self._crs, self._x, self._y = crs, x, y

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        rows, columns = self._pixels(window.grid)
        if isinstance(window, Scatter):
            return read(self.inputs[0], Scatter(window.grid, window.rows - rows, window.columns - columns))
        height, width = window.shape
        if (height + abs(rows)) * (width + abs(columns)) > _LARGEST_READ * height * width:
            return read(self.inputs[0], Rectangle(window.grid.part(-rows, -columns, height, width)))
        both = window.grid.part(-max(rows, 0), -max(columns, 0), height + abs(rows), width + abs(columns))
        at: Area = _from(max(-rows, 0), height), _from(max(-columns, 0), width)
        pixels = read(self.inputs[0], Rectangle(both))
        return Pixels(pixels.data[at], None if pixels.valid is None else pixels.valid[at])

    def _pixels(self, grid: Grid) -> tuple[int, int]:
        """How many rows down and columns right the pixels of a grid move."""
        if grid.crs != self._crs:
            raise refuse(f"an image moved in {self._crs} and asked for in {grid.crs}")
        rows, columns = self._y / grid.transform[4], self._x / grid.transform[0]
        if abs(rows - round(rows)) > 1e-6 or abs(columns - round(columns)) > 1e-6:
            raise refuse(f"an image moved by parts of a pixel, ({self._x}, {self._y}) m at {grid.scale_m} m,")
        return round(rows), round(columns)


def _from(start: int, size: int) -> slice:
    return slice(start, start + size)


@algorithm("Image.translate", 'Image input, Float x, Float y, String units = "meters", Projection proj = null -> Image')
def translate(image: ImageValue, x: float, y: float, units: str, projection: ProjectionValue | None) -> ImageValue:
    """The image moved to the east by x and to the north by y metres of a UTM system, by default that of the first
    band. Only whole pixels of what is asked for are implemented, in the same system."""
    if units != "meters":
        raise refuse(f"moving by {units} instead of meters")
    if not (np.isfinite(x) and np.isfinite(y)):
        raise ComputeError(f"x and y must be finite numbers, not {x} and {y}")
    crs = _system(image, projection)
    bands = [
        replace(band, source=Translated(band.source, crs, x, y), grid=_moved(band, crs, x, y)) for band in image.bands
    ]
    footprint = None if image.footprint is None else _moved_outline(image.footprint, crs, x, y)
    return replace(image.with_bands(bands), footprint=footprint)


def _system(image: ImageValue, projection: ProjectionValue | None) -> str:
    """The UTM system to move in: its units are metres, and its axes point to the east and to the north."""
    own = image.bands[0].grid if image.bands else None
    found = projection if projection is not None else own
    if found is None:
        raise ComputeError("the image has no projection of its own; give proj")
    if not found.crs.startswith(("EPSG:326", "EPSG:327")):
        raise refuse(f"moving in {found.crs}, which is no UTM system,")
    return found.crs


def _moved(band: Band, crs: str, x: float, y: float) -> Grid | None:
    if band.grid is None:
        return None
    if band.grid.crs != crs:
        raise refuse(f"moving a band of {band.grid.crs} in {crs}")
    x_scale, _, x0, _, y_scale, y0 = band.grid.transform
    return replace(band.grid, transform=(x_scale, 0.0, x0 + x, 0.0, y_scale, y0 + y))


def _moved_outline(outline: GeometryValue, crs: str, x: float, y: float) -> GeometryValue:
    straight = transformed(outline, crs)
    return replace(straight, geojson=_moved_shape(straight.geojson, x, y))


def _moved_shape(geojson: Mapping[str, Any], x: float, y: float) -> dict[str, Any]:
    if geojson["type"] == "GeometryCollection":
        return {**geojson, "geometries": [_moved_shape(part, x, y) for part in geojson["geometries"]]}
    return {**geojson, "coordinates": _moved_points(geojson["coordinates"], x, y)}


def _moved_points(coordinates: Sequence[Any], x: float, y: float) -> list[Any]:
    if isinstance(coordinates[0], (int, float)):
        return [coordinates[0] + x, coordinates[1] + y]
    return [_moved_points(part, x, y) for part in coordinates]
