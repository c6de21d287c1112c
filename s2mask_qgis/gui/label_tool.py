"""A map tool that picks places to be labelled; what they are labelled as is decided elsewhere."""

from __future__ import annotations

from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QCursor, QKeyEvent

from ..core.labels import CLEAR, CLOUD, SHADOW

CLASS_KEYS = {Qt.Key.Key_C: CLOUD, Qt.Key.Key_L: CLEAR, Qt.Key.Key_S: SHADOW}


class LabelTool(QgsMapTool):
    """Click picks a place, c, l and s ask for another class, Backspace takes the last label back, Esc ends.

    ``placed`` carries the point (map coordinates), ``class_asked`` a class, ``undo_asked`` nothing.
    """

    placed = pyqtSignal(object)
    class_asked = pyqtSignal(str)
    undo_asked = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self.setCursor(QCursor(Qt.CursorShape.CrossCursor))

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 (QGIS's name)
        """Pick a place."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.placed.emit(self.toMapCoordinates(event.pos()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (QGIS's name)
        """Change the class, take back, or give the map back."""
        if event.key() in CLASS_KEYS:
            self.class_asked.emit(CLASS_KEYS[event.key()])
        elif event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.undo_asked.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.canvas().unsetMapTool(self)
        else:
            return
        event.ignore()  # QGIS's own convention: the tool has used the key, the canvas must not
