"""Reductions over a region: which pixels it holds, which part of each it covers, and reducers over them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from osgeo import ogr

from ....core.grid import Grid
from ..raster.evaluation import Evaluation
from ..raster.windows import Rectangle, blocks
from ..values import (
    CollectionValue,
    Column,
    ComputeError,
    FeatureValue,
    GeometryValue,
    ImageValue,
    ProjectionValue,
    Records,
    ReducerValue,
)
from .conversions import projection_value
from .elementwise import refuse
from .records import fold_records
from .registry import algorithm
from .sampling import BLOCK_PX, projection_of, working_grid
from .shapes import burn, grid_outline, to_ogr

LEAST_PART = 0.005
"""Pixels of which the region covers less than this are left out, as the service's guide to reductions says."""

MOST_PIXELS = 10_000_000
"""Pixels of a region where no limit is given: reduceRegion's default."""

CELL_PX = 32
"""Points in one square of this many pixels are read together: they share what lies around them."""

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


@dataclass(frozen=True)
class _Sampled:
    """Pixels as records, one column a band, and each band's opacity in them, None where it is all or nothing."""

    records: Records
    opacities: tuple[np.ndarray | None, ...]

    def of_band(self, position: int) -> Records:
        """The records of one band, weighted by its mask."""
        records = self.records
        column = (records.columns[position],)
        opacity = self.opacities[position] if self.opacities else None
        if opacity is None:
            return Records(column, records.weights, records.inside)
        weights = opacity if records.weights is None else opacity * records.weights
        inside = np.ones(opacity.shape, bool) if records.inside is None else records.inside
        return Records(column, weights, inside)

    def of_all(self) -> Records:
        """The records of all bands together. ComputeError where a mask is between 0 and 1: whose weight a record of
        several bands has is not documented."""
        for opacity in self.opacities:
            if opacity is not None and ((opacity > 0) & (opacity < 1)).any():
                raise refuse("a reducer of several inputs over masks between 0 and 1")
        return self.records


def _records(image: ImageValue, region: _Region) -> _Sampled:
    """The pixels of a region, in the order of blocks and rows."""
    opacities = [band.opacity for band in image.bands if band.opacity is not None]
    evaluation = Evaluation([*(band.source for band in image.bands), *opacities])
    values: list[list[np.ndarray]] = [[] for _ in range(len(image.bands) + len(opacities))]
    valid: list[list[np.ndarray]] = [[] for _ in values]
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
        return _Sampled(Records(tuple(Column(np.zeros(0), np.zeros(0, bool)) for _ in image.bands)), ())
    columns = tuple(Column(np.concatenate(v), np.concatenate(m)) for v, m in zip(values, valid))
    shares = iter(column.values for column in columns[len(image.bands) :])
    found = tuple(None if band.opacity is None else next(shares) for band in image.bands)
    columns = columns[: len(image.bands)]
    if region.shape is None:
        return _Sampled(Records(columns), found)
    return _Sampled(Records(columns, np.concatenate(weights), np.concatenate(inside)), found)


def _records_of_each(image: ImageValue, regions: Sequence[_Region]) -> list[_Sampled]:
    """The pixels of each region; regions of a single pixel on one lattice are read together, square by square."""
    cells: dict[tuple[object, ...], list[int]] = {}
    found: dict[int, _Sampled] = {}
    for position, region in enumerate(regions):
        if region.shape is None and region.grid.shape_yx == (1, 1):
            cells.setdefault(_cell(region.grid), []).append(position)
        else:
            found[position] = _records(image, region)
    opacities = [band.opacity for band in image.bands if band.opacity is not None]
    evaluation = Evaluation([*(band.source for band in image.bands), *opacities]) if cells else None
    for members in cells.values():
        if evaluation is not None:
            grids = [regions[position].grid for position in members]
            found |= zip(members, _points_read(image, evaluation, grids))
    return [found[position] for position in range(len(regions))]


def _cell(grid: Grid) -> tuple[object, ...]:
    """The square that a pixel lies in."""
    x_scale, _, x0, _, y_scale, y0 = grid.transform
    column, row = math.floor(x0 / x_scale + 0.5), math.floor(y0 / y_scale + 0.5)
    # Where the lattice does not begin at 0, pixels of two lattices must not share a square.
    rest = round(x0 / x_scale - column, 6), round(y0 / y_scale - row, 6)
    return grid.crs, x_scale, y_scale, rest, column // CELL_PX, row // CELL_PX


