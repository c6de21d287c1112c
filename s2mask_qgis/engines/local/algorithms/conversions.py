"""Conversion of argument values to the types that signatures declare, as the service promotes them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from ..raster.sources import Constant, ConstantArray
from ..values import (
    ArrayValue,
    Band,
    CollectionValue,
    ComputeError,
    DateRangeValue,
    DateValue,
    FeatureValue,
    FilterValue,
    FunctionValue,
    GeometryValue,
    ImageValue,
    KernelValue,
    PixelTypeValue,
    ProjectionValue,
    ReducerValue,
)
from .array_building import array_from
from .elementwise import refuse
from .geojson import checked_geojson

_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(?P<fraction>\d{1,3}))?)?Z?)?", re.ASCII)
_OTHER_DATE = re.compile(r"\d{4}(-\d\d?){0,2}([T ][\d:.,]+)?(Z|[+-]\d\d:?(\d\d)?)?|\d{4}-W\d\d(-\d)?", re.ASCII)
"""Other forms of ISO 8601, of which the reference gives no example."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def describe(value: Any) -> str:
    """A short name of a value's type for messages."""
    names = {
        ImageValue: "Image",
        FeatureValue: "Feature",
        CollectionValue: "collection",
        GeometryValue: "Geometry",
        DateValue: "Date",
        FilterValue: "Filter",
        ReducerValue: "Reducer",
        FunctionValue: "function",
        ArrayValue: "Array",
    }
    return names.get(type(value), type(value).__name__)


def is_number(value: Any) -> bool:
    """True for a number proper (a Boolean is none)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def plain_number(value: float) -> float:
    """A number that arrays can hold: whole numbers beyond 64 bits become floating ones, as they do at the service."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        try:
            return float(value)
        except OverflowError:
            raise ComputeError("a whole number has more than 300 digits") from None
    return value


def constant_image(value: Any) -> ImageValue:
    """An image of constant bands from a number, an array (in every pixel) or a list of them, named constant, or
    constant_0, constant_1, …"""
    items = value if isinstance(value, list) else [value]
    if not items or not all(is_number(item) or isinstance(item, ArrayValue) for item in items):
        raise ComputeError(f"cannot make an image of a {describe(value)}")
    names = ["constant"] if len(items) == 1 else [f"constant_{i}" for i in range(len(items))]
    return ImageValue(tuple(_constant_band(name, item) for name, item in zip(names, items)))


def _constant_band(name: str, value: float | ArrayValue) -> Band:
    if isinstance(value, ArrayValue):
        data = value.data
        return Band(name, ConstantArray(data) if data.ndim else Constant(data.item()), None, data.dtype)
    number = plain_number(value)
    return Band(name, Constant(number), None, np.dtype(np.int64 if isinstance(number, int) else np.float64))


def to_image(value: Any) -> ImageValue:
    """An image from an image, a number or a list of numbers."""
    if isinstance(value, ImageValue):
        return value
    if isinstance(value, bool):
        return constant_image(int(value))
    return constant_image(value)


def to_collection(value: Any) -> CollectionValue:
    """A collection from a collection, one element or a list of elements."""
    if isinstance(value, CollectionValue):
        return value
    elements = value if isinstance(value, list) else [value]
    if not all(isinstance(element, (ImageValue, FeatureValue)) for element in elements):
        raise ComputeError(f"cannot make a collection of a {describe(value)}")
    return CollectionValue(tuple(elements))


def to_element(value: Any) -> ImageValue | FeatureValue | CollectionValue:
    """Anything with properties."""
    if not isinstance(value, (ImageValue, FeatureValue, CollectionValue)):
        raise ComputeError(f"a {describe(value)} has no properties")
    return value


def to_geometry(value: Any) -> GeometryValue:
    """A geometry from a geometry, a feature or GeoJSON."""
    if isinstance(value, GeometryValue):
        return value
    if isinstance(value, FeatureValue) and value.geometry is not None:
        return value.geometry
    if isinstance(value, ImageValue) and value.footprint is not None:
        return value.footprint
    if isinstance(value, Mapping) and "type" in value:
        return GeometryValue(checked_geojson(value), geodesic=bool(value.get("geodesic", True)))
    raise ComputeError(f"cannot make a geometry of a {describe(value)}")


def to_float(value: Any) -> float:
    """A number. Booleans are refused: whether they stand for 0 and 1 is not documented."""
    if isinstance(value, bool):
        raise refuse("a Boolean as a number")
    if not is_number(value):
        raise ComputeError(f"a number is needed, not {describe(value)} {value!r}")
    return plain_number(value)


