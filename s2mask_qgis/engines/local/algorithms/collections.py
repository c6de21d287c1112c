"""Collections: loading, making, filtering, ordering and mapping images and features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..values import (
    INDEX,
    ArrayValue,
    Band,
    CollectionValue,
    ComputeError,
    DateValue,
    FeatureValue,
    FilterValue,
    FunctionValue,
    GeometryValue,
    ImageValue,
    ProjectionValue,
    Records,
    ReducerValue,
    index_of,
    property_of,
    with_index,
)
from .conversions import is_number
from .elementwise import refuse
from .geometry_sets import united
from .records import check_ends, column_of, fold_records
from .registry import Context, algorithm
from .shapes import bounds_of


@algorithm("ImageCollection.load", "String id, Long version = null -> ImageCollection", needs_context=True)
def load_collection(context: Context, asset: str, version: int | None) -> CollectionValue:
    """The stored images of a collection, in order of their index."""
    return context.load_collection(asset)


@algorithm("ImageCollection.fromImages", "List images -> ImageCollection")
def from_images(images: list[Any]) -> CollectionValue:
    """A collection of the images of a list, in its order; those without a system:index get their position as one."""
    if not all(isinstance(image, ImageValue) for image in images):
        raise ComputeError("the list must hold images only")
    return CollectionValue(numbered(images))


def numbered(elements: Sequence[Any]) -> tuple[Any, ...]:
    """Elements with their positions as index where they have none; collections among them stay as they are."""
    return tuple(
        with_index(element, str(position)) if _lacks_index(element) else element
        for position, element in enumerate(elements)
    )


def _lacks_index(element: Any) -> bool:
    return not isinstance(element, CollectionValue) and index_of(element) is None


@algorithm("Collection", "List features -> FeatureCollection")
def from_features(features: list[Any]) -> CollectionValue:
    """A collection of the features of a list, in its order, for Collection.flatten also of collections; features
    without an id get their position as one."""
    if not all(isinstance(feature, (FeatureValue, ImageValue, CollectionValue)) for feature in features):
        raise ComputeError("the list must hold features only")
    return CollectionValue(numbered(features))


@algorithm(
    "ImageCollection.merge",
    "ImageCollection collection1, ImageCollection collection2 -> ImageCollection",
    aliases=("Collection.merge",),
)
def merge(first: CollectionValue, second: CollectionValue) -> CollectionValue:
    """The elements of the first collection, then those of the second; their ids (of images, the system:index) are
    prefixed with 1_ and 2_."""
    parts = (("1", first.elements), ("2", second.elements))
    return CollectionValue(tuple(_prefixed(element, prefix) for prefix, part in parts for element in part))


def _prefixed(element: Any, prefix: str) -> Any:
    is_named = not isinstance(element, CollectionValue) and index_of(element) is not None
    return with_index(element, f"{prefix}_{index_of(element)}") if is_named else element


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
    """The first elements, after ordering by a property where one is given; equals keep their order. Where elements
    stand that lack the property is not documented, so that is refused."""
    if count is not None and count < 0:
        raise ComputeError(f"the limit must not be negative, it is {count}")
    elements = list(collection.elements)
    if key is not None:
        elements = _ordered(elements, key, ascending)
    return replace(collection, elements=tuple(elements[:count]))


def _ordered(elements: Sequence[Any], key: str, ascending: bool) -> list[Any]:
    values = [property_of(element, key) for element in elements]
    values = [value.millis if isinstance(value, DateValue) else value for value in values]
    kinds = {"number" if is_number(value) else type(value).__name__ for value in values}
    if len(kinds) > 1 or not kinds <= {"number", "str"}:
        raise refuse(f"an order by the property {key!r}, which is not a number everywhere, nor a text,")
    places = sorted(range(len(values)), key=values.__getitem__, reverse=not ascending)
    return [elements[place] for place in places]


@algorithm(
    "Collection.map",
    "FeatureCollection collection, Algorithm baseAlgorithm, Boolean dropNulls = false -> FeatureCollection",
)
def map_collection(collection: CollectionValue, function: FunctionValue, drop_nulls: bool) -> CollectionValue:
    """The results of a function of each element (features, images or collections), in order; nulls are dropped where
    that is asked for. A result without an index of its own has that of the element it was made of."""
    results = [(element, function(element)) for element in collection.elements]
    if drop_nulls:
        results = [(element, result) for element, result in results if result is not None]
    if not all(isinstance(result, (ImageValue, FeatureValue, CollectionValue)) for _, result in results):
        raise ComputeError("a mapped function must return a Feature or an Image")
    return replace(collection, elements=tuple(_with_index_of(result, element) for element, result in results))


def _with_index_of(result: Any, element: Any) -> Any:
    is_nameless = not isinstance(element, CollectionValue) and _lacks_index(result)
    return with_index(result, index_of(element)) if is_nameless else result


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
    "Collection.loadTable",
    "String tableId, String geometryColumn = null, Long version = -1 -> FeatureCollection",
    needs_context=True,
)
def load_table(context: Context, asset: str, column: str | None, version: int) -> CollectionValue:
    """The stored features of a table, with their own geometries."""
    if column is not None:
        raise refuse("another column as geometry")
    return context.load_table(asset)


@algorithm("Collection.iterate", "FeatureCollection collection, Algorithm function, Object first = null -> Object")
def iterate(collection: CollectionValue, function: FunctionValue, start: Any) -> Any:
    """A function of each element, in order, and of its own previous result; ``first`` goes before the first element."""
    result = start
    for element in collection.elements:
        result = function(element, result)
    return result


@algorithm("Collection.flatten", "FeatureCollection collection -> FeatureCollection")
def flatten(collection: CollectionValue) -> CollectionValue:
    """The elements of a collection's collections, one after the other, their ids prefixed with the position of the
    collection they come from."""
    elements: list[Any] = []
    for position, part in enumerate(collection.elements):
        is_one = not isinstance(part, CollectionValue)
        elements.extend([part] if is_one else [_prefixed(element, str(position)) for element in part.elements])
    return CollectionValue(tuple(elements), collection.properties)


@algorithm("Collection.distinct", "FeatureCollection collection, Object properties -> FeatureCollection")
def distinct(collection: CollectionValue, properties: Any) -> CollectionValue:
    """The elements without those whose named properties are the same as an earlier one's; ``.geo`` names the geometry,
    whose coordinates must be the same."""
    names = [properties] if isinstance(properties, str) else properties
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ComputeError("properties is a text or a list of texts")
    found: dict[str, Any] = {}
    for element in collection.elements:
        found.setdefault(key_of([_compared(element, name) for name in names]), element)
    return replace(collection, elements=tuple(found.values()))


def _compared(element: Any, name: str) -> Any:
    if name != ".geo":
        return property_of(element, name)
    shape = _shape_of(element)
    return None if shape is None else [dict(shape.geojson), shape.crs, shape.geodesic]


def key_of(value: Any) -> str:
    """A text that is the same for equal values: numbers by value, whatever their type; dictionaries by entries."""
    if is_number(value):
        return repr(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(key_of, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {key_of(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, ArrayValue):
        return f"array {key_of(value.data.tolist())}"
    return repr(value)


def _shape_of(element: Any) -> GeometryValue | None:
    if isinstance(element, CollectionValue):
        raise refuse("the geometry of collections in a collection")
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
    records = Records(tuple(column_of(property_values(collection, name)) for name in selectors))
    if len(records.columns) == reducer.inputs:
        check_ends(reducer, records)
    return fold_records(reducer, records)


def property_values(collection: CollectionValue, name: str) -> list[Any]:
    """A property of every element, None where it is missing."""
    return [property_of(element, name) for element in collection.elements]


@algorithm("ImageCollection.toBands", "ImageCollection collection -> Image")
def to_bands(collection: CollectionValue) -> ImageValue:
    """The bands of all images in one image, each named INDEX_BAND after the ``system:index`` of its image (the
    position where there is none)."""
    bands: list[Band] = []
    for position, image in enumerate(collection.elements):
        if not isinstance(image, ImageValue):
            raise ComputeError("only collections of images have bands")
        index = image.properties.get(INDEX, position)
        bands.extend(replace(band, name=f"{index}_{band.name}") for band in image.bands)
    return ImageValue(tuple(bands))
