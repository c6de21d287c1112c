"""Elements with properties, projections, choices and equality."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..values import (
    ArrayValue,
    CollectionValue,
    ComputeError,
    FeatureValue,
    GeometryValue,
    ImageValue,
    ProjectionValue,
    property_of,
)
from .conversions import describe, of_type, projection_value, to_array
from .elementwise import refuse
from .equality import are_equal
from .registry import Algorithm, algorithm

Propertied = Any


@algorithm("Feature", "Geometry geometry = null, Dictionary metadata = null, String geometryKey = null -> Feature")
def feature(geometry: GeometryValue | None, metadata: dict[str, Any] | None, key: str | None) -> FeatureValue:
    """A feature of a geometry (or none) and properties."""
    return FeatureValue(geometry, metadata or {})


@algorithm("Element.get", "Element object, String property -> Object")
def get(element: ImageValue | FeatureValue | CollectionValue, name: str) -> Any:
    """A property, null where there is none."""
    return property_of(element, name)


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
    "Element destination = null, Element source = null, List<String> properties = null, List<String> exclude = null"
    " -> Element",
    aliases=("Image.copyProperties",),
)
def copy_properties(
    destination: Propertied, source: Propertied, properties: list[str] | None, exclude: list[str] | None
) -> Propertied:
    """The destination with properties of the source: those named, else all but those of the system and the excluded."""
    if properties is not None and exclude is not None:
        raise ComputeError("give properties or exclude, not both")
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
def geometry_of(
    element: Propertied, max_error: Any, projection: ProjectionValue | None, geodesics: Any
) -> GeometryValue | None:
    """The geometry of a feature, the footprint of an image; null where there is none."""
    if projection is not None:
        raise ComputeError("reprojecting a geometry is not implemented by the local engine; leave proj out")
    if isinstance(element, CollectionValue):
        raise ComputeError("a feature or an image is needed, not a collection")
    return element.footprint if isinstance(element, ImageValue) else element.geometry


@algorithm("Projection", "Object crs, List transform = null, String transformWkt = null -> Projection")
def projection(crs: Any, transform: list[float] | None, wkt: str | None) -> ProjectionValue:
    """A coordinate system, with the transform of a grid in it."""
    if wkt is not None or (isinstance(crs, str) and "[" in crs):
        raise refuse("a projection or transform as WKT")
    if not isinstance(crs, str):
        raise ComputeError("a projection is given by the name of its coordinate system and a list of 6 numbers")
    return projection_value(crs, transform or [1, 0, 0, 0, 1, 0])


@algorithm("If", "Object condition = null, Object trueCase = null, Object falseCase = null -> Object")
def choose(condition: Any, true_case: Any, false_case: Any) -> Any:
    """One of two values; null, 0, NaN, false and empty texts, lists and dictionaries choose the second."""
    if isinstance(condition, float) and math.isnan(condition):
        return false_case
    is_plain = condition is None or isinstance(condition, (bool, int, float, str, list, dict))
    return true_case if condition or not is_plain else false_case


@algorithm("IsEqual", "Object left = null, Object right = null -> Boolean")
def is_equal(left: Any, right: Any) -> bool:
    """True where two values are equal: numbers by value, lists and dictionaries entry by entry."""
    return are_equal(left, right)


def _typed_get(name: str) -> Algorithm:
    @algorithm(
        f"Element.get{name}",
        f"Element object, String property -> {name}",
        description=f"A property, which must be of the type {name}; null where there is none.",
    )
    def compute(element: Propertied, key: str) -> Any:
        value = property_of(element, key)
        return None if value is None else of_type(value, name, f"the property {key!r}")

    return compute


TYPED_GETS = tuple(_typed_get(name) for name in ("Number", "String", "Array"))


@algorithm("Element.toDictionary", "Element element, List<String> properties = null -> Dictionary")
def to_dictionary(element: Propertied, properties: list[str] | None) -> dict[str, Any]:
    """The properties named, else all but those of the system, by name. ComputeError for a name that is missing."""
    if properties is None:
        return {name: value for name, value in element.properties.items() if not name.startswith("system:")}
    missing = [name for name in properties if name not in element.properties]
    if missing:
        raise ComputeError(f"there is no property {missing[0]!r}")
    return {name: element.properties[name] for name in properties}


@algorithm("Feature.toArray", "Feature feature, List<String> properties -> Array")
def to_array_of_properties(element: Propertied, properties: list[str]) -> ArrayValue:
    """An array of the properties named, which must be numbers."""
    return to_array([element.properties.get(name) for name in properties])


@algorithm("Feature.setGeometry", "Element feature, Geometry geometry = null -> Element")
def set_geometry(element: FeatureValue, geometry: GeometryValue | None) -> FeatureValue:
    """The feature with another geometry, or none."""
    if not isinstance(element, FeatureValue):
        raise ComputeError(f"a feature is needed, not a {describe(element)}")
    return replace(element, geometry=geometry)


@algorithm("Feature.id", "Element element -> String")
def feature_id(element: FeatureValue) -> str | None:
    """The id within a collection; null where there is none."""
    if not isinstance(element, FeatureValue):
        raise ComputeError(f"a feature is needed, not a {describe(element)}")
    return element.id
