"""Shadows before any pixel: which bands, which moves, where north is, and what is usual."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.parameters import ShadowParameters
from s2mask_qgis.core.scenes import BANDS
from s2mask_qgis.core.shadow import COARSE_M, FARTHEST_M, Usual, over_grid, shadow_bands, shifts, usual_ratio
from s2mask_qgis.core.sun import Sun


def covered(moves: tuple[tuple[int, int], ...]) -> set[tuple[int, int]]:
    """Where a single pixel ends up: all sums of some of the moves."""
    found = {(0, 0)}
    for column, row in moves:
        found |= {(x + column, y + row) for x, y in found}
    return found


@pytest.mark.parametrize("azimuth", range(0, 360, 15))
@pytest.mark.parametrize("zenith", [0.0, 30.0, 60.0])
def test_moves_cover_the_line_away_from_the_sun_and_little_else(azimuth: int, zenith: float):
    places = covered(shifts(Sun(azimuth, zenith), 3000.0))
    length = 3000.0 * math.tan(math.radians(zenith)) / COARSE_M
    east, south = -math.sin(math.radians(azimuth)), math.cos(math.radians(azimuth))
    for step in np.arange(0, length, 0.5):
        for aside in (-1, 0, 1):
            x, y = east * step - south * aside, south * step + east * aside
            assert (round(x), round(y)) in places
    for x, y in places:
        along = min(max(x * east + y * south, 0.0), length)
        assert math.hypot(x - along * east, y - along * south) <= 5


def test_a_shadow_falls_to_the_north_where_the_sun_stands_in_the_south():
    places = np.array(sorted(covered(shifts(Sun(180.0, 45.0), 3000.0))))
    assert (places.min(axis=0).tolist(), places.max(axis=0).tolist()) == ([-2, -22], [2, 2])


def test_a_shadow_falls_to_the_south_where_the_sun_stands_in_the_north():
    places = np.array(sorted(covered(shifts(Sun(0.0, 45.0), 3000.0))))
    assert (places.min(axis=0).tolist(), places.max(axis=0).tolist()) == ([-2, -2], [2, 22])


def test_the_reach_ends_under_a_low_sun():
    moves = shifts(Sun(90.0, 89.9), 15_000.0)
    assert min(x for x, _ in covered(moves)) == -FARTHEST_M / COARSE_M - 2
    assert len(moves) < 16


@pytest.mark.parametrize(
    ("crs", "x", "y"),
    [
        ("EPSG:32633", 699_960.0, 6_700_020.0),
        ("EPSG:32633", 399_960.0, 5_300_040.0),
        ("EPSG:32733", 199_980.0, 6_300_040.0),
        ("EPSG:32601", 699_960.0, 1_000_020.0),
    ],
)
def test_azimuths_are_counted_from_the_north_of_the_grid(crs: str, x: float, y: float):
    from osgeo import osr

    grid = Grid(crs, (30.0, 0.0, x, 0.0, -30.0, y), (3660, 3660))
    utm, degrees = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(int(crs[5:]))
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    back = osr.CoordinateTransformation(degrees, utm)
    longitude, latitude, _ = osr.CoordinateTransformation(utm, degrees).TransformPoint(x + 54_900, y - 54_900)
    x0, y0, _ = back.TransformPoint(longitude, latitude)
    x1, y1, _ = back.TransformPoint(longitude, latitude + 0.01)
    true_north = math.degrees(math.atan2(x1 - x0, y1 - y0))
    assert over_grid(Sun(0.0, 40.0), grid).azimuth_deg == pytest.approx(true_north % 360, abs=0.06)


def test_a_grid_that_is_not_utm_is_refused():
    with pytest.raises(ValueError, match="EPSG:3857"):
        over_grid(Sun(150.0, 40.0), Grid("EPSG:3857", (30.0, 0.0, 0.0, 0.0, -30.0, 0.0), (10, 10)))


@pytest.mark.parametrize(
    ("bands", "found"),
    [
        (BANDS, ("B8A", "B11", "B12")),
        (("B2", "B8", "B11", "B12"), ("B8", "B11", "B12")),
        (("B8", "B11"), None),
        (("B8", "B12"), None),
        (("B2", "B11"), None),
    ],
)
def test_shadows_are_told_by_three_infrared_bands(bands: tuple[str, ...], found: tuple[str, ...] | None):
    assert shadow_bands(bands) == found


def sample(ratio: float, shadowed: float, count: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, background and cloud of an image of ``ratio``, a part of it in shadow, a tenth under cloud."""
    rng = np.random.default_rng(3)
    background = rng.uniform(0.1, 0.4, (count, 3))
    image = background * ratio * rng.normal(1.0, 0.05, (count, 3))
    image[: int(shadowed * count)] *= 0.45
    cloud = np.arange(count) >= 0.9 * count
    image[cloud] = 0.7
    return image, background, cloud


@pytest.mark.parametrize("shadowed", [0.0, 0.2, 0.5])
def test_what_is_usual_is_found_beside_shadows(shadowed: float):
    usual = usual_ratio(*sample(0.85, shadowed))
    assert (usual.nir, usual.swir, usual.swir2) == pytest.approx((0.88, 0.88, 0.88), abs=0.04)


def test_what_is_usual_keeps_its_bounds():
    assert usual_ratio(*sample(1.3, 0.0)) == Usual(1.0, 1.0, 1.0)
    assert usual_ratio(*sample(0.4, 0.0)) == Usual(0.7, 0.7, 0.7)


def test_too_few_clear_pixels_say_nothing_about_what_is_usual():
    image, background, _ = sample(0.8, 0.0, 50)
    assert usual_ratio(image, background, np.zeros(50, bool)) == Usual()
    assert usual_ratio(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, bool)) == Usual()


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ParameterError, match="swir_darkening"):
        ShadowParameters(swir_darkening=1.5)
