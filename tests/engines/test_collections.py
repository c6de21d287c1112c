"""Collections: what their elements add up to, empty ones, nulls, and orders that are stable."""

from __future__ import annotations

import statistics
from types import ModuleType
from typing import Any

import pytest

from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import evaluate, image_of, row

ROWS = [
    {"n": 1, "v": 4.0, "name": "ab"},
    {"n": 2, "v": 1.0, "name": "b"},
    {"n": 3, "name": "abc"},
    {"n": 4, "v": 4.0, "name": "c"},
]
NOON_MS = 43_200_000
DAY_MS = 86_400_000


def features(ee: ModuleType, rows: list[dict[str, Any]]) -> Any:
    return ee.FeatureCollection([ee.Feature(None, values) for values in rows])


def kept(ee: ModuleType, test: Any, rows: list[dict[str, Any]] = ROWS) -> list[int]:
    """The numbers of the rows that pass a filter."""
    return evaluate(features(ee, rows).filter(test).aggregate_array("n"))


def test_aggregates_leave_nulls_out(ee: ModuleType):
    collection = features(ee, ROWS)
    values = [4.0, 1.0, 4.0]
    expected = {
        "array": values,
        "first": 4.0,
        "count": 3,
        "min": 1.0,
        "max": 4.0,
        "sum": 9.0,
        "mean": 3.0,
        "product": 16.0,
        "total_var": statistics.pvariance(values),
        "total_sd": statistics.pstdev(values),
        "sample_var": statistics.variance(values),
        "sample_sd": statistics.stdev(values),
        "count_distinct": 2,
    }
    for name, value in expected.items():
        assert evaluate(getattr(collection, f"aggregate_{name}")("v")) == pytest.approx(value), name
    assert evaluate(features(ee, [{"n": 1}, {"n": 4}, {}, {"n": 4}]).aggregate_histogram("n")) == {"1": 1.0, "4": 2.0}


def test_aggregates_of_texts_and_of_nothing(ee: ModuleType):
    assert evaluate(features(ee, ROWS).aggregate_max("name")) == "c"
    assert evaluate(features(ee, ROWS).aggregate_histogram("name")) == {"ab": 1, "abc": 1, "b": 1, "c": 1}
    empty = ee.FeatureCollection([])
    assert evaluate(empty.aggregate_mean("v")) is None
    assert evaluate(empty.aggregate_count("v")) == 0
    assert evaluate(empty.aggregate_array("v")) == []
    assert evaluate(empty.reduceColumns(ee.Reducer.minMax(), ["v"])) == {"min": None, "max": None}


def test_sorting_is_stable(ee: ModuleType):
    collection = features(ee, [each for each in ROWS if "v" in each])
    assert evaluate(collection.sort("v").aggregate_array("n")) == [2, 1, 4]
    assert evaluate(collection.sort("v", False).aggregate_array("n")) == [1, 4, 2]


def test_iterating_hands_the_result_on(ee: ModuleType):
    def add(feature: Any, before: Any) -> Any:
        return ee.Number(before).add(ee.Number(ee.Feature(feature).get("n")))

    assert evaluate(features(ee, ROWS).iterate(add, 100)) == 110
    assert evaluate(ee.FeatureCollection([]).iterate(add, 100)) == 100


def test_only_the_first_of_equal_elements_stays(ee: ModuleType):
    assert evaluate(features(ee, ROWS).distinct("v").aggregate_array("n")) == [1, 2, 3]
    assert evaluate(features(ee, ROWS).distinct(["v", "name"]).size()) == 4


def test_collections_of_collections_are_flattened(ee: ModuleType):
    nested = ee.FeatureCollection([ee.Feature(None, {"n": i}) for i in (1, 2)]).map(
        lambda f: ee.FeatureCollection([f, ee.Feature(None, {"n": 9})])
    )
    flat = nested.flatten()
    assert evaluate(flat.aggregate_array("n")) == [1, 9, 2, 9]


def test_geometries_of_a_collection_are_united(ee: ModuleType):
    left, right = (ee.Feature(ee.Geometry.Rectangle([x, 0, x + 2, 1], "EPSG:32631", False)) for x in (500000, 500001))
    both = ee.FeatureCollection([left, right])
    assert evaluate(both.geometry().area(1, "EPSG:32631")) == pytest.approx(3.0)
    assert evaluate(both.union().first()).id == "union_result"
    bounds = evaluate(both.bounds(1, "EPSG:32631")).geojson["coordinates"][0]
    assert [min(x for x, _ in bounds), max(x for x, _ in bounds)] == [500000.0, 500003.0]
    with pytest.raises(ComputeError, match="nothing here has a geometry"):
        evaluate(ee.FeatureCollection([]).geometry())


