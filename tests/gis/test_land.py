"""Land limits: what a layer gives near an area, how far simplifying moves it, and what is said where it cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsProject, QgsVectorLayer

from s2mask_qgis.core.area import Area
from s2mask_qgis.gis.land import MARGIN_DEG, land_from_layer
from s2mask_qgis.gis.polygons import AreaError
from tests.gis.test_roi import BOW_TIE, UTM_33N, layer_of

WEST, SOUTH = 14.9, 46.9


def box_area(west: float, south: float, east: float, north: float) -> Area:
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return Area(((ring,),))


AREA = box_area(WEST, SOUTH, WEST + 0.2, SOUTH + 0.2)


def wkt_box(west: float, south: float, east: float, north: float) -> str:
    return f"Polygon(({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"


def coast(count: int, roughness_m: float) -> np.ndarray:
    """Corners of a rough circle of 8 km around the middle of AREA, in degrees."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = 8000 + np.random.default_rng(3).uniform(-roughness_m, roughness_m, count)
    x = WEST + 0.1 + radius * np.cos(angle) / (111_320 * math.cos(math.radians(47)))
    return np.column_stack([x, SOUTH + 0.1 + radius * np.sin(angle) / 111_320])


def coast_layer(*rings: np.ndarray) -> QgsVectorLayer:
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "coast", "memory")
    features = []
    for ring in rings:
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromPolygonXY([[QgsPointXY(*corner) for corner in ring]]))
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    return layer


def shape_of(area: Area | None) -> QgsGeometry:
    assert area is not None
    return QgsGeometry.fromMultiPolygonXY(
        [[[QgsPointXY(*corner) for corner in ring] for ring in polygon] for polygon in area.polygons]
    )


def corner_count(area: Area | None) -> int:
    assert area is not None
    return sum(len(ring) for polygon in area.polygons for ring in polygon)


def test_small_land_stays_as_it_is(project: QgsProject) -> None:
    choice = land_from_layer(layer_of(wkt_box(14.95, 46.95, 15.0, 47.0), crs="EPSG:4326"), AREA, project)
    assert choice.land.tolerance_m == choice.displacement_m == 0.0
    assert choice.notes == ()
    assert choice.land.area is not None
    assert set(choice.land.area.polygons[0][0]) == {(14.95, 46.95), (15.0, 46.95), (15.0, 47.0), (14.95, 47.0)}


def test_land_is_cut_beside_the_area_only(project: QgsProject) -> None:
    choice = land_from_layer(layer_of(wkt_box(10, 40, 20, 50), crs="EPSG:4326"), AREA, project)
    box = shape_of(choice.land.area).boundingBox()
    edges = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
    margin = MARGIN_DEG
    expected = (WEST - margin, SOUTH - margin, WEST + 0.2 + margin, SOUTH + 0.2 + margin)
    assert edges == pytest.approx(expected, abs=1e-6)


def test_land_in_another_coordinate_system_is_where_it_is(project: QgsProject) -> None:
    utm = "Polygon((500000 5200000, 505000 5200000, 505000 5205000, 500000 5205000, 500000 5200000))"
    choice = land_from_layer(layer_of(utm, crs=UTM_33N), AREA, project)
    assert shape_of(choice.land.area).boundingBox().xMinimum() == pytest.approx(15.0, abs=1e-6)


def test_land_elsewhere_is_refused(project: QgsProject) -> None:
    with pytest.raises(AreaError, match="“parcels” has no polygon near the area"):
        land_from_layer(layer_of(wkt_box(5, 40, 6, 41), crs="EPSG:4326"), AREA, project)


def test_holes_and_islands_stay(project: QgsProject) -> None:
    outer, hole = wkt_box(14.92, 46.92, 15.0, 47.0)[8:-1], wkt_box(14.94, 46.94, 14.96, 46.96)[8:-1]
    layer = layer_of(f"Polygon({outer}, {hole})", wkt_box(15.05, 47.05, 15.06, 47.06), crs="EPSG:4326")
    choice = land_from_layer(layer, AREA, project)
    assert choice.land.area is not None
    assert sorted(len(polygon) for polygon in choice.land.area.polygons) == [1, 2]


