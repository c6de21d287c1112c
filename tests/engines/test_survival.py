"""Breakdowns with real processes: killed owners, full disks, damaged files, two engines at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.base import Export, OperationState
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.engines.local.library.ingest import DESCRIPTION
from s2mask_qgis.engines.local.library.library import SceneLibrary
from s2mask_qgis.engines.local.operations import ORPHANED
from tests.engines.services import GRID, export_of, is_alive, scene_image, slow_grid, slow_image, until, worker_pids
from tests.engines.small_scenes import BANDS, INDEXES, small_scene

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")

OWNER = """
import sys, time
from pathlib import Path
from s2mask_qgis.engines.local.engine import LocalEngine
from tests.engines.services import export_of, slow_grid, slow_image
scenes, folder = Path(sys.argv[1]), Path(sys.argv[2])
engine = LocalEngine(scenes, folder / "library", folder / "store", workers=1)
engine.refresh(lambda done, total: None)
import ee
engine.start(export_of(ee.Image(1), "whole"))
engine.start(export_of(slow_image(ee), "running", grid=slow_grid()))
engine.start(export_of(ee.Image(1), "waiting"))
print("started", flush=True)
time.sleep(600)
"""

INGESTING_OWNER = """
import sys
from pathlib import Path
from s2mask_qgis.engines.local.engine import LocalEngine
scenes, folder = Path(sys.argv[1]), Path(sys.argv[2])
engine = LocalEngine(scenes, folder / "library", folder / "store", workers=1)
engine.refresh(lambda done, total: None)
engine.prepare(engine.scenes(), lambda done, total: print(done, flush=True))
"""


def opened(scenes: Path, folder: Path) -> LocalEngine:
    engine = LocalEngine(scenes, folder / "library", folder / "store", workers=1)
    engine.refresh(lambda done, total: None)
    return engine


def states(engine: LocalEngine) -> dict[str, str]:
    """States by description."""
    return {each.description: each.state.value for each in engine.operations().values()}


def end_of(engine: LocalEngine, name: str) -> tuple[OperationState, str, int]:
    until(lambda: engine.operations()[name].state.is_final, "the end of the operation")
    operation = engine.operations()[name]
    return operation.state, operation.error, operation.error_code


def test_a_killed_owner_leaves_whole_results_and_reasons(ee: ModuleType, small_scenes: Path, tmp_path: Path):
    command = [sys.executable, "-c", OWNER, str(small_scenes), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as owner:
        try:
            assert owner.stdout.readline() == "started\n"
            until(lambda: list((tmp_path / "store" / ".partial").glob("*.blocks.tif")), "the slow export to write")
            with opened(small_scenes, tmp_path) as other:
                assert states(other)["export_running"] == "RUNNING"
                workers = worker_pids(tmp_path)
                owner.kill()
                owner.wait()
                expected = {"export_whole": "SUCCEEDED", "export_running": "FAILED", "export_waiting": "FAILED"}
                until(lambda: states(other) == expected, "the reasons")
                assert {each.error for each in other.operations().values()} == {"", ORPHANED}
        finally:
            owner.kill()
    until(lambda: not any(is_alive(pid) for pid in workers), "the workers to end")
    assert [path.name for path in (tmp_path / "store" / "mask").iterdir()] == ["whole.tif"]
    with opened(small_scenes, tmp_path) as engine:
        again = engine.start(export_of(engine._client.ee.Image(1), "running"))
        assert end_of(engine, again)[0] is OperationState.SUCCEEDED
    assert not (tmp_path / "store" / ".partial").exists()


def test_a_worker_that_is_killed_while_exporting_is_replaced(ee: ModuleType, small_scenes: Path, tmp_path: Path):
    with opened(small_scenes, tmp_path) as engine:
        name = engine.start(export_of(slow_image(engine._client.ee), "killed", grid=slow_grid()))
        for _attempt in range(2):
            until(lambda: list((tmp_path / "store" / ".partial").glob("*.blocks.tif")), "the export to write")
            (pid,) = until(lambda: worker_pids(tmp_path), "a worker")
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: not is_alive(pid), "the worker to end")
        state, error, code = end_of(engine, name)
        assert (state, code) == (OperationState.FAILED, 13)
        assert "stopped unexpectedly (exit code -9)" in error
        assert engine.value(engine._client.ee.Number(1)) == 1
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.engines.test_survival import export_noise
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
print(*export_noise(Path(sys.argv[1]), Path(sys.argv[2])), sep="|")
"""


