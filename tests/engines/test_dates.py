"""Dates: the calendar in UTC and in time zones, texts by patterns, ranges."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.calls import Call, answer, call, is_refused

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
VIENNA = "Europe/Vienna"


def millis(time: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return (time - EPOCH) // timedelta(milliseconds=1)


def date(text: str) -> Call:
    """A date of an ISO text."""
    return call("Date", value=text)


def iso(found: dict[str, Any]) -> str:
    """A date answered, as ISO text in UTC."""
    return (EPOCH + timedelta(milliseconds=found["value"])).strftime("%Y-%m-%dT%H:%M:%S")


@given(TIMES)
def test_a_date_written_is_read_again(time: datetime):
    pattern = "yyyy-MM-dd'T'HH:mm:ss.SSS"
    text = answer("Date.format", date=call("Date", value=millis(time)), format=pattern)
    assert text == time.isoformat(timespec="milliseconds").removesuffix("+00:00")
    assert answer("Date.parse", format=pattern, date=text)["value"] == millis(time)


@given(TIMES, st.integers(-1000, 1000))
def test_days_are_advanced_by_their_length(time: datetime, days: int):
    found = answer("Date.advance", date=call("Date", value=millis(time)), delta=days, unit="day")
    assert found["value"] == millis(time + timedelta(days=days))


@given(TIMES)
def test_parts_of_a_date_are_those_of_the_calendar(time: datetime):
    moment = call("Date", value=millis(time))
    for unit in ("year", "month", "day", "hour", "minute", "second"):
        assert answer("Date.get", date=moment, unit=unit) == getattr(time, unit)
    assert answer("Date.get", date=moment, unit="week") == int(time.strftime("%V"))
    assert answer("Date.getRelative", date=moment, unit="day", inUnit="year") == int(time.strftime("%j")) - 1
    assert answer("Date.getRelative", date=moment, unit="year", inUnit="month") == 0


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2017-6-24", None, "2017-06-24T00:00:00"),
        ("2017-175", None, "2017-06-24T00:00:00"),
        ("2017-06-24T08:00", None, "2017-06-24T08:00:00"),
        ("2017-06-24T08:00", VIENNA, "2017-06-24T06:00:00"),
        ("2017-01-24", VIENNA, "2017-01-23T23:00:00"),
        (0, VIENNA, "1970-01-01T00:00:00"),
    ],
)
def test_texts_are_read_in_the_zone(value: Any, zone: str | None, expected: str):
    assert iso(answer("Date", value=value, timeZone=zone)) == expected


@pytest.mark.parametrize(
    ("start", "delta", "unit", "zone", "expected"),
    [
        ("2020-01-31", 1, "month", None, "2020-02-29T00:00:00"),
        ("2020-02-29", 1, "year", None, "2021-02-28T00:00:00"),
        ("2020-03-31", -1, "months", None, "2020-02-29T00:00:00"),
        ("2020-01-01", 1.5, "days", None, "2020-01-02T12:00:00"),
        ("2020-01-01", 2, "week", None, "2020-01-15T00:00:00"),
        ("2020-03-28T11:00:00", 1, "day", VIENNA, "2020-03-29T10:00:00"),
        ("2020-03-28T11:00:00", 24, "hour", VIENNA, "2020-03-29T11:00:00"),
    ],
)
def test_dates_advance_by_the_calendar(start: str, delta: float, unit: str, zone: str | None, expected: str):
    assert iso(answer("Date.advance", date=date(start), delta=delta, unit=unit, timeZone=zone)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("YYYY-MM-dd", "2021-04-05"),
        ("yy/M/d", "21/4/5"),
        ("DDD", "095"),
        ("MMM d, MMMM", "Apr 5, April"),
        ("EEE EEEE e", "Mon Monday 1"),
        ("xxxx-'W'ww", "2021-W14"),
        ("h:mm a", "1:07 PM"),
        ("HHmmss.SSS", "130709.250"),
        ("'o''clock'", "o'clock"),
        ("Z ZZ", "+0000 +00:00"),
    ],
)
def test_dates_are_written_by_patterns(pattern: str, expected: str):
    assert answer("Date.format", date=date("2021-04-05T13:07:09.25"), format=pattern) == expected


def test_dates_are_written_in_the_zone():
    moment = date("2021-07-01T22:30:00")
    assert answer("Date.format", date=moment, format="yyyy-MM-dd HH:mm Z", timeZone=VIENNA) == "2021-07-02 00:30 +0200"
    assert answer("Date.format", date=moment) == "2021-07-01T22:30:00"


def test_differences_are_in_units_with_fractions():
    first, second = date("2020-01-01"), date("2020-01-15T12:00:00")
    assert answer("Date.difference", date=second, start=first, unit="days") == 14.5
    assert answer("Date.difference", date=first, start=second, unit="hour") == -348
    assert answer("Date.unitRatio", numerator="day", denominator="minute") == 1440


def test_a_unit_around_a_date_is_a_range():
    moment = date("2021-04-05T13:00:00")
    month = call("Date.getRange", date=moment, unit="month")
    assert iso(answer("DateRange.start", dateRange=month)) == "2021-04-01T00:00:00"
    assert iso(answer("DateRange.end", dateRange=month)) == "2021-05-01T00:00:00"
    assert answer("Date.getFraction", date=date("2021-04-16"), unit="month") == 0.5
    week = call("Date.getRange", date=date("2021-04-11"), unit="week")
    assert iso(answer("DateRange.start", dateRange=week)) == "2021-04-05T00:00:00"


def test_parts_of_a_date_are_replaced():
    assert iso(answer("Date.update", date=date("2021-04-05"), year=2020, month=2, day=29)) == "2020-02-29T00:00:00"
    assert iso(answer("Date.fromYMD", year=2020, month=2, day=29)) == "2020-02-29T00:00:00"


def test_ranges_include_their_start_and_exclude_their_end():
    span = call("DateRange", start="2020-01-01", end="2020-02-01")
    assert answer("DateRange.contains", dateRange=span, other=date("2020-01-01")) is True
    assert answer("DateRange.contains", dateRange=span, other=date("2020-02-01")) is False
    late = call("DateRange", start="2020-01-20", end="2020-03-01")
    assert answer("DateRange.intersects", dateRange=span, other=late) is True
    both = call("DateRange.intersection", dateRange=span, other=late)
    assert iso(answer("DateRange.start", dateRange=both)) == "2020-01-20T00:00:00"
    assert answer("DateRange.union", dateRange=span, other=late)["dates"] == [
        millis(datetime(2020, 1, 1, tzinfo=timezone.utc)),
        millis(datetime(2020, 3, 1, tzinfo=timezone.utc)),
    ]


def test_a_range_without_an_end_is_one_millisecond_long():
    assert answer("DateRange", start=1000)["dates"] == [1000, 1001]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("difference", {"date": date("2020-01-02"), "start": date("2020-01-01"), "unit": "year"}),
        ("advance", {"date": date("2020-01-02"), "delta": 0.5, "unit": "month"}),
        ("format", {"date": date("2020-01-02"), "format": "GG"}),
        ("parse", {"format": "MMM yyyy", "date": "Apr 2020"}),
        ("parse", {"format": "yyyy-MM DDD", "date": "2020-01 001"}),
        ("parse", {"format": "yMd", "date": "2020101"}),
        ("advance", {"date": date("2020-01-01"), "delta": 9000, "unit": "year"}),
        ("advance", {"date": date("2020-01-01"), "delta": 1e12, "unit": "day", "timeZone": VIENNA}),
        ("getRelative", {"date": date("2020-01-02"), "unit": "week", "inUnit": "year"}),
        ("getRelative", {"date": date("2020-01-02"), "unit": "day", "inUnit": "day"}),
        ("update", {"date": date("2020-03-28T12:00:00"), "day": 29, "hour": 2, "timeZone": VIENNA, "minute": 30}),
    ],
)
def test_what_the_reference_leaves_open_is_refused(name: str, arguments: dict[str, Any]):
    assert is_refused(f"Date.{name}", **arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Date", {"value": "2020-02-30"}),
        ("Date", {"value": "2021-366"}),
        ("Date", {"value": "2020-01-01", "timeZone": "Europe/Nowhere"}),
        ("Date.get", {"date": date("2020-01-01"), "unit": "fortnight"}),
        ("Date.fromYMD", {"year": 2021, "month": 13, "day": 1}),
        ("Date.parse", {"format": "yyyy-MM-dd", "date": "01.02.2020"}),
        ("Date.update", {"date": date("2021-01-31"), "month": 2}),
    ],
)
def test_what_is_no_date_is_an_error(name: str, arguments: dict[str, Any]):
    with pytest.raises(ComputeError, match=rf"^{name}: "):
        answer(name, **arguments)