def to_integer(value: Any) -> int:
    """A whole number."""
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)) or int(value) != value:
        raise ComputeError(f"a whole number is needed, not {describe(value)} {value!r}")
    return int(value)


def to_string(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ComputeError(f"a text is needed, not {describe(value)}")
    return value


def to_list(value: Any) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise ComputeError(f"a list is needed, not {describe(value)}")
    return value


def to_array(value: Any) -> ArrayValue:
    """An array from an array, a number or nested lists of numbers."""
    return value if isinstance(value, ArrayValue) else array_from(value, None)


def to_dictionary(value: Any) -> dict[str, Any]:
    """A dictionary."""
    if not isinstance(value, Mapping):
        raise ComputeError(f"a dictionary is needed, not {describe(value)}")
    return dict(value)


def to_boolean(value: Any) -> bool:
    """True or false; a number is true unless it is 0."""
    if not isinstance(value, (bool, int, float)):
        raise ComputeError(f"true or false is needed, not {describe(value)}")
    return bool(value)


def to_date(value: Any) -> DateValue:
    """A date from a date, milliseconds since 1970 UTC, or an ISO text."""
    if isinstance(value, DateValue):
        return value
    if is_number(value):
        if not math.isfinite(value):
            raise ComputeError(f"there is no date {value} milliseconds after 1970")
        return DateValue(int(value))
    if isinstance(value, str):
        return DateValue(_millis(value))
    raise ComputeError(f"cannot make a date of a {describe(value)}")


def _millis(text: str) -> int:
    """Milliseconds since 1970 UTC of an ISO text; months and days may have one digit."""
    match = _DATE.fullmatch(text)
    if match is None and _OTHER_DATE.fullmatch(text):
        raise refuse(f"reading the date {text!r}")
    if match is None:
        raise ComputeError(f"{text!r} is not a date")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:-1])
    try:
        time = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        raise ComputeError(f"{text!r} is not a date") from None
    return (time - _EPOCH) // timedelta(milliseconds=1) + int((match["fraction"] or "").ljust(3, "0"))


def to_projection(value: Any) -> ProjectionValue:
    """A projection from a projection or the name of a coordinate system."""
    if isinstance(value, ProjectionValue):
        return value
    if isinstance(value, str):
        return ProjectionValue(value, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    raise ComputeError(f"cannot make a projection of a {describe(value)}")


def projection_value(crs: str, transform: list[Any]) -> ProjectionValue:
    """A projection from the name of its coordinate system and the 6 numbers of a grid."""
    if len(transform) != 6 or not all(is_number(number) and math.isfinite(number) for number in transform):
        raise ComputeError(f"a transform is 6 finite numbers, not {transform}")
    return ProjectionValue(crs, tuple(float(number) for number in transform))


def to_filter(value: Any) -> FilterValue:
    """A filter; one written as a text is refused."""
    if isinstance(value, str):
        raise refuse("a filter written as a text")
    return _instance_of(FilterValue, "Filter")(value)


def _instance_of(kind: type, name: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ComputeError(f"a {name} is needed, not {describe(value)}")
        return value

    return check


_TYPE_TESTS: Mapping[str, Callable[[Any], bool]] = {
    "Number": is_number,
    "String": lambda value: isinstance(value, str),
    "Array": lambda value: isinstance(value, ArrayValue),
    "Geometry": lambda value: isinstance(value, GeometryValue),
}


def of_type(value: Any, name: str, what: str) -> Any:
    """A value that must be of the type ``name`` already; a list serves as an Array. ``what`` names it for the user."""
    if name == "Array" and isinstance(value, list):
        return to_array(value)
    if not _TYPE_TESTS[name](value):
        raise ComputeError(f"{what} is no {name} but a {describe(value)}")
    return value


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "Image": to_image,
    "ImageCollection": to_collection,
    "FeatureCollection": to_collection,
    "Element": to_element,
    "Feature": _instance_of(FeatureValue, "Feature"),
    "Geometry": to_geometry,
    "Float": to_float,
    "Number": to_float,
    "Integer": to_integer,
    "Long": to_integer,
    "String": to_string,
    "List": to_list,
    "Array": to_array,
    "Dictionary": to_dictionary,
    "Boolean": to_boolean,
    "Date": to_date,
    "DateRange": _instance_of(DateRangeValue, "DateRange"),
    "Projection": to_projection,
    "PixelType": _instance_of(PixelTypeValue, "PixelType"),
    "Filter": to_filter,
    "Reducer": _instance_of(ReducerValue, "Reducer"),
    "Kernel": _instance_of(KernelValue, "Kernel"),
    "Algorithm": _instance_of(FunctionValue, "function"),
}
