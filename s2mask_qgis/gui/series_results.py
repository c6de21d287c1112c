"""What was made of a series: stepping through its dates, and which of its maps are shown."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication, QgsDateTimeRange
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QMenu, QWidget

from ..gis.series_layers import SeriesLayers
from ..gis.series_maps import SHOWN_AT_FIRST, SeriesKind, SeriesLayer
from ..gis.time_steps import go_to, set_up_controller
from ..paths import form
from .wording import tr

REFRESH_MS = 1000
"""While layers come in, the steps of the Temporal Controller are renewed this often at most."""


class SeriesResults(QWidget):
    """Hidden until a series has layers.

    ``map_asked`` carries a SeriesLayer that the user wants to see, ``shown`` comes with each date that is shown.
    """

    map_asked = pyqtSignal(object)
    shown = pyqtSignal()

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("series_results.ui")), self, package=__package__)
        self._canvas = iface.mapCanvas()
        self._controller = self._canvas.temporalController()
        self._layers: SeriesLayers | None = None
        self._steps: list[QgsDateTimeRange] = []
        self._current: QgsDateTimeRange | None = None
        self._buttons = {
            SeriesKind.FILLED: self.showFilled,
            SeriesKind.QUALITY: self.showQuality,
            SeriesKind.UNCERTAINTY: self.showUncertainty,
            SeriesKind.PRODUCTIVITY: self.showProductivity,
            SeriesKind.BETWEEN_YEARS: self.showBetweenYears,
            SeriesKind.SUPPORT: self.showSupport,
        }
        self._menu = QMenu(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._set_up_widgets()
        self.clear()

    def clear(self) -> None:
        """Forget the series; its layers stay."""
        self._timer.stop()
        self._layers = None
        self._steps = []
        self._current = None
        self._menu.clear()
        self._show_state()

    def follow(self, layers: SeriesLayers) -> None:
        """Show a series whose layers follow one by one."""
        self.clear()
        self._layers = layers
        layers.show(self._kinds())

    def grow(self, offered: list[SeriesLayer]) -> None:
        """Layers of one more file are there; ``offered`` are maps of it that have none yet."""
        for planned in offered:
            self._menu.addAction(planned.name, lambda planned=planned: self.map_asked.emit(planned))
        if not self._steps:
            self.refresh()
        elif not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Take over the dates that have layers now, and keep showing the same one."""
        self._timer.stop()
        if self._layers is None:
            return
        self._steps = self._layers.steps()
        if self._steps:
            set_up_controller(self._controller, self._steps)
            self._go_to(self._current if self._current in self._steps else self._steps[0])
        self._show_state()

    def show_kind(self, kind: SeriesKind) -> None:
        """Show a kind of layers."""
        self._buttons[kind].setChecked(True)

    def step(self, offset: int) -> None:
        """Go on by a number of dates; the ends hold."""
        if self._current in self._steps:
            number = self._steps.index(self._current) + offset
            self._go_to(self._steps[min(max(number, 0), len(self._steps) - 1)])

    def _set_up_widgets(self) -> None:
        self.seriesPrevious.setIcon(QgsApplication.getThemeIcon("/mActionArrowLeft.svg"))
        self.seriesNext.setIcon(QgsApplication.getThemeIcon("/mActionArrowRight.svg"))
        self.seriesPrevious.clicked.connect(lambda: self.step(-1))
        self.seriesNext.clicked.connect(lambda: self.step(1))
        self.addMapButton.setMenu(self._menu)
        for kind, button in self._buttons.items():
            button.setChecked(kind in SHOWN_AT_FIRST)
            button.toggled.connect(self._on_toggle)
        self._timer.timeout.connect(self.refresh)
        self._controller.updateTemporalRange.connect(self._on_range)

    def _go_to(self, wanted: QgsDateTimeRange) -> None:
        if wanted not in self._controller.availableTemporalRanges():  # the images of a run set their own steps
            set_up_controller(self._controller, self._steps)
        self._current = wanted
        go_to(self._controller, self._canvas, wanted)
        self._show_state()
        self.shown.emit()

    def _on_toggle(self) -> None:
        if self._layers is not None:
            self._layers.show(self._kinds())

    def _kinds(self) -> set[SeriesKind]:
        return {kind for kind, button in self._buttons.items() if button.isChecked()}

    def _on_range(self, time_range: QgsDateTimeRange) -> None:
        """The Temporal Controller was moved by itself: name its date."""
        if time_range != self._current and time_range in self._steps:
            self._current = time_range
            self._show_state()

    def _show_state(self) -> None:
        self.setVisible(self._layers is not None)
        has_dates = self._current is not None
        for widget in (self.seriesPrevious, self.seriesDate, self.seriesNext):
            widget.setVisible(has_dates)
        self.addMapButton.setEnabled(not self._menu.isEmpty())
        if self._current is not None:
            number = self._steps.index(self._current)
            self.seriesDate.setText(_step_text(self._current, number + 1, len(self._steps)))
            self.seriesPrevious.setEnabled(number > 0)
            self.seriesNext.setEnabled(number < len(self._steps) - 1)


def _step_text(step: QgsDateTimeRange, number: int, total: int) -> str:
    """Which date is shown: "2023-05-14 · 12 of 68"."""
    day = step.begin().date().toString("yyyy-MM-dd")
    return f"{day} · {tr('{} of {}').format(number, total)}"
