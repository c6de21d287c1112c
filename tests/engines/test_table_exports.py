"""Tables exported through the unmodified client: whole, once, never over something else, known to later processes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from s2mask_qgis.engines.local.journal import Journal
from s2mask_qgis.engines.local.tables import load_table, table_made_by, table_path, write_table
from s2mask_qgis.engines.local.values import FeatureValue
from tests.engines.in_process import encoded
from tests.engines.services import Service, running, until
from tests.engines.test_operations import finished, queue_in

SQUARE = [[10.0, 45.0], [10.1, 45.0], [10.1, 45.1], [10.0, 45.1], [10.0, 45.0]]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, small_scenes: Path) -> Iterator[Service]:
    with running(small_scenes, tmp_path_factory.mktemp("tables")) as service:
        yield service


@pytest.fixture
def ee(service: Service) -> ModuleType:
    return service.client.ee


def table(ee: ModuleType, *names: str) -> Any:
    return ee.FeatureCollection([ee.Feature(ee.Geometry.Polygon([SQUARE], None, False), {"n": name}) for name in names])


def names_in(store: AssetStore, asset: str) -> list[Any]:
    return [feature.properties["n"] for feature in load_table(store, asset).elements]


def body_of(ee: ModuleType, collection: Any, asset: str, request_id: str = "", **destination: Any) -> dict[str, Any]:
    options = {"earthEngineDestination": {"name": asset, **destination}}
    return {"expression": encoded(collection), "requestId": request_id, "assetExportOptions": options}


def export(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    """The operation of an export, once it has ended; the answer where it is refused."""
    status, started = service.ask("POST", "table:export", body)
    if status != 200:
        return started
    path = started["name"].rpartition("operations")[1:]
    until(lambda: service.ask("GET", "".join(path))[1].get("done"), "the end of the export")
    return service.ask("GET", "".join(path))[1]


def test_the_client_exports_a_table(ee: ModuleType, service: Service):
    asset = f"{ROOT}/tables/client"
    task = ee.batch.Export.table.toAsset(table(ee, "a", "b"), "my_table", asset)
    task.start()
    until(lambda: not task.active(), "the end of the export")
    status = task.status()
    assert (status["state"], status["task_type"]) == ("COMPLETED", "EXPORT_FEATURES")
    assert names_in(service.store, asset) == ["a", "b"]
    assert ee.data.getAsset(asset)["type"] == "TABLE"
    assert ee.FeatureCollection(asset).aggregate_array("n").getInfo() == ["a", "b"]
    assert not list((service.store.folder / ".partial").glob("*"))


def test_a_table_is_not_replaced_unless_that_is_asked_for(ee: ModuleType, service: Service):
    asset = f"{ROOT}/tables/kept"
    assert export(service, body_of(ee, table(ee, "a"), asset))["metadata"]["state"] == "SUCCEEDED"
    refused = export(service, body_of(ee, table(ee, "b"), asset))
    assert refused["error"]["message"] == f"Cannot overwrite asset '{asset}'."
    assert names_in(service.store, asset) == ["a"]
    export(service, body_of(ee, table(ee, "b"), asset, overwrite=True))
    assert names_in(service.store, asset) == ["b"]


def test_a_request_that_comes_again_gives_its_operation_although_the_table_is_there(ee: ModuleType, service: Service):
    body = body_of(ee, table(ee, "a"), f"{ROOT}/tables/once", "once")
    first = export(service, body)
    again = export(service, body)
    assert (again["name"], again["metadata"]["attempt"]) == (first["name"], 1)
    service.store.path(f"{ROOT}/tables/once").with_suffix(".geojson").unlink()
    assert export(service, body)["metadata"]["attempt"] == 2
    assert names_in(service.store, f"{ROOT}/tables/once") == ["a"]


def test_what_is_no_table_fails_and_leaves_nothing(ee: ModuleType, service: Service):
    asset = f"{ROOT}/tables/number"
    ended = export(service, body_of(ee, ee.Number(1).add(1), asset))
    assert ended["metadata"]["state"] == "FAILED"
    assert "Only a FeatureCollection" in ended["error"]["message"]
    assert not table_path(service.store, asset).exists()


def test_a_place_that_cannot_be_written_fails_with_the_reason(ee: ModuleType, service: Service):
    (service.store.folder / "blocked").write_text("in the way")
    ended = export(service, body_of(ee, table(ee, "a"), f"{ROOT}/blocked/land"))
    assert ended["metadata"]["state"] == "FAILED"
    assert "cannot be written" in ended["error"]["message"]


@pytest.mark.parametrize("option", ["fileExportOptions", "selectors", "maxVertices"])
def test_options_that_are_not_there_are_named(ee: ModuleType, service: Service, option: str):
    body = {**body_of(ee, table(ee, "a"), f"{ROOT}/tables/x"), option: {"value": 1}}
    message = export(service, body)["error"]["message"]
    assert message == f"Exports of tables with {option}: not implemented by the local engine."


def test_tables_count_as_assets(ee: ModuleType, service: Service):
    root = service.ask("GET", "assets")[1]
    export(service, body_of(ee, table(ee, "a"), f"{ROOT}/tables/counted"))
    after = service.ask("GET", "assets")[1]
    assert int(after["quota"]["assetCount"]) == int(root["quota"]["assetCount"]) + 1


def table_order(ee: ModuleType, name: str) -> dict[str, Any]:
    return {"kind": "table", "expression": encoded(table(ee, "a")), "asset": f"{ROOT}/{name}"}


def test_the_next_process_knows_which_tables_were_made(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    with queue_in(tmp_path, small_scenes) as first:
        name = first.start(table_order(ee, "land"), "request", "")["name"]
        assert finished(first, name) == "SUCCEEDED"
    with queue_in(tmp_path, small_scenes) as second:
        known = second.started("request")
        assert known is not None
        assert (known["name"], known["metadata"]["type"]) == (name, "EXPORT_FEATURES")
        write_table(AssetStore(tmp_path / "store"), f"{ROOT}/land", [FeatureValue(None, {})])
        assert second.started("request") is None  # somebody has replaced it
        assert second.started("another") is None


def test_a_journal_of_an_earlier_version_is_completed(tmp_path: Path):
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE operations (name TEXT PRIMARY KEY, asset TEXT NOT NULL, description TEXT NOT NULL, "
            "state TEXT NOT NULL, owner TEXT NOT NULL, attempt INTEGER NOT NULL, created REAL NOT NULL, started REAL, "
            "updated REAL NOT NULL, code INTEGER NOT NULL, message TEXT NOT NULL)"
        )
        connection.execute("INSERT INTO operations VALUES ('n', 'a', '', 'SUCCEEDED', 'o', 1, 9e9, NULL, 9e9, 0, '')")
    for _ in range(2):
        journal = Journal(path)
        found = journal.find("n")
        assert found is not None
        assert (found.attempt, found.type) == (1, "EXPORT_IMAGE")
        journal.close()


def test_a_file_that_is_no_table_was_made_by_nobody(tmp_path: Path):
    store = AssetStore(tmp_path)
    for text in ("", "[]", json.dumps({"features": []})):
        table_path(store, f"{ROOT}/x").write_text(text)
        assert table_made_by(store, f"{ROOT}/x") is None
