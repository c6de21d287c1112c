"""Reductions at many points: pixels that are read together are the same as those read one by one."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.engines.local.algorithms.regions import CELL_PX
from tests.engines.in_process import CRS, evaluate, image_of

SIDE = 3 * CELL_PX
PIXELS = np.random.default_rng(0).integers(0, 1000, (SIDE, SIDE))
"""Pixels of 10 m from 500000, 5000000 on, over several squares that are read together."""


def point(ee: ModuleType, row: float, column: float) -> Any:
    return ee.Geometry.Point([500000 + 10 * column, 5000000 - 10 * row], ee.Projection(CRS))


def rows_and_columns(count: int) -> list[tuple[float, float]]:
    generator = np.random.default_rng(1)
    return [tuple(pair) for pair in generator.uniform(-2, SIDE + 2, (count, 2))]


def reduced(ee: ModuleType, image: Any, places: list[tuple[float, float]], **given: Any) -> list[Any]:
    features = [ee.Feature(point(ee, *place)) for place in places]
    table = image.reduceRegions(ee.FeatureCollection(features), ee.Reducer.first(), **given)
    one = image_of({"a": PIXELS})
    return [feature.properties.get("first") for feature in evaluate(table, one=one).elements]


def test_points_get_the_pixel_that_holds_them_and_nothing_outside(ee: ModuleType):
    places = rows_and_columns(200)
    found = reduced(ee, ee.Image("one"), places)
    for (row, column), value in zip(places, found):
        is_inside = 0 <= row < SIDE and 0 <= column < SIDE
        assert value == (PIXELS[int(row), int(column)] if is_inside else None)


def test_neighbourhoods_of_points_reach_over_the_squares(ee: ModuleType):
    places = rows_and_columns(60)
    image = ee.Image("one").focalMax(3, "square")
    together = reduced(ee, image, places)
    assert together == [value for place in places for value in reduced(ee, image, [place])]


@pytest.mark.parametrize("scale", [10, 20, 30])
def test_points_are_found_on_the_grid_that_is_asked_for(ee: ModuleType, scale: int):
    places = [(row % SIDE, column % SIDE) for row, column in rows_and_columns(60)]
    given = {"crs": CRS, "crsTransform": [scale, 0, 500005, 0, -scale, 4999995]}
    together = reduced(ee, ee.Image("one"), places, **given)
    assert together == [value for place in places for value in reduced(ee, ee.Image("one"), [place], **given)]


def test_points_and_polygons_mix_in_the_order_of_the_collection(ee: ModuleType):
    region = ee.Geometry.Rectangle([500000, 4999980, 500020, 5000000], CRS, False)
    features = [ee.Feature(point(ee, 5.5, 7.5)), ee.Feature(region), ee.Feature(point(ee, 60.5, 3.5))]
    table = ee.Image("one").reduceRegions(ee.FeatureCollection(features), ee.Reducer.mean())
    found = [f.properties["mean"] for f in evaluate(table, one=image_of({"a": PIXELS})).elements]
    assert found == [PIXELS[5, 7], pytest.approx(PIXELS[:2, :2].mean()), PIXELS[60, 3]]


def test_several_bands_and_masks_between_0_and_1_are_weighed_at_points(ee: ModuleType):
    shares = np.full((SIDE, SIDE), 0.25)
    shares[5, 7] = 0.5
    one = image_of({"a": PIXELS, "b": PIXELS[::-1]})
    half = ee.Image("one").updateMask(ee.Image("share"))
    features = [ee.Feature(point(ee, 5.5, 7.5)), ee.Feature(point(ee, 40.5, 9.5))]
    table = half.reduceRegions(ee.FeatureCollection(features), ee.Reducer.sum())
    found = [dict(f.properties) for f in evaluate(table, one=one, share=image_of({"s": shares})).elements]
    assert found == [
        {"a": PIXELS[5, 7] / 2, "b": PIXELS[::-1][5, 7] / 2},
        {"a": PIXELS[40, 9] / 4, "b": PIXELS[::-1][40, 9] / 4},
    ]
