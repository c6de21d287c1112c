"""The widgets of the parameters against the metadata they are made from."""

from __future__ import annotations

import dataclasses

import pytest
from qgis.PyQt.QtCore import QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QWheelEvent
from qgis.PyQt.QtWidgets import QAbstractSpinBox, QApplication, QCheckBox, QLabel, QToolButton, QWidget

from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.gui.images_section import ImagesSection

FIELDS = [item for item in dataclasses.fields(RunParameters) if not item.name.startswith("date_")]


@pytest.fixture
def section(qgis_app, qtbot):
    section = ImagesSection()
    qtbot.addWidget(section)
    section.moreParameters.setCollapsed(False)
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
    elif not isinstance(widget, QCheckBox):
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
    assert box.value() == 0.29
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
    wanted = {f"parameter_{item.name}" for item in FIELDS} | {"dateStart", "dateEnd", "libraryFolder"}
    assert wanted <= buddies | checks
