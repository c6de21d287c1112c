"""The keys that step through images and dates while the map has the focus."""

from __future__ import annotations

from collections.abc import Callable

from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QShortcut, QWidget

KEYS = {",": -1, ".": 1}
"""Each key and the number of steps it goes on; a text field that has the focus takes them as text."""


class StepKeys(QObject):
    """Steps through what was shown last: the images of a run or the dates of a series."""

    def __init__(self, window: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._step: Callable[[int], None] | None = None
        self._shortcuts = [self._shortcut(window, key, offset) for key, offset in KEYS.items()]

    def follow(self, step: Callable[[int], None] | None) -> None:
        """Call ``step`` from now on; None gives the keys back to QGIS."""
        self._step = step
        for shortcut in self._shortcuts:
            shortcut.setEnabled(step is not None)

    def close(self) -> None:
        """Give the keys back for good."""
        self.follow(None)
        for shortcut in self._shortcuts:
            shortcut.deleteLater()
        self._shortcuts = []

    def _shortcut(self, window: QWidget, key: str, offset: int) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), window)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.setEnabled(False)
        shortcut.activated.connect(lambda: self._step(offset) if self._step is not None else None)
        return shortcut
