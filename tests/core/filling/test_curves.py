"""What every method promises for any input: observations kept, pixels independent, gaps told from data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.filling import curves as module
from s2mask_qgis.core.filling.curves import fill, fit_curves
from s2mask_qgis.core.filling.parameters import METHODS, FillParameters
from s2mask_qgis.core.filling.plan import FillPlan, make_plan
from s2mask_qgis.core.filling.quality import NO_VALUE, OBSERVED, words
from s2mask_qgis.core.filling.robust import rejected

pytestmark = pytest.mark.filterwarnings("error")


def season(dates: int, pixels: int, seed: int = 0, missing: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """A year of NDVI with one season, noise and gaps."""
    rng = np.random.default_rng(seed)
    days = 19000 + np.sort(rng.choice(365, dates, replace=False)).astype(float)
    wave = 0.45 + rng.uniform(0.1, 0.35, pixels) * np.sin(2 * np.pi * (days[:, None] - 19080) / 365.25)
    values = (wave + rng.normal(0, 0.01, wave.shape)).astype(np.float32)
    values[rng.random(values.shape) < missing] = np.nan
    return days, values


def plan_of(days: np.ndarray, values: np.ndarray, method: str, **more) -> FillPlan:
    """A plan of a given strength, since choosing one takes its time."""
    more = {"strength": {"harmonic": 0.01}.get(method, 10.0)} | more
    return make_plan(days, values, FillParameters(method=method, **more))


@pytest.mark.parametrize("method", METHODS)
def test_observations_are_kept_and_gaps_are_near_the_season(method):
    days, values = season(50, 30)
    filled = fill(days, values, plan_of(days, values, method, robust=False))
    seen = np.isfinite(values)
    assert np.array_equal(filled.final[seen], values[seen])
    assert (filled.quality[seen] == OBSERVED).all()
    assert (filled.uncertainty[seen] == 0).all()
    assert np.array_equal(np.isnan(filled.observed), ~seen)
    assert (filled.quality[~seen] != OBSERVED).all()
    assert (filled.uncertainty[~seen] > 0).all()
    truth = season(50, 30, missing=0.0)[1]
    assert np.abs(filled.final - truth)[~seen].max() < 0.35
    assert np.sqrt(np.square(filled.final - truth)[~seen].mean()) < 0.05


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dates", [1, 2, 3, 5])
def test_few_images_give_defined_values_without_warnings(method, dates):
    days, values = season(dates, 12, missing=0.4)
    values[:, 0] = np.nan
    filled = fill(days, values, plan_of(days, values, method))
    empty = ~np.isfinite(filled.final)
    assert empty[:, 0].all()
    assert (filled.quality[empty] == NO_VALUE).all()
    assert np.isnan(filled.uncertainty[empty]).all()
    assert np.isfinite(filled.uncertainty[~empty]).all()
    assert np.abs(filled.final[~empty]).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_a_series_without_any_clear_observation_stays_empty(method):
    days, values = season(20, 4)
    values[:] = np.nan
    filled = fill(days, values, plan_of(days, values, method))
    assert np.isnan(filled.final).all()
    assert (filled.quality == NO_VALUE).all()


@pytest.mark.parametrize("method", METHODS)
def test_infinite_values_count_as_missing(method):
    days, values = season(40, 6)
    plan = plan_of(days, values, method)
    infinite = np.where(np.isnan(values), np.float32(np.inf), values)
    assert np.array_equal(fill(days, values, plan).final, fill(days, infinite, plan).final, equal_nan=True)
    assert np.isnan(fill(days, infinite, plan).observed).any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.0, 0.6, -1.0])
def test_a_constant_series_stays_constant(method, level):
    days, values = season(40, 5)
    values[np.isfinite(values)] = level
    final = fill(days, values, plan_of(days, values, method)).final
    np.testing.assert_allclose(final, level, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_dates_that_crowd_in_two_days_are_filled_without_swinging(method):
    days = np.concatenate([19000 + np.arange(20) * 0.1, [19200.0, 19201.0]])
    values = np.full((22, 3), 0.5, np.float32)
    values[:20:2] = 0.52
    values[20] = np.nan
    filled = fill(days, values, plan_of(days, values, method))
    known = np.isfinite(filled.final)
    assert np.abs(filled.final[known] - 0.5).max() < 0.15


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([19000.0, 19000.0, 19005.0], "merge"),
        ([19000.0, 18990.0, 19005.0], "must rise"),
        ([19000.0, np.nan, 19005.0], "not a number"),
        ([19000.0, 19005.0], "belong together"),
    ],
)
def test_days_that_cannot_be_used_are_refused_with_a_sentence(days, sentence):
    values = np.full((3, 4), 0.5, np.float32)
    with pytest.raises(ParameterError, match=sentence):
        make_plan(np.array(days), values, FillParameters())
    plan = make_plan(np.array([19000.0, 19010.0, 19020.0]), values, FillParameters())
    with pytest.raises(ParameterError, match=sentence):
        fill(np.array(days), values, plan)


def test_no_image_at_all_is_refused_with_a_sentence():
    with pytest.raises(ParameterError, match="no date"):
        make_plan(np.zeros(0), np.zeros((0, 4), np.float32), FillParameters())


@pytest.mark.parametrize("method", METHODS)
def test_count_and_longest_gap(method):
    days = np.array([19000.0, 19010.0, 19050.0, 19060.0, 19100.0])
    values = np.full((5, 2), 0.4, np.float32)
    values[2, 0] = values[0, 1] = values[1, 1] = np.nan
    curves = fit_curves(days, values, days, plan_of(days, values, method))
    assert list(curves.count) == [4, 3]
    assert list(curves.longest_gap_days) == [50.0, 50.0]


@pytest.mark.parametrize("method", ["harmonic", "published", "savitzky-golay", "whittaker"])
def test_a_cloud_that_the_mask_missed_is_left_out_and_filled(method):
    days, values = season(60, 20, missing=0.2)
    clean = values.copy()
    values[30, :] = 0.05
    plan = plan_of(days, values, method)
    filled = fill(days, values, plan)
    assert fit_curves(days, values, days, plan).rejected[30].mean() > 0.9
    assert np.nanmax(np.abs(filled.final[30] - clean[30])) < 0.2
    kept = fill(days, values, plan_of(days, values, method, robust=False))
    assert np.array_equal(kept.final[30], values[30])


def test_at_most_a_fifth_of_the_observations_is_left_out_and_it_is_the_lowest():
    first = np.full((40, 2), 0.6, np.float32)
    values = first.copy()
    values[:9, 0] -= np.linspace(0.5, 0.6, 9, dtype=np.float32)
    assert np.array_equal(np.flatnonzero(rejected(values, first, noise=0.02)[:, 0]), np.arange(1, 9))
    assert not rejected(values, first, noise=0.02)[:, 1].any()


def test_uncertainty_grows_into_a_gap():
    days, values = season(60, 8, missing=0.0)
    values[20:40] = np.nan
    for method in METHODS:
        if method == "published":
            continue
        error = fill(days, values, plan_of(days, values, method, robust=False)).uncertainty
        assert (error[30] > error[20]).all(), method
        assert (error[30] > error[39]).all(), method


@pytest.mark.parametrize("method", METHODS)
def test_a_plan_survives_json_and_fills_the_same(method):
    days, values = season(40, 6)
    plan = plan_of(days, values, method)
    again = FillPlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert np.array_equal(fill(days, values, again).final, fill(days, values, plan).final, equal_nan=True)


def test_the_same_sample_gives_the_same_plan_and_the_chosen_strength_stands_in_the_scores():
    days, values = season(40, 60)
    plan = plan_of(days, values, "harmonic", strength=0.0)
    assert plan == plan_of(days, values, "harmonic", strength=0.0)
    assert (plan.strength, plan.annual_share) in {(score.strength, score.annual_share) for score in plan.scores}
    assert plan_of(days, values, "harmonic", strength=0.5).strength == 0.5


@pytest.mark.parametrize("method", METHODS)
def test_blocks_threads_and_the_order_of_pixels_change_nothing(method, monkeypatch):
    days, values = season(40, 50)
    plan = plan_of(days, values, method)
    whole = fill(days, values, plan)
    monkeypatch.setattr(module, "BLOCK_PX", 7)
    other = fill(days, values, plan, threads=2)
    np.testing.assert_allclose(other.final, whole.final, atol=2e-6)
    assert np.array_equal(other.quality, whole.quality)
    turned = fill(days, values[:, ::-1], plan)
    np.testing.assert_allclose(turned.final[:, ::-1], whole.final, atol=2e-6)
    np.testing.assert_allclose(turned.uncertainty[:, ::-1], whole.uncertainty, atol=2e-6)


LEVELS = st.sampled_from([float(np.float32(level)) for level in (np.nan, np.inf, -0.4, 0.0, 0.3, 0.31, 0.9)])


@settings(max_examples=25, deadline=None)
@given(
    values=hnp.arrays(np.float32, (9, 3), elements=LEVELS),
    method=st.sampled_from(METHODS),
    robust=st.booleans(),
)
def test_any_values_are_filled_within_their_range_and_none_is_made_up(values, method, robust):
    days = 19000 + np.array([0, 3, 8, 40, 41, 100, 101, 180, 400.0])
    plan = plan_of(days, np.where(np.isfinite(values), values, np.nan), method, robust=robust)
    filled = fill(days, values, plan)
    seen = np.isfinite(values)
    left_out = fit_curves(days, values, days, plan).rejected
    assert not left_out[~seen].any()
    kept = seen & ~left_out
    assert np.array_equal(filled.final[kept], values[kept])
    assert not np.isinf(filled.final).any()
    assert np.isnan(filled.final[:, ~seen.any(axis=0)]).all()
    assert np.array_equal(np.isnan(filled.final), filled.quality == NO_VALUE)
    assert np.array_equal(np.isnan(filled.uncertainty), np.isnan(filled.final))
    assert all(words(int(code)) for code in np.unique(filled.quality))


def test_a_code_that_no_band_holds_has_no_words():
    with pytest.raises(ValueError, match="99"):
        words(99)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("errors", [0, 3])
def test_errors_are_those_of_the_first_targets_alone(method, errors):
    days, values = season(40, 30)
    plan = plan_of(days, values, method)
    whole, part = fit_curves(days, values, days, plan), fit_curves(days, values, days, plan, errors=errors)
    np.testing.assert_array_equal(part.standard_error[:errors], whole.standard_error[:errors])
    assert np.isnan(part.standard_error[errors:]).all()
    np.testing.assert_array_equal(part.values, whole.values)
    np.testing.assert_array_equal(part.quality, whole.quality)


@pytest.mark.parametrize("method", METHODS)
def test_pixels_with_the_same_dates_are_filled_as_among_others(method):
    days, values = season(40, 40)
    shared = np.where(np.isnan(values[:, [1]]), np.nan, season(40, 40, seed=1, missing=0.0)[1]).astype(np.float32)
    plan = plan_of(days, values, method)
    together = fill(days, np.concatenate([shared, values], axis=1), plan)
    mixed = fill(days, np.stack([shared, values], axis=2).reshape(40, 80), plan)
    for name, found in vars(together).items():
        np.testing.assert_allclose(found[:, :40], getattr(mixed, name)[:, ::2], atol=2e-6)
        np.testing.assert_allclose(found[:, 40:], getattr(mixed, name)[:, 1::2], atol=2e-6)
