"""Makes scene folders and areas from the real Sentinel-2 data beside the repository."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from osgeo import gdal, ogr, osr

from scene_stacks import NODATA as NODATA
from scene_stacks import Place, reference, scene_properties, write_stack

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
PATCH = Path(__file__).resolve().parents[2] / "shared" / "data" / "eolearn-l1c"
COMPLETE_DATES = 5
TILE = "33TWM"
EPSG = 32633
SCALE_M = 10.0


def read_eolearn_scenes() -> list[tuple[datetime, np.ndarray, float]]:
    """Time (10:00 UTC of the day), pixels (13, 101, 100) in reflectance x 10000 and cloud percentage, a complete date
    each, in order of time. The percentage is the share of the patch's own cloud masks (s2cloudless)."""
    with np.load(PATCH / "s2_l1c_10dates_13bands.npz") as patch:
        days = [datetime.fromisoformat(str(time)[:10]) for time in patch["times"][:COMPLETE_DATES]]
        cloud = 100.0 * patch["clm"][:COMPLETE_DATES].mean(axis=(1, 2))
        times = [day.replace(hour=10, tzinfo=timezone.utc) for day in days]
        return list(zip(times, patch["dn"][:COMPLETE_DATES], cloud.tolist(), strict=True))


def upper_left() -> tuple[float, float]:
    """The patch's upper left corner in EPSG:32633; its pixels are taken to be 10 m, which they are to 0.06 %."""
    corners = json.loads((PATCH / "bbox.geojson").read_text())["coordinates"][0]
    return min(x for x, _ in corners), max(y for _, y in corners)


def scene_index(time: datetime) -> str:
    """The system:index of the patch's scene of that time."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    return f"{stamp}_{stamp}_T{TILE}"


def write_eolearn_scenes(folder: Path) -> list[str]:
    """Write the five complete 13-band dates as NAME.tif + NAME.json; returns their system:index in order of time."""
    indexes = []
    for time, pixels, cloud in read_eolearn_scenes():
        write_stack(folder, scene_properties(time, TILE, cloud), pixels, BANDS, Place(EPSG, *upper_left(), SCALE_M))
        indexes.append(scene_index(time))
    return indexes


def write_area(path: Path, folder: Path, margin_m: float = 100.0) -> Path:
    """Write a GeoPackage with one polygon layer "area" in EPSG:4326: what the scenes of ``folder`` cover and
    ``margin_m`` around it."""
    scene = gdal.Open(str(next(folder.glob("*.tif"))))
    x0, x_scale, _, y0, _, y_scale = scene.GetGeoTransform()
    x_min, x_max = x0 - margin_m, x0 + scene.RasterXSize * x_scale + margin_m
    y_min, y_max = y0 + scene.RasterYSize * y_scale - margin_m, y0 + margin_m
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for x, y in ((x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max), (x_min, y_min)):
        ring.AddPoint_2D(x, y)
    polygon = ogr.Geometry(ogr.wkbPolygon)
    polygon.AddGeometry(ring)
    degrees = reference(4326)
    polygon.Transform(osr.CoordinateTransformation(reference(EPSG), degrees))
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = source.CreateLayer("area", degrees, ogr.wkbPolygon)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(polygon)
    layer.CreateFeature(feature)
    return path
