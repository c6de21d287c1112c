"""Reading rasters and scenes of tests on their own, without the code under test."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from s2mask_qgis.core.grid import Grid
from tests.reference import pyramid
from tests.reference.masking import BANDS

NODATA = -9999.0


def read_result(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[float, ...], list[str]]:
    """Values (bands, y, x), validity, geotransform and band names of a result."""
    dataset = gdal.Open(str(path))
    values = np.atleast_3d(dataset.ReadAsArray()) if dataset.RasterCount > 1 else dataset.ReadAsArray()[None]
    names = [dataset.GetRasterBand(i + 1).GetDescription() for i in range(dataset.RasterCount)]
    assert {dataset.GetRasterBand(i + 1).GetNoDataValue() for i in range(dataset.RasterCount)} == {NODATA}
    return values, values != NODATA, dataset.GetGeoTransform(), names


def write_result(path: Path, values: np.ndarray, grid: Grid, names: list[str]) -> None:
    """A result as an engine stores it: values (bands, y, x) with NODATA where masked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = grid.shape_yx
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, len(values), gdal.GDT_Float32)
    x_scale, _, x0, _, y_scale, y0 = grid.transform
    dataset.SetGeoTransform((x0, x_scale, 0.0, y0, 0.0, y_scale))
    reference = osr.SpatialReference()
    reference.SetFromUserInput(grid.crs)
    dataset.SetProjection(reference.ExportToWkt())
    for number, (layer, name) in enumerate(zip(values, names), start=1):
        band = dataset.GetRasterBand(number)
        band.WriteArray(layer.astype(np.float32))
        band.SetDescription(name)
        band.SetNoDataValue(NODATA)


def read_safe(product: Path, scale_m: float, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A SAFE product on a grid: reflectance x 10000 and validity, both (13, y, x)."""
    offsets = _offsets(product / "MTD_MSIL1C.xml")
    bands, masks = [], []
    for number, name in enumerate(BANDS):
        label = name if name == "B8A" else f"B{int(name[1:]):02d}"
        (path,) = [path for path in product.rglob(f"*_{label}.*") if path.suffix in (".tif", ".jp2")]
        dataset = gdal.Open(str(path))
        dn = dataset.ReadAsArray().astype(np.int64)
        native = np.maximum(dn + offsets[number], 0)
        native_scale = dataset.GetGeoTransform()[1]
        values, valid = pyramid.read_at(native, dn != 0, native_scale, scale_m, shape)
        bands.append(values)
        masks.append(valid)
    return np.stack(bands), np.stack(masks)


def _offsets(path: Path) -> list[int]:
    found = {int(item.attrib["band_id"]): int(item.text) for item in ElementTree.parse(path).iter("RADIO_ADD_OFFSET")}
    return [found[number] for number in range(len(BANDS))]
