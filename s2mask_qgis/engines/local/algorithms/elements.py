"""Elements and plain values: features, properties, dates, choices, lists and dictionaries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..values import (
    CollectionValue,
    ComputeError,
    DateRangeValue,
    DateValue,
    FeatureValue,
    FunctionValue,
    GeometryValue,
    ImageValue,
    ProjectionValue,
)
from .conversions import projection_value, to_date
from .registry import algorithm

_DAY_MS = 86_400_000
Propertied = Any


@algorithm("Feature", "Geometry geometry = null, Dictionary metadata = null, String geometryKey = null -> Feature")
def feature(geometry: GeometryValue | None, metadata: dict[str, Any] | None, key: str | None) -> FeatureValue:
    """A feature of a geometry (or none) and properties."""
    return FeatureValue(geometry, metadata or {})


@algorithm("Element.get", "Element object, String property -> Object")
def get(element: ImageValue | FeatureValue | CollectionValue, name: str) -> Any:
    """A property, null where there is none."""
    return element.properties.get(name)


@algorithm("Element.set", "Element object, String key, Object value = null -> Element")
def set_property(element: Propertied, key: str, value: Any) -> Propertied:
    """The element with one property set."""
    return replace(element, properties={**element.properties, key: value})


@algorithm("Element.setMulti", "Element object, Dictionary properties -> Element")
def set_properties(element: Propertied, properties: dict[str, Any]) -> Propertied:
    """The element with several properties set."""
    return replace(element, properties={**element.properties, **properties})


@algorithm("Element.propertyNames", "Element element -> List")
def property_names(element: Propertied) -> list[str]:
    """Names of the properties."""
    return list(element.properties)


@algorithm(
    "Element.copyProperties",
    "Element destination = null, Element source = null, List properties = null, List exclude = null -> Element",
    aliases=("Image.copyProperties",),
)
def copy_properties(
    destination: Propertied, source: Propertied, properties: list[str] | None, exclude: list[str] | None
) -> Propertied:
    """The destination with properties of the source: those named, else all but those of the system and the excluded."""
    if destination is None or source is None:
        return destination
    names = properties
    if names is None:
        names = [name for name in source.properties if not name.startswith("system:") and name not in (exclude or [])]
    copied = {name: source.properties[name] for name in names if name in source.properties}
    return replace(destination, properties={**destination.properties, **copied})


@algorithm(
    "Element.geometry",
    "Element feature, Object maxError = null, Projection proj = null, Boolean geodesics = null -> Geometry",
    aliases=("Image.geometry", "Feature.geometry"),
)
def geometry_of(element: Propertied, max_error: Any, projection: ProjectionValue | None, geodesics: Any) -> Any:
    """The geometry of a feature, the footprint of an image; null where there is none."""
    if projection is not None:
        raise ComputeError("reprojecting a geometry is not implemented by the local engine; leave proj out")
    return element.footprint if isinstance(element, ImageValue) else element.geometry


@algorithm("Date", "Object value, String timeZone = null -> Date")
def date(value: Any, zone: str | None) -> DateValue:
    """An instant from milliseconds since 1970 UTC, a date or an ISO text."""
    if zone not in (None, "UTC"):
        raise ComputeError("time zones other than UTC are not implemented by the local engine")
    return to_date(value)


@algorithm("Date.millis", "Date date -> Long")
def date_millis(value: DateValue) -> int:
    """Milliseconds since 1970 UTC."""
    return value.millis


@algorithm("DateRange", "Object start, Object end = null, String timeZone = null -> DateRange")
def date_range(start: Any, end: Any, zone: str | None) -> DateRangeValue:
    """From start (included) to end (excluded); one day where no end is given."""
    first = to_date(start).millis
    return DateRangeValue(first, to_date(end).millis if end is not None else first + _DAY_MS)


@algorithm("Projection", "Object crs, List transform = null, String transformWkt = null -> Projection")
def projection(crs: Any, transform: list[float] | None, wkt: str | None) -> ProjectionValue:
    """A coordinate system, with the transform of a grid in it."""
    if not isinstance(crs, str) or wkt is not None:
        raise ComputeError("a projection is given by the name of its coordinate system and a list of 6 numbers")
    return projection_value(crs, transform or [1, 0, 0, 0, 1, 0])


@algorithm("If", "Object condition = null, Object trueCase = null, Object falseCase = null -> Object")
def choose(condition: Any, true_case: Any, false_case: Any) -> Any:
    """One of two values; null, 0, false and the empty text choose the second."""
    return true_case if condition not in (None, 0, False, "") else false_case


@algorithm("List.get", "List list, Integer index -> Object")
def list_get(items: list[Any], index: int) -> Any:
    """One element; a negative index counts from the end."""
    if not -len(items) <= index < len(items):
        raise ComputeError(f"List index must be between 0 and {len(items) - 1}, or -{len(items)} and -1: {index}")
    return items[index]


@algorithm("List.map", "List list, Algorithm baseAlgorithm, Boolean dropNulls = false -> List")
def list_map(items: list[Any], function: FunctionValue, drop_nulls: bool) -> list[Any]:
    """The results of a function of each element, in order."""
    results = [function(item) for item in items]
    return [result for result in results if result is not None] if drop_nulls else results


@algorithm("Dictionary.get", "Dictionary dictionary, String key, Object defaultValue = null -> Object")
def dictionary_get(dictionary: dict[str, Any], key: str, default: Any) -> Any:
    """The value of a key; the default where there is none; an error where neither exists."""
    if key in dictionary:
        return dictionary[key]
    if default is None:
        raise ComputeError(f"Dictionary does not contain key: '{key}'.")
    return default
