"""Backgrounds and clusters on the real patch, with the reference for the pixels: no engine takes part."""

from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.core import backgrounds, clusters
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import BANDS, Scene
from tests.reference import masking, pyramid
from tests.scene_folders import read_eolearn_scenes, scene_index

SHAPE_YX = (34, 34)  # at 30 m
OUTLINE = ((14.55, 45.86), (14.57, 45.86), (14.57, 45.88), (14.55, 45.88), (14.55, 45.86))
CLEAR_DATES = ("2015-07-11", "2015-08-30", "2015-09-09")


@pytest.fixture(scope="module")
def patch(shared_data) -> dict[Scene, tuple[np.ndarray, np.ndarray]]:
    """Pixels (13, 34, 34) at 30 m and their validity, by scene."""
    found = {}
    for time, pixels, cloud in read_eolearn_scenes():
        index = scene_index(time)
        scene = Scene(index, index, "33TWM", int(time.timestamp() * 1000), cloud, OUTLINE)
        read = [pyramid.read_at(band, np.ones_like(band, dtype=bool), 10, 30, SHAPE_YX) for band in pixels]
        found[scene] = np.stack([values for values, _ in read]), read[0][1]
    return found


def cloud_percent(scene: Scene, patch: dict[Scene, tuple[np.ndarray, np.ndarray]], parameters: RunParameters) -> float:
    """Share of the patch's pixels that the mask calls cloud; every pixel is in the sample."""
    pixels, valid = patch[scene]
    chosen = backgrounds.choose(scene, patch, parameters, (1, 5))
    stacks, found = [], []
    for group in chosen.values():
        stack = np.stack([patch[member][0] for member in group])
        difference = (pixels - np.median(stack, axis=0))[:, valid].T
        visible = pixels[masking.VISIBLE][:, valid].T
        result = clusters.find(
            difference,
            visible,
            BANDS,
            count=parameters.cluster_count,
            thresholds=parameters.thresholds,
            seed=parameters.seed,
        )
        found.append({name: np.array(getattr(result, name)) for name in ("mean", "std", "centres", "cloudy")})
        stacks.append((stack, np.broadcast_to(valid, stack.shape)))
    cloud, _, known = masking.mask(pixels, valid, stacks, found, 0.29, parameters.opening_radius_px)
    return 100.0 * cloud[known].mean()


@pytest.mark.parametrize("seed", [0, 1])
def test_clear_dates_stay_clear_and_the_cloud_is_found(patch, seed):
    parameters = RunParameters(number_of_images=3, number_preselect=4, allow_future=True, seed=seed)
    cloud = {scene.date: cloud_percent(scene, patch, parameters) for scene in patch}
    assert all(cloud[date] < 0.5 for date in CLEAR_DATES), cloud
    assert cloud["2015-08-20"] >= 79.0
    assert cloud["2015-07-31"] < 0.5  # thin cirrus, which the published model does not see


def test_backgrounds_of_the_cloudy_date(patch):
    scene = next(scene for scene in patch if scene.date == "2015-08-20")
    chosen = backgrounds.choose(scene, patch, RunParameters(number_of_images=3, number_preselect=4), (1, 5))
    assert [member.date for member in chosen[1]] == ["2015-07-31", "2015-07-11", "2015-08-30"]
    assert [member.date for member in chosen[5]] == ["2015-07-11", "2015-08-30", "2015-09-09"]
