"""Reducers with several inputs or outputs, and reducers made of others, over images, features and regions."""

from __future__ import annotations

import statistics
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2mask_qgis.engines.local.algorithms.records import column_of, fold_records
from s2mask_qgis.engines.local.values import ComputeError, Records, ReducerValue
from s2mask_qgis.engines.local.vocabulary import VOCABULARY
from tests.engines.in_process import Assets, evaluate, image_of, row

FEW = settings(max_examples=40)


def reducer(name: str, **arguments: object) -> ReducerValue:
    return VOCABULARY[f"Reducer.{name}"].invoke(arguments, Assets())


def folded(name: str, values: list, **arguments: object) -> object:
    """The single output of a reducer over a list of values."""
    found = fold_records(reducer(name, **arguments), Records((column_of(values),)))
    assert len(found) == 1
    return next(iter(found.values()))


NUMBERS = st.lists(st.integers(-50, 50), min_size=1, max_size=12)


@FEW
@given(values=NUMBERS)
def test_statistics_of_lists_are_those_of_the_standard_library(values: list[int]):
    assert folded("variance", values) == pytest.approx(statistics.pvariance(values))
    assert folded("stdDev", values) == pytest.approx(statistics.pstdev(values))
    most = statistics.multimode(values)
    if len(most) == 1:
        assert folded("mode", values) == most[0]
    else:
        with pytest.raises(ComputeError, match="the mode of values that are equally frequent is not implemented"):
            folded("mode", values)
    assert folded("product", values) == float(np.prod(np.array(values, float)))
    assert folded("allNonZero", values) == int(all(values))
    assert folded("anyNonZero", values) == int(any(values))
    assert (folded("first", values), folded("last", values)) == (values[0], values[-1])
    assert folded("countDistinctNonNull", values) == len(set(values))
    if len(values) > 1:
        assert folded("sampleStdDev", values) == pytest.approx(statistics.stdev(values))


@FEW
@given(values=NUMBERS, percent=st.integers(0, 100))
def test_percentiles_lie_on_lines_between_ranks(values: list[int], percent: int):
    assert folded("percentile", values, percentiles=[percent]) == pytest.approx(np.percentile(values, percent))
    assert folded("percentile", values, percentiles=[0]) == min(values)
    assert folded("percentile", values, percentiles=[50]) == folded("median", values)
    assert folded("percentile", values, percentiles=[100]) == max(values)


def test_nulls_are_no_values_and_nothing_has_no_mean():
    assert folded("mean", [1, None, 3]) == 2.0
    assert folded("mean", [None, None]) is None
    assert folded("count", [1, None, 3]) == 2
    assert folded("count", []) == 0
    assert folded("sampleStdDev", [4]) is None
    assert folded("toList", [1, None, 3]) == [1, 3]
    assert folded("first", ["x", "y"]) == "x"
    with pytest.raises(ComputeError, match="needs numbers, not 'x'"):
        folded("mean", ["x", 1])


def collection(ee: ModuleType, rows: list[dict]) -> object:
    return ee.FeatureCollection([ee.Feature(None, values) for values in rows])


ROWS = [{"k": 1, "a": 2.0, "b": 10}, {"k": 0, "a": 4.0, "b": 20}, {"k": 1, "a": 6.0, "b": 40}]


def test_columns_of_features_are_reduced(ee: ModuleType):
    features = collection(ee, ROWS)
    assert evaluate(features.reduceColumns(ee.Reducer.mean(), ["a"])) == {"mean": 4.0}
    both = ee.Reducer.sum().combine(ee.Reducer.max(), "b_")
    assert evaluate(features.reduceColumns(both, ["a", "b"])) == {"sum": 12.0, "b_max": 40}
    each = ee.Reducer.mean().forEach(["x", "y"])
    assert evaluate(features.reduceColumns(each, ["a", "b"])) == {"x": 4.0, "y": pytest.approx(70 / 3)}
    twice = ee.Reducer.minMax().repeat(2)
    assert evaluate(features.reduceColumns(twice, ["a", "b"])) == {"min": [2.0, 10], "max": [6.0, 40]}
    pairs = ee.Reducer.toList(2)
    assert evaluate(features.reduceColumns(pairs, ["k", "b"])) == {"list": [[1, 10], [0, 20], [1, 40]]}


def test_groups_are_reduced_apart_in_ascending_order(ee: ModuleType):
    features = collection(ee, [*ROWS, {"a": 100.0}])
    grouped = ee.Reducer.mean().group(0, "k")
    found = evaluate(features.reduceColumns(grouped, ["k", "a"]))
    assert found == {"groups": [{"k": 0, "mean": 4.0}, {"k": 1, "mean": 4.0}]}
    several = ee.Reducer.sum().repeat(2).group(groupField=2, groupName="k")
    assert evaluate(features.reduceColumns(several, ["a", "b", "k"])) == {
        "groups": [{"k": 0, "sum": [4.0, 20]}, {"k": 1, "sum": [8.0, 50]}]
    }


def test_the_extreme_of_one_input_brings_the_others_along(ee: ModuleType):
    found = evaluate(collection(ee, ROWS).reduceColumns(ee.Reducer.max(2), ["a", "b"]))
    assert found == {"max": 6.0, "max1": 40}
    images = [image_of({"a": [3, 1], "b": [30, 10]}), image_of({"a": [1, 2], "b": [11, 22]})]
    assert row(ee.ImageCollection("all").reduce(ee.Reducer.min(2)), 2, all=images) == {"min": [1, 1], "min1": [11, 10]}


def test_outputs_are_renamed_and_dropped(ee: ModuleType):
    renamed = ee.Reducer.minMax().setOutputs(["", "top"])
    assert evaluate(collection(ee, ROWS).reduceColumns(renamed, ["a"])) == {"top": 6.0}
    assert evaluate(ee.Reducer.percentile([5, 50]).getOutputs()) == ["p5", "p50"]


def test_a_line_is_fitted(ee: ModuleType):
    points = [{"x": x, "y": 3 * x + 5, "one": 1} for x in (0, 1, 2, 7)]
    fit = evaluate(collection(ee, points).reduceColumns(ee.Reducer.linearFit(), ["x", "y"]))
    assert fit == {"scale": pytest.approx(3), "offset": pytest.approx(5)}
    found = evaluate(collection(ee, points).reduceColumns(ee.Reducer.linearRegression(2), ["one", "x", "y"]))
    assert np.allclose(np.asarray(found["coefficients"], float), [[5.0], [3.0]])
    assert np.allclose(np.asarray(found["residuals"], float), [0.0])
    few = evaluate(collection(ee, points[:2]).reduceColumns(ee.Reducer.linearRegression(2), ["one", "x", "y"]))
    assert few == {"coefficients": None, "residuals": None}


def test_percentiles_of_a_collection_of_images_are_bands(ee: ModuleType):
    images = [image_of({"a": [value, 10]}, {"a": [1, value == 3]}) for value in (1, 3, 9)]
    found = row(ee.ImageCollection("all").reduce(ee.Reducer.percentile([0, 50, 100])), 2, all=images)
    assert found == {"a_p0": [1, 10], "a_p50": [3, 10], "a_p100": [9, 10]}


def test_lists_and_groups_are_refused_in_pixels(ee: ModuleType):
    with pytest.raises(ComputeError, match=r"ImageCollection\.reduce: .*'list' is not implemented in images"):
        evaluate(ee.ImageCollection("all").reduce(ee.Reducer.toList()), all=[image_of({"a": [1]})])
