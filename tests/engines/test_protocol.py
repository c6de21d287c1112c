"""The protocol through the unmodified client, with worker processes behind it, and against malformed requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.scenes import COLLECTION
from s2mask_qgis.engines.base import Operation, OperationState, Pyramiding
from s2mask_qgis.engines.errors import BadRequestError, CancelledError, NotFoundError
from s2mask_qgis.engines.export_requests import NODATA
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.engines.local.assets import ROOT
from tests.engines.in_process import encoded
from tests.engines.services import (
    GRID,
    Service,
    export_of,
    running,
    scene_image,
    slow_grid,
    slow_image,
    slow_value,
    until,
)
from tests.engines.small_scenes import BANDS, INDEXES, MASKED, SHAPE_YX, small_scene


@pytest.fixture(scope="module")
def service(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(small_scenes, tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture
def ee(service: Service) -> Any:
    return service.client.ee


def state_of(service: Service, name: str) -> Operation:
    return service.client.operations()[name]


def finished(service: Service, name: str) -> Operation:
    """The operation, once it has ended."""
    until(lambda: state_of(service, name).state.is_final, f"the end of {name}")
    return state_of(service, name)


def test_values_come_back_as_the_client_expects_them(ee: Any):
    assert ee.Number(2).add(3).getInfo() == 5
    assert ee.List([1, "x", [2.5]]).getInfo() == [1, "x", [2.5]]
    assert ee.Dictionary({"a": 1}).getInfo() == {"a": 1}
    assert ee.Date("2020-01-05").getInfo() == {"type": "Date", "value": 1578182400000}
    assert ee.Feature(ee.Geometry.Point([1, 2]), {"n": 3}).getInfo() == {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [1, 2]},
        "properties": {"n": 3},
    }


def test_an_image_is_described_with_its_bands_and_properties(ee: Any):
    described = scene_image(ee).getInfo()
    assert described["id"] == f"{COLLECTION}/{INDEXES[0]}"
    assert [band["id"] for band in described["bands"]] == list(BANDS)
    assert described["bands"][0]["crs"] == "EPSG:32631"
    assert described["bands"][0]["crs_transform"] == [10, 0, 500000, 0, -10, 5000000]
    assert described["bands"][0]["dimensions"] == [60, 50]
    assert described["properties"]["MGRS_TILE"] == "31TCJ"
    assert described["properties"]["system:footprint"]["type"] == "Polygon"


def test_the_collection_can_be_filtered(ee: Any):
    collection = ee.ImageCollection(COLLECTION)
    assert collection.size().getInfo() == 3
    later = collection.filterDate("2020-01-08", "2020-02-01").filter(ee.Filter.lt("CLOUDY_PIXEL_PERCENTAGE", 15))
    assert [each["properties"]["system:index"] for each in later.getInfo()["features"]] == [INDEXES[1]]


def test_scenes_are_listed_by_tile_and_area(service: Service):
    scenes = service.client.scenes(None, None)
    assert [scene.index for scene in scenes] == list(INDEXES)
    assert [scene.cloudy_percent for scene in scenes] == [0.0, 10.0, 20.0]
    assert scenes[0].id == f"{COLLECTION}/{INDEXES[0]}"
    assert service.client.scenes(None, ["31TCJ"]) == scenes
    assert service.client.scenes(None, ["32UMU"]) == []
    longitude, latitude = scenes[0].footprint[0]
    assert service.client.scenes(square(longitude, latitude), None) == scenes
    assert service.client.scenes(square(longitude + 1, latitude), None) == []


def square(longitude: float, latitude: float) -> Area:
    d = 0.001
    corners = ((-d, -d), (d, -d), (d, d), (-d, d), (-d, -d))
    ring = [[longitude + x, latitude + y] for x, y in corners]
    return Area.from_geojson({"type": "Polygon", "coordinates": [ring]})


def test_the_grid_of_a_scene_is_that_of_its_10_m_bands(service: Service):
    assert service.client.grid(service.client.scenes(None, None)[0]) == GRID


def test_samples_are_the_pixels_of_the_scene(service: Service, ee: Any):
    image = scene_image(ee).select(["B2", "B4"])
    columns = service.client.sample(image, GRID, 10_000, 1)
    scene = small_scene(0).astype(int)
    valid = np.ones(SHAPE_YX, bool)
    valid[MASKED] = False
    assert columns == {name: scene[BANDS.index(name)][valid].tolist() for name in ("B2", "B4")}
    few = service.client.sample(image, GRID, 50, 7)
    assert len(few["B2"]) <= 50
    assert few == service.client.sample(image, GRID, 50, 7)
    assert few != service.client.sample(image, GRID, 50, 8)
    pairs = set(zip(columns["B2"], columns["B4"]))
    assert set(zip(few["B2"], few["B4"])) <= pairs


def features(ee: Any, count: int) -> Any:
    return ee.FeatureCollection([ee.Feature(None, {"n": n}) for n in range(count)])


def test_tables_come_in_pages(ee: Any):
    request = {"expression": features(ee, 5), "pageSize": 2}
    pages = [ee.data.computeFeatures(request)]
    while "nextPageToken" in pages[-1]:
        pages.append(ee.data.computeFeatures({**request, "pageToken": pages[-1]["nextPageToken"]}))
    assert [[feature["properties"]["n"] for feature in page["features"]] for page in pages] == [[0, 1], [2, 3], [4]]


def test_an_empty_table_is_one_empty_page(ee: Any):
    answer = ee.data.computeFeatures({"expression": ee.FeatureCollection([])})
    assert answer["features"] == []
    assert "nextPageToken" not in answer


def test_an_export_writes_the_image_on_its_grid(service: Service, ee: Any):
    image = scene_image(ee).select(["B2", "B8"])
    name = service.client.start(export_of(image, "written"))
    assert finished(service, name).state is OperationState.SUCCEEDED
    dataset = gdal.Open(str(service.store.folder / "mask" / "written.tif"))
    expected = small_scene(0)[[BANDS.index("B2"), BANDS.index("B8")]].astype(float)
    expected[:, MASKED[0], MASKED[1]] = NODATA
    np.testing.assert_array_equal(dataset.ReadAsArray(), expected)
    assert dataset.GetGeoTransform() == (500000.0, 10.0, 0.0, 5000000.0, 0.0, -10.0)
    assert service.client.asset_properties(f"{ROOT}/mask/written")["MGRS_TILE"] == "31TCJ"
    assert ee.Image(f"{ROOT}/mask/written").bandNames().getInfo() == ["B2", "B8"]


def test_the_same_request_starts_one_operation(service: Service, ee: Any):
    export = export_of(scene_image(ee).select("B2"), "once", "the same request")
    before = set(service.client.operations())
    first, second = service.client.start(export), service.client.start(export)
    assert first == second
    assert set(service.client.operations()) - before == {first}
    assert finished(service, first).state is OperationState.SUCCEEDED
    assert service.client.start(export) == first


def export_body(image: Any, name: str, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "expression": encoded(image),
        "requestId": name,
        "assetExportOptions": {"earthEngineDestination": {"name": f"{ROOT}/mask/{name}"}},
        "grid": {
            "crsCode": "EPSG:32631",
            "dimensions": {"width": 60, "height": 50},
            "affineTransform": {"scaleX": 10, "scaleY": -10, "translateX": 500000, "translateY": 5000000},
        },
    }
    return {**body, **changes}


def test_an_asset_is_replaced_only_where_that_is_asked_for(service: Service, ee: Any):
    name = service.client.start(export_of(ee.Image(1), "kept"))
    assert finished(service, name).state is OperationState.SUCCEEDED
    status, answer = service.ask("POST", "image:export", export_body(ee.Image(2), "kept", requestId="another"))
    assert status == 400
    assert answer["error"]["message"] == f"Cannot overwrite asset '{ROOT}/mask/kept'."
    again = service.client.start(export_of(ee.Image(2), "kept", "a third"))
    assert finished(service, again).state is OperationState.SUCCEEDED
    assert gdal.Open(str(service.store.folder / "mask" / "kept.tif")).ReadAsArray().tolist()[0][0] == 2.0


def test_operations_wait_run_and_can_be_cancelled_in_either_state(service: Service, ee: Any):
    first = service.client.start(export_of(slow_image(ee), "first", grid=slow_grid()))
    second = service.client.start(export_of(slow_image(ee), "second", grid=slow_grid()))
    partial = service.store.folder / ".partial"
    until(lambda: any(partial.glob("*.blocks.tif")), "the first export to write")
    assert state_of(service, first).state is OperationState.RUNNING
    assert state_of(service, second).state is OperationState.PENDING
    assert not (service.store.folder / "mask" / "first.tif").exists()
    started = time.monotonic()
    for name in (second, first):
        service.client.cancel(name)
    assert time.monotonic() - started < 2.0
    for name in (first, second):
        operation = state_of(service, name)
        assert (operation.state, operation.error_code) == (OperationState.CANCELLED, 1)
        assert operation.error == "The work was cancelled."
    assert not list(partial.iterdir())
    assert not list((service.store.folder / "mask").glob("*second*"))
    assert not (service.store.folder / "mask" / "first.tif").exists()
    service.client.cancel(first)  # once more does no harm
    assert service.client.value(ee.Number(1)) == 1


def test_an_export_that_fails_says_why_and_leaves_nothing(service: Service, ee: Any):
    name = service.client.start(export_of(ee.Image(-9999), "failing"))
    operation = finished(service, name)
    assert operation.state is OperationState.FAILED
    assert operation.error_code == 13
    assert "the value -9999, which stands for masked" in operation.error
    assert not list((service.store.folder / ".partial").iterdir())
    assert not (service.store.folder / "mask" / "failing.tif").exists()


def test_operations_are_listed_in_pages_the_latest_first(service: Service, ee: Any):
    names = [service.client.start(export_of(ee.Image(number), f"listed{number}")) for number in range(3)]
    query, listed = "pageSize=2", []
    while True:
        status, answer = service.ask("GET", "operations", query=query)
        assert status == 200
        listed += [operation["name"] for operation in answer["operations"]]
        if "nextPageToken" not in answer:
            break
        query = f"pageSize=2&pageToken={answer['nextPageToken']}"
    assert listed[:3] == names[::-1]
    assert len(listed) == len(set(listed)) == len(service.client.operations())


def test_one_operation_is_described(service: Service, ee: Any):
    name = service.client.start(export_of(ee.Image(1), "described"))
    finished(service, name)
    described = ee.data.getOperation(name)
    assert described["done"] is True
    assert described["metadata"]["description"] == "export_described"
    assert "error" not in described


def test_pyramids_are_made_as_the_policy_says(service: Service, ee: Any):
    export = export_of(ee.Image(1), "policy")
    for policy in Pyramiding:
        name = service.client.start(
            type(export)(export.image, export.destination, export.grid, policy.value, "x", policy)
        )
        assert finished(service, name).state is OperationState.SUCCEEDED


def test_waiting_for_a_value_can_be_stopped(service: Service, ee: Any):
    service.cancel_waiting = True
    try:
        with pytest.raises(CancelledError):
            service.client.value(slow_value(ee, 10))
    finally:
        service.cancel_waiting = False
    assert service.client.value(ee.Number(1)) == 1


def test_assets_that_do_not_exist(service: Service, ee: Any):
    assert service.client.asset_properties(f"{ROOT}/mask/nowhere") is None
    for image in (ee.Image(f"{ROOT}/mask/nowhere"), ee.Image(f"{COLLECTION}/nowhere"), ee.Image("nowhere")):
        with pytest.raises(NotFoundError, match="nowhere"):
            service.client.value(image.bandNames())
    with pytest.raises(NotFoundError, match="this computer holds COPERNICUS/S2_HARMONIZED"):
        service.client.value(ee.ImageCollection("LANDSAT/X").size())


def test_computations_that_fail_are_bad_requests(service: Service, ee: Any):
    with pytest.raises(BadRequestError, match=r"^Image.select: Pattern 'B99' did not match any bands"):
        service.client.value(scene_image(ee).select("B99").bandNames())
    with pytest.raises(BadRequestError, match="Only a FeatureCollection can be computed as a table"):
        list(service.client.rows(ee.Number(1)))
    with pytest.raises(BadRequestError, match="sending one as a value is not implemented"):
        service.client.value(ee.Filter.eq("a", 1))


def test_an_operation_that_does_not_exist(service: Service, ee: Any):
    with pytest.raises(NotFoundError, match="'projects/local-engine/operations/NONE' not found"):
        service.client.cancel("projects/local-engine/operations/NONE")


def test_what_is_outside_the_vocabulary_is_refused_before_it_is_queued(service: Service):
    unknown = {
        "result": "0",
        "values": {"0": {"functionInvocationValue": {"functionName": "Image.hypot", "arguments": {}}}},
    }
    for path in ("value:compute", "table:computeFeatures", "image:export"):
        status, answer = service.ask("POST", path, {"expression": unknown})
        assert status == 400
        assert answer["error"] == {
            "code": 400,
            "message": "Image.hypot: not implemented by the local engine",
            "status": "INVALID_ARGUMENT",
        }


NESTED = b'{"expression":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("value:compute", b"not JSON", "body is not JSON"),
        ("value:compute", b"\xff\xfe", "body is not JSON"),
        ("value:compute", NESTED, "body is not JSON"),
        ("value:compute", b"[1]", "body is not a JSON object"),
        ("value:compute", b"", "An expression is an object"),
        ("value:compute", b" " * (ServiceLimits().payload_bytes + 1), "exceeds the limit"),
        ("value:compute", {"expression": 3}, "An expression is an object"),
        ("table:computeFeatures", {"pageToken": "unknown"}, "page token is not known"),
    ],
)
def test_malformed_bodies_get_a_sentence(service: Service, path: str, body: Any, sentence: str):
    status, answer = service.ask("POST", path, body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert sentence in answer["error"]["message"]


@pytest.mark.parametrize("size", [0, -1, 1001, "2", 1.5])
def test_page_sizes_of_tables_are_bounded(service: Service, ee: Any, size: Any):
    status, answer = service.ask(
        "POST", "table:computeFeatures", {"expression": encoded(features(ee, 1)), "pageSize": size}
    )
    assert (status, answer["error"]["message"]) == (400, "pageSize must be from 1 to 1000.")


@pytest.mark.parametrize(
    "query", ["pageSize=x", "pageSize=-1", "pageToken=abc", "pageToken=-5", "pageSize=" + "9" * 5000]
)
def test_malformed_queries_get_a_sentence(service: Service, query: str):
    status, answer = service.ask("GET", "operations", query=query)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "must be a whole number" in answer["error"]["message"]


BAD_GRIDS = [
    ({"grid": 3}, "grid must be an object"),
    ({"grid": {}}, "grid cannot be used"),
    ({"crsCode": "nonsense"}, "'nonsense' is not the EPSG code"),
    ({"dimensions": {"width": 0, "height": 5}}, "grid has no pixels"),
    ({"dimensions": {"width": "x", "height": 5}}, "grid cannot be used"),
    ({"affineTransform": {"scaleX": 10, "scaleY": 10}}, "not north-up"),
    ({"affineTransform": {"scaleX": 10, "scaleY": -10, "shearX": 1}}, "not north-up"),
    ({"affineTransform": {"scaleX": float("nan"), "scaleY": -10}}, "not finite"),
    ({"affineTransform": []}, "grid cannot be used"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD_GRIDS)
def test_grids_that_cannot_be_used_are_refused(service: Service, ee: Any, change: dict[str, Any], sentence: str):
    body = export_body(ee.Image(1), "grid")
    body = {**body, **change} if "grid" in change else {**body, "grid": {**body["grid"], **change}}
    status, answer = service.ask("POST", "image:export", body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert sentence in answer["error"]["message"]


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (3, 400, "assetExportOptions must be an object"),
        ({"earthEngineDestination": []}, 400, "earthEngineDestination must be an object"),
        ({}, 404, "is not the id of an asset of this computer"),
        ({"earthEngineDestination": {"name": "projects/other/assets/x"}}, 404, "is not the id of an asset"),
        ({"earthEngineDestination": {"name": f"{ROOT}/../x"}}, 404, "is not the id of an asset"),
        ({"earthEngineDestination": {"name": f"{ROOT}/mask/x\n"}}, 404, "is not the id of an asset"),
        (
            {"earthEngineDestination": {"name": f"{ROOT}/x"}, "pyramidingPolicy": "MAX"},
            400,
            "The pyramiding policy MAX is not implemented",
        ),
        ({"earthEngineDestination": {"name": f"{ROOT}/x"}, "pyramidingPolicy": []}, 400, "is not implemented"),
    ],
)
def test_destinations_that_cannot_be_used_are_refused(
    service: Service, ee: Any, options: Any, code: int, sentence: str
):
    status, answer = service.ask("POST", "image:export", export_body(ee.Image(1), "x", assetExportOptions=options))
    assert (status, answer["error"]["code"]) == (code, code)
    assert sentence in answer["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "nothing"), ("PUT", "assets/mask/x"), ("GET", "value:compute"), ("POST", "operations")],
)
def test_calls_that_are_not_answered_are_named(service: Service, method: str, path: str):
    status, answer = service.ask(method, path)
    assert status == 404
    assert answer["error"]["status"] == "NOT_FOUND"
    assert (
        answer["error"]["message"] == f"{method} /v1/projects/local-engine/{path}: not implemented by the local engine"
    )


def test_deep_expressions_are_refused_in_this_process(service: Service, ee: Any):
    node: dict[str, Any] = {"constantValue": 1}
    values = {str(i): {"functionInvocationValue": {"functionName": "Number.abs", "arguments": {
        "input": {"valueReference": str(i + 1)}}}} for i in range(5_000)}  # fmt: skip
    status, answer = service.ask(
        "POST", "value:compute", {"expression": {"result": "0", "values": {**values, "5000": node}}}
    )
    assert status == 400
    assert "nested deeper than" in answer["error"]["message"]


def test_deep_expressions_within_the_limit_are_computed(service: Service, ee: Any):
    number = ee.Number(0)
    for _ in range(120):
        number = number.add(1)
    assert service.client.value(number) == 120


def test_an_image_of_arrays_is_not_exported(service: Service, ee: Any):
    name = service.client.start(export_of(ee.Image.constant([1, 2, 3]).toArray(), "arrays"))
    operation = finished(service, name)
    assert operation.state is OperationState.FAILED
    assert "are arrays" in operation.error


def test_lists_over_images_are_refused_by_name(ee: Any):
    image = ee.Image.constant([1, 2, 3])
    with pytest.raises(ee.EEException, match="not implemented in images"):
        ee.ImageCollection([image, image]).reduce(ee.Reducer.toList(3)).getInfo()
