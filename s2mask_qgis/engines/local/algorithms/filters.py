"""Filters: tests of an element's properties, footprint and date."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..values import (
    ComputeError,
    DateRangeValue,
    DateValue,
    FeatureValue,
    FilterValue,
    GeometryValue,
    ImageValue,
)
from .conversions import is_number
from .registry import Algorithm, algorithm
from .shapes import geometries_meet

_SIGNATURE = "String leftField = null, Object rightValue = null, String rightField = null, Object leftValue = null"

Element = Any
Test = Callable[[Any, Any], bool]


def _field(element: ImageValue | FeatureValue, name: str) -> Any:
    """A property of an element; ``.geo`` and ``.all`` stand for its geometry, ``system:index`` for its index."""
    if name in (".geo", ".all"):
        return element.footprint if isinstance(element, ImageValue) else element.geometry
    return element.properties.get(name)


def comparison(test: Test, left_field: Any, right_value: Any, right_field: Any, left_value: Any) -> FilterValue:
    """A filter that compares a property with a value, or two properties; a property that is missing never passes."""
    if left_field is None and right_field is None:
        raise ComputeError("a filter needs the name of a property")

    def matches(element: ImageValue | FeatureValue) -> bool:
        left = left_value if left_field is None else _field(element, left_field)
        right = right_value if right_field is None else _field(element, right_field)
        return left is not None and right is not None and test(left, right)

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


def _meet(left: Any, right: Any) -> bool:
    one, other = (value.geometry if isinstance(value, FeatureValue) else value for value in (left, right))
    if not isinstance(one, GeometryValue) or not isinstance(other, GeometryValue):
        raise ComputeError("both sides must be geometries")
    return geometries_meet(one, other)


def _comparison(name: str, test: Test, description: str, more: str = "") -> Algorithm:
    @algorithm(f"Filter.{name}", f"{_SIGNATURE}{more} -> Filter", description=description)
    def make(left_field: Any, right_value: Any, right_field: Any, left_value: Any, *_: Any) -> FilterValue:
        return comparison(test, left_field, right_value, right_field, left_value)

    return make


COMPARISONS = (
    _comparison("equals", _same, "Passes where the two sides are equal."),
    _comparison("lessThan", _ordered(lambda a, b: a < b), "Passes where the left side is less than the right."),
    _comparison("greaterThan", _ordered(lambda a, b: a > b), "Passes where the left side is greater than the right."),
    _comparison("dateRangeContains", _in_range, "Passes where the left side, a date range, holds the right, a date."),
    _comparison("listContains", _holds, "Passes where the left side, a list, holds the right."),
    _comparison("intersects", _meet, "Passes where the two geometries meet.", ", Object maxError = null"),
)


def _check(filters: list[Any]) -> list[FilterValue]:
    if not all(isinstance(item, FilterValue) for item in filters):
        raise ComputeError("the list must hold filters only")
    return filters


@algorithm("Filter.and", "List filters -> Filter")
def both(filters: list[Any]) -> FilterValue:
    """Passes where all filters pass."""
    tests = _check(filters)
    return FilterValue(lambda element: all(test.matches(element) for test in tests))


@algorithm("Filter.or", "List filters -> Filter")
def either(filters: list[Any]) -> FilterValue:
    """Passes where at least one filter passes."""
    tests = _check(filters)
    return FilterValue(lambda element: any(test.matches(element) for test in tests))


@algorithm("Filter.not", "Filter filter -> Filter")
def negation(test: FilterValue) -> FilterValue:
    """Passes where the filter does not."""
    return FilterValue(lambda element: not test.matches(element))
