"""Scenes of both levels as an engine lists and reads them: bands, the sun, and quality bands through expressions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.core.scenes import BANDS, COLLECTION, COLLECTION_L2A, Scene
from s2mask_qgis.engines.asset_names import asset_name
from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.errors import NotFoundError
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.engines.local.calls import LocalCalls
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.engines.local.protocol import Protocol
from s2mask_qgis.jobs.survey import survey
from tests.engines.library.products_for_tests import CLOUDY, CLOUDY_INDEX, TOULOUSE, write_stack

GROUND = ("B2", "B3", "B4", "B8A", "B11", "SCL", "QA60")
SUN = {"MEAN_SOLAR_AZIMUTH_ANGLE": 151.5, "MEAN_SOLAR_ZENITH_ANGLE": 40}


@pytest.fixture(scope="module")
def two_levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image at both levels: 0.2 above the air, 0.15 at the ground with a cloud in its upper left part."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "l1c").mkdir()
    (folder / "l2a").mkdir()
    write_stack(folder / "l1c", "image", **SUN)
    pixels = np.full((len(GROUND), 6, 7), 1500, np.uint16)
    pixels[GROUND.index("SCL")] = 4
    pixels[GROUND.index("QA60")] = 0
    pixels[GROUND.index("QA60"), :3, :3] = 1024
    write_stack(folder / "l2a", "image", pixels, GROUND, PROCESSING_LEVEL="Level-2A")
    return folder


@pytest.fixture(scope="module")
def engine(two_levels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    folder = tmp_path_factory.mktemp("engine")
    with LocalEngine(two_levels, folder / "library", folder / "store", workers=1) as opened:
        assert opened.refresh(lambda done, total: None) == ()
        yield opened


def listed(engine: LocalEngine, collection: str) -> Scene:
    (scene,) = engine.scenes(collection=collection)
    return scene


def test_a_scene_tells_its_bands_and_the_sun(engine: LocalEngine):
    above, ground = listed(engine, COLLECTION), listed(engine, COLLECTION_L2A)
    assert (above.id, ground.id) == (f"{COLLECTION}/image", f"{COLLECTION_L2A}/image")
    assert above.bands == BANDS
    assert above.quality_bands == ()
    assert (above.sun_azimuth_deg, above.sun_zenith_deg) == (151.5, 40.0)
    assert ground.bands == ("B2", "B3", "B4", "B8A", "B11")
    assert ground.quality_bands == ("SCL", "QA60")
    assert ground.sun_azimuth_deg is None
    assert ground.sun_zenith_deg is None


def test_scenes_are_those_above_the_air_unless_others_are_asked_for(engine: LocalEngine):
    assert engine.scenes() == [listed(engine, COLLECTION)]
    assert engine.scenes(tiles=["32ABC"], collection=COLLECTION_L2A) == []


def test_a_listing_is_one_call(engine: LocalEngine, monkeypatch):
    calls: list[str] = []
    real = Protocol.handle
    monkeypatch.setattr(Protocol, "handle", lambda self, *request: calls.append(request[1]) or real(self, *request))
    listed(engine, COLLECTION)
    assert [path.rpartition("/")[2] for path in calls] == ["table:computeFeatures"]


def test_both_levels_of_an_image_are_made_ready_and_shown(engine: LocalEngine):
    scenes = [listed(engine, COLLECTION), listed(engine, COLLECTION_L2A)]
    assert engine.prepare(scenes, lambda done, total: None) == {}
    shown = [engine.true_colour(scene) for scene in scenes]
    assert len({each.path for each in shown}) == 2
    assert engine.grid(scenes[0]) == engine.grid(scenes[1])


def test_expressions_read_each_level_and_the_bits_of_masks(engine: LocalEngine):
    import ee

    above, ground = ee.Image(f"{COLLECTION}/image"), ee.Image(f"{COLLECTION_L2A}/image")
    cloud = ground.select("QA60").bitwiseAnd(1024).neq(0).rename("cloud")
    scene = listed(engine, COLLECTION)
    image = above.select("B4").addBands(ground.select(["B8A", "SCL"])).addBands(cloud)
    sample = engine.sample(image, engine.grid(scene), 1000, 1)
    assert set(sample["B4"]) == {2000}
    assert set(sample["B8A"]) == {1500}
    assert set(sample["SCL"]) == {4}
    assert sum(sample["cloud"]) == 9
    assert len(sample["cloud"]) == 42


def test_bands_have_the_types_of_earth_engine(engine: LocalEngine):
    import ee

    bands = engine.value(ee.Image(f"{COLLECTION_L2A}/image"))["bands"]
    largest = {band["id"]: band["data_type"]["max"] for band in bands}
    assert largest["B2"] == largest["QA60"] == 65535
    assert largest["SCL"] == 255


def test_both_collections_can_be_listed_as_assets(engine: LocalEngine):
    client = ServiceClient(LocalCalls(engine._protocol), PROJECT)
    for collection in (COLLECTION, COLLECTION_L2A):
        (found,) = client.pages(f"{asset_name(collection)}:listAssets", "assets", 100)
        assert [asset["id"] for asset in found] == [f"{collection}/image"]
        assert client.asset(collection)["type"] == "IMAGE_COLLECTION"


def test_other_collections_do_not_exist(engine: LocalEngine):
    import ee

    with pytest.raises(NotFoundError, match=f"this computer holds {COLLECTION} and {COLLECTION_L2A}"):
        engine.value(ee.ImageCollection("COPERNICUS/S1_GRD").size())


def test_a_survey_holds_both_levels(two_levels: Path, tmp_path: Path):
    found = survey(two_levels, tmp_path / "library", lambda done, total: None, lambda: False)
    assert found.problems == ()
    assert [scene.collection for scene in found.scenes] == [COLLECTION, COLLECTION_L2A]


def test_a_real_product_tells_the_sun_and_its_masks(shared_data: Path, tmp_path: Path):
    import ee

    (tmp_path / "scenes").mkdir()
    shutil.copytree(shared_data / TOULOUSE / CLOUDY, tmp_path / "scenes" / CLOUDY)
    with LocalEngine(tmp_path / "scenes", tmp_path / "library", tmp_path / "store", workers=1) as engine:
        engine.refresh(lambda done, total: None)
        scene = listed(engine, COLLECTION)
        assert scene.index == CLOUDY_INDEX
        assert scene.quality_bands == ("QA60", "MSK_CLASSI_OPAQUE", "MSK_CLASSI_CIRRUS", "MSK_CLASSI_SNOW_ICE")
        assert scene.sun_zenith_deg == pytest.approx(51.816936554549)
        assert scene.sun_azimuth_deg == pytest.approx(158.39725727483)
        image = ee.Image(scene.id).select(["B2", "MSK_CLASSI_OPAQUE"])
        sample = engine.sample(image, engine.grid(scene).at_scale(30), 1000, 1)
        assert set(sample["MSK_CLASSI_OPAQUE"]) == {1}  # the crop lies in full cloud
        assert min(sample["B2"]) > 4000
