"""Widgets for a value of parameters, made from the metadata of its fields: unit, range, default and help."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsDoubleSpinBox, QgsSpinBox
from qgis.PyQt.QtCore import QEvent, QObject, QSignalBlocker, Qt, pyqtBoundSignal, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ..core.fields import Problem
from ..core.parameters import RunParameters
from .wording import tr

LABELS = {
    "date_start": "From",
    "date_end": "Until",
    "level": "Level",
    "scale_m": "Pixel size",
    "source": "Clouds from",
    "union": "Together with the model",
    "model": "Model",
    "cutoff": "Cutoff",
    "number_of_images": "Background",
    "number_preselect": "Chosen from",
    "cloud_threshold": "Cloudy above",
    "methods_as_documented": "As documented",
    "allow_future": "Use later images",
    "hours_excluded": "Leave out within",
    "common_area": "Common area",
    "do_clustering": "Find clusters",
    "cluster_count": "Clusters",
    "sample_size": "Sample",
    "thresholds": "Thresholds",
    "opening_radius_px": "Remove specks",
    "shadow": "Find shadows",
    "cloud_buffer_m": "Cloud buffer",
    "shadow_buffer_m": "Shadow buffer",
    "swir_darkening": "SWIR darker by",
    "nir_darkening": "NIR darker by",
    "highest_cloud_m": "Clouds up to",
    "water_nir": "Water below",
    "features": "Also the features",
    "evi2": "Also EVI2",
    "kndvi": "Also kNDVI",
    "seed": "Random seed",
    "robust": "Leave out low observations",
    "strength": "Smoothing",
    "step": "Dates",
    "layout": "Files",
    "number_type": "Numbers",
    "start_share": "Start at",
    "end_share": "End at",
    "seasons": "Seasons",
    "least_amplitude": "Smallest rise",
    "fit": "Fit",
    "choose_features": "Choose the features",
    "most_features": "At most",
    "laplace": "Smoothing",
    "labels_per_image": "Per image",
    "held_out_share": "Held out",
    "cutoff_by": "Cutoff by",
    "target_recall": "Target recall",
    "nb_task_max": "Tasks at once",
    "refresh_seconds": "Look every",
    "attempts": "Try an image",
    "patience_hours": "Without answer",
}
"""What users call the fields; a field without an entry goes by its own name."""

CHOICES = {
    "harmonic": "Harmonic",
    "published": "Harmonic 10/5/1, as published",
    "linear": "Linear",
    "savitzky-golay": "Savitzky–Golay",
    "whittaker": "Whittaker",
    "5 days": "every 5 days",
    "10 days": "every 10 days",
    "monthly": "the first of each month",
    "L1C": "L1C, above the air",
    "L2A": "L2A, at the ground",
    "model": "the model",
    "product mask": "the product's own mask",
    "table": "Table",
    "random forest": "Random forest",
}
"""What users call a choice; one without an entry goes by its own name."""

SPECIAL = {"strength": "by cross-validation", "cutoff": "the model's own"}
"""What the smallest value of a number stands for."""

WIDE_RANGE = ("strength",)
"""Numbers whose values lie orders of magnitude apart."""

DECIMALS = {
    "hours_excluded": 1,
    "strength": 5,
    "cloud_threshold": 1,
    "cloud_buffer_m": 0,
    "shadow_buffer_m": 0,
    "highest_cloud_m": 0,
    "laplace": 1,
    "refresh_seconds": 0,
    "patience_hours": 1,
}
"""What numbers are shown with; a value that needs more gets them."""

MOST_DECIMALS = 10
SHARE_DECIMALS = 3
SHORTEST_CHOICE = 8
"""Letters of a choice that can be read in the narrowest dock."""


def label_of(name: str) -> str:
    """What users call a field."""
    return tr(LABELS.get(name, name.replace("_", " ").capitalize()))


def user_text(problem: Problem, kind: type[Any] = RunParameters) -> str:
    """The text of a problem with the fields of its dataclass under their users' names.

    A field whose name is a word, like "model", is meant where the text begins with it, and is a word elsewhere.
    """
    names = sorted((item.name for item in dataclasses.fields(kind)), key=len, reverse=True)
    unmistakable = "|".join(name for name in names if "_" in name) or r"\A\Z"
    pattern = rf"^(?:{'|'.join(names)})(?=:)|\b(?:{unmistakable})\b"
    return re.sub(pattern, lambda found: f"“{label_of(found[0])}”", problem.text, flags=re.MULTILINE)


Place = tuple[QFormLayout, "Sequence[str] | None"]
"""A layout and the fields that go there, in order; None stands for all that no other place names."""


class ParameterForm(QObject):
    """A widget called ``parameter_<field>`` for each field of a dataclass that is no day, at its place.

    ``own_widgets`` take the place of those that would be made: combo boxes whose data are the values. ``changed``
    follows every edit.
    """

    changed = pyqtSignal()

    def __init__(
        self, kind: type[Any], places: Sequence[Place], own_widgets: Mapping[str, QComboBox] | None = None
    ) -> None:
        super().__init__(places[0][0])
        self._fields = {item.name: item for item in dataclasses.fields(kind) if "is_day" not in item.metadata}
        own = own_widgets or {}
        self._widgets = {name: _dressed(own.get(name) or _make(item), item) for name, item in self._fields.items()}
        self._labels: dict[str, QWidget] = {}
        self._resets: dict[str, QToolButton] = {}
        self._guard = _WheelGuard(self)
        named = {name for _, names in places for name in names or ()}
        self._order: list[str] = []
        for layout, names in places:
            for name in names if names is not None else [name for name in self._fields if name not in named]:
                self._order.append(name)
                self._add(name, layout)
        self._mark()

    def values(self) -> dict[str, Any]:
        """The values by name."""
        return {name: _read(widget) for name, widget in self._widgets.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show valid values; parameters that are left out get their defaults."""
        for name, widget in self._widgets.items():
            with QSignalBlocker(widget):
                _write(widget, values.get(name, self._fields[name].default))
        self._mark()
        self.changed.emit()

    def reset(self) -> None:
        """Set every parameter back to its default."""
        self.set_values({})

    def differing(self) -> list[str]:
        """The parameters whose value is not the default."""
        return [name for name, value in self.values().items() if value != self._fields[name].default]

    def widgets(self) -> list[QWidget]:
        """The widgets, in the order of the form."""
        return [self._widgets[name] for name in self._order]

    def widget(self, name: str) -> QWidget:
        """The widget of a parameter."""
        return self._widgets[name]

    def align(self, names: Sequence[str]) -> None:
        """Let fields of several layouts begin in one line: the widest of their names sets the width of all."""
        widths = [self._labels[name].sizeHint().width() for name in names]
        for name in names:
            if isinstance(self._labels[name], QLabel):
                self._labels[name].setMinimumWidth(max(widths))

    def show_row(self, name: str, is_shown: bool) -> None:
        """Show or hide a parameter with its name."""
        for widget in (self._labels[name], self._widgets[name]):
            widget.setVisible(is_shown)

    def _add(self, name: str, layout: QFormLayout) -> None:
        widget = self._widgets[name]
        widget.installEventFilter(self._guard)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        reset = self._reset_button(name)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(widget, 1)
        row.addWidget(reset)
        if isinstance(widget, QCheckBox):
            widget.setText(label_of(name))
            layout.addRow(row)
        else:
            label = QLabel(label_of(name))
            label.setBuddy(widget)
            label.setToolTip(widget.toolTip())
            layout.addRow(label, row)
            self._labels[name] = label
        self._labels.setdefault(name, widget)
        _edited(widget).connect(self._on_edit)

    def _reset_button(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"reset_{name}")
        button.setIcon(QgsApplication.getThemeIcon("/mActionUndo.svg"))
        button.setAutoRaise(True)
        button.setToolTip(tr("Back to {}").format(_shown(self._fields[name].default, self._fields[name])))
        button.setAccessibleName(tr("Reset {}").format(label_of(name)))
        button.clicked.connect(lambda _checked: _write(self._widgets[name], self._fields[name].default))
        self._resets[name] = button
        return button

    def _on_edit(self) -> None:
        self._mark()
        self.changed.emit()

    def _mark(self) -> None:
        """Bold names and a reset button for what differs from the default."""
        differing = self.differing()
        for name, label in self._labels.items():
            font = label.font()
            font.setBold(name in differing)
            label.setFont(font)
            self._resets[name].setVisible(name in differing)


