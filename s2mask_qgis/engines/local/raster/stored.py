"""Bands in files as pixel sources: the right pyramid level, then the nearest pixel, as the service reads its assets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from osgeo import osr

from ....core.grid import Grid
from ..values import ComputeError
from .sources import Pixels, Reader, Source
from .windows import Rectangle, Window

LevelReader = Callable[[int, int, int, int, int], Pixels]

STRIP_ROWS = 256
"""Scattered pixels are read by strips this high: the height of the tiles in the files."""


class StoredBand(Source):
    """A band with pyramid levels on a grid of its own.

    Reading at a scale takes the level whose pixels are the largest that are not larger than the scale (the native
    level when all are larger), then the pixel whose area holds the asked pixel's centre; outside is masked.
    ``read_level(level, row, column, rows, columns)`` gives a part that lies wholly inside level number ``level``,
    whose pixels are ``factors[level]`` native ones wide.
    """

    def __init__(self, grid: Grid, factors: tuple[int, ...], read_level: LevelReader) -> None:
        self.grid = grid
        self.factors = factors
        self.read_level = read_level

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        level = self._level_for(window.grid)
        grid = self._level_grid(level)
        if isinstance(window, Rectangle) and window.grid.crs == self.grid.crs:
            return self._read_rectangle(window, level, grid)
        if isinstance(window, Rectangle):
            x, y = np.meshgrid(*window.axes())
        else:
            x, y = window.centres()
        if window.grid.crs != self.grid.crs:
            x, y = transform_points(window.grid.crs, self.grid.crs, x, y)
        rows, columns = _along(grid, y, axis=1), _along(grid, x, axis=0)
        inside = self._is_inside(x, y)
        return self._read_points(level, rows, columns, inside)

    def _level_for(self, wanted: Grid) -> int:
        scale = wanted.scale_m
        if wanted.crs != self.grid.crs:
            scale = _scale_in(wanted, self.grid.crs)
        fitting = [i for i, factor in enumerate(self.factors) if self.grid.scale_m * factor <= scale * (1 + 1e-9)]
        return max(fitting, default=0)

    def is_coarser_than(self, wanted: Grid) -> bool:
        """True where the pixels that are read for ``wanted`` are larger than its own (same coordinate system)."""
        read_m = self.grid.scale_m * self.factors[self._level_for(wanted)]
        return wanted.crs == self.grid.crs and read_m > wanted.scale_m * (1 + 1e-9)

    def _level_grid(self, level: int) -> Grid:
        """The level's grid; its size is rounded up, so it may reach over the edge of the native one."""
        factor = self.factors[level]
        x_scale, _, x0, _, y_scale, y0 = self.grid.transform
        rows, columns = (-(-size // factor) for size in self.grid.shape_yx)
        return Grid(self.grid.crs, (x_scale * factor, 0.0, x0, 0.0, y_scale * factor, y0), (rows, columns))

    def _read_rectangle(self, window: Rectangle, level: int, grid: Grid) -> Pixels:
        x, y = window.axes()
        x_min, y_min, x_max, y_max = self.grid.bounds
        columns, rows = _along(grid, x, axis=0), _along(grid, y, axis=1)
        columns_inside, rows_inside = (x >= x_min) & (x < x_max), (y <= y_max) & (y > y_min)
        if not (columns_inside.any() and rows_inside.any()):
            return Pixels(np.zeros(window.shape, np.uint16), np.zeros(window.shape, bool))
        first_row, last_row = rows[rows_inside].min(), rows[rows_inside].max()
        first_column, last_column = columns[columns_inside].min(), columns[columns_inside].max()
        part = self.read_level(
            level, int(first_row), int(first_column), int(last_row - first_row + 1), int(last_column - first_column + 1)
        )
        row_index = np.clip(rows - first_row, 0, last_row - first_row)
        column_index = np.clip(columns - first_column, 0, last_column - first_column)
        data = _take(part.data, row_index, column_index)
        valid = None if part.valid is None else _take(part.valid, row_index, column_index)
        if not (columns_inside.all() and rows_inside.all()):
            inside = rows_inside[:, None] & columns_inside[None, :]
            valid = inside if valid is None else valid & inside
        return Pixels(data, valid)

    def _is_inside(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x_min, y_min, x_max, y_max = self.grid.bounds
        return (x >= x_min) & (x < x_max) & (y <= y_max) & (y > y_min)

    def _read_points(self, level: int, rows: np.ndarray, columns: np.ndarray, inside: np.ndarray) -> Pixels:
        data = np.zeros(rows.shape, np.uint16)
        valid = np.zeros(rows.shape, bool)
        strips = np.where(inside, rows // STRIP_ROWS, -1)
        for strip in np.unique(strips[inside]):
            here = strips == strip
            top, left = int(rows[here].min()), int(columns[here].min())
            height, width = int(rows[here].max()) - top + 1, int(columns[here].max()) - left + 1
            part = self.read_level(level, top, left, height, width)
            at = (rows[here] - top, columns[here] - left)
            data = data.astype(part.data.dtype, copy=False)
            data[here] = part.data[at]
            valid[here] = True if part.valid is None else part.valid[at]
        return Pixels(data, None if valid.all() else valid)


class FoldedBands(Source):
    """Stored bands of one grid reduced pixel by pixel: ``fold`` makes one band of the pixels of all.

    Where their pixels are larger than those asked for they are reduced first and multiplied afterwards: with the
    nearest neighbour that gives the same pixels, and a 60 m band has 36 times fewer of them than a 10 m grid.
    """

    def __init__(self, fold: Callable[[Sequence[Pixels]], Pixels], bands: Sequence[StoredBand]) -> None:
        self.inputs = tuple(bands)
        self._bands = tuple(bands)
        self._fold = fold
        self._native = StoredBand(bands[0].grid, bands[0].factors, self._read_level)

    def _read_level(self, level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        return self._fold([band.read_level(level, row, column, rows, columns) for band in self._bands])

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        if self._native.is_coarser_than(window.grid):
            return self._native.compute(window, read)
        return self._fold([read(band, window) for band in self.inputs])


def are_alike(sources: Sequence[Source]) -> bool:
    """True for stored bands that share their grid and levels."""
    bands = [source for source in sources if isinstance(source, StoredBand)]
    return len(bands) == len(sources) > 0 and len({(band.grid, band.factors) for band in bands}) == 1


def _take(array: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """array[rows][:, columns], without a copy where that is the whole array."""
    has_all_rows = rows.size == array.shape[0] and bool((rows == np.arange(rows.size)).all())
    taken = array if has_all_rows else array[rows]
    if columns.size == array.shape[1] and (columns == np.arange(columns.size)).all():
        return taken
    return np.take(taken, columns, axis=1)


def _along(grid: Grid, positions: np.ndarray, axis: int) -> np.ndarray:
    """Column (axis 0) or row (axis 1) numbers of positions in CRS units; rounding error never leaves the pixel."""
    scale, origin = (grid.transform[0], grid.transform[2]) if axis == 0 else (grid.transform[4], grid.transform[5])
    return np.floor((positions - origin) / scale + 1e-6).astype(np.int64)


def _scale_in(grid: Grid, crs: str) -> float:
    """Width of the grid's middle pixel in units of another coordinate system."""
    x_min, y_min, x_max, y_max = grid.bounds
    x, y = np.array([(x_min + x_max) / 2]), np.array([(y_min + y_max) / 2])
    x_to, y_to = transform_points(grid.crs, crs, np.concatenate([x, x + grid.scale_m]), np.concatenate([y, y]))
    return float(np.hypot(x_to[1] - x_to[0], y_to[1] - y_to[0]))


def transform_points(crs_from: str, crs_to: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points from one coordinate system to another, x before y (longitude before latitude) in both."""
    if crs_from == crs_to:
        return x, y
    flat = np.column_stack([np.ravel(x), np.ravel(y)])
    moved = np.array(transformation(crs_from, crs_to).TransformPoints(flat.tolist()))
    return moved[:, 0].reshape(np.shape(x)), moved[:, 1].reshape(np.shape(y))


@lru_cache(maxsize=32)
def transformation(crs_from: str, crs_to: str) -> osr.CoordinateTransformation:
    """From one coordinate system to another, x before y. ComputeError where a name is unknown."""
    return osr.CoordinateTransformation(crs_reference(crs_from), crs_reference(crs_to))


def crs_reference(crs: str) -> osr.SpatialReference:
    """A coordinate system by its name, x before y. ComputeError where there is none of that name."""
    reference = osr.SpatialReference()
    try:
        is_known = reference.SetFromUserInput(crs) == 0
    except RuntimeError:  # what GDAL raises where its exceptions are on
        is_known = False
    if not is_known:
        raise ComputeError(f"{crs!r} is not a known coordinate system")
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference
