"""The panel with the pixel chart, worked by clicks on a real map canvas."""

from __future__ import annotations

import csv
import sys

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsRectangle
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QImage, QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QCheckBox, QFileDialog, QLabel, QListWidget

from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.gui.chart_panel import ChartPanel
from s2mask_qgis.gui.chart_pins import STEM_PX, PinMarker
from s2mask_qgis.jobs.pixel_curves import SeriesSource
from tests.gui.chart_pixels import FIRST_DAY, FakePixels
from tests.gui.fakes import click

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")

LEFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
NO_KEY = Qt.KeyboardModifier.NoModifier
HERE, THERE = QPoint(200, 150), QPoint(620, 170)


@pytest.fixture
def pixels():
    return FakePixels()


@pytest.fixture
def panel(iface, project, pixels, qtbot):
    panel = ChartPanel(iface, lambda source, on_count, is_cancelled: pixels)
    iface.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, panel)
    panel.show()
    panel.follow(SeriesSource("somewhere"))
    qtbot.waitUntil(lambda: iface.canvas.mapTool() is panel.tool, timeout=3000)
    iface.canvas.setExtent(QgsRectangle(14.5, 47.9, 15.5, 48.1))
    yield panel
    panel.close_down()
    iface.removeDockWidget(panel)
    panel.deleteLater()


def press(iface, place, modifiers=NO_KEY) -> None:
    QTest.mouseClick(iface.canvas.viewport(), LEFT, modifiers, place)


def pick(qtbot, panel, iface, place, modifiers=NO_KEY) -> None:
    with qtbot.waitSignal(panel.charted, timeout=5000):
        press(iface, place, modifiers)


def drag(iface, start, end) -> None:
    viewport = iface.canvas.viewport()
    QTest.mousePress(viewport, LEFT, NO_KEY, start)
    for share in (0.3, 0.7, 1.0):
        step = start + (end - start) * share
        move = QMouseEvent(QEvent.Type.MouseMove, QPointF(step), Qt.MouseButton.NoButton, LEFT, NO_KEY)
        QApplication.sendEvent(viewport, move)
    QTest.mouseRelease(viewport, LEFT, NO_KEY, end)


def state(panel) -> str:
    return panel.findChild(QLabel, "chartState").text()


def map_point(iface, place) -> QgsPointXY:
    return iface.canvas.getCoordinateTransform().toMapCoordinates(place)


def markers(iface) -> list[PinMarker]:
    return [item for item in iface.canvas.scene().items() if isinstance(item, PinMarker)]


