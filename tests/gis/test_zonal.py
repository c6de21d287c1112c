"""Zonal summaries beside what numpy makes of the same pixels."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr
from qgis.core import (
    NULL,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsVectorLayer,
)

from s2mask_qgis.gis.zonal import ZonalBand, ZonalError, joined_layer, summarise, write_layer, zones_of

NODATA = -9999.0
LEFT, TOP, PIXEL_M = 500_000, 5_000_000, 10
COLUMNS, ROWS = 30, 20


@pytest.fixture
def context(qgis_app):
    return QgsProject().transformContext()


@pytest.fixture
def raster(tmp_path) -> tuple[Path, np.ndarray]:
    """Two bands of 30 x 20 pixels; the second one has gaps, as no-data and as NaN."""
    random = np.random.default_rng(0)
    values = random.uniform(0, 100, (2, ROWS, COLUMNS)).astype(np.float32)
    values[1, 3:6, 4:12] = NODATA
    values[1, 7, 7] = np.nan
    path = tmp_path / "productivity.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, 2, gdal.GDT_Float32)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((LEFT, PIXEL_M, 0, TOP, 0, -PIXEL_M))
    for number in (1, 2):
        dataset.GetRasterBand(number).WriteArray(values[number - 1])
        dataset.GetRasterBand(number).SetNoDataValue(NODATA)
    dataset = None
    return path, np.where(values == NODATA, np.nan, values)


def box(columns: tuple[float, float], rows: tuple[float, float]) -> QgsGeometry:
    """A rectangle from pixel edges."""
    x = [LEFT + PIXEL_M * column for column in columns]
    y = [TOP - PIXEL_M * row for row in rows]
    return QgsGeometry.fromWkt(f"POLYGON(({x[0]} {y[0]}, {x[1]} {y[0]}, {x[1]} {y[1]}, {x[0]} {y[1]}, {x[0]} {y[0]}))")


def polygons(*geometries: QgsGeometry, crs: str = "EPSG:32633", kind: str = "Polygon") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"{kind}?crs={crs}&field=name:string&field=TPROD_1_mean:double", "fields", "memory")
    features = []
    for number, geometry in enumerate(geometries):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(geometry)
        feature.setAttributes([f"field {number}", 7.5])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def summary(layer: QgsVectorLayer, path: Path, context, band: int = 1) -> list[dict]:
    bands = [ZonalBand(path, band, "TPROD_1")]
    return list(summarise(zones_of(layer), bands, context, lambda done, total: None, lambda: False))


def expected(pixels: np.ndarray) -> dict[str, float]:
    """The summary of the pixels (NaN without a value) of one polygon."""
    return {
        "TPROD_1_mean": np.nanmean(pixels),
        "TPROD_1_median": np.nanmedian(pixels),
        "TPROD_1_spread": np.nanstd(pixels),
        "TPROD_1_count": np.isfinite(pixels).sum(),
        "TPROD_1_share": np.isfinite(pixels).mean(),
    }


@pytest.mark.parametrize("band", [1, 2])
def test_figures_are_those_of_the_pixels_whose_centres_lie_in_the_polygon(raster, context, band):
    path, values = raster
    layer = polygons(box((2, 9), (1, 8)), box((10.4, 19.6), (2.4, 12.6)))
    rows = summary(layer, path, context, band)
    assert rows[0] == pytest.approx(expected(values[band - 1, 1:8, 2:9]), rel=1e-5)
    assert rows[1] == pytest.approx(expected(values[band - 1, 2:13, 10:20]), rel=1e-5)


def test_polygons_of_another_coordinate_system_are_moved(raster, context):
    path, values = raster
    geometry = box((2.3, 9.3), (1.3, 8.3))
    to_degrees = QgsCoordinateTransform(
        QgsCoordinateReferenceSystem("EPSG:32633"), QgsCoordinateReferenceSystem("EPSG:4326"), context
    )
    geometry.transform(to_degrees)
    [row] = summary(polygons(geometry, crs="EPSG:4326"), path, context)
    assert row == pytest.approx(expected(values[0, 1:8, 2:9]), rel=1e-5)


def test_a_polygon_outside_has_no_figures_and_a_share_of_zero(raster, context):
    [row] = summary(polygons(box((100, 110), (5, 9))), raster[0], context)
    assert row["TPROD_1_share"] == row["TPROD_1_count"] == 0.0
    assert row["TPROD_1_mean"] is row["TPROD_1_median"] is row["TPROD_1_spread"] is None


def test_a_polygon_without_a_valid_pixel_has_no_figures_either(raster, context):
    [row] = summary(polygons(box((5, 11), (3, 6))), raster[0], context, band=2)
    assert row["TPROD_1_share"] == row["TPROD_1_count"] == 0.0
    assert row["TPROD_1_mean"] is None


def test_what_lies_beyond_the_raster_is_not_valid(raster, context):
    [row] = summary(polygons(box((20, 40), (0, 10))), raster[0], context)
    assert row["TPROD_1_count"] == 100
    assert row["TPROD_1_share"] == pytest.approx(0.5)


def test_a_polygon_smaller_than_a_pixel_takes_its_part_of_it(raster, context):
    path, values = raster
    [row] = summary(polygons(box((4.1, 4.4), (9.1, 9.4))), path, context)
    assert row["TPROD_1_mean"] == pytest.approx(values[0, 9, 4])
    assert row["TPROD_1_count"] == pytest.approx(0.09)
    assert row["TPROD_1_share"] == pytest.approx(1.0)


def test_a_hole_is_not_part_of_the_polygon(raster, context):
    path, values = raster
    ring = box((2, 12), (8, 18)).difference(box((5, 8), (11, 14)))
    pixels = values[0, 8:18, 2:12].copy()
    pixels[3:6, 3:6] = np.nan
    [row] = summary(polygons(ring), path, context)
    assert row["TPROD_1_mean"] == pytest.approx(np.nanmean(pixels), rel=1e-5)
    assert row["TPROD_1_count"] == 91
    assert row["TPROD_1_share"] == 1.0


def test_the_users_layer_stays_as_it_is_and_the_joined_one_has_both(raster, context):
    layer = polygons(box((2, 9), (1, 8)), QgsGeometry(), box((100, 110), (5, 9)))
    names, count = layer.fields().names(), layer.featureCount()
    zones = zones_of(layer)
    rows = summarise(zones, [ZonalBand(raster[0], 1, "TPROD_1")], context, lambda *_: None, lambda: False)
    joined = joined_layer(zones, rows, "summary")
    assert (layer.fields().names(), layer.featureCount()) == (names, count)
    figures = ["TPROD_1_mean_2", "TPROD_1_median", "TPROD_1_spread", "TPROD_1_count", "TPROD_1_share"]
    assert joined.fields().names() == ["name", "TPROD_1_mean", *figures]
    found = list(joined.getFeatures())
    assert [feature["name"] for feature in found] == ["field 0", "field 1", "field 2"]
    assert found[0]["TPROD_1_mean_2"] == rows[0]["TPROD_1_mean"]
    assert found[0].geometry().isGeosEqual(box((2, 9), (1, 8)))
    assert [feature["TPROD_1_share"] for feature in found] == [1.0, 0.0, 0.0]
    assert found[2]["TPROD_1_median"] == NULL
    assert joined.crs() == layer.crs()


def test_only_selected_polygons_are_summed_up(raster, context):
    layer = polygons(box((2, 9), (1, 8)), box((10, 19), (2, 12)))
    layer.selectByIds([2])
    assert [feature["name"] for feature in zones_of(layer, selected_only=True).features] == ["field 1"]


@pytest.mark.parametrize("kind", ["Polygon", "MultiPolygon", "PolygonZ"])
def test_a_geopackage_holds_the_joined_layer(raster, context, tmp_path, kind):
    zones = zones_of(polygons(box((2, 9), (1, 8)), box((100, 110), (5, 9)), kind=kind))
    rows = summarise(zones, [ZonalBand(raster[0], 2, "SOSD_1")], context, lambda *_: None, lambda: False)
    path = tmp_path / "summary.gpkg"
    for _ in range(2):  # the second time over the first
        write_layer(joined_layer(zones, rows, "summary"), path, context)
    read = QgsVectorLayer(str(path), "read", "ogr")
    assert read.featureCount() == 2
    [first, second] = read.getFeatures()
    assert first["SOSD_1_mean"] == pytest.approx(rows[0]["SOSD_1_mean"])
    assert second["SOSD_1_share"] == 0.0
    write_layer(joined_layer(zones_of(read), rows, "again"), tmp_path / "again.gpkg", context)
    assert QgsVectorLayer(str(tmp_path / "again.gpkg"), "read", "ogr").featureCount() == 2


def test_a_table_holds_the_attributes(raster, context, tmp_path):
    zones = zones_of(polygons(box((2, 9), (1, 8)), box((100, 110), (5, 9))))
    rows = summarise(zones, [ZonalBand(raster[0], 1, "SOSD_1")], context, lambda *_: None, lambda: False)
    write_layer(joined_layer(zones, rows, "summary"), tmp_path / "summary.csv", context)
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["name"] for row in read] == ["field 0", "field 1"]
    assert float(read[0]["SOSD_1_median"]) == pytest.approx(rows[0]["SOSD_1_median"])
    assert (read[1]["SOSD_1_median"], float(read[1]["SOSD_1_share"])) == ("", 0.0)


def test_progress_is_told_and_a_cancelled_summary_is_empty(raster, context):
    zones = zones_of(polygons(box((2, 9), (1, 8)), box((10, 19), (2, 12))))
    bands, told = [ZonalBand(raster[0], 1, "a"), ZonalBand(raster[0], 2, "b")], []
    rows = summarise(zones, bands, context, lambda *count: told.append(count), lambda: False)
    assert told == [(1, 2), (2, 2)]
    assert {name[:2] for name in rows[0]} == {"a_", "b_"}
    assert summarise(zones, bands, context, lambda *_: None, lambda: True) == ()


def test_a_summary_on_a_thread_of_its_own_is_the_same(raster, context):
    zones = zones_of(polygons(box((2, 9), (1, 8)), box((20, 40), (0, 10))))
    arguments = (zones, [ZonalBand(raster[0], 2, "a")], context, lambda *_: None, lambda: False)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(summarise, *arguments).result(timeout=30) == summarise(*arguments)


def test_a_polygon_that_crosses_itself_is_named(qgis_app):
    bow = QgsGeometry.fromWkt("POLYGON((0 0, 10 10, 0 10, 10 0, 0 0))")
    with pytest.raises(ZonalError, match=r"Polygon 2 of “fields” is not valid .*Fix geometries"):
        zones_of(polygons(box((2, 9), (1, 8)), bow))


def test_layers_that_cannot_be_used_are_refused_in_words(qgis_app):
    with pytest.raises(ZonalError, match="no layer of polygons"):
        zones_of(QgsVectorLayer("Point?crs=EPSG:4326", "wells", "memory"))
    with pytest.raises(ZonalError, match="no polygons"):
        zones_of(polygons())
    with pytest.raises(ZonalError, match="selected"):
        zones_of(polygons(box((2, 9), (1, 8))), selected_only=True)
    lost = polygons(box((2, 9), (1, 8)))
    lost.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(ZonalError, match="coordinate system of “fields” is unknown"):
        zones_of(lost)


def test_rasters_that_cannot_be_read_are_refused_in_words(raster, context, tmp_path):
    layer = polygons(box((2, 9), (1, 8)))
    with pytest.raises(ZonalError, match=r"missing\.tif cannot be read"):
        summary(layer, tmp_path / "missing.tif", context)
    with pytest.raises(ZonalError, match="no band 3"):
        summary(layer, raster[0], context, band=3)


def test_files_that_cannot_be_written_are_told(raster, context, tmp_path):
    layer = polygons(box((2, 9), (1, 8)))
    with pytest.raises(ZonalError, match=r"\.gpkg or \.csv"):
        write_layer(layer, tmp_path / "summary.shp", context)
    with pytest.raises(ZonalError, match="could not be written"):
        write_layer(layer, tmp_path / "no such folder" / "summary.csv", context)
