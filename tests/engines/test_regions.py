"""Reductions over regions that cut pixels, against areas worked out by hand and by subdividing pixels."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osgeo import ogr

from s2mask_qgis.engines.local.algorithms.regions import coverage
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import CRS, evaluate, grid_of, image_of, values

FOUR = {"a": [[1, 2], [3, 4]]}


def box(ee: ModuleType, *bounds: float) -> object:
    return ee.Geometry.Rectangle(list(bounds), CRS, False)


def test_pixels_count_by_their_covered_part_where_the_reducer_has_weights(ee: ModuleType):
    region = box(ee, 500004, 4999981, 500016, 4999996)  # covers .6 of the columns each, .6 and .9 of the rows
    image, one = ee.Image("one"), image_of(FOUR)
    weights = np.array([[0.36, 0.36], [0.54, 0.54]])
    values = np.array(FOUR["a"])
    mean = (weights * values).sum() / weights.sum()
    found = evaluate(image.reduceRegion(ee.Reducer.sum(), region), one=one)
    assert found == {"a": pytest.approx((weights * values).sum())}
    assert evaluate(image.reduceRegion(ee.Reducer.mean(), region), one=one) == {"a": pytest.approx(mean)}
    spread = math.sqrt((weights * (values - mean) ** 2).sum() / weights.sum())
    assert evaluate(image.reduceRegion(ee.Reducer.stdDev(), region), one=one) == {"a": pytest.approx(spread)}


def test_reducers_without_weights_go_by_the_centre(ee: ModuleType):
    region = box(ee, 500006, 4999981, 500016, 4999996)  # the left column's centres lie outside
    image, one = ee.Image("one"), image_of(FOUR)
    assert evaluate(image.reduceRegion(ee.Reducer.count(), region), one=one) == {"a": 2}
    assert evaluate(image.reduceRegion(ee.Reducer.minMax(), region), one=one) == {"a_min": 2, "a_max": 4}
    assert evaluate(image.reduceRegion(ee.Reducer.toList(), region), one=one) == {"a": [2, 4]}
    assert evaluate(image.reduceRegion(ee.Reducer.mean().unweighted(), region), one=one) == {"a": 3.0}
    assert evaluate(image.reduceRegion(ee.Reducer.median().unweighted(), region), one=one) == {"a": 3.0}


def test_medians_of_cut_pixels_are_refused_but_not_those_of_whole_ones(ee: ModuleType):
    image, one = ee.Image("one"), image_of(FOUR)
    with pytest.raises(ComputeError, match=r"Reducer\.median over pixels that the region cuts is not implemented"):
        evaluate(image.reduceRegion(ee.Reducer.median(), box(ee, 500004, 4999981, 500016, 4999996)), one=one)
    whole = box(ee, 500000, 4999980, 500020, 5000000)
    assert evaluate(image.reduceRegion(ee.Reducer.median(), whole), one=one) == {"a": 2.5}


def test_groups_of_a_region_are_weighed(ee: ModuleType):
    one = image_of({"a": [[1, 2], [3, 4]], "k": [[7, 7], [8, 8]]})
    region = box(ee, 500005, 4999980, 500020, 5000000)  # half of the left column
    found = evaluate(ee.Image("one").reduceRegion(ee.Reducer.mean().group(1, "k"), region), one=one)
    assert found == {"groups": [{"k": 7, "mean": pytest.approx(5 / 3)}, {"k": 8, "mean": pytest.approx(11 / 3)}]}


def test_reducers_of_several_inputs_take_the_bands(ee: ModuleType):
    one = image_of({"a": [[1, 2], [3, 4]], "b": [[2, 4], [6, 8]]})
    image = ee.Image("one")
    each = ee.Reducer.mean().forEach(image.bandNames())
    assert evaluate(image.reduceRegion(each), one=one) == {"a": 2.5, "b": 5.0}
    with pytest.raises(ComputeError, match="the reducer has 3 inputs, the image 2 bands"):
        evaluate(image.reduceRegion(ee.Reducer.mean().repeat(3)), one=one)


def test_best_effort_doubles_the_scale_until_the_pixels_are_few_enough(ee: ModuleType):
    values = np.arange(64).reshape(8, 8)
    one = image_of({"a": values})
    with pytest.raises(ComputeError, match=r"Found 64, but maxPixels allows only 10"):
        evaluate(ee.Image("one").reduceRegion(ee.Reducer.mean(), maxPixels=10), one=one)
    found = evaluate(ee.Image("one").reduceRegion(ee.Reducer.toList(), bestEffort=True, maxPixels=10), one=one)
    assert len(found["a"]) == 4  # 64 at 10 m, 16 at 20 m, 4 at 40 m


def test_a_region_outside_the_image_has_no_pixels(ee: ModuleType):
    region = box(ee, 600000, 4999000, 600020, 4999020)
    both = ee.Reducer.mean().combine(ee.Reducer.count(), "", True)
    found = evaluate(ee.Image("one").reduceRegion(both, region), one=image_of(FOUR))
    assert found == {"a_mean": None, "a_count": 0}


def test_lines_are_refused(ee: ModuleType):
    line = ee.Geometry.LineString([[500001, 4999999], [500011, 4999989]], CRS, False)
    with pytest.raises(ComputeError, match="regions that are a LineString are not implemented"):
        evaluate(ee.Image("one").reduceRegion(ee.Reducer.mean(), line), one=image_of(FOUR))


CORNERS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=3, max_size=7, unique=True)


@settings(max_examples=25, deadline=None)
@given(corners=CORNERS)
def test_coverage_is_the_area_of_each_pixel_inside(corners: list[tuple[int, int]]):
    hull = ogr.Geometry(ogr.wkbMultiPoint)
    for x, y in corners:
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(500000 + x, 5000000 - y)
        hull.AddGeometry(point)
    shape = hull.ConvexHull()
    found = coverage(shape, grid_of((6, 6)))
    assert found.sum() * 100 == pytest.approx(shape.GetArea(), abs=1e-3)
    for i, j in ((0, 0), (2, 3), (5, 5), (1, 4)):
        left, top = 500000 + 10 * j, 5000000 - 10 * i
        pixel = ogr.CreateGeometryFromWkt(
            f"POLYGON (({left} {top}, {left + 10} {top}, {left + 10} {top - 10}, {left} {top - 10}, {left} {top}))"
        )
        assert found[i, j] == pytest.approx(pixel.Intersection(shape).GetArea() / 100, abs=2e-6)


def test_regions_of_a_collection_each_get_the_outputs(ee: ModuleType):
    left, right = box(ee, 500000, 4999980, 500010, 5000000), box(ee, 500010, 4999980, 500020, 5000000)
    features = ee.FeatureCollection([ee.Feature(left, {"n": 1}), ee.Feature(right, {"n": 2})])
    one, two = image_of(FOUR), image_of({"a": [[1, 2], [3, 4]], "b": [[5, 6], [7, 8]]})

    def properties(image: object, reducer: object) -> list[dict[str, float]]:
        table = image.reduceRegions(features, reducer)
        return [dict(feature.properties) for feature in evaluate(table, one=one, two=two).elements]

    assert properties(ee.Image("one"), ee.Reducer.mean()) == [{"n": 1, "mean": 2}, {"n": 2, "mean": 3}]
    assert properties(ee.Image("one"), ee.Reducer.minMax())[1] == {"n": 2, "min": 2, "max": 4}
    assert properties(ee.Image("two"), ee.Reducer.sum())[0] == {"n": 1, "a": 4, "b": 12}
    assert properties(ee.Image("two"), ee.Reducer.max(2))[1] == {"n": 2, "max": 4, "max1": 8}
    with pytest.raises(ComputeError, match="must be a feature with a geometry"):
        evaluate(ee.Image("one").reduceRegions([ee.Feature(None)], ee.Reducer.mean()), one=one)
    with pytest.raises(ComputeError, match="Too many pixels"):
        evaluate(ee.Image("one").reduceRegions(features, ee.Reducer.mean(), maxPixelsPerRegion=1), one=one)


def test_clipping_to_a_collection_keeps_what_one_feature_covers(ee: ModuleType):
    parts = [box(ee, 500000, 4999990, 500010, 5000000), box(ee, 500010, 4999980, 500020, 4999990)]
    image = ee.Image("one").clipToCollection(ee.FeatureCollection([ee.Feature(part) for part in parts]))
    assert values(image, (2, 2), one=image_of(FOUR)) == {"a": [[1, None], [None, 4]]}
