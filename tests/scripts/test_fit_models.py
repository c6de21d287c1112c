"""The fit of the models with magnitudes: what it draws, how it fits, and what it must hold to."""

from __future__ import annotations

import numpy as np
import pytest

from fit_additive import SHAPES, Labelled, fit, measures, probability
from fit_air import NO_CLOUD, cover
from fit_anchors import anchors
from fit_judge import scores
from fit_models import JUDGE_SEEDS, RECIPES, SAMPLE_SEEDS, Material, fitted, sample_settings
from fit_pixels import Pairs, draw
from fit_samples import sample_pixels
from s2mask_qgis.core.features import MEASURES
from s2mask_qgis.core.models.model import Additive
from s2mask_qgis.core.scenes import BANDS
from s2mask_qgis.simulation.scene import Truth
from s2mask_qgis.simulation.settings import SampleSettings
from tests.reference import measures as reference

PIXELS = 4_000


@pytest.fixture(scope="module")
def drawn() -> tuple[Pairs, Pairs]:
    return draw(PIXELS, seed=7)


@pytest.fixture(scope="module")
def models(drawn: tuple[Pairs, Pairs]) -> dict[str, Additive]:
    return {recipe.name: fitted(recipe, Material(*drawn, ())) for recipe in RECIPES}


def bands_of(pixels: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(BANDS, pixels.T, strict=True))


def test_every_measure_has_a_shape_and_equals_its_reference(drawn: tuple[Pairs, Pairs]) -> None:
    above, _ = drawn
    found = measures(above.image, above.background)
    assert set(found) == set(SHAPES) == set(MEASURES)
    for name, values in found.items():
        expected = reference.measure(name, bands_of(above.image), bands_of(above.background))
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_drawn_pixels_are_the_same_for_the_same_seed_only(drawn: tuple[Pairs, Pairs]) -> None:
    again, other = draw(PIXELS, seed=7)[0], draw(PIXELS, seed=8)[0]
    np.testing.assert_array_equal(again.image, drawn[0].image)
    assert not np.array_equal(other.image, again.image)


def test_drawn_pixels_are_finite_and_look_like_reflectance(drawn: tuple[Pairs, Pairs]) -> None:
    for pairs in drawn:
        assert np.isfinite(pairs.image).all()
        assert np.isfinite(pairs.background).all()
    assert drawn[0].image.min() > -0.01
    assert drawn[0].image.max() < 1.3
    clear_blue = drawn[0].image[(drawn[0].rise == 0) & ~drawn[0].snowy, BANDS.index("B2")]
    assert 0.06 < np.median(clear_blue) < 0.16


def test_no_cloud_changes_nothing() -> None:
    ground = np.full((5, 13), 0.2)
    seen, rise = cover(ground, np.full(5, NO_CLOUD), np.random.default_rng(1))
    np.testing.assert_array_equal(seen, ground)
    np.testing.assert_array_equal(rise, 0)


def test_fitted_terms_go_the_way_their_shapes_allow(models: dict[str, Additive]) -> None:
    for model in models.values():
        for term in model.terms:
            steps = np.diff(term.values)
            assert (steps >= 0).all() if SHAPES[term.measure].rises else (steps <= 0).all()


def test_a_fit_finds_the_odds_that_the_labels_were_drawn_from() -> None:
    rng = np.random.default_rng(3)
    image = np.full((40_000, 13), 0.1)
    level = rng.choice((0.01, 0.02), len(image))
    image[:, BANDS.index("B10")] = level
    is_cloud = rng.random(len(image)) < np.where(level > 0.015, 0.9, 0.2)
    model = fit([Labelled(image, image, is_cloud, np.ones(len(image)))], ["cirrus_level"], ridge=0.0)
    found = probability(model, image, image)
    assert found[level < 0.015][0] == pytest.approx(0.2, abs=0.01)
    assert found[level > 0.015][0] == pytest.approx(0.9, abs=0.01)


def test_weights_count_in_a_fit() -> None:
    image = np.full((2, 13), 0.1)
    model = fit([Labelled(image, image, np.array([True, False]), np.array([3.0, 1.0]))], ["cirrus_level"], ridge=1e-6)
    np.testing.assert_allclose(probability(model, image, image), 0.75, atol=0.001)


def test_models_hold_to_the_anchors(models: dict[str, Additive]) -> None:
    image, background, is_cloud = anchors()
    for recipe in RECIPES:
        flagged = probability(models[recipe.name], image, background) > recipe.cutoff
        assert flagged[is_cloud].mean() > 0.6
        assert flagged[~is_cloud].mean() < 0.25


def test_models_tell_plain_clouds_from_clear_ground(models: dict[str, Additive]) -> None:
    above, below = draw(PIXELS, seed=9)
    for recipe, pairs in zip(RECIPES, (above, below), strict=True):
        flagged = probability(models[recipe.name], pairs.image, pairs.background) > recipe.cutoff
        assert flagged[pairs.rise > 0.2].mean() > 0.95
        assert flagged[(pairs.rise == 0) & ~pairs.snowy].mean() < 0.05


def test_the_model_without_cirrus_needs_no_band_that_level_2a_lacks() -> None:
    without = next(recipe for recipe in RECIPES if recipe.name == "multitemporal")
    bands = {band for measure in without.measures for band in MEASURES[measure].bands}
    assert not bands & {"B1", "B9", "B10"}


def test_samples_give_pixels_of_one_class_with_their_background(models: dict[str, Additive]) -> None:
    sample = sample_pixels(SampleSettings(size_px=120, dates=8, step_days=5, seed=4))
    assert set(np.unique(sample.truth)) <= set(Truth) - {Truth.NO_DATA}
    assert sample.image.shape == sample.background.shape == (len(sample.truth), 13)
    clear = sample.truth == Truth.CLEAR
    blue = BANDS.index("B2")
    assert np.median(sample.image[clear, blue] - sample.background[clear, blue]) == pytest.approx(0, abs=0.02)
    found = scores(models["magnitude"], 0.5, Material(*draw(50, seed=1), (sample,)))
    assert found["balanced_accuracy"] > 0.9


def test_seeds_of_samples_to_judge_on_are_others() -> None:
    assert not set(JUDGE_SEEDS) & set(SAMPLE_SEEDS)
    assert sample_settings(JUDGE_SEEDS[0]).seed == JUDGE_SEEDS[0]
