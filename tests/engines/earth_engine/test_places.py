"""Where results go and what the engine says of itself, for each destination; samples that are too heavy; quotas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import SOURCES
from s2mask_qgis.engines.base import AssetDestination, DriveDestination, FileDestination, TileStyle
from s2mask_qgis.engines.earth_engine.engine import WINDOWS, EarthEngine
from s2mask_qgis.engines.errors import BadRequestError, SignInError, StorageError
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.web.transport import Request
from tests.engines.embedded_service import TOKEN, Web, engine_on, places_in, serving
from tests.engines.services import GRID, scene_image
from tests.engines.small_scenes import INDEXES

AREA = Area((((((2.9, 45.1), (3.1, 45.1), (3.1, 45.2), (2.9, 45.2), (2.9, 45.1))),),))


@pytest.fixture(scope="module")
def web(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    limits = replace(ServiceLimits(), assets=500, store_bytes=10**9)
    with serving(small_scenes, tmp_path_factory.mktemp("service"), limits=limits) as started:
        yield started


@pytest.fixture
def engine(web: Web, tmp_path: Path) -> Iterator[EarthEngine]:
    web.asked.clear()
    with engine_on(web, places_in(tmp_path, asset_folder="clouds")) as started:
        yield started
    web.answers = lambda request: None


def test_results_have_the_names_of_their_images(web: Web, tmp_path: Path):
    root = "projects/local-engine/assets/clouds"
    for destination, wanted in (
        ("assets", AssetDestination(f"{root}/mask/i1")),
        ("drive", DriveDestination("masks-mask", "i1")),
        ("folder", FileDestination(tmp_path / "mask" / "i1.tif")),
    ):
        with engine_on(web, places_in(tmp_path, destination, "clouds")) as engine:
            assert engine.destination("mask", "i1") == wanted
            assert engine.asset_id("mask", "i1") == f"{root}/mask/i1"


def test_traits_follow_from_the_destination(web: Web, tmp_path: Path):
    traits = {name: engine_on(web, places_in(tmp_path, name)).traits for name in ("assets", "drive", "folder")}
    assert [traits[name].active_limit for name in traits] == [3000, 3000, 8]
    assert [traits[name].has_local_results for name in traits] == [False, False, True]
    assert [traits[name].stores_masks for name in traits] == [True, False, False]
    assert traits["assets"].refresh_seconds is None
    assert all(each.concurrent_calls <= 40 for each in traits.values())


def test_nothing_is_asked_before_a_method_is_called(web: Web, engine: EarthEngine):
    assert engine.source_problem(SOURCES[0]) is None
    assert engine.true_colour(None) is None
    assert engine.prepare([], lambda done, total: None) == {}
    assert web.asked == []


def test_a_project_is_needed(web: Web, tmp_path: Path):
    with pytest.raises(SignInError, match="Choose a Google Cloud project"):
        engine_on(web, replace(places_in(tmp_path), project=""))


def test_a_folder_of_assets_must_be_one(web: Web, tmp_path: Path):
    with pytest.raises(BadRequestError, match="cannot be the name of a folder"):
        engine_on(web, places_in(tmp_path, asset_folder="two words"))


def test_drive_and_folders_need_no_assets(web: Web, tmp_path: Path):
    web.asked.clear()
    for destination in ("drive", "folder"):
        with engine_on(web, places_in(tmp_path / destination, destination)) as engine:
            engine.open_destinations(["mask"])
            assert engine.stored("mask", ["a", "b"]) == {}
    assert web.asked == []
    assert (tmp_path / "folder" / "mask").is_dir()
    (tmp_path / "file").write_text("in the way")
    with (
        engine_on(web, places_in(tmp_path / "file", "folder")) as engine,
        pytest.raises(StorageError, match="cannot be made"),
    ):
        engine.open_destinations(["mask"])


def test_quotas_are_told(engine: EarthEngine):
    quota = engine.quota()
    assert quota.most_assets == 500
    assert quota.most_store_bytes == 10**9
    assert quota.active_tasks == 0
    assert quota.most_active_tasks == 3000


def test_a_map_is_shown_from_an_address_without_a_token(engine: EarthEngine):
    import ee

    url = engine.tile_url(scene_image(ee), TileStyle(("B4", "B3", "B2"), 0.0, 3000.0))
    assert url.startswith("https://earthengine.googleapis.com/v1/projects/local-engine/maps/")
    assert TOKEN not in url


def test_tiles_are_looked_for_in_some_weeks_then_in_all(web: Web, engine: EarthEngine):
    assert engine.tiles(AREA) == ["31TCJ"]
    asked = [json.loads(request.body) for request in web.asked]
    assert len(asked) == len(WINDOWS) + 1
    texts = [json.dumps(body) for body in asked]
    assert ["DateRange" in text for text in texts] == [True, True, False]
    assert all("MGRS_TILE" in text and "Collection.map" not in text for text in texts)


def test_scenes_are_read_by_pages_at_the_high_volume_address(web: Web, engine: EarthEngine):
    assert [scene.index for scene in engine.scenes(AREA)] == list(INDEXES)
    assert {request.host for request in web.asked} == {"earthengine-highvolume.googleapis.com"}
    assert json.loads(web.asked[0].body)["pageSize"] == 1000


def too_heavy_where(web: Web, is_heavy: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """Makes samples too heavy by their tileScale and number of points; lists what was asked for."""
    refused = json.dumps({"error": {"code": 400, "message": "User memory limit exceeded."}}).encode()
    asked: list[tuple[int, int]] = []

    def answers(request: Request):
        if "computeFeatures" not in request.url:
            return None
        values = json.loads(request.body)["expression"]["values"]
        asked.append((constant(values, "tileScale", 1), constant(values, "numPixels", 0)))
        return (400, {}, refused) if is_heavy(*asked[-1]) else None

    web.answers = answers
    return asked


def constant(values: dict[str, Any], name: str, otherwise: int) -> int:
    """A whole number among the arguments of an expression, which may stand elsewhere in it."""
    for node in values.values():
        argument = node.get("functionInvocationValue", {}).get("arguments", {}).get(name)
        if argument is not None:
            return argument.get("constantValue") or values[argument["valueReference"]]["constantValue"]
    return otherwise


def test_a_heavy_sample_is_computed_in_smaller_parts(web: Web, engine: EarthEngine):
    import ee

    asked = too_heavy_where(web, lambda tile_scale, points: tile_scale < 8)
    sample = engine.sample(scene_image(ee).select("B2"), GRID, 1000, 1)
    assert [tile_scale for tile_scale, _ in asked][:4] == [1, 2, 4, 8]
    assert {tile_scale for tile_scale, _ in asked[4:]} <= {8}  # further pages, if any
    assert 100 < len(sample["B2"]) <= 1000


def test_a_sample_too_heavy_for_one_answer_is_asked_for_in_several(web: Web, engine: EarthEngine):
    import ee

    asked = too_heavy_where(web, lambda tile_scale, points: points > 300)
    sample = engine.sample(scene_image(ee).select("B2"), GRID, 1002, 1)
    assert [points for _, points in asked] == [1002] * 5 + [251, 251, 250, 250]
    assert len(set(sample["B2"])) > 100


def test_a_sample_that_is_too_heavy_in_any_way_is_told(web: Web, engine: EarthEngine):
    import ee

    asked = too_heavy_where(web, lambda tile_scale, points: True)
    with pytest.raises(BadRequestError, match=r"memory limit exceeded.*even in small parts"):
        engine.sample(scene_image(ee).select("B2"), GRID, 1000, 1)
    assert len(asked) == 15


def test_other_refusals_of_a_sample_are_told_at_once(web: Web, engine: EarthEngine):
    import ee

    web.asked.clear()
    with pytest.raises(BadRequestError, match="B99"):
        engine.sample(scene_image(ee).select("B99"), GRID, 1000, 1)
    assert len(web.asked) == 1
