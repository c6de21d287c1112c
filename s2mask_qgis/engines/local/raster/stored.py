"""Bands in files as pixel sources: the right pyramid level, then the nearest pixel, as the service reads its assets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ....core.grid import Grid
from .sources import Pixels, Reader, Source
from .transforms import transform_axes, transform_points
from .windows import Area, Rectangle, Scatter, Window, part_of

LevelReader = Callable[[int, int, int, int, int], Pixels]

MOST_KEPT_POINTS = 20_000
"""Samples up to this size are kept, 60 kB a band."""

STRIP_ROWS = 256
"""Scattered pixels are read by strips this high: the height of the tiles in the files."""


class StoredBand(Source):
    """A band with pyramid levels on a grid of its own.

    Reading at a scale takes the level whose pixels are the largest that are not larger than the scale (the native
    level when all are larger), then the pixel whose area holds the asked pixel's centre; outside is masked.
    ``read_level(level, row, column, rows, columns)`` gives a part that lies wholly inside level number ``level``,
    whose pixels are ``factors[level]`` native ones wide.

    The scattered pixels read last are kept: the images of a tile are all sampled at the same places, each as a
    background of its neighbours, and a sample of 5,000 pixels decodes nearly every block of a tile.
    """

    def __init__(self, grid: Grid, factors: tuple[int, ...], read_level: LevelReader) -> None:
        self.grid = grid
        self.factors = factors
        self.read_level = read_level
        self._points: tuple[Hashable, Pixels] | None = None

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        if isinstance(window, Rectangle) and window.grid.crs == self.grid.crs:
            return self._read_rectangle(window)
        if isinstance(window, Rectangle):
            x, y = transform_axes(window.grid.crs, self.grid.crs, *window.axes())
        else:
            x, y = transform_points(window.grid.crs, self.grid.crs, *window.centres())
        level = _level_for(self.grid, self.factors, window.grid)
        grid = _level_grid(self.grid, self.factors[level])
        return self._read_points(level, _along(grid, y, axis=1), _along(grid, x, axis=0), self._holds(x, y))

    def _read_rectangle(self, window: Rectangle) -> Pixels:
        reading = reading_of(self.grid, self.factors, window)
        if reading is None:
            return Pixels(np.zeros(window.shape, np.uint16), np.zeros(window.shape, bool))
        rows, columns = reading.grid.shape_yx
        pixels = reading.spread(self.read_level(reading.level, reading.row, reading.column, rows, columns))
        return padded(pixels, window, reading.inside, lambda: Pixels(np.zeros((), np.uint16), np.zeros((), bool)))

    def _holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x_min, y_min, x_max, y_max = self.grid.bounds
        return (x >= x_min) & (x < x_max) & (y <= y_max) & (y > y_min)

    def _read_points(self, level: int, rows: np.ndarray, columns: np.ndarray, inside: np.ndarray) -> Pixels:
        if rows.size > MOST_KEPT_POINTS:
            return self._new_points(level, rows, columns, inside)
        places = hashlib.sha256(b"".join(array.tobytes() for array in (rows, columns, inside))).digest(), rows.shape
        if self._points is None or self._points[0] != (level, places):
            self._points = (level, places), self._new_points(level, rows, columns, inside)
        return self._points[1]

    def _new_points(self, level: int, rows: np.ndarray, columns: np.ndarray, inside: np.ndarray) -> Pixels:
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

    Where their pixels are not smaller than those asked for they are reduced first and multiplied afterwards: with the
    nearest neighbour that gives the same pixels, and a 60 m band has 36 times fewer of them than a 10 m grid. What
    lies outside the raster is masked in all bands and reduced once, not pixel by pixel. Two with equal ``key`` and the
    same bands are equal: they are computed once where several read them.
    """

    def __init__(
        self, fold: Callable[[Sequence[Pixels]], Pixels], bands: Sequence[StoredBand], key: Hashable = None
    ) -> None:
        self.inputs = tuple(bands)
        self._band = bands[0]
        self._fold = fold
        self._key = (fold if key is None else key, self.inputs)
        self._hash = hash(self._key)  # it is asked for at every read

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FoldedBands) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        if isinstance(window, Scatter) or window.grid.crs != self._band.grid.crs:
            return self._folded(window, read)
        reading = reading_of(self._band.grid, self._band.factors, window)
        if reading is None:
            return padded(None, window, None, self._outside)
        if reading.grid.scale_m < window.grid.scale_m * (1 - 1e-9):
            pixels = self._folded(part_of(window, reading.inside), read)
        else:
            pixels = reading.spread(self._folded(Rectangle(reading.grid), read))
        return padded(pixels, window, reading.inside, self._outside)

    def _folded(self, window: Window, read: Reader) -> Pixels:
        return self._fold([read(band, window) for band in self.inputs])

    def _outside(self) -> Pixels:
        nowhere = self._fold([Pixels(np.zeros(1, np.uint16), np.zeros(1, bool))] * len(self.inputs))
        return Pixels(nowhere.data[0], nowhere.valid_or_true()[0])


