"""The shadows of clouds: darker than the background in the infrared, within reach of a cloud that hides the sun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .features import NEAR_INFRARED, missing_of, near_infrared
from .grid import Grid
from .parameters import ShadowParameters
from .sun import Sun

if TYPE_CHECKING:
    import ee

NEEDED_BANDS = (NEAR_INFRARED, "B11", "B12")
"""Bands that shadows are told by."""

COARSE_M = 150
"""Pixels that clouds are looked for in around a pixel: as large as they can be while each is read from the same level
of the pyramids on every engine (80 m in bands of 10 and 20 m)."""

FARTHEST_M = 15_000.0
"""No shadow is looked for farther from its cloud than this: under a low sun, the reach grows beyond all use."""

LEAST_USUAL = 0.7
"""The lowest ratio of an image to its background that passes for the usual one: below it the image is in shadow."""

CLOUDY_BEYOND_PERCENT = 5.0
"""From this share of cloud on (0-100), an image is taken to have clouds beyond its edges as well."""

_DARK_SWIR = 0.03
"""Backgrounds with less reflectance in the short-wave infrared have nothing to lose: water, snow, the darkest woods."""

_LIT_BY_THE_SKY = 0.15
"""The share of its usual short-wave infrared that ground keeps in any shadow; what has less is under water."""

_SWIR2_SHARE = 0.8
"""What B12 must lack, as a share of what B11 must: enough to tell shadows from fires and from ploughed ground, which
darken B12 far less than B11, and shadows darken both alike."""

_WIDTH_PX = 2
"""Coarse pixels to each side of the line to the sun: clouds are seen aslant, lines go in steps, the air bends."""

_EARTH_RADIUS_M = 6_371_000.0
_MOST_SAMPLED = 85.0


@dataclass(frozen=True)
class Usual:
    """The ratio of an image to its background where no shadow lies, in the three bands of :func:`shadow_bands`."""

    nir: float = 1.0
    swir: float = 1.0
    swir2: float = 1.0


def shadow_bands(bands: Sequence[str]) -> tuple[str, str, str] | None:
    """The near and two short-wave infrared bands that shadows are told by, None where ``bands`` lack one of them."""
    return None if missing_of(NEEDED_BANDS, bands) else (near_infrared(bands), "B11", "B12")


def usual_ratio(image: np.ndarray, background: np.ndarray, cloud: np.ndarray) -> Usual:
    """What an image of another season is to its background where neither cloud nor shadow lies.

    ``image`` and ``background`` are the reflectances (n, 3) of sampled pixels in the bands of :func:`shadow_bands`,
    ``cloud`` (n,) is True where they are cloudy. A high percentile of the ratio, since shadows may take half of the
    image; held between LEAST_USUAL and 1.
    """
    clear = ~cloud & (background > 0).all(axis=1) & np.isfinite(image).all(axis=1)
    if clear.sum() < 100:
        return Usual()
    high = np.percentile(image[clear] / background[clear], _MOST_SAMPLED, axis=0)
    return Usual(*(float(value) for value in np.clip(high, LEAST_USUAL, 1.0)))


def shadow(
    image: ee.Image,
    background: ee.Image,
    cloud: ee.Image,
    reach: ee.Image,
    parameters: ShadowParameters,
    usual: Usual = Usual(),
) -> ee.Image:
    """1 in the shadow of a cloud, else 0; masked where an input is.

    ``image`` and ``background`` (reflectance) hold the bands of :func:`shadow_bands` in their order; ``cloud`` is 1
    where there is cloud, whose pixels are never shadow; ``reach`` comes from :func:`in_reach`.
    """
    import ee

    swir = parameters.swir_darkening
    lost = parameters.nir_darkening, swir, _SWIR2_SHARE * swir
    expected = usual.nir, usual.swir, usual.swir2
    darkest = [(1 - share) * ratio for share, ratio in zip(lost, expected)]
    darker = image.lt(background.multiply(ee.Image.constant(darkest)))
    near, middle = background.select([0]), background.select([1])
    bright_before = near.gte(parameters.water_nir).And(middle.gte(_DARK_SWIR))
    is_dry = image.select([1]).gte(middle.multiply(_LIT_BY_THE_SKY))
    dark = darker.select([0]).And(darker.select([1])).And(darker.select([2]))
    return dark.And(bright_before).And(is_dry).And(cloud.Not()).And(reach)


def in_reach(cloud: ee.Image, sun: Sun, grid: Grid, highest_cloud_m: float, cloudy_beyond: bool) -> ee.Image:
    """1 where a cloud of at most a height stands between the sun and a pixel of ``grid`` (UTM), else 0; never masked.

    ``sun`` is that of :func:`over_grid`. ``cloud`` (0 or 1) must hold what lies around the grid as well. It is computed
    at COARSE_M, so it must not depend on the size of pixels: no opening. ``cloudy_beyond`` says whether what it masks
    counts as cloud.
    """
    import ee

    lattice = [COARSE_M, 0, 0, 0, -COARSE_M, 0]
    around = cloud.reproject(grid.crs, lattice).unmask(1 if cloudy_beyond else 0, False)
    for columns, rows in shifts(sun, highest_cloud_m):
        moved = around.translate(columns * COARSE_M, -rows * COARSE_M, "meters", grid.crs)
        around = moved.max(around)
    x_min, y_min, x_max, y_max = grid.bounds
    corners = [x_min - COARSE_M, y_min - COARSE_M, x_max + COARSE_M, y_max + COARSE_M]
    region = ee.Geometry.Rectangle(corners, grid.crs, False)
    return around.clip(region).reproject(grid.crs, lattice)


def shifts(sun: Sun, highest_cloud_m: float) -> tuple[tuple[int, int], ...]:
    """Moves of an image of clouds, (columns to the right, rows down) in pixels of COARSE_M.

    The maximum of the image and the moved one, again for each move, spreads clouds over all that they may shade: a
    band away from the sun, _WIDTH_PX to each side. Moves double, so a few of them make any length.
    """
    azimuth = math.radians(sun.azimuth_deg)
    away = -math.sin(azimuth), math.cos(azimuth)
    longest = max(map(abs, away))
    distance_m = min(highest_cloud_m * math.tan(math.radians(sun.zenith_deg)), FARTHEST_M)
    steps = math.ceil(distance_m * longest / COARSE_M)
    moves = [(1, 0), (1, 0), (-_WIDTH_PX, 0), (0, 1), (0, 1), (0, -_WIDTH_PX)]
    covered = 0
    while covered < steps:
        step = min(covered + 1, steps - covered)
        moves.append((round(step * away[0] / longest), round(step * away[1] / longest)))
        covered += step
    return tuple(moves)


def over_grid(sun: Sun, grid: Grid) -> Sun:
    """The sun with its azimuth counted from the north of a UTM grid, in the grid's middle, instead of true north.

    For the grid of the whole tile, so that an area's place in it does not count. On a sphere, good to 0.05 degrees.
    Source: Snyder, Map Projections: A Working Manual, USGS 1987, chapter 8. Raises ValueError for other systems.
    """
    if not grid.crs.startswith(("EPSG:326", "EPSG:327")):
        raise ValueError(f"shadows need a grid in UTM, this one is in {grid.crs}")
    x_min, y_min, x_max, y_max = grid.bounds
    false_northing = 10_000_000.0 if grid.crs.startswith("EPSG:327") else 0.0
    east, north = (x_min + x_max) / 2 - 500_000.0, (y_min + y_max) / 2 - false_northing
    convergence = math.atan(math.tanh(east / _EARTH_RADIUS_M) * math.tan(north / _EARTH_RADIUS_M))
    return Sun((sun.azimuth_deg - math.degrees(convergence)) % 360, sun.zenith_deg)


def buffered(binary: ee.Image, radius_m: float, scale_m: float) -> ee.Image:
    """The ones of a binary image grown by a distance, over pixels of ``scale_m``; masked pixels stay masked.

    A pixel joins where the centre of a pixel that is 1 lies within ``radius_m`` of its own.
    """
    if radius_m < scale_m:
        return binary
    return binary.focalMax(radius_m / scale_m).updateMask(binary.mask())
