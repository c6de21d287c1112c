"""A label that tells how a section stands: as a fact, as a grey hint, or as a problem with a warning sign."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon, QPainter, QPaintEvent, QPalette
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QWidget

GAP_PX = 6
"""Between the warning sign and the text."""


class StateLabel(QLabel):
    """A wrapped line of plain text that disappears where there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon: QIcon | None = None
        self._role = QPalette.ColorRole.WindowText
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.show_fact("")

    @property
    def has_problem(self) -> bool:
        """True while the text is a problem."""
        return self._icon is not None

    def show_fact(self, text: str) -> None:
        """Show how things are."""
        self._show(text, QPalette.ColorRole.WindowText, None)

    def show_hint(self, text: str) -> None:
        """Show in grey what is missing or what to do next."""
        self._show(text, QPalette.ColorRole.PlaceholderText, None)

    def show_problem(self, text: str) -> None:
        """Show what is wrong, with a warning sign; an empty text means that nothing is."""
        icon = QgsApplication.getThemeIcon("/mIconWarning.svg") if text else None
        self._show(text, QPalette.ColorRole.WindowText, icon)

    def _show(self, text: str, role: QPalette.ColorRole, icon: QIcon | None) -> None:
        self._role = role
        self._icon = icon
        self.setContentsMargins(self.fontMetrics().height() + GAP_PX if icon else 0, 0, 0, 0)
        self.setText(text)
        self.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the text in the colour of its kind; QLabel itself cannot use the palette's placeholder colour."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self._role))
        painter.drawText(self.contentsRect(), int(self.alignment()) | Qt.TextFlag.TextWordWrap, self.text())
        if self._icon:
            side = self.fontMetrics().height()
            self._icon.paint(painter, 0, self.contentsRect().top(), side, side)
