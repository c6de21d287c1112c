"""Figures of a year, anomalies and trends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from s2mask_qgis.core.seasons.calendar import day_of_year, days_in, year_bounds
from s2mask_qgis.core.seasons.years import between_years, year_figures
from tests.core.seasons.curves import NEW_YEAR, YEAR, hump, regular_days, straight

pytestmark = pytest.mark.filterwarnings("error")


def test_days_are_counted_from_new_year_as_one():
    assert year_bounds(1970) == (0.0, 365.0)
    assert (days_in(2023), days_in(2024)) == (365, 366)
    assert day_of_year(NEW_YEAR + 0.5, YEAR) == 1.5


def test_a_straight_line_has_its_middle_as_the_mean_of_the_year():
    days = regular_days(5.0, 92, 92)
    figures = year_figures(days, straight(days, {-91: 0.0, 458: 0.549}), YEAR)
    middle = (1 + 182.5 + 91) * 0.001
    assert figures["mean"][0] == pytest.approx(middle, rel=1e-6)
    assert figures["integral"][0] == pytest.approx(365 * middle, rel=1e-6)
    last = days[days < NEW_YEAR + 365][-1]
    assert figures["maximum"][0] == pytest.approx((last - NEW_YEAR + 92) * 0.001, rel=1e-6)


def test_a_bell_has_the_integral_of_its_formula():
    days = regular_days()
    integral = year_figures(days, 0.1 + hump(days, 180, 0.6, 30), YEAR)["integral"][0]
    assert integral == pytest.approx(36.5 + 0.6 * 30 * np.sqrt(np.pi), rel=1e-5)


def test_only_the_year_counts():
    days = regular_days()
    curve = np.full((len(days), 1), 0.3, np.float32)
    curve[(days < NEW_YEAR - 5) | (days > NEW_YEAR + 370)] = 0.9
    figures = year_figures(days, curve, YEAR)
    assert [float(figures[name][0]) for name in ("mean", "maximum", "integral")] == pytest.approx([0.3, 0.3, 109.5])


def test_a_short_gap_is_left_out_of_the_mean_and_a_long_one_leaves_no_figures():
    days = regular_days(1.0)
    curve = np.full((len(days), 4), 0.4, np.float32)
    curve[:, 1:] = straight(days, {100: 0.4, 100.5: 0.8, 130: 0.8, 130.5: 0.4})
    gap = (days >= NEW_YEAR + 98) & (days <= NEW_YEAR + 131)
    curve[gap, 1] = np.nan
    curve[days < NEW_YEAR + 40, 2] = np.nan
    curve[:, 3] = np.nan
    figures = year_figures(days, curve, YEAR)
    assert figures["mean"][:2] == pytest.approx([0.4, 0.4], rel=1e-6)
    assert figures["maximum"][:2] == pytest.approx([0.4, 0.4])
    assert figures["integral"][:2] == pytest.approx([146, 146])
    assert all(np.isnan(values[2:]).all() for values in figures.values())


@pytest.mark.parametrize("days", [np.zeros(0), np.array([NEW_YEAR + 10.0]), regular_days(5.0, 90, -100)])
def test_a_series_of_less_than_the_year_has_no_figures(days):
    figures = year_figures(days, np.full((len(days), 2), 0.4, np.float32), YEAR)
    assert all(values.shape == (2,) and np.isnan(values).all() for values in figures.values())


def test_figures_are_single_precision():
    days = regular_days()
    assert {values.dtype for values in year_figures(days, hump(days, 180, 0.6, 30), YEAR).values()} == {
        np.dtype(np.float32)
    }


def test_an_anomaly_is_against_the_mean_of_the_other_years():
    found = between_years([2019, 2020, 2021], np.array([[0.2], [0.4], [0.9]]))
    assert found.anomaly[:, 0] == pytest.approx([0.2 - 0.65, 0.4 - 0.55, 0.9 - 0.3])


def test_years_without_a_figure_count_for_nothing():
    nan = np.nan
    found = between_years([2019, 2020, 2021], np.array([[0.2, nan, nan], [nan, nan, 0.4], [0.9, 0.5, nan]]))
    expected = [[-0.7, nan, nan], [nan, nan, nan], [0.7, nan, nan]]
    np.testing.assert_allclose(found.anomaly, expected, rtol=1e-6)


def test_trends_are_those_of_scipy():
    random = np.random.default_rng(0)
    years = [2016, 2017, 2019, 2020, 2021, 2024]
    figures = random.normal(0.5, 0.1, (6, 40)) + np.outer(np.arange(6), random.normal(0, 0.05, 40))
    figures[random.random((6, 40)) < 0.2] = np.nan
    found = between_years(years, figures)
    compared = 0
    for pixel in range(40):
        known = ~np.isnan(figures[:, pixel])
        if known.sum() < 4:
            assert np.isnan(found.slope[pixel])
            assert np.isnan(found.p_value[pixel])
            continue
        line = linregress(np.array(years)[known], figures[known, pixel])
        assert found.slope[pixel] == pytest.approx(line.slope, rel=1e-5)
        assert found.p_value[pixel] == pytest.approx(line.pvalue, rel=1e-5)
        compared += 1
    assert compared > 20


def test_a_trend_needs_four_years():
    figures = np.array([[0.1], [0.2], [0.35], [0.4]])
    assert np.isnan(between_years([1, 2, 3], figures[:3]).slope[0])
    assert between_years([1, 2, 3, 4], figures).slope[0] == pytest.approx(0.105)


def test_figures_without_scatter_have_certain_trends():
    found = between_years([2020, 2021, 2022, 2023], np.array([[0.25, 0.1], [0.5, 0.1], [0.75, 0.1], [1.0, 0.1]]))
    assert found.slope == pytest.approx([0.25, 0.0])
    assert found.p_value == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize("years", [[2020, 2020], [2020], [2020, 2021, 2022]])
def test_years_that_do_not_fit_are_refused(years):
    with pytest.raises(ValueError, match="do not fit"):
        between_years(years, np.zeros((2, 1)))
