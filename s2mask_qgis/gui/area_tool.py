"""A map tool that draws one polygon and emits it; what becomes of it is decided elsewhere."""

from __future__ import annotations

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent

from .wording import tr

LINE_COLOUR = QColor(0, 150, 255)
"""Red is the outline of clouds."""

FILL_COLOUR = QColor(0, 150, 255, 40)


class AreaTool(QgsMapTool):
    """Left click adds a corner, right click or Enter ends, Backspace takes the last corner back, Esc gives up.

    ``drawn`` carries the polygon (QgsGeometry) and its coordinate system, ``refused`` a sentence.
    """

    drawn = pyqtSignal(object, object)
    refused = pyqtSignal(str)

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self._corners: list[QgsPointXY] = []
        self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self._band.setStrokeColor(LINE_COLOUR)
        self._band.setFillColor(FILL_COLOUR)
        self._band.setWidth(2)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 (QGIS's name)
        """Add a corner, or end."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._corners.append(self.toMapCoordinates(event.pos()))
            self._show(self._corners)
        elif event.button() == Qt.MouseButton.RightButton:
            self._finish()

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 (QGIS's name)
        """Show the polygon with the corner under the mouse."""
        if self._corners:
            self._show([*self._corners, self.toMapCoordinates(event.pos())])

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (QGIS's name)
        """End, take back or give up."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._finish()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            del self._corners[-1:]
            self._show(self._corners)
        elif key == Qt.Key.Key_Escape:
            self.canvas().unsetMapTool(self)
        else:
            return
        event.ignore()  # QGIS's own convention: the tool has used the key, the canvas must not

    def deactivate(self) -> None:
        """Forget what was drawn; called by QGIS when another tool is chosen."""
        self._clear()
        super().deactivate()

    def remove(self) -> None:
        """Take the rubber band off the map for good."""
        self._clear()
        self.canvas().scene().removeItem(self._band)

    def _finish(self) -> None:
        corners = self._corners
        if len(corners) < 3:
            self.refused.emit(tr("An area needs at least three corners: click them on the map, then right-click."))
            return
        polygon = QgsGeometry.fromPolygonXY([corners])
        crs = self.canvas().mapSettings().destinationCrs()
        self.canvas().unsetMapTool(self)
        self.drawn.emit(polygon, crs)

    def _show(self, corners: list[QgsPointXY]) -> None:
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        for corner in corners:
            self._band.addPoint(corner)

    def _clear(self) -> None:
        self._corners = []
        self._show([])
