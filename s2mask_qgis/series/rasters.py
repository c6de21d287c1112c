"""One GeoTIFF as the series sees it: its grid and bands, a few sampled values, and datasets kept open in a pool."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from osgeo import gdal

from ..core.grid import Grid
from ..engines.errors import EngineError, SceneError
from ..engines.local.library.rasters import gdal_failures

SUFFIXES = (".tif", ".tiff")
_SAMPLES_A_SIDE, _SAMPLE_PX = 3, 48
_WHOLE_PX = 2**20
"""Bands of no more pixels are read whole where a look at their values is enough."""


class UnreadableError(SceneError):
    """A raster whose pixels cannot be read; ``path`` is the file."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read ({reason}); replace or remove it.")
        self.path = path


@dataclass(frozen=True)
class BandFacts:
    """One band; ``scale``, ``offset`` and ``nodata`` are None where the file does not declare them."""

    number: int
    name: str
    is_integer: bool
    is_byte: bool
    nodata: float | None
    scale: float | None
    offset: float | None
    has_mask: bool


@dataclass(frozen=True)
class RasterFile:
    """What a file declares; ``crs`` of the grid is an EPSG code, else WKT, or empty."""

    path: Path
    grid: Grid
    bands: tuple[BandFacts, ...]
    items: Mapping[str, str]


def open_dataset(path: Path) -> gdal.Dataset:
    """A GeoTIFF opened for reading. UnreadableError where it is none."""
    try:
        with gdal_failures(SceneError, ""):
            dataset = gdal.OpenEx(str(path), gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR, allowed_drivers=["GTiff"])
    except SceneError:
        raise UnreadableError(path, "it is not a GeoTIFF, or it is damaged") from None
    if dataset is None:
        raise UnreadableError(path, "it is not a GeoTIFF")
    return dataset


def describe(path: Path) -> RasterFile:
    """The facts of a file. UnreadableError where it is no GeoTIFF or cannot be placed on a map."""
    dataset = open_dataset(path)
    try:
        grid = _grid(dataset)
    except ValueError:
        raise UnreadableError(path, "its pixels are turned or upside down") from None
    bands = tuple(_band_facts(dataset.GetRasterBand(number)) for number in range(1, dataset.RasterCount + 1))
    return RasterFile(path, grid, bands, dataset.GetMetadata() or {})


def _grid(dataset: gdal.Dataset) -> Grid:
    """The grid; a file without georeference lies where its rows and columns are."""
    x0, x_scale, x_shear, y0, y_shear, y_scale = dataset.GetGeoTransform(can_return_null=True) or (0, 1, 0, 0, 0, -1)
    transform = (float(x_scale), float(x_shear), float(x0), float(y_shear), float(y_scale), float(y0))
    return Grid(_crs(dataset), transform, (dataset.RasterYSize, dataset.RasterXSize))


def _crs(dataset: gdal.Dataset) -> str:
    reference = dataset.GetSpatialRef()
    if reference is None:
        return ""
    reference = reference.Clone()
    if reference.GetAuthorityCode(None) is None:
        reference.AutoIdentifyEPSG()
    code = reference.GetAuthorityCode(None)
    return f"{reference.GetAuthorityName(None)}:{code}" if code else str(reference.ExportToWkt())


def _band_facts(band: gdal.Band) -> BandFacts:
    kind = gdal.GetDataTypeName(band.DataType)
    declared = (band.GetScale() or 1.0, band.GetOffset() or 0.0) != (1.0, 0.0)
    flags = band.GetMaskFlags()
    return BandFacts(
        number=band.GetBand(),
        name=band.GetDescription(),
        is_integer=not kind.startswith(("Float", "C")),
        is_byte=kind in ("Byte", "Int8"),
        nodata=band.GetNoDataValue(),
        scale=(band.GetScale() or 1.0) if declared else None,
        offset=(band.GetOffset() or 0.0) if declared else None,
        has_mask=flags == 0 or bool(flags & (gdal.GMF_PER_DATASET | gdal.GMF_ALPHA)),
    )


