"""Runs that are refused, cancelled, taken up again or fail in part."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.jobs import outputs, runner, survey
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import ImageState, RunState, Stage
from s2mask_qgis.jobs.request import RunRequest
from scene_stacks import Place, scene_properties, write_stack
from tests.jobs.conftest import WIDE_AREA, carry_out
from tests.scene_folders import write_eolearn_scenes


def bytes_of(folder: Path) -> dict[str, str]:
    """Digest of every raster below a folder."""
    files = sorted(folder.rglob("*.tif"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def leftovers(folder: Path) -> list[Path]:
    """Files that are neither results nor the report nor the ledger."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not (path.suffix == ".tif" and path.parent.name in ("mask", "ndvi"))
        if path.name != "report.json" and not (path.suffix == ".gpkg" and path.parent == folder)
    ]


@pytest.fixture
def own_request(eolearn_request: RunRequest, tmp_path: Path) -> RunRequest:
    """The run on real scenes with an output folder of the test's own."""
    return replace(eolearn_request, output_folder=tmp_path / "out")


def test_the_same_run_twice_gives_the_same_bytes(own_request, tmp_path):
    carry_out(own_request)
    again = replace(own_request, output_folder=tmp_path / "again")
    carry_out(again)
    first = bytes_of(own_request.output_folder)
    assert len(first) == 10
    assert first == bytes_of(again.output_folder)


def test_a_run_leaves_results_and_a_report_only(own_request):
    carry_out(own_request)
    assert leftovers(own_request.output_folder) == []


def test_a_second_run_keeps_what_is_there(own_request):
    first = carry_out(own_request)
    before = {path: path.stat().st_mtime_ns for path in own_request.output_folder.rglob("*.tif")}
    second = carry_out(own_request)
    assert [image.state for image in second.report.images] == [ImageState.KEPT] * 5
    assert [image.cloud_share for image in second.report.images] == [i.cloud_share for i in first.report.images]
    assert [image.plan for image in second.report.images] == [image.plan for image in first.report.images]
    assert before == {path: path.stat().st_mtime_ns for path in own_request.output_folder.rglob("*.tif")}
    assert outputs.kept(own_request, survey_scenes(own_request)) == 5


def survey_scenes(request: RunRequest):
    return survey.survey(request.scenes_folder, request.library_folder, lambda done, total: None, lambda: False).scenes


def test_other_parameters_make_the_images_anew(own_request):
    carry_out(own_request)
    changed = replace(own_request, parameters=replace(own_request.parameters, cutoff=0.9))
    assert outputs.kept(changed, survey_scenes(changed)) == 0
    second = carry_out(changed)
    assert [image.state for image in second.report.images] == [ImageState.DONE] * 5
    assert second.report.images[2].cloud_share < 0.79


def test_other_dates_keep_the_images_they_share(own_request):
    carry_out(own_request)
    fewer = replace(own_request, parameters=replace(own_request.parameters, date_start="2015-08-20"))
    report = carry_out(fewer).report
    assert [image.state for image in report.images] == [ImageState.KEPT] * 3


def test_a_result_that_was_deleted_is_made_again(own_request):
    first = carry_out(own_request)
    digests = bytes_of(own_request.output_folder)
    first.report.images[1].ndvi_path.unlink()
    states = [image.state for image in carry_out(own_request).report.images]
    assert states == [ImageState.KEPT, ImageState.DONE, *[ImageState.KEPT] * 3]
    assert bytes_of(own_request.output_folder) == digests


@pytest.mark.parametrize("after_images", [0, 2])
def test_cancel_stops_soon_leaves_nothing_half_written_and_run_does_the_rest(own_request, after_images):
    orders = Orders()
    asked: list[float] = []
    images = []

    def on_image(outcome):
        images.append(outcome)
        if len(images) == after_images:
            asked.append(time.monotonic())
            orders.cancel()

    def on_progress(progress):
        if after_images == 0 and progress.stage is Stage.MASKING:
            asked.append(time.monotonic())
            orders.cancel()

    report = runner.run(own_request, None, orders, on_progress, on_image)
    assert time.monotonic() - asked[0] < 2.0
    assert report.state is RunState.CANCELLED
    assert leftovers(own_request.output_folder) == []
    assert all(gdal.Open(str(path)) is not None for path in own_request.output_folder.rglob("*.tif"))
    done = {image.index for image in report.images}
    assert len(done) == after_images

    resumed = carry_out(own_request)
    states = {image.index: image.state for image in resumed.report.images}
    assert resumed.report.state is RunState.FINISHED
    assert len(states) == 5
    assert all(states[index] is ImageState.KEPT for index in done)


