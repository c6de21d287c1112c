"""Widgets for the parameters of a run, made from the metadata of core.parameters: unit, range, default and help."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsDoubleSpinBox, QgsSpinBox
from qgis.PyQt.QtCore import QEvent, QObject, QSignalBlocker, Qt, pyqtBoundSignal, pyqtSignal
from qgis.PyQt.QtWidgets import (
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
    "seed": "Random seed",
}
"""What users call the fields; a field without an entry goes by its own name."""

MAIN = ("scale_m", "cutoff")
"""Shown at once; the other parameters are folded away."""

DECIMALS = {"hours_excluded": 1}
SHARE_DECIMALS = 3


def label_of(name: str) -> str:
    """What users call a field."""
    return tr(LABELS.get(name, name.replace("_", " ").capitalize()))


def user_text(problem: Problem) -> str:
    """The text of a problem with the fields under their users' names."""
    text = problem.text
    for name in sorted(LABELS, key=len, reverse=True):
        text = text.replace(name, f"“{label_of(name)}”")
    return text


class ParameterForm(QObject):
    """A widget called ``parameter_<field>`` for each parameter except the dates; ``changed`` follows every edit."""

    changed = pyqtSignal()

    def __init__(self, main: QFormLayout, more: QFormLayout) -> None:
        super().__init__(main)
        self._fields = {item.name: item for item in dataclasses.fields(RunParameters) if item.name[:5] != "date_"}
        self._widgets = {name: _make(item) for name, item in self._fields.items()}
        self._labels: dict[str, QWidget] = {}
        self._resets: dict[str, QToolButton] = {}
        self._guard = _WheelGuard(self)
        for name in self._fields:
            self._add(name, main if name in MAIN else more)
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
        return sorted(self._widgets.values(), key=lambda widget: widget.objectName()[10:] not in MAIN)

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
    for choice in choices:
        combo.addItem(f"{tr(choice) if isinstance(choice, str) else choice} {unit}".strip(), choice)
    return combo


def _spin_box(item: dataclasses.Field[Any]) -> QWidget:
    allowed = item.metadata
    if isinstance(item.default, int):
        box: Any = QgsSpinBox()
    else:
        box = QgsDoubleSpinBox()
        box.setDecimals(DECIMALS.get(item.name, SHARE_DECIMALS))
        box.setSingleStep(0.01 if allowed["high"] <= 1 else 1.0)
    box.setRange(allowed["low"], allowed["high"])
    box.setShowClearButton(False)  # the reset button beside it does this, and appears only where there is a difference
    box.setSuffix(f" {tr(allowed['unit'])}" if allowed["unit"] else "")
    return box


def _shown(value: Any, item: dataclasses.Field[Any]) -> str:
    """A value as the tooltip names it, with its unit."""
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    return f"{value} {tr(item.metadata['unit'])}".strip()


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