def sample(path: Path, number: int) -> np.ndarray:
    """Stored values of a few small windows spread over a band, in one row. UnreadableError where they cannot be."""
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(number)
    parts = []
    for row in _starts(dataset.RasterYSize):
        for column in _starts(dataset.RasterXSize):
            height, width = min(_SAMPLE_PX, dataset.RasterYSize), min(_SAMPLE_PX, dataset.RasterXSize)
            parts.append(read_band(path, band, row, column, height, width).ravel())
    return np.concatenate(parts)


def overview_values(path: Path, number: int) -> np.ndarray:
    """Stored values of a band, in one row: all of a small one, an overview's of one that has overviews, else those of
    :func:`sample`. UnreadableError where they cannot be read."""
    dataset = open_dataset(path)  # its bands live as long as it does
    band = dataset.GetRasterBand(number)
    levels = [band, *(band.GetOverview(level) for level in range(band.GetOverviewCount()))]
    small = [level for level in levels if level.XSize * level.YSize <= _WHOLE_PX]
    if not small:
        return sample(path, number)
    largest = max(small, key=lambda level: level.XSize)
    return read_band(path, largest, 0, 0, largest.YSize, largest.XSize).ravel()


def samples(files: Iterable[tuple[Path, int]]) -> np.ndarray:
    """Stored values of samples of several bands (path and number), as float64 in one row.

    Files that cannot be read give none; whoever reads all of their pixels finds out.
    """
    parts = [np.empty(0)]
    for path, number in files:
        with suppress(UnreadableError):
            parts.append(sample(path, number).astype(np.float64))
    return np.concatenate(parts)


def _starts(size: int) -> list[int]:
    room = max(0, size - _SAMPLE_PX)
    return sorted({room * step // (_SAMPLES_A_SIDE - 1) for step in range(_SAMPLES_A_SIDE)})


def read_band(path: Path, band: gdal.Band, row: int, column: int, rows: int, columns: int) -> np.ndarray:
    """A window of stored values. UnreadableError naming ``path`` where GDAL fails."""
    try:
        with gdal_failures(SceneError, "GDAL"):
            data = band.ReadAsArray(column, row, columns, rows)
    except SceneError:
        raise UnreadableError(path, "the file is damaged or cut off") from None
    return data


class DatasetPool:
    """Open datasets by key, the most recently used kept up to ``limit``; one thread at a time holds each.

    ``closing`` makes the context in which a dataset is flushed and closed, to turn GDAL's failures into errors.
    """

    def __init__(self, limit: int, closing: Callable[[], AbstractContextManager[None]]) -> None:
        self._limit = limit
        self._closing = closing
        self._idle: OrderedDict[Hashable, gdal.Dataset] = OrderedDict()
        self._locks: defaultdict[Hashable, Lock] = defaultdict(Lock)
        self._guard = Lock()

    @contextmanager
    def borrow(self, key: Hashable, opener: Callable[[], gdal.Dataset]) -> Iterator[gdal.Dataset]:
        """The dataset of ``key`` for the block, opened where it is not open."""
        with self._guard:
            lock = self._locks[key]
        with lock:
            with self._guard:
                dataset = self._idle.pop(key, None)
            dataset = opener() if dataset is None else dataset
            try:
                yield dataset
            finally:
                with self._guard:
                    self._idle[key] = dataset
                    surplus = [self._idle.popitem(last=False)[1]] if len(self._idle) > self._limit else []
                del dataset
                self._close(surplus)

    def close(self) -> None:
        """Close everything; what was written is on disk afterwards, or the first failure is raised."""
        with self._guard:
            datasets = list(self._idle.values())
            self._idle.clear()
        self._close(datasets)

    def _close(self, datasets: list[gdal.Dataset]) -> None:
        failures = []
        while datasets:
            try:
                with self._closing():
                    datasets.pop().FlushCache()
            except EngineError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
