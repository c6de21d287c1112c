"""A list of sentences behind a button that counts them."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtWidgets import QPlainTextEdit, QToolButton

HEIGHT_LINES = 8
"""A longer list scrolls."""

LINES_SHOWN = 200
"""More lines than these are only counted."""


class FoldedList(QObject):
    """Works a button and a text of a form; both are hidden while there is nothing to list."""

    def __init__(self, button: QToolButton, text: QPlainTextEdit) -> None:
        super().__init__(button)
        self._button = button
        self._text = text
        self._lines: Sequence[str] = ()
        text.setMaximumHeight(HEIGHT_LINES * text.fontMetrics().lineSpacing())
        button.toggled.connect(self._unfold)
        self.show_lines("", ())

    def show_lines(self, title: str, lines: Sequence[str]) -> None:
        """List these lines behind a button with this title."""
        self._lines = lines
        self._button.setText(title)
        self._button.setVisible(bool(lines))
        if not lines:
            self._button.setChecked(False)
        self._unfold(self._button.isChecked())

    def open(self) -> None:
        """Unfold the list."""
        self._button.setChecked(True)
        self._text.setFocus()

    def _unfold(self, unfolded: bool) -> None:
        self._button.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        self._text.setVisible(unfolded)
        self._text.setPlainText("\n".join(self._lines[:LINES_SHOWN]) if unfolded else "")
