"""Phenology and productivity of one year: maps of the parameters of up to two seasons from the filled curves."""

from __future__ import annotations

import numpy as np

from .calendar import day_of_year, days_in, year_bounds
from .definitions import BANDS, TimeAxis, describe, heights, top_position
from .maxima import Maxima, find_maxima, least_swing
from .parameters import SeasonParameters

LEAST_MAXIMUM = 0.1
"""Index that the maximum of a season reaches at least: water, snow and bare rock stay below."""

MARGIN_DAYS = 183.0
"""Days before and after the year that are looked at: a season is not followed further than half a year."""

LONGEST_STEP_DAYS = 10.0
"""Curves with longer steps are refused: the days of a season would be guesses."""

BLOCK_PX = 8192
"""Pixels at a time, so that what is worked on stays in the processor's cache."""


def season_bands(parameters: SeasonParameters) -> tuple[str, ...]:
    """The names of all bands in the order they are written: SOSD_1 to TPROD_1, then those of a second season."""
    return tuple(f"{band}_{number}" for number in range(1, parameters.seasons + 1) for band in BANDS)


def season_maps(days: np.ndarray, curve: np.ndarray, year: int, parameters: SeasonParameters) -> dict[str, np.ndarray]:
    """Every band of :func:`season_bands` for ``year``, (p,) float32 each, NaN where there is no such season.

    ``days`` (m,) are days since 1970-01-01 UTC in equal steps of at most ten days, ``curve`` (m, p) is the index on
    these days, NaN where it is not known. The curve should reach three months beyond the year on either side; of what
    it knows, half a year on either side is used. :mod:`.definitions` defines the bands.

    A season is a maximum within the year of at least ``LEAST_MAXIMUM``, to which the curve rises and from which it
    falls by ``least_amplitude`` and by a quarter of the curve's range. Of more than ``parameters.seasons`` those of
    the largest amplitude are taken; they are numbered by date. A flank that is cut off where the curve begins or ends
    must reach down to the threshold counted from the other flank's minimum, or there is no season.

    Raises ValueError for days that are not in equal steps or do not fit the curve.
    """
    step_days = _step(days, curve)
    first, end = year_bounds(year)
    near = np.flatnonzero((days >= first - MARGIN_DAYS) & (days < end + MARGIN_DAYS))
    maps = {band: np.full(curve.shape[1], np.nan, np.float32) for band in season_bands(parameters)}
    if near.size == 0:
        return maps
    axis = TimeAxis(day_of_year(float(days[near[0]]), year), step_days)
    for left in range(0, curve.shape[1], BLOCK_PX):
        block = np.ascontiguousarray(curve[near[0] : near[-1] + 1, left : left + BLOCK_PX], np.float32)
        chosen, number = _seasons(block, axis, days_in(year), parameters)
        for name, values in describe(block, axis, chosen, parameters).items():
            for season in range(parameters.seasons):
                is_this = number == season
                maps[f"{name}_{season + 1}"][left + chosen.pixel[is_this]] = values[is_this]
    return maps


def _step(days: np.ndarray, curve: np.ndarray) -> float:
    """The step of the days; ValueError where they cannot be used."""
    if curve.ndim != 2 or len(days) != len(curve):
        raise ValueError(f"A curve of shape {curve.shape} does not fit {len(days)} days.")
    steps = np.diff(days)
    if steps.size == 0:
        return 1.0
    if not (steps.min() > 0.0 and steps.max() <= LONGEST_STEP_DAYS and np.ptp(steps) < 1e-6 * steps.max()):
        raise ValueError(f"The days of a curve are not in equal steps of at most {LONGEST_STEP_DAYS:g} days.")
    return float(steps.mean())


def _seasons(
    curve: np.ndarray, axis: TimeAxis, days_in_year: int, parameters: SeasonParameters
) -> tuple[Maxima, np.ndarray]:
    """The maxima of a curve (m, p) that are seasons of the year, and which of the pixel's seasons each is, from 0."""
    found = find_maxima(curve, least_swing(curve, parameters))
    high, day = heights(curve, found), axis.day(top_position(curve, found))
    is_season = (day >= 1.0) & (day < days_in_year + 1.0) & (high.top >= LEAST_MAXIMUM)
    is_season &= ~found.is_left_cut | (high.left <= high.right + parameters.start_share * (high.top - high.right))
    is_season &= ~found.is_right_cut | (high.right <= high.left + parameters.end_share * (high.top - high.left))
    amplitude = high.top - high.base
    kept = np.flatnonzero(is_season)
    kept = kept[_rank(found.pixel[kept], -amplitude[kept]) < parameters.seasons]
    chosen = found.at_entries(kept)
    return chosen, _rank(chosen.pixel, chosen.at)


def _rank(pixel: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The place of each entry among those of its pixel in ascending order of ``key``, from 0."""
    order = np.lexsort((key, pixel))
    ordered = pixel[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    rank = np.empty(len(pixel), np.intp)
    rank[order] = np.arange(len(pixel)) - np.repeat(begins, np.diff(begins, append=len(pixel)))
    return rank
