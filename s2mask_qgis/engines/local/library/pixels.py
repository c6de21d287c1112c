"""Reading pixels of ingested scenes."""

from __future__ import annotations

import numpy as np
from osgeo import gdal

from ...errors import SceneError
from .ingest import BandFile
from .pyramid import NODATA
from .rasters import gdal_failures


def read_level(
    band: BandFile, level_position: int, row: int, column: int, rows: int, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """A window of one pyramid level: values (uint16, reflectance x 10000) and which of them are valid (bool).

    ``level_position`` counts in ``band.levels``, 0 is full resolution; the window must lie inside that level.
    Raises SceneError where the file is gone or damaged.
    """
    trouble = f"{band.path.name} of the scene {band.path.parent.name} in the library cannot be read"
    with gdal_failures(SceneError, trouble):
        dataset = gdal.OpenEx(str(band.path), gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR, allowed_drivers=["GTiff"])
        raster = dataset.GetRasterBand(band.number) if dataset else None
        if raster and level_position:
            raster = raster.GetOverview(level_position - 1)
        values = raster.ReadAsArray(column, row, columns, rows) if raster else None
    if values is None:
        raise SceneError(f"{trouble}: level {level_position} of band {band.name} is missing.")
    return values, values != NODATA
