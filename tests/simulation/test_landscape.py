"""The ground and the sun: crops grow when they do, surfaces look like what they are, shadows fall where they must."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest

from s2mask_qgis.simulation.acquisitions import Acquisition, Weather
from s2mask_qgis.simulation.clouds import sky_of
from s2mask_qgis.simulation.ground import ground_of
from s2mask_qgis.simulation.landscape import Landscape, build_landscape
from s2mask_qgis.simulation.noise import random_field
from s2mask_qgis.simulation.phenology import CROPS, Surface, ground_cover
from s2mask_qgis.simulation.scene import Truth, observe, swath
from s2mask_qgis.simulation.settings import SampleSettings
from s2mask_qgis.simulation.sun import sun_angles

B2, B3, B4, B8, B11 = 1, 2, 3, 7, 11


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return build_landscape(SampleSettings(size_px=300))


def acquisition(
    month: int, day: int, weather: Weather = Weather.CLEAR, cover: float = 0.0, **more: object
) -> Acquisition:
    return Acquisition(0, datetime(2023, month, day, 9, 50, tzinfo=timezone.utc), "S2A", weather, cover, **more)


def mean_ndvi(landscape: Landscape, surface: Surface, month: int, day: int) -> float:
    ground = ground_of(landscape, acquisition(month, day), np.random.default_rng(0))
    red, infrared = ground.reflectance(B4), ground.reflectance(B8)
    return float(((infrared - red) / (infrared + red))[landscape.surface == surface].mean())


def test_every_surface_occurs_and_fields_take_most_of_the_land(landscape: Landscape) -> None:
    shares = np.bincount(landscape.surface.ravel(), minlength=len(Surface)) / landscape.surface.size
    assert (shares > 0).all()
    assert shares[list(CROPS)].sum() > 0.5
    assert 0.05 < shares[[Surface.DECIDUOUS, Surface.CONIFEROUS]].sum() < 0.4


def test_wheat_rises_in_spring_and_is_gone_after_harvest(landscape: Landscape) -> None:
    february, may, august = (mean_ndvi(landscape, Surface.WHEAT, *day) for day in ((2, 10), (5, 15), (8, 5)))
    assert may > february + 0.2
    assert august < may - 0.4


def test_maize_is_green_in_august_only(landscape: Landscape) -> None:
    may, august, november = (mean_ndvi(landscape, Surface.MAIZE, *day) for day in ((5, 1), (8, 5), (11, 10)))
    assert august > max(may, november) + 0.35


def test_deciduous_woods_lose_their_leaves_and_conifers_do_not(landscape: Landscape) -> None:
    assert mean_ndvi(landscape, Surface.DECIDUOUS, 7, 1) > mean_ndvi(landscape, Surface.DECIDUOUS, 1, 20) + 0.3
    winter, summer = (mean_ndvi(landscape, Surface.CONIFEROUS, *day) for day in ((1, 20), (7, 1)))
    assert winter == pytest.approx(summer, abs=0.1)


def test_alfalfa_drops_at_each_cut_and_grows_again() -> None:
    days = np.array([125.0, 129.0, 160.0, 168.0, 200.0])
    green, _, _ = ground_cover(Surface.ALFALFA, days)
    assert green[1] < green[0] - 0.3
    assert green[3] < green[2] - 0.3
    assert green[2] > green[1] + 0.3
    assert green[4] > green[3] + 0.3


@pytest.mark.parametrize("surface", list(Surface))
def test_shares_of_the_ground_never_exceed_the_whole(surface: Surface) -> None:
    days = np.arange(-40.0, 420.0)
    green, dry, blossom = ground_cover(surface, days)
    assert min(green.min(), dry.min(), blossom.min()) >= 0
    assert (green + dry).max() <= 1 + 1e-9
    assert (blossom <= green).all()
    at_new_year = [share[(days >= 363) & (days <= 368)] for share in (green, dry)]
    assert all(np.abs(np.diff(share)).max() < 0.05 for share in at_new_year)


def test_water_is_dark_in_the_infrared_and_snow_bright_in_the_visible_only(landscape: Landscape) -> None:
    ground = ground_of(landscape, acquisition(1, 10, snow=True), np.random.default_rng(0))
    inner_water = landscape.surface == Surface.WATER
    assert np.median(ground.reflectance(B8)[inner_water]) < 0.03
    deep = ground.snow > 0.9
    assert deep.any()
    assert np.median(ground.reflectance(B2)[deep]) > 0.6
    assert np.median(ground.reflectance(B11)[deep]) < 0.2
    assert ground.snow[inner_water].max() == 0


@pytest.mark.parametrize(
    ("moment", "zenith", "azimuth"),
    [("2024-01-20T10:58:50", 65.755, 162.689), ("2024-06-21T11:50:00", 20.2, 180.0)],
)
def test_sun_stands_where_it_stood(moment: str, zenith: float, azimuth: float) -> None:
    """The first from the metadata of a real product of tile 31TCJ, the second local noon of the longest day."""
    when = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)
    found = sun_angles(when, 43.74, 1.20 if when.month == 1 else 3.0)
    assert found == (pytest.approx(zenith, abs=0.7), pytest.approx(azimuth, abs=1.2))


def test_shadow_lies_away_from_the_sun_by_the_height_of_the_cloud() -> None:
    date = acquisition(6, 1, Weather.CUMULUS, 0.2)
    sky = sky_of(date, 300, np.random.default_rng(5))
    (layer,) = sky.layers
    zenith, azimuth = np.radians(date.sun)
    length_px = layer.kind.base_m * np.tan(zenith) / 10
    north_px, east_px = -length_px * np.cos(azimuth), -length_px * np.sin(azimuth)
    assert north_px > 0 > east_px
    expected = np.roll(layer.opacity, (-round(north_px), round(east_px)), (0, 1))
    assert np.corrcoef(expected.ravel(), sky.shadow.ravel())[0, 1] > 0.99


def test_high_clouds_shine_in_the_cirrus_band_and_low_ones_do_not(landscape: Landscape) -> None:
    peaks = {}
    for weather in (Weather.CUMULUS, Weather.CIRRUS):
        seen = observe(landscape, acquisition(6, 1, weather, 0.4), seed=0)
        peaks[weather] = (np.percentile(seen.numbers["B10"], 99) - 1000) / 10000
    assert peaks[Weather.CUMULUS] < 0.008 < 0.012 < peaks[Weather.CIRRUS] < 0.08


def test_thin_cloud_is_told_from_cloud_by_how_much_it_brightens(landscape: Landscape) -> None:
    date = acquisition(6, 1, Weather.CIRRUS, 0.5)
    cloudy = observe(landscape, date, seed=0)
    clear = observe(landscape, acquisition(6, 1), seed=0)
    water = landscape.surface == Surface.WATER
    brighter = (cloudy.numbers["B4"].astype(float) - clear.numbers["B4"]) / 10000
    thin, thick = (water & (cloudy.truth == kind) for kind in (Truth.THIN_CLOUD, Truth.CLOUD))
    assert thin.sum() > 20
    assert thick.sum() > 20
    assert np.median(brighter[thin]) < 0.03 < np.median(brighter[thick])


def tree3(numbers: dict[str, np.ndarray]) -> np.ndarray:
    """The published decision tree at 60 m, from digital numbers."""
    cells = {name: values.shape[0] // 50 for name, values in numbers.items()}
    b = {name: (values[:: cells[name], :: cells[name]] - 1000.0) / 10000 for name, values in numbers.items()}
    bright, middle = b["B8A"] > 0.181, (b["B8A"] > 0.051) & (b["B8A"] < 0.181)
    dim, low = b["B1"] < 0.331, b["B10"] < 0.012
    return (
        (middle & (b["B12"] < 0.097) & (b["B10"] > 0.011))
        | (bright & dim & low & (b["B2"] > 0.271))
        | (bright & dim & ~low)
        | (bright & ~dim & (b["B11"] < 0.239) & (b["B2"] < 0.711))
        | (bright & ~dim & (b["B11"] > 0.239) & (b["B5"] < 1.393))
    )


@pytest.mark.parametrize(
    ("weather", "cover", "least_found"),
    [(Weather.CUMULUS, 0.3, 0.8), (Weather.BANK, 0.5, 0.8), (Weather.BROKEN, 0.7, 0.85), (Weather.OVERCAST, 1.0, 0.95)],
)
def test_a_published_tree_finds_the_clouds_and_little_else(
    landscape: Landscape, weather: Weather, cover: float, least_found: float
) -> None:
    seen = observe(landscape, acquisition(6, 1, weather, cover), seed=0)
    flagged, kind = tree3(seen.numbers), seen.truth[::6, ::6]
    assert flagged[kind == Truth.CLOUD].mean() > least_found
    land = kind == Truth.CLEAR
    assert not land.any() or flagged[land].mean() < 0.05


@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_a_published_tree_spares_clear_land_in_every_season(landscape: Landscape, month: int) -> None:
    seen = observe(landscape, acquisition(month, 15), seed=0)
    assert tree3(seen.numbers).mean() < 0.01


@pytest.mark.parametrize(("side", "corner"), [("NW", (0, 0)), ("SE", (-1, -1))])
def test_swath_edge_takes_its_share_from_its_corner(side: str, corner: tuple[int, int]) -> None:
    inside = swath(acquisition(6, 1, swath_loss=0.07, swath_side=side), 300)
    assert not inside[corner]
    assert 1 - inside.mean() == pytest.approx(0.07, abs=0.003)


def test_a_random_field_is_standardised_and_stretched_along_its_angle() -> None:
    field = random_field(np.random.default_rng(0), 120, 20, 3.0, stretch=6.0, angle_rad=0.0)
    assert field.dtype == np.float32
    assert (float(field.mean()), float(field.std())) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))
    assert np.abs(np.diff(field, axis=1)).mean() < 0.5 * np.abs(np.diff(field, axis=0)).mean()