def test_a_layer_around_the_world_is_cut_before_it_is_judged(project: QgsProject) -> None:
    fiji = box_area(177, -19, 178, -18)
    parts = [wkt_box(-180, -20, -178, -15), wkt_box(176, -20, 180, -15)]
    choice = land_from_layer(layer_of(*parts, crs="EPSG:4326"), fiji, project)
    box = shape_of(choice.land.area).boundingBox()
    assert (box.xMinimum(), box.xMaximum()) == pytest.approx((177 - MARGIN_DEG, 178 + MARGIN_DEG))


def test_repairs_are_told(project: QgsProject) -> None:
    tie = BOW_TIE.replace("5000000", "5200000").replace("5001000", "5201000")
    assert land_from_layer(layer_of(tie), AREA, project).notes == (
        "Polygon 1 crosses itself near 500500, 5200500; it was repaired.",
    )


def largest_distance(ring: np.ndarray, shape: QgsGeometry) -> float:
    """Of corners to the outline of a shape, in metres: by GEOS, on a plane."""
    scale = np.array([111_320 * math.cos(math.radians(47)), 111_320])
    outline = QgsGeometry(shape)
    polygons = [[[QgsPointXY(*(np.array(c) * scale)) for c in r] for r in p] for p in outline.asMultiPolygon()]
    line = QgsGeometry.fromMultiPolylineXY([ring for polygon in polygons for ring in polygon])
    points = [QgsGeometry.fromPointXY(QgsPointXY(*corner)) for corner in ring * scale]
    return max(point.distance(line) for point in points)


def test_rough_land_is_simplified_within_the_tolerance_that_is_told(project: QgsProject) -> None:
    ring = coast(4000, roughness_m=4.0)
    choice = land_from_layer(coast_layer(ring), AREA, project, 20_000)
    assert choice.land.tolerance_m in (2.5, 5.0, 10.0)
    assert 0 < choice.displacement_m <= choice.land.tolerance_m
    assert corner_count(choice.land.area) < 900
    shape = shape_of(choice.land.area)
    assert shape.isGeosValid()
    # Rounded to 1 cm, and measured on another plane: 0.2 %.
    assert largest_distance(ring, shape) == pytest.approx(choice.displacement_m, rel=0.005, abs=0.02)
    (note,) = choice.notes
    assert note.startswith("The land limit has 4,001 corners near the area; it was simplified to ")
    assert note.endswith(f"moves its edges by {choice.displacement_m:.1f} m at most.")


def test_islands_below_a_pixel_go_where_land_is_simplified_and_are_counted(project: QgsProject) -> None:
    speck = np.array([[15.08, 47.08], [15.08003, 47.08], [15.08003, 47.08003], [15.08, 47.08003]])
    rings = [coast(4000, roughness_m=4.0), speck, speck + 0.005]
    choice = land_from_layer(coast_layer(*rings), AREA, project, 20_000)
    assert choice.land.area is not None
    assert len(choice.land.area.polygons) == 1
    assert choice.notes[-1] == "Islands and holes smaller than a pixel (100 m²) were left out: 2."


def test_land_of_specks_alone_keeps_its_largest(project: QgsProject) -> None:
    speck = np.array([[15.0, 47.0], [15.00003, 47.0], [15.00003, 47.00003], [15.0, 47.00003]])
    choice = land_from_layer(coast_layer(*(speck + 0.001 * number for number in range(20))), AREA, project, 500)
    assert choice.land.area is not None
    assert len(choice.land.area.polygons) == 1


def test_land_that_cannot_be_made_small_enough_is_refused_with_the_way_out(project: QgsProject) -> None:
    with pytest.raises(AreaError, match=r"4,001 corners near the area, and [\d,]+ when .* up to 50 m.*asset id"):
        land_from_layer(coast_layer(coast(4000, roughness_m=800.0)), AREA, project, 2_000)
