"""Reading pixels of ingested scenes."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...errors import SceneError
from .ingest import BandFile
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
            self._datasets.popitem(last=False)
        return self._datasets[path]


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
    ``rasters`` keeps the file open for later reads. Raises SceneError where the file is gone or damaged.
    """
    trouble = f"{band.path.name} of the scene {band.path.parent.name} in the library cannot be read"
    with gdal_failures(SceneError, trouble):
        dataset = (rasters or OpenRasters(1)).open(band.path)
        raster = dataset.GetRasterBand(band.number) if dataset else None
        if raster and level_position:
            raster = raster.GetOverview(level_position - 1)
        values = raster.ReadAsArray(column, row, columns, rows) if raster else None
    if values is None:
        raise SceneError(f"{trouble}: level {level_position} of band {band.name} is missing.")
    return values, values != NODATA
