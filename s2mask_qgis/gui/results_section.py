"""Section 4 of the dock: stepping through the images of a run, and what the map shows of each."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication, QgsDateTimeRange
from qgis.gui import QgsCollapsibleGroupBoxBasic
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..gis.result_layers import SHOWN_AT_FIRST, LayerKind, ResultLayers
from ..gis.time_steps import go_to, image_range, set_up_controller
from ..jobs.report import ImageOutcome
from ..paths import form
from .wording import image_text, tr

REFRESH_MS = 1000
"""While results come in, the steps of the Temporal Controller are renewed this often at most."""


class ResultsSection(QgsCollapsibleGroupBoxBasic):
    """The images of the last run; ``shown`` carries the ImageOutcome that the map shows."""

    shown = pyqtSignal(object)

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("results.ui")), self, package=__package__)
        self._canvas = iface.mapCanvas()
        self._controller = self._canvas.temporalController()
        self._layers: ResultLayers | None = None
        self._steps: list[ImageOutcome] = []
        self._current: ImageOutcome | None = None
        self._buttons = {
            LayerKind.TRUE_COLOUR: self.showTrueColour,
            LayerKind.OUTLINE: self.showOutline,
            LayerKind.MASK: self.showMask,
            LayerKind.PROBABILITY: self.showProbability,
            LayerKind.NDVI: self.showNdvi,
            LayerKind.EVI2: self.showEvi2,
            LayerKind.KNDVI: self.showKndvi,
        }
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._set_up_widgets()
        self.clear()

    def clear(self) -> None:
        """Forget the results; their layers stay."""
        self._timer.stop()
        self._layers = None
        self._steps = []
        self._current = None
        self._show_state()

    def follow(self, layers: ResultLayers) -> None:
        """Show the results of a run that has begun; its layers follow one by one."""
        self.clear()
        self._layers = layers
        layers.show(self._kinds())

    def grow(self) -> None:
        """Layers of one more image are there."""
        if not self._steps:
            self.refresh()
        elif not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Take over the images that have layers now, and keep showing the same one."""
        self._timer.stop()
        if self._layers is None:
            return
        self._steps = self._layers.steps()
        if self._steps:
            set_up_controller(self._controller, map(image_range, self._steps))
            self.show_image(self._current or self._steps[0])
        self._show_state()

    def show_image(self, outcome: ImageOutcome) -> None:
        """Show one image on the map."""
        self._current = outcome
        if image_range(outcome) not in self._controller.availableTemporalRanges():  # a series set its own steps
            set_up_controller(self._controller, map(image_range, self._steps))
        go_to(self._controller, self._canvas, image_range(outcome))
        self._show_state()
        self.shown.emit(outcome)

    def step(self, offset: int) -> None:
        """Go on by a number of images; the ends hold."""
        if self._current in self._steps:
            number = self._steps.index(self._current) + offset
            self.show_image(self._steps[min(max(number, 0), len(self._steps) - 1)])

    def _set_up_widgets(self) -> None:
        self.previousButton.setIcon(QgsApplication.getThemeIcon("/mActionArrowLeft.svg"))
        self.nextButton.setIcon(QgsApplication.getThemeIcon("/mActionArrowRight.svg"))
        self.imageLabel.setMinimumHeight(
            2 * self.fontMetrics().lineSpacing()
        )  # the toggles stay in place in a narrow dock
        self.previousButton.clicked.connect(lambda: self.step(-1))
        self.nextButton.clicked.connect(lambda: self.step(1))
        for kind, button in self._buttons.items():
            button.setChecked(kind in SHOWN_AT_FIRST)
            button.toggled.connect(self._on_toggle)
        self._timer.timeout.connect(self.refresh)
        self._controller.updateTemporalRange.connect(self._on_range)

    def _on_toggle(self) -> None:
        if self._layers is not None:
            self._layers.show(self._kinds())

    def _kinds(self) -> set[LayerKind]:
        return {kind for kind, button in self._buttons.items() if button.isChecked()}

    def _on_range(self, time_range: QgsDateTimeRange) -> None:
        """The Temporal Controller was moved by itself: name the image of its day."""
        if self._current is not None and image_range(self._current) == time_range:
            return
        there = next((outcome for outcome in self._steps if image_range(outcome) == time_range), None)
        if there is not None:
            self._current = there
            self._show_state()
            self.shown.emit(there)

    def _show_state(self) -> None:
        steps, current = self._steps, self._current
        there = bool(steps)
        widgets = (self.previousButton, self.nextButton, self.imageLabel, *self._buttons.values())
        for widget in widgets:
            widget.setVisible(there)
        self.showEvi2.setVisible(any(step.evi2_path is not None for step in steps))
        self.showKndvi.setVisible(any(step.kndvi_path is not None for step in steps))
        self.resultsState.show_hint("" if there else tr("Images appear here as a run makes them."))
        if current in steps:
            number = steps.index(current)
            self.imageLabel.setText(image_text(current, number + 1, len(steps)))
            self.previousButton.setEnabled(number > 0)
            self.nextButton.setEnabled(number < len(steps) - 1)
