"""Land that is too large for every export: sent once, to be stored as a table."""

from __future__ import annotations

import json

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.regions import table_of
from tests.engines.embedded_service import Web, engine_on, places_in
from tests.engines.in_process import evaluate_graph

SQUARES = tuple((((x, 45.0), (x + 0.1, 45.0), (x + 0.1, 45.1), (x, 45.1), (x, 45.0)),) for x in (10.0, 11.0))


def test_a_table_is_sent_with_its_features_and_gives_the_operation(tmp_path):
    told = json.dumps({"name": "projects/local-engine/operations/T"}).encode()
    web = Web(lambda method, path, query, body: (200, {"content-type": "application/json"}, told))
    with engine_on(web, places_in(tmp_path)) as engine:
        name = engine.start_table(table_of(Area(SQUARES)), "projects/p/assets/land", "land-1", "Land of København")
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
