"""A small sample as a user of the files sees it: products that read like real ones, and a truth that they bear out."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.engines.errors import CancelledError, StorageError
from s2mask_qgis.simulation.__main__ import main
from s2mask_qgis.simulation.acquisitions import plan_acquisitions
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings

SETTINGS = SampleSettings(size_px=120, dates=6, step_days=61)
BANDS = ("01", "02", "03", "04", "05", "06", "07", "08", "8A", "09", "10", "11", "12")
PIXEL_M = dict(zip(BANDS, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20)))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, SETTINGS)
    return folder


def products(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.SAFE"), key=lambda path: path.name[11:26])


def read(path: Path) -> np.ndarray:
    return gdal.Open(str(path)).ReadAsArray()


def band(product: Path, name: str) -> np.ndarray:
    (path,) = product.glob(f"GRANULE/*/IMG_DATA/*_B{name}.*")
    return read(path)


def reflectance(product: Path, name: str) -> np.ndarray:
    return (band(product, name).astype(float) - 1000) / 10000


def truth(product: Path) -> np.ndarray:
    (path,) = product.parent.glob(f"truth/{product.name[11:26]}_*.tif")
    return read(path)


def text(root: ElementTree.Element, name: str) -> str:
    (element,) = root.iter(name)
    return element.text or ""


def fingerprint(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_settings_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again", SETTINGS, workers=2)
    assert fingerprint(tmp_path / "again") == fingerprint(sample)


def test_another_seed_gives_another_landscape(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, replace(SETTINGS, seed=1, dates=1))
    assert (band(products(tmp_path)[0], "04") != band(products(sample)[0], "04")).mean() > 0.5


def test_every_product_has_13_bands_at_their_native_size_on_one_corner(sample: Path) -> None:
    assert len(products(sample)) == SETTINGS.dates
    for product in products(sample):
        for name in BANDS:
            (path,) = product.glob(f"GRANULE/*/IMG_DATA/T33UXP_{product.name[11:26]}_B{name}.*")
            raster = gdal.Open(str(path))
            assert raster.GetGeoTransform() == (640020.0, PIXEL_M[name], 0.0, 5359980.0, 0.0, -PIXEL_M[name])
            assert (raster.RasterXSize, raster.RasterYSize) == (1200 // PIXEL_M[name],) * 2
            assert raster.GetSpatialRef().GetAuthorityCode(None) == "32633"
            assert raster.GetRasterBand(1).DataType == gdal.GDT_UInt16


def test_only_the_first_product_is_jpeg_2000_and_nothing_else_lies_about(sample: Path) -> None:
    endings = [{path.suffix for path in product.glob("GRANULE/*/IMG_DATA/*")} for product in products(sample)]
    assert endings == [{".jp2"}] + [{".tif"}] * (SETTINGS.dates - 1)
    assert not [path.name for path in sample.rglob("*") if path.name.startswith(".") or path.name.endswith(".aux.xml")]
    assert {path.name for path in sample.iterdir() if path.suffix != ".SAFE"} == {"SAMPLE.txt", "area.gpkg", "truth"}


def test_jpeg_2000_holds_the_same_numbers_as_geotiff(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, replace(SETTINGS, jp2_products=0))
    first, same = products(sample)[0], products(tmp_path)[0]
    assert all(np.array_equal(band(first, name), band(same, name)) for name in BANDS)


def test_product_metadata_say_what_the_names_say(sample: Path) -> None:
    for number, product in enumerate(products(sample)):
        root = ElementTree.parse(product / "MTD_MSIL1C.xml").getroot()
        assert root.tag == "{https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd}Level-1C_User_Product"
        assert text(root, "PRODUCT_URI") == product.name
        start = datetime.strptime(text(root, "PRODUCT_START_TIME"), "%Y-%m-%dT%H:%M:%S.%fZ")
        assert start.strftime("%Y%m%dT%H%M%S") == product.name[11:26]
        assert text(root, "SPACECRAFT_NAME") == ("Sentinel-2A", "Sentinel-2B")[number % 2]
        assert text(root, "PROCESSING_BASELINE") == "05.00"
        offsets = {element.get("band_id"): element.text for element in root.iter("RADIO_ADD_OFFSET")}
        assert offsets == {str(place): "-1000" for place in range(13)}
        for element in root.iter("IMAGE_FILE"):
            assert len(list(product.glob(f"{element.text}.*"))) == 1
        assert ElementTree.parse(product / "manifest.safe").getroot().tag.endswith("XFDU")


def test_tile_metadata_give_the_grid_and_the_index(sample: Path) -> None:
    for product in products(sample):
        (path,) = product.glob("GRANULE/*/MTD_TL.xml")
        root = ElementTree.parse(path).getroot()
        assert text(root, "HORIZONTAL_CS_CODE") == "EPSG:32633"
        sizes = {size.get("resolution"): size.findtext("NROWS") for size in root.iter("Size")}
        assert sizes == {"10": "120", "20": "60", "60": "20"}
        assert {position.findtext("ULX") for position in root.iter("Geoposition")} == {"640020"}
        assert text(root, "TILE_ID").endswith("_T33UXP_N05.00")
        datastrip = text(root, "DATASTRIP_ID").split("_S")[-1][:15]
        assert (sample / "truth" / f"{product.name[11:26]}_{datastrip}_T33UXP.tif").exists()
        assert path.parent.name.endswith(datastrip)


def test_reported_cloud_share_is_near_the_truth(sample: Path) -> None:
    for product in products(sample):
        (path,) = product.glob("GRANULE/*/MTD_TL.xml")
        reported = float(text(ElementTree.parse(path).getroot(), "CLOUDY_PIXEL_PERCENTAGE"))
        assert reported == float(
            text(ElementTree.parse(product / "MTD_MSIL1C.xml").getroot(), "Cloud_Coverage_Assessment")
        )
        values = truth(product)
        seen = values[values != 255]
        assert reported == pytest.approx(100 * np.isin(seen, (1, 2)).mean(), abs=3)


def test_footprint_is_the_outline_of_the_pixels_that_have_data(sample: Path) -> None:
    degrees, metres = osr.SpatialReference(), osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    metres.ImportFromEPSG(32633)
    to_metres = osr.CoordinateTransformation(degrees, metres)
    losses = []
    for product in products(sample):
        root = ElementTree.parse(product / "MTD_MSIL1C.xml").getroot()
        numbers = [float(number) for number in text(root, "EXT_POS_LIST").split()]
        corners = list(zip(numbers[0::2], numbers[1::2]))
        assert corners[0] == corners[-1]
        ring = ogr.Geometry(ogr.wkbLinearRing)
        for easting, northing, _ in to_metres.TransformPoints(corners):
            ring.AddPoint_2D(easting, northing)
        polygon = ogr.Geometry(ogr.wkbPolygon)
        polygon.AddGeometry(ring)
        has_data = (band(product, "02") > 0).mean()
        assert polygon.Area() / 1200**2 == pytest.approx(has_data, abs=0.01)
        assert np.array_equal(band(product, "02") == 0, truth(product) == 255)
        losses.append(1 - has_data)
    assert sum(loss > 0.05 for loss in losses) == 2
    assert sum(0 < loss < 0.05 for loss in losses) == 2


def test_cloud_is_brighter_than_clear_land_of_the_same_date(sample: Path) -> None:
    compared = 0
    for product in products(sample):
        values, blue = truth(product), reflectance(product, "02")
        if min((values == 1).sum(), (values == 0).sum()) > 100:
            assert np.median(blue[values == 1]) > np.median(blue[values == 0]) + 0.05
            compared += 1
    assert compared >= 1


def test_shadow_darkens_the_infrared_by_a_third_or_more_at_its_core(sample: Path) -> None:
    compared = 0
    for product in products(sample):
        values, infrared = truth(product), reflectance(product, "08")
        if min((values == 3).sum(), (values == 0).sum()) > 100:
            assert np.median(infrared[values == 3]) < 0.75 * np.median(infrared[values == 0])
            compared += 1
    assert compared >= 1


def test_one_date_is_fully_overcast(sample: Path) -> None:
    shares = [(truth(product)[truth(product) != 255] == 1).mean() for product in products(sample)]
    assert max(shares) > 0.99


def test_cirrus_band_is_near_zero_over_clear_land(sample: Path) -> None:
    checked = 0
    for product in products(sample):
        blocks = truth(product).reshape(20, 6, 20, 6)
        clear = (blocks == 0).all(axis=(1, 3))
        if clear.any():
            assert reflectance(product, "10")[clear].max() < 0.004
            checked += 1
    assert checked >= 2


def test_what_is_complete_is_not_written_again_and_what_is_missing_is(sample: Path, tmp_path: Path) -> None:
    stopped_after = 2
    counts: list[tuple[int, int]] = []
    with pytest.raises(CancelledError):
        write_sample(
            tmp_path, SETTINGS, lambda *count: counts.append(count), lambda: counts[-1][0] == stopped_after, workers=1
        )
    kept = {path: path.stat().st_mtime_ns for path in products(tmp_path)}
    assert len(kept) == stopped_after
    (leftover := tmp_path / f".{products(sample)[2].stem}.part").mkdir()
    counts.clear()
    write_sample(tmp_path, SETTINGS, lambda *count: counts.append(count))
    assert counts[0] == (2, 6)
    assert counts[-1] == (6, 6)
    assert all(path.stat().st_mtime_ns == changed for path, changed in kept.items())
    assert not leftover.exists()
    assert fingerprint(tmp_path) == fingerprint(sample)


def test_a_folder_with_another_sample_or_other_products_is_refused(sample: Path, tmp_path: Path) -> None:
    before = fingerprint(sample)
    with pytest.raises(StorageError, match="other settings"):
        write_sample(sample, replace(SETTINGS, seed=7))
    assert fingerprint(sample) == before
    (tmp_path / "S2A_MSIL1C_20200101T100000_N0500_R122_T33UXP_20200101T120000.SAFE").mkdir()
    with pytest.raises(StorageError, match="other Sentinel-2 products"):
        write_sample(tmp_path, SETTINGS)


def test_a_file_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="Choose another folder"):
        write_sample(tmp_path / "taken", SETTINGS)


def test_a_raster_that_cannot_be_written_leaves_no_product(tmp_path: Path) -> None:
    (tmp_path / "truth").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_sample(tmp_path, SETTINGS)
    assert not products(tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_settings_out_of_range_name_every_problem() -> None:
    with pytest.raises(ParameterError) as caught:
        SampleSettings(size_px=121, dates=0)
    assert [problem.field for problem in caught.value.problems] == ["dates", "size_px"]


def test_the_area_is_a_polygon_of_about_70_percent_inside_the_tile(sample: Path) -> None:
    source = ogr.Open(str(sample / "area.gpkg"))
    layer = source.GetLayerByName("area")
    assert layer.GetSpatialRef().GetAuthorityCode(None) == "4326"
    (feature,) = layer
    polygon = feature.GetGeometryRef().Clone()
    metres = osr.SpatialReference()
    metres.ImportFromEPSG(32633)
    polygon.TransformTo(metres)
    tile = ogr.CreateGeometryFromWkt(
        "POLYGON ((640020 5359980, 641220 5359980, 641220 5358780, 640020 5358780, 640020 5359980))"
    )
    assert polygon.IsValid()
    assert tile.Contains(polygon)
    assert 7 <= polygon.GetGeometryRef(0).GetPointCount() - 1 <= 9
    assert 0.65 < polygon.Area() / 1200**2 < 0.8


def test_command_line_writes_a_sample_and_reports_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = ["--size", "60", "--dates", "2", "--seed", "3", "--workers", "1"]
    assert main([str(tmp_path), *arguments]) == 0
    assert len(products(tmp_path)) == 2
    assert main([str(tmp_path), "--size", "61"]) == 1
    assert "multiple of 6" in capsys.readouterr().err


def test_default_plan_has_the_promised_weather() -> None:
    plan = plan_acquisitions(SampleSettings())
    assert len(plan) == 80
    assert plan[0].moment.date().isoformat() == "2022-11-02"
    assert (plan[-1].moment - datetime(2022, 11, 2, tzinfo=timezone.utc)).days > 365
    covers = np.array([acquisition.cover for acquisition in plan])
    assert (covers < 0.1).mean() == pytest.approx(0.45, abs=0.03)
    assert (covers > 0.6).mean() == pytest.approx(0.25, abs=0.03)
    assert sum(acquisition.snow for acquisition in plan) == 1
    assert len({acquisition.index for acquisition in plan}) == 80
