"""Results as GeoTIFFs, whole or not at all: written block by block into .partial, given overviews, moved into place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from osgeo import gdal

from ..core.grid import Grid
from ..engines.errors import CancelledError, EngineError, StorageError
from ..engines.local.library.rasters import gdal_failures
from .area_mask import spatial_reference
from .parallel import each
from .rasters import DatasetPool
from .reading import Window

PARTIAL = ".partial"
KEY_ITEM = "S2MASK_KEY"
"""Metadata item of a result: the digest of what it was made from."""

INT16_NODATA = -32768
INT16_SCALE = 1e-4
OPEN_FILES = 256
FILES_AT_ONCE = 4
"""Files that are completed side by side before anybody is told or asked."""

_SMALLEST_OVERVIEW_PX = 256
_COMPRESSION = ("COMPRESS=DEFLATE", "ZLEVEL=1", "BIGTIFF=IF_SAFER")
"""The fastest level: higher ones take several times as long for a few percent of these noisy values."""


@dataclass(frozen=True)
class OutputBand:
    """One band: its name, its unit, and the scale by which it is stored where the file holds whole numbers."""

    name: str
    unit: str = ""
    scale: float = 1.0


@dataclass(frozen=True)
class OutputFile:
    """One file to be written; ``items`` are its metadata. Values are float32 with NaN, or int16 with scales."""

    path: Path
    bands: tuple[OutputBand, ...]
    is_int16: bool = False
    is_cog: bool = False
    items: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """What GDAL and the system say when ``path`` cannot be written, as StorageError."""
    try:
        with gdal_failures(StorageError, "GDAL"):
            yield
    except (StorageError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StorageError(f"{path} cannot be written ({reason}); free some space or choose another folder.") from None


def key_of(path: Path) -> str | None:
    """The digest stored in a result; None where there is no file or it is none of ours."""
    if not path.is_file():
        return None
    try:
        with gdal_failures(EngineError, "GDAL"):
            dataset = gdal.OpenEx(str(path), gdal.OF_RASTER, allowed_drivers=["GTiff"])
            return dataset.GetMetadataItem(KEY_ITEM) if dataset is not None else None
    except EngineError:  # a damaged file is none that can be kept
        return None


class Writer:
    """Writes files of one grid; blocks may come from several threads.

    ``tile_yx`` is the size of the blocks that are written, and of the tiles in the files. Nothing stands at the final
    paths before :meth:`finish`; :meth:`discard` removes what is unfinished.
    """

    def __init__(self, folder: Path, grid: Grid, tile_yx: tuple[int, int], files: Sequence[OutputFile]) -> None:
        self._partial_folder = folder / PARTIAL
        self._grid, self._tile_yx, self._files = grid, tile_yx, files
        self._pool = DatasetPool(OPEN_FILES, lambda: storage_errors(folder))
        self._unfinished = {file.path: self._partial_folder / f"{at}.tif" for at, file in enumerate(files)}
        with storage_errors(folder):
            shutil.rmtree(self._partial_folder, ignore_errors=True)
            self._partial_folder.mkdir(parents=True)

    def write(self, file: OutputFile, values: np.ndarray, window: Window) -> None:
        """Write a block (bands, rows, columns) of float values, NaN where there is none, all bands at once."""
        stored = _stored(values, file) if file.is_int16 else np.ascontiguousarray(values, np.float32)
        rows, columns = window.shape_yx
        with self._borrow(file) as dataset, storage_errors(file.path):
            kind = gdal.GDT_Int16 if file.is_int16 else gdal.GDT_Float32
            dataset.WriteRaster(window.column, window.row, columns, rows, stored.tobytes(), columns, rows, kind)
            # Compressed now, by this thread, instead of filling GDAL's cache.
            for number in range(1, dataset.RasterCount + 1):
                dataset.GetRasterBand(number).FlushCache()

    def finish(self, threads: Executor, on_file: Callable[[], None], check: Callable[[], None]) -> None:
        """Give the files overviews, or make them cloud-optimised, and move each into place.

        ``check`` raises CancelledError where it is to stop; files in place stay.
        """
        for file in self._files:
            with storage_errors(file.path):
                file.path.parent.mkdir(parents=True, exist_ok=True)
            with self._borrow(file):  # a file without any block is made here, empty
                pass
        self._pool.close()
        for start in range(0, len(self._files), FILES_AT_ONCE):
            check()
            some = self._files[start : start + FILES_AT_ONCE]
            each(threads, lambda file: self._complete(file, check), some)
            for _ in some:
                on_file()

    def discard(self) -> None:
        """Remove everything unfinished."""
        with suppress(StorageError):  # what cannot be flushed is removed anyway
            self._pool.close()
        shutil.rmtree(self._partial_folder, ignore_errors=True)

    def _borrow(self, file: OutputFile) -> AbstractContextManager[gdal.Dataset]:
        path = self._unfinished[file.path]
        return self._pool.borrow(path, lambda: self._open(file, path))

    def _open(self, file: OutputFile, path: Path) -> gdal.Dataset:
        with storage_errors(file.path):
            if path.exists():
                return gdal.OpenEx(str(path), gdal.OF_RASTER | gdal.OF_UPDATE)
            return self._create(file, path)

    def _create(self, file: OutputFile, path: Path) -> gdal.Dataset:
        rows, columns = self._grid.shape_yx
        options = ["TILED=YES", f"BLOCKXSIZE={self._tile_yx[1]}", f"BLOCKYSIZE={self._tile_yx[0]}", "INTERLEAVE=BAND"]
        options += [*_COMPRESSION, "SPARSE_OK=TRUE", f"PREDICTOR={2 if file.is_int16 else 3}"]
        kind = gdal.GDT_Int16 if file.is_int16 else gdal.GDT_Float32
        dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, len(file.bands), kind, options)
        if dataset is None:
            raise RuntimeError(gdal.GetLastErrorMsg())  # as GDAL does itself where its exceptions are on
        x_scale, _, x0, _, y_scale, y0 = self._grid.transform
        dataset.SetGeoTransform((x0, x_scale, 0.0, y0, 0.0, y_scale))
        if self._grid.crs:
            dataset.SetProjection(spatial_reference(self._grid.crs).ExportToWkt())
        dataset.SetMetadata(dict(file.items))
        for number, band in enumerate(file.bands, start=1):
            _describe(dataset.GetRasterBand(number), band, file.is_int16)
        return dataset

    def _complete(self, file: OutputFile, check: Callable[[], None]) -> None:
        path = self._unfinished[file.path]
        finish = _write_cog if file.is_cog else _build_overviews
        try:
            with storage_errors(file.path):
                path = finish(path, lambda *_: int(_goes_on(check)))
        except StorageError:
            check()  # GDAL reports having been stopped as a failure
            raise
        with storage_errors(file.path):
            path.replace(file.path)


def _goes_on(check: Callable[[], None]) -> bool:
    try:
        check()
    except CancelledError:
        return False
    return True


def _describe(band: gdal.Band, facts: OutputBand, is_int16: bool) -> None:
    band.SetDescription(facts.name)
    band.SetNoDataValue(INT16_NODATA if is_int16 else float("nan"))
    if facts.unit:
        band.SetUnitType(facts.unit)
    if is_int16 and facts.scale != 1.0:
        band.SetScale(facts.scale)
        band.SetOffset(0.0)


def _stored(values: np.ndarray, file: OutputFile) -> np.ndarray:
    """Values as whole numbers."""
    stored = np.empty(values.shape, np.int16)
    for at, band in enumerate(file.bands):
        numbers = np.rint(values[at] / np.float32(band.scale))
        numbers[np.isnan(numbers)] = INT16_NODATA
        stored[at] = np.clip(numbers, INT16_NODATA, -INT16_NODATA - 1)
    return stored


def _build_overviews(path: Path, progress: Callable[..., int]) -> Path:
    """Give a file overviews of nearest pixels, which mix neither the codes of a quality nor pixels with and without a
    value. GDAL stops where ``progress`` returns 0."""
    dataset = gdal.OpenEx(str(path), gdal.OF_RASTER | gdal.OF_UPDATE)
    if dataset is None:
        raise RuntimeError(gdal.GetLastErrorMsg())
    factors: list[int] = []
    while max(dataset.RasterXSize, dataset.RasterYSize) > _SMALLEST_OVERVIEW_PX * 2 ** len(factors):
        factors.append(2 ** (len(factors) + 1))
    if factors:
        dataset.BuildOverviews("NEAREST", factors, progress)
        dataset.FlushCache()
    return path


def _write_cog(path: Path, progress: Callable[..., int]) -> Path:
    """A cloud-optimised copy beside ``path``, which goes. GDAL stops where ``progress`` returns 0."""
    source = gdal.OpenEx(str(path), gdal.OF_RASTER)
    if source is None:
        raise RuntimeError(gdal.GetLastErrorMsg())
    target = path.with_suffix(".cog.tif")
    options = ["COMPRESS=DEFLATE", "LEVEL=1", "PREDICTOR=YES", "BIGTIFF=IF_SAFER", "BLOCKSIZE=256"]
    options += ["OVERVIEW_RESAMPLING=NEAREST"]
    gdal.GetDriverByName("COG").CreateCopy(str(target), source, options=options, callback=progress)
    del source
    path.unlink()
    return target
