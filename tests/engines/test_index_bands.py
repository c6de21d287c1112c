"""Indices of images that have B8, B8A or both."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from s2mask_qgis.core.indices import evi2, kndvi, ndvi
from tests.engines.in_process import image_of, values

RED, NEAR, NARROW = 500, 3000, 3500


def bands_of(names: tuple[str, ...]) -> dict[str, np.ndarray]:
    numbers = {"B4": RED, "B8": NEAR, "B8A": NARROW}
    return {name: np.full((1, 2), numbers[name], np.uint16) for name in names}


@pytest.mark.parametrize(
    ("names", "near_infrared"), [(("B4", "B8"), NEAR), (("B4", "B8A"), NARROW), (("B4", "B8", "B8A"), NEAR)]
)
def test_the_near_infrared_is_b8_or_where_there_is_none_b8a(ee: ModuleType, names: tuple[str, ...], near_infrared: int):
    image = ee.Image("image")
    computed = ndvi(image).addBands(evi2(image)).addBands(kndvi(image))
    found = values(computed, (1, 2), image=image_of(bands_of(names)))
    expected = (near_infrared - RED) / (near_infrared + RED)
    assert found["NDVI"][0] == pytest.approx([expected] * 2)
    assert found["kNDVI"][0] == pytest.approx([np.tanh(expected**2)] * 2)
    enhanced = 2.5 * (near_infrared - RED) / (near_infrared + 2.4 * RED + 10_000)
    assert found["EVI2"][0] == pytest.approx([enhanced] * 2)
