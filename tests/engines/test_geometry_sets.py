"""Geometries on the sphere and in planes, against closed formulas."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest
from osgeo import ogr

from s2mask_qgis.engines.local.algorithms.shapes import to_ogr
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.calls import answer
from tests.engines.in_process import evaluate

UTM = "EPSG:32631"
SEMI_MAJOR_M, FLATTENING = 6_378_137.0, 1 / 298.257223563


def band_area_m2(latitude: float) -> float:
    """Area of the ellipsoid between the equator and a latitude, for one radian of longitude."""
    e = math.sqrt(FLATTENING * (2 - FLATTENING))
    s = math.sin(math.radians(latitude))
    b = SEMI_MAJOR_M * (1 - FLATTENING)
    return b * b / 2 * (s / (1 - e * e * s * s) + math.log((1 + e * s) / (1 - e * s)) / (2 * e))


def planar(ee: ModuleType, *bounds: float) -> Any:
    return ee.Geometry.Rectangle(list(bounds), UTM, False)


def test_the_area_of_a_box_of_meridians_and_parallels_is_that_on_the_ellipsoid(ee: ModuleType):
    box = ee.Geometry.Rectangle([3, 40, 5, 44], "EPSG:4326", False)
    expected = math.radians(2) * (band_area_m2(44) - band_area_m2(40))
    assert evaluate(box.area(1)) == pytest.approx(expected, rel=1e-6)


def test_geodesic_edges_bulge_towards_the_pole(ee: ModuleType):
    corners = [[3, 40], [13, 40], [13, 44], [3, 44]]
    geodesic = evaluate(ee.Geometry.Polygon([corners], None, True).area(1))
    straight = evaluate(ee.Geometry.Polygon([corners], None, False).area(1))
    assert geodesic != pytest.approx(straight, rel=1e-4)
    assert geodesic == pytest.approx(straight, rel=0.05)


def test_areas_add_up_and_points_have_none(ee: ModuleType):
    assert evaluate(planar(ee, 500000, 0, 500020, 30).area(1, UTM)) == pytest.approx(600)
    assert evaluate(planar(ee, 500000, 5e6, 500020, 5e6 + 30).area(1)) == pytest.approx(600 / 0.9996**2, rel=1e-4)
    assert evaluate(ee.Geometry.Point(3, 44).area(1)) == 0


def test_sets_in_a_plane(ee: ModuleType):
    left, right = planar(ee, 500000, 0, 500010, 10), planar(ee, 500006, 0, 500020, 10)
    for name, area in (("intersection", 40), ("union", 200), ("difference", 60), ("symmetricDifference", 160)):
        assert evaluate(getattr(left, name)(right, 1).area(1, UTM)) == pytest.approx(area), name
    nothing = left.intersection(planar(ee, 600000, 0, 600010, 10), 1)
    assert evaluate(nothing.area(1)) == 0
    assert evaluate(nothing.coordinates()) == []


def test_sets_on_the_sphere_keep_the_corners(ee: ModuleType):
    left = ee.Geometry.Polygon([[[0, 40], [4, 40], [4, 44], [0, 44]]])
    right = ee.Geometry.Polygon([[[2, 38], [6, 38], [6, 46], [2, 46]]])
    found = evaluate(left.intersection(right, 1))
    ring = found.geojson["coordinates"][0]
    assert len(ring) == 5
    assert found.geodesic
    corners = {(round(x, 9), round(y, 9)) for x, y in ring}
    assert {(4.0, 40.0), (4.0, 44.0)} <= corners
    # the middle of the great circle between two points of one parallel
    on_edge = math.degrees(math.atan(math.tan(math.radians(40)) / math.cos(math.radians(2))))
    assert any(x == pytest.approx(2) and y == pytest.approx(on_edge, abs=1e-9) for x, y in ring)


def test_tests_of_pairs(ee: ModuleType):
    outer, inner = planar(ee, 500000, 0, 500100, 100), planar(ee, 500010, 10, 500020, 20)
    away = ee.Geometry.Point(80, 80)
    assert evaluate(outer.contains(inner, 1)) is True
    assert evaluate(inner.containedIn(outer, 1)) is True
    assert evaluate(inner.contains(outer, 1)) is False
    assert evaluate(outer.disjoint(away, 1)) is True
    assert evaluate(outer.intersects(inner, 1)) is True


def test_buffers_are_true_to_one_percent(ee: ModuleType):
    circle = evaluate(ee.Geometry.Point(2.5, 44).buffer(1000))
    middle = ogr.Geometry(ogr.wkbPoint)
    middle.AddPoint_2D(2.5, 44)
    in_utm = to_ogr(circle, UTM)
    assert in_utm.GetArea() == pytest.approx(math.pi * 1000**2, rel=0.01)
    assert circle.geodesic
    square = evaluate(planar(ee, 500000, 0, 500100, 100).buffer(-10, None, UTM).area(1, UTM))
    assert square == pytest.approx(80 * 80)
    with pytest.raises(ComputeError, match=r"true to 1.* not implemented"):
        evaluate(ee.Geometry.Point(2.5, 44).buffer(1000, 1))
    with pytest.raises(ComputeError, match=r"more than 1,000 km are not implemented"):
        evaluate(ee.Geometry.Rectangle([0, 0, 20, 1]).buffer(10))


def test_transforming_there_and_back(ee: ModuleType):
    point = ee.Geometry.Point([500000, 5_000_000], UTM)
    moved = evaluate(point.transform("EPSG:4326", 1))
    assert (moved.crs, moved.geojson["type"]) == ("EPSG:4326", "Point")
    assert moved.geojson["coordinates"][0] == pytest.approx(3.0)
    back = evaluate(point.transform("EPSG:4326", 1).transform(UTM, 1))
    assert back.geojson["coordinates"][:2] == pytest.approx([500000, 5_000_000], abs=1e-4)


def test_centres_of_gravity(ee: ModuleType):
    triangle = ee.Geometry.Polygon([[[500000, 0], [500030, 0], [500000, 60]]], UTM, False)
    assert evaluate(triangle.centroid(1)).geojson["coordinates"][:2] == pytest.approx([500010, 20])
    box = ee.Geometry.Rectangle([3, 40, 5, 40.01], "EPSG:4326", False)
    mean_cosine = math.sin(math.radians(1)) / math.radians(1)  # of the longitudes, for the mean of unit vectors
    latitude = math.degrees(math.atan(math.tan(math.radians(40.005)) / mean_cosine))
    assert evaluate(box.centroid(1)).geojson["coordinates"][:2] == pytest.approx([4, latitude], abs=1e-5)


def test_what_a_geometry_says_of_itself(ee: ModuleType):
    assert evaluate(planar(ee, 500000, 0, 500010, 10).type()) == "Polygon"
    assert evaluate(planar(ee, 500000, 0, 500010, 10).geodesic()) is False
    assert evaluate(ee.Geometry.Point(1, 2).isUnbounded()) is False


def test_scales_of_projections(ee: ModuleType):
    projection = ee.Projection(UTM, [10, 0, 500000, 0, -10, 5_000_000])
    assert evaluate(projection.nominalScale()) == 10.0
    assert evaluate(projection.scale(2, 3)).transform == (20, 0, 500000, 0, -30, 5_000_000)
    assert evaluate(projection.translate(1, 1)).transform == (10, 0, 500010, 0, -10, 4_999_990)
    assert evaluate(ee.Projection("EPSG:4326").nominalScale()) == pytest.approx(111_319.49079)
    assert evaluate(projection.crs()) == UTM


def made(ee: ModuleType, kind: str, coordinates: Any) -> Any:
    """A geometry by the service's own constructor, which the client's checks do not stand before."""
    return ee.ApiFunction.call_(f"GeometryConstructors.{kind}", coordinates)


def test_geometries_stand_for_their_coordinates(ee: ModuleType):
    west, east = made(ee, "Point", [1, 2]), made(ee, "Point", [3, 4])
    assert evaluate(made(ee, "LineString", [west, east]).coordinates()) == [[1, 2], [3, 4]]
    assert evaluate(made(ee, "Rectangle", [west, east]).coordinates()) == [[[1, 2], [3, 2], [3, 4], [1, 4], [1, 2]]]
    ring = made(ee, "LinearRing", [[0, 0], [1, 0], [1, 1]])
    assert evaluate(made(ee, "Polygon", [ring]).coordinates()) == [[[0, 0], [1, 0], [1, 1], [0, 0]]]
    lines = made(ee, "MultiLineString", [made(ee, "LineString", [west, east])])
    assert evaluate(lines.coordinates()) == [[[1, 2], [3, 4]]]
    with pytest.raises(ComputeError, match="other coordinate systems than EPSG:4326"):
        evaluate(ee.ApiFunction.call_("GeometryConstructors.MultiPoint", [ee.Geometry.Point([1, 2], UTM)], "EPSG:4326"))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((-10, -20, 10, 20), (-10, -20, 10, 20)),
        ((170, 0, -170, 1), (170, 0, 190, 1)),
        ((190, 0, 200, 1), (-170, 0, -160, 1)),
        ((-180, -100, 180, 100), (-180, -90, 180, 90)),
        ((0, 0, 400, 1), (-180, 0, 180, 1)),
    ],
)
def test_boxes_are_brought_to_the_globe(ee: ModuleType, bounds: tuple[float, ...], expected: tuple[float, ...]):
    box = ee.ApiFunction.call_("GeometryConstructors.BBox", *bounds)
    west, south, east, north = expected
    assert evaluate(box.coordinates())[0][0::2] == [[west, south], [east, north], [west, south]]


@pytest.mark.parametrize(
    ("kind", "coordinates", "sentence"),
    [
        ("Point", [1, math.inf], "finite numbers"),
        ("Point", [1], "two numbers"),
        ("LineString", [[1, 2]], "at least 2 corners"),
        ("Polygon", [[[1, 2], [3, 4]]], "at least 3 corners"),
        ("Polygon", [[[1, 2], [3, 4], 5]], "nested|two numbers"),
        ("MultiPoint", [], "needs a list of coordinates"),
    ],
)
def test_coordinates_that_make_no_geometry_are_said(ee: ModuleType, kind: str, coordinates: Any, sentence: str):
    with pytest.raises(ComputeError, match=rf"^GeometryConstructors.{kind}: .*{sentence}"):
        evaluate(made(ee, kind, coordinates))


@pytest.mark.parametrize("geojson", [{"type": "Point", "coordinates": None}, {"type": "Circle"}, {"type": "Polygon"}])
def test_what_is_no_geojson_is_said(geojson: dict[str, Any]):
    with pytest.raises(ComputeError, match=r"^Geometry.area: argument 'geometry': "):
        answer("Geometry.area", geometry=geojson)


def test_a_buffer_needs_a_finite_distance(ee: ModuleType):
    with pytest.raises(ComputeError, match="must be a finite number"):
        evaluate(ee.Geometry.Point([1, 2]).buffer(ee.Number(-1).sqrt()))
