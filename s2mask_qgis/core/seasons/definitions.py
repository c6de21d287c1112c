"""The 13 parameters of a season, each by its definition.

Source: Copernicus Land Monitoring Service, High Resolution Vegetation Phenology and Productivity (HR-VPP), product user
manual; of slopes and base level: Jönsson and Eklundh (2004), TIMESAT - a program for analyzing time-series of
satellite sensor data, Computers & Geosciences 30.

| band | is | unit |
|---|---|---|
| SOSD | start of season: day on which the curve has risen by ``start_share`` of the left rise | day |
| SOSV | the curve on that day | index |
| EOSD | end of season: day on which the curve has fallen to ``end_share`` of the right fall | day |
| EOSV | the curve on that day | index |
| MAXD | day of the maximum: vertex of the parabola through the highest step and its neighbours | day |
| MAXV | the curve at its highest step | index |
| MINV | base level: mean of the left and the right minimum | index |
| LENGTH | EOSD - SOSD | days |
| AMPL | MAXV - MINV | index |
| LSLOPE | mean rise between 20 % and 80 % of the left rise, positive | index a day |
| RSLOPE | mean fall between 80 % and 20 % of the right fall, positive | index a day |
| SPROD | integral of the curve above MINV from SOSD to EOSD | index x day |
| TPROD | integral of the whole curve from SOSD to EOSD | index x day |

The left and the right minimum are the lowest points between the maximum and its neighbours, or as far as the curve is
known; the left rise and the right fall are MAXV less these. Levels are counted from the minimum of their own side.
Where a flank crosses a level more than once, the crossing next to the maximum counts. Between its steps the curve is a
straight line. Days are counted from 1 January 00:00 UTC of the year as 1.0; they are below 1 or above 366 where a
season crosses the year's end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .flanks import crossing, integral_to, running_sum, value_at
from .maxima import Maxima
from .parameters import SeasonParameters

BANDS = (
    *("SOSD", "SOSV", "EOSD", "EOSV", "MAXD", "MAXV", "MINV"),
    *("LENGTH", "AMPL", "LSLOPE", "RSLOPE", "SPROD", "TPROD"),
)

LOW_SHARE, HIGH_SHARE = 0.2, 0.8
"""Between these shares of a flank its slope is taken, as in TIMESAT."""


@dataclass(frozen=True)
class TimeAxis:
    """Equal steps: row 0 is ``first_day`` (day of the year, from 1.0), a row later is ``step_days`` later."""

    first_day: float
    step_days: float

    def day(self, position: np.ndarray) -> np.ndarray:
        """The day of the year at a row with a fraction."""
        return self.first_day + self.step_days * position


@dataclass(frozen=True)
class Heights:
    """The curve at maxima and at the lowest points beside them, (k,) float64 each."""

    top: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @property
    def base(self) -> np.ndarray:
        """The mean of both minima."""
        return (self.left + self.right) / 2.0


def heights(curve: np.ndarray, maxima: Maxima) -> Heights:
    """The values of a curve (m, p) at maxima and beside them."""
    rows = (maxima.at, maxima.left_at, maxima.right_at)
    return Heights(*(curve[row, maxima.pixel].astype(float) for row in rows))


def top_position(curve: np.ndarray, maxima: Maxima) -> np.ndarray:
    """The row, with its fraction, of the vertex of the parabola through each highest step and its two neighbours."""
    before, top, after = (curve[maxima.at + shift, maxima.pixel].astype(float) for shift in (-1, 0, 1))
    return maxima.at + 0.5 * (before - after) / (before - 2.0 * top + after)


def describe(curve: np.ndarray, axis: TimeAxis, maxima: Maxima, parameters: SeasonParameters) -> dict[str, np.ndarray]:
    """Every band of ``BANDS`` for k maxima of a contiguous curve (m, p), (k,) float64 each; the module defines them."""
    high = heights(curve, maxima)
    start_low, start, start_high = _crossings(curve, maxima, high.left, high.top, parameters.start_share, -1)
    end_low, end, end_high = _crossings(curve, maxima, high.right, high.top, parameters.end_share, 1)
    start_value, end_value = value_at(curve, maxima.pixel, start), value_at(curve, maxima.pixel, end)
    length = axis.step_days * (end - start)
    sums = running_sum(curve)
    total = axis.step_days * (
        integral_to(curve, sums, maxima.pixel, end, end_value)
        - integral_to(curve, sums, maxima.pixel, start, start_value)
    )
    rise = (HIGH_SHARE - LOW_SHARE) / axis.step_days
    return {
        "SOSD": axis.day(start),
        "SOSV": start_value,
        "EOSD": axis.day(end),
        "EOSV": end_value,
        "MAXD": axis.day(top_position(curve, maxima)),
        "MAXV": high.top,
        "MINV": high.base,
        "LENGTH": length,
        "AMPL": high.top - high.base,
        "LSLOPE": rise * (high.top - high.left) / (start_high - start_low),
        "RSLOPE": rise * (high.top - high.right) / (end_low - end_high),
        "SPROD": total - high.base * length,
        "TPROD": total,
    }


def _crossings(
    curve: np.ndarray, maxima: Maxima, low: np.ndarray, top: np.ndarray, share: float, direction: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a flank crosses 20 %, ``share`` and 80 % of its height, each from where it crosses the next higher one."""
    found, row = {}, maxima.at
    for level_share in sorted({LOW_SHARE, share, HIGH_SHARE}, reverse=True):
        level = low + level_share * (top - low)
        found[level_share], row = crossing(curve, maxima.pixel, row, level, direction)
    return found[LOW_SHARE], found[share], found[HIGH_SHARE]
