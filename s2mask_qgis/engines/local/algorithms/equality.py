"""Equality of values: numbers by value, lists and dictionaries entry by entry, a Boolean never equal to a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..values import ArrayValue, DateRangeValue, DateValue, GeometryValue
from .conversions import describe, is_number
from .elementwise import refuse


def are_equal(left: Any, right: Any) -> bool:
    """Whether two values are equal. Images, features, collections and functions are refused: they have no equality
    that the reference describes."""
    if left is None or right is None:
        return left is right
    if is_number(left) and is_number(right):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(are_equal(a, b) for a, b in zip(left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(are_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, ArrayValue) and isinstance(right, ArrayValue):
        return bool(np.array_equal(left.data, right.data))
    plain = (bool, int, float, str, list, Mapping, ArrayValue, DateValue, DateRangeValue)
    for value in (left, right):
        if not isinstance(value, (*plain, GeometryValue)):
            raise refuse(f"the equality of a {describe(value)}")
    if isinstance(left, GeometryValue) and isinstance(right, GeometryValue):
        raise refuse("the equality of geometries")
    return type(left) is type(right) and left == right


def position_of(items: list[Any], value: Any) -> int:
    """The place of the first item that equals a value, -1 where there is none."""
    return next((place for place, item in enumerate(items) if are_equal(item, value)), -1)
