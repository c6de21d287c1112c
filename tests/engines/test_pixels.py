"""Pixels through the unmodified client: arrays, GeoTIFFs and pictures of images, against the pixels of the scenes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal, osr

from s2mask_qgis.engines.local.assets import ROOT
from tests.engines.in_process import encoded
from tests.engines.services import Service, export_of, running, scene_image, until
from tests.engines.small_scenes import BANDS, MASKED, SHAPE_YX, small_scene

TRANSFORM = {"scaleX": 10, "scaleY": -10, "translateX": 500000, "translateY": 5000000}
NATIVE = {"crsCode": "EPSG:32631", "affineTransform": TRANSFORM, "dimensions": {"width": 60, "height": 50}}
SCENE_ID = "COPERNICUS/S2_HARMONIZED/20200105T100000_20200105T100000_T31TCJ"


@pytest.fixture(scope="module")
def service(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(small_scenes, tmp_path_factory.mktemp("pixels")) as started:
        yield started


@pytest.fixture
def ee(service: Service) -> Any:
    return service.client.ee


def band_of_scene(name: str) -> np.ndarray:
    """A band of the first date, masked pixels 0."""
    pixels = small_scene(0)[BANDS.index(name)].copy()
    pixels[MASKED] = 0
    return pixels


def opened(data: bytes) -> gdal.Dataset:
    path = f"/vsimem/{id(data)}"
    gdal.FileFromMemBuffer(path, data)
    return gdal.Open(path)


def test_arrays_hold_the_bands_with_their_names_and_types(ee: Any):
    request = {"expression": scene_image(ee).select(["B2", "B8"]), "fileFormat": "NUMPY_NDARRAY", "grid": NATIVE}
    array = ee.data.computePixels(request)
    assert array.dtype == np.dtype([("B2", "<u2"), ("B8", "<u2")])
    for name in ("B2", "B8"):
        np.testing.assert_array_equal(array[name], band_of_scene(name))


def test_the_grid_is_the_images_own_unless_given(ee: Any):
    whole = ee.data.computePixels({"expression": scene_image(ee).select("B2"), "fileFormat": "NUMPY_NDARRAY"})
    np.testing.assert_array_equal(whole["B2"], band_of_scene("B2"))
    corner = {"dimensions": {"width": 8, "height": 4}}
    part = ee.data.computePixels({"expression": scene_image(ee).select("B2"), "fileFormat": "NPY", "grid": corner})
    np.testing.assert_array_equal(np.load(io.BytesIO(part))["B2"], band_of_scene("B2")[:4, :8])


def test_a_geotiff_has_grid_names_and_values(ee: Any):
    image = scene_image(ee).select(["B2", "B3"]).add(0.5)
    dataset = opened(ee.data.computePixels({"expression": image, "fileFormat": "GEO_TIFF", "grid": NATIVE}))
    assert dataset.GetGeoTransform() == (500000.0, 10.0, 0.0, 5000000.0, 0.0, -10.0)
    assert osr.SpatialReference(wkt=dataset.GetProjection()).GetAuthorityCode(None) == "32631"
    assert [dataset.GetRasterBand(number).GetDescription() for number in (1, 2)] == ["B2", "B3"]
    expected = np.stack([band_of_scene("B2"), band_of_scene("B3")]).astype(float) + 0.5
    expected[:, MASKED[0], MASKED[1]] = 0
    np.testing.assert_array_equal(dataset.ReadAsArray(), expected)


def test_pixels_of_an_asset_of_the_collection_and_of_the_store(service: Service, ee: Any):
    array = ee.data.getPixels({"assetId": SCENE_ID, "fileFormat": "NUMPY_NDARRAY", "bandIds": ["B4"]})
    np.testing.assert_array_equal(array["B4"], band_of_scene("B4"))
    name = service.client.start(export_of(ee.Image(7).toByte().rename("seven"), "seven"))
    until(lambda: service.client.operations()[name].state.is_final, "the export")
    asset = f"{ROOT}/mask/seven"
    array = ee.data.getPixels({"assetId": asset, "fileFormat": "NUMPY_NDARRAY", "grid": NATIVE})
    assert (array["seven"] == 7).all()
    assert array.shape == SHAPE_YX


def test_a_region_takes_the_rectangle_around_it(service: Service, ee: Any):
    footprint = service.client.scenes(None, None)[0].footprint
    west, north = min(x for x, _ in footprint), max(y for _, y in footprint)
    region = {"type": "Polygon", "coordinates": [[[west, north], [west + 1e-4, north], [west, north - 1e-4]]]}
    array = ee.data.getPixels(
        {"assetId": SCENE_ID, "fileFormat": "NUMPY_NDARRAY", "bandIds": ["B4"], "region": region}
    )["B4"]
    assert 1 <= array.shape[0] <= 4
    assert 1 <= array.shape[1] <= 4


def test_pictures_show_the_range_in_8_bits_and_leave_masked_pixels_transparent(ee: Any):
    options = {"ranges": [{"min": 0, "max": 5000}]}
    request = {"expression": scene_image(ee), "bandIds": ["B4", "B3", "B2"], "grid": NATIVE, "fileFormat": "PNG"}
    pixels = opened(ee.data.computePixels({**request, "visualizationOptions": options})).ReadAsArray()
    assert pixels.shape == (4, *SHAPE_YX)
    valid = np.ones(SHAPE_YX, bool)
    valid[MASKED] = False
    np.testing.assert_array_equal(pixels[3], np.where(valid, 255, 0))
    expected = np.stack([band_of_scene(name) for name in ("B4", "B3", "B2")]) / 5000 * 255
    assert np.abs(pixels[:3] - expected).max() <= 0.5 + 1e-9


def test_palettes_and_gamma_colour_one_band(ee: Any):
    ramp = ee.Image(0.25)
    request = {"expression": ramp, "grid": NATIVE, "fileFormat": "PNG"}

    def colour(**options: Any) -> list[int]:
        data = ee.data.computePixels({**request, "visualizationOptions": options})
        return opened(data).ReadAsArray()[:, 0, 0].tolist()

    assert colour(paletteColors=["000000", "#ff8000"]) == [64, 32, 0, 255]
    assert colour(paletteColors=["red", "00F"], ranges=[{"min": 0, "max": 0.25}]) == [0, 0, 255, 255]
    assert colour(gamma={"value": 2}) == [128, 128, 128, 255]
    assert colour(opacity={"value": 0.2})[3] == 51


def test_jpeg_has_no_transparency(ee: Any):
    data = ee.data.computePixels({"expression": ee.Image(1.0), "grid": NATIVE, "fileFormat": "JPEG"})
    assert data[:2] == b"\xff\xd8"
    assert opened(data).ReadAsArray().shape == (3, *SHAPE_YX)


def test_thumbnails_are_fetched_by_their_name(ee: Any):
    image = scene_image(ee).select("B4")
    thumbnail = ee.data.getThumbId({"image": image, "min": "0", "max": "5000", "format": "png"})
    data = ee.data._get_cloud_projects_raw().thumbnails().getPixels(name=thumbnail["thumbid"]).execute()
    assert opened(data).ReadAsArray().shape == (4, *SHAPE_YX)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fileFormat": "TF_RECORD_IMAGE"}, "file format 'TF_RECORD_IMAGE' is not implemented"),
        ({"grid": {**NATIVE, "dimensions": {"width": 32_769, "height": 1}}}, "less than or equal to 32768"),
        (
            {"grid": {**NATIVE, "dimensions": {"width": 10_980, "height": 10_980}}},
            r"Total request size \(241120800 bytes\) must be less than or equal to 50331648 bytes",
        ),
        ({"grid": {**NATIVE, "crsCode": "EPSG:999999"}}, "not a known coordinate system"),
        ({"grid": {"crsCode": "EPSG:3857"}}, "needs an affineTransform"),
        ({"grid": {"crsWkt": "PROJCS[]"}}, "crsWkt: not implemented"),
        ({"bandIds": ["B99"]}, "did not match any bands"),
        ({"visualizationOptions": {"paletteColors": ["blurple"]}}, "is not a colour"),
        ({"visualizationOptions": {"ranges": [{"min": 2, "max": 1}]}}, "min must be less than its max"),
        ({"visualizationOptions": {"gamma": {"value": 0}}}, "gamma is not positive"),
    ],
)
def test_requests_that_cannot_be_answered_say_why(ee: Any, change: dict[str, Any], sentence: str):
    request = {"expression": scene_image(ee).select("B4"), "fileFormat": "NPY", "grid": NATIVE}
    with pytest.raises(ee.EEException, match=sentence):
        ee.data.computePixels({**request, **change})


def test_two_bands_are_no_picture(ee: Any):
    with pytest.raises(ee.EEException, match="1 or 3 bands"):
        ee.data.computePixels({"expression": scene_image(ee).select(["B2", "B3"]), "fileFormat": "PNG"})


def test_what_has_no_pixels_is_refused(service: Service, ee: Any):
    status, answer = service.ask("POST", "image:computePixels", {"expression": encoded(ee.Number(1))})
    assert (status, answer["error"]["message"]) == (400, "Only an Image has pixels.")
    with pytest.raises(ee.EEException, match="unbounded"):
        ee.data.computePixels({"expression": ee.Image(1), "fileFormat": "NPY", "grid": {
            "crsCode": "EPSG:32631", "affineTransform": TRANSFORM}})  # fmt: skip


def test_maps_of_the_client_have_its_settings(service: Service):
    ee = service.client.ee
    image = ee.Image([1, 3, 0])
    tiles = image.getMapId({"bands": ["constant", "constant_1", "constant_2"], "min": 0, "max": 4, "opacity": 0.4})
    status, _, data = service.protocol.handle("GET", f"/v1/{tiles['mapid']}/tiles/3/1/2", "", b"")
    assert status == 200
    gdal.FileFromMemBuffer("/vsimem/map.png", data)
    pixels = gdal.Open("/vsimem/map.png").ReadAsArray()
    assert pixels.shape == (4, 256, 256)
    assert [np.unique(channel).tolist() for channel in pixels] == [[64], [191], [0], [102]]
