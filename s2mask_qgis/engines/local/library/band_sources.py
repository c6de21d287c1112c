"""Where the pixels of a band lie in a product and what they mean, and reading them strip by strip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from osgeo import gdal, ogr, osr

from ....core.grid import Grid
from ...errors import SceneError
from .pyramid import NODATA, harmonise
from .rasters import gdal_failures, grid_of, open_raster

Corners = tuple[tuple[float, float], ...]
"""The corners of a ring as (x, y) in units of a coordinate system."""


@dataclass(frozen=True)
class NumberSource:
    """Numbers of a raster (GDAL path, 1-based band) that become ``max(number + offset, 0)``.

    ``nodata`` are the numbers of pixels without value; classes and flags have the offset 0.
    """

    path: str
    number: int
    offset: int = 0
    nodata: tuple[int, ...] = (NODATA,)
    saturated: int | None = None


@dataclass(frozen=True)
class FlagSource:
    """Layers of a raster that are set bits of a bit mask where they are not 0: (1-based band, value of its bit)."""

    path: str
    flags: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PolygonSource:
    """Polygons whose inside sets a bit of a bit mask: (value of the bit, rings, of which the first is the outer one).

    ``name`` is their file for messages, ``crs`` their coordinate system ("EPSG:32631"), None where there are none.
    """

    name: str
    crs: str | None
    polygons: tuple[tuple[int, tuple[Corners, ...]], ...]


BandSource = NumberSource | FlagSource | PolygonSource


def strips(label: str, source: BandSource, grid: Grid, strip_rows: int) -> Iterator[tuple[int, np.ndarray]]:
    """First row and stored values (uint16, invalid ones NODATA) of each ``strip_rows`` rows of a band on its grid.

    ``label`` names the band. Raises SceneError where the product's file cannot be read or lies on another grid.
    """
    rows = grid.shape_yx[0]
    parts = ((row, min(strip_rows, rows - row)) for row in range(0, rows, strip_rows))
    if isinstance(source, PolygonSource):
        if source.crs not in (None, grid.crs):
            raise SceneError(f"the polygons in {source.name} are in {source.crs}, the image is in {grid.crs}.")
        for row, height in parts:
            yield row, _burnt(source, grid.part(row, 0, height, grid.shape_yx[1]))
        return
    dataset = open_raster(source.path, label)
    if grid_of(dataset, label) != grid:
        raise SceneError(f"{label} has changed since the scenes folder was last read; refresh the scenes.")
    for row, height in parts:
        if isinstance(source, FlagSource):
            yield row, _flags(label, dataset, source, row, height)
        else:
            numbers = _numbers(label, dataset, source.number, row, height)
            values = harmonise(numbers, source.offset, source.nodata[0], source.saturated)
            for number in source.nodata[1:]:
                values[numbers == number] = NODATA
            yield row, values


def _numbers(label: str, dataset: gdal.Dataset, number: int, row: int, height: int) -> np.ndarray:
    with gdal_failures(SceneError, f"{label} cannot be read, its file is damaged or cut off"):
        numbers = dataset.GetRasterBand(number).ReadAsArray(0, row, dataset.RasterXSize, height)
    if numbers is None:
        raise SceneError(f"{label} cannot be read, its file is damaged or cut off.")
    if numbers.dtype.kind != "u" and numbers.min() < 0:
        raise SceneError(f"{label} holds negative numbers; products store none.")
    return numbers.astype(np.uint16, copy=False)


def _flags(label: str, dataset: gdal.Dataset, source: FlagSource, row: int, height: int) -> np.ndarray:
    values = np.zeros((height, dataset.RasterXSize), np.uint16)
    for number, bit in source.flags:
        values[_numbers(label, dataset, number, row, height) != 0] |= np.uint16(bit)
    return values


def _burnt(source: PolygonSource, grid: Grid) -> np.ndarray:
    """The bits of the pixels of ``grid`` whose centre lies in a polygon, 0 elsewhere."""
    values = np.zeros(grid.shape_yx, np.uint16)
    for bit in sorted({bit for bit, _ in source.polygons}):
        polygons = [rings for its_bit, rings in source.polygons if its_bit == bit]
        with gdal_failures(SceneError, f"the polygons in {source.name} cannot be used"):
            values[_covered(polygons, grid)] |= np.uint16(bit)
    return values


def _covered(polygons: list[tuple[Corners, ...]], grid: Grid) -> np.ndarray:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(int(grid.crs.partition(":")[2]))
    vectors = ogr.GetDriverByName("Memory").CreateDataSource("polygons")
    layer = vectors.CreateLayer("polygons", reference, ogr.wkbPolygon)
    for rings in polygons:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(_polygon(rings))
        layer.CreateFeature(feature)
    rows, columns = grid.shape_yx
    target = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_Byte)
    x_scale, x_shear, x0, y_shear, y_scale, y0 = grid.transform
    target.SetGeoTransform((x0, x_scale, x_shear, y0, y_shear, y_scale))
    target.SetProjection(reference.ExportToWkt())
    gdal.RasterizeLayer(target, [1], layer, burn_values=[1])
    return target.ReadAsArray() == 1


def _polygon(rings: tuple[Corners, ...]) -> ogr.Geometry:
    polygon = ogr.Geometry(ogr.wkbPolygon)
    for corners in rings:
        ring = ogr.Geometry(ogr.wkbLinearRing)
        for x, y in corners:
            ring.AddPoint_2D(x, y)
        polygon.AddGeometry(ring)
    return polygon
