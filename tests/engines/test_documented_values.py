"""Values that follow from a sentence of the Earth Engine API reference, worked out by hand: the sentence stands beside
them; and what the reference leaves open, which is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.calls import Call, answer, call, is_refused


def feature(**properties: Any) -> Call:
    return call("Feature", metadata=properties)


def features(*properties: dict[str, Any]) -> Call:
    return call("Collection", features=[call("Feature", metadata=each) for each in properties])


def images(*values: float) -> Call:
    return call("ImageCollection.fromImages", images=[call("Image.constant", value=value) for value in values])


def reducer(name: str, **arguments: Any) -> Call:
    return call(f"Reducer.{name}", **arguments)


def property_of_all(collection: Call, name: str) -> Any:
    return answer("AggregateFeatureCollection.array", collection=collection, property=name)


INDEX = "system:index"
ONE, TWO = features({"n": 1}, {"n": 2}), features({"n": 3})


@pytest.mark.parametrize(
    ("collection", "indexes"),
    [
        # Feature.id: the id of an element within a collection
        (ONE, ["0", "1"]),
        # Collection.merge: elements of the first have ids prefixed with 1_, those of the second with 2_
        (call("Collection.merge", collection1=ONE, collection2=TWO), ["1_0", "1_1", "2_0"]),
        (call("Collection.limit", collection=ONE, limit=1, key="n", ascending=False), ["1"]),
        (call("Collection.flatten", collection=call("Collection", features=[ONE, TWO])), ["0_0", "0_1", "1_0"]),
    ],
)
def test_elements_of_collections_have_ids(collection: Call, indexes: list[str]):
    assert property_of_all(collection, INDEX) == indexes
    assert answer("Feature.id", element=call("Collection.first", collection=collection)) == indexes[0]


def test_a_filter_finds_a_feature_by_its_id():
    second = call("Filter.equals", leftField=INDEX, rightValue="1")
    assert property_of_all(call("Collection.filter", collection=ONE, filter=second), "n") == [2]


def test_bands_of_a_collection_are_named_after_the_ids_of_its_images():
    # ImageCollection.toBands: existing names prefixed with the id of the image
    merged = call("ImageCollection.merge", collection1=images(1, 2), collection2=images(3))
    assert answer("Image.bandNames", image=call("ImageCollection.toBands", collection=merged)) == [
        "1_0_constant",
        "1_1_constant",
        "2_0_constant",
    ]
    rest = call(
        "Collection.filter", collection=images(1, 2), filter=call("Filter.equals", leftField=INDEX, rightValue="1")
    )
    assert answer("Image.bandNames", image=call("ImageCollection.toBands", collection=rest)) == ["1_constant"]


def test_the_first_aggregate_is_that_of_the_first_element():
    # AggregateFeatureCollection.first: the property value of the first object in the collection
    assert answer("AggregateFeatureCollection.first", collection=features({"a": 5}, {"b": 1}), property="b") is None
    assert answer("AggregateFeatureCollection.first", collection=features({"a": 5}, {"b": 1}), property="a") == 5
    assert answer("AggregateFeatureCollection.first", collection=features(), property="a") is None


def test_equal_numbers_are_not_distinct():
    mixed = features({"a": 1}, {"a": 1.0}, {"a": [1, 2]}, {"a": [1.0, 2]}, {"a": "1"})
    assert answer("AggregateFeatureCollection.count_distinct", collection=mixed, property="a") == 3


def test_features_are_distinct_by_their_geometry():
    # Collection.distinct: the .geo property can be included to compare geometries
    points = [call("GeometryConstructors.Point", coordinates=[x, 0]) for x in (0, 1, 0)]
    rows = [call("Feature", geometry=point, metadata={"n": n}) for n, point in enumerate(points)]
    distinct = call("Collection.distinct", collection=call("Collection", features=rows), properties=".geo")
    assert property_of_all(distinct, "n") == [0, 1]


@pytest.mark.parametrize(
    ("name", "items", "expected"),
    [
        ("countEvery", [], 0),  # Reducer.countEvery: the number of inputs
        ("countEvery", [1, None], 2),
        ("count", [], 0),  # Reducer.count: the number of non-null inputs
        ("count", [1, None], 1),
        ("firstNonNull", [None, 5, 6], 5),  # Reducer.firstNonNull: the first of its non-null inputs
        ("lastNonNull", [4, 5, None], 5),
        ("first", [7, None], 7),  # Reducer.first: the first of its inputs
        ("last", [None, 7], 7),
        ("first", ["b", "a"], "b"),
        ("lastNonNull", ["b", "a", None], "a"),
        ("mode", [3, 1, 3], 3),
    ],
)
def test_lists_are_reduced_as_the_reference_says(name: str, items: list[Any], expected: Any):
    assert answer("List.reduce", list=items, reducer=reducer(name)) == expected
    renamed = reducer("setOutputs", reducer=reducer(name), outputs=["other"])
    assert answer("List.reduce", list=items, reducer=renamed) == expected


@pytest.mark.parametrize(
    ("name", "items"),
    [
        *((name, []) for name in ("sum", "product", "allNonZero", "anyNonZero")),
        ("first", [None, 5]),
        ("last", [5, None]),
        ("mode", [1, 2]),
    ],
)
def test_reductions_that_the_reference_leaves_open_are_refused(name: str, items: list[Any]):
    assert is_refused("List.reduce", list=items, reducer=reducer(name))


def test_days_of_the_year_include_both_ends():
    # Filter.dayOfYear: start of the range, inclusive; end of the range, inclusive
    rows = features(*({"n": day, "system:time_start": (day - 1) * 86_400_000} for day in (9, 10, 20, 21)))
    found = call("Collection.filter", collection=rows, filter=call("Filter.dayOfYear", start=10, end=20))
    assert property_of_all(found, "n") == [10, 20]
    assert is_refused("Collection.filter", collection=rows, filter=call("Filter.dayOfYear", start=20, end=10))


def test_a_missing_property_is_neither_equal_nor_told_different():
    rows = features({"n": 1, "a": 4}, {"n": 2, "a": 5})
    different = call("Filter.notEquals", leftField="a", rightValue=4)
    assert property_of_all(call("Collection.filter", collection=rows, filter=different), "n") == [2]
    assert is_refused("Collection.filter", collection=features({"n": 3}), filter=different)


def test_edges_are_those_of_the_geometries_that_a_polygon_is_made_of():
    # GeometryConstructors.Polygon, geodesic: the default is the geodesic state of the inputs, or true for numbers
    corners = [[0, 0], [1, 0], [1, 1]]
    straight, curved = (call("GeometryConstructors.LinearRing", coordinates=corners, geodesic=g) for g in (False, True))
    for ring, expected in ((straight, False), (curved, True), (corners, True)):
        polygon = call("GeometryConstructors.Polygon", coordinates=[ring])
        assert answer("Geometry.geodesic", geometry=polygon) is expected
    assert is_refused("GeometryConstructors.Polygon", coordinates=[curved, straight])


@pytest.mark.parametrize("text", ["2017", "2017-06", "2017-06-24 08:00", "2017-06-24T08:00:00+02:00", "2017-W25"])
def test_dates_in_forms_without_an_example_are_refused(text: str):
    assert is_refused("Date", value=text)


def test_what_else_the_reference_leaves_open_is_refused():
    assert is_refused("Number.format", number=65, pattern="%c")
    oblong = call("Projection", crs="EPSG:32631", transform=[30, 0, 0, 0, -10, 0])
    assert is_refused("Projection.nominalScale", proj=oblong)
    rows = features({"a": 1}, {"a": "x"})
    assert is_refused("Collection.limit", collection=rows, limit=1, key="a")
    assert is_refused("Collection.limit", collection=features({"a": 1}, {"b": 2}), limit=1, key="a")
    assert is_refused("Collection.filter", collection=rows, filter="a > 1")
    assert is_refused("Number.add", left=True, right=1)
    assert is_refused("Projection", crs="EPSG:4326", transformWkt='PARAM_MT["Affine"]')
    assert is_refused("Image.remap", image=call("Image.constant", value=1), from_=[1, 1], to=[2, 3])
    assert is_refused("Reducer.percentile", percentiles=[99.5])
    assert is_refused("List.reduce", list=[1.0, 2.5], reducer=reducer("frequencyHistogram"))
