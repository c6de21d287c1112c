"""The widgets of the parameters against the metadata they are made from."""

from __future__ import annotations

import dataclasses

import pytest
from qgis.PyQt.QtCore import QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QWheelEvent
from qgis.PyQt.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from s2mask_qgis.core.fields import Parameters, Problem, number, text
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.gui.images_section import ImagesSection
from s2mask_qgis.gui.parameter_form import ParameterForm, user_text

FIELDS = [item for item in dataclasses.fields(RunParameters) if not item.name.startswith("date_")]


@pytest.fixture
def section(qgis_app, qtbot, tmp_path):
    section = ImagesSection(tmp_path / "models")
    qtbot.addWidget(section)
    for box in (
        section.moreParameters,
        section.backgroundBox,
        section.clustersBox,
        section.shadowBox,
        section.outputBox,
    ):
        box.setCollapsed(False)
    section.show()
    return section


def widget_of(section, name):
    return section.findChild(QWidget, f"parameter_{name}")


def test_the_form_starts_with_the_defaults(section):
    defaults = {item.name: item.default for item in FIELDS}
    assert section.parameters.values() == defaults
    assert section.parameters.differing() == []


@pytest.mark.parametrize("item", FIELDS, ids=lambda item: item.name)
def test_every_parameter_shows_its_unit_range_default_and_help(section, item):
    widget = widget_of(section, item.name)
    allowed = item.metadata
    assert allowed["help"] in widget.toolTip()
    assert "Default: " in widget.toolTip()
    if isinstance(widget, QAbstractSpinBox):
        assert (widget.minimum(), widget.maximum()) == (allowed["low"], allowed["high"])
        assert widget.suffix().strip() == allowed["unit"]
    elif "choices" in allowed:
        assert tuple(widget.itemData(row) for row in range(widget.count())) == allowed["choices"]
        assert all(allowed["unit"] in widget.itemText(row) for row in range(widget.count()))


def test_what_differs_from_its_default_is_bold_and_can_be_set_back(qtbot, section):
    box = widget_of(section, "cutoff")
    label = next(label for label in section.findChildren(QLabel) if label.buddy() is box)
    reset = section.findChild(QToolButton, "reset_cutoff")
    assert not label.font().bold()
    assert not reset.isVisible()
    box.setValue(0.5)
    assert label.font().bold()
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert box.value() == 0
    assert not label.font().bold()
    assert not reset.isVisible()


def test_reset_sets_everything_back(qtbot, section):
    section.parameters.set_values({"seed": 7, "do_clustering": False, "thresholds": "reflectance", "scale_m": 10})
    assert set(section.parameters.differing()) == {"seed", "do_clustering", "thresholds", "scale_m"}
    qtbot.mouseClick(section.resetButton, Qt.MouseButton.LeftButton)
    assert section.parameters.differing() == []
    assert not section.resetButton.isEnabled()


def test_values_that_contradict_each_other_are_told_in_the_users_words(section):
    widget_of(section, "number_preselect").setValue(5)
    assert section.imagesState.has_problem
    assert "“Chosen from”: 5 images are fewer than “Background” 20" in section.imagesState.text()


@dataclasses.dataclass(frozen=True)
class Notes(Parameters):
    """Fields whose names are words."""

    author: str = text("somebody", "Who wrote it.")
    page_count: int = number(3, 1, 9, "pages", "How long it is.")


def test_a_field_whose_name_is_a_word_is_named_only_where_it_is_meant():
    told = user_text(Problem("author", "author: no author has a page_count below 1"), Notes)
    assert told == "“Author”: no author has a “Page count” below 1"


def test_a_number_with_many_digits_is_not_rounded(section):
    section.parameters.set_values({"cutoff": 0.123456, "cloud_buffer_m": 12.25})
    assert section.parameters.values()["cutoff"] == 0.123456
    assert section.parameters.values()["cloud_buffer_m"] == 12.25
    assert widget_of(section, "cloud_threshold").text() == "20.0 %"


def test_a_text_has_a_line_of_its_own_and_can_be_set_back(qgis_app, qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    form = ParameterForm(Notes, ((QFormLayout(widget), None),))
    line = widget.findChild(QLineEdit, "parameter_author")
    assert "Default: somebody" in line.toolTip()
    with qtbot.waitSignal(form.changed):
        line.setText(" me ")
    assert form.values() == {"author": "me", "page_count": 3}
    assert form.differing() == ["author"]
    form.reset()
    assert form.differing() == []


def test_the_wheel_scrolls_the_dock_instead_of_changing_a_value(section):
    box = widget_of(section, "number_of_images")
    place = QPointF(5, 5)
    down = QWheelEvent(
        place, place, QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, down)
    assert box.value() == 20


def test_every_label_leads_to_its_widget(section):
    buddies = {label.buddy().objectName() for label in section.findChildren(QLabel) if label.buddy()}
    checks = {widget.objectName() for widget in section.findChildren(QCheckBox)}
    wanted = {f"parameter_{item.name}" for item in FIELDS} | {"dateStart", "dateEnd", "libraryFolder", "doneFile"}
    assert wanted <= buddies | checks
