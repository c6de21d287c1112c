"""A driver of the dock that takes pictures on the way; for scripts that run inside QGIS (qgis --code)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qgis.utils
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QWidget

from dock_driver import Driver

SETTLE_MS = 700
WINDOW_SIZE = (1400, 880)
USUAL_PX, NARROW_PX, WIDE_PX = 360, 300, 600


class Photographer(Driver):
    """Works the dock and takes pictures on the way."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.folder = Path(job["pictures_folder"])
        self.taken: list[str] = []
        self.window.resize(*WINDOW_SIZE)
        self.set_width(USUAL_PX)

    def fold(self, sections: Any, folded: bool) -> None:
        """Fold sections of the dock, or unfold them."""
        for section in sections:
            section.setCollapsed(folded)

    def set_width(self, pixels: int) -> None:
        """Make the dock this wide."""
        self.window.resizeDocks([self.dock], [pixels], Qt.Orientation.Horizontal)
        self.pause(SETTLE_MS)

    def take_dock(self, name: str) -> None:
        """A picture of the dock, once it has settled."""
        self.pause(SETTLE_MS)
        self.take(self.dock, name)

    def take_window(self, name: str) -> None:
        """A picture of the whole window, once it has settled and the map is drawn."""
        self.pause(SETTLE_MS)
        canvas = qgis.utils.iface.mapCanvas()
        self.wait(lambda: not canvas.isDrawing(), 60, "The map was not drawn")
        self.take(self.window, name)

    def take(self, widget: QWidget, name: str) -> None:
        """A picture of a widget as it is, but for its folders: they are named without the path of this machine."""
        shown = [chooser.lineEdit() for chooser in self.dock.findChildren(QgsFileWidget)]
        paths = [line.text() for line in shown]
        for line, path in zip(shown, paths):
            line.blockSignals(True)
            line.setText(f"~/sentinel-2/{Path(path).name}" if path else "")
        widget.grab().save(str(self.folder / f"{name}.png"))
        for line, path in zip(shown, paths):
            line.setText(path)
            line.blockSignals(False)
        self.taken.append(name)
