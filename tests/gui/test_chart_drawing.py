"""The chart itself: what is drawn, where labels stand, what the mouse finds, what the table holds."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from math import nan

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QColor, QMouseEvent, QPalette, QWheelEvent
from qgis.PyQt.QtWidgets import QApplication

from s2mask_qgis.gui.chart_drawing import Frame, draw, frame_of, season_labels, span
from s2mask_qgis.gui.chart_export import COLUMNS, rows, write_table
from s2mask_qgis.gui.chart_hover import hit_at
from s2mask_qgis.gui.chart_labels import Label, date_text, date_ticks, iso_day, placed
from s2mask_qgis.gui.chart_pins import Pin
from s2mask_qgis.gui.chart_scene import PIN_COLOURS, ChartScene, ShownPin, Theme, states
from s2mask_qgis.gui.chart_view import ChartView
from s2mask_qgis.jobs.pixel_curves import MethodCurve, Moment, PixelCurves, Season
from tests.gui.chart_pixels import make_pixel, masked_pixel

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")

MONTHS = [f"{datetime(2023, month, 1):%b}" for month in range(1, 13)]
LIGHT = Theme("#ffffff", "#202020", "#808080", "DejaVu Sans", 10.0)
WGS84 = QgsCoordinateReferenceSystem("EPSG:4326")

# Three observations (clear, cloud, without value), a curve of three days that two methods know, half a season.
SMALL = PixelCurves(
    days=(19358.0, 19363.0, 19368.0),
    values=(0.25, 0.1, nan),
    reasons=(0, 1, 3),
    rejected=(False, False, False),
    curve_days=(19358.0, 19359.0, 19360.0),
    final=MethodCurve("harmonic", (0.25, 0.5, nan), (0.01, 0.02, nan)),
    others=(MethodCurve("linear", (0.25, 0.3, 0.35), (nan, nan, nan)),),
    seasons=(Season(2023, 1, Moment(19358.0, 0.25), Moment(19359.0, 0.5), None),),
)


def scene_of(*pixels, methods=(), current=1) -> ChartScene:
    pins = tuple(ShownPin(number, pixel, number == current) for number, pixel in enumerate(pixels, start=1))
    return ChartScene(pins, methods)


def drawn(scene, size=(10, 3.5)):
    return draw(size, 96, scene, LIGHT)


def legend_of(axes) -> list[str]:
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_every_kind_of_observation_is_drawn_once_and_named():
    pixel = make_pixel()
    axes = drawn(scene_of(pixel))
    drawn_days = [
        day for line in axes.lines if line.get_marker() not in ("None", ">", "^", "<") for day in line.get_xdata()
    ]
    assert sorted(drawn_days) == sorted(pixel.days)
    assert {"clear", "cloud", "shadow", "snow", "no value", "masked", "left out as too low"} <= set(legend_of(axes))


def test_values_that_are_not_known_stand_at_the_foot_of_the_axis():
    axes = drawn(scene_of(SMALL))
    (line,) = [line for line in axes.lines if line.get_marker() == "|"]
    low, high = axes.get_ylim()
    _, y = axes.transAxes.inverted().transform(
        line.get_transform().transform((line.get_xdata()[0], line.get_ydata()[0]))
    )
    assert 0 < y < 0.05
    assert (low, high) == pytest.approx((-0.2, 1.0 + 0.16 * 1.2))


def test_methods_are_drawn_for_the_current_pin_alone():
    methods = ("linear", "whittaker")
    axes = drawn(scene_of(make_pixel(), make_pixel(shift=20), methods=methods))
    names = legend_of(axes)
    assert names.count("linear") == names.count("Whittaker") == 1
    assert "Savitzky–Golay" not in names
    assert names[0] == "1 harmonic"


def test_the_band_is_two_standard_errors_on_either_side():
    axes = drawn(scene_of(SMALL))
    (band,) = [item for item in axes.collections if item.get_label().startswith("± 2")]
    ys = {round(float(y), 6) for _, y in band.get_paths()[0].vertices}
    assert {0.23, 0.27, 0.46, 0.54} <= ys


def test_values_outside_the_usual_range_widen_the_axis():
    deep = replace(SMALL, values=(-0.6, 0.1, nan))
    assert drawn(scene_of(deep)).get_ylim()[0] == pytest.approx(-0.6)


@pytest.mark.parametrize(
    ("days", "most", "expected"),
    [
        ((19340.0, 19730.0), 8, ["2023", "Mar", "May", "Jul", "Sep", "Nov", "2024"]),
        (
            (19340.0, 19730.0),
            20,
            ["2023", *MONTHS[1:], "2024"],
        ),
        (
            (19358.0, 19448.5),
            10,
            ["1 Jan", "11 Jan", "21 Jan", "1 Feb", "11 Feb", "21 Feb", "1 Mar", "11 Mar", "21 Mar", "1 Apr"],
        ),
        ((16000.0, 20000.0), 6, ["2014", "2016", "2018", "2020", "2022", "2024"]),
    ],
)
def test_the_axis_has_as_many_dates_as_find_room(days, most, expected):
    assert [text for _, text in date_ticks(*days, most)] == expected


@pytest.mark.parametrize("size", [(12, 3), (4, 5), (2, 1.2)])
def test_nothing_is_cut_off_at_any_size(size):
    axes = drawn(scene_of(make_pixel(years=3), make_pixel(shift=20)), size)
    figure = axes.figure
    box = axes.get_tightbbox(figure.canvas.get_renderer())
    assert box.x0 >= -1
    assert box.y0 >= -1
    for legend in figure.legends:
        outline = legend.get_window_extent()
        assert outline.x1 <= figure.bbox.x1 + 1
        assert outline.y0 >= -1


def test_a_pixel_without_a_curve_says_why():
    axes = drawn(scene_of(masked_pixel()))
    assert "All 12 observations are masked here: no curve." in [text.get_text() for text in axes.texts]
    assert not [item for item in axes.collections if item.get_label().startswith("±")]


def test_an_empty_scene_spans_a_year():
    assert span(ChartScene()) == (0.0, 365.0)


def test_dates_of_seasons_do_not_cover_each_other():
    labels = season_labels(make_pixel(years=3).seasons)
    assert [label.text for label in labels[:3]] == ["6 Apr", "17 Jul", "7 Nov"]
    assert len(placed(labels, 0.5)) == 9
    crowded = placed(labels, 120.0)
    assert 0 < len(crowded) < 9
    for lane in {label.lane for label in crowded}:
        days = [label.day for label in crowded if label.lane == lane]
        assert all(later - earlier >= 120.0 * 0.55 * 5 for earlier, later in pairwise(days))


def test_labels_of_close_days_take_two_lanes():
    lanes = [label.lane for label in placed([Label(10.0, 0, "1 May"), Label(11.0, 0, "2 May")], 1.0)]
    assert lanes == [0, 1]


def test_days_are_dates_of_utc():
    assert iso_day(0.0) == "1970-01-01"
    assert iso_day(-0.5) == "1969-12-31"
    assert iso_day(19358.999) == "2023-01-01"
    assert date_text(19489.2) == "12 May"


def test_the_frame_of_the_axes_is_where_the_picture_has_them():
    axes = drawn(scene_of(SMALL))
    frame = frame_of(axes, 2.0)
    x, y = frame.position(19363.0, 0.5)
    across, up = axes.transData.transform((19363.0, 0.5))
    assert (x, y) == pytest.approx((across / 2, (axes.figure.bbox.height - up) / 2))
    assert frame.day(x) == pytest.approx(19363.0)


FRAME = Frame(0.0, 0.0, 400.0, 100.0, (19348.0, 19388.0), (0.0, 1.0))


def test_the_mouse_finds_an_observation_with_its_state():
    x, y = FRAME.position(19363.0, 0.1)
    hit = hit_at(FRAME, scene_of(SMALL), x + 2, y - 2)
    assert hit.text == "2023-01-06 · 0.100 · cloud"
    assert (hit.x, hit.y) == pytest.approx((x, y))


def test_the_mouse_finds_the_moments_of_a_season():
    hit = hit_at(FRAME, scene_of(SMALL), *FRAME.position(19359.0, 0.5))
    assert hit.text == "maximum of the season · 2023-01-02 · 0.500"


def test_elsewhere_the_curves_of_the_day_are_told_by_pin():
    scene = scene_of(SMALL, replace(SMALL, final=MethodCurve("harmonic", (0.7, 0.8, 0.9), (nan,) * 3)))
    hit = hit_at(FRAME, scene, FRAME.position(19359.0, 0.0)[0], 5.0)
    assert hit.text == "2023-01-02\n1: 0.500 ± 0.020\n2: 0.800"
    assert (hit.x, hit.y) == pytest.approx(FRAME.position(19359.0, 0.5))


@pytest.mark.parametrize(("x", "y"), [(-1.0, 5.0), (401.0, 5.0), (395.0, 5.0)])
def test_where_nothing_is_known_the_mouse_finds_nothing(x, y):
    assert hit_at(FRAME, scene_of(SMALL), x, y) is None


def test_states_follow_reason_and_rejection():
    pixel = replace(SMALL, reasons=(0, 0, 5), rejected=(False, True, False))
    assert states(pixel) == ("clear", "rejected", "masked")


def test_the_table_is_exact(tmp_path):
    pins = [Pin(2, QgsPointXY(15.25, 48.5), WGS84, SMALL), Pin(3, QgsPointXY(1, 2), WGS84, problem="outside")]
    place = ("2", "15.25", "48.5", "EPSG:4326")
    expected = [
        (*place, "2023-01-01", "observation", "clear", "0.2500", ""),
        (*place, "2023-01-06", "observation", "cloud", "0.1000", ""),
        (*place, "2023-01-11", "observation", "no value", "", ""),
        (*place, "2023-01-01", "final", "harmonic", "0.2500", "0.0100"),
        (*place, "2023-01-02", "final", "harmonic", "0.5000", "0.0200"),
        (*place, "2023-01-03", "final", "harmonic", "", ""),
        (*place, "2023-01-01", "comparison", "linear", "0.2500", ""),
        (*place, "2023-01-02", "comparison", "linear", "0.3000", ""),
        (*place, "2023-01-03", "comparison", "linear", "0.3500", ""),
        (*place, "2023-01-01", "season", "2023 season 1 start", "0.2500", ""),
        (*place, "2023-01-02", "season", "2023 season 1 maximum", "0.5000", ""),
    ]
    assert list(rows(pins)) == expected
    write_table(tmp_path / "t.csv", pins)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [COLUMNS, *expected]


@pytest.fixture
def view(qtbot):
    view = ChartView()
    qtbot.addWidget(view)
    view.resize(700, 260)
    view.show()
    with qtbot.waitSignal(view.painted):
        view.show_scene(scene_of(make_pixel()))
    return view


def colours_of(view) -> set[str]:
    picture = view.grab().toImage()
    return {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(picture.height())}


def test_the_picture_fills_the_widget_in_the_colours_of_the_system(view, qtbot):
    palette = view.palette()
    palette.setColor(QPalette.ColorRole.Base, QColor("#112233"))
    with qtbot.waitSignal(view.painted):
        view.setPalette(palette)
    picture = view.grab().toImage()
    corners = [(1, 1), (picture.width() - 2, 1), (1, picture.height() - 2)]
    assert {picture.pixelColor(*corner).name() for corner in corners} == {"#112233"}
    assert PIN_COLOURS[0] in colours_of(view)


def test_a_resized_widget_gets_a_picture_of_its_size(view, qtbot):
    with qtbot.waitSignal(view.painted):
        view.resize(500, 300)
    assert (view._picture.width(), view._picture.height()) == (500, 300)


def test_hovering_marks_the_curve_and_leaving_unmarks_it(view, qtbot):
    frame = view._frame
    place = QPointF(frame.left + 0.62 * frame.width, frame.top + 5)
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(QEvent.Type.MouseMove, place, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, move)
    assert "±" in view.hit.text
    before = view.grab().toImage()
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert view.hit is None
    assert view.grab().toImage() != before


def test_the_wheel_zooms_the_time_around_the_mouse_and_a_double_click_shows_all(view, qtbot):
    whole = view._frame.days
    place = QPoint(round(view._frame.left + view._frame.width / 2), 100)
    wheel = QWheelEvent(
        QPointF(place), QPointF(place), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    with qtbot.waitSignal(view.painted):
        QApplication.sendEvent(view, wheel)
    first, last = view._frame.days
    assert last - first == pytest.approx((whole[1] - whole[0]) / 1.25**2)
    assert first + last == pytest.approx(sum(whole), rel=1e-4)
    with qtbot.waitSignal(view.painted):
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=place)
    assert view._frame.days == whole


def test_an_empty_chart_shows_no_curve(view):
    view.show_scene(ChartScene())
    assert PIN_COLOURS[0] not in colours_of(view)
