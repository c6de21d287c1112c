"""Pixels of a series: windows of one image, days merged, and blocks of all dates, from datasets kept open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from osgeo import gdal

from ..core.filling.observations import Reason
from ..core.grid import Grid
from ..engines.errors import SceneError
from ..engines.local.library.rasters import gdal_failures
from .folder import Image, Series
from .grids import offset_px
from .mask_files import MaskSource, is_aligned
from .masks import OUTSIDE, reasons_of
from .parallel import each
from .rasters import DatasetPool, UnreadableError, open_dataset, read_band
from .values import index_values

OPEN_FILES = 192
"""Inputs kept open; QGIS may open 1,024 files in all."""

# What is told of a pixel that several images of a day call masked: the first of these that one of them says.
_TOLD_FIRST = (Reason.CLOUD, Reason.SHADOW, Reason.SNOW, Reason.OTHER, Reason.NO_DATA)


@dataclass(frozen=True)
class Window:
    """Rows and columns of a series' grid."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def shape_yx(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns


class SeriesReader:
    """Reads a series; any number of threads may do so at once. To be closed, or used as a context."""

    def __init__(self, series: Series, open_files: int = OPEN_FILES) -> None:
        self.series = series
        self._days = series.of_days()
        self._pool = DatasetPool(open_files, lambda: gdal_failures(SceneError, "GDAL"))

    def __enter__(self) -> SeriesReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        self._pool.close()

    def stack(
        self, window: Window, threads: Executor, release: bool = False, check: Callable[[], None] = lambda: None
    ) -> np.ndarray:
        """The clear values (n days, rows, columns) float32 of a window, NaN elsewhere; days are read side by side.

        With ``release`` the blocks that GDAL keeps decoded are let go, so that memory does not grow from window to
        window. ``check`` is called before every day; what it raises ends the reading. UnreadableError names a file that
        cannot be read.
        """
        values = np.empty((len(self._days), *window.shape_yx), np.float32)

        def fill(at: int) -> None:
            check()
            found, reasons = self.day(at, window, release)
            found[reasons != Reason.CLEAR] = np.nan
            values[at] = found

        each(threads, fill, range(len(self._days)))
        return values

    def day(self, at: int, window: Window, release: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Values (float32, NaN where there is none, also those that are masked) and reasons (uint8) of one day.

        Of several images of the day, the mean of the clear values; where none is clear, of the masked ones.
        """
        images = self._days[at]
        if len(images) == 1:
            return self._image(images[0], window, release)
        values, reasons = zip(*(self._image(image, window, release) for image in images))
        return _merged(np.stack(values), np.stack(reasons))

    def _image(self, image: Image, window: Window, release: bool) -> tuple[np.ndarray, np.ndarray]:
        values = np.full(window.shape_yx, np.nan, np.float32)
        inside = _inside(self.series.grid, image.grid, window)
        if inside is not None:
            target, source = inside
            with self._pool.borrow((image.path, None), lambda: open_dataset(image.path)) as dataset:
                values[target] = _read_values(dataset, image, source, release)
        reasons = np.where(np.isnan(values), np.uint8(Reason.NO_DATA), np.uint8(Reason.CLEAR))
        if image.mask is not None:
            told = self._mask(image.mask, window, release)
            is_clear = reasons == Reason.CLEAR
            reasons[is_clear] = told[is_clear]
        return values, reasons

    def _mask(self, mask: MaskSource, window: Window, release: bool) -> np.ndarray:
        """The reasons (uint8) that a mask gives; NO_DATA outside of it."""
        reasons = np.full(window.shape_yx, Reason.NO_DATA, np.uint8)
        grid = self.series.grid
        aligned = is_aligned(grid, mask.grid)
        inside = _inside(grid, mask.grid if aligned else grid, window)
        if inside is None:
            return reasons
        target, source = inside
        key = (mask.path, None if aligned else grid)
        with self._pool.borrow(key, lambda: open_dataset(mask.path) if aligned else _warped(mask, grid)) as dataset:
            band = dataset.GetRasterBand(mask.band)
            stored = read_band(mask.path, band, source.row, source.column, source.rows, source.columns)
            _let_go(band, release)
        reasons[target] = reasons_of(stored, mask.coding, mask.nodata)
        return reasons


def _read_values(dataset: gdal.Dataset, image: Image, source: Window, release: bool) -> np.ndarray:
    band = dataset.GetRasterBand(image.band)
    at = (source.row, source.column, source.rows, source.columns)
    values = index_values(read_band(image.path, band, *at), image.encoding)
    if image.has_mask_band:
        values[read_band(image.path, band.GetMaskBand(), *at) == 0] = np.nan
    _let_go(band, release)
    return values


def _let_go(band: gdal.Band, release: bool) -> None:
    if release:
        with gdal_failures(SceneError, "GDAL"):
            band.FlushCache()


def _inside(outer: Grid, inner: Grid, window: Window) -> tuple[tuple[slice, slice], Window] | None:
    """Where a window of ``outer`` meets ``inner``: slices of the window and the window of ``inner``, or None."""
    row, column = offset_px(outer, inner)
    top, left = max(window.row, row), max(window.column, column)
    bottom = min(window.row + window.rows, row + inner.shape_yx[0])
    right = min(window.column + window.columns, column + inner.shape_yx[1])
    if bottom <= top or right <= left:
        return None
    target = (slice(top - window.row, bottom - window.row), slice(left - window.column, right - window.column))
    return target, Window(top - row, left - column, bottom - top, right - left)


def _warped(mask: MaskSource, grid: Grid) -> gdal.Dataset:
    """A mask brought to a grid by nearest neighbour, computed as it is read."""
    x_min, y_min, x_max, y_max = grid.bounds
    options = gdal.WarpOptions(
        format="VRT",
        dstSRS=grid.crs or None,
        outputBounds=(x_min, y_min, x_max, y_max),
        width=grid.shape_yx[1],
        height=grid.shape_yx[0],
        resampleAlg="near",
        srcNodata="None",
        dstNodata=OUTSIDE,
    )
    try:
        with gdal_failures(SceneError, "GDAL"):
            warped = gdal.Warp("", str(mask.path), options=options)
    except SceneError as error:
        raise UnreadableError(mask.path, f"it cannot be brought to the grid of the images; {error}") from None
    return warped


def _merged(values: np.ndarray, reasons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Several images (k, rows, columns) of a day as one."""
    is_clear = reasons == Reason.CLEAR
    any_clear = is_clear.any(axis=0)
    counted = np.where(any_clear, is_clear, ~np.isnan(values))
    count = counted.sum(axis=0)
    total = np.where(counted, values, 0.0).sum(axis=0, dtype=np.float64)
    merged = np.full(any_clear.shape, np.nan, np.float32)
    np.divide(total, count, out=merged, where=count > 0, casting="same_kind")
    told = np.full(any_clear.shape, Reason.NO_DATA, np.uint8)
    for reason in reversed(_TOLD_FIRST):
        told[(reasons == reason).any(axis=0)] = reason
    told[any_clear] = Reason.CLEAR
    return merged, told


def block_size(path: Path, number: int) -> tuple[int, int]:
    """Rows and columns of a block of a file."""
    dataset = open_dataset(path)  # its bands live as long as it does
    columns, rows = dataset.GetRasterBand(number).GetBlockSize()
    return rows, columns


def spread(count: int, most: int) -> Sequence[int]:
    """At most ``most`` positions spread evenly over ``count``."""
    return sorted({round(position) for position in np.linspace(0, count - 1, min(count, most))})
