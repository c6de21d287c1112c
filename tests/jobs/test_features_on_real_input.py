"""The 13 features as maps on real dates: every pixel against the reference of the same plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.jobs.report import ImageState
from tests.jobs.conftest import Watched, carry_out
from tests.jobs.rasters import read_result
from tests.jobs.test_run_on_real_input import at_scale
from tests.reference import features
from tests.scene_folders import read_eolearn_scenes, scene_index


@pytest.fixture(scope="module")
def pixels(shared_data):
    return {scene_index(time): at_scale(values, 30) for time, values, _ in read_eolearn_scenes()}


@pytest.fixture(scope="module", params=[(True, "as trained"), (True, "reflectance"), (False, "reflectance")])
def run(request, eolearn_request, tmp_path_factory) -> Watched:
    do_clustering, thresholds = request.param
    parameters = replace(
        eolearn_request.parameters,
        scale_m=30,
        features=True,
        do_clustering=do_clustering,
        thresholds=thresholds,
        cloud_threshold=5.0,
    )
    return carry_out(replace(eolearn_request, parameters=parameters, output_folder=tmp_path_factory.mktemp("features")))


def test_every_feature_equals_the_reference(run: Watched, pixels):
    seen = set()
    for outcome in run.report.images:
        assert outcome.state is ImageState.DONE, outcome.reason
        values, known, _, names = read_result(outcome.features_path)
        assert names == list(FEATURES)
        for band, name in enumerate(names):
            if name not in outcome.plan["backgrounds"] and not name.startswith("tree"):
                assert not known[band].any()  # there is no cloudy image to compare with
                continue
            expected, decided = features.feature(name, outcome.plan, pixels)
            np.testing.assert_array_equal(known[band], decided, err_msg=name)
            np.testing.assert_array_equal(values[band][decided], expected[decided], err_msg=name)
            seen |= {name} if expected[decided].mean() > 0 else set()
    assert {"percentile1", "percentile5", "persistence1", "persistence5", "tree1", "tree2", "tree3"} <= seen


def test_persistence_takes_the_most_complete_image_the_latest_of_equal_ones(run: Watched, pixels):
    times = {outcome.index: outcome.time_start_ms for outcome in run.report.images}
    for outcome in run.report.images:
        backgrounds = outcome.plan["backgrounds"]
        for number in (1, 3, 4, 5):
            indices = [one.rpartition("/")[2] for one in backgrounds[f"percentile{number}"]["images"]]
            (taken,) = backgrounds[f"persistence{number}"]["images"]
            assert taken.rpartition("/")[2] == features.most_complete(indices, pixels, times)