def _points_read(image: ImageValue, evaluation: Evaluation, grids: Sequence[Grid]) -> Iterator[_Sampled]:
    """The records of pixels that lie close together on one lattice."""
    x_scale, _, _, _, y_scale, _ = grids[0].transform
    left, top = min(grid.transform[2] for grid in grids), max(grid.transform[5] for grid in grids)
    columns = [round((grid.transform[2] - left) / x_scale) for grid in grids]
    rows = [round((grid.transform[5] - top) / y_scale) for grid in grids]
    window = Rectangle(Grid(grids[0].crs, (x_scale, 0.0, left, 0.0, y_scale, top), (max(rows) + 1, max(columns) + 1)))
    pixels = evaluation.read(window)
    for part in pixels:
        if part.data.ndim != 2:
            raise ComputeError("reducing pixels that hold arrays is not implemented by the local engine")
    count = len(image.bands)
    for row, column in zip(rows, columns):
        at = np.s_[row : row + 1, column]
        read = [Column(part.data[at], part.valid_or_true()[at]) for part in pixels]
        shares = iter(column.values for column in read[count:])
        found = tuple(None if band.opacity is None else next(shares) for band in image.bands)
        yield _Sampled(Records(tuple(read[:count])), found)


def _reduced(image: ImageValue, reducer: ReducerValue, pixels: _Sampled) -> dict[str, Any]:
    """The outputs of a reducer over the pixels of an image: see reduceRegion for their names."""
    if reducer.inputs == 1:
        result: dict[str, Any] = {}
        for position, name in enumerate(image.band_names):
            result |= _under_band(name, fold_records(reducer, pixels.of_band(position)))
        return result
    if reducer.inputs != len(image.bands):
        raise ComputeError(
            f"the reducer has {reducer.inputs} inputs, the image {len(image.bands)} bands; they must be as many"
        )
    return fold_records(reducer, pixels.of_all())


def _under_band(name: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {(name if len(outputs) == 1 else f"{name}_{output}"): value for output, value in outputs.items()}


@algorithm(
    "Image.reduceRegions",
    "Image image, FeatureCollection collection, Reducer reducer, Float scale = null, Projection crs = null, "
    "List<Float> crsTransform = null, Float tileScale = 1.0, Long maxPixelsPerRegion = null -> FeatureCollection",
    takes_opacity=True,
)
def reduce_regions(
    image: ImageValue,
    collection: CollectionValue,
    reducer: ReducerValue,
    scale: float | None,
    projection: ProjectionValue | None,
    transform: list[float] | None,
    tile_scale: float,
    max_pixels: int | None,
) -> CollectionValue:
    """The features with the outputs of a reducer over the pixels of each as further properties.

    A reducer of as many inputs as there are bands gives its outputs by their names; one of a single input is repeated
    for each of several bands, as reduceRegion does. Pixels count as they do there.
    """
    projection = _working_projection(image, scale, projection, transform)
    regions = []
    for feature in collection.elements:
        if not isinstance(feature, FeatureValue) or feature.geometry is None:
            raise ComputeError("each element of the collection must be a feature with a geometry")
        limit = MOST_PIXELS if max_pixels is None else max_pixels
        regions.append(_limited(image, feature.geometry, scale, projection, False, limit))
    features = []
    is_one = reducer.inputs == len(image.bands) == 1
    for feature, pixels in zip(collection.elements, _records_of_each(image, regions)):
        outputs = fold_records(reducer, pixels.of_band(0)) if is_one else _reduced(image, reducer, pixels)
        features.append(replace(feature, properties={**feature.properties, **outputs}))
    return replace(collection, elements=tuple(features))


def _working_projection(
    image: ImageValue, scale: float | None, projection: ProjectionValue | None, transform: list[float] | None
) -> ProjectionValue | None:
    """The projection given, with the transform given. ComputeError where a scale is given as well."""
    if not image.bands:
        raise ComputeError("the image has no bands")
    if transform is None:
        return projection
    if scale is not None:
        raise ComputeError("give scale or crsTransform, not both")
    crs, _ = projection_of(image.bands[0].grid, None, projection)
    return projection_value(crs, transform)


@algorithm(
    "Image.reduceRegion",
    "Image image, Reducer reducer, Geometry geometry = null, Float scale = null, Projection crs = null, "
    "List<Float> crsTransform = null, Boolean bestEffort = false, Long maxPixels = 10000000, Float tileScale = 1.0"
    " -> Dictionary",
    takes_opacity=True,
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
    weigh pixels in part is not documented: they are refused for such regions unless they are unweighted(). A mask
    between 0 and 1 is a weight as well.

    ``scale`` is in metres. Above ``maxPixels`` the call fails, or with ``bestEffort`` works at 2, 4, 8 … times the
    scale. ``tileScale`` changes nothing here.
    """
    projection = _working_projection(image, scale, projection, transform)
    region = _limited(image, geometry, scale, projection, best_effort, max_pixels)
    return _reduced(image, reducer, _records(image, region))
