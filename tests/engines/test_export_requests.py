"""Bodies of requests against those that the unmodified client sends for the same export, sample or map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.engines.base import (
    AssetDestination,
    DriveDestination,
    Export,
    FileDestination,
    Pyramiding,
    TileStyle,
)
from s2mask_qgis.engines.calls import Call
from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.errors import BadRequestError
from s2mask_qgis.engines.expressions import ready_client
from s2mask_qgis.engines.local.discovery import document
from tests.engines.services import GRID

PROJECT = "my-project"


class Recorder:
    """A transport for the unmodified client that keeps what it sends."""

    def __init__(self, functions: dict[str, Any]) -> None:
        self.functions = functions
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, uri: str, method: str = "GET", body: Any = None, **_: Any) -> tuple[Any, bytes]:
        import httplib2

        answer: Any = {"name": "projects/my-project/operations/X", "result": 1}
        if "discovery" in uri:
            answer = document("http://recorder")
        elif "algorithms" in uri:
            answer = self.functions
        else:
            path = uri.split("?")[0].removeprefix("http://recorder/v1/")
            self.sent.append((method, path, json.loads(body) if body else {}))
        return httplib2.Response({"status": "200", "content-type": "application/json"}), json.dumps(answer).encode()


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    ee = ready_client()
    listed = Path(ee.__file__).parent / "tests" / "algorithms.json"
    if not listed.is_file():
        pytest.skip("the client comes without its list of all functions")
    recorder = Recorder(json.loads(listed.read_text()))
    ee.Reset()  # or it would keep the functions that an earlier test has given it
    ee.deprecation.deprecated_assets = {"": None}
    ee.Initialize(credentials=None, url="http://recorder", project=PROJECT, http_transport=recorder)
    yield recorder
    ee.Reset()
    ready_client()


def theirs(recorder: Recorder, carry_out: Any) -> tuple[str, str, dict[str, Any]]:
    recorder.sent.clear()
    carry_out()
    (sent,) = recorder.sent
    return sent


def ours(carry_out: Any) -> tuple[str, str, dict[str, Any]]:
    calls: list[Call] = []
    client = ServiceClient(lambda call: (calls.append(call), b'{"name": "n", "result": 1}')[1], PROJECT)
    carry_out(client)
    (call,) = calls
    return call.method, call.path, json.loads(json.dumps(call.body))


def same_but_for_the_grid(mine: dict[str, Any], other: dict[str, Any]) -> None:
    """The client writes the grid into the expression, we beside it, as the reference has it."""
    assert mine.pop("grid")["crsCode"] == GRID.crs
    del mine["expression"], other["expression"]
    assert mine == other


def test_an_export_to_an_asset(recorder: Recorder):
    import ee

    image, asset = ee.Image(1).toFloat(), "projects/my-project/assets/mask/x"
    request = {"description": "mask_x", "assetId": asset, "maxPixels": 10**13, "overwrite": True, "shardSize": 128}
    place = {"crs": GRID.crs, "crsTransform": list(GRID.transform), "dimensions": "60x50"}
    task = ee.batch.Export.image.toAsset(image, pyramidingPolicy={".default": "mode"}, **request, **place)
    task._request_id = "id-1"
    other = theirs(recorder, task.start)
    export = Export(image, AssetDestination(asset), GRID, "id-1", "mask_x", Pyramiding.MODE, tile_px=128)
    mine = ours(lambda client: client.start(export))
    assert mine[:2] == other[:2] == ("POST", "projects/my-project/image:export")
    same_but_for_the_grid(mine[2], other[2])


def test_an_export_to_drive(recorder: Recorder):
    import ee

    image = ee.Image(1).toByte()
    place = {"crs": GRID.crs, "crsTransform": list(GRID.transform), "dimensions": "60x50", "maxPixels": 10**13}
    options = {"cloudOptimized": True, "noData": -9999.0}
    task = ee.batch.Export.image.toDrive(
        image, "mask_x", "clouds", "x", fileFormat="GeoTIFF", formatOptions=options, **place
    )
    task._request_id = "id-1"
    other = theirs(recorder, task.start)
    mine = ours(lambda client: client.start(Export(image, DriveDestination("clouds", "x"), GRID, "id-1", "mask_x")))
    assert "Image.toFloat" in json.dumps(mine[2]["expression"])
    same_but_for_the_grid(mine[2], other[2])


def test_values_tables_pixels_and_maps(recorder: Recorder):
    import ee

    number, image = ee.Number(1).add(2), ee.Image("COPERNICUS/S2/x").select("B2")
    table = ee.FeatureCollection([ee.Feature(None, {"n": 1})])
    style = TileStyle(("B2",), 0.0, 3000.0, ("000000", "ffffff"), 1.4)
    look = {"image": image, "bands": ["B2"], "min": "0.0", "max": "3000.0", "palette": ["000000", "ffffff"]}
    pairs = [
        (lambda: ee.data.computeValue(number), lambda client: client.value(number)),
        (
            lambda: ee.data.computeFeatures({"expression": table, "pageSize": 500}),
            lambda client: list(client.rows(table)),
        ),
        (lambda: ee.data.getMapId({**look, "gamma": "1.4"}), lambda client: client.map_name(image, style)),
        (lambda: ee.data.getAsset("COPERNICUS/S2/x"), lambda client: client.asset("COPERNICUS/S2/x")),
        (
            lambda: ee.data.cancelOperation("projects/my-project/operations/X"),
            lambda client: client.cancel("projects/my-project/operations/X"),
        ),
    ]
    for other, mine in pairs:
        method, path, body = ours(mine)
        their_method, their_path, their_body = theirs(recorder, other)
        assert (method, path) == (their_method, their_path)
        assert (body or {}) == their_body


def test_descriptions_have_the_characters_that_are_allowed():
    image = ready_client().Image(1)
    export = Export(image, AssetDestination("projects/p/assets/x"), GRID, "id", "mask ü/20200105 (1)" + "x" * 200)
    body = ours(lambda client: client.start(export))[2]
    assert body["description"].startswith("mask_20200105_1_x")
    assert len(body["description"]) == 100


def test_a_file_is_nothing_that_the_service_writes(tmp_path):
    export = Export(ready_client().Image(1), FileDestination(tmp_path / "x.tif"), GRID, "id", "x")
    with pytest.raises(BadRequestError, match="not made by the service"):
        ours(lambda client: client.start(export))
