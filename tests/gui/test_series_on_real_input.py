"""The series of real NDVI from the dock to the map, with everything real behind the buttons."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal, osr
from qgis.PyQt.QtCore import Qt

from s2mask_qgis.gui.dock import S2MaskDock
from s2mask_qgis.gui.services import real_services
from s2mask_qgis.jobs.report import RunState
from tests.gui.fakes import click, text_of

PART = (slice(None), slice(0, 12), slice(0, 16))
DATES = slice(0, 30)


def write(path, values, data_type, nodata):
    path.parent.mkdir(exist_ok=True)
    rows, columns = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, data_type)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((465180, 10, 0, 5080250, 0, -10))
    dataset.GetRasterBand(1).WriteArray(values)
    dataset.GetRasterBand(1).SetNoDataValue(nodata)


@pytest.fixture
def real(shared_data, tmp_path):
    """A folder of NDVI with masks of the first 30 dates (all of other days) of a real series, and its arrays."""
    stored = np.load(shared_data / "eolearn-l1c" / "ndvi_68dates_masks.npz", allow_pickle=True)
    days = [str(time)[:10] for time in stored["times"][DATES]]
    first = [number for number, day in enumerate(days) if day not in days[:number]]
    ndvi = stored["ndvi"][DATES][first][PART]
    is_masked = (stored["clm"][DATES][first][PART] == 1) | (stored["is_valid"][DATES][first][PART] == 0)
    for number, values, mask in zip(first, ndvi, is_masked):
        name = f"{days[number].replace('-', '')}.tif"
        write(tmp_path / "ndvi" / name, values, gdal.GDT_Float32, -9999)
        write(tmp_path / "mask" / name, mask.astype(np.uint8), gdal.GDT_Byte, 255)
    return tmp_path, [days[number] for number in first], ndvi, is_masked


@pytest.fixture
def dock(iface, project, settings, qtbot):
    dock = S2MaskDock(iface, project, real_services(), settings)
    iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    yield dock
    dock.close_down()
    iface.removeDockWidget(dock)
    dock.deleteLater()


def test_a_real_series_is_filled_and_shown(qtbot, dock, project, real):
    folder, days, ndvi, is_masked = real
    section = dock.series.section
    section.setCollapsed(False)
    section.source.seriesSource.setCurrentIndex(1)
    section.source.ndviFolder.setFilePath(str(folder / "ndvi"))
    section.source.masksFolder.setFilePath(str(folder / "mask"))
    section.seriesOutput.setFilePath(str(folder / "filled"))
    section.seasonsOn.setChecked(True)
    qtbot.waitUntil(lambda: section.source.survey is not None, timeout=10000)
    assert text_of(dock, "seriesState").startswith(f"{len(days)} dates, {days[0]} to {days[-1]}, 192 pixels")
    with qtbot.waitSignal(dock.series.ended, timeout=60000) as ended:
        click(dock, "seriesRunButton")
    assert ended.args[0].state is RunState.FINISHED
    filled = [la for la in project.mapLayers().values() if la.customProperty("s2mask_qgis/kind") == "filled"]
    assert sorted(layer.name() for layer in filled) == days
    for number, day in enumerate(days):
        written = gdal.Open(str(folder / "filled" / f"{day.replace('-', '')}.tif")).ReadAsArray()
        is_kept = (written[2] == -1) & ~is_masked[number]
        assert np.array_equal(written[1][is_kept], ndvi[number][is_kept])
        assert not (written[2] == -1)[is_masked[number]].any()
        assert np.isfinite(written[1][is_masked[number]]).all()
    titles = {la.name() for la in project.mapLayers().values()}
    assert {"2015  Start of season", "2016  Total productivity", "Clear observations"} <= titles
