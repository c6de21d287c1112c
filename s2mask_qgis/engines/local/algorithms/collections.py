"""Collections: loading, making, filtering, ordering and mapping images and features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..values import (
    Band,
    CollectionValue,
    ComputeError,
    FeatureValue,
    FilterValue,
    FunctionValue,
    GeometryValue,
    ImageValue,
    ProjectionValue,
    Records,
    ReducerValue,
)
from .conversions import is_number
from .geometry_sets import united
from .records import column_of, fold_records
from .registry import Context, algorithm
from .shapes import bounds_of


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


@algorithm(
    "ImageCollection.merge",
    "ImageCollection collection1, ImageCollection collection2 -> ImageCollection",
    aliases=("Collection.merge",),
)
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


@algorithm(
    "Collection.loadTable", "String tableId, String geometryColumn = null, Long version = -1 -> FeatureCollection"
)
def load_table(asset: str, column: str | None, version: int) -> CollectionValue:
    """Tables are not kept on this computer: always an error that says so."""
    raise ComputeError(f"the table {asset!r}: stored tables are not implemented by the local engine")


@algorithm("Collection.iterate", "FeatureCollection collection, Algorithm function, Object first = null -> Object")
def iterate(collection: CollectionValue, function: FunctionValue, start: Any) -> Any:
    """A function of each element, in order, and of its own previous result; ``first`` goes before the first element."""
    result = start
    for element in collection.elements:
        result = function(element, result)
    return result


@algorithm("Collection.flatten", "FeatureCollection collection -> FeatureCollection")
def flatten(collection: CollectionValue) -> CollectionValue:
    """The elements of a collection's collections, one after the other."""
    parts = [part.elements if isinstance(part, CollectionValue) else (part,) for part in collection.elements]
    return CollectionValue(tuple(element for part in parts for element in part), collection.properties)


@algorithm("Collection.distinct", "FeatureCollection collection, Object properties -> FeatureCollection")
def distinct(collection: CollectionValue, properties: Any) -> CollectionValue:
    """The elements without those whose named properties are the same as an earlier one's."""
    names = [properties] if isinstance(properties, str) else properties
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ComputeError("properties is a text or a list of texts")
    found: dict[str, Any] = {}
    for element in collection.elements:
        found.setdefault(repr([element.properties.get(name) for name in names]), element)
    return replace(collection, elements=tuple(found.values()))


def _shape_of(element: Any) -> GeometryValue | None:
    return element.footprint if isinstance(element, ImageValue) else element.geometry


def shapes_of(collection: CollectionValue) -> list[GeometryValue]:
    """The geometries of the elements (images: footprints) that have one."""
    return [shape for shape in map(_shape_of, collection.elements) if shape is not None]


@algorithm("Collection.geometry", "FeatureCollection collection, Object maxError = null -> Geometry")
def geometry(collection: CollectionValue, max_error: Any) -> GeometryValue:
    """The union of the elements' geometries (images: footprints); ComputeError where no element has one."""
    return united(shapes_of(collection))


@algorithm("Collection.union", "FeatureCollection collection, Object maxError = null -> FeatureCollection")
def union(collection: CollectionValue, max_error: Any) -> CollectionValue:
    """A collection of one feature, named union_result: the union of the elements' geometries."""
    return CollectionValue((FeatureValue(united(shapes_of(collection)), {}, "union_result"),))


@algorithm(
    "Collection.bounds", "FeatureCollection collection, Object maxError = null, Projection proj = null -> Geometry"
)
def bounds(collection: CollectionValue, max_error: Any, projection: ProjectionValue | None) -> GeometryValue:
    """The bounding rectangle of the elements' geometries, in longitude and latitude or the projection given."""
    return bounds_of(shapes_of(collection), projection.crs if projection else "EPSG:4326")


@algorithm(
    "Collection.reduceColumns",
    "FeatureCollection collection, Reducer reducer, List<String> selectors, List<String> weightSelectors = null"
    " -> Dictionary",
)
def reduce_columns(
    collection: CollectionValue, reducer: ReducerValue, selectors: list[str], weight_selectors: list[str] | None
) -> dict[str, Any]:
    """A reducer over the elements, one property an input: its outputs by name. Null properties are no values; a record
    of several inputs with a null among them is left out."""
    if weight_selectors is not None:
        raise ComputeError("weightSelectors are not implemented by the local engine")
    return fold_records(reducer, Records(tuple(column_of(property_values(collection, name)) for name in selectors)))


def property_values(collection: CollectionValue, name: str) -> list[Any]:
    """A property of every element, None where it is missing."""
    return [element.properties.get(name) for element in collection.elements]


@algorithm("ImageCollection.toBands", "ImageCollection collection -> Image")
def to_bands(collection: CollectionValue) -> ImageValue:
    """The bands of all images in one image, each named INDEX_BAND after the ``system:index`` of its image (the
    position where there is none)."""
    bands: list[Band] = []
    for position, image in enumerate(collection.elements):
        if not isinstance(image, ImageValue):
            raise ComputeError("only collections of images have bands")
        index = image.properties.get("system:index", position)
        bands.extend(replace(band, name=f"{index}_{band.name}") for band in image.bands)
    return ImageValue(tuple(bands))
