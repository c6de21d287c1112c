"""Areas: what a user can hand in, what comes out, and what is said where it cannot be used."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from s2mask_qgis.gis import polygons, roi
from s2mask_qgis.gis.roi import AreaError, area_from_file, area_from_geometry, area_from_layer

SQUARE_KM = "Polygon((500000 5000000, 501000 5000000, 501000 5001000, 500000 5001000, 500000 5000000))"
BOW_TIE = "Polygon((500000 5000000, 501000 5001000, 501000 5000000, 500000 5001000, 500000 5000000))"
UTM_33N = "EPSG:32633"


def layer_of(*wkts: str, crs: str = UTM_33N, kind: str = "Polygon") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"{kind}?crs={crs}", "parcels", "memory")
    features = []
    for wkt in wkts:
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromWkt(wkt))
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    return layer


def drawn(wkt: str, project: QgsProject, crs: str = UTM_33N) -> roi.AreaChoice:
    return area_from_geometry(QgsGeometry.fromWkt(wkt), QgsCoordinateReferenceSystem(crs), project, "drawn")


def corners(choice: roi.AreaChoice) -> list[tuple[float, float]]:
    return [corner for polygon in choice.area.polygons for ring in polygon for corner in ring]


def test_a_square_in_utm_becomes_longitude_and_latitude_with_its_surface(project: QgsProject) -> None:
    choice = area_from_layer(layer_of(SQUARE_KM), False, project)
    longitudes = [corner[0] for corner in corners(choice)]
    latitudes = [corner[1] for corner in corners(choice)]
    # The central meridian of zone 33 is 15 degrees east; 5,000 km of northing lie at 45.15 degrees.
    assert min(longitudes) == pytest.approx(15.0, abs=1e-9)
    assert min(latitudes) == pytest.approx(45.153, abs=0.001)
    assert choice.area_km2 == pytest.approx(1 / 0.9996**2, rel=1e-4)
    assert choice.area.name == "parcels"
    assert choice.notes == ()


def test_longitude_and_latitude_stay_as_they_are(project: QgsProject) -> None:
    choice = drawn("Polygon((15 45, 15.1 45, 15.1 45.1, 15 45))", project, "EPSG:4326")
    assert set(corners(choice)) == {(15.0, 45.0), (15.1, 45.0), (15.1, 45.1)}


def test_only_selected_features_are_used_when_asked(project: QgsProject) -> None:
    far = "Polygon((600000 5000000, 601000 5000000, 601000 5001000, 600000 5000000))"
    layer = layer_of(SQUARE_KM, far)
    layer.selectByIds([1])
    assert len(area_from_layer(layer, True, project).area.polygons) == 1
    assert len(area_from_layer(layer, False, project).area.polygons) == 2


def test_overlapping_polygons_count_once(project: QgsProject) -> None:
    shifted = "Polygon((500500 5000000, 501500 5000000, 501500 5001000, 500500 5001000, 500500 5000000))"
    choice = area_from_layer(layer_of(SQUARE_KM, shifted), False, project)
    assert len(choice.area.polygons) == 1
    assert choice.area_km2 == pytest.approx(1.5 / 0.9996**2, rel=1e-3)


def test_a_self_intersection_is_repaired_and_told_with_its_place(project: QgsProject) -> None:
    choice = area_from_layer(layer_of(BOW_TIE), False, project)
    assert choice.notes == ("Polygon 1 crosses itself near 500500, 5000500; it was repaired.",)
    assert choice.area_km2 == pytest.approx(0.5 / 0.9996**2, rel=1e-3)
    assert len(choice.area.polygons) == 2


def test_many_repairs_are_counted_not_listed(project: QgsProject) -> None:
    choice = area_from_layer(layer_of(*[BOW_TIE] * 9), False, project)
    assert len(choice.notes) == polygons.NOTES_AT_MOST + 1
    assert choice.notes[-1] == "6 more polygons were repaired."


def test_the_layer_is_left_untouched(project: QgsProject) -> None:
    layer = layer_of(BOW_TIE.replace("Polygon", "MultiPolygon(").replace("((", "((") + ")", kind="MultiPolygon")
    before = [feature.geometry().asWkt() for feature in layer.getFeatures()]
    area_from_layer(layer, False, project)
    assert [feature.geometry().asWkt() for feature in layer.getFeatures()] == before
    assert not layer.isEditable()


@pytest.mark.parametrize(
    "wkt",
    [
        "PolygonZM((500000 5000000 7 1, 501000 5000000 7 1, 501000 5001000 7 1, 500000 5000000 7 1))",
        "MultiPolygonZ(((500000 5000000 7, 501000 5000000 7, 501000 5001000 7, 500000 5000000 7)))",
    ],
)
def test_heights_and_measures_are_dropped(wkt: str, project: QgsProject) -> None:
    choice = drawn(wkt, project)
    assert all(len(corner) == 2 for corner in corners(choice))
    assert choice.area_km2 == pytest.approx(0.5 / 0.9996**2, rel=1e-3)


def test_holes_stay_holes(project: QgsProject) -> None:
    hole = "(500250 5000250, 500750 5000250, 500750 5000750, 500250 5000750, 500250 5000250)"
    choice = drawn(SQUARE_KM[:-1] + f", {hole})", project)
    assert [len(polygon) for polygon in choice.area.polygons] == [2]
    assert choice.area_km2 == pytest.approx(0.75 / 0.9996**2, rel=1e-3)


def test_a_circle_of_arcs_keeps_its_surface(project: QgsProject) -> None:
    circle = (
        "CurvePolygon(CircularString(500000 5000000, 501000 5001000, 502000 5000000, 501000 4999000, 500000 5000000))"
    )
    assert drawn(circle, project).area_km2 == pytest.approx(math.pi / 0.9996**2, rel=1e-3)


def test_long_edges_stay_where_they_were_drawn(project: QgsProject) -> None:
    """A straight line in degrees between the ends of a 200 km edge leaves it by kilometres."""
    long = "Polygon((400000 6600000, 600000 6600000, 600000 6700000, 400000 6700000, 400000 6600000))"
    choice = drawn(long, project)
    south = [corner for corner in corners(choice) if abs(corner[0] - 15.0) < 0.02]
    middle = min(corner[1] for corner in south)
    ends = min(corner[1] for corner in corners(choice))
    assert len(corners(choice)) >= 301
    assert (middle - ends) * 111_000 == pytest.approx(
        100_000**2 * math.tan(math.radians(59.5)) / (2 * 6.39e6), rel=0.02
    )


def test_very_detailed_areas_are_simplified_and_told(project: QgsProject) -> None:
    count = 30_000
    ring = [
        (15 + 0.1 * math.cos(2 * math.pi * k / count), 45 + 0.1 * math.sin(2 * math.pi * k / count))
        for k in range(count)
    ]
    ring.append(ring[0])
    wkt = "Polygon((" + ", ".join(f"{x} {y}" for x, y in ring) + "))"
    choice = drawn(wkt, project, "EPSG:4326")
    assert len(corners(choice)) < roi.MAX_VERTICES
    assert max(abs(math.hypot(x - 15, y - 45) - 0.1) for x, y in corners(choice)) <= roi.SIMPLIFY_TOLERANCE_DEG
    assert "30,001 vertices" in choice.notes[0]


def test_no_layer_is_said(project: QgsProject) -> None:
    with pytest.raises(AreaError, match="No area is chosen"):
        area_from_layer(None, False, project)


def test_layers_without_polygons_are_named(project: QgsProject) -> None:
    with pytest.raises(AreaError, match="“parcels” holds points, not polygons"):
        area_from_layer(layer_of("Point(500000 5000000)", kind="Point"), False, project)
    with pytest.raises(AreaError, match="cannot be read as a vector layer"):
        area_from_layer(QgsRasterLayer("nowhere.tif", "picture"), False, project)
    with pytest.raises(AreaError, match="has no features"):
        area_from_layer(layer_of(), False, project)


def test_an_empty_selection_is_said(project: QgsProject) -> None:
    with pytest.raises(AreaError, match="Nothing is selected"):
        area_from_layer(layer_of(SQUARE_KM), True, project)


def test_an_unknown_coordinate_system_is_said(project: QgsProject) -> None:
    layer = layer_of(SQUARE_KM)
    layer.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(AreaError, match="coordinate system of “parcels” is unknown"):
        area_from_layer(layer, False, project)


@pytest.mark.parametrize(
    "wkt",
    [
        "Polygon EMPTY",
        "Polygon((500000 5000000, 501000 5000000, 500000 5000000))",
        "Polygon((500000 5000000, 501000 5000000, 502000 5000000, 500000 5000000))",
        "Polygon((500000 5000000, 500000.5 5000000, 500000.5 5000000.5, 500000 5000000))",
        "LineString(500000 5000000, 501000 5000000)",
    ],
)
def test_a_polygon_without_surface_is_said(wkt: str, project: QgsProject) -> None:
    with pytest.raises(AreaError, match="surface"):
        drawn(wkt, project)


def test_features_without_surface_are_left_out_and_counted(project: QgsProject) -> None:
    layer = layer_of(SQUARE_KM, "Polygon EMPTY", "Polygon((500000 5000000, 501000 5000000, 500000 5000000))")
    choice = area_from_layer(layer, False, project)
    assert choice.notes == ("2 features have no polygon with a surface and were left out.",)


def test_metres_called_degrees_are_said_with_the_place(project: QgsProject) -> None:
    with pytest.raises(AreaError, match=r"501000.*no longitude and latitude.*EPSG:4326"):
        drawn(SQUARE_KM, project, "EPSG:4326")


def test_coordinates_off_the_earth_are_said(project: QgsProject) -> None:
    far = "Polygon((1e12 1e12, 2e12 1e12, 2e12 2e12, 1e12 1e12))"
    with pytest.raises(AreaError, match="cannot be placed on earth with its coordinate system EPSG:32633"):
        drawn(far, project)


def test_an_area_across_the_date_line_is_said(project: QgsProject) -> None:
    across = "Polygon((790000 100000, 860000 100000, 860000 200000, 790000 100000))"
    with pytest.raises(AreaError, match="180° meridian"):
        drawn(across, project, "EPSG:32660")


@pytest.mark.parametrize(
    ("suffix", "driver"), [("gpkg", "GPKG"), ("shp", "ESRI Shapefile"), ("geojson", "GeoJSON"), ("kml", "KML")]
)
def test_vector_files_are_read(suffix: str, driver: str, tmp_path: Path, project: QgsProject) -> None:
    path = tmp_path / f"fields of März.{suffix}"
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = driver
    degrees = layer_of("Polygon((15 45, 15.01 45, 15.01 45.01, 15 45))", crs="EPSG:4326")
    QgsVectorFileWriter.writeAsVectorFormatV3(degrees, str(path), project.transformContext(), options)
    layer, choice = area_from_file(str(path), project)
    assert layer.isValid()
    assert layer.name() == choice.area.name == "fields of März"
    assert choice.area_km2 == pytest.approx(0.4384, rel=0.01)


def test_the_polygons_of_a_mixed_file_are_found(tmp_path: Path, project: QgsProject) -> None:
    polygon = {"type": "Polygon", "coordinates": [[[15, 45], [15.01, 45], [15.01, 45.01], [15, 45]]]}
    point = {"type": "Point", "coordinates": [15, 45]}
    path = tmp_path / "mixed.geojson"
    write_geojson(path, point, polygon)
    _, choice = area_from_file(str(path), project)
    assert len(choice.area.polygons) == 1


def test_the_first_of_several_polygon_layers_is_told(tmp_path: Path, project: QgsProject) -> None:
    path = tmp_path / "farm.gpkg"
    options = QgsVectorFileWriter.SaveVectorOptions()
    for name in ("north", "south"):
        options.layerName = name
        QgsVectorFileWriter.writeAsVectorFormatV3(layer_of(SQUARE_KM), str(path), project.transformContext(), options)
        options.actionOnExistingFile = QgsVectorFileWriter.CreateOrOverwriteLayer
    _, choice = area_from_file(str(path), project)
    assert choice.notes == ("farm.gpkg holds 2 polygon layers; the first one, “north”, is used.",)


def test_files_that_cannot_be_used_are_said(tmp_path: Path, project: QgsProject) -> None:
    points = tmp_path / "points.geojson"
    write_geojson(points, {"type": "Point", "coordinates": [15, 45]})
    text = tmp_path / "letter.txt"
    text.write_text("Dear all")
    with pytest.raises(AreaError, match=r"points\.geojson holds no polygons, only points"):
        area_from_file(str(points), project)
    with pytest.raises(AreaError, match=r"letter\.txt cannot be read as a vector file"):
        area_from_file(str(text), project)
    with pytest.raises(AreaError, match="There is no file"):
        area_from_file(str(tmp_path / "gone.gpkg"), project)
    with pytest.raises(AreaError, match="There is no file"):
        area_from_file("", project)


def write_geojson(path: Path, *geometries: dict[str, object]) -> None:
    features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
