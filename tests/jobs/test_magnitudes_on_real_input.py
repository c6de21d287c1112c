"""Models of magnitudes on real dates: every pixel against the reference, and what they find that trees miss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from s2mask_qgis.core.features import MEASURES
from s2mask_qgis.core.models.files import find
from s2mask_qgis.jobs.report import ImageState
from tests.jobs.conftest import Watched, carry_out
from tests.jobs.rasters import read_result
from tests.jobs.test_run_on_real_input import CLEAR, CLOUDY, THIN_CIRRUS, at_scale
from tests.reference import masking, measures
from tests.scene_folders import read_eolearn_scenes, scene_index

CLOSE = 1e-5
"""Pixels whose probability is this near the cutoff may fall to either side by rounding to 32 bits."""


@pytest.fixture(scope="module")
def pixels(shared_data):
    return {scene_index(time): at_scale(values, 30) for time, values, _ in read_eolearn_scenes()}


@pytest.fixture(scope="module", params=["magnitude", "multitemporal"])
def run(request, eolearn_request, tmp_path_factory) -> Watched:
    parameters = replace(eolearn_request.parameters, scale_m=30, model=request.param)
    folder = tmp_path_factory.mktemp(request.param)
    return carry_out(replace(eolearn_request, parameters=parameters, output_folder=folder))


def test_masks_equal_the_reference_of_the_same_plan(run: Watched, pixels):
    for outcome in run.report.images:
        assert outcome.state is ImageState.DONE, outcome.reason
        image, valid = pixels[outcome.index]
        assert valid.all()
        members = [pixels[one.rpartition("/")[2]] for one in outcome.plan["clearest"]]
        background = measures.median(np.stack([one for one, _ in members]), np.stack([one for _, one in members]))
        expected = measures.probability(outcome.plan["model"], masking.reflectances(image), background)
        values, known, _, _ = read_result(outcome.mask_path)
        assert known.all()
        np.testing.assert_allclose(values[1], expected, atol=1e-5)
        clear_cut = abs(expected - outcome.plan["cutoff"]) > CLOSE
        np.testing.assert_array_equal(values[0][clear_cut], (expected > outcome.plan["cutoff"])[clear_cut])
        assert clear_cut.mean() > 0.99


def test_the_thin_cirrus_is_found_and_the_clear_dates_stay_clear(run: Watched):
    shares = {image.index[:8]: image.cloud_share for image in run.report.images}
    assert all(shares[date] < 0.01 for date in CLEAR), shares
    assert shares[THIN_CIRRUS] > 0.9
    assert shares[CLOUDY] > 0.99


def test_the_shipped_models_read_known_measures_only():
    for name in ("magnitude", "multitemporal"):
        assert set(find(name).features) <= set(MEASURES)
    assert find("multitemporal").missing_bands(("B2", "B3", "B4", "B8", "B11", "B12")) == ()
    assert find("magnitude").missing_bands(("B2", "B3", "B4", "B8A", "B11", "B12")) == ("B10",)


def test_every_measure_has_its_expression():
    from s2mask_qgis.core.measures import _EXPRESSIONS

    assert list(_EXPRESSIONS) == list(MEASURES)
