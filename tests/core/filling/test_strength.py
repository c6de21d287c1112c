"""What cross-validation chooses: folds of dates, strengths that follow the noise, errors that hold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from s2mask_qgis.core.filling.calibration import growth_per_day
from s2mask_qgis.core.filling.curves import fit_curves
from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.core.filling.plan import FillPlan, make_plan
from s2mask_qgis.core.filling.strength import STRENGTHS, USUAL_STRENGTH, held_out

pytestmark = pytest.mark.filterwarnings("error")

DAYS = 19_000 + 6.0 * np.arange(50)


def walks(noise: float, step: float, seed: int, pixels: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A smooth season with a random walk of the deviation ``step`` a date on it: the truth (n, p), and it observed."""
    rng = np.random.default_rng(seed)
    season = 0.5 + 0.25 * np.sin((DAYS[:, None] - DAYS[0]) / 50 + rng.uniform(0, 1, pixels))
    truth = season + np.cumsum(rng.normal(0, step, (len(DAYS), pixels)), axis=0)
    return truth, (truth + rng.normal(0, noise, truth.shape)).astype(np.float32)


def plan_of(values: np.ndarray, **more) -> FillPlan:
    return make_plan(DAYS[: len(values)], values, FillParameters(**more))


def test_folds_hold_a_fifth_of_the_dates_out_and_reach_over_both_ends():
    folds = held_out(DAYS, np.random.default_rng(0))
    shares = [out.mean() for out in folds]
    assert 0.15 < np.mean(shares) < 0.3
    assert max(shares) <= 0.3
    assert any(out[0] for out in folds)
    assert any(out[-1] for out in folds)
    assert not any(out.all() for out in folds)


def test_noisier_series_are_smoothed_more_strongly():
    quiet, noisy = (plan_of(walks(noise, 0.0, seed=1)[1]) for noise in (0.002, 0.08))
    assert quiet.strength < noisy.strength
    assert {quiet.strength, noisy.strength} <= set(STRENGTHS)
    assert quiet.noise < 0.01 < noisy.noise


def test_three_dates_are_filled_with_the_usual_strength():
    plan = plan_of(walks(0.01, 0.0, seed=2)[1][:3])
    assert plan.strength == USUAL_STRENGTH
    assert plan.scores == ()


@pytest.mark.parametrize("method", ["harmonic", "linear", "whittaker", "savitzky-golay", "published"])
@pytest.mark.parametrize("step", [0.0, 0.03])
def test_what_is_held_out_lies_within_two_standard_errors(method, step):
    inside = []
    for seed in range(2):
        values = walks(0.02, step, seed)[1]
        out = np.zeros(len(DAYS), bool)
        out[[4 + 2 * seed, 40]] = out[18 + seed : 24 + seed] = True
        left = DAYS[~out], values[~out]
        strength = {"harmonic": 0.01, "whittaker": 10.0}.get(method, 0.0)
        plan = make_plan(*left, FillParameters(method=method, strength=strength))
        curves = fit_curves(*left, DAYS[out], plan)
        inside.append((np.abs(curves.values - values[out]) < 2 * curves.standard_error).mean())
    assert np.mean(inside) > 0.88


def test_the_stated_error_of_a_noisy_season_is_not_much_larger_than_its_errors():
    truth, values = walks(0.03, 0.0, seed=3)
    out = np.zeros(len(DAYS), bool)
    out[20:25] = True
    curves = fit_curves(
        DAYS[~out], values[~out], DAYS[out], make_plan(DAYS[~out], values[~out], FillParameters(strength=0.01))
    )
    actual = np.sqrt(np.square(curves.values - truth[out]).mean() + 0.03**2)
    assert np.sqrt(np.square(curves.standard_error).mean()) < 2 * actual


def test_errors_grow_faster_where_held_out_blocks_show_it_and_never_slower_than_the_plan_says():
    values = walks(0.01, 0.05, seed=4)[1]
    plan = FillPlan("harmonic", tuple(DAYS.tolist()), True, 0.01, 0.7, (), noise=0.01, growth_per_day=1e-6)
    folds = held_out(DAYS, np.random.default_rng(1))
    assert growth_per_day(plan, DAYS, walks(0.01, 0.0, seed=4)[1], folds) < 2e-4
    assert growth_per_day(plan, DAYS, values, folds) > 2e-4
    assert growth_per_day(dataclasses.replace(plan, growth_per_day=0.5), DAYS, values, folds) == 0.5


def test_with_as_many_observations_a_longer_gap_lowers_the_order_and_raises_the_error():
    values = walks(0.02, 0.01, seed=5)[1]
    spread, gathered = values.copy(), values.copy()
    spread[1:-1:2] = np.nan
    gathered[13 : 13 + np.isnan(spread[:, 0]).sum()] = np.nan
    plan = plan_of(values, strength=0.003, robust=False)
    even, gap = (fit_curves(DAYS, each, DAYS, plan) for each in (spread, gathered))
    assert np.array_equal(even.count, gap.count)
    assert (gap.longest_gap_days > 10 * even.longest_gap_days).all()
    assert (gap.quality[0] < even.quality[0]).all()
    assert (gap.standard_error[25] > 1.5 * even.standard_error[25]).all()
