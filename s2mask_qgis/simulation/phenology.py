"""How much of a parcel is green, dry or in blossom on a day of the year."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Surface(IntEnum):
    """What the ground is covered with."""

    WHEAT = 0
    MAIZE = 1
    RAPESEED = 2
    BEET = 3
    GRASS = 4
    ALFALFA = 5
    DECIDUOUS = 6
    CONIFEROUS = 7
    WATER = 8
    HOUSES = 9
    HALLS = 10
    ROAD = 11


CROPS = (Surface.WHEAT, Surface.MAIZE, Surface.RAPESEED, Surface.BEET, Surface.GRASS, Surface.ALFALFA)
CROP_SHARES = (0.34, 0.22, 0.13, 0.12, 0.11, 0.08)

# Day of the year: share of the ground (0-1); the curve runs on over the turn of the year.
_GREEN = {
    Surface.WHEAT: {
        1: 0.30,
        50: 0.34,
        80: 0.50,
        105: 0.80,
        130: 0.93,
        158: 0.90,
        174: 0.50,
        188: 0.08,
        200: 0.03,
        235: 0.10,
        255: 0.04,
        285: 0.04,
        305: 0.18,
        335: 0.28,
    },
    Surface.MAIZE: {
        1: 0.05,
        120: 0.03,
        140: 0.12,
        160: 0.45,
        180: 0.85,
        205: 0.94,
        235: 0.86,
        255: 0.50,
        275: 0.12,
        285: 0.03,
        330: 0.05,
    },
    Surface.RAPESEED: {
        1: 0.48,
        50: 0.42,
        80: 0.60,
        100: 0.85,
        115: 0.70,
        135: 0.74,
        150: 0.90,
        168: 0.70,
        188: 0.12,
        200: 0.03,
        240: 0.04,
        258: 0.15,
        285: 0.50,
        315: 0.60,
        345: 0.52,
    },
    Surface.BEET: {1: 0.06, 100: 0.03, 125: 0.10, 150: 0.45, 175: 0.88, 230: 0.90, 275: 0.80, 300: 0.55, 308: 0.05},
    Surface.GRASS: {1: 0.42, 60: 0.45, 100: 0.72, 140: 0.85, 200: 0.66, 230: 0.58, 270: 0.68, 320: 0.50},
    Surface.ALFALFA: {1: 0.34, 60: 0.38, 95: 0.70, 125: 0.92, 250: 0.90, 285: 0.75, 325: 0.42},
    Surface.DECIDUOUS: {1: 0.0, 98: 0.0, 112: 0.35, 130: 0.92, 150: 1.0, 235: 0.92, 268: 0.75, 290: 0.25, 312: 0.0},
}
_DRY = {
    Surface.WHEAT: {1: 0.02, 158: 0.05, 174: 0.42, 190: 0.84, 198: 0.80, 202: 0.50, 232: 0.38, 240: 0.08, 300: 0.02},
    Surface.MAIZE: {1: 0.18, 90: 0.10, 110: 0.02, 235: 0.06, 262: 0.45, 278: 0.60, 286: 0.34, 330: 0.24},
    Surface.RAPESEED: {1: 0.04, 160: 0.10, 186: 0.70, 197: 0.70, 202: 0.42, 235: 0.30, 242: 0.03},
    Surface.BEET: {1: 0.04, 300: 0.10, 310: 0.16, 340: 0.06},
    Surface.GRASS: {1: 0.34, 80: 0.28, 120: 0.08, 200: 0.22, 235: 0.26, 270: 0.14, 330: 0.30},
    Surface.ALFALFA: {1: 0.20, 100: 0.08, 250: 0.06, 330: 0.18},
    Surface.DECIDUOUS: {1: 0.0, 245: 0.0, 275: 0.25, 292: 0.62, 305: 0.40, 325: 0.0},
}
_BLOSSOM = {Surface.RAPESEED: {1: 0.0, 104: 0.0, 116: 0.60, 128: 0.62, 140: 0.08, 146: 0.0}}
_CUT_DAYS = {Surface.ALFALFA: (128, 166, 206, 250), Surface.GRASS: (146, 226)}
_CUT_LOSS, _REGROWTH_DAYS = 0.68, 13.0


def ground_cover(surface: Surface, days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Green, dry and blossoming share of the ground (0-1), the rest being soil, for each of ``days``.

    ``days`` are days of the year after each parcel's own shift; they may lie outside 1-365.
    """
    green = _curve(_GREEN.get(surface, {1: 0.0}), days)
    for cut_day in _CUT_DAYS.get(surface, ()):
        since = days - cut_day
        green = green * np.where(since >= 0, 1.0 - _CUT_LOSS * np.exp(-np.maximum(since, 0) / _REGROWTH_DAYS), 1.0)
    blossom = _curve(_BLOSSOM.get(surface, {1: 0.0}), days)
    dry = _curve(_DRY.get(surface, {1: 0.0}), days)
    return green, np.minimum(dry, 1.0 - green), np.minimum(blossom, green)


def _curve(knots: dict[int, float], days: np.ndarray) -> np.ndarray:
    return np.interp(days, list(knots), list(knots.values()), period=365.0)
