"""Labels out of layers of points and polygons, and the layer that clicked labels go to."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)

from s2mask_qgis.core.labels import Label, LabelError
from s2mask_qgis.gis.label_points import MOST_POINTS
from s2mask_qgis.gis.labels import LabelFields, add_label, labels_from_layer, new_label_layer, remove_label

IMAGE = "20230610T095031_20230610T095415_T33UXP"


def make_layer(
    kind: str, rows: list[tuple[str, object, object]], crs: str = "EPSG:4326", fields: str = ""
) -> QgsVectorLayer:
    """A layer in memory with a feature for each of (WKT, image, class)."""
    fields = fields or "field=image:string&field=class:string"
    layer = QgsVectorLayer(f"{kind}?crs={crs}&{fields}", "mine", "memory")
    for wkt, image, word in rows:
        feature = QgsFeature(layer.fields())
        if wkt:
            feature.setGeometry(QgsGeometry.fromWkt(wkt))
        feature.setAttribute(0, image)
        feature.setAttribute(1, word)
        layer.dataProvider().addFeatures([feature])
    return layer


def in_utm(label: Label) -> QgsPointXY:
    crs = [QgsCoordinateReferenceSystem(code) for code in ("EPSG:4326", "EPSG:32633")]
    transform = QgsCoordinateTransform(crs[0], crs[1], QgsProject.instance())
    return transform.transform(QgsPointXY(label.longitude, label.latitude))


def test_points_become_labels_in_degrees(project):
    layer = make_layer("Point", [("Point (16.9 48.3)", IMAGE, "Cloud"), ("Point (16.91 48.31)", IMAGE, "0")])
    table = labels_from_layer(layer, project)
    assert table.labels == (Label(16.9, 48.3, IMAGE, "cloud"), Label(16.91, 48.31, IMAGE, "clear"))
    assert table.notes == ()


def test_points_of_a_map_projection_are_transformed(project):
    layer = make_layer("Point", [("Point (640020 5359980)", IMAGE, "shadow")], "EPSG:32633")
    (label,) = labels_from_layer(layer, project).labels
    back = in_utm(label)
    assert (round(back.x(), 2), round(back.y(), 2)) == (640020, 5359980)


def test_every_part_of_a_multipoint_is_a_label(project):
    layer = make_layer("MultiPoint", [("MultiPoint ((16.9 48.3), (16.8 48.2))", IMAGE, "cloud")])
    assert [label.longitude for label in labels_from_layer(layer, project).labels] == [16.9, 16.8]


def test_a_polygon_gives_the_centres_of_the_working_pixels_inside(project):
    square = "Polygon ((640020 5359980, 640110 5359980, 640110 5359920, 640020 5359920, 640020 5359980))"
    labels = labels_from_layer(make_layer("Polygon", [(square, IMAGE, "cloud")], "EPSG:32633"), project).labels
    places = sorted((round(in_utm(label).x(), 2), round(in_utm(label).y(), 2)) for label in labels)
    assert places == [(x, y) for x in (640035, 640065, 640095) for y in (5359935, 5359965)]


def test_the_grid_of_a_polygon_is_that_of_the_tile_and_not_of_the_layer(project):
    ring = "Polygon ((16.89 48.37, 16.90 48.37, 16.90 48.38, 16.89 48.38, 16.89 48.37))"
    labels = labels_from_layer(make_layer("Polygon", [(ring, IMAGE, "cloud")]), project).labels
    assert len(labels) > 100
    for label in labels:
        place = in_utm(label)
        assert round(place.x(), 3) % 30 == pytest.approx(15, abs=0.01)
        assert round(place.y(), 3) % 30 == pytest.approx(15, abs=0.01)


def test_large_polygons_give_a_bounded_number_of_points_and_the_same_again(project):
    ring = "Polygon ((16.0 48.0, 17.0 48.0, 17.0 49.0, 16.0 49.0, 16.0 48.0))"
    layer = make_layer("Polygon", [(ring, IMAGE, "clear")])
    first = labels_from_layer(layer, project).labels
    assert MOST_POINTS / 2 < len(first) <= MOST_POINTS * 1.1
    assert labels_from_layer(layer, project).labels == first


def test_holes_and_parts_of_polygons_count(project):
    parts = (
        "MultiPolygon (((640020 5359980, 640110 5359980, 640110 5359890, 640020 5359890, 640020 5359980), "
        "(640050 5359950, 640080 5359950, 640080 5359920, 640050 5359920, 640050 5359950)), "
        "((641010 5359980, 641040 5359980, 641040 5359950, 641010 5359950, 641010 5359980)))"
    )
    layer = make_layer("MultiPolygon", [(parts, IMAGE, "cloud")], "EPSG:32633")
    assert len(labels_from_layer(layer, project).labels) == 8 + 1


def test_a_polygon_smaller_than_a_pixel_gives_one_point_inside(project):
    ring = "Polygon ((640021 5359979, 640025 5359979, 640025 5359975, 640021 5359979))"
    (label,) = labels_from_layer(make_layer("Polygon", [(ring, IMAGE, "cloud")], "EPSG:32633"), project).labels
    place = in_utm(label)
    assert 640021 < place.x() < 640025
    assert 5359975 < place.y() < 5359979


def test_a_polygon_that_crosses_itself_is_repaired_and_told(project):
    bow = "Polygon ((640020 5359980, 640110 5359890, 640110 5359980, 640020 5359890, 640020 5359980))"
    table = labels_from_layer(make_layer("Polygon", [(bow, IMAGE, "cloud")], "EPSG:32633"), project)
    assert table.labels
    assert table.notes == ("Polygons that were not valid and were repaired: 1.",)


def test_features_that_cannot_be_used_are_named_and_left_out(project):
    rows = [
        ("Point (16.9 48.3)", IMAGE, "cloud"),
        ("Point (16.9 48.3)", None, "cloud"),
        ("Point (16.9 48.3)", IMAGE, None),
        ("Point (16.9 48.3)", IMAGE, "fog"),
        ("", IMAGE, "cloud"),
        ("Point (200 95)", IMAGE, "cloud"),
    ]
    table = labels_from_layer(make_layer("Point", rows), project)
    assert len(table.labels) == 1
    (note,) = table.notes
    assert note.startswith(
        "Features that were left out: 5 (feature 2: the image is missing; feature 3: the class is missing; "
    )
    assert "feature 4: the class “fog” is unknown" in note
    assert "feature 5: it has no place on the map" in note
    assert "feature 6: its coordinates are nowhere on earth" in note


def test_only_selected_features_count_where_asked_for(project):
    layer = make_layer("Point", [("Point (16.9 48.3)", IMAGE, "cloud"), ("Point (16.8 48.3)", IMAGE, "clear")])
    layer.select(2)
    assert [label.kind for label in labels_from_layer(layer, project, selected_only=True).labels] == ["clear"]
    layer.removeSelection()
    with pytest.raises(LabelError, match=r"no label that can be used. Nothing is selected"):
        labels_from_layer(layer, project, selected_only=True)


def test_fields_can_be_chosen(project):
    layer = make_layer(
        "Point", [("Point (16.9 48.3)", IMAGE, 1)], fields="field=foto:string&field=says:int&field=what:string"
    )
    layer.dataProvider().changeAttributeValues({1: {2: "water"}})
    table = labels_from_layer(layer, project, LabelFields("foto", "says", "what"))
    assert table.labels == (Label(16.9, 48.3, IMAGE, "cloud", "water"),)
    with pytest.raises(LabelError, match="no field for the image and the class"):
        labels_from_layer(layer, project)
    with pytest.raises(LabelError, match="no field “nothing”"):
        labels_from_layer(layer, project, LabelFields("nothing", "says"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: None, "No layer of labels is chosen"),
        (lambda: make_layer("LineString", []), "neither points nor polygons"),
        (lambda: make_layer("Point", []), "no features"),
        (lambda: QgsVectorLayer("/nowhere.gpkg", "gone", "ogr"), "cannot be read as a vector layer"),
    ],
)
def test_layers_without_labels_are_refused_with_a_reason(project, make, message):
    with pytest.raises(LabelError, match=message):
        labels_from_layer(make(), project)


def test_a_layer_without_coordinate_system_is_refused(project):
    layer = make_layer("Point", [("Point (16.9 48.3)", IMAGE, "cloud")])
    layer.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(LabelError, match="coordinate system of “mine” is unknown"):
        labels_from_layer(layer, project)


@pytest.mark.parametrize("is_editing", [False, True])
def test_clicked_labels_can_be_added_and_taken_away(project, is_editing):
    layer = new_label_layer(project)
    if is_editing:
        layer.startEditing()
    first = add_label(layer, 16.9, 48.3, IMAGE, "cloud")
    second = add_label(layer, 16.8, 48.2, IMAGE, "shadow")
    assert first != second
    assert [label.kind for label in labels_from_layer(layer, project).labels] in (
        ["cloud", "shadow"],
        ["shadow", "cloud"],
    )
    remove_label(layer, second)
    assert labels_from_layer(layer, project).labels == (Label(16.9, 48.3, IMAGE, "cloud"),)


def test_a_new_layer_shows_classes_and_offers_them(project):
    layer = new_label_layer(project)
    assert layer.crs().authid() == "EPSG:4326"
    assert {category.value() for category in layer.renderer().categories()} == {"cloud", "clear", "shadow"}
    setup = layer.editorWidgetSetup(layer.fields().indexOf("class"))
    assert setup.type() == "ValueMap"
    assert [value for entry in setup.config()["map"] for value in entry.values()] == ["cloud", "clear", "shadow"]


def test_a_new_geopackage_keeps_labels_and_is_never_overwritten(project, tmp_path: Path):
    path = tmp_path / "labels.gpkg"
    layer = new_label_layer(project, path)
    add_label(layer, 16.9, 48.3, IMAGE, "cloud")
    again = QgsVectorLayer(str(path), "again", "ogr")
    assert labels_from_layer(again, project).labels == (Label(16.9, 48.3, IMAGE, "cloud"),)
    with pytest.raises(LabelError, match="is there already"):
        new_label_layer(project, path)
    with pytest.raises(LabelError, match="could not be written"):
        new_label_layer(project, tmp_path / "none" / "labels.gpkg")
