"""The files of a sample: rasters, outlines and the area, written by GDAL and given their names when complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from osgeo import gdal, ogr, osr

from ..core.grid import Grid
from ..core.scenes import Ring
from ..engines.errors import StorageError

_GEOTIFF = ["COMPRESS=DEFLATE", "PREDICTOR=2", "ZLEVEL=1", "BLOCKYSIZE=60"]
_LOSSLESS_JP2 = ["QUALITY=100", "REVERSIBLE=YES", "YCC=NO"]
_LAST_CHANGE = "2022-11-02T00:00:00.000Z"
"""GeoPackages note when they were changed; a fixed time keeps the same sample the same to the byte."""


@contextmanager
def gdal_errors(target: Path) -> Iterator[None]:
    """Within this, failures of GDAL and of the file system to write ``target`` are StorageErrors."""
    switched = [module for module in (gdal, ogr) if not module.GetUseExceptions()]
    for module in switched:
        module.UseExceptions()
    try:
        yield
    except (RuntimeError, OSError) as error:
        raise StorageError(
            f"The sample cannot be written at {target}: {error}. Choose another folder, or make room on the disk."
        ) from error
    finally:
        for module in reversed(switched):
            module.DontUseExceptions()


def write_raster(path: Path, values: np.ndarray, grid: Grid) -> None:
    """Writes one band: lossless JPEG 2000 where ``path`` ends in .jp2, else a compressed GeoTIFF."""
    kind = gdal.GDT_Byte if values.dtype == np.uint8 else gdal.GDT_UInt16
    rows, columns = values.shape
    memory = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, kind)
    memory.SetGeoTransform(_gdal_transform(grid))
    memory.SetSpatialRef(_reference(grid.crs))
    memory.GetRasterBand(1).WriteArray(values)
    driver, options = ("JP2OpenJPEG", _LOSSLESS_JP2) if path.suffix == ".jp2" else ("GTiff", _GEOTIFF)
    written = gdal.GetDriverByName(driver).CreateCopy(str(path), memory, options=options)
    written.FlushCache()
    del written


def to_degrees(corners: list[tuple[float, float]], crs: str) -> Ring:
    """Corners (x, y) in ``crs`` as a closed ring in longitude and latitude."""
    transformation = osr.CoordinateTransformation(_reference(crs), _reference("EPSG:4326"))
    points = transformation.TransformPoints(corners + corners[:1])
    return tuple((longitude, latitude) for longitude, latitude, _ in points)


def write_area(path: Path, ring: Ring) -> None:
    """Writes a GeoPackage with one polygon in its layer "area"."""
    previous = gdal.GetConfigOption("OGR_CURRENT_DATE")
    gdal.SetConfigOption("OGR_CURRENT_DATE", _LAST_CHANGE)
    try:
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
        layer = source.CreateLayer("area", _reference("EPSG:4326"), ogr.wkbPolygon)
        outline = ogr.Geometry(ogr.wkbLinearRing)
        for longitude, latitude in ring:
            outline.AddPoint_2D(longitude, latitude)
        polygon = ogr.Geometry(ogr.wkbPolygon)
        polygon.AddGeometry(outline)
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(polygon)
        layer.CreateFeature(feature)
        del feature, layer, source
    finally:
        gdal.SetConfigOption("OGR_CURRENT_DATE", previous)


def _gdal_transform(grid: Grid) -> tuple[float, float, float, float, float, float]:
    x_scale, x_shear, x0, y_shear, y_scale, y0 = grid.transform
    return x0, x_scale, x_shear, y0, y_shear, y_scale


def _reference(crs: str) -> osr.SpatialReference:
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference
