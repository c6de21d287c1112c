"""Land that is too large for every export: sent once, to be stored as a table."""

from __future__ import annotations

import json

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.regions import feature_count, of_content, reached, table_of
from s2mask_qgis.engines import client as client_module
from s2mask_qgis.engines.base import OperationState
from s2mask_qgis.engines.errors import BadRequestError, TransientError
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.engines.local.assets import ROOT
from tests.engines.embedded_service import Web, engine_on, places_in, serving
from tests.engines.in_process import evaluate_graph
from tests.engines.services import until

SQUARES = tuple((((x, 45.0), (x + 0.1, 45.0), (x + 0.1, 45.1), (x, 45.1), (x, 45.0)),) for x in (10.0, 11.0))
PARTS = [Area((polygon,)) for polygon in SQUARES]
LAND = f"{ROOT}/land/coast"


def test_a_table_is_sent_with_its_features_and_gives_the_operation(tmp_path):
    told = json.dumps({"name": "projects/local-engine/operations/T"}).encode()
    web = Web(lambda method, path, query, body: (200, {"content-type": "application/json"}, told))
    with engine_on(web, places_in(tmp_path)) as engine:
        name = engine.start_table(table_of(PARTS, "c1"), "projects/p/assets/land", "land-1", "Land of København")
    assert name == "projects/local-engine/operations/T"
    (request,) = web.asked
    assert request.verb == "POST"
    assert request.url.endswith("/projects/local-engine/table:export")
    body = json.loads(request.body)
    assert body["requestId"] == "land-1"
    assert body["description"] == "Land_of_K_benhavn"
    assert body["assetExportOptions"] == {"earthEngineDestination": {"name": "projects/p/assets/land"}}
    features = evaluate_graph(body["expression"]).elements
    assert [feature.geometry.geojson["coordinates"][0][0][0] for feature in features] == [[10.0, 45.0], [11.0, 45.0]]
    assert not any(feature.geometry.geodesic for feature in features)
    assert [dict(feature.properties) for feature in features] == [{"content": "c1"}] * 2


def test_a_table_too_large_for_a_request_is_not_sent(tmp_path, monkeypatch):
    web = Web(lambda method, path, query, body: (200, {}, b"{}"))
    monkeypatch.setattr(client_module, "ServiceLimits", lambda: ServiceLimits(payload_bytes=1000))
    told = r"needs a request of 0\.0 MB, and Earth Engine takes 0\.0 at most"
    with engine_on(web, places_in(tmp_path)) as engine, pytest.raises(BadRequestError, match=told):
        engine.start_table(table_of(PARTS * 10, "c1"), LAND, "land-1", "land-1")
    assert web.asked == []


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    (folder / "scenes").mkdir()
    with serving(folder / "scenes", folder) as web:
        yield web


def ended(engine, name):
    until(lambda: engine.operations([name])[name].state.is_final, "the end of the task")
    return engine.operations([name])[name]


def test_a_table_is_stored_once_and_read_by_expressions(web, tmp_path):
    with engine_on(web, places_in(tmp_path)) as engine:
        names = {engine.start_table(table_of(PARTS, "c1"), LAND, "land-1", "land-1") for _ in range(2)}
        (name,) = names
        assert ended(engine, name).state is OperationState.SUCCEEDED
        assert engine.start_table(table_of(PARTS, "c1"), LAND, "land-1", "land-1") == name
        assert engine.value(feature_count(LAND)) == engine.value(of_content(LAND, "c1")) == 2
        assert engine.value(of_content(LAND, "c2")) == 0
        with pytest.raises(BadRequestError, match="Cannot overwrite asset"):
            engine.start_table(table_of(PARTS, "c2"), LAND, "land-2", "land-2")
        rings = [SQUARES[1][0], tuple((x + 20, y) for x, y in SQUARES[1][0])]
        assert engine.value(reached(rings, Area(SQUARES), LAND)) == [1, 0]


def test_a_request_whose_answer_was_lost_finds_its_task(web, tmp_path):
    """A service that refuses a request id it has seen, and one that gives the name of the task, come to the same."""
    seen: list[str] = []
    refusal = {"error": {"code": 409, "message": "Already started.", "status": "ALREADY_EXISTS"}}

    def answer(request):
        if not request.url.endswith("table:export"):
            return None
        seen.append(request.url)
        return None if len(seen) == 1 else (409, {"content-type": "application/json"}, json.dumps(refusal).encode())

    strict = Web(web.handle, answers=answer)
    asset = f"{ROOT}/land/other"
    with engine_on(strict, places_in(tmp_path)) as engine:
        first = engine.start_table(table_of(PARTS, "c1"), asset, "land-3", "land 3")
        assert engine.start_table(table_of(PARTS, "c1"), asset, "land-3", "land 3") == first
        with pytest.raises(TransientError, match="is not listed yet"):
            engine.start_table(table_of(PARTS, "c1"), asset, "land-4", "land 4")
    assert len(seen) == 3
