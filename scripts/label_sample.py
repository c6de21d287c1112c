"""Labels out of the truth of a simulated sample, as the CSV file from which the pictured model is built."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from s2mask_qgis.core.labels import CLEAR, CLOUD, SHADOW
from s2mask_qgis.simulation.scene import Truth

CLASSES = {Truth.CLEAR: CLEAR, Truth.CLOUD: CLOUD, Truth.THIN_CLOUD: CLOUD, Truth.SHADOW: SHADOW}
HEADER = ("longitude", "latitude", "image", "class")


def write_labels(sample: Path, path: Path, per_class: int = 25, seed: int = 0) -> int:
    """Write up to ``per_class`` places of each code of the truth in each image; returns how many there are."""
    gdal.UseExceptions()
    generator = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for raster in sorted((sample / "truth").glob("*.tif")):
            source = gdal.Open(str(raster))
            truth, place, transform = source.ReadAsArray(), source.GetGeoTransform(), _to_degrees(source)
            for code, kind in CLASSES.items():
                rows, columns = np.nonzero(truth == code)
                for chosen in generator.permutation(len(rows))[:per_class]:
                    x = place[0] + (columns[chosen] + 0.5) * place[1]
                    y = place[3] + (rows[chosen] + 0.5) * place[5]
                    longitude, latitude, _ = transform.TransformPoint(x, y)
                    writer.writerow((f"{longitude:.6f}", f"{latitude:.6f}", raster.stem, kind))
                    count += 1
    return count


def _to_degrees(source: gdal.Dataset) -> osr.CoordinateTransformation:
    """From a raster's coordinate system to longitude and latitude."""
    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    metres = source.GetSpatialRef()
    for reference in (degrees, metres):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return osr.CoordinateTransformation(metres, degrees)
