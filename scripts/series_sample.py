"""A small simulated series of NDVI with masks, two years long; what the pictures of filled series are made from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.simulation.acquisitions import plan_acquisitions
from s2mask_qgis.simulation.landscape import build_landscape
from s2mask_qgis.simulation.scene import Observation, Truth, observe
from s2mask_qgis.simulation.settings import SampleSettings

SETTINGS = SampleSettings(size_px=360, dates=96, step_days=8, first_date=date(2021, 12, 3), jp2_products=0)
OFFSET = 1000
"""What products since processing baseline 04.00 add to their digital numbers."""

MASK_CODES = {Truth.CLOUD: 1, Truth.THIN_CLOUD: 1, Truth.SHADOW: 2, Truth.NO_DATA: 255}


def write_series(folder: Path, settings: SampleSettings = SETTINGS) -> dict[str, float]:
    """Write ndvi/<YYYYMMDD>.tif and mask/<YYYYMMDD>.tif (0 clear, 1 cloud, 2 shadow) into a folder.

    Returns the share of pixels that is masked, 0-1, by day as YYYYMMDD.
    """
    gdal.UseExceptions()
    landscape = build_landscape(settings)
    masked = {}
    for acquisition in plan_acquisitions(settings):
        seen = observe(landscape, acquisition, settings.seed)
        day = acquisition.start[:8]
        name = f"{day}.tif"
        _write(folder / "ndvi" / name, _ndvi(seen), settings.grid, -9999)
        mask = np.zeros(seen.truth.shape, np.uint8)
        for truth, code in MASK_CODES.items():
            mask[seen.truth == truth] = code
        _write(folder / "mask" / name, mask, settings.grid, 255)
        masked[day] = float((mask > 0).mean())
    return masked


def _ndvi(seen: Observation) -> np.ndarray:
    red, near = (seen.numbers[band].astype(np.float32) - OFFSET for band in ("B4", "B8"))
    total = np.where(near + red > 0, near + red, np.nan)
    return np.nan_to_num((near - red) / total, nan=-9999).astype(np.float32)


def _write(path: Path, values: np.ndarray, grid: Grid, nodata: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = gdal.GDT_Byte if values.dtype == np.uint8 else gdal.GDT_Float32
    rows, columns = values.shape
    raster = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, kind, ["COMPRESS=DEFLATE"])
    x_scale, _, left, _, y_scale, top = grid.transform
    raster.SetGeoTransform((left, x_scale, 0.0, top, 0.0, y_scale))
    reference = osr.SpatialReference()
    reference.SetFromUserInput(grid.crs)
    raster.SetSpatialRef(reference)
    raster.GetRasterBand(1).WriteArray(values)
    raster.GetRasterBand(1).SetNoDataValue(nodata)
    raster.FlushCache()
