"""Folders of dated rasters for tests, written with GDAL alone, and reading back without the code under test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

EOLEARN = Path("eolearn-l1c") / "ndvi_68dates_masks.npz"
EOLEARN_SCL = Path("eolearn-l1c") / "scl_36dates.npz"


def write(
    path: Path,
    values: np.ndarray,
    *,
    nodata: float | None = None,
    origin: tuple[float, float] = (500_000.0, 5_100_000.0),
    pixel: float = 10.0,
    epsg: int | None = 32633,
    names: Sequence[str] = (),
    scale: float | None = None,
    items: Mapping[str, str] | None = None,
    mask: np.ndarray | None = None,
) -> Path:
    """Write (rows, columns) or (bands, rows, columns) in the values' own type."""
    bands = values[None] if values.ndim == 2 else values
    kind = {"f": gdal.GDT_Float32, "i": gdal.GDT_Int16, "u": gdal.GDT_Byte}[values.dtype.kind]
    path.parent.mkdir(parents=True, exist_ok=True)
    count, rows, columns = bands.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, count, kind)
    dataset.SetGeoTransform((origin[0], pixel, 0.0, origin[1], 0.0, -pixel))
    if epsg:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
        dataset.SetProjection(reference.ExportToWkt())
    dataset.SetMetadata(dict(items or {}))
    for number, data in enumerate(bands, start=1):
        band = dataset.GetRasterBand(number)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if scale is not None:
            band.SetScale(scale)
        if names:
            band.SetDescription(names[number - 1])
        band.WriteArray(data)
    if mask is not None:
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask.astype(np.uint8) * 255)
    dataset.FlushCache()
    return path


@dataclass(frozen=True)
class Read:
    """A file as GDAL gives it: stored values (bands, rows, columns) and what the bands declare."""

    values: np.ndarray
    names: tuple[str, ...]
    nodata: float | None
    scales: tuple[float | None, ...]
    transform: tuple[float, ...]
    items: Mapping[str, str]
    overviews: int


def read(path: Path) -> Read:
    """Everything of a file."""
    dataset = gdal.Open(str(path))
    assert dataset is not None, path
    bands = [dataset.GetRasterBand(number + 1) for number in range(dataset.RasterCount)]
    return Read(
        np.stack([band.ReadAsArray() for band in bands]),
        tuple(band.GetDescription() for band in bands),
        bands[0].GetNoDataValue(),
        tuple(band.GetScale() for band in bands),
        dataset.GetGeoTransform(),
        dataset.GetMetadata(),
        bands[0].GetOverviewCount(),
    )


def season_values(days: np.ndarray, rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """A yearly course of NDVI (n, rows, columns), float32, with its own height in every pixel."""
    random = np.random.default_rng(seed)
    height = random.uniform(0.2, 0.35, (rows, columns))
    course = np.sin(2 * np.pi * (days - 100.0) / 365.25)
    return (0.45 + height * course[:, None, None] + random.normal(0, 0.01, (len(days), rows, columns))).astype("f4")
