"""Samples at points: the pixels that hold them, and no others."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.engines.in_process import evaluate, grid_of, image_of

SIDE = 400
PIXELS = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
SCALE_M = 5000.0
"""Large pixels: points lie so far apart that the great circles between them would have corners of their own."""


def sampled(ee: ModuleType, region: Any) -> list[float]:
    table = ee.Image("one").sample(region)
    one = image_of({"a": PIXELS}, grid=grid_of((SIDE, SIDE), SCALE_M))
    return [feature.properties["a"] for feature in evaluate(table, one=one).elements]


def places(count: int) -> list[tuple[float, float]]:
    """Longitudes and latitudes within the image."""
    generator = np.random.default_rng(3)
    return list(zip(generator.uniform(3.5, 6.0, count), generator.uniform(30.5, 44.0, count)))


def test_many_points_give_the_pixels_that_each_gives_alone(ee: ModuleType):
    points = places(12)
    alone = {value for place in points for value in sampled(ee, ee.Geometry.Point(list(place)))}
    assert len(alone) == 12
    together = sampled(ee, ee.Geometry.MultiPoint([list(place) for place in points]))
    assert sorted(together) == sorted(alone)


def test_points_of_one_pixel_give_it_once(ee: ModuleType):
    place = list(places(1)[0])
    assert len(sampled(ee, ee.Geometry.MultiPoint([place, place]))) == 1


@pytest.mark.parametrize("geodesic", [True, False])
def test_a_line_gives_more_pixels_than_its_corners(ee: ModuleType, geodesic: bool):
    corners = [list(place) for place in places(2)]
    assert len(sampled(ee, ee.Geometry.LineString(corners, "EPSG:4326", geodesic))) > 2
