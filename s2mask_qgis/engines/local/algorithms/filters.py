"""Filters: tests of an element's properties, footprint and date."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..values import (
    CollectionValue,
    ComputeError,
    DateRangeValue,
    DateValue,
    FeatureValue,
    FilterValue,
    GeometryValue,
    ImageValue,
    property_of,
)
from .conversions import is_number
from .elementwise import refuse
from .registry import Algorithm, algorithm
from .shapes import geometries_meet, to_ogr

_SIGNATURE = "String leftField = null, Object rightValue = null, String rightField = null, Object leftValue = null"

Element = Any
Test = Callable[[Any, Any], bool]


def _field(element: ImageValue | FeatureValue, name: str) -> Any:
    """A property of an element; ``.geo`` and ``.all`` stand for its geometry, ``system:index`` for its index."""
    if name in (".geo", ".all"):
        if isinstance(element, CollectionValue):
            raise refuse("a filter by the geometry of collections in a collection")
        return element.footprint if isinstance(element, ImageValue) else element.geometry
    return property_of(element, name)


def comparison(test: Test, left_field: Any, right_value: Any, right_field: Any, left_value: Any) -> FilterValue:
    """A filter that compares a property with a value, or two properties; a property that is missing never passes."""
    if left_field is None and right_field is None:
        raise ComputeError("a filter needs the name of a property")

    def matches(element: ImageValue | FeatureValue) -> bool:
        left = left_value if left_field is None else _field(element, left_field)
        right = right_value if right_field is None else _field(element, right_field)
        if left is None or right is None:
            if test is _differ:
                raise refuse(f"Filter.notEquals of the property {left_field or right_field!r} where it is missing")
            return False
        return test(left, right)

    return FilterValue(matches)


def _same(left: Any, right: Any) -> bool:
    return _comparable(left) == _comparable(right)


def _comparable(value: Any) -> Any:
    return value.millis if isinstance(value, DateValue) else value


def _ordered(compare: Callable[[Any, Any], bool]) -> Test:
    def test(left: Any, right: Any) -> bool:
        a, b = _comparable(left), _comparable(right)
        if (is_number(a) and is_number(b)) or (isinstance(a, str) and isinstance(b, str)):
            return compare(a, b)
        return False

    return test


def _in_range(span: Any, date: Any) -> bool:
    if not isinstance(span, DateRangeValue):
        raise ComputeError("the left side must be a date range")
    millis = _comparable(date)
    return is_number(millis) and span.start <= millis < span.end


def _holds(values: Any, value: Any) -> bool:
    return isinstance(values, list) and any(_same(item, value) for item in values)


def _geometries(left: Any, right: Any) -> tuple[GeometryValue, GeometryValue]:
    one, other = (value.geometry if isinstance(value, FeatureValue) else value for value in (left, right))
    if not isinstance(one, GeometryValue) or not isinstance(other, GeometryValue):
        raise ComputeError("both sides must be geometries")
    return one, other


def _meet(left: Any, right: Any) -> bool:
    return geometries_meet(*_geometries(left, right))


def _comparison(name: str, test: Test, description: str, more: str = "", aliases: tuple[str, ...] = ()) -> Algorithm:
    others = tuple(f"Filter.{alias}" for alias in aliases)

    @algorithm(f"Filter.{name}", f"{_SIGNATURE}{more} -> Filter", aliases=others, description=description)
    def make(left_field: Any, right_value: Any, right_field: Any, left_value: Any, *_: Any) -> FilterValue:
        return comparison(test, left_field, right_value, right_field, left_value)

    return make


def _differ(left: Any, right: Any) -> bool:
    return not _same(left, right)


def _text(test: Callable[[str, str], bool]) -> Test:
    return lambda left, right: isinstance(left, str) and isinstance(right, str) and test(left, right)


def _inside(left: Any, right: Any) -> bool:
    return _contain(right, left)


def _contain(left: Any, right: Any) -> bool:
    one, other = _geometries(left, right)
    return bool(to_ogr(one, "EPSG:4326").Contains(to_ogr(other, "EPSG:4326")))


_ERROR = ", Object maxError = null"
COMPARISONS = (
    _comparison("equals", _same, "Passes where the two sides are equal.", aliases=("eq",)),
    _comparison(
        "notEquals", _differ, "Passes where the two sides differ; refused where one is missing.", aliases=("neq",)
    ),
    _comparison("lessThan", _ordered(operator.lt), "Passes where left is less than right.", aliases=("lt",)),
    _comparison("lessThanOrEquals", _ordered(operator.le), "Passes where left is at most right.", aliases=("lte",)),
    _comparison("greaterThan", _ordered(operator.gt), "Passes where left is greater than right.", aliases=("gt",)),
    _comparison("greaterThanOrEquals", _ordered(operator.ge), "Passes where left is at least right.", aliases=("gte",)),
    _comparison("stringContains", _text(lambda a, b: b in a), "Passes where the left text holds the right one."),
    _comparison("stringStartsWith", _text(str.startswith), "Passes where the left text starts with the right one."),
    _comparison("stringEndsWith", _text(str.endswith), "Passes where the left text ends with the right one."),
    _comparison("dateRangeContains", _in_range, "Passes where the left side, a date range, holds the right, a date."),
    _comparison("listContains", _holds, "Passes where the left side, a list, holds the right."),
    _comparison("inList", lambda a, b: _holds(b, a), "Passes where the right side, a list, holds the left."),
    _comparison("intersects", _meet, "Passes where the two geometries meet.", _ERROR),
    _comparison("disjoint", lambda a, b: not _meet(a, b), "Passes where the two geometries do not meet.", _ERROR),
    _comparison("contains", _contain, "Passes where the right geometry lies inside the left one.", _ERROR),
    _comparison("isContained", _inside, "Passes where the left geometry lies inside the right one.", _ERROR),
)


@algorithm("Filter.rangeContains", "String field, Object minValue, Object maxValue -> Filter")
def range_contains(field: str, lowest: Any, highest: Any) -> FilterValue:
    """Passes where a property lies between two values, both included; a missing property does not pass."""
    above = comparison(_ordered(operator.ge), field, lowest, None, None)
    below = comparison(_ordered(operator.le), field, highest, None, None)
    return FilterValue(lambda element: above.matches(element) and below.matches(element))


@algorithm("Filter.maxDifference", f"Float difference, {_SIGNATURE} -> Filter")
def max_difference(
    difference: float, left_field: Any, right_value: Any, right_field: Any, left_value: Any
) -> FilterValue:
    """Passes where two numbers are at most ``difference`` apart."""

    def near(left: Any, right: Any) -> bool:
        a, b = _comparable(left), _comparable(right)
        return is_number(a) and is_number(b) and abs(a - b) <= difference

    return comparison(near, left_field, right_value, right_field, left_value)


@algorithm("Filter.notNull", "List<String> properties -> Filter")
def not_null(names: list[Any]) -> FilterValue:
    """Passes where all the properties named are there and not null."""
    return FilterValue(lambda element: all(_field(element, name) is not None for name in names))


_CALENDAR: dict[str, Callable[[datetime], int]] = {
    "year": lambda time: time.year,
    "month": lambda time: time.month,
    "hour": lambda time: time.hour,
    "minute": lambda time: time.minute,
    "day_of_year": lambda time: time.timetuple().tm_yday,
    "day_of_month": lambda time: time.day,
    "day_of_week": lambda time: time.isoweekday(),
}


@algorithm("Filter.calendarRange", 'Integer start, Integer end = null, String field = "day_of_year" -> Filter')
def calendar_range(start: int, end: int | None, field: str) -> FilterValue:
    """Passes where a field of ``system:time_start`` in UTC lies from ``start`` to ``end``, both included, or, with an
    end before the start, outside of what lies between. Months and days count from 1, weeks begin on Monday."""
    if field not in _CALENDAR:
        raise ComputeError(f"there is no calendar field {field!r}; there are {', '.join(_CALENDAR)}")
    last = start if end is None else end

    def matches(element: ImageValue | FeatureValue) -> bool:
        millis = _comparable(element.properties.get("system:time_start"))
        if not is_number(millis):
            return False
        value = _CALENDAR[field](DateValue(int(millis)).time)
        return start <= value <= last if start <= last else value >= start or value <= last

    return FilterValue(matches)


@algorithm("Filter.dayOfYear", "Integer start, Integer end -> Filter")
def day_of_year(start: int, end: int) -> FilterValue:
    """Passes where the day of the year (UTC, from 1) lies from ``start`` to ``end``, both included."""
    if end < start:
        raise refuse("a range of days that goes round the end of the year; use Filter.calendarRange")

    def matches(element: ImageValue | FeatureValue) -> bool:
        millis = _comparable(element.properties.get("system:time_start"))
        if not is_number(millis):
            return False
        day = DateValue(int(millis)).time.timetuple().tm_yday
        return start <= day <= end

    return FilterValue(matches)


@algorithm("Filter.and", "List<Filter> filters -> Filter")
def both(filters: list[FilterValue]) -> FilterValue:
    """Passes where all filters pass."""
    return FilterValue(lambda element: all(test.matches(element) for test in filters))


@algorithm("Filter.or", "List<Filter> filters -> Filter")
def either(filters: list[FilterValue]) -> FilterValue:
    """Passes where at least one filter passes."""
    return FilterValue(lambda element: any(test.matches(element) for test in filters))


@algorithm("Filter.not", "Filter filter -> Filter")
def negation(test: FilterValue) -> FilterValue:
    """Passes where the filter does not."""
    return FilterValue(lambda element: not test.matches(element))