def test_cancel_while_scenes_are_prepared(own_request, tmp_path):
    request = replace(own_request, library_folder=tmp_path / "fresh")
    orders = Orders()

    def on_progress(progress):
        if progress.stage is Stage.PREPARING:
            orders.cancel()

    report = runner.run(request, None, orders, on_progress, lambda outcome: None)
    assert report.state is RunState.CANCELLED
    assert report.images == ()
    assert carry_out(request).report.state is RunState.FINISHED


class TestRefusals:
    """Requests that cannot be carried out: a sentence, and nothing is lost."""

    def check(self, request: RunRequest, *words: str) -> None:
        report = carry_out(request).report
        assert report.state is RunState.REFUSED
        for word in words:
            assert word in report.message
        assert report.message.endswith(".")
        assert "Traceback" not in report.message

    def test_folder_without_products(self, own_request, tmp_path):
        (tmp_path / "empty").mkdir()
        self.check(replace(own_request, scenes_folder=tmp_path / "empty"), "no usable Level-1C product", "empty")

    def test_folder_of_the_other_level(self, own_request, tmp_path):
        pixels = np.full((4, 20, 20), 1000)
        time = datetime(2020, 6, 1, 10, tzinfo=timezone.utc)
        properties = scene_properties(time, "33TWM", 0.0) | {"PROCESSING_LEVEL": "Level-2A"}
        write_stack(tmp_path / "ground", properties, pixels, ("B2", "B3", "B4", "B8"), Place(32633, 500_000, 5_000_000))
        told = "no usable Level-1C product", "but 1 Level-2A product. Choose level L2A, or another folder."
        self.check(replace(own_request, scenes_folder=tmp_path / "ground"), *told)

    def test_folder_that_does_not_exist(self, own_request, tmp_path):
        self.check(replace(own_request, scenes_folder=tmp_path / "gone"), "does not exist")

    def test_area_outside_every_scene(self, own_request):
        ring = ((20.0, 50.0), (20.1, 50.0), (20.1, 50.1), (20.0, 50.0))
        self.check(replace(own_request, area=Area(((ring,),))), "does not meet any of the 5 scenes", "33TWM")

    def test_dates_without_images(self, own_request):
        parameters = RunParameters(date_start="2018-01-01", date_end="2018-12-31")
        self.check(replace(own_request, parameters=parameters), "2018-01-01", "2015-07-11", "Change the dates")

    def test_output_folder_that_cannot_be_written(self, own_request, tmp_path):
        (tmp_path / "file").write_text("not a folder")
        self.check(replace(own_request, output_folder=tmp_path / "file" / "out"), "cannot be written")

    def test_library_that_cannot_be_written(self, own_request, tmp_path):
        (tmp_path / "file").write_text("not a folder")
        self.check(replace(own_request, library_folder=tmp_path / "file" / "library"), "file")


