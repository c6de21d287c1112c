"""The whole path on five real dates: every pixel of masks and NDVI against the reference of the same plan."""

from __future__ import annotations

import json

import numpy as np
import pytest

from s2mask_qgis.jobs.report import ImageState, RunState
from tests.jobs.conftest import Watched
from tests.jobs.rasters import read_result
from tests.reference import masking, pyramid
from tests.scene_folders import NODATA, read_eolearn_scenes, scene_index, upper_left

CLEAR = ("20150711", "20150830", "20150909")
THIN_CIRRUS, CLOUDY = "20150731", "20150820"


def at_scale(pixels: np.ndarray, scale_m: int) -> tuple[np.ndarray, np.ndarray]:
    """The patch on pixels of ``scale_m`` whose centre lies on it, and their validity, both (13, y, x)."""
    if scale_m == 10:
        return pixels.astype(np.int64), pixels != NODATA
    shape = tuple(int(np.ceil(size * 10 / scale_m - 0.5)) for size in pixels.shape[1:])
    read = [pyramid.read_at(band.astype(np.int64), band != NODATA, 10, scale_m, shape) for band in pixels]
    return np.stack([values for values, _ in read]), np.stack([valid for _, valid in read])


@pytest.fixture(scope="module")
def scenes(shared_data) -> dict[str, np.ndarray]:
    return {scene_index(time): pixels for time, pixels, _ in read_eolearn_scenes()}


def test_every_date_is_masked(eolearn_run: Watched):
    assert eolearn_run.report.state is RunState.FINISHED
    assert [image.state for image in eolearn_run.report.images] == [ImageState.DONE] * 5


def test_masks_and_ndvi_equal_the_reference_of_the_same_plan(eolearn_run: Watched, scenes):
    scale_m = eolearn_run.request.parameters.scale_m
    ready = {index: at_scale(pixels, scale_m) for index, pixels in scenes.items()}
    for outcome in eolearn_run.report.images:
        plan = outcome.plan
        backgrounds = [plan["backgrounds"]["percentile1"], plan["backgrounds"]["percentile5"]]
        stacks = []
        for background in backgrounds:
            images = [ready[identity.rpartition("/")[2]] for identity in background["images"]]
            stacks.append((np.stack([pixels for pixels, _ in images]), np.stack([valid for _, valid in images])))
        image, valid = ready[outcome.index]
        cloud, chance, decided = masking.mask(
            image, valid.all(axis=0), stacks, [background["clusters"] for background in backgrounds], 0.29, 2
        )
        values, known, _, names = read_result(outcome.mask_path)
        assert names == ["mask", "probability"]
        np.testing.assert_array_equal(known, np.broadcast_to(decided, known.shape))
        np.testing.assert_array_equal(values[0][decided], cloud[decided])
        np.testing.assert_allclose(values[1][decided], chance[decided], atol=1e-7)

        expected = masking.ndvi(image, decided, cloud)
        ndvi, has_ndvi, _, names = read_result(outcome.ndvi_path)
        assert names == ["NDVI"]
        np.testing.assert_array_equal(has_ndvi[0], ~np.isnan(expected))
        np.testing.assert_allclose(ndvi[0][has_ndvi[0]], expected[has_ndvi[0]], atol=1e-6)
        assert outcome.cloud_share == pytest.approx(cloud[decided].mean(), abs=1e-12)


def test_the_clear_dates_are_clear_and_the_cloudy_one_is_found(eolearn_run: Watched):
    shares = {image.index[:8]: image.cloud_share for image in eolearn_run.report.images}
    assert all(shares[date] < 0.005 for date in CLEAR)
    assert shares[CLOUDY] >= 0.79


def test_thin_cirrus_is_missed_as_the_published_model_misses_it(eolearn_run: Watched):
    shares = {image.index[:8]: image.cloud_share for image in eolearn_run.report.images}
    assert shares[THIN_CIRRUS] < 0.005


def test_results_lie_on_the_scenes_own_grid(eolearn_run: Watched):
    scale_m = eolearn_run.request.parameters.scale_m
    x, y = upper_left()
    for outcome in eolearn_run.report.images:
        _, _, transform, _ = read_result(outcome.mask_path)
        assert transform == pytest.approx((x, scale_m, 0, y, 0, -scale_m))


def test_backgrounds_are_the_nearest_and_the_clearest(eolearn_run: Watched):
    plans = {image.index[:8]: image.plan for image in eolearn_run.report.images}
    dates = [identity.rpartition("/")[2][:8] for identity in plans[CLOUDY]["backgrounds"]["percentile1"]["images"]]
    assert dates == ["20150731", "20150711", "20150830"]
    dates = [identity.rpartition("/")[2][:8] for identity in plans[CLOUDY]["backgrounds"]["percentile5"]["images"]]
    assert sorted(dates) == sorted(CLEAR)


def test_the_report_tells_plan_cloud_share_and_seconds_of_every_image(eolearn_run: Watched):
    report = json.loads((eolearn_run.request.output_folder / "report.json").read_text())
    assert report["state"] == "finished"
    assert [image["system:index"][:8] for image in report["images"]] == sorted([*CLEAR, THIN_CIRRUS, CLOUDY])
    for image, outcome in zip(report["images"], eolearn_run.report.images, strict=True):
        assert image["plan"] == outcome.plan
        assert image["cloud_share"] == outcome.cloud_share
        assert image["seconds"] > 0


def test_progress_counts_up_to_all_images(eolearn_run: Watched):
    last = eolearn_run.progress[-1]
    assert (last.done, last.total) == (5, 5)
    masked = [progress.done for progress in eolearn_run.progress if progress.stage.name == "MASKING"]
    assert masked == sorted(masked)
    assert len(eolearn_run.images) == 5
