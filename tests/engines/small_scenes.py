"""Writes a folder of three small scenes whose pixels are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
SHAPE_YX = (50, 60)
DAYS = ("20200105", "20200110", "20200115")
INDEXES = tuple(f"{day}T100000_{day}T100000_T31TCJ" for day in DAYS)
NODATA = 65535
MASKED = (slice(0, 5), slice(0, 7))
"""Rows and columns without a value in the first date."""


def small_scene(date: int) -> np.ndarray:
    """Reflectance x 10000 of a date, (13, 50, 60) uint16."""
    pixels = np.random.default_rng(date).integers(100, 5000, (len(BANDS), *SHAPE_YX)).astype(np.uint16)
    if date == 0:
        pixels[:, MASKED[0], MASKED[1]] = NODATA
    return pixels


def write_small_scenes(folder: Path) -> None:
    """Write the three dates as GeoTIFF + JSON; the upper left corner is 500000, 5000000 in EPSG:32631."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    driver = gdal.GetDriverByName("GTiff")
    for date, index in enumerate(INDEXES):
        rows, columns = SHAPE_YX
        dataset = driver.Create(str(folder / f"{index}.tif"), columns, rows, len(BANDS), gdal.GDT_UInt16)
        dataset.SetGeoTransform((500000.0, 10.0, 0.0, 5000000.0, 0.0, -10.0))
        dataset.SetProjection(reference.ExportToWkt())
        for number, (name, pixels) in enumerate(zip(BANDS, small_scene(date)), start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(NODATA)
            band.WriteArray(pixels)
        dataset.FlushCache()
        del dataset
        properties = {
            "system:index": index,
            "system:time_start": 1578218400000 + date * 5 * 86_400_000,
            "MGRS_TILE": "31TCJ",
            "CLOUDY_PIXEL_PERCENTAGE": 10.0 * date,
        }
        (folder / f"{index}.json").write_text(json.dumps(properties))