def export_noise(scenes: Path, folder: Path) -> tuple[OperationState, str, int]:
    """How an export of a megabyte ends."""
    with opened(scenes, folder) as engine:
        image = engine._client.ee.Image(1).add(scene_image(engine._client.ee, 1).select(["B2", "B3", "B4", "B8"]))
        grid = Grid(GRID.crs, (1.0, 0.0, 500000.0, 0.0, -1.0, 5000000.0), (500, 600))
        finer = image.multiply(engine._client.ee.Image.constant(1.0))
        export = export_of(finer, "large")
        return end_of(engine, engine.start(Export(finer, export.destination, grid, "large", "large")))


def test_a_full_disk_ends_an_export_with_a_sentence(small_scenes: Path, tmp_path: Path):
    with opened(small_scenes, tmp_path) as engine:
        engine.prepare(engine.scenes(), lambda done, total: None)
    command = [sys.executable, "-c", FULL_DISK, str(small_scenes), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=120, check=True)
    state, error, code = done.stdout.strip().split("|")
    assert (state, code) == ("OperationState.FAILED", "8")
    assert "large.tif cannot be written" in error
    assert "free some space or choose another folder" in error
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def damage(path: Path, band: int) -> None:
    """Change one byte amid a band's first tile, as a failing disk does; the size stays."""
    dataset = gdal.Open(str(path))
    raster = dataset.GetRasterBand(band)
    offset, size = (int(raster.GetMetadataItem(f"BLOCK_{what}_0_0", "TIFF")) for what in ("OFFSET", "SIZE"))
    content = bytearray(path.read_bytes())
    content[offset + size // 2] ^= 0x10
    path.write_bytes(bytes(content))


def test_a_damaged_tile_is_named_and_read_anew_by_the_next_run(ee: ModuleType, small_scenes: Path, tmp_path: Path):
    with opened(small_scenes, tmp_path) as engine:
        engine.prepare(engine.scenes(), lambda done, total: None)
    library = SceneLibrary(small_scenes, tmp_path / "library")
    band = library.ingested(INDEXES[1]).bands["B2"]
    path, before = band.path, band.path.read_bytes()
    damage(path, band.number)
    with opened(small_scenes, tmp_path) as engine:
        image = scene_image(engine._client.ee, 1)
        state, error, code = end_of(engine, engine.start(export_of(image.toFloat(), "damaged")))
        assert (state, code) == (OperationState.FAILED, 9)
        assert f"r10.tif of the scene {INDEXES[1]} in the library is damaged" in error
        assert "run again, and the scene is read from its product anew" in error
        assert engine.prepare(engine.scenes(), lambda done, total: None) == {}
        healed = engine.start(export_of(image.toFloat(), "healed"))
        assert end_of(engine, healed)[0] is OperationState.SUCCEEDED
    assert path.read_bytes() == before
    pixels = gdal.Open(str(tmp_path / "store" / "mask" / "healed.tif")).ReadAsArray()
    np.testing.assert_array_equal(pixels[BANDS.index("B2")], small_scene(1)[BANDS.index("B2")])


def test_two_engines_share_one_library_and_one_store(ee: ModuleType, small_scenes: Path, tmp_path: Path):
    script = OWNER.replace('"running", grid=slow_grid()', '"other"').replace("slow_image(ee)", "ee.Image(2)")
    command = [sys.executable, "-c", script, str(small_scenes), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as other:
        try:
            with opened(small_scenes, tmp_path) as engine:
                assert engine.prepare(engine.scenes(), lambda done, total: None) == {}
                mine = engine.start(export_of(scene_image(engine._client.ee, 1).select("B2"), "mine"))
                assert end_of(engine, mine)[0] is OperationState.SUCCEEDED
                assert other.stdout.readline() == "started\n"
                until(lambda: set(states(engine).values()) == {"SUCCEEDED"}, "all exports of both")
                assert len(states(engine)) == 4
        finally:
            other.kill()
    assert {path.stem for path in (tmp_path / "store" / "mask").iterdir()} == {"mine", "whole", "other", "waiting"}


def written_times(folder: Path) -> dict[str, int]:
    """When each ingested scene that is whole was written."""
    found = (folder / "library").glob(f"*/scenes/*/{DESCRIPTION}")
    return {path.parent.name: path.stat().st_mtime_ns for path in found}


def test_after_a_killed_ingest_only_what_is_missing_is_ingested(small_scenes: Path, tmp_path: Path):
    command = [sys.executable, "-c", INGESTING_OWNER, str(small_scenes), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as owner:
        try:
            until(lambda: written_times(tmp_path), "the first scene")
        finally:
            os.kill(owner.pid, signal.SIGKILL)
    until(lambda: not worker_pids(tmp_path), "its worker to end")
    before = written_times(tmp_path)
    with opened(small_scenes, tmp_path) as engine:
        assert engine.prepare(engine.scenes(), lambda done, total: None) == {}
    after = written_times(tmp_path)
    assert sorted(after) == sorted(INDEXES)
    assert {index: after[index] for index in before} == before
    assert not list((tmp_path / "library").glob("*/scenes/*.part"))
