"""Collections: loading, making, filtering, ordering and mapping images and features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..values import CollectionValue, ComputeError, FeatureValue, FilterValue, FunctionValue, ImageValue
from .conversions import is_number
from .registry import Context, algorithm


@algorithm("ImageCollection.load", "String id, Long version = null -> ImageCollection", needs_context=True)
def load_collection(context: Context, asset: str, version: int | None) -> CollectionValue:
    """The stored images of a collection, in order of their index."""
    return context.load_collection(asset)


@algorithm("ImageCollection.fromImages", "List images -> ImageCollection")
def from_images(images: list[Any]) -> CollectionValue:
    """A collection of the images of a list, in its order."""
    if not all(isinstance(image, ImageValue) for image in images):
        raise ComputeError("the list must hold images only")
    return CollectionValue(tuple(images))


@algorithm("Collection", "List features -> FeatureCollection")
def from_features(features: list[Any]) -> CollectionValue:
    """A collection of the features of a list, in its order."""
    if not all(isinstance(feature, (FeatureValue, ImageValue)) for feature in features):
        raise ComputeError("the list must hold features only")
    return CollectionValue(tuple(features))


@algorithm("ImageCollection.merge", "ImageCollection collection1, ImageCollection collection2 -> ImageCollection")
def merge(first: CollectionValue, second: CollectionValue) -> CollectionValue:
    """The elements of the first collection, then those of the second."""
    return CollectionValue(first.elements + second.elements)


@algorithm("Collection.filter", "FeatureCollection collection, Filter filter -> FeatureCollection")
def filter_collection(collection: CollectionValue, test: FilterValue) -> CollectionValue:
    """The elements that pass a filter, in their order."""
    return replace(collection, elements=tuple(element for element in collection.elements if test.matches(element)))


@algorithm(
    "Collection.limit",
    "FeatureCollection collection, Integer limit = null, String key = null, Boolean ascending = true"
    " -> FeatureCollection",
)
def limit(collection: CollectionValue, count: int | None, key: str | None, ascending: bool) -> CollectionValue:
    """The first elements, after ordering by a property where one is given; equals keep their order, elements without
    the property come last."""
    if count is not None and count < 0:
        raise ComputeError(f"the limit must not be negative, it is {count}")
    elements = list(collection.elements)
    if key is not None:
        elements = _ordered(elements, key, ascending)
    return replace(collection, elements=tuple(elements[:count]))


def _ordered(elements: Sequence[Any], key: str, ascending: bool) -> list[Any]:
    having = [element for element in elements if element.properties.get(key) is not None]
    lacking = [element for element in elements if element.properties.get(key) is None]
    kinds = {("number" if is_number(element.properties[key]) else type(element.properties[key])) for element in having}
    if len(kinds) > 1:
        raise ComputeError(f"the property {key!r} is not of one type, so it has no order")
    having.sort(key=lambda element: element.properties[key], reverse=not ascending)
    return having + lacking


@algorithm(
    "Collection.map",
    "FeatureCollection collection, Algorithm baseAlgorithm, Boolean dropNulls = false -> FeatureCollection",
)
def map_collection(collection: CollectionValue, function: FunctionValue, drop_nulls: bool) -> CollectionValue:
    """The results of a function of each element, in order; nulls are dropped where that is asked for."""
    results = [function(element) for element in collection.elements]
    if drop_nulls:
        results = [result for result in results if result is not None]
    if not all(isinstance(result, (ImageValue, FeatureValue)) for result in results):
        raise ComputeError("a mapped function must return a Feature or an Image")
    return replace(collection, elements=tuple(results))


@algorithm("Collection.toList", "FeatureCollection collection, Integer count, Integer offset = 0 -> List")
def to_list(collection: CollectionValue, count: int, offset: int) -> list[Any]:
    """At most ``count`` elements from ``offset`` on, as a list."""
    if count < 0 or offset < 0:
        raise ComputeError(f"count and offset must not be negative, they are {count} and {offset}")
    return list(collection.elements[offset : offset + count])


@algorithm("Collection.first", "FeatureCollection collection -> Element")
def first(collection: CollectionValue) -> Any:
    """The first element, null where there is none."""
    return collection.elements[0] if collection.elements else None


@algorithm("Collection.size", "FeatureCollection collection -> Integer")
def size(collection: CollectionValue) -> int:
    """Number of elements."""
    return len(collection.elements)
