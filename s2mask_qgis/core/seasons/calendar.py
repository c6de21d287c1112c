"""Years on the time axis of a series: days since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import date

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def year_bounds(year: int) -> tuple[float, float]:
    """The first moments of a year and of the next one, in days since 1970-01-01 UTC."""
    return float(date(year, 1, 1).toordinal() - EPOCH_ORDINAL), float(date(year + 1, 1, 1).toordinal() - EPOCH_ORDINAL)


def days_in(year: int) -> int:
    """365, or 366 in a leap year."""
    first, end = year_bounds(year)
    return round(end - first)


def day_of_year(day: float, year: int) -> float:
    """The day counted from 1 January 00:00 UTC of ``year`` as 1.0; below 1 or above 366 in other years."""
    return day - year_bounds(year)[0] + 1.0
