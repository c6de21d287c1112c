"""Labels by real clicks on the map: points of a class in the image that is shown, and the last one taken back."""

from __future__ import annotations

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle, QgsVectorLayer
from qgis.gui import QgsMapToolPan
from qgis.PyQt.QtCore import QPoint, Qt

from s2mask_qgis.gis.labels import labels_from_layer
from s2mask_qgis.gui.label_panel import LabelPanel
from s2mask_qgis.jobs.report import ImageOutcome, ImageState
from tests.gui.fakes import FIRST_MS, LEFT, click, text_of

IMAGE = ImageOutcome("image0", "33UVP", FIRST_MS, ImageState.DONE)
OTHER = ImageOutcome("image1", "33UVP", FIRST_MS + 864_000_000, ImageState.DONE)


@pytest.fixture
def canvas(iface, qtbot):
    qtbot.waitExposed(iface.window)
    return iface.canvas


@pytest.fixture
def panel(iface, project, qtbot, canvas):
    panel = LabelPanel(canvas, project)
    qtbot.addWidget(panel)
    panel.show()
    panel.follow(IMAGE)
    yield panel
    panel.close_tool()


def click_map(qtbot, canvas, x=100, y=100):
    qtbot.mouseClick(canvas.viewport(), LEFT, pos=QPoint(x, y))
    return canvas.getCoordinateTransform().toMapCoordinates(x, y)


def labels(panel, project):
    return labels_from_layer(panel.layer(), project).labels


def test_clicks_add_points_of_the_chosen_class_to_a_layer_on_top(qtbot, panel, project, canvas):
    assert panel.layer() is None
    click(panel, "labelCloud")
    assert text_of(panel, "labelState") == "Click what is cloud in the image of 2023-01-01."
    place = click_map(qtbot, canvas)
    click(panel, "labelClear")
    assert not panel.labelCloud.isChecked()
    click_map(qtbot, canvas, 200, 150)
    assert [(label.kind, label.image) for label in labels(panel, project)] == [("cloud", "image0"), ("clear", "image0")]
    assert labels(panel, project)[0].longitude == pytest.approx(place.x())
    assert labels(panel, project)[0].latitude == pytest.approx(place.y())
    assert project.layerTreeRoot().children()[0].layer() is panel.layer()
    told = "Click what is clear in the image of 2023-01-01.\n1 clear, 1 cloud here · 2 labels in all"
    assert text_of(panel, "labelState") == told


def test_places_are_those_of_the_map_in_any_coordinate_system(qtbot, panel, project, canvas):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    canvas.setExtent(QgsRectangle(499000, 5319000, 501000, 5321000))
    click(panel, "labelShadow")
    click_map(qtbot, canvas)
    (label,) = labels(panel, project)
    assert label.kind == "shadow"
    assert label.longitude == pytest.approx(15.0, abs=0.02)
    assert label.latitude == pytest.approx(48.03, abs=0.02)


def test_labels_go_to_the_image_that_is_shown(qtbot, panel, project, canvas):
    click(panel, "labelCloud")
    click_map(qtbot, canvas)
    panel.follow(OTHER)
    assert text_of(panel, "labelState").splitlines() == [
        "Click what is cloud in the image of 2023-01-11.",
        "none here · 1 label in all",
    ]
    click_map(qtbot, canvas)
    assert [label.image for label in labels(panel, project)] == ["image0", "image1"]


def test_the_last_label_is_taken_back_by_button_and_by_key(qtbot, panel, project, canvas):
    click(panel, "labelCloud")
    for x in (50, 100, 150):
        click_map(qtbot, canvas, x)
    click(panel, "undoLabelButton")
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    assert len(labels(panel, project)) == 1
    click(panel, "undoLabelButton")
    assert panel.layer().featureCount() == 0
    assert not panel.undoLabelButton.isEnabled()


def test_keys_change_the_class_and_end(qtbot, panel, canvas):
    click(panel, "labelCloud")
    for key, button in ((Qt.Key.Key_L, "labelClear"), (Qt.Key.Key_S, "labelShadow"), (Qt.Key.Key_C, "labelCloud")):
        qtbot.keyClick(canvas, key)
        checked = [name for name in ("labelCloud", "labelClear", "labelShadow") if getattr(panel, name).isChecked()]
        assert checked == [button]
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert not panel.labelCloud.isChecked()
    assert not text_of(panel, "labelState")


def test_a_second_click_on_the_button_or_another_tool_ends_it(qtbot, panel, canvas, project):
    click(panel, "labelCloud")
    click(panel, "labelCloud")
    click_map(qtbot, canvas)
    assert panel.layer() is None
    click(panel, "labelCloud")
    pan = QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    assert not panel.labelCloud.isChecked()
    canvas.unsetMapTool(pan)


def test_without_an_image_nothing_can_be_labelled(panel, canvas):
    click(panel, "labelCloud")
    panel.follow(None)
    assert not panel.labelCloud.isEnabled()
    assert not panel.labelCloud.isChecked()
    assert canvas.mapTool() is None


def test_a_layer_that_was_removed_is_made_anew(qtbot, panel, project, canvas):
    click(panel, "labelCloud")
    click_map(qtbot, canvas)
    project.removeMapLayer(panel.layer().id())
    click(panel, "undoLabelButton")
    click_map(qtbot, canvas)
    assert len(labels(panel, project)) == 1
    click(panel, "undoLabelButton")
    assert panel.layer().featureCount() == 0


def test_a_layer_of_an_earlier_session_is_used_again(qtbot, panel, project, canvas):
    with qtbot.waitSignal(panel.layer_made, timeout=2000) as made:
        click(panel, "labelCloud")
        click_map(qtbot, canvas)
    assert isinstance(made.args[0], QgsVectorLayer)
    again = LabelPanel(canvas, project)
    qtbot.addWidget(again)
    again.follow(IMAGE)
    assert again.layer() is panel.layer()
    again.close_tool()