def test_bands_of_a_collection_are_named_after_their_images(ee: ModuleType):
    images = [image_of({"a": [1], "b": [2]}, properties={"system:index": "x"}), image_of({"a": [3]})]
    assert row(ee.ImageCollection("all").toBands(), 1, all=images) == {"x_a": [1], "x_b": [2], "1_a": [3]}


def test_the_best_image_of_each_pixel_gives_all_its_bands(ee: ModuleType):
    images = [
        image_of({"a": [1, 1, 1], "q": [5, 1, 2]}, {"q": [1, 1, 0]}),
        image_of({"a": [2, 2, 2], "q": [3, 4, 9]}, {"q": [1, 1, 0], "a": [1, 0, 1]}),
    ]
    assert row(ee.ImageCollection("all").qualityMosaic("q"), 3, all=images) == {
        "a": [1, None, None],
        "q": [5, 4, None],
    }


def test_filters_compare_properties(ee: ModuleType):
    f = ee.Filter
    assert kept(ee, f.eq("v", 4)) == [1, 4]
    assert kept(ee, f.neq("v", 4)) == [2, 3]  # which the client writes as a filter that does not pass
    for name, value, numbers in (
        ("greaterThanOrEquals", 4, [1, 4]),
        ("lessThanOrEquals", 1, [2]),
        ("gt", 1, [1, 4]),
    ):
        assert kept(ee, ee.apifunction.ApiFunction.call_(f"Filter.{name}", "v", value)) == numbers
    assert kept(ee, f.rangeContains("n", 2, 3)) == [2, 3]
    assert kept(ee, f.stringContains("name", "b")) == [1, 2, 3]
    assert kept(ee, f.stringStartsWith("name", "ab")) == [1, 3]
    assert kept(ee, f.stringEndsWith("name", "c")) == [3, 4]
    assert kept(ee, f.inList("n", [2, 4, 7])) == [2, 4]
    assert kept(ee, f.notNull(["v"])) == [1, 2, 4]
    assert kept(ee, f.maxDifference(1, "n", 2)) == [1, 2, 3]
    assert kept(ee, f.Or(f.eq("n", 1), f.And(f.gt("n", 1), f.lt("v", 2)))) == [1, 2]
    assert kept(ee, f.eq("v", 4).Not()) == [2, 3]


def test_filters_by_calendar_fields(ee: ModuleType):
    days = [0, 31, 59, 364]  # of 1970: 1 January (Thursday), 1 February (Sunday), 1 March, 31 December
    rows = [{"n": day, "system:time_start": day * DAY_MS + NOON_MS} for day in days]
    f = ee.Filter
    assert kept(ee, f.calendarRange(2, 3, "month"), rows) == [31, 59]
    assert kept(ee, f.calendarRange(12, 1, "month"), rows) == [0, 364]
    assert kept(ee, f.calendarRange(1, 59), rows) == [0, 31]
    assert kept(ee, f.calendarRange(7, None, "day_of_week"), rows) == [31, 59]
    assert kept(ee, f.calendarRange(12, 12, "hour"), rows) == days
    assert kept(ee, f.dayOfYear(32, 60), rows) == [31, 59]  # both ends are included
    with pytest.raises(ComputeError, match="no calendar field 'week'"):
        kept(ee, f.calendarRange(1, 2, "week"), rows)


def test_filters_by_place(ee: ModuleType):
    box = ee.Geometry.Rectangle([0, 0, 10, 10], "EPSG:4326", False)
    places = ee.FeatureCollection(
        [ee.Feature(ee.Geometry.Point(x, 5), {"n": x}) for x in (5, 20)]
        + [ee.Feature(ee.Geometry.Rectangle([9, 4, 12, 6], "EPSG:4326", False), {"n": 9})]
    )
    for test, numbers in (
        (ee.Filter.intersects(".geo", box), [5, 9]),
        (ee.Filter.disjoint(".geo", box), [20]),
        (ee.Filter.isContained(".geo", box), [5]),
    ):
        assert evaluate(places.filter(test).aggregate_array("n")) == numbers
