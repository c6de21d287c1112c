"""Maps of seasons: curves whose seasons are known in closed form, and curves that have none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.core.seasons.definitions import BANDS
from s2mask_qgis.core.seasons.maps import season_bands, season_maps
from s2mask_qgis.core.seasons.parameters import SeasonParameters
from tests.core.seasons.curves import YEAR, day_of_year, double_logistic, hump, regular_days, straight

pytestmark = pytest.mark.filterwarnings("error")

PARAMETERS = SeasonParameters()
TRAPEZOID = {60: 0.2, 160: 0.8, 200: 0.8, 260: 0.1}


def one_pixel(days: np.ndarray, curve: np.ndarray, parameters: SeasonParameters = PARAMETERS, year: int = YEAR) -> dict:
    return {band: float(values[0]) for band, values in season_maps(days, curve, year, parameters).items()}


def seasons_found(days: np.ndarray, curve: np.ndarray, year: int = YEAR) -> int:
    found = one_pixel(days, curve, year=year)
    return int(np.isfinite(found["MAXD_1"])) + int(np.isfinite(found["MAXD_2"]))


def test_the_bands_are_the_thirteen_parameters_of_each_season():
    assert len(BANDS) == 13
    assert season_bands(SeasonParameters(seasons=1)) == tuple(f"{band}_1" for band in BANDS)
    assert season_bands(PARAMETERS)[12:15] == ("TPROD_1", "SOSD_2", "SOSV_2")
    assert tuple(season_maps(regular_days(), hump(regular_days(), 180, 0.6, 40), YEAR, PARAMETERS)) == season_bands(
        PARAMETERS
    )


@pytest.mark.parametrize("step_days", [1.0, 5.0])
def test_a_trapezoid_has_the_parameters_of_school_geometry(step_days):
    days = regular_days(step_days, before_days=91)  # steps fall on the corners
    found = one_pixel(days, straight(days, TRAPEZOID))
    expected = {
        "SOSD_1": 60 + 0.25 * 100,
        "SOSV_1": 0.2 + 0.25 * 0.6,
        "EOSD_1": 260 - 0.15 * 60,
        "EOSV_1": 0.1 + 0.15 * 0.7,
        "MAXD_1": 160 + 0.5 * step_days,  # amid the two highest steps that come first
        "MAXV_1": 0.8,
        "MINV_1": 0.15,
        "LENGTH_1": 166,
        "AMPL_1": 0.65,
        "LSLOPE_1": 0.6 / 100,
        "RSLOPE_1": 0.7 / 60,
        "TPROD_1": 75 * (0.35 + 0.8) / 2 + 40 * 0.8 + 51 * (0.8 + 0.205) / 2,
        "SPROD_1": 75 * (0.35 + 0.8) / 2 + 40 * 0.8 + 51 * (0.8 + 0.205) / 2 - 0.15 * 166,
    }
    assert {band: found[band] for band in expected} == pytest.approx(expected, rel=2e-6)
    assert all(np.isnan(found[f"{band}_2"]) for band in BANDS)


def test_the_thresholds_are_those_of_the_parameters():
    days = regular_days(1.0)
    found = one_pixel(days, straight(days, TRAPEZOID), SeasonParameters(start_share=0.5, end_share=0.9))
    assert found["SOSD_1"] == pytest.approx(110)
    assert found["EOSD_1"] == pytest.approx(206)
    assert found["LSLOPE_1"] == pytest.approx(0.006)
    assert found["RSLOPE_1"] == pytest.approx(0.7 / 60)


@pytest.mark.parametrize(("step_days", "tolerance_days"), [(1.0, 0.1), (5.0, 0.6)])
def test_a_double_logistic_season_starts_and_ends_where_its_formula_says(step_days, tolerance_days):
    days = regular_days(step_days)
    found = one_pixel(days, double_logistic(days, 0.15, 0.85, rise=110, rise_rate=0.12, fall=270, fall_rate=0.08))
    assert found["SOSD_1"] == pytest.approx(110 + np.log(0.25 / 0.75) / 0.12, abs=tolerance_days)
    assert found["EOSD_1"] == pytest.approx(270 + np.log(0.85 / 0.15) / 0.08, abs=tolerance_days)
    assert found["LSLOPE_1"] == pytest.approx(0.7 * 0.6 * 0.12 / (2 * np.log(4)), rel=0.02)
    assert found["RSLOPE_1"] == pytest.approx(0.7 * 0.6 * 0.08 / (2 * np.log(4)), rel=0.02)
    assert found["AMPL_1"] == pytest.approx(0.7, abs=0.002)


@pytest.mark.parametrize("day", [150.0, 151.3, 153.9])
def test_the_day_of_the_maximum_is_finer_than_the_step(day):
    days = regular_days()
    assert one_pixel(days, 0.1 + hump(days, day, 0.6, 45))["MAXD_1"] == pytest.approx(day, abs=0.1)


def test_two_harvests_are_two_seasons_in_the_order_of_time():
    days = regular_days()
    found = one_pixel(days, 0.15 + hump(days, 120, 0.4, 25) + hump(days, 240, 0.6, 25))
    assert (found["MAXD_1"], found["MAXD_2"]) == pytest.approx((120, 240), abs=0.1)
    assert (found["MAXV_1"], found["MAXV_2"]) == pytest.approx((0.55, 0.75), abs=0.01)
    assert found["EOSD_1"] < found["SOSD_2"]


def test_one_season_of_two_is_the_one_of_the_larger_amplitude():
    days = regular_days()
    curve = 0.15 + hump(days, 120, 0.4, 25) + hump(days, 240, 0.6, 25)
    assert one_pixel(days, curve, SeasonParameters(seasons=1))["MAXD_1"] == pytest.approx(240, abs=0.1)


def test_of_three_maxima_the_two_larger_ones_are_taken_in_the_order_of_time():
    days = regular_days()
    curve = 0.1 + hump(days, 70, 0.6, 20) + hump(days, 180, 0.3, 20) + hump(days, 290, 0.5, 20)
    found = one_pixel(days, curve)
    assert (found["MAXD_1"], found["MAXD_2"]) == pytest.approx((70, 290), abs=0.1)


@pytest.mark.parametrize(("valley", "seasons"), [(0.6, 1), (0.45, 2)])
def test_a_valley_parts_seasons_from_a_quarter_of_the_range_on(valley, seasons):
    days = regular_days(1.0)
    curve = straight(days, {60: 0.1, 130: 0.7, 170: valley, 210: 0.7, 280: 0.1})
    assert seasons_found(days, curve) == seasons


def test_a_shallow_dip_belongs_to_the_season_it_interrupts():
    days = regular_days(1.0)
    found = one_pixel(days, straight(days, {60: 0.1, 130: 0.7, 170: 0.6, 210: 0.72, 280: 0.1}))
    assert found["MAXD_1"] == pytest.approx(210, abs=0.5)
    assert found["LENGTH_1"] > 160


def test_a_season_over_new_year_belongs_to_the_year_of_its_maximum():
    days = regular_days(5.0, 180, 180)
    curve = 0.15 + hump(days, 10, 0.6, 60)
    found = one_pixel(days, curve)
    assert found["MAXD_1"] == pytest.approx(10, abs=0.1)
    assert found["SOSD_1"] < 0 < found["EOSD_1"]
    assert seasons_found(days, curve, YEAR - 1) == 0
    assert seasons_found(days, curve, YEAR + 1) == 0


@given(st.floats(-200, 560), st.floats(20, 60))
def test_a_season_belongs_to_exactly_one_year(day, width_days):
    days = regular_days(5.0, 500, 500)
    curve = 0.15 + hump(days, day, 0.6, width_days)
    assert sum(seasons_found(days, curve, year) for year in range(YEAR - 2, YEAR + 3)) == 1


def test_southern_summers_end_in_the_year_after_their_maximum():
    days = regular_days(5.0, 180, 180)
    curve = 0.15 + hump(days, 350, 0.6, 50) + hump(days, 350 - 365, 0.6, 50)
    found = one_pixel(days, curve)
    assert seasons_found(days, curve) == 1
    assert found["MAXD_1"] == pytest.approx(350, abs=0.1)
    assert found["EOSD_1"] == pytest.approx(350 + 50 * np.sqrt(np.log(1 / 0.15)), abs=1)
    assert found["EOSD_1"] > 366


def test_the_same_season_is_found_whatever_else_the_curve_holds():
    long, short = regular_days(5.0, 800, 800), regular_days(5.0, 180, 180)
    curve = sum(hump(long, 180 + 365 * year, 0.6, 40) for year in range(-3, 4)) + np.float32(0.1)
    within = np.isin(long, short)
    assert one_pixel(long, curve) == pytest.approx(one_pixel(short, curve[within]), nan_ok=True, rel=1e-6)


@pytest.mark.parametrize(
    "curve",
    [
        pytest.param(lambda days: 0 * hump(days, 0, 0, 1) + 0.5, id="flat"),
        pytest.param(lambda days: 0.3 + hump(days, 180, 0.09, 40), id="below the least amplitude"),
        pytest.param(lambda days: -0.4 + hump(days, 180, 0.45, 40), id="water, below the least maximum"),
        pytest.param(lambda days: np.nan * hump(days, 0, 0, 1), id="nothing known"),
        pytest.param(lambda days: straight(days, {-90: 0.1, 455: 0.9}), id="rising all the time"),
        pytest.param(lambda days: straight(days, {-90: 0.9, 455: 0.1}), id="falling all the time"),
    ],
)
def test_a_curve_without_a_season_has_no_parameters(curve):
    days = regular_days()
    assert all(np.isnan(value) for value in one_pixel(days, curve(days)).values())


def test_what_rounding_leaves_of_a_flat_curve_is_no_season():
    days = regular_days()
    steps = np.random.default_rng(0).integers(0, 3, (len(days), 50))
    curve = np.float32(0.5) + steps.astype(np.float32) * np.finfo(np.float32).eps
    maps = season_maps(days, curve, YEAR, SeasonParameters(least_amplitude=0.0))
    assert all(np.isnan(values).all() for values in maps.values())


@pytest.mark.parametrize("known", [(130, 366), (0, 230)])
def test_a_season_whose_flank_is_cut_off_half_way_up_is_none(known):
    days = regular_days()
    day = day_of_year(days)
    whole = 0.1 + hump(days, 180, 0.6, 60)
    cut = np.where(((day >= known[0]) & (day < known[1]))[:, None], whole, np.nan)
    assert seasons_found(days, whole) == 1
    assert seasons_found(days, cut) == 0
    inside = (day >= known[0]) & (day < known[1])
    assert seasons_found(days[inside], whole[inside]) == 0


def test_a_flank_that_is_cut_off_below_the_threshold_is_known_well_enough():
    days = regular_days(5.0, before_days=-80, after_days=-70)  # from day 81 to day 295
    curve = 0.1 + hump(days, 180, 0.6, 60)
    assert seasons_found(days, curve) == 1


@pytest.mark.parametrize(("flat_days", "seasons"), [(20, 1), (0, 0)])
def test_a_curve_that_begins_or_ends_flat_has_known_minima_there(flat_days, seasons):
    """High above the other minimum: only that it is flat tells a minimum from a flank that is cut off."""
    days = regular_days(5.0, before_days=0)
    rising = straight(days, {1: 0.5, 1 + flat_days: 0.5, 150: 0.8, 250: 0.1, 300: 0.1})
    assert seasons_found(days, rising) == seasons
    falling = straight(days, {60: 0.1, 150: 0.8, 451 - flat_days: 0.5, 451: 0.5})
    assert seasons_found(days, falling) == seasons


def test_a_gap_parts_the_curve():
    days = regular_days()
    curve = 0.1 + hump(days, 100, 0.5, 25) + hump(days, 250, 0.6, 25)
    curve[(day_of_year(days) > 160) & (day_of_year(days) < 190)] = np.nan
    found = one_pixel(days, curve)
    assert (found["MAXD_1"], found["MAXD_2"]) == pytest.approx((100, 250), abs=0.1)
    assert found["TPROD_2"] == pytest.approx(one_pixel(days, 0.1 + hump(days, 250, 0.6, 25))["TPROD_1"], rel=5e-3)
    curve[(day_of_year(days) > 245) & (day_of_year(days) < 255)] = np.nan
    assert seasons_found(days, curve) == 1


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 10])
def test_a_series_shorter_than_a_season_has_none(rows):
    days = regular_days()[40 : 40 + rows]
    maps = season_maps(days, np.full((rows, 3), 0.4, np.float32), YEAR, PARAMETERS)
    assert set(maps) == set(season_bands(PARAMETERS))
    assert all(values.shape == (3,) and np.isnan(values).all() for values in maps.values())


def test_another_year_than_that_of_the_curve_has_no_season():
    days = regular_days()
    assert seasons_found(days, 0.1 + hump(days, 180, 0.6, 40), YEAR + 5) == 0


@pytest.mark.parametrize("factor", [3, -1, 0])
def test_days_that_cannot_be_used_are_refused(factor):
    with pytest.raises(ValueError, match="equal steps"):
        season_maps(factor * np.arange(10.0) * 5, np.zeros((10, 1), np.float32), YEAR, PARAMETERS)
    with pytest.raises(ValueError, match="does not fit"):
        season_maps(np.arange(9.0), np.zeros((10, 1), np.float32), YEAR, PARAMETERS)


def test_no_pixels_have_empty_maps():
    days = regular_days()
    assert season_maps(days, np.zeros((len(days), 0), np.float32), YEAR, PARAMETERS)["SOSD_1"].shape == (0,)


SMOOTH = st.lists(st.tuples(st.floats(20, 340), st.floats(0.05, 0.7), st.floats(15, 60)), min_size=1, max_size=3)


def smooth(days: np.ndarray, humps: list[tuple[float, float, float]]) -> np.ndarray:
    return np.float32(0.1) + sum(hump(days, *each) for each in humps)


@given(SMOOTH, st.floats(-2.0, 2.0))
def test_a_curve_that_comes_later_has_the_same_seasons_later(humps, shift_days):
    days = regular_days(5.0, 180, 180)
    curve = smooth(days, humps)
    now, later = one_pixel(days, curve, year=YEAR), one_pixel(days + shift_days, curve, year=YEAR)
    for band, value in now.items():
        assert later[band] == pytest.approx(value + shift_days * (band[3:5] == "D_"), nan_ok=True, rel=1e-5, abs=1e-4)


@given(SMOOTH, st.floats(1.0, 1.3))
def test_a_curve_scaled_has_the_same_days_and_scaled_values(humps, factor):
    days = regular_days(5.0, 180, 180)
    curve = smooth(days, humps)
    parameters = SeasonParameters(least_amplitude=0.0)
    plain, scaled = one_pixel(days, curve, parameters), one_pixel(days, np.float32(factor) * curve, parameters)
    for band, value in plain.items():
        is_time = band[3:5] == "D_" or band.startswith("LENGTH")
        assert scaled[band] == pytest.approx(value * (1 if is_time else factor), nan_ok=True, rel=1e-3, abs=1e-3)


@given(st.permutations(range(12)))
def test_the_order_of_pixels_does_not_matter(order):
    days = regular_days()
    curve = np.hstack([smooth(days, [(60 + 15 * number, 0.5, 20 + 3 * number)]) for number in range(12)])
    straight_on = season_maps(days, curve, YEAR, PARAMETERS)
    mixed = season_maps(days, curve[:, list(order)], YEAR, PARAMETERS)
    for band, values in straight_on.items():
        np.testing.assert_array_equal(mixed[band], values[list(order)])


def test_blocks_do_not_change_pixels(monkeypatch):
    days = regular_days()
    curve = np.hstack([smooth(days, [(60 + 15 * number, 0.5, 20 + 3 * number)]) for number in range(12)])
    whole = season_maps(days, curve, YEAR, PARAMETERS)
    monkeypatch.setattr("s2mask_qgis.core.seasons.maps.BLOCK_PX", 5)
    for band, values in season_maps(days, curve, YEAR, PARAMETERS).items():
        np.testing.assert_array_equal(values, whole[band])
