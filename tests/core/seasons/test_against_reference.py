"""Maps of seasons beside the reference that takes one pixel at a time, on made and on real curves."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal
from scipy.signal import savgol_filter

from s2mask_qgis.core.filling.curves import fit_curves
from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.core.filling.plan import make_plan
from s2mask_qgis.core.seasons.definitions import BANDS
from s2mask_qgis.core.seasons.maps import season_maps
from s2mask_qgis.core.seasons.parameters import SeasonParameters
from tests.core.seasons.curves import YEAR, regular_days
from tests.reference.seasons import seasons_of_pixel

pytestmark = pytest.mark.filterwarnings("error")

TOLERANCE = {"SOSD": 2e-3, "EOSD": 2e-3, "MAXD": 2e-3, "LENGTH": 4e-3, "SPROD": 2e-3, "TPROD": 2e-3}
"""In days, and in index x day; values agree to 1e-5, as single precision allows."""


def assert_agrees(days: np.ndarray, curve: np.ndarray, year: int, parameters: SeasonParameters) -> int:
    """Compare all pixels, and tell how many seasons there were."""
    maps = season_maps(days, curve, year, parameters)
    count = 0
    for pixel in range(curve.shape[1]):
        expected = seasons_of_pixel(
            days,
            curve[:, pixel],
            year,
            parameters.start_share,
            parameters.end_share,
            parameters.seasons,
            parameters.least_amplitude,
        )
        for season in range(parameters.seasons):
            found = {band: float(maps[f"{band}_{season + 1}"][pixel]) for band in BANDS}
            if season >= len(expected):
                assert all(np.isnan(value) for value in found.values()), (pixel, found)
                continue
            count += 1
            for band, value in expected[season].items():
                assert found[band] == pytest.approx(value, abs=TOLERANCE.get(band, 1e-5), rel=1e-5), (pixel, band)
    return count


def noisy_curves(pixels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth random curves with one to three humps a year, and wiggles."""
    random = np.random.default_rng(seed)
    days = regular_days(5.0, 180, 180)
    steps = random.normal(0, 1, (len(days), pixels))
    wiggles = savgol_filter(steps, 9, 2, axis=0) * random.uniform(0, 0.04, pixels)
    t = (days - days[0])[:, None]
    year = np.cos(2 * np.pi * (t / 365.25 - random.uniform(0, 1, pixels)))
    half = np.cos(4 * np.pi * (t / 365.25 - random.uniform(0, 1, pixels)))
    curve = 0.4 + random.uniform(0, 0.3, pixels) * year + random.uniform(0, 0.3, pixels) * half + wiggles
    return days, curve.astype(np.float32)


@pytest.mark.parametrize(
    "parameters",
    [
        SeasonParameters(),
        SeasonParameters(seasons=1),
        SeasonParameters(start_share=0.5, end_share=0.5, least_amplitude=0.05),
        SeasonParameters(start_share=0.05, end_share=0.95),
        SeasonParameters(least_amplitude=0.4),
    ],
    ids=["default", "one season", "half way", "early and early", "large only"],
)
def test_made_curves(parameters):
    days, curve = noisy_curves(120, seed=1)
    assert assert_agrees(days, curve, YEAR, parameters) > 30


def test_made_curves_with_gaps():
    days, curve = noisy_curves(120, seed=2)
    random = np.random.default_rng(3)
    for pixel in range(120):
        begin = random.integers(0, len(days))
        curve[begin : begin + random.integers(1, 15), pixel] = np.nan
    assert assert_agrees(days, curve, YEAR, SeasonParameters()) > 60


@pytest.mark.parametrize(("before_days", "after_days"), [(0, 0), (90, 90), (-30, -30)])
def test_curves_of_hardly_more_than_the_year(before_days, after_days):
    days, curve = noisy_curves(120, seed=4)
    near = (days >= regular_days(5.0, before_days)[0]) & (days <= regular_days(5.0, 90, after_days)[-1])
    assert assert_agrees(days[near], curve[near], YEAR, SeasonParameters()) > 20


@given(
    st.lists(st.sampled_from([0.0, 0.117, 0.209, 0.323, 0.531, 0.797, None]), min_size=4, max_size=40),
    st.sampled_from([0.05, 0.1, 0.25]),
)
def test_curves_that_take_few_values(values, least_amplitude):
    """Equal neighbours, jumps and gaps at any place."""
    days = regular_days(10.0)[10 : 10 + len(values)]
    curve = np.array([np.nan if value is None else value for value in values], np.float32)[:, None]
    parameters = SeasonParameters(least_amplitude=least_amplitude + 1e-3)
    maps = season_maps(days, curve, YEAR, parameters)
    expected = seasons_of_pixel(days, curve[:, 0], YEAR, least_amplitude=least_amplitude + 1e-3)
    assert np.isfinite(maps["MAXV_1"][0]) == (len(expected) > 0)
    if expected:
        assert maps["AMPL_1"][0] == pytest.approx(expected[0]["AMPL"], abs=1e-5)


def test_a_real_field(shared_data: Path):
    """CropSAR's NDVI of a field in Spain, every fifth day of 2019, gap-filled by others.

    It is stored in steps of 0.004; a scatter of a tenth of that keeps values from lying exactly on a level, where
    both answers are right.
    """
    days, curve = cropsar(shared_data / "fusets-ndvi" / "bids_demo_cropsar_ndvi.nc")
    curve += np.random.default_rng(5).normal(0, 4e-4, curve.shape).astype(np.float32)
    assert assert_agrees(days, curve, 2019, SeasonParameters()) > 0.9 * curve.shape[1]


def cropsar(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970 and the NDVI of every fifth pixel inside the field."""
    dataset = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    names = [name for name in dataset.GetMDArrayNames() if dataset.OpenMDArray(name).GetDimensionCount() == 3]
    stored = dataset.OpenMDArray(names[0]).ReadAsArray()
    time = dataset.OpenMDArray("t")
    since = date.fromisoformat(time.GetUnit().split()[2][:10]).toordinal() - date(1970, 1, 1).toordinal()
    values = stored.reshape(len(stored), -1)
    inside = (values != 255).all(axis=0)
    ndvi = values[:, inside][:, ::5] / np.float32(250) - np.float32(0.08)
    return time.ReadAsArray() + float(since), ndvi


def test_two_and_a_half_years_of_real_images_with_their_gaps_filled(shared_data: Path):
    """Slovenia, 68 dates of which clouds leave about half: curves by the default filling, then seasons of 2016."""
    days, ndvi = eolearn(shared_data / "eolearn-l1c" / "ndvi_68dates_masks.npz")
    plan = make_plan(days, ndvi, FillParameters())
    targets = np.arange(days[0], days[-1], 5.0)
    curve = fit_curves(days, ndvi, targets, plan).values
    assert assert_agrees(targets, curve, 2016, SeasonParameters()) > 0.8 * curve.shape[1]


def eolearn(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970 and the clear NDVI of every 150th pixel; of two images of a day the first."""
    stored = np.load(path)
    days = stored["times"].astype("datetime64[s]").astype(float) / 86400
    first = np.concatenate(([True], np.diff(np.floor(days)) > 0))
    clear = np.where((stored["clm"] == 0) & (stored["is_valid"] == 1), stored["ndvi"], np.nan)
    return days[first], clear.reshape(len(days), -1)[first, ::150].astype(np.float32)
