"""Reading pixels of ingested scenes."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...errors import SceneError
from .checksums import CheckedTiles
from .ingest import DESCRIPTION, BandFile
from .pyramid import NODATA
from .rasters import gdal_failures


class OpenRasters:
    """Files kept open between reads, the least recently used one closed first.

    GDAL's cache of decoded blocks lives as long as the open file: images that share background scenes then decode them
    once. A file that is replaced meanwhile is still read as it was when it was opened.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._datasets: OrderedDict[Path, gdal.Dataset] = OrderedDict()
        self._checked: dict[Path, CheckedTiles] = {}

    def open(self, path: Path) -> gdal.Dataset | None:
        """The dataset of a file, None where GDAL cannot open it."""
        if path not in self._datasets:
            flags = gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR
            dataset = gdal.OpenEx(str(path), flags, allowed_drivers=["GTiff"])
            if dataset is None:
                return None
            self._datasets[path] = dataset
        self._datasets.move_to_end(path)
        while len(self._datasets) > self._limit:
            self.close(next(iter(self._datasets)))
        return self._datasets[path]

    def close(self, path: Path) -> None:
        """Close a file; the next read opens it anew."""
        self._datasets.pop(path, None)
        checked = self._checked.pop(path, None)
        if checked is not None:
            checked.close()

    def is_whole(self, path: Path, number: int, level: int, window: tuple[int, int, int, int]) -> bool:
        """Whether the tiles under a window (row, column, rows, columns) of an open file are as they were written."""
        try:
            if path not in self._checked:
                self._checked[path] = CheckedTiles(path, self._datasets[path])
            return self._checked[path].is_whole(number, level, *window)
        except (OSError, ValueError, IndexError, EOFError):
            return False


def read_level(
    band: BandFile,
    level_position: int,
    row: int,
    column: int,
    rows: int,
    columns: int,
    rasters: OpenRasters | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A window of one pyramid level: values (uint16, reflectance x 10000) and which of them are valid (bool).

    ``level_position`` counts in ``band.levels``, 0 is full resolution; the window must lie inside that level.
    ``rasters`` keeps the file open for later reads. Raises SceneError where the file is gone or damaged; the scene then
    counts as not ingested, so that it is read from its product again.
    """
    rasters = rasters or OpenRasters(1)
    window = (row, column, rows, columns)
    try:
        values = _checked_values(band, level_position, window, rasters)
    except SceneError:
        # Once more with the file opened anew: another process may have put a whole one in its place.
        rasters.close(band.path)
        try:
            values = _checked_values(band, level_position, window, rasters)
        except SceneError:
            rasters.close(band.path)
            with suppress(OSError):  # a library that cannot be written is told as such when it is next ingested to
                band.path.with_name(DESCRIPTION).unlink(missing_ok=True)
            raise
    return values, values != NODATA


def _checked_values(
    band: BandFile, level_position: int, window: tuple[int, int, int, int], rasters: OpenRasters
) -> np.ndarray:
    """The values of a window whose tiles are whole."""
    trouble = f"{band.path.name} of the scene {band.path.parent.name} in the library cannot be read"
    with gdal_failures(SceneError, trouble):
        dataset = rasters.open(band.path)
        raster = dataset.GetRasterBand(band.number) if dataset else None
        if raster and level_position:
            raster = raster.GetOverview(level_position - 1)
        is_whole = raster is not None and rasters.is_whole(band.path, band.number, level_position, window)
        row, column, rows, columns = window
        values = raster.ReadAsArray(column, row, columns, rows) if raster is not None and is_whole else None
    if values is None:
        text = f"{band.path.name} of the scene {band.path.parent.name} in the library is damaged (band {band.name})"
        raise SceneError(f"{text}; run again, and the scene is read from its product anew.")
    return values
