"""A map tool that picks places and drags the pins that mark them; what is shown there is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool
from qgis.PyQt.QtCore import QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QCursor, QKeyEvent

from .chart_pins import Grip

GripAt = Callable[[QPoint], Grip | None]
"""What pin there is at a place of the canvas widget."""


class PixelTool(QgsMapTool):
    """Click picks a place (Ctrl for one more), dragging a pin moves it, Delete takes the current one away, Esc ends.

    ``picked`` carries the point (map coordinates) and whether it is one more; ``chosen`` the number of a pin that was
    clicked; ``dragged`` number and point, ``dropped`` the number when the button is released; ``remove_asked``
    nothing.
    """

    picked = pyqtSignal(object, bool)
    chosen = pyqtSignal(int)
    dragged = pyqtSignal(int, object)
    dropped = pyqtSignal(int)
    remove_asked = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas, grip_at: GripAt) -> None:
        super().__init__(canvas)
        self._grip_at = grip_at
        self._held: Grip | None = None
        self._pressed = QPoint()
        self._shape = Qt.CursorShape.CrossCursor
        self.setCursor(QCursor(self._shape))

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 (QGIS's name)
        """Take hold of a pin, where there is one."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._held = self._grip_at(event.pos())
        if self._held is not None:
            self._pressed = event.pos()
            self._show_cursor(Qt.CursorShape.ClosedHandCursor)
            self.chosen.emit(self._held.number)

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 (QGIS's name)
        """Move the pin that is held; else show what can be done here."""
        if self._held is not None and event.buttons() & Qt.MouseButton.LeftButton:
            if event.pos() != self._pressed:
                self.dragged.emit(self._held.number, self.toMapCoordinates(event.pos() - self._held.offset))
            return
        is_on_pin = self._grip_at(event.pos()) is not None
        self._show_cursor(Qt.CursorShape.OpenHandCursor if is_on_pin else Qt.CursorShape.CrossCursor)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 (QGIS's name)
        """Let a pin go, or pick the place."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._held is None:
            is_one_more = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self.picked.emit(self.toMapCoordinates(event.pos()), is_one_more)
            return
        held, self._held = self._held, None
        self._show_cursor(Qt.CursorShape.OpenHandCursor)
        self.dropped.emit(held.number)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (QGIS's name)
        """Remove the current pin, or give the map back."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_asked.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.canvas().unsetMapTool(self)
        else:
            return
        event.ignore()  # QGIS's own convention: the tool has used the key, the canvas must not

    def deactivate(self) -> None:
        """Let go; called by QGIS when another tool is chosen."""
        self._held = None
        super().deactivate()

    def _show_cursor(self, shape: Qt.CursorShape) -> None:
        if shape != self._shape:
            self._shape = shape
            self.setCursor(QCursor(shape))
