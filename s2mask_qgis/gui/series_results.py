"""What was made of a series: stepping through its dates, and which of its maps are shown."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsDateTimeRange
from qgis.PyQt import uic
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QMenu, QWidget

from ..gis.series_layers import SeriesLayers
from ..gis.series_maps import SHOWN_AT_FIRST, SeriesKind, SeriesLayer
from ..paths import form
from .stepper import Stepper
from .wording import tr


class SeriesResults(QWidget):
    """Hidden until a series has layers.

    ``map_asked`` carries a SeriesLayer that the user wants to see, ``shown`` carries each date that is shown.
    """

    map_asked = pyqtSignal(object)
    shown = pyqtSignal(object)

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("series_results.ui")), self, package=__package__)
        self._layers: SeriesLayers | None = None
        self._stepper = Stepper(iface.mapCanvas(), lambda dates: dates, self.seriesPrevious, self.seriesNext, self)
        self._buttons = {
            SeriesKind.FILLED: self.showFilled,
            SeriesKind.QUALITY: self.showQuality,
            SeriesKind.UNCERTAINTY: self.showUncertainty,
            SeriesKind.PRODUCTIVITY: self.showProductivity,
            SeriesKind.BETWEEN_YEARS: self.showBetweenYears,
            SeriesKind.SUPPORT: self.showSupport,
        }
        self._menu = QMenu(self)
        self._set_up_widgets()
        self.clear()

    def clear(self) -> None:
        """Forget the series; its layers stay."""
        self._layers = None
        self._menu.clear()
        self._stepper.clear()

    def follow(self, layers: SeriesLayers) -> None:
        """Show a series whose layers follow one by one."""
        self.clear()
        self._stepper.follow(layers.steps)
        self._layers = layers
        layers.show(self._kinds())

    def grow(self, offered: list[SeriesLayer]) -> None:
        """Layers of one more file are there; ``offered`` are maps of it that have none yet."""
        for planned in offered:
            self._menu.addAction(planned.name, lambda planned=planned: self.map_asked.emit(planned))
        self._stepper.grow()

    def refresh(self) -> None:
        """Take over the dates that have layers now, and keep showing the same one."""
        self._stepper.refresh()

    def show_kind(self, kind: SeriesKind) -> None:
        """Show a kind of layers."""
        self._buttons[kind].setChecked(True)

    def step(self, offset: int) -> None:
        """Go on by a number of dates; the ends hold."""
        self._stepper.step(offset)

    def _set_up_widgets(self) -> None:
        self.addMapButton.setMenu(self._menu)
        for kind, button in self._buttons.items():
            button.setChecked(kind in SHOWN_AT_FIRST)
            button.toggled.connect(self._on_toggle)
        self._stepper.changed.connect(self._show_state)
        self._stepper.shown.connect(self.shown)

    def _on_toggle(self) -> None:
        if self._layers is not None:
            self._layers.show(self._kinds())

    def _kinds(self) -> set[SeriesKind]:
        return {kind for kind, button in self._buttons.items() if button.isChecked()}

    def _show_state(self) -> None:
        self.setVisible(self._layers is not None)
        for widget in (self.seriesPrevious, self.seriesDate, self.seriesNext):
            widget.setVisible(self._stepper.number > 0)
        self.addMapButton.setEnabled(not self._menu.isEmpty())
        if self._stepper.number:
            self.seriesDate.setText(_step_text(self._stepper.current, self._stepper.number, len(self._stepper.steps)))


def _step_text(step: QgsDateTimeRange, number: int, total: int) -> str:
    """Which date is shown: "2023-05-14 · 12 of 68"."""
    day = step.begin().date().toString("yyyy-MM-dd")
    return f"{day} · {tr('{} of {}').format(number, total)}"
