"""Measures equal their formulas on all that pixels can hold: darkness, saturation, and gaps in either image."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.core.feature_values import model_of
from s2mask_qgis.core.features import MEASURES
from s2mask_qgis.core.measures import measure_map
from s2mask_qgis.core.parameters import MODEL
from s2mask_qgis.core.plan import ImagePlan
from s2mask_qgis.core.scenes import BANDS
from tests.engines import conftest
from tests.engines.in_process import grid_of, image_of, row
from tests.reference import measures

ee = conftest.ee

WIDTH = 400
NAMES = ("image", "first", "second", "third")


def plan(bands: tuple[str, ...], clearest: tuple[str, ...] = NAMES[1:]) -> ImagePlan:
    return ImagePlan(
        image="image",
        grid=grid_of((1, WIDTH)),
        bands=bands,
        quality_bands=(),
        model=model_of(tuple(MEASURES)),
        cutoff=0.5,
        source=MODEL,
        union=False,
        source_cutoff=0.0,
        clearest=clearest,
    )


@pytest.fixture(scope="module")
def pixels() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Values (13, WIDTH) of each image from black to bright, and where they are valid."""
    generator = np.random.default_rng(11)
    brightest = np.repeat([0, 40, 300, 3000, 15_000], WIDTH // 5)
    return {
        name: (
            (generator.random((len(BANDS), WIDTH)) * (brightest + 1)).astype(np.uint16),
            generator.random((len(BANDS), WIDTH)) > 0.05,
        )
        for name in NAMES
    }


def images_of(pixels: dict[str, tuple[np.ndarray, np.ndarray]], bands: tuple[str, ...]) -> dict[str, Any]:
    chosen = [BANDS.index(band) for band in bands]
    return {
        name: image_of(dict(zip(bands, values[chosen])), dict(zip(bands, valid[chosen])))
        for name, (values, valid) in pixels.items()
    }


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_equals_its_formula_and_is_masked_where_a_band_is(ee: ModuleType, pixels, name: str):
    values, valid = pixels["image"]
    own = {band: np.where(known, one / 10_000, np.nan) for band, one, known in zip(BANDS, values, valid)}
    stack, known = (np.stack([pixels[other][part] for other in NAMES[1:]]) for part in (0, 1))
    background = measures.median(stack[:, :, np.newaxis], known[:, :, np.newaxis])
    expected = measures.measure(name, own, {band: one[0] for band, one in background.items()})
    (found,) = row(measure_map(plan(BANDS), name), WIDTH, **images_of(pixels, BANDS)).values()
    np.testing.assert_allclose(np.array(found, dtype=np.float64), expected, atol=1e-12)
    assert 0 < np.isnan(expected).mean() < 0.4


def test_b8_stands_for_the_near_infrared_where_there_is_no_b8a(ee: ModuleType, pixels):
    bands = ("B2", "B3", "B4", "B8", "B11")
    values, valid = pixels["image"]
    near, swir = BANDS.index("B8"), BANDS.index("B11")
    known = valid[near] & valid[swir]
    expected = np.where(known, (values[near].astype(float) - values[swir]) / 10_000, np.nan)
    (found,) = row(measure_map(plan(bands), "nir_swir"), WIDTH, **images_of(pixels, bands)).values()
    np.testing.assert_allclose(np.array(found, dtype=np.float64), expected, atol=1e-12)


def test_a_plan_without_images_to_compare_with_has_no_change(ee: ModuleType):
    with pytest.raises(ValueError, match="no images to compare with"):
        measure_map(plan(BANDS, ()), "brightening")
