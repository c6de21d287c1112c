"""Labels by clicks on the map: what is cloud, clear ground or shadow in the image that is shown."""

from __future__ import annotations

from collections import Counter
from typing import Any

from qgis.core import QgsApplication, QgsCoordinateTransform, QgsCsException, QgsPointXY, QgsProject, QgsVectorLayer
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QSignalBlocker, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..core.labels import CLASSES, CLEAR, CLOUD, SHADOW, LabelError
from ..jobs.report import ImageOutcome
from ..paths import form
from .label_tool import LabelTool
from .wording import counted, day_text, tr

LABELS_PROPERTY = "s2mask_qgis/labels"
"""Custom property of the layer that clicked labels go to."""


class LabelPanel(QWidget):
    """A button a class starts the map tool; each click adds a point to a layer of labels.

    ``layer_made`` carries a layer of labels that was added to the project.
    """

    layer_made = pyqtSignal(object)

    def __init__(self, canvas: Any, project: QgsProject, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("labels.ui")), self, package=__package__)
        self._canvas = canvas
        self._project = project
        self._outcome: ImageOutcome | None = None
        self._added: list[tuple[str, int]] = []
        self._tool = LabelTool(canvas)
        self._buttons = {CLOUD: self.labelCloud, CLEAR: self.labelClear, SHADOW: self.labelShadow}
        self.undoLabelButton.setIcon(QgsApplication.getThemeIcon("/mActionUndo.svg"))
        self._connect()
        self._show_state()

    def follow(self, outcome: ImageOutcome | None) -> None:
        """The image that the map shows now; None where there is none."""
        self._outcome = outcome
        if outcome is None:
            self._canvas.unsetMapTool(self._tool)
        self._show_state()

    def close_tool(self) -> None:
        """Give the map back for good."""
        self._canvas.unsetMapTool(self._tool)

    def layer(self) -> QgsVectorLayer | None:
        """The layer that labels go to, also one of an earlier session; None while there is none."""
        layers = self._project.mapLayers().values()
        return next((layer for layer in layers if layer.customProperty(LABELS_PROPERTY)), None)

    def _connect(self) -> None:
        for kind, button in self._buttons.items():
            button.toggled.connect(lambda checked, kind=kind: self._on_toggle(kind, checked))
        self.undoLabelButton.clicked.connect(self._undo)
        self._tool.placed.connect(self._place)
        self._tool.class_asked.connect(lambda kind: self._buttons[kind].setChecked(True))
        self._tool.undo_asked.connect(self._undo)
        self._tool.deactivated.connect(self._release)

    def _chosen(self) -> str | None:
        """The class that a click gives; None while none is chosen."""
        return next((kind for kind, button in self._buttons.items() if button.isChecked()), None)

    def _on_toggle(self, kind: str, checked: bool) -> None:
        if not checked:
            self._canvas.unsetMapTool(self._tool)
            self._show_state()
            return
        for other, button in self._buttons.items():
            with QSignalBlocker(button):
                button.setChecked(other == kind)
        if self._canvas.mapTool() is not self._tool:  # chosen again it would first be put away
            self._canvas.setMapTool(self._tool)
        self._canvas.setFocus()  # for the keys
        self._show_state()

    def _release(self) -> None:
        """Another tool has the map."""
        for button in self._buttons.values():
            with QSignalBlocker(button):
                button.setChecked(False)
        self._show_state()

    def _place(self, point: QgsPointXY) -> None:
        kind = self._chosen()
        if kind is None or self._outcome is None:
            return
        from ..gis.labels import add_label

        layer = self.layer() or self._make_layer()
        map_crs = self._canvas.mapSettings().destinationCrs()
        try:
            place = QgsCoordinateTransform(map_crs, layer.crs(), self._project).transform(point)
            number = add_label(layer, place.x(), place.y(), self._outcome.index, kind)
        except QgsCsException:
            self.labelState.show_problem(tr("This place of the map is nowhere on earth. Click inside the image."))
        except LabelError as error:
            self.labelState.show_problem(str(error))
        else:
            self._added.append((layer.id(), number))
            self._show_state()

    def _make_layer(self) -> QgsVectorLayer:
        """A new layer of labels, on top of all others."""
        from ..gis.labels import new_label_layer

        layer = new_label_layer(self._project)
        layer.setCustomProperty(LABELS_PROPERTY, "1")
        self._project.addMapLayer(layer, False)
        self._project.layerTreeRoot().insertLayer(0, layer)
        self.layer_made.emit(layer)
        return layer

    def _undo(self) -> None:
        self._added = [(layer_id, number) for layer_id, number in self._added if self._project.mapLayer(layer_id)]
        if not self._added:
            return
        from ..gis.labels import remove_label

        layer_id, number = self._added.pop()
        try:
            remove_label(self._project.mapLayer(layer_id), number)
        except LabelError as error:
            self.labelState.show_problem(str(error))
        else:
            self._show_state()

    def _show_state(self) -> None:
        there = self._outcome is not None
        for button in self._buttons.values():
            button.setEnabled(there)
        layer = self.layer()
        self.undoLabelButton.setEnabled(bool(self._added) and layer is not None)
        lines = [self._counts(layer)] if layer is not None else []
        kind = self._chosen()
        if kind is not None and self._outcome is not None:
            ask = tr("Click what is {} in the image of {}.").format(tr(kind), day_text(self._outcome))
            lines.insert(0, ask)
        self.labelState.show_hint("\n".join(filter(None, lines)))

    def _counts(self, layer: QgsVectorLayer) -> str:
        """How many labels there are: "3 cloud, 1 clear here · 12 labels in all"."""
        from ..gis.labels import CLASS_FIELD, IMAGE_FIELD

        found = Counter((feature[IMAGE_FIELD], feature[CLASS_FIELD]) for feature in layer.getFeatures())
        index = self._outcome.index if self._outcome is not None else ""
        here = [f"{found[index, kind]} {tr(kind)}" for kind in CLASSES if found[index, kind]]
        total = sum(found.values())
        if not total:
            return ""
        in_all = tr("{} in all").format(counted(total, tr("label"), tr("labels")))
        return tr("{} here · {}").format(", ".join(here) or tr("none"), in_all)
