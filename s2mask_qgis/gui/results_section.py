"""Section 4 of the dock: stepping through the images of a run, what the map shows of each, and labels in them."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProject
from qgis.gui import QgsCollapsibleGroupBoxBasic
from qgis.PyQt import uic
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..core.features import FEATURES
from ..gis.result_layers import OUTLINES, SHOWN_AT_FIRST, LayerKind, ResultLayers
from ..gis.time_steps import image_range
from ..jobs.report import ImageOutcome
from ..paths import form
from .label_panel import LabelPanel
from .parameter_form import keep_narrow
from .stepper import Stepper
from .wording import image_text, tr


class ResultsSection(QgsCollapsibleGroupBoxBasic):
    """The images of the last run; ``shown`` carries the ImageOutcome that the map shows."""

    shown = pyqtSignal(object)

    def __init__(self, iface: Any, project: QgsProject, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("results.ui")), self, package=__package__)
        self._layers: ResultLayers | None = None
        self._stepper = Stepper(iface.mapCanvas(), image_range, self.previousButton, self.nextButton, self)
        self._buttons = {
            LayerKind.TRUE_COLOUR: self.showTrueColour,
            LayerKind.OUTLINE: self.showOutline,
            LayerKind.MASK: self.showMask,
            LayerKind.PROBABILITY: self.showProbability,
            LayerKind.NDVI: self.showNdvi,
            LayerKind.EVI2: self.showEvi2,
            LayerKind.KNDVI: self.showKndvi,
            LayerKind.FEATURES: self.showFeatures,
        }
        self.labels = LabelPanel(iface.mapCanvas(), project)
        self.resultsLayout.addWidget(self.labels)
        self._set_up_widgets()
        self.clear()

    def clear(self) -> None:
        """Forget the results; their layers stay."""
        self._layers = None
        self._stepper.clear()

    def follow(self, layers: ResultLayers) -> None:
        """Show the results of a run that has begun; its layers follow one by one."""
        self._layers = layers
        self._stepper.follow(layers.steps)
        layers.show(self._kinds())
        layers.show_feature(self.featureChoice.currentData())

    def grow(self) -> None:
        """Layers of one more image are there."""
        self._stepper.grow()

    def refresh(self) -> None:
        """Take over the images that have layers now, and keep showing the same one."""
        self._stepper.refresh()

    def show_image(self, outcome: ImageOutcome) -> None:
        """Show one image on the map."""
        self._stepper.show(outcome)

    def step(self, offset: int) -> None:
        """Go on by a number of images; the ends hold."""
        self._stepper.step(offset)

    def _set_up_widgets(self) -> None:
        self.imageLabel.setMinimumHeight(
            2 * self.fontMetrics().lineSpacing()
        )  # the toggles stay in place in a narrow dock
        for kind, button in self._buttons.items():
            button.setChecked(kind in SHOWN_AT_FIRST)
            button.toggled.connect(self._on_toggle)
        keep_narrow(self.featureChoice)
        for feature in FEATURES.values():
            self.featureChoice.addItem(feature.name, feature.name)
            row = self.featureChoice.count() - 1
            self.featureChoice.setItemData(row, feature.label, Qt.ItemDataRole.ToolTipRole)
        self.featureChoice.currentIndexChanged.connect(self._on_feature)
        self._stepper.changed.connect(self._show_state)
        self._stepper.shown.connect(self.shown)
        self._stepper.followed.connect(self.shown)

    def _on_toggle(self) -> None:
        if self._layers is not None:
            self._layers.show(self._kinds())

    def _on_feature(self) -> None:
        """Whoever chooses a feature wants to see it."""
        self.showFeatures.setChecked(True)
        if self._layers is not None:
            self._layers.show_feature(self.featureChoice.currentData())

    def _kinds(self) -> set[LayerKind]:
        kinds = {kind for kind, button in self._buttons.items() if button.isChecked()}
        return kinds | OUTLINES if LayerKind.OUTLINE in kinds else kinds

    def _show_state(self) -> None:
        steps = self._stepper.steps
        there = bool(steps)
        widgets = (self.previousButton, self.nextButton, self.imageLabel, *self._buttons.values(), self.labels)
        for widget in widgets:
            widget.setVisible(there)
        self.showEvi2.setVisible(any(step.evi2_path is not None or "evi2" in step.outputs for step in steps))
        self.showKndvi.setVisible(any(step.kndvi_path is not None or "kndvi" in step.outputs for step in steps))
        self.featureRow.setVisible(any(step.features_path is not None for step in steps))
        self.labels.follow(self._stepper.current if self._stepper.number else None)
        self.resultsState.show_hint("" if there else tr("Images appear here as a run makes them."))
        if self._stepper.number:
            self.imageLabel.setText(image_text(self._stepper.current, self._stepper.number, len(steps)))
