"""Single pixels with their background, drawn over all kinds of ground, seasons, air and clouds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fit_air import B9, B10, DROPLETS, ICE, MIXED, NO_CLOUD, Air, AirState, air_of, cover
from fit_ground import FAMILIES, OLD_SNOW
from s2mask_qgis.simulation import spectra

MOST_DATES, FEWEST_DATES = 20, 3
"""Images of a background."""

_CLOUDS = {NO_CLOUD: 0.50, DROPLETS: 0.26, ICE: 0.15, MIXED: 0.09}
_CLOUDS_BEFORE = {DROPLETS: 0.55, ICE: 0.25, MIXED: 0.20}
_CLOUDY_DATES = {0.0: 0.35, 0.1: 0.30, 0.3: 0.22, 0.55: 0.13}
"""Share of cloudy dates in a background, and how often that is so."""

_IN_SHADOW = 0.15
_UNKNOWN_AT_GROUND = {B9: 0.1, B10: 0.001}


@dataclass(frozen=True)
class Pairs:
    """Pixels beside their background: ``image`` and ``background`` (n, 13) in reflectance; ``rise`` (n) by how much
    their cloud raises the visible reflectance of dark ground, 0 without one; ``family`` (n) is the place in FAMILIES
    and ``snowy`` (n) whether there is snow under what may be a cloud."""

    image: np.ndarray
    background: np.ndarray
    rise: np.ndarray
    family: np.ndarray
    snowy: np.ndarray


@dataclass(frozen=True)
class _Places:
    """What stays the same at n places on all dates."""

    family: np.ndarray
    now: np.ndarray
    season: np.ndarray
    is_one_season: np.ndarray
    lush: np.ndarray
    sun: np.ndarray
    height_km: np.ndarray
    warmth: np.ndarray
    snow_depth: np.ndarray
    snow_age: np.ndarray
    snow_now: np.ndarray
    snow_before: np.ndarray
    glints: np.ndarray


def draw(count: int, seed: int) -> tuple[Pairs, Pairs]:
    """``count`` pixels as Level-1C (top of the atmosphere) and the same as Level-2A (at the ground, B9 and B10 unknown
    and constant), the same for the same seed."""
    rng = np.random.default_rng(seed)
    places = _places(count, rng)
    ground, air, corrected = _date(places, rng, is_now=True)
    kind = rng.choice(list(_CLOUDS), count, p=list(_CLOUDS.values()))
    shade = 0.8 * rng.random((count, 1)) * ((kind == NO_CLOUD) & (rng.random(count) < _IN_SHADOW))[:, None]
    seen, rise = cover((ground * air.passed + air.path) * (1 - spectra.SHADE * shade), kind, rng)
    seen = seen + spectra.NOISE * rng.standard_normal(seen.shape)
    above, below = _backgrounds(places, rng)
    snowy = places.snow_now & (np.array([one.snow_held for one in FAMILIES])[places.family] > 0)
    return (
        Pairs(seen, above, rise, places.family, snowy),
        Pairs(_at_ground(seen, corrected), below, rise, places.family, snowy),
    )


def _backgrounds(places: _Places, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The medians (n, 13) of a background of each place, at the top of the atmosphere and at the ground."""
    count = len(places.family)
    dates = rng.integers(FEWEST_DATES, MOST_DATES + 1, count)
    cloudy = rng.choice(list(_CLOUDY_DATES), count, p=list(_CLOUDY_DATES.values()))
    above = np.full((MOST_DATES, count, 13), np.nan, np.float32)
    below = above.copy()
    for number in range(MOST_DATES):
        ground, air, corrected = _date(places, rng, is_now=False)
        kinds = rng.choice(list(_CLOUDS_BEFORE), count, p=list(_CLOUDS_BEFORE.values()))
        kinds = np.where(rng.random(count) < cloudy, kinds, NO_CLOUD)
        seen, _ = cover(ground * air.passed + air.path, kinds, rng)
        there = number < dates
        above[number, there] = seen[there]
        below[number, there] = _at_ground(seen, corrected)[there]
    return np.nanmedian(above, axis=0), np.nanmedian(below, axis=0)


def _at_ground(seen: np.ndarray, air: Air) -> np.ndarray:
    """Reflectance at the ground by a correction that takes the air for ``air``."""
    ground = (seen - air.path) / air.passed
    for band, value in _UNKNOWN_AT_GROUND.items():
        ground[:, band] = value
    return ground


