"""The local engine as runs see it: scenes made ready, errors by their type, and nothing left behind."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from s2mask_qgis.engines.base import DriveDestination, FileDestination, OperationState
from s2mask_qgis.engines.errors import BadRequestError, CancelledError, NotFoundError, SceneError, StorageError
from s2mask_qgis.engines.local.assets import ROOT
from s2mask_qgis.engines.local.engine import LocalEngine
from tests.engines.services import GRID, export_of, scene_image, slow_grid, slow_image, until, worker_pids
from tests.engines.small_scenes import INDEXES


@pytest.fixture
def scenes_folder(small_scenes: Path, tmp_path: Path) -> Path:
    """A copy of the small scenes that a test may damage."""
    return Path(shutil.copytree(small_scenes, tmp_path / "scenes"))


def opened(scenes_folder: Path, tmp_path: Path, **arguments: object) -> LocalEngine:
    """An engine on one worker that knows the scenes."""
    engine = LocalEngine(scenes_folder, tmp_path / "library", tmp_path / "store", workers=1, **arguments)
    engine.refresh(lambda done, total: None)
    return engine


def cut_off(path: Path) -> None:
    """Damage a raster so that its header is whole and its pixels are not."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def red(ee: ModuleType) -> object:
    return scene_image(ee, 1).select("B4")


def test_scenes_are_made_ready_and_can_be_shown(scenes_folder: Path, tmp_path: Path):
    counts: list[tuple[int, int]] = []
    with opened(scenes_folder, tmp_path) as engine:
        scenes = engine.scenes()
        assert engine.true_colour(scenes[0]) is None
        assert engine.prepare(scenes, lambda done, total: counts.append((done, total))) == {}
        assert counts[0] == (0, 3)
        assert counts[-1] == (3, 3)
        shown = engine.true_colour(scenes[0])
        assert shown.path.is_file()
        assert len(set(shown.bands)) == 3
        assert engine.prepare(scenes, lambda done, total: None) == {}


def test_scenes_that_cannot_be_used_are_left_out_with_the_reason(scenes_folder: Path, tmp_path: Path):
    (scenes_folder / "other.tif").write_bytes(b"no raster")
    (scenes_folder / "other.json").write_text("{}")
    with opened(scenes_folder, tmp_path) as engine:
        (problem,) = engine.refresh(lambda done, total: None)
        assert problem.product.startswith("other")
        cut_off(scenes_folder / f"{INDEXES[1]}.tif")
        reasons = engine.prepare(engine.scenes(), lambda done, total: None)
        assert set(reasons) == {INDEXES[1]}
        assert reasons[INDEXES[1]]


def test_a_damaged_scene_is_a_scene_error_wherever_its_pixels_are_wanted(scenes_folder: Path, tmp_path: Path):
    with opened(scenes_folder, tmp_path) as engine:
        cut_off(scenes_folder / f"{INDEXES[1]}.tif")
        import ee

        with pytest.raises(SceneError):
            engine.sample(red(ee), GRID, 10, 1)
        name = engine.start(export_of(red(ee), "damaged"))
        until(lambda: engine.operations()[name].state.is_final, "the export to end")
        assert engine.operations()[name].state is OperationState.FAILED
        assert engine.operations()[name].error_code == 9


def test_a_library_that_cannot_be_written_is_a_storage_error(scenes_folder: Path, tmp_path: Path):
    with opened(scenes_folder, tmp_path) as engine:
        (folder,) = (tmp_path / "library").iterdir()
        (folder / "scenes").write_text("a file in the way")
        import ee

        with pytest.raises(StorageError, match="cannot be written"):
            engine.sample(red(ee), GRID, 10, 1)
        with pytest.raises(StorageError, match="cannot be written"):
            engine.prepare(engine.scenes(), lambda done, total: None)


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path):
    with (
        LocalEngine(tmp_path / "nowhere", tmp_path / "library", tmp_path / "store", workers=1) as engine,
        pytest.raises(NotFoundError, match="nowhere does not exist"),
    ):
        engine.refresh(lambda done, total: None)


def test_making_ready_can_be_stopped(scenes_folder: Path, tmp_path: Path):
    stopped: list[bool] = []
    with opened(scenes_folder, tmp_path, is_cancelled=lambda: bool(stopped)) as engine:
        scenes = engine.scenes()
        stopped.append(True)
        with pytest.raises(CancelledError):
            engine.prepare(scenes, lambda done, total: None)


def test_results_are_found_by_kind_and_index(scenes_folder: Path, tmp_path: Path):
    with opened(scenes_folder, tmp_path) as engine:
        import ee

        asset = engine.asset_id("mask", "x")
        assert asset == f"{ROOT}/mask/x"
        assert engine.asset_properties(asset) is None
        with pytest.raises(NotFoundError, match="no result"):
            engine.fetch(asset)
        name = engine.start(export_of(ee.Image(1).set("n", 5), "x"))
        until(lambda: engine.operations()[name].state.is_final, "the export to end")
        assert engine.asset_properties(asset) == {"n": 5}
        assert engine.fetch(asset) == tmp_path / "store" / "mask" / "x.tif"


def test_only_assets_are_made_on_this_computer(scenes_folder: Path, tmp_path: Path):
    with opened(scenes_folder, tmp_path) as engine:
        export = export_of(red(engine._client.ee), "x")
        with pytest.raises(BadRequestError, match="Google Drive"):
            engine.start(replace(export, destination=DriveDestination("clouds", "x")))
        with pytest.raises(BadRequestError, match="not made by the service"):
            engine.start(replace(export, destination=FileDestination(tmp_path / "x.tif")))
        assert engine.quota() is None


def test_closing_stops_exports_and_leaves_only_what_is_whole(scenes_folder: Path, tmp_path: Path):
    with opened(scenes_folder, tmp_path) as engine:
        import ee

        engine.start(export_of(slow_image(ee), "slow", grid=slow_grid()))
        until(lambda: list((tmp_path / "store").rglob("*.blocks.tif")), "the export to write")
        assert worker_pids(tmp_path)
    assert worker_pids(tmp_path) == set()
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert not (tmp_path / "store" / ".partial").exists()


def test_an_engine_that_is_not_used_leaves_no_process(tmp_path: Path):
    LocalEngine(tmp_path, tmp_path / "library", tmp_path / "store").close()
    assert worker_pids(tmp_path) == set()
