"""What every engine promises: the same assertions for the embedded one and for Earth Engine's over its protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.area import Area
from s2mask_qgis.engines.base import Export, OperationState, TileStyle
from s2mask_qgis.engines.errors import BadRequestError, NotFoundError
from s2mask_qgis.engines.local.engine import LocalEngine
from tests.engines.embedded_service import engine_on, places_in, serving
from tests.engines.services import GRID, scene_image, slow_grid, slow_image, until
from tests.engines.small_scenes import INDEXES, MASKED, SHAPE_YX, small_scene


@dataclass
class Case:
    """An engine under test, where it puts results, and the files of its assets."""

    name: str
    engine: Any
    folder: Path

    def export(self, image: Any, index: str, request_id: str | None = None, **changes: Any) -> Export:
        destination = self.engine.destination("mask", index)
        export = Export(image, destination, GRID, request_id or f"mask-{index}", f"mask_{index}_{request_id}")
        return replace(export, **changes)

    def ended(self, name: str) -> Any:
        until(lambda: self.engine.operations([name])[name].state.is_final, f"{name} to end")
        return self.engine.operations([name])[name]


@pytest.fixture(scope="module", params=["local", "assets", "folder"])
def case(
    request: pytest.FixtureRequest, small_scenes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "local":
        with LocalEngine(small_scenes, folder / "library", folder / "store", workers=1) as engine:
            engine.refresh(lambda done, total: None)
            yield Case(request.param, engine, folder / "store")
        return
    with serving(small_scenes, folder) as web, engine_on(web, places_in(folder / "out", request.param)) as engine:
        yield Case(request.param, engine, folder / ("out" if request.param == "folder" else "store"))


def pixels(path: Path) -> tuple[np.ndarray, dict[str, str], list[str], Any, Any]:
    dataset = gdal.Open(str(path))
    bands = [dataset.GetRasterBand(number + 1) for number in range(dataset.RasterCount)]
    levels = [band.GetOverview(n).ReadAsArray() for band in bands for n in range(band.GetOverviewCount())]
    return (
        dataset.ReadAsArray(),
        dataset.GetMetadata(),
        [band.GetDescription() for band in bands],
        [(band.DataType, band.GetNoDataValue()) for band in bands],
        levels,
    )


def test_scenes_come_in_order_and_by_area_tile_and_days(case: Case):
    engine = case.engine
    scenes = engine.scenes()
    assert [scene.index for scene in scenes] == list(INDEXES)
    assert scenes[0].tile == "31TCJ"
    assert scenes[1].cloudy_percent == 10.0
    assert len(scenes[0].bands) == 13
    assert engine.scenes(tiles=["31TCK"]) == []
    assert [scene.index for scene in engine.scenes(dates=("2020-01-06", "2020-01-10"))] == [INDEXES[1]]
    far = Area((((((10.0, 10.0), (10.1, 10.0), (10.1, 10.1), (10.0, 10.1), (10.0, 10.0))),),))
    assert engine.scenes(far) == []
    assert engine.tiles() == ["31TCJ"]
    assert engine.tiles(far) == []


def test_the_grid_is_that_of_the_scene(case: Case):
    assert case.engine.grid(case.engine.scenes()[0]) == GRID


def test_values_and_samples_are_computed(case: Case):
    import ee

    engine = case.engine
    assert engine.value(ee.Number(2).add(3)) == 5
    sample = engine.sample(scene_image(ee).select(["B2", "B4"]), GRID, 5000, 3)
    assert set(sample) == {"B2", "B4"}
    wanted = small_scene(0)[1].astype(float)
    valid = np.ones(SHAPE_YX, bool)
    valid[MASKED] = False
    assert set(sample["B2"]) <= set(wanted[valid])
    assert len(sample["B2"]) == len(sample["B4"]) > 2000
    assert engine.sample(scene_image(ee).select("B2"), GRID, 50, 3) == engine.sample(
        scene_image(ee).select("B2"), GRID, 50, 3
    )


def test_an_export_is_stored_with_its_properties_and_pixels(case: Case):
    import ee

    engine = case.engine
    engine.open_destinations(["mask", "ndvi"])
    assert engine.stored("mask", ["plain", "other"]) == {}
    image = scene_image(ee).select(["B2", "B4"]).set({"n": 5, "text": "ä", "system:time_start": 1000})
    name = engine.start(case.export(image, "plain"))
    operation = case.ended(name)
    assert operation.state is OperationState.SUCCEEDED
    assert operation.description == "mask_plain_None"
    assert time.time() - 600 < operation.created_s <= operation.ended_s <= time.time()
    stored = engine.stored("mask", ["plain", "other"])
    assert set(stored) == {"plain"}
    assert (stored["plain"]["n"], stored["plain"]["text"]) == (5, "ä")
    data, _, names, kinds, _ = pixels(case.folder / "mask" / "plain.tif")
    assert names == ["B2", "B4"]
    assert kinds == [(gdal.GDT_Float32, -9999.0)] * 2
    wanted = small_scene(0)[[1, 3]].astype(np.float32)
    wanted[:, MASKED[0], MASKED[1]] = -9999
    assert np.array_equal(data, wanted)


def test_the_same_request_starts_nothing_twice(case: Case):
    import ee

    first = case.engine.start(case.export(ee.Image(1), "twice"))
    assert case.engine.start(case.export(ee.Image(1), "twice")) == first
    case.ended(first)
    assert case.engine.start(case.export(ee.Image(1), "twice")) == first
    descriptions = [each.description for each in case.engine.operations([first]).values()]
    assert descriptions.count("mask_twice_None") == 1


def test_an_export_can_be_stopped_and_leaves_nothing(case: Case):
    import ee

    name = case.engine.start(case.export(slow_image(ee), "slow", grid=slow_grid()))
    assert not case.engine.operations()[name].state.is_final
    case.engine.cancel(name)
    assert case.ended(name).state is OperationState.CANCELLED
    case.engine.cancel(name)
    assert case.engine.stored("mask", ["slow"]) == {}
    assert not list(case.folder.rglob("slow*"))


def test_an_export_that_fails_says_why(case: Case):
    import ee

    name = case.engine.start(case.export(scene_image(ee).select("B2").subtract(1e4).multiply(0).add(-9999), "bad"))
    operation = case.ended(name)
    assert operation.state is OperationState.FAILED
    assert "-9999" in operation.error
    assert operation.error_code != 0


def test_unknown_names_are_left_out(case: Case):
    assert set(case.engine.operations(["projects/local-engine/operations/NONE"])) <= set(case.engine.operations())


def test_wrong_requests_are_told(case: Case):
    import ee

    with pytest.raises(BadRequestError):
        case.engine.value(ee.Image(1).select("nothing"))
    assert case.engine.asset_properties("projects/local-engine/assets/mask/none") is None
    with pytest.raises(NotFoundError):
        case.engine.fetch("projects/local-engine/assets/mask/none")


def test_a_map_has_an_address(case: Case):
    import ee

    url = case.engine.tile_url(scene_image(ee), TileStyle(("B2",), 0.0, 3000.0, ("000000", "ffffff")))
    assert "/maps/" in url
    assert url.endswith("/tiles/{z}/{x}/{y}")
