"""Writes image stacks that the library accepts from arrays: a GeoTIFF of named bands and a JSON of properties each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from s2mask_qgis.core.area import Area

NODATA = 65535
"""Of pixels in reflectance x 10000."""


@dataclass(frozen=True)
class Place:
    """Where an array lies: its upper left corner and pixel size in metres in a projected coordinate system."""

    epsg: int
    x_m: float
    y_m: float
    scale_m: float = 10.0


def write_stack(
    folder: Path, properties: Mapping[str, object], pixels: np.ndarray, bands: Sequence[str], place: Place
) -> None:
    """Write ``pixels`` (band, y, x) uint16 and the ``properties`` of their image, named after its system:index."""
    folder.mkdir(parents=True, exist_ok=True)
    index = str(properties["system:index"])
    write_bands(folder / f"{index}.tif", pixels.astype(np.uint16), place, NODATA, bands)
    (folder / f"{index}.json").write_text(json.dumps(dict(properties), indent=2), encoding="utf-8")


def scene_properties(time: datetime, tile: str, cloudy_percent: float, index: str = "") -> dict[str, object]:
    """What a stack must tell of its image; ``index`` is formed from the time and the tile where it is not given."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    return {
        "system:index": index or f"{stamp}_{stamp}_T{tile}",
        "system:time_start": int(time.timestamp() * 1000),
        "MGRS_TILE": tile,
        "CLOUDY_PIXEL_PERCENTAGE": cloudy_percent,
    }


def write_bands(path: Path, pixels: np.ndarray, place: Place, nodata: int, names: Sequence[str] = ()) -> None:
    """Write ``pixels`` (band, y, x), uint16 or uint8, as a compressed GeoTIFF."""
    gdal.UseExceptions()
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = gdal.GDT_Byte if pixels.dtype == np.uint8 else gdal.GDT_UInt16
    count, rows, columns = pixels.shape
    file = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, count, kind, ["COMPRESS=DEFLATE"])
    file.SetGeoTransform((place.x_m, place.scale_m, 0.0, place.y_m, 0.0, -place.scale_m))
    file.SetProjection(reference(place.epsg).ExportToWkt())
    for number in range(1, count + 1):
        band = file.GetRasterBand(number)
        band.SetNoDataValue(nodata)
        band.WriteArray(pixels[number - 1])
        if names:
            band.SetDescription(names[number - 1])


def area_around(place: Place, shape_yx: tuple[int, int], margin_m: float = 100.0) -> Area:
    """A rectangle around an array and ``margin_m`` more, in longitude and latitude."""
    rows, columns = shape_yx
    x_min, x_max = place.x_m - margin_m, place.x_m + columns * place.scale_m + margin_m
    y_min, y_max = place.y_m - rows * place.scale_m - margin_m, place.y_m + margin_m
    corners = [(x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max), (x_min, y_min)]
    points = osr.CoordinateTransformation(reference(place.epsg), reference(4326)).TransformPoints(corners)
    return Area(((tuple((longitude, latitude) for longitude, latitude, _ in points),),))


def reference(epsg: int) -> osr.SpatialReference:
    """A coordinate system with easting or longitude first."""
    system = osr.SpatialReference()
    system.ImportFromEPSG(epsg)
    system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return system
