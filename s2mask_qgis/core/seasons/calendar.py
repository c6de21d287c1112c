"""Years on the time axis of a series: days since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import date

LEAST_MAPPED_SHARE = 1 / 3
"""Share of a year that lies between the first image and the last where its productivity is mapped: with less, hardly a
season rises and falls within it, and its maps would be empty."""

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def year_bounds(year: int) -> tuple[float, float]:
    """The first moments of a year and of the next one, in days since 1970-01-01 UTC."""
    return float(date(year, 1, 1).toordinal() - EPOCH_ORDINAL), float(date(year + 1, 1, 1).toordinal() - EPOCH_ORDINAL)


def known_share(year: int, first_day: float, last_day: float) -> float:
    """The share (0-1) of a year that lies between two days since 1970-01-01."""
    first, end = year_bounds(year)
    return max(0.0, min(last_day, end) - max(first_day, first)) / (end - first)


def days_in(year: int) -> int:
    """365, or 366 in a leap year."""
    first, end = year_bounds(year)
    return round(end - first)


def day_of_year(day: float, year: int) -> float:
    """The day counted from 1 January 00:00 UTC of ``year`` as 1.0; below 1 or above 366 in other years."""
    return day - year_bounds(year)[0] + 1.0
