"""Images as pictures: grey, red, green and blue, palettes and masks, by plain arithmetic."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import image_of, row

VALUES = [0, 50, 100, 200]


@pytest.fixture
def one() -> Any:
    return image_of({"a": np.array(VALUES, np.uint16)}, {"a": [1, 1, 1, 1]})


def test_one_band_is_grey_or_forced_to_colours(ee: ModuleType, one: Any):
    grey = [0, 64, 128, 255]
    assert row(ee.Image("one").visualize(min=0, max=200), 4, one=one) == {"vis-gray": grey}
    forced = row(ee.Image("one").visualize(min=0, max=200, forceRgbOutput=True), 4, one=one)
    assert forced == {"vis-red": grey, "vis-green": grey, "vis-blue": grey}


def test_values_beyond_the_limits_are_held(ee: ModuleType, one: Any):
    assert row(ee.Image("one").visualize(min=50, max=100), 4, one=one) == {"vis-gray": [0, 0, 255, 255]}


def test_gain_bias_and_gamma(ee: ModuleType, one: Any):
    assert row(ee.Image("one").visualize(gain=1, bias=10), 4, one=one) == {"vis-gray": [10, 60, 110, 210]}
    found = row(ee.Image("one").visualize(max=200, gamma=2), 4, one=one)["vis-gray"]
    assert found == [round(255 * (value / 200) ** 0.5) for value in VALUES]


def test_without_limits_a_type_has_its_own(ee: ModuleType):
    byte = image_of({"a": np.array([0, 7, 255], np.uint8)})
    assert row(ee.Image("byte").visualize(), 3, byte=byte) == {"vis-gray": [0, 7, 255]}
    share = image_of({"a": np.array([0.0, 0.2, 2.0])})
    assert row(ee.Image("share").visualize(), 3, share=share) == {"vis-gray": [0, 51, 255]}


def test_palettes_are_interpolated(ee: ModuleType, one: Any):
    found = row(ee.Image("one").visualize(max=200, palette=["black", "FF0000", "#ffff00"]), 4, one=one)
    assert found == {"vis-red": [0, 128, 255, 255], "vis-green": [0, 0, 0, 255], "vis-blue": [0, 0, 0, 0]}


def test_three_bands_share_their_mask(ee: ModuleType):
    three = image_of({"r": [10, 20], "g": [30, 40], "b": [50, 60]}, {"r": [1, 1], "g": [1, 0], "b": [1, 1]})
    found = row(ee.Image("three").visualize(bands=["b", "g", "r"], max=[255, 510, 255]), 2, three=three)
    assert found == {"vis-red": [50, None], "vis-green": [15, None], "vis-blue": [10, None]}


def test_opacity_scales_the_mask(ee: ModuleType, one: Any):
    shown = ee.Image("one").updateMask(ee.Image("one").divide(200)).visualize(max=200, opacity=0.5)
    assert row(shown.mask(), 4, one=one) == {"vis-gray": [0, 0.125, 0.25, 0.5]}
    assert row(ee.Image("one").visualize(max=200, opacity=0), 4, one=one) == {"vis-gray": [None] * 4}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"min": 2, "max": 1}, "min must be less than max"),
        ({"min": 2}, "a min and no max is not implemented"),
        ({"min": 0, "max": 1, "gain": 2}, "not both"),
        ({"max": [1, 2]}, "one for each of 1 bands"),
        ({"max": "x"}, "must be one finite number"),
        ({"gamma": 0, "max": 1}, "gamma must be above 0"),
        ({"palette": ["nocolour"]}, "is not a colour"),
        ({"opacity": 2}, "from 0 to 1"),
        ({"bands": ["a", "a"]}, "1 or 3 bands"),
        ({"bands": ["z"]}, "did not match any bands"),
    ],
)
def test_settings_that_cannot_be_used_are_said(ee: ModuleType, one: Any, arguments: dict[str, Any], sentence: str):
    with pytest.raises(ComputeError, match=rf"^Image.visualize: .*{sentence}"):
        row(ee.Image("one").visualize(**arguments), 4, one=one)


def test_bands_with_different_fractions_are_refused(ee: ModuleType, one: Any):
    image = ee.Image("one").updateMask(0.5).addBands([ee.Image("one").updateMask(0.25), ee.Image("one")])
    with pytest.raises(ComputeError, match="different masks between 0 and 1 is not implemented"):
        row(image.visualize(max=200), 4, one=one)
