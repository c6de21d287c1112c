"""Projections of images: the default one, another one set or forced, and the coordinates of pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ....core.grid import Grid
from ..raster.sources import Pixels, Reader, Source
from ..raster.transforms import transform_axes, transform_points
from ..raster.windows import Rectangle, Scatter, Window
from ..values import Band, ComputeError, ImageValue, ProjectionValue, map_sources
from .conversions import projection_value
from .elementwise import refuse
from .registry import Algorithm, algorithm
from .sampling import projection_of, working_grid

_LARGEST_READ = 4
"""A window that reads up to this many times its own pixels reads them as one rectangle."""


def centres_in(window: Window, crs: str) -> tuple[np.ndarray, np.ndarray]:
    """The centres of a window's pixels in a coordinate system."""
    if isinstance(window, Rectangle):
        return transform_axes(window.grid.crs, crs, *window.axes())
    return transform_points(window.grid.crs, crs, *window.centres())


class Reprojected(Source):
    """A source computed on the pixels of a projection, of which each asked pixel takes the nearest."""

    def __init__(self, source: Source, crs: str, transform: tuple[float, ...]) -> None:
        self.inputs = (source,)
        x_scale, _, x0, _, y_scale, y0 = transform
        self._grid = Grid(crs, (x_scale, 0.0, x0, 0.0, y_scale, y0), (1, 1))

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        x, y = centres_in(window, self._grid.crs)
        if not x.size:
            return read(self.inputs[0], window)
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise refuse(f"a window that reaches beyond the coordinate system {self._grid.crs}")
        x_scale, _, x0, _, y_scale, y0 = self._grid.transform
        columns = np.floor((x - x0) / x_scale + 1e-6).astype(np.int64)
        rows = np.floor((y - y0) / y_scale + 1e-6).astype(np.int64)
        top, left = int(rows.min()), int(columns.min())
        height, width = int(rows.max()) - top + 1, int(columns.max()) - left + 1
        part = self._grid.part(top, left, height, width)
        rows, columns = rows - top, columns - left
        if isinstance(window, Rectangle) and height * width <= _LARGEST_READ * rows.size:
            pixels = read(self.inputs[0], Rectangle(part))
            return Pixels(pixels.data[rows, columns], None if pixels.valid is None else pixels.valid[rows, columns])
        pixels = read(self.inputs[0], Scatter(part, rows.ravel(), columns.ravel()))
        shape = (*rows.shape, *pixels.data.shape[1:])
        valid = None if pixels.valid is None else pixels.valid.reshape(rows.shape)
        return Pixels(pixels.data.reshape(shape), valid)


def _target(
    image: ImageValue, projection: ProjectionValue, transform: list[Any] | None, scale: float | None
) -> tuple[str, tuple[float, ...]]:
    if transform is not None and scale is not None:
        raise ComputeError("give scale or crsTransform, not both")
    if transform is not None:
        projection = projection_value(projection.crs, transform)
    return projection_of(None, scale, projection)


def _default_grid(image: ImageValue, crs: str, transform: tuple[float, ...]) -> Grid:
    if image.footprint is None:
        raise ComputeError("a projection for images without a footprint is not implemented by the local engine")
    return working_grid(image, image.footprint, None, ProjectionValue(crs, transform))


def _reprojecting(name: str, forced: bool, text: str) -> Algorithm:
    @algorithm(
        f"Image.{name}",
        "Image image, Projection crs, List<Float> crsTransform = null, Float scale = null -> Image",
        description=text + " The scale is in metres; the image must have a footprint.",
    )
    def apply(
        image: ImageValue, projection: ProjectionValue, transform: list[Any] | None, scale: float | None
    ) -> ImageValue:
        crs, target = _target(image, projection, transform, scale)
        grid = _default_grid(image, crs, target)
        bands = [replace(band, grid=grid) for band in image.bands]
        projected = image.with_bands(bands)
        return map_sources(projected, _onto(crs, grid)) if forced else projected

    return apply


def _onto(crs: str, grid: Grid) -> Callable[[Source], Source]:
    return lambda source: Reprojected(source, crs, grid.transform)


REPROJECTING = (
    _reprojecting(
        "reproject", True, "The image computed on the pixels of a projection, whatever scale is asked for later."
    ),
    _reprojecting("setDefaultProjection", False, "The same pixels with another default projection."),
)


@algorithm("Image.projection", "Image image -> Projection")
def default_projection(image: ImageValue) -> ProjectionValue:
    """The default projection of the bands: EPSG:4326 in degrees where they have no resolution of their own. An error
    where they differ."""
    found = {(band.grid.crs, band.grid.transform) if band.grid is not None else None for band in image.bands}
    if len(found) != 1:
        raise ComputeError("the bands of the image do not all have the same default projection")
    own = found.pop()
    return ProjectionValue("EPSG:4326", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)) if own is None else ProjectionValue(*own)


class _Coordinate(Source):
    """Longitude (axis 0) or latitude (axis 1) of the pixel centres, in degrees."""

    def __init__(self, axis: int) -> None:
        self._axis = axis

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        return Pixels(centres_in(window, "EPSG:4326")[self._axis])


@algorithm("Image.pixelLonLat", "-> Image")
def pixel_lon_lat() -> ImageValue:
    """Bands ``longitude`` and ``latitude`` of each pixel's centre, in degrees (WGS 84)."""
    return ImageValue((Band("longitude", _Coordinate(0)), Band("latitude", _Coordinate(1))))
