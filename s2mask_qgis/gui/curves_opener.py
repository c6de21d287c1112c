"""The button that opens the panel of pixel curves, and the panel behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QObject, QSignalBlocker, Qt
from qgis.PyQt.QtWidgets import QToolButton

from ..jobs.pixel_curves import SeriesSource

if TYPE_CHECKING:
    from .chart_panel import ChartPanel


class CurvesOpener(QObject):
    """Makes the panel when the button is pressed first; the button stays down while the panel is open.

    ``source`` is the series whose pixels are shown.
    """

    def __init__(self, iface: Any, button: QToolButton) -> None:
        super().__init__(button)
        self._iface = iface
        self._button = button
        self.source: SeriesSource | None = None
        self.panel: ChartPanel | None = None
        button.toggled.connect(self._on_toggle)

    def follow(self, source: SeriesSource | None) -> None:
        """The series whose pixels are shown from now on; None while there is none, which leaves the panel as it is."""
        self._button.setEnabled(source is not None or self.panel is not None)
        if source is None or source == self.source:
            return
        self.source = source
        if self.panel is not None:
            self.panel.follow(source)

    def close(self) -> None:
        """Take the panel away."""
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.closedStateChanged.disconnect(self._on_closed)
            panel.close_down()
            self._iface.removeDockWidget(panel)
            panel.deleteLater()

    def _on_toggle(self, checked: bool) -> None:
        if checked and self.panel is None and self.source is not None:
            from .chart_panel import ChartPanel

            self.panel = ChartPanel(self._iface)
            self.panel.closedStateChanged.connect(self._on_closed)
            self._iface.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.panel)
            self.panel.follow(self.source)
        if self.panel is not None:
            self.panel.setUserVisible(checked)

    def _on_closed(self, is_closed: bool) -> None:
        with QSignalBlocker(self._button):
            self._button.setChecked(not is_closed)
