"""Dates, which are instants, and ranges of dates: from a start, included, to an end, excluded."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from ..values import ComputeError, DateRangeValue, DateValue
from .calendar import (
    UNIT_MS,
    end_of,
    formatted,
    in_year,
    instant,
    local_time,
    moved_months,
    parsed,
    start_of,
    unit_of,
    zone_of,
)
from .conversions import to_date
from .elementwise import refuse
from .registry import algorithm

_DAY_OF_YEAR = re.compile(r"(\d{4})-(\d{3})", re.ASCII)
_SIZES = ("second", "minute", "hour", "day", "week", "month", "year")
_ZONELESS = re.compile(r"[^Z+]*", re.ASCII)


def _instant_of(value: Any, zone_name: str | None) -> DateValue:
    """A date of a date, milliseconds, or an ISO text, which is read in the zone."""
    if not isinstance(value, str):
        return to_date(value)
    match = _DAY_OF_YEAR.fullmatch(value)
    zone = zone_of(zone_name)
    if match is not None:
        try:
            return instant(in_year(datetime(int(match[1]), 1, 1, tzinfo=zone), int(match[2])))
        except ValueError:
            raise ComputeError(f"{value!r} is not a date") from None
    date = to_date(value)
    if zone is timezone.utc:
        return date
    if not _ZONELESS.fullmatch(value):
        raise refuse("a text with a zone of its own, in another zone,")
    return instant(local_time(date, timezone.utc).replace(tzinfo=zone))


@algorithm("Date", "Object value, String timeZone = null -> Date")
def date(value: Any, zone: str | None) -> DateValue:
    """An instant from milliseconds since 1970 UTC, a date, or an ISO text (2017-06-24, 2017-175, 2017-06-24T08:00),
    which is read in the time zone, UTC if none is given."""
    return _instant_of(value, zone)


@algorithm("Date.fromYMD", "Integer year, Integer month, Integer day, String timeZone = null -> Date")
def from_ymd(year: int, month: int, day: int, zone: str | None) -> DateValue:
    """The start of a day, by year, month and day of the month, in the time zone."""
    try:
        return instant(datetime(year, month, day, tzinfo=zone_of(zone)))
    except (ValueError, OverflowError):
        raise ComputeError(f"there is no day {day} in month {month} of {year}") from None


@algorithm("Date.millis", "Date date -> Long")
def millis(value: DateValue) -> int:
    """Milliseconds since 1970 UTC."""
    return value.millis


@algorithm("Date.parse", "String format, String date, String timeZone = null -> Date")
def parse(pattern: str, text: str, zone: str | None) -> DateValue:
    """The date that a text writes by a pattern of Joda-Time, as far as it is made of numbers."""
    return instant(parsed(text, pattern, zone_of(zone)))


@algorithm("Date.format", "Date date, String format = null, String timeZone = null -> String")
def format_date(value: DateValue, pattern: str | None, zone: str | None) -> str:
    """The date as text by a pattern of Joda-Time, in the time zone; without a pattern as ISO, to the second."""
    time = local_time(value, zone_of(zone))
    if pattern is not None:
        return formatted(time, pattern)
    if time.tzinfo is not timezone.utc or time.microsecond:
        raise refuse("the ISO text of a date in a time zone or with milliseconds; give a format")
    return formatted(time, "yyyy-MM-dd'T'HH:mm:ss")


@algorithm("Date.get", "Date date, String unit, String timeZone = null -> Long")
def get(value: DateValue, unit: str, zone: str | None) -> int:
    """A part of the date in the time zone: year, month (from 1), week (of ISO, from 1), day of the month (from 1),
    hour, minute or second."""
    time = local_time(value, zone_of(zone))
    name = unit_of(unit)
    return time.isocalendar()[1] if name == "week" else getattr(time, name)


@algorithm("Date.getRelative", "Date date, String unit, String inUnit, String timeZone = null -> Long")
def get_relative(value: DateValue, unit: str, in_unit: str, zone: str | None) -> int:
    """How many whole units have passed in a larger unit at the date, in the time zone; 0 where the unit is the larger
    one."""
    small, large = unit_of(unit), unit_of(in_unit)
    time = local_time(value, zone_of(zone))
    if (small, large) == ("month", "year"):
        return time.month - 1
    if _SIZES.index(small) > _SIZES.index(large):
        return 0
    if small in ("week", "month", "year") or large == "week" or small == large:
        raise refuse(f"the {unit} in the {in_unit}")
    start = start_of(time, large)
    if start.utcoffset() != time.utcoffset() and small != "day":
        raise refuse(f"the {unit} in the {in_unit} across a change of the clocks")
    return (time.replace(tzinfo=None) - start.replace(tzinfo=None)) // timedelta(milliseconds=UNIT_MS[small])


@algorithm("Date.getRange", "Date date, String unit, String timeZone = null -> DateRange")
def get_range(value: DateValue, unit: str, zone: str | None) -> DateRangeValue:
    """The unit of time that the date lies in, in the time zone; weeks begin on Mondays."""
    name = unit_of(unit)
    start = start_of(local_time(value, zone_of(zone)), name)
    return DateRangeValue(instant(start).millis, instant(end_of(start, name)).millis)


@algorithm("Date.getFraction", "Date date, String unit, String timeZone = null -> Float")
def get_fraction(value: DateValue, unit: str, zone: str | None) -> float:
    """The share of the unit of time around the date that has passed, 0 at its start."""
    span = get_range.function(value, unit, zone)
    return (value.millis - span.start) / (span.end - span.start)


@algorithm("Date.advance", "Date date, Float delta, String unit, String timeZone = null -> Date")
def advance(value: DateValue, delta: float, unit: str, zone: str | None) -> DateValue:
    """The date so many units later (earlier where negative). Years and months are whole, and keep the day of the month
    where the month has it, else its last day; weeks and days keep the time of day in the time zone."""
    name, time_zone = unit_of(unit), zone_of(zone)
    if not math.isfinite(delta):
        raise ComputeError(f"a date cannot be advanced by {delta}")
    is_calendar = name in ("year", "month") or (name in ("week", "day") and time_zone is not timezone.utc)
    if is_calendar and delta != int(delta):
        raise refuse(f"advancing by {delta} {name}s")
    time = local_time(value, time_zone)
    if name in ("year", "month"):
        return instant(moved_months(time, int(delta) * (12 if name == "year" else 1)))
    change = delta * UNIT_MS[name]
    if change != int(change):
        raise refuse(f"advancing by {delta} {name}s, which are no whole milliseconds,")
    if not is_calendar:
        return DateValue(value.millis + int(change))
    local_time(DateValue(value.millis + int(change)), time_zone)  # refuses what is beyond the calendar
    return instant(time.replace(fold=0) + timedelta(milliseconds=int(change)))


@algorithm("Date.difference", "Date date, Date start, String unit -> Float")
def difference(value: DateValue, start: DateValue, unit: str) -> float:
    """How many units the date is after the start, with fractions."""
    return (value.millis - start.millis) / _length_ms(unit)


def _length_ms(unit: str) -> int:
    name = unit_of(unit)
    if name not in UNIT_MS:
        raise refuse(f"the mean length of a {name}")
    return UNIT_MS[name]


@algorithm("Date.unitRatio", "String numerator, String denominator -> Float")
def unit_ratio(numerator: str, denominator: str) -> float:
    """How often the second unit goes into the first."""
    return _length_ms(numerator) / _length_ms(denominator)


@algorithm(
    "Date.update",
    "Date date, Integer year = null, Integer month = null, Integer day = null, Integer hour = null, "
    "Integer minute = null, Number second = null, String timeZone = null -> Date",
)
def update(
    value: DateValue,
    year: int | None,
    month: int | None,
    day: int | None,
    hour: int | None,
    minute: int | None,
    second: float | None,
    zone: str | None,
) -> DateValue:
    """The date with some of its parts replaced, in the time zone. ComputeError where there is no such date."""
    time = local_time(value, zone_of(zone))
    parts = {"year": year, "month": month, "day": day, "hour": hour, "minute": minute, "second": second}
    if second is not None and (not math.isfinite(second) or second != int(second)):
        raise refuse("a second with a fraction")
    given: dict[str, Any] = {name: int(part) for name, part in parts.items() if part is not None}
    try:
        return instant(time.replace(fold=0, **given))
    except (ValueError, OverflowError):
        raise ComputeError(f"there is no such date: {given}") from None


@algorithm("DateRange", "Object start, Object end = null, String timeZone = null -> DateRange")
def date_range(start: Any, end: Any, zone: str | None) -> DateRangeValue:
    """From start (included) to end (excluded); one millisecond where no end is given. Texts are read in the zone."""
    first = _instant_of(start, zone).millis
    return DateRangeValue(first, first + 1 if end is None else _instant_of(end, zone).millis)


@algorithm("DateRange.start", "DateRange dateRange -> Date")
def range_start(span: DateRangeValue) -> DateValue:
    """The start, which is included."""
    return DateValue(span.start)


@algorithm("DateRange.end", "DateRange dateRange -> Date")
def range_end(span: DateRangeValue) -> DateValue:
    """The end, which is excluded."""
    return DateValue(span.end)


@algorithm("DateRange.isEmpty", "DateRange dateRange -> Boolean")
def is_empty(span: DateRangeValue) -> bool:
    """True where the end is not after the start."""
    return span.start >= span.end


@algorithm("DateRange.contains", "DateRange dateRange, Object other -> Boolean")
def contains(span: DateRangeValue, other: Any) -> bool:
    """True where a date or another range lies within the range."""
    if isinstance(other, DateRangeValue):
        if is_empty.function(other):
            raise refuse("an empty range within another")
        return span.start <= other.start and other.end <= span.end
    return span.start <= to_date(other).millis < span.end


@algorithm("DateRange.intersects", "DateRange dateRange, DateRange other -> Boolean")
def intersects(span: DateRangeValue, other: DateRangeValue) -> bool:
    """True where the ranges have a date in common."""
    return max(span.start, other.start) < min(span.end, other.end)


@algorithm("DateRange.intersection", "DateRange dateRange, DateRange other -> DateRange")
def intersection(span: DateRangeValue, other: DateRangeValue) -> DateRangeValue:
    """The dates that both ranges contain; ranges without a common date are refused."""
    if not intersects.function(span, other):
        raise refuse("the intersection of ranges without a common date")
    return DateRangeValue(max(span.start, other.start), min(span.end, other.end))


@algorithm("DateRange.union", "DateRange dateRange, DateRange other -> DateRange")
def union(span: DateRangeValue, other: DateRangeValue) -> DateRangeValue:
    """The dates that one range or both contain; ranges with a gap between them are refused."""
    if max(span.start, other.start) > min(span.end, other.end) or is_empty.function(span) or is_empty.function(other):
        raise refuse("the union of ranges with a gap between them")
    return DateRangeValue(min(span.start, other.start), max(span.end, other.end))
