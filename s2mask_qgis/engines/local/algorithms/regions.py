"""Reductions over a region: which pixels it holds, which part of each it covers, and reducers over them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from osgeo import ogr

from ....core.grid import Grid
from ..raster.evaluation import Evaluation
from ..raster.windows import blocks
from ..values import Column, ComputeError, GeometryValue, ImageValue, ProjectionValue, Records, ReducerValue
from .conversions import projection_value
from .records import fold_records
from .registry import algorithm
from .sampling import BLOCK_PX, projection_of, working_grid
from .shapes import burn, grid_outline, to_ogr

LEAST_PART = 0.005
"""Pixels of which the region covers less than this are left out, as the service's guide to reductions says."""

_WHOLE = 1e-6
"""What may be missing from a whole pixel through rounding of coordinates."""


def coverage(shape: ogr.Geometry, grid: Grid) -> np.ndarray:
    """The part (0-1) of every pixel that a polygon in the grid's coordinate system covers; float64 (rows, columns).

    The polygon is cut in halves until a part is empty, fills its pixels or is a single pixel: exact, and only as
    long as its outline is.
    """
    parts = np.zeros(grid.shape_yx)
    _cover(shape, grid, parts)
    parts[parts > 1 - _WHOLE] = 1.0
    return parts


def _cover(shape: ogr.Geometry, grid: Grid, parts: np.ndarray) -> None:
    rows, columns = parts.shape
    cut = shape.Intersection(_rectangle(grid.part(0, 0, rows, columns)))
    if cut is None:
        raise ComputeError("the region's outline crosses itself")
    if cut.IsEmpty() or cut.GetDimension() < 2:
        return
    covered = cut.GetArea() / (grid.transform[0] * -grid.transform[4])
    if rows * columns == 1 or covered >= rows * columns * (1 - 1e-12):
        parts[:] = min(covered / (rows * columns), 1.0)
        return
    if rows >= columns:
        half = rows // 2
        _cover(cut, grid, parts[:half])
        _cover(cut, grid.part(half, 0, rows - half, columns), parts[half:])
    else:
        half = columns // 2
        _cover(cut, grid, parts[:, :half])
        _cover(cut, grid.part(0, half, rows, columns - half), parts[:, half:])


def _rectangle(grid: Grid) -> ogr.Geometry:
    x_min, y_min, x_max, y_max = grid.bounds
    return ogr.CreateGeometryFromWkt(
        f"POLYGON (({x_min!r} {y_min!r}, {x_max!r} {y_min!r}, {x_max!r} {y_max!r}, {x_min!r} {y_max!r}, "
        f"{x_min!r} {y_min!r}))"
    )


@dataclass(frozen=True)
class _Region:
    """A region on its grid; ``shape`` is None where every pixel of the grid counts whole."""

    grid: Grid
    shape: ogr.Geometry | None

    @property
    def pixels(self) -> int:
        """Number of pixels, those that are cut counted by their part."""
        rows, columns = self.grid.shape_yx
        if self.shape is None:
            return rows * columns
        return math.ceil(self.shape.GetArea() / (self.grid.transform[0] * -self.grid.transform[4]) - _WHOLE)


def _region(
    image: ImageValue, geometry: GeometryValue | None, scale: float | None, projection: ProjectionValue | None
) -> _Region:
    grid = working_grid(image, geometry, scale, projection)
    if geometry is not None and geometry.geojson["type"] == "Point":
        return _Region(grid, None)
    if geometry is not None and geometry.geojson["type"] not in ("Polygon", "MultiPolygon"):
        raise ComputeError(
            f"regions that are a {geometry.geojson['type']} are not implemented by the local engine; "
            "use a point or a polygon"
        )
    own = image.bands[0].grid
    if geometry is None and own is not None and own.crs == grid.crs and own.bounds == grid.bounds:
        return _Region(grid, None)
    outline = geometry if own is None or geometry is not None else grid_outline(own)
    if outline is None:
        raise ComputeError("the image is unbounded; give a geometry")
    shape = to_ogr(outline, grid.crs)
    shape = shape if shape.IsValid() else shape.MakeValid()
    if shape is None:
        raise ComputeError("the region's outline crosses itself")
    return _Region(grid, shape)


