"""Indices beside NDVI: the same pixels as the reference, added to and taken from runs without making masks anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from s2mask_qgis.core.scenes import COLLECTION
from s2mask_qgis.jobs import outputs
from s2mask_qgis.jobs.report import ImageState, RunState
from s2mask_qgis.jobs.request import RunRequest
from tests.jobs.conftest import Watched, carry_out
from tests.jobs.rasters import read_result
from tests.scene_folders import read_eolearn_scenes, scene_index


def with_indices(request: RunRequest, evi2: bool = True, kndvi: bool = True) -> RunRequest:
    return replace(request, parameters=replace(request.parameters, evi2=evi2, kndvi=kndvi))


@pytest.fixture(scope="module")
def indices_run(eolearn_request: RunRequest, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return carry_out(with_indices(replace(eolearn_request, output_folder=tmp_path_factory.mktemp("indices"))))


def test_indices_equal_numpy_and_lie_where_ndvi_does(indices_run: Watched):
    scenes = {scene_index(time): pixels.astype(np.float64) / 10_000 for time, pixels, _ in read_eolearn_scenes()}
    assert indices_run.report.state is RunState.FINISHED
    for outcome in indices_run.report.images:
        red, near_infrared = scenes[outcome.index][3], scenes[outcome.index][7]
        _, known, transform, _ = read_result(outcome.ndvi_path)
        expected = {
            "EVI2": (outcome.evi2_path, 2.5 * (near_infrared - red) / (near_infrared + 2.4 * red + 1)),
            "kNDVI": (outcome.kndvi_path, np.tanh(((near_infrared - red) / (near_infrared + red)) ** 2)),
        }
        for band, (path, values) in expected.items():
            found, has_value, place, names = read_result(path)
            assert names == [band]
            assert place == transform
            np.testing.assert_array_equal(has_value, known)
            np.testing.assert_allclose(found[0][known[0]], values[known[0]], atol=1e-6)


def test_the_report_names_the_files_that_were_asked_for(indices_run: Watched, eolearn_run: Watched):
    for watched, has_more in ((indices_run, True), (eolearn_run, False)):
        folder = watched.request.output_folder
        for image in json.loads((folder / "report.json").read_text())["images"]:
            assert (folder / image["ndvi"]).is_file()
            for kind in ("evi2", "kndvi"):
                assert (image[kind] is not None) == has_more
                assert not has_more or (folder / image[kind]).is_file()
        paths = [(image.evi2_path, image.kndvi_path) for image in watched.report.images]
        assert all((path is not None) == has_more for pair in paths for path in pair)


def test_an_index_is_added_without_making_masks_anew(eolearn_request: RunRequest, tmp_path: Path):
    plain = replace(eolearn_request, output_folder=tmp_path)
    images = carry_out(plain).images
    scenes = [SimpleNamespace(index=image.index, collection=COLLECTION) for image in images]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tif")}
    more = with_indices(plain, kndvi=False)
    assert outputs.kept(more, scenes) == 0
    added = carry_out(more)
    assert [image.state for image in added.report.images] == [ImageState.DONE] * 5
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list((tmp_path / "evi2").glob("*.tif"))) == 5
    assert not (tmp_path / "kndvi").exists()
    assert [image.plan for image in added.report.images] == [
        image.plan for image in sorted(images, key=lambda image: image.index)
    ]
    assert outputs.kept(more, scenes) == outputs.kept(plain, scenes) == 5
    assert [image.state for image in carry_out(plain).report.images] == [ImageState.KEPT] * 5