def test_a_click_charts_the_pixel_under_the_mouse(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    point = map_point(iface, HERE)
    assert pixels.asked == [pytest.approx((point.x(), point.y()))]
    (pin,) = panel.pins()
    assert (pin.number, pin.problem) == (1, "")
    assert panel.ui.chartView.scene.current.curves is pin.curves
    (marker,) = markers(iface)
    assert marker.pos().toPoint() == HERE


def test_the_next_click_moves_the_pin_and_ctrl_adds_one(qtbot, panel, iface):
    pick(qtbot, panel, iface, HERE)
    pick(qtbot, panel, iface, THERE)
    assert [pin.number for pin in panel.pins()] == [1]
    pick(qtbot, panel, iface, HERE, CTRL)
    assert [pin.number for pin in panel.pins()] == [1, 2]
    assert panel.scene().current.number == 2
    assert len({pin.colour for pin in panel.scene().pins}) == 2
    assert panel.findChild(QListWidget, "pinList").count() == 2


def test_the_add_button_serves_in_place_of_ctrl(qtbot, panel, iface):
    pick(qtbot, panel, iface, HERE)
    click(panel, "addButton")
    pick(qtbot, panel, iface, THERE)
    assert [pin.number for pin in panel.pins()] == [1, 2]
    assert not panel.ui.addButton.isChecked()


def test_dragging_a_pin_by_its_head_reads_where_its_tip_is(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    before = panel.pins()[0].curves
    head = HERE - QPoint(0, round(STEM_PX))
    drag(iface, head, head + (THERE - HERE))
    qtbot.waitUntil(lambda: panel.reading.is_idle and panel.pins()[0].curves != before, timeout=5000)
    point = map_point(iface, THERE)
    assert (panel.pins()[0].point.x(), panel.pins()[0].point.y()) == pytest.approx((point.x(), point.y()))
    assert pixels.asked[-1] == pytest.approx((point.x(), point.y()))
    assert len(panel.pins()) == 1
    assert markers(iface)[0].pos().toPoint() == THERE


def test_a_click_on_a_pin_chooses_it(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    pick(qtbot, panel, iface, THERE, CTRL)
    press(iface, HERE - QPoint(0, round(STEM_PX)))
    assert panel.scene().current.number == 1
    assert len(pixels.asked) == 2


def test_a_later_click_stops_the_reading_of_the_one_before(qtbot, panel, iface, pixels):
    pixels.waits = True
    press(iface, HERE)
    qtbot.waitUntil(lambda: len(pixels.asked) == 1, timeout=3000)
    press(iface, THERE)
    qtbot.waitUntil(lambda: len(pixels.asked) == 2, timeout=3000)
    pixels.release.set()
    qtbot.waitUntil(lambda: panel.pins()[0].curves is not None, timeout=3000)
    assert pixels.asked[-1][0] == pytest.approx(map_point(iface, THERE).x())
    assert panel.pins()[0].curves.seasons[0].maximum.day == pytest.approx(FIRST_DAY + 197 + 20)


def test_removed_pins_leave_map_list_and_chart_and_their_number_is_free_again(qtbot, panel, iface):
    for place in (HERE, THERE, QPoint(300, 250)):
        pick(qtbot, panel, iface, place, CTRL)
    panel.choose(2)
    QTest.keyClick(iface.canvas, Qt.Key.Key_Delete)
    assert [pin.number for pin in panel.pins()] == [1, 3]
    assert len(markers(iface)) == 2
    assert [pin.number for pin in panel.ui.chartView.scene.pins] == [1, 3]
    pick(qtbot, panel, iface, THERE, CTRL)
    assert [pin.number for pin in panel.pins()] == [1, 2, 3]


def test_the_last_pin_leaves_an_empty_chart(qtbot, panel, iface):
    pick(qtbot, panel, iface, HERE)
    click(panel, "removeButton")
    assert panel.pins() == ()
    assert not panel.ui.pictureButton.isEnabled()
    assert "Click on the map" in state(panel)


def test_there_is_a_limit_of_pins_and_it_is_told(qtbot, panel, iface):
    for number in range(6):
        pick(qtbot, panel, iface, QPoint(150 + 40 * number, 200), CTRL)
    press(iface, THERE, CTRL)
    assert len(panel.pins()) == 6
    assert "6 pins are the most" in state(panel)


def test_a_place_outside_is_told_and_the_pin_stays(qtbot, panel, iface):
    iface.canvas.setCenter(QgsPointXY(10, 48))
    press(iface, HERE)
    qtbot.waitUntil(lambda: "outside the images" in state(panel), timeout=3000)
    assert panel.ui.chartState.has_problem
    assert panel.pins()[0].curves is None
    assert panel.scene().pins == ()
    iface.canvas.setCenter(QgsPointXY(15, 48))
    pick(qtbot, panel, iface, HERE)
    assert not panel.ui.chartState.has_problem


def test_a_pixel_that_is_always_masked_shows_its_observations_and_why_there_is_no_curve(qtbot, panel, iface):
    iface.canvas.setCenter(QgsPointXY(15, 52))
    pick(qtbot, panel, iface, HERE)
    assert "no curve" in panel.scene().current.curves.note
    with qtbot.waitSignal(panel.ui.chartView.painted, timeout=3000):
        panel.ui.chartView.update()
        panel.choose(1)
        panel.ui.chartView.show_scene(panel.scene())


def test_a_series_that_cannot_be_opened_is_told(qtbot, iface, project):
    def refuse(source, on_count, is_cancelled):
        raise SceneError("The folder x does not exist; choose the folder with one GeoTIFF a date.")

    panel = ChartPanel(iface, refuse)
    qtbot.addWidget(panel)
    panel.show()
    panel.follow(SeriesSource("x"))
    qtbot.waitUntil(lambda: "does not exist" in state(panel), timeout=3000)
    assert panel.ui.chartState.has_problem
    panel.close_down()


def test_pins_are_read_again_from_another_series(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    with qtbot.waitSignal(panel.charted, timeout=3000):
        panel.follow(SeriesSource("elsewhere"))
    assert pixels.is_closed
    assert len(pixels.asked) == 2
    assert pixels.asked[0] == pixels.asked[1]


def test_a_closed_panel_gives_the_map_back_and_an_opened_one_takes_it_again(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    panel.close()
    assert pixels.is_closed
    assert iface.canvas.mapTool() is None
    assert markers(iface) == []
    with qtbot.waitSignal(panel.charted, timeout=3000):
        panel.show()
    assert len(markers(iface)) == 1
    assert iface.canvas.mapTool() is panel.tool


def test_a_panel_that_is_hidden_counts_as_closed(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    panel.setUserVisible(False)
    qtbot.waitUntil(lambda: pixels.is_closed, timeout=2000)
    assert iface.canvas.mapTool() is None
    assert markers(iface) == []


def test_a_panel_that_floats_or_is_covered_by_a_tab_keeps_its_series(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    panel.setFloating(True)
    panel.hide()
    panel.show()
    qtbot.wait(100)
    assert not pixels.is_closed
    assert len(pixels.asked) == 1


def test_pins_stay_at_their_place_when_the_map_changes_its_coordinate_system(qtbot, panel, iface, pixels):
    pick(qtbot, panel, iface, HERE)
    longitude = panel.pins()[0].point.x()
    iface.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    (marker,) = markers(iface)
    x = iface.canvas.getCoordinateTransform().toMapCoordinates(marker.pos().toPoint()).x()
    assert x == pytest.approx(longitude * 111319.49, rel=2e-3)
    pick(qtbot, panel, iface, HERE, CTRL)
    assert panel.pins()[1].crs.authid() == "EPSG:3857"
    assert 13 < pixels.asked[-1][0] < 17


def test_methods_are_drawn_when_their_box_is_checked(qtbot, panel, iface):
    pick(qtbot, panel, iface, HERE)
    assert not panel.findChild(QCheckBox, "method_harmonic").isEnabled()
    panel.findChild(QCheckBox, "method_linear").click()
    assert panel.ui.chartView.scene.methods == ("linear",)


def test_a_method_that_is_planned_first_is_told(qtbot, panel, iface, pixels):
    pixels.at_hand = ()
    pick(qtbot, panel, iface, HERE)
    assert state(panel).startswith("harmonic, strength 0.1. Ctrl+click")
    pixels.waits = True
    panel.findChild(QCheckBox, "method_savitzky-golay").click()
    assert state(panel) == "Planning: Savitzky–Golay …"
    with qtbot.waitSignal(panel.charted, timeout=5000):
        pixels.release.set()
    assert state(panel).startswith("harmonic, strength 0.1. Ctrl+click")


def test_the_table_holds_a_row_for_every_observation_curve_day_and_moment(qtbot, panel, iface, tmp_path, monkeypatch):
    pick(qtbot, panel, iface, HERE)
    pick(qtbot, panel, iface, THERE, CTRL)
    path = tmp_path / "values"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, **kwargs: (str(path), ""))
    click(panel, "tableButton")
    with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    curves = panel.pins()[0].curves
    per_pin = len(curves.days) + 5 * len(curves.curve_days) + 3 * len(curves.seasons)
    assert len(rows) == 2 * per_pin
    assert {row["pin"] for row in rows} == {"1", "2"}
    assert list(tmp_path.iterdir()) == [path.with_suffix(".csv")]
    assert "values.csv" in iface.bar.currentItem().text()


def test_a_table_that_cannot_be_written_is_told(qtbot, panel, iface, tmp_path, monkeypatch):
    pick(qtbot, panel, iface, HERE)
    path = tmp_path / "missing" / "values.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, **kwargs: (str(path), ""))
    for name in ("tableButton", "pictureButton"):
        click(panel, name)
        assert panel.ui.chartState.has_problem
        assert "cannot be written" in state(panel)


def test_the_picture_is_a_readable_png_with_the_curve_in_it(qtbot, panel, iface, tmp_path, monkeypatch):
    pick(qtbot, panel, iface, HERE)
    path = tmp_path / "curve.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, **kwargs: (str(path), ""))
    click(panel, "pictureButton")
    image = QImage(str(path))
    assert (image.width(), image.height()) == (2200, 900)
    colours = {image.pixelColor(x, y).name() for x in range(0, 2200, 3) for y in range(0, 900, 3)}
    assert "#2b8cc4" in colours


def test_without_matplotlib_there_is_a_sentence_instead_of_a_chart(qtbot, panel, iface, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    press(iface, HERE)
    qtbot.waitUntil(lambda: "python3-matplotlib" in state(panel), timeout=3000)
    assert panel.pins()[0].curves is not None
