"""Pixels to files on this computer: whole or not there, through faults, in parts that the service can compute."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.engines.base import Export, FileDestination, OperationState
from s2mask_qgis.engines.earth_engine import image_files
from s2mask_qgis.engines.earth_engine.engine import EarthEngine
from s2mask_qgis.engines.errors import BadRequestError, QuotaError, SignInError
from s2mask_qgis.engines.local.faults import Fault, FaultPlan, PlannedFault
from s2mask_qgis.web.transport import Request
from tests.engines.embedded_service import Web, engine_on, places_in, serving
from tests.engines.services import GRID, scene_image, until
from tests.engines.small_scenes import MASKED, SHAPE_YX, small_scene

PIXELS = "image:computePixels"


@pytest.fixture(scope="module")
def web(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(small_scenes, tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture
def engine(web: Web, tmp_path: Path) -> Iterator[EarthEngine]:
    web.faults, web.answers = None, lambda request: None
    web.asked.clear()
    with engine_on(web, places_in(tmp_path, "folder")) as started:
        yield started
    web.faults, web.answers = None, lambda request: None


def export(engine: EarthEngine, index: str, image: object = None, request_id: str = "") -> Export:
    import ee

    image = scene_image(ee).select(["B2", "B4"]) if image is None else image
    return Export(image, engine.destination("mask", index), GRID, request_id or f"id-{index}", f"mask_{index}")


def made(engine: EarthEngine, wanted: Export) -> np.ndarray:
    name = engine.start(wanted)
    operation = end_of(engine, name)
    assert (operation.state, operation.error) == (OperationState.SUCCEEDED, "")
    return gdal.Open(str(wanted.destination.path)).ReadAsArray()


def end_of(engine: EarthEngine, name: str):
    until(lambda: engine.operations([name])[name].state.is_final, "the file")
    return engine.operations([name])[name]


def expected() -> np.ndarray:
    pixels = small_scene(0)[[1, 3]].astype(np.float32)
    pixels[:, MASKED[0], MASKED[1]] = -9999
    return pixels


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".sqlite"]


@pytest.mark.parametrize("side", [16, 25, 64])
def test_blocks_do_not_change_pixels(web: Web, engine: EarthEngine, monkeypatch: pytest.MonkeyPatch, side: int):
    monkeypatch.setattr(image_files, "BLOCK_PX", side)
    monkeypatch.setattr(image_files, "SMALLEST_PX", 8)
    assert np.array_equal(made(engine, export(engine, "blocks")), expected())
    rows, columns = SHAPE_YX
    assert len(web.paths(PIXELS)) == -(-rows // side) * -(-columns // side)


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.TOO_MANY_REQUESTS, Fault.DROP, Fault.TIME_OUT])
def test_a_block_that_fails_is_asked_for_again(web: Web, engine: EarthEngine, monkeypatch, fault: Fault):
    monkeypatch.setattr(image_files, "BLOCK_PX", 16)
    web.faults = FaultPlan([PlannedFault(fault, PIXELS, first=3, times=2)])
    assert np.array_equal(made(engine, export(engine, fault.name)), expected())
    assert len(web.faults.struck) == 2


@pytest.mark.parametrize("body", [b"<html>hotel</html>", b"\x93NUMPY broken", b"", b"{}"])
def test_an_answer_of_somebody_else_fails_the_file_and_not_the_run(web: Web, engine: EarthEngine, body: bytes):
    web.answers = lambda request: (200, {}, body) if PIXELS in request.url else None
    operation = end_of(engine, engine.start(export(engine, "hotel")))
    assert (operation.state, operation.error_code) == (OperationState.FAILED, 14)
    assert "proxy" in operation.error


def test_blocks_too_heavy_for_the_service_are_halved(web: Web, engine: EarthEngine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_files, "SMALLEST_PX", 8)
    too_heavy = json.dumps({"error": {"code": 400, "message": "User memory limit exceeded."}}).encode()

    def heavy(request: Request):
        if PIXELS not in request.url:
            return None
        size = json.loads(request.body)["grid"]["dimensions"]
        return (400, {}, too_heavy) if max(size["width"], size["height"]) > 20 else None

    web.answers = heavy
    assert np.array_equal(made(engine, export(engine, "halved")), expected())


def test_what_stays_too_heavy_is_told(web: Web, engine: EarthEngine):
    too_heavy = json.dumps({"error": {"code": 400, "message": "Computation timed out."}}).encode()
    web.answers = lambda request: (400, {}, too_heavy) if PIXELS in request.url else None
    operation = end_of(engine, engine.start(export(engine, "heavy")))
    assert (operation.state, operation.error_code) == (OperationState.FAILED, 3)
    assert "timed out" in operation.error


@pytest.mark.parametrize(
    ("code", "message", "kind"), [(401, "expired", SignInError), (429, "Quota exceeded for compute time", QuotaError)]
)
def test_what_keeps_all_files_from_going_on_is_raised_once(web: Web, engine: EarthEngine, code, message, kind):
    refused = json.dumps({"error": {"code": code, "message": message}}).encode()
    web.answers = lambda request: (code, {}, refused) if PIXELS in request.url else None
    name = engine.start(export(engine, "outside"))
    with pytest.raises(kind):
        end_of(engine, name)
    assert engine.operations([name])[name].state is OperationState.FAILED
    assert engine.operations([name])[name].error_code == 14
    assert left_over(engine.destination("mask", "x").path.parent) == []


def test_a_file_stays_as_it_is_until_the_next_one_is_whole(web: Web, engine: EarthEngine, monkeypatch):
    import ee

    monkeypatch.setattr(image_files, "BLOCK_PX", 16)
    first = made(engine, export(engine, "kept"))
    broken = json.dumps({"error": {"code": 400, "message": "no"}}).encode()
    count = iter(range(1000))
    web.answers = lambda request: (400, {}, broken) if PIXELS in request.url and next(count) == 5 else None
    other = export(engine, "kept", ee.Image(7).toFloat(), "another")
    assert end_of(engine, engine.start(other)).state is OperationState.FAILED
    assert np.array_equal(gdal.Open(str(other.destination.path)).ReadAsArray(), first)
    assert left_over(other.destination.path.parent) == [other.destination.path]
    web.answers = lambda request: None
    assert set(np.unique(made(engine, replace(other, request_id="third")))) == {7}


def test_what_a_killed_process_left_is_replaced(engine: EarthEngine):
    wanted = export(engine, "killed")
    partial = wanted.destination.path.parent / ".partial"
    partial.mkdir(parents=True)
    (partial / "killed.blocks.tif").write_bytes(b"half a file")
    (partial / "killed.tif").write_bytes(b"half a file")
    assert np.array_equal(made(engine, wanted), expected())
    engine.close()
    assert not partial.exists()


def test_a_later_process_finds_its_file_made(web: Web, engine: EarthEngine, tmp_path: Path):
    wanted = export(engine, "made")
    made(engine, wanted)
    with engine_on(web, places_in(tmp_path, "folder")) as later:
        web.asked.clear()
        name = later.start(export(later, "made"))
        assert later.operations([name])[name].state is OperationState.SUCCEEDED
        assert web.asked == []
        assert set(later.stored("mask", ["made", "other"])) == {"made"}


def test_two_exports_do_not_write_one_file(web: Web, engine: EarthEngine):
    release = threading.Event()
    web.answers = lambda request: release.wait(20) and None
    name = engine.start(export(engine, "one"))
    try:
        with pytest.raises(BadRequestError, match="is being written already"):
            engine.start(export(engine, "one", request_id="other"))
    finally:
        release.set()
    assert end_of(engine, name).state is OperationState.SUCCEEDED


def test_closing_stops_what_is_being_written(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_files, "BLOCK_PX", 8)
    monkeypatch.setattr(image_files, "SMALLEST_PX", 8)
    web.answers, web.faults = lambda request: time.sleep(0.2 if PIXELS in request.url else 0.0), None
    with engine_on(web, places_in(tmp_path, "folder")) as started:
        started.start(export(started, "stopped"))
        until(lambda: list(tmp_path.rglob("*.blocks.tif")), "the file to be begun")
    assert left_over(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_the_disks_fault(engine: EarthEngine, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    wanted = replace(export(engine, "x"), destination=FileDestination(tmp_path / "file" / "mask" / "x.tif"))
    operation = end_of(engine, engine.start(wanted))
    assert (operation.state, operation.error_code) == (OperationState.FAILED, 8)
    assert "cannot be written" in operation.error


def test_bytes_and_large_integers_have_the_types_of_stored_assets(engine: EarthEngine):
    import ee

    for number, (image, kind) in enumerate(
        [
            (ee.Image(3).toByte(), gdal.GDT_Float32),
            (scene_image(ee).select("B2"), gdal.GDT_Float32),
            (ee.Image(70000).toInt32(), gdal.GDT_Float64),
            (scene_image(ee).select("B2").toDouble(), gdal.GDT_Float64),
            (scene_image(ee).select("B2").multiply(0.5).toFloat(), gdal.GDT_Float32),
        ]
    ):
        wanted = export(engine, f"type{number}", image)
        made(engine, wanted)
        assert gdal.Open(str(wanted.destination.path)).GetRasterBand(1).DataType == kind


def test_an_asset_is_downloaded_once(web: Web, tmp_path: Path):
    import ee

    web.answers, web.faults = lambda request: None, None
    with engine_on(web, places_in(tmp_path)) as remote:
        image = scene_image(ee).select(["B2", "B4"]).set("n", 5)
        name = remote.start(Export(image, remote.destination("mask", "fetched"), GRID, "fetched", "fetched"))
        end_of(remote, name)
        path = remote.fetch(remote.asset_id("mask", "fetched"))
        assert path == tmp_path / "mask" / "fetched.tif"
        assert np.array_equal(gdal.Open(str(path)).ReadAsArray(), expected())
        web.asked.clear()
        assert remote.fetch(remote.asset_id("mask", "fetched")) == path
        assert web.paths(PIXELS) == []
