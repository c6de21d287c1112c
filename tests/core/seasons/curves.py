"""Curves with seasons that are known, and the days they stand on."""

from __future__ import annotations

from datetime import date

import numpy as np

YEAR = 2022
NEW_YEAR = date(YEAR, 1, 1).toordinal() - date(1970, 1, 1).toordinal()


def regular_days(step_days: float = 5.0, before_days: float = 90.0, after_days: float = 90.0) -> np.ndarray:
    """Days since 1970 around the year."""
    return np.arange(NEW_YEAR - before_days, NEW_YEAR + 365 + after_days, step_days)


def day_of_year(days: np.ndarray) -> np.ndarray:
    """Days counted from 1 January of the year as 1.0."""
    return days - NEW_YEAR + 1.0


def column(values: np.ndarray) -> np.ndarray:
    """The curve of one pixel, (m, 1)."""
    return np.asarray(values, np.float32)[:, None]


def straight(days: np.ndarray, corners: dict[float, float]) -> np.ndarray:
    """Straight lines between corners (day of year: value)."""
    return column(np.interp(day_of_year(days), list(corners), list(corners.values())))


def double_logistic(
    days: np.ndarray, low: float, high: float, rise: float, rise_rate: float, fall: float, fall_rate: float
) -> np.ndarray:
    """A season that has risen by half on day ``rise`` and fallen by half on day ``fall``."""
    t = day_of_year(days)
    up, down = 1 / (1 + np.exp(-rise_rate * (t - rise))), 1 / (1 + np.exp(fall_rate * (t - fall)))
    return column(low + (high - low) * (up + down - 1))


def hump(days: np.ndarray, day: float, height: float, width_days: float) -> np.ndarray:
    """A bell of a height over zero around a day."""
    return column(height * np.exp(-(((day_of_year(days) - day) / width_days) ** 2)))
