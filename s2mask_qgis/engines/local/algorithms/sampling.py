"""Random samples of an image, and the grid on which images are sampled and reduced."""

from __future__ import annotations

import math

import numpy as np

from ....core.grid import Grid
from ..raster.evaluation import Evaluation
from ..raster.windows import Scatter
from ..values import (
    CollectionValue,
    ComputeError,
    FeatureValue,
    GeometryValue,
    ImageValue,
    ProjectionValue,
)
from .registry import algorithm
from .shapes import bounds_in, burn, grid_outline, to_ogr

BLOCK_PX = 512
"""Regions are evaluated in squares of this size: 13 double bands of a block are 27 MB."""

MAX_SAMPLE_GRID_PX = 500_000_000


def working_grid(
    image: ImageValue, region: GeometryValue | None, scale: float | None, projection: ProjectionValue | None
) -> Grid:
    """The grid over ``region`` on which an image is sampled or reduced.

    Without a projection it is that of the first band; a scale replaces the pixel size and keeps the corner that the
    pixels are counted from.
    """
    if not image.bands:
        raise ComputeError("the image has no bands")
    own = image.bands[0].grid
    crs, transform = projection_of(own, scale, projection)
    if transform[1] or transform[3] or not transform[0] == abs(transform[4]) > 0:
        raise ComputeError("grids that are turned or have oblong pixels are not implemented by the local engine")
    if region is None:
        if own is None:
            raise ComputeError("the image is unbounded; give a geometry")
        x_min, y_min, x_max, y_max = bounds_in(grid_outline(own), crs) if own.crs != crs else own.bounds
    else:
        x_min, y_min, x_max, y_max = bounds_in(region, crs)
    if not all(math.isfinite(edge) for edge in (x_min, y_min, x_max, y_max)):
        raise ComputeError(f"the region has no place in {crs}")
    pixel, x0, y0 = transform[0], transform[2], transform[5]
    left, right = math.floor((x_min - x0) / pixel + 1e-6), math.ceil((x_max - x0) / pixel - 1e-6)
    top, bottom = math.floor((y0 - y_max) / pixel + 1e-6), math.ceil((y0 - y_min) / pixel - 1e-6)
    if not right > left:
        right = left + 1
    if not bottom > top:
        bottom = top + 1
    return Grid(crs, (pixel, 0.0, x0, 0.0, -pixel, y0), (1, 1)).part(top, left, bottom - top, right - left)


def projection_of(
    own: Grid | None, scale: float | None, projection: ProjectionValue | None
) -> tuple[str, tuple[float, ...]]:
    """Coordinate system and transform to work in."""
    if projection is not None:
        crs, transform = projection.crs, projection.transform
    elif own is not None:
        crs, transform = own.crs, own.transform
    else:
        crs, transform = "EPSG:4326", (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
    if scale is None:
        return crs, transform
    if scale <= 0:
        raise ComputeError(f"the scale must be above 0, not {scale}")
    pixel = scale if crs != "EPSG:4326" else scale / 111_319.49079327358
    return crs, (pixel, 0.0, transform[2], 0.0, -pixel, transform[5])


@algorithm(
    "Image.sample",
    "Image image, Geometry region = null, Float scale = null, Projection projection = null, Float factor = null, "
    "Long numPixels = null, Integer seed = 0, Boolean dropNulls = true, Float tileScale = 1.0, "
    "Boolean geometries = false -> FeatureCollection",
    takes_arrays=True,
    takes_opacity=True,
)
def sample(
    image: ImageValue,
    region: GeometryValue | None,
    scale: float | None,
    projection: ProjectionValue | None,
    factor: float | None,
    count: int | None,
    seed: int,
    drop_nulls: bool,
    tile_scale: float,
    geometries: bool,
) -> CollectionValue:
    """Pixels of a region as features, one property a band; a random choice of them with numPixels or factor.

    The same seed chooses the same pixels. Pixels are chosen among all whose centre lies in the region and on the
    first band's raster; those with a masked band are dropped afterwards, or hold null.
    """
    if factor is not None and count is not None:
        raise ComputeError("give factor or numPixels, not both")
    if count is not None and count < 0:
        raise ComputeError(f"numPixels must not be negative, it is {count}")
    region = image.footprint if region is None else region
    grid = _on_raster(working_grid(image, region, scale, projection), image)
    window = _chosen(grid, region, factor, count, seed)
    pixels = Evaluation([band.source for band in image.bands]).read(window)
    valid = np.stack([part.valid_or_true() for part in pixels])
    kept = np.flatnonzero(valid.all(axis=0) if drop_nulls else np.ones(valid.shape[1], bool))
    columns = [np.moveaxis(part.data, -1, 0)[kept].tolist() for part in pixels]
    masks = [part[kept].tolist() for part in valid]
    points = _points(window, kept, grid.crs) if geometries else [None] * len(kept)
    features = []
    for position in range(len(kept)):
        values = {
            name: column[position] if mask[position] else None
            for name, column, mask in zip(image.band_names, columns, masks)
        }
        features.append(FeatureValue(points[position], values, str(position)))
    return CollectionValue(tuple(features), {"band_order": list(image.band_names)})


def _on_raster(grid: Grid, image: ImageValue) -> Grid:
    """The part of a grid that the first band's raster can fill."""
    own = image.bands[0].grid
    if own is None:
        return grid
    bounds = own.bounds if own.crs == grid.crs else bounds_in(grid_outline(own), grid.crs)
    part = grid.window(bounds)
    if part is None:
        raise ComputeError("the region lies outside the image")
    return part


def _chosen(grid: Grid, region: GeometryValue | None, factor: float | None, count: int | None, seed: int) -> Scatter:
    rows, columns = grid.shape_yx
    if rows * columns > MAX_SAMPLE_GRID_PX:
        raise ComputeError(f"the region has {rows * columns} pixels at this scale; choose a larger scale")
    inside = np.arange(rows * columns) if region is None else np.flatnonzero(burn(to_ogr(region, grid.crs), grid))
    wanted = inside.size if count is None else count
    if factor is not None:
        wanted = round(inside.size * min(max(factor, 0.0), 1.0))
    if wanted < inside.size:
        inside = np.sort(np.random.default_rng(seed).choice(inside, wanted, replace=False))
    return Scatter(grid, inside // columns, inside % columns)


def _points(window: Scatter, kept: np.ndarray, crs: str) -> list[GeometryValue | None]:
    x, y = window.centres()
    return [GeometryValue({"type": "Point", "coordinates": [float(x[i]), float(y[i])]}, crs) for i in kept]
