"""Images back into Earth Engine: uploaded once, imported once, with their properties and times; gone on with."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from s2mask_qgis.engines.errors import BadRequestError, EngineError
from s2mask_qgis.google.assets import Assets
from s2mask_qgis.google.storage import Bucket
from s2mask_qgis.jobs import bringing_back
from s2mask_qgis.jobs.bringing_back import Services, bring_back
from s2mask_qgis.jobs.manifests import FileFacts, _polygon, cloud_optimised, facts_of, footprint_px, image_manifest
from s2mask_qgis.jobs.metadata_json import ImageMetadata, metadata_of
from s2mask_qgis.jobs.moving_request import EXTERNAL, BringBackRequest
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.web.session import Patience, Session
from tests.google.drive_stand_in import Answer, EarthEngineStandIn, StorageStandIn, refused
from tests.jobs.moving_stand_ins import SOURCE, image, name_of, pixels_of, tiff

COUNT = 3
TARGET = "projects/p/assets/back/masks"


@pytest.fixture
def earth():
    server = EarthEngineStandIn()
    yield server
    server.close()


@pytest.fixture
def bucket_server():
    server = StorageStandIn()
    yield server
    server.close()


@pytest.fixture
def services(earth, bucket_server):
    session = Session(patience=Patience(attempts=3), sleep=lambda _seconds: None, draw=lambda: 1.0)
    return Services(Assets.over(session, f"{earth.url}/v1"), Bucket.over(session, "my-bucket", bucket_server.url))


@pytest.fixture
def request_(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    entries = {}
    for number in range(COUNT):
        asset = asset_of(number)
        entries[asset.name] = metadata_of(asset, 255.0).to_json()
        (folder / f"{name_of(number)}.tif").write_bytes(tiff(tmp_path, pixels_of(name_of(number)), (0, 0)))
    (folder / "metadata.json").write_text(json.dumps(entries))
    return BringBackRequest("p", folder, folder / "metadata.json", TARGET, "my-bucket", refresh_seconds=0.0)


def asset_of(number):
    from s2mask_qgis.google.assets import _image

    return _image(SOURCE, {"name": f"{SOURCE}/{name_of(number)}", **image(number)})


def brought(request, services, orders=None, on_progress=lambda _progress: None):
    return bring_back(request, services, orders or Orders(), on_progress)


def test_images_are_imported_with_their_properties_and_times(request_, services, earth, bucket_server):
    report = brought(request_, services)
    assert (report.state, report.message) == (RunState.FINISHED, "3 of 3 images brought back.")
    assert earth.assets["projects/p/assets/back"]["type"] == "FOLDER"
    assert earth.assets[TARGET]["type"] == "IMAGE_COLLECTION"
    asset = earth.assets[f"{TARGET}/{name_of(0)}"]
    assert asset["startTime"] == "2023-01-01T10:00:31.024Z"
    assert asset["endTime"] == "2023-01-01T10:00:32.000Z"
    assert asset["properties"] == {"MGRS_TILE": "33UVP", "share": 0.25, "s2mask:key": "abc"}
    assert asset["missingData"] == {"values": [255.0]}
    assert asset["pyramidingPolicy"] == "MODE"
    (uri,) = asset["tilesets"][0]["sources"][0]["uris"]
    assert uri == f"gs://my-bucket/s2mask/{name_of(0)}.tif"
    stored = bucket_server.objects[uri.removeprefix("gs://")]
    assert stored == (request_.folder / f"{name_of(0)}.tif").read_bytes()


def test_images_that_are_there_are_left_alone(request_, services, earth, bucket_server):
    earth.add("projects/p/assets/back", "FOLDER")
    earth.add(TARGET, "IMAGE_COLLECTION")
    earth.add(f"{TARGET}/{name_of(1)}", properties={"mine": 1})
    report = brought(request_, services)
    assert (report.made, report.there) == (2, 1)
    assert earth.assets[f"{TARGET}/{name_of(1)}"]["properties"] == {"mine": 1}
    assert len(bucket_server.objects) == 2
    again = brought(request_, services)
    assert (again.made, again.there, again.message) == (
        0,
        3,
        "0 of 3 images brought back, 3 were there already.",
    )
    assert len(earth.imported) == 2


def test_images_of_the_scripts_json_come_back_with_their_times(request_, services, earth):
    entries = {f"users/ann/masks/{name_of(0)}": {"geometry": None, "system:time_start": 1672567231024}}
    request_.metadata_file.write_text(json.dumps(entries))
    assert brought(request_, services).made == 1
    asset = earth.assets[f"{TARGET}/{name_of(0)}"]
    assert asset["startTime"] == "2023-01-01T10:00:31.024Z"
    assert "endTime" not in asset
    assert asset["bands"] == [{"id": "mask", "tilesetId": "tileset", "tilesetBandIndex": 0}]


def test_assets_whose_pixels_stay_in_the_bucket_are_cloud_optimised(request_, services, earth, bucket_server, tmp_path):
    report = brought(replace(request_, mode=EXTERNAL), services)
    assert (report.state, report.made) == (RunState.FINISHED, COUNT)
    assert not earth.running
    (tmp_path / "copy.tif").write_bytes(bucket_server.objects[f"my-bucket/s2mask/{name_of(0)}.tif"])
    assert facts_of(tmp_path / "copy.tif").is_cloud_optimised
    assert np.array_equal(gdal.Open(str(tmp_path / "copy.tif")).ReadAsArray(), pixels_of(name_of(0)))


@pytest.mark.parametrize("mode", ["ingest", EXTERNAL])
@pytest.mark.parametrize("number", [0, 1, 2, 4, 5, 6, 7, 8, 9])
def test_a_lost_answer_at_any_request_imports_nothing_twice(request_, services, earth, number, mode):
    earth.faults[number] = lambda answer: replace(answer, is_lost=True)
    report = brought(replace(request_, mode=mode), services)
    assert (report.state, report.made + report.there) == (RunState.FINISHED, COUNT)
    assert sorted(earth.imported) == sorted(f"{TARGET}/{name_of(one)}" for one in range(COUNT))


class KilledError(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", range(1, 13))
def test_a_killed_return_goes_on_and_imports_nothing_twice(request_, services, earth, monkeypatch, at):
    calls = []
    original = bringing_back.KeptEntries.add

    def add(kept, name, entry):
        calls.append(1)
        if len(calls) == at:
            raise KilledError
        original(kept, name, entry)

    with monkeypatch.context() as patched:
        patched.setattr(bringing_back.KeptEntries, "add", add)
        try:
            brought(request_, services)
        except KilledError:
            assert len(calls) == at
    report = brought(request_, services)
    assert (report.state, report.made + report.there) == (RunState.FINISHED, COUNT)
    assert sorted(earth.imported) == sorted(f"{TARGET}/{name_of(one)}" for one in range(COUNT))
    assert len(earth.requests) == COUNT


def test_a_failed_import_is_told_and_tried_again_in_another_run(request_, services, earth):
    earth.error = "The file has too many bands."
    report = brought(request_, services)
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert dict(report.failed)[name_of(0)] == "The file has too many bands."
    earth.error = ""
    assert brought(request_, services).made == COUNT
    assert len(earth.requests) == 2 * COUNT


def test_no_more_imports_at_once_than_allowed(request_, services, earth):
    earth.looks = 3
    active = []
    brought(replace(request_, most_active=1), services, on_progress=lambda progress: active.append(progress.active))
    assert max(active) == 1


def test_imports_that_are_listed_late_are_not_lost(request_, services, earth):
    hidden = []

    def always(asked, answer):
        if asked.path.endswith("/operations") and not hidden:
            hidden.append(1)
            return Answer(200, b"{}")
        return answer

    earth.always = always
    earth.looks = 2
    assert brought(request_, services).made == COUNT


def test_a_paused_return_says_that_the_service_goes_on(request_, services, earth):
    earth.looks = 100
    orders = Orders()
    report = brought(request_, services, orders, lambda progress: orders.pause() if progress.active == 2 else None)
    assert report.state is RunState.PAUSED
    assert "goes on at the service" in report.message


def test_missing_rights_pause_a_return(request_, services, bucket_server):
    bucket_server.always = lambda _asked, _answer: refused(403, "forbidden")
    report = brought(request_, services)
    assert report.state is RunState.PAUSED
    assert "Google Cloud Storage does not allow this" in report.message


def test_a_damaged_file_is_told_and_the_others_come(request_, services):
    (request_.folder / f"{name_of(1)}.tif").write_bytes(b"no tiff")
    report = brought(request_, services)
    assert report.made == COUNT - 1
    assert name_of(1) in dict(report.failed)[name_of(1)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mode": "other"}, "no way to bring images back"),
        ({"pyramiding": "BEST"}, "no way to make the coarser levels"),
        ({"target": "projects/p/assets/with space"}, "cannot be the name"),
    ],
)
def test_what_cannot_be_is_refused(request_, services, change, told):
    report = brought(replace(request_, **change), services)
    assert report.state is RunState.REFUSED
    assert told in report.message


def test_metadata_without_files_are_told(request_, services, tmp_path):
    report = brought(replace(request_, folder=tmp_path), services)
    assert report.message == f"None of the 3 images of metadata.json has a file in {tmp_path}."


# Manifests


FACTS = FileFacts(("mask", "probability"), 255.0, False)
KNOWN = ImageMetadata("users/ann/a", None, 5, 1500, {"MGRS_TILE": "33UVP"})


def test_a_manifest_has_the_documented_form():
    manifest = image_manifest("projects/p/assets/a", ["gs://b/a.tif"], KNOWN, FACTS, "MODE")
    assert manifest == {
        "name": "projects/p/assets/a",
        "tilesets": [{"id": "tileset", "sources": [{"uris": ["gs://b/a.tif"]}]}],
        "bands": [
            {"id": "mask", "tilesetId": "tileset", "tilesetBandIndex": 0},
            {"id": "probability", "tilesetId": "tileset", "tilesetBandIndex": 1},
        ],
        "pyramidingPolicy": "MODE",
        "properties": {"MGRS_TILE": "33UVP"},
        "missingData": {"values": [255.0]},
        "startTime": "1970-01-01T00:00:00.005Z",
        "endTime": "1970-01-01T00:00:01.500Z",
    }


def test_the_client_sends_the_manifest_as_it_is():
    from ee import _cloud_api_utils

    manifest = image_manifest("projects/p/assets/a", ["gs://b/1.tif", "gs://b/2.tif"], KNOWN, FACTS, "MEAN")
    assert _cloud_api_utils.convert_params_to_image_manifest(manifest) == manifest


def test_names_of_bands_come_from_the_metadata_where_they_fit():
    known = replace(KNOWN, bands=({"id": "a"}, {"id": "b"}))
    manifest = image_manifest("n", ["gs://b/a.tif"], known, FACTS, "MEAN")
    assert [band["id"] for band in manifest["bands"]] == ["a", "b"]
    manifest = image_manifest("n", ["gs://b/a.tif"], replace(known, bands=({"id": "a"},)), FACTS, "MEAN")
    assert [band["id"] for band in manifest["bands"]] == ["mask", "probability"]
    unnamed = replace(FACTS, bands=("", ""))
    assert [band["id"] for band in image_manifest("n", [], KNOWN, unnamed, "MEAN")["bands"]] == ["b1", "b2"]


def test_properties_that_the_service_sets_itself_are_left_out():
    odd = {"system:index": "a", "system:footprint": {}, "1st": 2, "none": None, "fine": 3, "list": ["a"]}
    manifest = image_manifest("n", [], replace(KNOWN, properties=odd), FACTS, "MEAN")
    assert manifest["properties"] == {"fine": 3, "list": ["a"]}


@pytest.mark.parametrize("nodata", [None, float("nan")])
def test_not_a_number_is_no_missing_value(nodata):
    manifest = image_manifest("n", [], KNOWN, replace(FACTS, nodata=nodata), "MEAN")
    assert "missingData" not in manifest


def in_degrees(corners_px):
    """Columns and rows of the files as corners in degrees."""
    reference, degrees = osr.SpatialReference(), osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    degrees.ImportFromEPSG(4326)
    for one in (reference, degrees):
        one.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    change = osr.CoordinateTransformation(reference, degrees)
    points = [change.TransformPoint(600000 + 10 * x, 5300040 - 10 * y)[:2] for x, y in corners_px]
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


def test_the_outline_of_an_image_comes_back(request_):
    path = request_.folder / f"{name_of(0)}.tif"
    triangle = [(0, 0), (60, 0), (0, 40), (0, 0)]
    ring = footprint_px(path, in_degrees(triangle))
    assert ring[0] == ring[-1]
    assert all(0 <= x <= 60 and 0 <= y <= 40 for x, y in ring)
    polygon = _polygon(ring)
    for row, column in np.ndindex(40, 60):
        x, y = column + 0.5, row + 0.5
        share = x / 60 + y / 40
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(x, y)
        if share <= 1:
            assert polygon.Contains(point), "the centre of a valid pixel"
        elif share > 1.2:
            assert not polygon.Contains(point)
    manifest = image_manifest("n", [], KNOWN, FACTS, "MEAN", ring)
    assert manifest["footprint"]["bandId"] == "mask"
    assert manifest["footprint"]["points"][0] == {"x": ring[0][0], "y": ring[0][1]}


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "MultiPolygon", "coordinates": []},
        in_degrees([(-5, -5), (70, -5), (70, 50), (-5, 50), (-5, -5)]),
        in_degrees([(900, 900), (910, 900), (900, 910), (900, 900)]),
        "POLYGON",
    ],
)
def test_an_outline_that_says_nothing_is_left_out(request_, geometry):
    assert footprint_px(request_.folder / f"{name_of(0)}.tif", geometry) == ()


def test_a_copy_for_the_bucket_is_whole_or_not_there(request_, tmp_path):
    target = tmp_path / "copy.tif"
    with pytest.raises(EngineError, match="cannot be read"):
        cloud_optimised(tmp_path / "none.tif", target, "MODE")
    assert not list(tmp_path.glob("copy*"))
    cloud_optimised(request_.folder / f"{name_of(0)}.tif", target, "MODE")
    assert facts_of(target).nodata == 255


def test_a_bucket_with_an_impossible_name_is_refused(services):
    with pytest.raises(BadRequestError):
        Bucket.over(services.bucket.service.session, "My Bucket")