def _limited(
    image: ImageValue,
    geometry: GeometryValue | None,
    scale: float | None,
    projection: ProjectionValue | None,
    best_effort: bool,
    max_pixels: int,
) -> _Region:
    """The region at a scale that keeps to ``max_pixels``: the one asked for, with best effort doubled until it does."""
    region = _region(image, geometry, scale, projection)
    while region.pixels > max_pixels:
        if not best_effort or max_pixels < 1:
            raise ComputeError(
                f"Too many pixels in the region. Found {region.pixels}, but maxPixels allows only {max_pixels}."
            )
        degree_m = 111_319.49079327358 if region.grid.crs == "EPSG:4326" else 1.0
        region = _region(image, geometry, 2 * region.grid.scale_m * degree_m, projection)
    return region


def _records(image: ImageValue, region: _Region) -> Records:
    """The pixels of a region as records, one column a band, in the order of blocks and rows."""
    evaluation = Evaluation([band.source for band in image.bands])
    values: list[list[np.ndarray]] = [[] for _ in image.bands]
    valid: list[list[np.ndarray]] = [[] for _ in image.bands]
    weights, inside = [], []
    for _, _, window in blocks(region.grid, BLOCK_PX):
        parts = np.ones(window.shape) if region.shape is None else coverage(region.shape, window.grid)
        centred = np.ones(window.shape, bool) if region.shape is None else burn(region.shape, window.grid) > 0
        chosen = (parts >= LEAST_PART) | centred
        if not chosen.any():
            continue
        weights.append(parts[chosen])
        inside.append(centred[chosen])
        for number, pixels in enumerate(evaluation.read(window)):
            if pixels.data.ndim != 2:
                raise ComputeError("reducing pixels that hold arrays is not implemented by the local engine")
            values[number].append(pixels.data[chosen])
            valid[number].append(pixels.valid_or_true()[chosen])
    if not weights:
        return Records(tuple(Column(np.zeros(0), np.zeros(0, bool)) for _ in image.bands))
    columns = tuple(Column(np.concatenate(v), np.concatenate(m)) for v, m in zip(values, valid))
    if region.shape is None:
        return Records(columns)
    return Records(columns, np.concatenate(weights), np.concatenate(inside))


def reduce_pixels(image: ImageValue, reducer: ReducerValue, records: Records) -> dict[str, Any]:
    """The outputs of a reducer over the pixels of an image: see reduceRegion for their names."""
    if reducer.inputs == 1:
        result: dict[str, Any] = {}
        for name, column in zip(image.band_names, records.columns):
            outputs = fold_records(reducer, Records((column,), records.weights, records.inside))
            result |= _under_band(name, outputs)
        return result
    if reducer.inputs != len(image.bands):
        raise ComputeError(
            f"the reducer has {reducer.inputs} inputs, the image {len(image.bands)} bands; they must be as many"
        )
    return fold_records(reducer, records)


def _under_band(name: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {(name if len(outputs) == 1 else f"{name}_{output}"): value for output, value in outputs.items()}


@algorithm(
    "Image.reduceRegion",
    "Image image, Reducer reducer, Geometry geometry = null, Float scale = null, Projection crs = null, "
    "List crsTransform = null, Boolean bestEffort = false, Long maxPixels = 10000000, Float tileScale = 1.0"
    " -> Dictionary",
)
def reduce_region(
    image: ImageValue,
    reducer: ReducerValue,
    geometry: GeometryValue | None,
    scale: float | None,
    projection: ProjectionValue | None,
    transform: list[float] | None,
    best_effort: bool,
    max_pixels: int,
    tile_scale: float,
) -> dict[str, Any]:
    """A reducer over the valid pixels of a region (a point, polygons, or the image's raster where none is given).

    A reducer of one input is repeated for each band: results are named after the band with one output, BAND_OUTPUT
    with several. A reducer of as many inputs as there are bands takes them as one record; its outputs keep their
    names. A band without a valid pixel gives null (0 for a count, an empty list for a list).

    Reducers with weights (mean, sum, variance, stdDev, mode, frequencyHistogram, linearFit) take pixels of which at
    least half a percent is covered, each by its part; those without (count, min, max, product, first, last, toList,
    allNonZero, anyNonZero) take the pixels whose centre lies inside, whole. How medians, percentiles and regressions
    weigh pixels in part is not documented: they are refused for such regions unless they are unweighted().

    ``scale`` is in metres. Above ``maxPixels`` the call fails, or with ``bestEffort`` works at 2, 4, 8 … times the
    scale. ``tileScale`` changes nothing here.
    """
    if not image.bands:
        raise ComputeError("the image has no bands")
    if transform is not None:
        if scale is not None:
            raise ComputeError("give scale or crsTransform, not both")
        crs, _ = projection_of(image.bands[0].grid, None, projection)
        projection = projection_value(crs, transform)
    region = _limited(image, geometry, scale, projection, best_effort, max_pixels)
    return reduce_pixels(image, reducer, _records(image, region))
