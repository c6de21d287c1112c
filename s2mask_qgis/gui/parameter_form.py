"""Widgets for a value of parameters, made from the metadata of its fields: unit, range, default and help."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
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
    "scale_m": "Pixel size",
    "cutoff": "Cutoff",
    "number_of_images": "Background",
    "number_preselect": "Chosen from",
    "allow_future": "Use later images",
    "hours_excluded": "Leave out within",
    "common_area": "Common area",
    "do_clustering": "Find clusters",
    "cluster_count": "Clusters",
    "sample_size": "Sample",
    "thresholds": "Thresholds",
    "opening_radius_px": "Remove specks",
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
}
"""What users call a choice; one without an entry goes by its own name."""

SPECIAL = {"strength": "by cross-validation"}
"""What the smallest value of a number stands for."""

DECIMALS = {"hours_excluded": 1, "strength": 5}
SHARE_DECIMALS = 3
SHORTEST_CHOICE = 8
"""Letters of a choice that can be read in the narrowest dock."""


def label_of(name: str) -> str:
    """What users call a field."""
    return tr(LABELS.get(name, name.replace("_", " ").capitalize()))


def user_text(problem: Problem, kind: type[Any] = RunParameters) -> str:
    """The text of a problem with the fields of its dataclass under their users' names."""
    names = "|".join(sorted((item.name for item in dataclasses.fields(kind)), key=len, reverse=True))
    return re.sub(rf"\b({names})\b", lambda found: f"“{label_of(found[0])}”", problem.text)


class ParameterForm(QObject):
    """A widget called ``parameter_<field>`` for each field of a dataclass that is no day.

    Those named in ``shown`` go to the layout ``main``, the others to ``more``, which may be folded away; ``changed``
    follows every edit.
    """

    changed = pyqtSignal()

    def __init__(self, kind: type[Any], main: QFormLayout, more: QFormLayout, shown: Collection[str] = ()) -> None:
        super().__init__(main)
        self._shown = shown
        self._fields = {item.name: item for item in dataclasses.fields(kind) if "is_day" not in item.metadata}
        self._widgets = {name: _make(item) for name, item in self._fields.items()}
        self._labels: dict[str, QWidget] = {}
        self._resets: dict[str, QToolButton] = {}
        self._guard = _WheelGuard(self)
        for name in self._fields:
            self._add(name, main if name in shown else more)
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
        return [self._widgets[name] for name in sorted(self._widgets, key=lambda name: name not in self._shown)]

    def widget(self, name: str) -> QWidget:
        """The widget of a parameter."""
        return self._widgets[name]

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
    allowed = item.metadata
    if "choices" in allowed:
        widget: QWidget = _combo(allowed["choices"], allowed["unit"])
    elif isinstance(item.default, bool):
        widget = QCheckBox()
    else:
        widget = _spin_box(item)
    widget.setObjectName(f"parameter_{item.name}")
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    _write(widget, item.default)
    default = tr("Default: {}").format(_shown(item.default, item))
    widget.setToolTip(f"{tr(allowed['help'])}\n{default}")
    widget.setAccessibleName(label_of(item.name))
    return widget


def _combo(choices: tuple[Any, ...], unit: str) -> QComboBox:
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(SHORTEST_CHOICE)  # a long one must not widen the dock
    for choice in choices:
        combo.addItem(f"{_choice_text(choice)} {unit}".strip(), choice)
    return combo


def _spin_box(item: dataclasses.Field[Any]) -> QWidget:
    allowed = item.metadata
    if isinstance(item.default, int):
        box: Any = QgsSpinBox()
    else:
        box = QgsDoubleSpinBox()
        box.setDecimals(DECIMALS.get(item.name, SHARE_DECIMALS))
        box.setSingleStep(0.01 if allowed["high"] <= 1 else 1.0)
        if item.name in SPECIAL:  # its values lie orders of magnitude apart
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
    return f"{_choice_text(value)} {tr(item.metadata['unit'])}".strip()


def _read(widget: Any) -> Any:
    if isinstance(widget, QComboBox):
        return widget.currentData(Qt.ItemDataRole.UserRole)
    return widget.isChecked() if isinstance(widget, QCheckBox) else widget.value()


def _write(widget: Any, value: Any) -> None:
    if isinstance(widget, QComboBox):
        widget.setCurrentIndex(widget.findData(value))
    elif isinstance(widget, QCheckBox):
        widget.setChecked(value)
    else:
        widget.setValue(value)


def _edited(widget: Any) -> pyqtBoundSignal:
    if isinstance(widget, QComboBox):
        return widget.currentIndexChanged
    return widget.toggled if isinstance(widget, QCheckBox) else widget.valueChanged
