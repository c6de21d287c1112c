"""Keys of results: they tell apart what gives other pixels, and nothing else; what is there is counted by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.models.files import find, write
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import COLLECTION, COLLECTION_L2A, Scene
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.jobs.outputs import image_key, kept, settings_key, write_report
from s2mask_qgis.jobs.report import RunReport, RunState
from s2mask_qgis.jobs.request import RunRequest

RING = ((15.0, 45.0), (16.0, 45.0), (16.0, 46.0), (15.0, 45.0))
AREA = Area(((RING,),), "here")
MINE = replace(find("published"), name="mine")


def scene(index: str, collection: str = COLLECTION) -> Scene:
    return Scene(f"{collection}/{index}", index, "33TWM", 0, 0.0, RING)


@pytest.fixture
def request_of_mine(tmp_path: Path) -> RunRequest:
    write(MINE, tmp_path / "models")
    (tmp_path / "out").mkdir()
    folders = (tmp_path / "scenes", tmp_path / "library", tmp_path / "out")
    return RunRequest(*folders, AREA, RunParameters(model="mine"), tmp_path / "models")


def test_settings_that_change_pixels_change_the_key_and_others_do_not(request_of_mine: RunRequest):
    def key(**changes: object) -> str:
        return settings_key(replace(request_of_mine, parameters=replace(request_of_mine.parameters, **changes)), MINE)

    same = [key(), key(date_start="2020-01-01"), key(date_end="2020-12-31"), key(evi2=True), key(kndvi=True)]
    assert len(set(same)) == 1
    others = [key(level="L2A"), key(seed=1), key(cutoff=0.5), key(shadow=False), key(scale_m=10), key(features=True)]
    assert len({same[0], *others}) == 1 + len(others)


def test_a_model_of_the_same_name_that_decides_otherwise_has_another_key(request_of_mine: RunRequest):
    renamed = replace(MINE, title="Another title", scores={"recall": 1.0})
    assert settings_key(request_of_mine, renamed) == settings_key(request_of_mine, MINE)
    assert settings_key(request_of_mine, replace(MINE, cutoff=0.5)) != settings_key(request_of_mine, MINE)


def test_scenes_of_one_index_and_two_levels_have_two_keys_and_so_have_other_backgrounds():
    above, ground = scene("a"), scene("a", COLLECTION_L2A)
    keys = [image_key("", one, {1: (scene(other),)}) for one in (above, ground) for other in "bc"]
    assert len(set(keys)) == 4
    assert image_key("", above, {1: (scene("b"),)}) != image_key("", above, {5: (scene("b"),)})


def test_only_results_of_the_level_with_every_kind_count_as_kept(request_of_mine: RunRequest):
    write_report(request_of_mine, MINE, RunReport(RunState.FINISHED, ""))
    for kind, index in (("mask", "a"), ("ndvi", "a"), ("mask", "b"), ("mask", "c"), ("ndvi", "c")):
        path = request_of_mine.output_folder / kind / f"{index}.tif"
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    scenes = [scene("a"), scene("a", COLLECTION_L2A), scene("b"), scene("c", COLLECTION_L2A), scene("d")]
    assert kept(request_of_mine, scenes) == 1
    write(replace(MINE, cutoff=0.5), request_of_mine.models_folder)
    assert kept(request_of_mine, scenes) == 0


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings_key": 3}', "\x00"])
def test_a_report_that_is_none_counts_nothing(request_of_mine: RunRequest, content: str):
    (request_of_mine.output_folder / "report.json").write_text(content)
    assert kept(request_of_mine, [scene("a")]) == 0


def test_a_report_that_cannot_be_written_is_said_and_leaves_nothing(request_of_mine: RunRequest):
    (request_of_mine.output_folder / "report.json").mkdir()
    with pytest.raises(StorageError, match=r"report.json cannot be written \(Is a directory\)"):
        write_report(request_of_mine, MINE, RunReport(RunState.FINISHED, ""))
    assert [path.name for path in request_of_mine.output_folder.iterdir()] == ["report.json"]