class _WheelGuard(QObject):
    """Keeps the mouse wheel for scrolling the dock unless a widget was chosen first."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Swallow a wheel event over a widget without focus."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def _make(item: dataclasses.Field[Any]) -> QWidget:
    """The widget that a field's kind asks for."""
    if "is_text" in item.metadata:
        return QLineEdit()
    if "choices" in item.metadata:
        return _combo(item.metadata["choices"], item.metadata["unit"])
    return QCheckBox() if isinstance(item.default, bool) else _spin_box(item)


def _dressed(widget: QWidget, item: dataclasses.Field[Any]) -> QWidget:
    """A widget with the name, the value and the help of its field."""
    widget.setObjectName(f"parameter_{item.name}")
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    _write(widget, item.default)
    default = tr("Default: {}").format(_shown(item.default, item))
    widget.setToolTip(f"{tr(item.metadata['help'])}\n{default}")
    widget.setAccessibleName(label_of(item.name))
    return widget


def _combo(choices: tuple[Any, ...], unit: str) -> QComboBox:
    combo = QComboBox()
    keep_narrow(combo)
    for choice in choices:
        combo.addItem(f"{_choice_text(choice)} {unit}".strip(), choice)
    return combo


def keep_narrow(combo: QComboBox) -> None:
    """Let no long entry widen the dock."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(SHORTEST_CHOICE)


def _spin_box(item: dataclasses.Field[Any]) -> QWidget:
    allowed = item.metadata
    if isinstance(item.default, int):
        box: Any = QgsSpinBox()
    else:
        box = QgsDoubleSpinBox()
        box.setDecimals(DECIMALS.get(item.name, SHARE_DECIMALS))
        box.setSingleStep(0.01 if allowed["high"] <= 1 else 1.0)
        if item.name in WIDE_RANGE:
            box.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    box.setRange(allowed["low"], allowed["high"])
    box.setShowClearButton(False)  # the reset button beside it does this, and appears only where there is a difference
    box.setSuffix(f" {tr(allowed['unit'])}" if allowed["unit"] else "")
    if item.name in SPECIAL:
        box.setSpecialValueText(tr(SPECIAL[item.name]))
    return box


def _choice_text(choice: Any) -> str:
    return tr(CHOICES.get(choice, choice)) if isinstance(choice, str) else str(choice)


def _shown(value: Any, item: dataclasses.Field[Any]) -> str:
    """A value as the tooltip names it, with its unit."""
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    if item.name in SPECIAL and value == item.metadata["low"]:
        return tr(SPECIAL[item.name])
    if "is_text" in item.metadata:
        return str(value)
    return f"{_choice_text(value)} {tr(item.metadata['unit'])}".strip()


def _read(widget: Any) -> Any:
    if isinstance(widget, QComboBox):
        return widget.currentData(Qt.ItemDataRole.UserRole)
    if isinstance(widget, QLineEdit):
        return widget.text().strip()
    return widget.isChecked() if isinstance(widget, QCheckBox) else widget.value()


def _write(widget: Any, value: Any) -> None:
    if isinstance(widget, QComboBox):
        if widget.findData(value) < 0:  # the name of something that is no longer offered
            widget.addItem(str(value), value)
        widget.setCurrentIndex(widget.findData(value))
    elif isinstance(widget, QLineEdit):
        widget.setText(value)
    elif isinstance(widget, QCheckBox):
        widget.setChecked(value)
    else:
        if isinstance(widget, QgsDoubleSpinBox):  # which would round the value
            widget.setDecimals(max(widget.decimals(), _decimals_of(value)))
        widget.setValue(value)


def _decimals_of(value: float) -> int:
    """The digits after the point that a value is written with."""
    return min(MOST_DECIMALS, max(0, -int(Decimal(repr(value)).normalize().as_tuple().exponent)))


def _edited(widget: Any) -> pyqtBoundSignal:
    if isinstance(widget, QComboBox):
        return widget.currentIndexChanged
    if isinstance(widget, QLineEdit):
        return widget.textChanged
    return widget.toggled if isinstance(widget, QCheckBox) else widget.valueChanged
