"""Answers that are JSON and not what the service documents: every call tells them as a failure that may pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.scenes import Scene
from s2mask_qgis.engines.base import TileStyle
from s2mask_qgis.engines.calls import MALFORMED
from s2mask_qgis.engines.earth_engine.engine import EarthEngine
from s2mask_qgis.engines.errors import BadRequestError, TransientError
from s2mask_qgis.engines.expressions import ready_client
from tests.engines.embedded_service import Web, engine_on, places_in

INDEX = "20200601T101559_20200601T101600_T33TWM"
RING = [[10.0, 45.0], [11.0, 45.0], [11.0, 46.0], [10.0, 45.0]]
SCENE = Scene(f"COPERNICUS/S2_HARMONIZED/{INDEX}", INDEX, "33TWM", 0, 5.0, ())
GRID = Grid("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0), (4, 4))
NAME = "projects/p/operations/A"
IMAGE = {
    "type": "IMAGE",
    "properties": {"a": 1},
    "bands": [
        {
            "id": "B2",
            "grid": {
                "crsCode": "EPSG:32633",
                "affineTransform": {"scaleX": 10, "scaleY": -10, "translateX": 500_000, "translateY": 5_000_000},
                "dimensions": {"width": 4, "height": 4},
            },
        }
    ],
}
FEATURE = {
    "geometry": {"type": "Polygon", "coordinates": [RING]},
    "properties": {
        "system:index": INDEX,
        "system:time_start": 1,
        "MGRS_TILE": "33TWM",
        "CLOUDY_PIXEL_PERCENTAGE": 5.0,
        "band_names": ["B2", "B8"],
    },
}
OPERATION = {
    "name": NAME,
    "metadata": {"state": "FAILED", "description": "d", "createTime": "2020-01-01T00:00:00Z"},
    "error": {"code": 3, "message": "wrong"},
}
CALLS: dict[str, tuple[dict[str, Any], Callable[[EarthEngine], Any]]] = {
    "tiles": ({"result": ["33TWM"]}, lambda engine: engine.tiles()),
    "scenes": ({"features": [FEATURE]}, lambda engine: engine.scenes()),
    "grid": (IMAGE, lambda engine: engine.grid(SCENE)),
    "sample": (
        {"features": [{"properties": {"B2": 1.0}}]},
        lambda engine: engine.sample(ready_client().Image(1), GRID, 10, 1),
    ),
    "tile_url": ({"name": "maps/1"}, lambda engine: engine.tile_url(ready_client().Image(1), TileStyle(("a",), 0, 1))),
    "operations": ({"operations": [OPERATION]}, lambda engine: engine.operations([NAME])),
    "stored": (IMAGE, lambda engine: engine.stored("mask", [INDEX])),
    "quota": ({"quota": {"assetCount": "5"}, "operations": [OPERATION]}, lambda engine: engine.quota()),
}


def spoiled(value: Any) -> Iterator[Any]:
    """The value with one part of it after the other left out, or of another kind."""
    yield from (None, [], {}, "text", 5, True)
    if isinstance(value, dict):
        for key in value:
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: one} for one in spoiled(value[key]))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from ([*value[:number], one, *value[number + 1 :]] for one in spoiled(each))


@pytest.mark.parametrize("name", CALLS)
def test_whatever_is_wrong_with_an_answer_is_told_as_an_error_of_the_engine(name: str, tmp_path: Path) -> None:
    good, call = CALLS[name]
    texts: set[str] = set()
    for content in [good, *spoiled(good)]:
        data = json.dumps(content).encode()
        web = Web(lambda *_asked, data=data: (200, {"content-type": "application/json"}, data))
        with engine_on(web, places_in(tmp_path)) as engine:
            try:
                call(engine)
            except (TransientError, BadRequestError) as error:
                texts.add("good" if content is good else str(error))
    assert MALFORMED in texts
    assert "good" not in texts
