"""An area on a series' grid: the part of the grid it needs, and which pixels have their centre in it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from osgeo import gdal, ogr, osr

from ..core.area import Area
from ..core.grid import Grid
from ..engines.errors import SceneError
from ..engines.local.library.rasters import gdal_failures
from .folder import Series

_LONGEST_EDGE_DEG = 0.01
"""Edges are straight in longitude and latitude; cut to this length they stay where they are on a map."""


def spatial_reference(crs: str) -> osr.SpatialReference:
    """The reference of a grid's crs, with x before y."""
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


class AreaMask:
    """An area brought to a coordinate system."""

    def __init__(self, area: Area, crs: str) -> None:
        if not crs:
            raise SceneError("The images have no coordinate system, so no area can be cut from them; fill all of them.")
        with gdal_failures(SceneError, "The area cannot be brought to the images' coordinate system"):
            self._geometry = ogr.CreateGeometryFromJson(json.dumps(area.to_geojson()))
            self._geometry.Segmentize(_LONGEST_EDGE_DEG)
            self._reference = spatial_reference(crs)
            self._geometry.Transform(osr.CoordinateTransformation(spatial_reference("EPSG:4326"), self._reference))

    def part_of(self, grid: Grid) -> Grid | None:
        """The part of a grid around the area, None where they do not meet."""
        x_min, x_max, y_min, y_max = self._geometry.GetEnvelope()
        return grid.window((x_min, y_min, x_max, y_max))

    def inside(self, grid: Grid) -> np.ndarray:
        """Which pixels (rows, columns) of a grid have their centre in the area."""
        rows, columns = grid.shape_yx
        x_scale, _, x0, _, y_scale, y0 = grid.transform
        with gdal_failures(SceneError, "The area cannot be drawn"):
            raster = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_Byte)
            raster.SetGeoTransform((x0, x_scale, 0.0, y0, 0.0, y_scale))
            raster.SetProjection(self._reference.ExportToWkt())
            source = ogr.GetDriverByName("Memory").CreateDataSource("")
            layer = source.CreateLayer("", self._reference, ogr.wkbUnknown)
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(self._geometry)
            layer.CreateFeature(feature)
            gdal.RasterizeLayer(raster, [1], layer, burn_values=[1])
        return raster.ReadAsArray().astype(bool)


def cut(series: Series, mask: AreaMask | None) -> Series | None:
    """The series on the part of its grid around an area, whole without one; None where they do not meet."""
    if mask is None:
        return series
    part = mask.part_of(series.grid)
    return replace(series, grid=part) if part is not None else None