@pytest.fixture
def own_scenes(shared_data, tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    write_eolearn_scenes(folder)
    return folder


def test_a_damaged_product_fails_alone_and_serves_no_background(own_request, own_scenes, tmp_path):
    damaged = sorted(own_scenes.glob("*.tif"))[0]
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    request = replace(own_request, scenes_folder=own_scenes, library_folder=tmp_path / "library")
    report = carry_out(request).report
    by_date = {image.index[:8]: image for image in report.images}
    assert by_date["20150711"].state is ImageState.FAILED
    assert damaged.stem in by_date["20150711"].reason
    for date in ("20150731", "20150820", "20150830", "20150909"):
        assert by_date[date].state is ImageState.DONE
        backgrounds = by_date[date].plan["backgrounds"].values()
        used = [identity for background in backgrounds for identity in background["images"]]
        assert used
        assert not any(damaged.stem in identity for identity in used)
    written = json.loads((request.output_folder / "report.json").read_text())
    assert len(written["images"]) == len(report.images)


def test_an_image_without_any_background_fails_with_advice(own_request, own_scenes, tmp_path):
    for path in sorted(own_scenes.iterdir())[2:]:
        path.unlink()
    request = replace(own_request, scenes_folder=own_scenes, library_folder=tmp_path / "library")
    report = carry_out(request).report
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert report.images[0].state is ImageState.FAILED
    assert "no other image of tile 33TWM" in report.images[0].reason


def test_a_full_disk_stops_the_run_and_keeps_what_is_done(own_request, monkeypatch):
    """The fourth export finds the disk full: simulated at the engine's seam, the rest is the real thing."""
    from s2mask_qgis.engines.local.engine import LocalEngine

    real, count = LocalEngine.start, []

    def start(self, export):
        count.append(export.destination)
        if len(count) == 4:
            raise StorageError("The disk is full; free some space.")
        return real(self, export)

    monkeypatch.setattr(LocalEngine, "start", start)
    report = carry_out(own_request).report
    assert report.state is RunState.PAUSED
    assert "disk is full" in report.message
    assert leftovers(own_request.output_folder) == []
    monkeypatch.undo()
    assert carry_out(own_request).report.state is RunState.FINISHED


def test_without_clustering_pixels_are_judged_alone(own_request):
    parameters = replace(own_request.parameters, do_clustering=False, thresholds="reflectance")
    report = carry_out(replace(own_request, parameters=parameters)).report
    assert report.state is RunState.FINISHED
    assert all(one["clusters"] is None for one in report.images[2].plan["backgrounds"].values())
    assert report.images[2].cloud_share > 0.5
    assert report.images[0].cloud_share < 0.05


def test_a_survey_tells_scenes_and_problems(own_scenes, tmp_path):
    next(iter(sorted(own_scenes.glob("*.json")))).write_text("{}")
    found = survey.survey(own_scenes, tmp_path / "library", lambda done, total: None, lambda: False)
    assert len(found.scenes) == 4
    assert len(found.problems) == 1
    assert "20150711" in found.problems[0]


def test_results_of_an_area_smaller_than_the_scene_do_not_depend_on_it(own_request, tmp_path):
    """The clusters come from the whole image: the same pixels whatever area is asked for."""
    small = Area((((((14.553, 45.869), (14.558, 45.869), (14.558, 45.873), (14.553, 45.873), (14.553, 45.869))),),))
    report = carry_out(replace(own_request, area=small, output_folder=tmp_path / "small")).report
    whole = {image.index: image for image in carry_out(own_request).report.images}
    for image in report.images:
        part, full = gdal.Open(str(image.mask_path)), gdal.Open(str(whole[image.index].mask_path))
        offset_x = round((part.GetGeoTransform()[0] - full.GetGeoTransform()[0]) / 10)
        offset_y = round((full.GetGeoTransform()[3] - part.GetGeoTransform()[3]) / 10)
        values = part.GetRasterBand(1).ReadAsArray()
        around = full.GetRasterBand(1).ReadAsArray(offset_x, offset_y, part.RasterXSize, part.RasterYSize)
        inside = values >= 0
        assert 500 < inside.sum() < 5000
        assert (values[inside] == around[inside]).all()


def test_the_area_name_does_not_decide_the_results(own_request):
    renamed = replace(own_request, area=Area(WIDE_AREA.polygons, "another name"))
    model = find("published")
    assert outputs.settings_key(renamed, model) == outputs.settings_key(own_request, model)


def test_nothing_is_written_into_the_scenes_folder(own_request, own_scenes, tmp_path):
    before = sorted(path.name for path in own_scenes.rglob("*"))
    carry_out(replace(own_request, scenes_folder=own_scenes, library_folder=tmp_path / "library"))
    assert sorted(path.name for path in own_scenes.rglob("*")) == before
    shutil.rmtree(own_scenes)