@dataclass(frozen=True, eq=False)
class Reading:
    """How a window reads a raster: its rows and columns that lie on the raster (``inside``), and the part of the level
    that they are read from, by its grid and where it begins. ``rows`` and ``columns`` of the part are taken for those
    of the window, None: each once."""

    inside: Area
    level: int
    grid: Grid
    row: int
    column: int
    rows: np.ndarray | None
    columns: np.ndarray | None

    def spread(self, pixels: Pixels) -> Pixels:
        """The window's pixels that lie on the raster out of those of the part."""
        valid = None if pixels.valid is None else self._taken(pixels.valid)
        return Pixels(self._taken(pixels.data), valid)

    def _taken(self, array: np.ndarray) -> np.ndarray:
        # Columns first: there are fewer rows by then, and whole rows are copied faster than single pixels.
        taken = array if self.columns is None else np.take(array, self.columns, axis=-1)
        return taken if self.rows is None else np.take(taken, self.rows, axis=-2)


@lru_cache(maxsize=64)
def reading_of(grid: Grid, factors: tuple[int, ...], window: Rectangle) -> Reading | None:
    """How a window reads the rasters of a grid and levels in the same coordinate system, None where it lies beside.

    The bands of all images of a tile have three grids, so of hundreds of readings of a block three are worked out.
    """
    x, y = window.axes()
    x_min, y_min, x_max, y_max = grid.bounds
    across, down = np.flatnonzero((x >= x_min) & (x < x_max)), np.flatnonzero((y <= y_max) & (y > y_min))
    if not (across.size and down.size):
        return None
    inside = slice(int(down[0]), int(down[-1]) + 1), slice(int(across[0]), int(across[-1]) + 1)
    level = _level_for(grid, factors, window.grid)
    level_grid = _level_grid(grid, factors[level])
    rows, columns = _along(level_grid, y[down], axis=1), _along(level_grid, x[across], axis=0)
    row, column = int(rows[0]), int(columns[0])
    part = level_grid.part(row, column, int(rows[-1]) + 1 - row, int(columns[-1]) + 1 - column)
    return Reading(inside, level, part, row, column, _unless_all(rows - row), _unless_all(columns - column))


def _level_for(grid: Grid, factors: Sequence[int], wanted: Grid) -> int:
    """Number of the level of a raster that is read for another grid."""
    scale = wanted.scale_m if wanted.crs == grid.crs else _scale_in(wanted, grid.crs)
    fitting = [i for i, factor in enumerate(factors) if grid.scale_m * factor <= scale * (1 + 1e-9)]
    return max(fitting, default=0)


def _level_grid(grid: Grid, factor: int) -> Grid:
    """The grid of a level; its size is rounded up, so it may reach over the edge of the native one."""
    x_scale, _, x0, _, y_scale, y0 = grid.transform
    rows, columns = (-(-size // factor) for size in grid.shape_yx)
    return Grid(grid.crs, (x_scale * factor, 0.0, x0, 0.0, y_scale * factor, y0), (rows, columns))


def _unless_all(positions: np.ndarray) -> np.ndarray | None:
    """Positions that are picked, None where they are 0, 1, 2, …, all there are."""
    return None if positions[-1] == positions.size - 1 and (np.diff(positions) == 1).all() else positions


def padded(pixels: Pixels | None, window: Rectangle, inside: Area | None, outside: Callable[[], Pixels]) -> Pixels:
    """The pixels of a window of which those ``inside`` are given and all others are the same: ``outside``, 0-d."""
    if pixels is not None and pixels.data.shape == window.shape:
        return pixels
    other = outside()
    data = np.empty(window.shape, other.data.dtype if pixels is None else pixels.data.dtype)
    valid = np.empty(window.shape, bool)
    data[...], valid[...] = other.data, other.valid_or_true()
    if pixels is not None and inside is not None:
        data[inside] = pixels.data
        valid[inside] = True if pixels.valid is None else pixels.valid
    return Pixels(data, None if valid.all() else valid)


def are_alike(sources: Sequence[Source]) -> bool:
    """True for stored bands that share their grid and levels."""
    bands = [source for source in sources if isinstance(source, StoredBand)]
    return len(bands) == len(sources) > 0 and len({(band.grid, band.factors) for band in bands}) == 1


def _along(grid: Grid, positions: np.ndarray, axis: int) -> np.ndarray:
    """Column (axis 0) or row (axis 1) numbers of positions in CRS units; rounding error never leaves the pixel."""
    scale, origin = (grid.transform[0], grid.transform[2]) if axis == 0 else (grid.transform[4], grid.transform[5])
    with np.errstate(invalid="ignore"):  # points that the coordinate system does not have are infinite, and outside
        return np.floor((positions - origin) / scale + 1e-6).astype(np.int64)


def _scale_in(grid: Grid, crs: str) -> float:
    """Width of the grid's middle pixel in units of another coordinate system."""
    x_min, y_min, x_max, y_max = grid.bounds
    x, y = np.array([(x_min + x_max) / 2]), np.array([(y_min + y_max) / 2])
    x_to, y_to = transform_points(grid.crs, crs, np.concatenate([x, x + grid.scale_m]), np.concatenate([y, y]))
    return float(np.hypot(x_to[1] - x_to[0], y_to[1] - y_to[0]))
