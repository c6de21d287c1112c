"""Small rasters that look like a run's results, and the outcomes that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr
from qgis.core import QgsProject

from s2mask_qgis.engines.base import TrueColour
from s2mask_qgis.jobs.report import ImageOutcome, ImageState

NODATA = -9999
OutcomeFactory = Callable[..., ImageOutcome]


@pytest.fixture
def project(qgis_app: object) -> Iterator[QgsProject]:
    """An empty project of the test's own."""
    project = QgsProject()
    yield project
    project.clear()


@pytest.fixture
def make_outcome(tmp_path: Path) -> OutcomeFactory:
    """Makes the outcome of an image with 12 x 10 pixels, the left half of which is cloud and the first row empty.

    With a shadow, rows 4 to 6 of columns 4 to 8 are one: two columns of it within the cloud, three beside it.
    """

    def make(
        day: str, index: str = "", cloud_share: float | None = 0.5, hour: int = 10, shadow_share: float | None = None
    ) -> ImageOutcome:
        time = datetime.fromisoformat(day).replace(hour=hour, minute=20, tzinfo=timezone.utc)
        index = index or f"{time:%Y%m%dT%H%M%S}_{time:%Y%m%dT%H%M%S}_T33TVM"
        is_cloud = np.repeat([[1.0] * 6 + [0.0] * 6], 10, axis=0)
        mask = np.stack([is_cloud, 0.1 + 0.8 * is_cloud])
        if shadow_share:
            mask[0, 4:7, 4:9] = 2
        mask[:, 0] = NODATA
        ndvi = np.where(is_cloud == 1, NODATA, np.linspace(-1, 1, 12))[None]
        colour = np.stack([np.full((10, 12), value) for value in (4000, 900, 1100, 1300)])
        paths = {kind: tmp_path / kind / f"{index}.tif" for kind in ("mask", "ndvi", "colour")}
        write_raster(paths["mask"], mask, gdal.GDT_Float32, NODATA)
        write_raster(paths["ndvi"], ndvi, gdal.GDT_Float32, NODATA)
        write_raster(paths["colour"], colour, gdal.GDT_UInt16, 65535)
        return ImageOutcome(
            index=index,
            tile="33TVM",
            time_start_ms=int(time.timestamp() * 1000),
            state=ImageState.DONE,
            mask_path=paths["mask"],
            ndvi_path=paths["ndvi"],
            true_colour=TrueColour(paths["colour"], (4, 3, 2)),
            cloud_share=cloud_share,
            shadow_share=shadow_share,
            ndvi_share=0.5,
        )

    return make


def write_raster(path: Path, bands: np.ndarray, data_type: int, nodata: float, names: Sequence[str] = ()) -> None:
    """A GeoTIFF of 10 m pixels in UTM 33N out of ``bands`` (band, row, column) with these names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, rows, columns = bands.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, count, data_type)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((500000, 10, 0, 5000000, 0, -10))
    for number, band in enumerate(bands, start=1):
        dataset.GetRasterBand(number).WriteArray(band)
        dataset.GetRasterBand(number).SetNoDataValue(nodata)
    for number, name in enumerate(names, start=1):
        dataset.GetRasterBand(number).SetDescription(name)
    dataset.FlushCache()
