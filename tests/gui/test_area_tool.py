"""Drawing an area by simulated clicks, and the other ways to an area."""

from __future__ import annotations

import pytest
from qgis.core import QgsGeometry, QgsVectorFileWriter, QgsVectorLayer
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtWidgets import QFileDialog, QLabel

from tests.gui.fakes import add_area, click

CORNERS = (QPoint(100, 100), QPoint(200, 100), QPoint(200, 200), QPoint(100, 200))


@pytest.fixture
def dock(make_dock):
    return make_dock()


def draw(qtbot, iface, corners) -> None:
    for corner in corners:
        qtbot.mouseClick(iface.canvas.viewport(), Qt.MouseButton.LeftButton, pos=corner)


def drawn_layer(project):
    return next((layer for layer in project.mapLayers().values() if layer.name().startswith("Drawn area")), None)


def test_a_drawn_polygon_becomes_a_temporary_layer_and_the_area(qtbot, dock, iface, project):
    click(dock, "drawButton")
    assert "right click ends" in dock.findChild(QLabel, "areaState").text().lower()
    draw(qtbot, iface, CORNERS)
    qtbot.mouseClick(iface.canvas.viewport(), Qt.MouseButton.RightButton, pos=QPoint(150, 150))
    layer = drawn_layer(project)
    assert layer.dataProvider().name() == "memory"
    assert dock.area.areaLayer.currentLayer() is layer
    assert not dock.area.drawButton.isChecked()
    polygon = next(layer.getFeatures()).geometry()
    transform = iface.canvas.getCoordinateTransform()
    expected = QgsGeometry.fromPolygonXY([[transform.toMapCoordinates(corner) for corner in CORNERS]])
    assert polygon.equals(expected)
    qtbot.waitUntil(lambda: "km²" in dock.findChild(QLabel, "areaState").text(), timeout=2000)


def test_backspace_takes_a_corner_back_and_enter_ends(qtbot, dock, iface, project):
    click(dock, "drawButton")
    draw(qtbot, iface, CORNERS)
    qtbot.keyClick(iface.canvas, Qt.Key.Key_Backspace)
    qtbot.keyClick(iface.canvas, Qt.Key.Key_Return)
    polygon = next(drawn_layer(project).getFeatures()).geometry()
    assert len(polygon.asPolygon()[0]) == 4


def test_escape_gives_up_and_leaves_nothing(qtbot, dock, iface, project):
    click(dock, "drawButton")
    draw(qtbot, iface, CORNERS[:2])
    qtbot.keyClick(iface.canvas, Qt.Key.Key_Escape)
    assert drawn_layer(project) is None
    assert not dock.area.drawButton.isChecked()
    assert iface.canvas.mapTool() is None


def test_two_corners_are_no_area(qtbot, dock, iface, project):
    click(dock, "drawButton")
    draw(qtbot, iface, CORNERS[:2])
    qtbot.mouseClick(iface.canvas.viewport(), Qt.MouseButton.RightButton, pos=QPoint(150, 150))
    assert "three corners" in dock.findChild(QLabel, "areaState").text()
    assert drawn_layer(project) is None
    draw(qtbot, iface, CORNERS[2:])
    qtbot.keyClick(iface.canvas, Qt.Key.Key_Enter)
    assert drawn_layer(project) is not None


def test_a_second_drawing_keeps_the_first(qtbot, dock, iface, project):
    for _ in range(2):
        click(dock, "drawButton")
        draw(qtbot, iface, CORNERS)
        qtbot.keyClick(iface.canvas, Qt.Key.Key_Return)
    assert sorted(layer.name() for layer in project.mapLayers().values()) == ["Drawn area", "Drawn area 2"]


def test_the_view_of_the_map_becomes_the_area(qtbot, dock, iface, project):
    click(dock, "extentButton")
    layer = dock.area.areaLayer.currentLayer()
    assert layer.name() == "Map view"
    assert layer.extent() == iface.canvas.extent()


def test_an_area_of_our_own_does_not_cover_the_images(qtbot, dock, iface, project):
    click(dock, "extentButton")
    symbol = dock.area.areaLayer.currentLayer().renderer().symbol()
    assert symbol.symbolLayer(0).brushStyle() == Qt.BrushStyle.NoBrush


def test_a_file_becomes_a_layer_and_the_area(qtbot, dock, project, tmp_path, monkeypatch):
    path = tmp_path / "fields.gpkg"
    source = add_area(project, name="source")
    QgsVectorFileWriter.writeAsVectorFormatV3(
        source, str(path), project.transformContext(), QgsVectorFileWriter.SaveVectorOptions()
    )
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args, **kwargs: (str(path), ""))
    click(dock, "fileButton")
    assert dock.area.areaLayer.currentLayer().source().startswith(str(path))


def test_a_file_without_polygons_is_a_sentence(qtbot, dock, project, tmp_path, monkeypatch):
    path = tmp_path / "notes.gpkg"
    path.write_text("not a GeoPackage")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args, **kwargs: (str(path), ""))
    click(dock, "fileButton")
    assert dock.area.areaState.has_problem
    assert "notes.gpkg" in dock.findChild(QLabel, "areaState").text()


def test_a_layer_that_is_removed_leaves_the_form_without_an_area(qtbot, dock, project):
    layer = add_area(project)
    dock.area.areaLayer.setLayer(layer)
    project.removeMapLayer(layer)
    qtbot.waitUntil(lambda: "No area is chosen" in dock.findChild(QLabel, "areaState").text(), timeout=2000)


def test_editing_the_layer_changes_the_area(qtbot, dock, project):
    layer = add_area(project)
    dock.area.areaLayer.setLayer(layer)
    label = dock.findChild(QLabel, "areaState")
    qtbot.waitUntil(lambda: "km²" in label.text(), timeout=2000)
    before = label.text()
    layer.startEditing()
    layer.changeGeometry(1, QgsGeometry.fromWkt("POLYGON((15 48, 15.02 48, 15.02 48.02, 15 48.02, 15 48))"))
    qtbot.waitUntil(lambda: label.text() not in ("", before), timeout=2000)
    layer.rollBack()


def test_only_polygon_layers_are_offered(qtbot, dock, project):
    points = QgsVectorLayer("Point?crs=EPSG:4326", "points", "memory")
    project.addMapLayers([points])
    add_area(project)
    box = dock.area.areaLayer
    assert [box.itemText(row) for row in range(box.count())] == ["no area", "parcels"]