def _places(count: int, rng: np.random.Generator) -> _Places:
    share = np.array([family.share for family in FAMILIES])
    family = rng.choice(len(FAMILIES), count, p=share / share.sum())
    sun = np.cos(np.radians(rng.uniform(18, 74, count)))
    height = np.where(rng.random(count) < 0.8, rng.uniform(0, 1, count), rng.uniform(1, 4.5, count))
    warmth = np.clip((sun - 0.27) / 0.65 + 0.2 * rng.standard_normal(count), 0, 1)
    now, other = _mixtures(family, rng), _mixtures(family, rng)
    turned = (rng.random(count) < 0.35)[:, None]
    can_snow = ((warmth < 0.45) & (rng.random(count) < 0.45)) | ((height > 2.5) & (rng.random(count) < 0.35))
    return _Places(
        family=family,
        now=now,
        season=np.where(turned, other, 0.75 * now + 0.25 * other),
        is_one_season=rng.random(count) < 0.6,
        lush=rng.uniform(0.8, 1.15, count),
        sun=sun,
        height_km=height,
        warmth=warmth,
        snow_depth=np.where(rng.random(count) < 0.5, rng.uniform(0.1, 1, count), rng.uniform(0.8, 1, count)),
        snow_age=rng.random(count),
        snow_now=can_snow & (rng.random(count) < 0.6),
        snow_before=np.where(can_snow, rng.choice((0, 0.2, 0.8, 1), count, p=(0.4, 0.2, 0.2, 0.2)), 0.0),
        glints=rng.random(count) < np.array([one.glints for one in FAMILIES])[family],
    )


def _mixtures(family: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shares (n, most parts) of the parts of each pixel's family, which add up to 1."""
    most = max(len(one.parts) for one in FAMILIES)
    evenness = np.array([one.evenness for one in FAMILIES])[family]
    shares = rng.gamma(np.repeat(evenness[:, None], most, axis=1)) + 1e-9
    shares *= np.arange(most) < np.array([len(one.parts) for one in FAMILIES])[family][:, None]
    return shares / shares.sum(axis=1, keepdims=True)


def _date(places: _Places, rng: np.random.Generator, is_now: bool) -> tuple[np.ndarray, Air, Air]:
    """The ground (n, 13) on a date, its air, and the air that an atmospheric correction would take it for."""
    count = len(places.family)
    ground = _snowed(_bare_ground(places, _shares_on(places, rng, is_now), rng), places, rng, is_now)
    vapour = (0.3 + 3.0 * places.warmth) * np.exp(0.3 * rng.standard_normal(count) - places.height_km / 2)
    aerosol = np.clip(0.09 * np.exp(0.75 * rng.standard_normal(count)), 0.02, 0.9) * (0.5 + 0.6 * places.warmth)
    dusty = rng.random(count) < 0.2
    exponent = np.where(dusty, rng.uniform(0.1, 0.6, count), rng.uniform(1.0, 1.7, count))
    sun = np.clip(places.sun + (0.03 if is_now else 0.1) * rng.standard_normal(count), 0.24, 0.96)
    thrown_back = rng.uniform(0.25, 0.65, count)
    air = air_of(AirState(sun, places.height_km, vapour, aerosol, exponent, thrown_back), rng)
    taken_for = aerosol * np.exp(0.35 * rng.standard_normal(count))
    corrected = air_of(AirState(sun, places.height_km, vapour, taken_for, exponent, thrown_back), rng)
    return ground, air, corrected


def _shares_on(places: _Places, rng: np.random.Generator, is_now: bool) -> np.ndarray:
    """Shares of the parts on a date: the place's own, and what season and chance make of the rest."""
    chance = rng.random(len(places.family))[:, None]
    drawn = _mixtures(places.family, rng)
    if is_now:
        changing = np.where(chance < 0.25, drawn, places.now)
    else:
        mixed = np.where(chance < 0.5, places.now, drawn)
        changing = np.where(places.is_one_season[:, None], 0.8 * places.season + 0.2 * drawn, mixed)
    steady = np.array([one.steadiness for one in FAMILIES])[places.family][:, None]
    return steady * places.now + (1 - steady) * changing


def _bare_ground(places: _Places, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The ground (n, 13) without snow: growth, angle of view, moisture, glint and a little noise."""
    count = len(places.family)
    ground = np.zeros((count, 13))
    for number, family in enumerate(FAMILIES):
        here = places.family == number
        ground[here] = shares[here, : len(family.parts)] @ np.array(family.parts)
    ground *= (places.lush * (1 + 0.05 * rng.standard_normal(count)))[:, None]
    ground *= 1 + 0.012 * rng.standard_normal(ground.shape)
    can_wet = np.array([one.gets_wet for one in FAMILIES])[places.family] & (rng.random(count) < 0.25)
    ground *= np.where(can_wet, rng.uniform(0.75, 1, count), 1.0)[:, None]
    return ground + np.clip(places.glints * rng.exponential(0.012, count), 0, 0.12)[:, None]


def _snowed(ground: np.ndarray, places: _Places, rng: np.random.Generator, is_now: bool) -> np.ndarray:
    """The ground under the snow of a date."""
    count = len(ground)
    there = places.snow_now if is_now else rng.random(count) < places.snow_before
    held = np.array([one.snow_held for one in FAMILIES])[places.family]
    covered = (np.clip(places.snow_depth * rng.uniform(0.7, 1.1, count), 0, 1) * held * there)[:, None]
    snow = spectra.SNOW + (OLD_SNOW - spectra.SNOW) * places.snow_age[:, None]
    return ground * (1 - covered) + covered * snow * (1 + 0.04 * rng.standard_normal((count, 1)))
