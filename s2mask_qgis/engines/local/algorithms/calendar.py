"""The calendar in a time zone: instants as local times and back, and texts of them by patterns of letters.

Patterns are those of Joda-Time's DateTimeFormat; letters that are not read or written here are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from ..values import ComputeError, DateValue
from .elementwise import refuse

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_TOKEN = re.compile(r"([a-zA-Z])\1*|'(?:[^']|'')*'|[^a-zA-Z']+")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

UNIT_MS: Mapping[str, int] = MappingProxyType(
    {"week": 604_800_000, "day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000}
)
"""Lengths of the units that have one, in milliseconds."""


def unit_of(name: str) -> str:
    """A unit of time by its name in the singular or plural. ComputeError for another text."""
    unit = name.removesuffix("s")
    if unit not in (*UNIT_MS, "year", "month"):
        raise ComputeError(f"{name!r} is no unit of time: year, month, week, day, hour, minute or second")
    return unit


def zone_of(name: str | None) -> tzinfo:
    """A time zone by name; UTC where none is given. ComputeError where the name is unknown."""
    if name in (None, "UTC"):
        return timezone.utc
    try:
        return ZoneInfo(str(name))
    except (OSError, ValueError, LookupError):
        raise ComputeError(f"there is no time zone {name!r}; an example is Europe/Vienna") from None


def local_time(date: DateValue, zone: tzinfo) -> datetime:
    """An instant as the time in a zone; years before 2 and after 9998 are refused."""
    try:
        time = (_EPOCH + timedelta(milliseconds=date.millis)).astimezone(zone)
    except OverflowError:
        time = datetime.max
    if not 2 <= time.year <= 9998:
        raise refuse("a date before the year 2 or after 9998")
    return time


def instant(time: datetime) -> DateValue:
    """The instant of a time in its zone; of a time that comes twice, the earlier. Times that are left out when clocks
    are set forward are refused."""
    date = DateValue((time - _EPOCH) // _MILLISECOND)
    if local_time(date, time.tzinfo or timezone.utc).replace(tzinfo=None) != time.replace(tzinfo=None):
        raise refuse(f"the time {time.replace(tzinfo=None)}, which the clocks of the zone leave out,")
    return date


def moved_months(time: datetime, months: int) -> datetime:
    """A time so many months later, on the last day of a month that lacks the day."""
    count = time.year * 12 + time.month - 1 + months
    year, month = divmod(count, 12)
    if not 2 <= year <= 9998:
        raise refuse("a date before the year 2 or after 9998")
    following = datetime(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return time.replace(year=year, month=month + 1, day=min(time.day, last), fold=0)


def start_of(time: datetime, unit: str) -> datetime:
    """The start of the unit that a time lies in; weeks begin on Mondays."""
    if unit == "week":
        return start_of(time, "day") - timedelta(days=time.weekday())
    order = ("year", "month", "day", "hour", "minute", "second")
    lower = order[order.index(unit) + 1 :]
    first: dict[str, Any] = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
    return time.replace(microsecond=0, **{name: first[name] for name in lower})


def end_of(start: datetime, unit: str) -> datetime:
    """The start of the unit after the one that begins at ``start``."""
    if unit in ("year", "month"):
        return moved_months(start, 12 if unit == "year" else 1)
    return start + timedelta(milliseconds=UNIT_MS[unit])


def _offset(time: datetime, width: int) -> str:
    if width > 2:
        raise refuse("the name of a time zone")
    text = time.strftime("%z")
    return text if width == 1 else f"{text[:3]}:{text[3:]}"


def _name(name: str, width: int) -> str:
    return name if width > 3 else name[:3]


def _year(year: int, width: int) -> str:
    return f"{year % 100:02d}" if width == 2 else f"{year:0{width}d}"


def _number(value: int, width: int) -> str:
    return f"{value:0{width}d}"


_LETTERS: Mapping[str, Callable[[datetime, int], str]] = MappingProxyType(
    {
        "y": lambda time, width: _year(time.year, width),
        "Y": lambda time, width: _year(time.year, width),
        "x": lambda time, width: _year(time.isocalendar()[0], width),
        "M": lambda time, width: _number(time.month, width) if width < 3 else _name(_MONTHS[time.month - 1], width),
        "d": lambda time, width: _number(time.day, width),
        "D": lambda time, width: _number(time.timetuple().tm_yday, width),
        "w": lambda time, width: _number(time.isocalendar()[1], width),
        "e": lambda time, width: _number(time.isoweekday(), width),
        "E": lambda time, width: _name(_DAYS[time.weekday()], width),
        "H": lambda time, width: _number(time.hour, width),
        "k": lambda time, width: _number(time.hour or 24, width),
        "K": lambda time, width: _number(time.hour % 12, width),
        "h": lambda time, width: _number(time.hour % 12 or 12, width),
        "m": lambda time, width: _number(time.minute, width),
        "s": lambda time, width: _number(time.second, width),
        "S": lambda time, width: f"{time.microsecond // 1000:03d}".ljust(width, "0")[:width],
        "a": lambda time, width: "AM" if time.hour < 12 else "PM",
        "Z": _offset,
    }
)


def _tokens(pattern: str) -> list[str]:
    """A pattern as runs of one letter, quoted texts and other characters."""
    tokens = [match[0] for match in _TOKEN.finditer(pattern)]
    if "".join(tokens) != pattern or not pattern:
        raise ComputeError(f"{pattern!r} is not a pattern of a date")
    return tokens


def _literal(token: str) -> str:
    if token[0] != "'":
        return token
    return "'" if token == "''" else token[1:-1].replace("''", "'")


def formatted(time: datetime, pattern: str) -> str:
    """A time as text by a pattern."""
    parts = []
    for token in _tokens(pattern):
        if not token[0].isalpha() or not token[0].isascii():
            parts.append(_literal(token))
        elif token[0] in _LETTERS:
            parts.append(_LETTERS[token[0]](time, len(token)))
        else:
            raise refuse(f"the letter {token[0]!r} of a pattern of dates")
    return "".join(parts)


_READ = MappingProxyType(
    {"y": "year", "Y": "year", "M": "month", "d": "day", "D": "yday", "H": "hour", "m": "minute", "s": "second"}
)


def parsed(text: str, pattern: str, zone: tzinfo) -> datetime:
    """The time that a text writes by a pattern of numbers (y M d D H m s S) and other characters."""
    tokens = _tokens(pattern)
    expression = "".join(_expression(token, tokens[number + 1 :]) for number, token in enumerate(tokens))
    try:
        match = re.fullmatch(expression, text, re.ASCII)
    except re.error:
        raise refuse(f"the pattern {pattern!r} with a field that comes twice") from None
    if match is None:
        raise ComputeError(f"{text!r} does not follow the pattern {pattern!r}")
    fields = match.groupdict()
    numbers = {name: int(value) for name, value in fields.items() if name != "fraction"}
    if "year" not in numbers:
        raise refuse("a date without a year")
    day_of_year = numbers.pop("yday", None)
    if day_of_year is not None and numbers.keys() & {"month", "day"}:
        raise refuse("a day of the year beside a month or a day of the month")
    try:
        time = datetime(**{"month": 1, "day": 1, **numbers}, tzinfo=zone)
        time += timedelta(milliseconds=int((fields.get("fraction") or "").ljust(3, "0")[:3] or 0))
        return time if day_of_year is None else in_year(time, day_of_year)
    except ValueError:
        raise ComputeError(f"{text!r} is not a date") from None


def in_year(time: datetime, day_of_year: int) -> datetime:
    """The time on a day of its year, counted from 1. ValueError where the year has no such day."""
    moved = time.replace(month=1, day=1) + timedelta(days=day_of_year - 1)
    if moved.year != time.year:
        raise ValueError(day_of_year)
    return moved


def _expression(token: str, following: list[str]) -> str:
    """The regular expression of a part of a pattern; numbers that touch one another have their pattern's width."""
    letter, width = token[0], len(token)
    if not letter.isalpha() or not letter.isascii():
        return re.escape(_literal(token))
    is_name = letter == "M" and width > 2
    if letter not in (*_READ, "S") or is_name or (letter in "yY" and width in (2, 3)):
        raise refuse(f"reading {token!r} in a pattern of dates")
    touches = bool(following) and following[0][0].isalpha()
    if touches and width == 1:
        raise refuse(f"reading {token!r} before another number")
    most = 4 if letter in "yY" else 3 if letter in "DS" else 2
    is_exact = touches or letter == "S" or (letter in "yY" and width > 1)
    digits = f"{{{width}}}" if is_exact else f"{{1,{max(most, width)}}}"
    return f"(?P<{'fraction' if letter == 'S' else _READ[letter]}>\\d{digits})"
