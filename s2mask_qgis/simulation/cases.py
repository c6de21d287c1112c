"""Ground that looks like a cloud or a shadow and is neither: where it lies in a sample, when, and what it reflects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy import ndimage

from . import spectra
from .acquisitions import Acquisition
from .glint import EAST_OF_TARGET_DEG, VIEW_ZENITH_DEG, WEST_OF_TARGET_DEG, glint_reflectance
from .noise import FloatArray, above_share, random_field, smooth_step
from .phenology import CROPS, Surface
from .settings import SampleSettings

_SAND_SHARE = 0.035
_FLOODED_DAYS = (68.0, 106.0)
_FLOOD_REACH_PX = 26.0
_GLINT_SEEN = 0.01
_DEEP_FROM, _PATCHY_FROM, _THIN_FROM = 0.62, 0.42, 0.28
_SNOW_SEEN = 0.25
_SEEN = 0.5


class Case(IntEnum):
    """What kind of ground a pixel is; ORDINARY is everything that does not look like a cloud or a shadow."""

    ORDINARY = 0
    HARVESTED = 1
    PLOUGHED = 2
    SNOW = 3
    PATCHY_SNOW = 4
    THIN_SNOW = 5
    SAND = 6
    ROOFS = 7
    WATER = 8
    SUN_GLINT = 9
    FLOODED = 10
    BURNT = 11


@dataclass(frozen=True)
class Cover:
    """Ground of one case on a date: ``share`` (0-1) of each pixel (y, x) that it takes, its ``spectrum`` in the 13
    bands, and the factor ``brightness`` of that spectrum, a number or (y, x)."""

    case: Case
    share: FloatArray
    spectrum: FloatArray
    brightness: FloatArray | float = 1.0


@dataclass(frozen=True)
class CaseLayout:
    """Where the cases of a sample lie, and its seed.

    Per parcel: days of the year of harvest, ploughing and fire (nan: none), and the brightness of the ploughed soil
    (below 0.5 moist and dark). Per pixel (y, x): its parcel, the share of sand, the number of the first date with a
    roof on it (-1: none) and the roof's brightness, where floods reach (0-1), and the grain of snow.
    """

    seed: int
    parcel: np.ndarray
    harvest_day: np.ndarray
    plough_day: np.ndarray
    fire_day: np.ndarray
    soil_brightness: np.ndarray
    sand: FloatArray
    roof_from: np.ndarray
    roof_brightness: FloatArray
    flood: FloatArray
    snow_grain: FloatArray


def lay_out(settings: SampleSettings, surface: np.ndarray, parcel: np.ndarray, of_parcels: np.ndarray) -> CaseLayout:
    """The cases of a landscape: ``surface`` and ``parcel`` of each pixel (y, x), and the surface ``of_parcels``."""
    rng = np.random.default_rng(np.random.SeedSequence([settings.seed, 4]))
    size, count = settings.size_px, len(of_parcels)
    cereal = np.isin(of_parcels, (Surface.WHEAT, Surface.RAPESEED))
    fate = rng.random(count)
    harvest = np.where(cereal & (fate < 0.45), rng.uniform(186.0, 214.0, count), np.nan)
    fire = np.where(cereal & (fate > 0.85), rng.uniform(215.0, 235.0, count), np.nan)
    fields = np.isin(surface, CROPS)
    dunes = random_field(rng, size, size / 6, 3.0)
    sand = smooth_step(dunes, *(above_share(dunes, _SAND_SHARE) + edge for edge in (-0.05, 0.05))) * fields
    roof_from, roof_brightness = _estate(rng, settings, fields)
    return CaseLayout(
        seed=settings.seed,
        parcel=parcel,
        harvest_day=harvest,
        plough_day=harvest + rng.uniform(14.0, 40.0, count),
        fire_day=fire,
        soil_brightness=np.where(rng.random(count) < 0.6, rng.uniform(0.8, 1.1, count), rng.uniform(0.25, 0.4, count)),
        sand=sand,
        roof_from=roof_from,
        roof_brightness=roof_brightness,
        flood=_flood(rng, surface, fields),
        snow_grain=random_field(rng, size, 12, 2.6),
    )


def _estate(rng: np.random.Generator, settings: SampleSettings, fields: np.ndarray) -> tuple[np.ndarray, FloatArray]:
    """Large halls in a grid east of the middle, half of them there from the start, the others built one by one."""
    size = settings.size_px
    y, x = np.mgrid[0:size, 0:size]
    wide, high, gap = 24, 17, 4
    top, left, side = round(0.44 * size), round(0.53 * size), round(0.16 * size)
    row, column = (y - top) // high, (x - left) // wide
    inside = (y >= top) & (y < top + side) & (x >= left) & (x < left + side) & fields
    roof = inside & ((y - top) % high < high - gap) & ((x - left) % wide < wide - gap)
    shape = size // high + 1, size // wide + 1
    built = np.where(rng.random(shape) < 0.5, 0, rng.integers(0, settings.dates, shape))
    bright = rng.uniform(0.55, 1.0, shape).astype(np.float32)
    hall = np.clip(row, 0, shape[0] - 1), np.clip(column, 0, shape[1] - 1)
    return np.where(roof, built[hall], -1), bright[hall]


def _flood(rng: np.random.Generator, surface: np.ndarray, fields: np.ndarray) -> FloatArray:
    """1 on fields near water, 0 far from it."""
    distance_px = ndimage.distance_transform_edt(surface != Surface.WATER)
    shore_px = distance_px + 6.0 * random_field(rng, surface.shape[0], 30, 2.6)
    return (1.0 - smooth_step(shore_px, _FLOOD_REACH_PX - 3.0, _FLOOD_REACH_PX + 3.0)) * fields


def covers_of(layout: CaseLayout, surface: np.ndarray, acquisition: Acquisition) -> tuple[Cover, ...]:
    """The covers of a date, from the lowest to the highest; snow comes on top of them."""
    rng = np.random.default_rng(np.random.SeedSequence([layout.seed, 5, acquisition.number]))
    water = (surface == Surface.WATER).astype(np.float32)
    dryness = float(rng.uniform(0.72, 1.0))
    roofs = (layout.roof_from >= 0) & (layout.roof_from <= acquisition.number)
    covers = [
        *_field_covers(layout, acquisition.day_of_year),
        Cover(Case.SAND, layout.sand, spectra.SAND, dryness),
        Cover(Case.ROOFS, roofs.astype(np.float32), spectra.MEMBRANE, layout.roof_brightness),
        _water_cover(water, acquisition, float(rng.uniform(1.5, 6.0))),
    ]
    if _FLOODED_DAYS[0] <= acquisition.day_of_year <= _FLOODED_DAYS[1]:
        covers.append(Cover(Case.FLOODED, layout.flood, spectra.FLOOD))
    return tuple(cover for cover in covers if cover.share.any())


def _field_covers(layout: CaseLayout, day: float) -> list[Cover]:
    """Fields after harvest, ploughing or fire, each for some weeks."""
    plough, soil = layout.plough_day, layout.soil_brightness[layout.parcel].astype(np.float32)

    def fields(chosen: np.ndarray, share: float) -> FloatArray:
        return (share * chosen[layout.parcel]).astype(np.float32)

    with np.errstate(invalid="ignore"):  # nan days compare as False
        harvested = (day >= layout.harvest_day) & (day < plough)
        ploughed = (day >= plough) & (day < plough + 35.0)
        burnt = (day >= layout.fire_day) & (day < layout.fire_day + 30.0)
    return [
        Cover(Case.HARVESTED, fields(harvested, 0.92), spectra.STUBBLE),
        Cover(Case.PLOUGHED, fields(ploughed, 0.95), spectra.PALE_SOIL, soil),
        Cover(Case.BURNT, fields(burnt, 0.9), spectra.CHAR),
    ]


def _water_cover(water: FloatArray, acquisition: Acquisition, wind_m_s: float) -> Cover:
    """Water, which glints where sun and satellite stand right; the orbits pass to its east and west by turns."""
    side_deg = EAST_OF_TARGET_DEG if acquisition.number % 2 else WEST_OF_TARGET_DEG
    glint = glint_reflectance(acquisition.sun, (VIEW_ZENITH_DEG, side_deg), wind_m_s)
    case = Case.SUN_GLINT if glint >= _GLINT_SEEN else Case.WATER
    return Cover(case, water, spectra.WATER + np.float32(glint) * spectra.GLINT)


def snow_of(layout: CaseLayout, height: FloatArray) -> FloatArray:
    """Share of fresh snow (0-1) before what trees, roads and water take of it: deep above, in patches below, thin at
    its lower edge."""
    patches = 0.92 * smooth_step(layout.snow_grain, -0.1, 0.35)
    thin = np.clip(0.42 + 0.08 * layout.snow_grain, 0.0, 0.6)
    snow = np.where(height >= _DEEP_FROM, 0.95, np.where(height >= _PATCHY_FROM, patches, thin))
    return np.where(height >= _THIN_FROM, snow, 0.0).astype(np.float32)


def case_map(covers: tuple[Cover, ...], snow: FloatArray | None, height: FloatArray, surface: np.ndarray) -> np.ndarray:
    """The Case of each pixel (uint8): that of the highest cover that takes most of it, or of the snow on it."""
    cases = np.full(surface.shape, Case.ORDINARY, np.uint8)
    for cover in covers:
        cases[cover.share > _SEEN] = cover.case
    if snow is not None:
        kind = np.where(
            height >= _DEEP_FROM, Case.SNOW, np.where(height >= _PATCHY_FROM, Case.PATCHY_SNOW, Case.THIN_SNOW)
        )
        lies = snow > _SNOW_SEEN
        cases[lies] = kind[lies]
    return cases
