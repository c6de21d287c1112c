"""Runs inside QGIS (qgis --code): takes pictures of the panel with the pixel chart in its states."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

JOB = json.loads(Path(os.environ["S2MASK_JOB"]).read_text(encoding="utf-8"))
sys.path.insert(0, JOB["scripts_folder"])

import qgis.utils  # noqa: E402
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer  # noqa: E402
from qgis.PyQt.QtCore import QEventLoop, QPoint, Qt, QTimer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QCheckBox, QDockWidget, QWidget  # noqa: E402

from dock_driver import RefusedError, serve  # noqa: E402
from s2mask_qgis.gui.chart_panel import ChartPanel  # noqa: E402
from s2mask_qgis.jobs.pixel_curves import SeriesSource  # noqa: E402
from s2mask_qgis.paths import resource  # noqa: E402

SETTLE_MS = 700
POLL_MS = 50
WINDOW_SIZE = (1400, 880)
PANEL_PX, HIGH_PX, NARROW_PX = 300, 500, 420
PLACES = ((0.5, 0.42), (0.58, 0.3), (0.43, 0.72))
"""Of the pins, as shares of the map's width and height."""

HOVERED = (0.35, 0.5)
"""A place of the chart, as shares of its width and height."""

LEFT, CTRL, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier


class Photographer:
    """Works the panel and takes pictures on the way."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.taken: list[str] = []
        self.window = qgis.utils.iface.mainWindow()
        self.canvas = qgis.utils.iface.mapCanvas()
        self.window.resize(*WINDOW_SIZE)
        self.window.move(0, 0)
        for dock in self.window.findChildren(QDockWidget):
            dock.setVisible(dock.objectName() == "Layers")
        self.panel = ChartPanel(qgis.utils.iface)
        qgis.utils.iface.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.panel)
        self.set_height(PANEL_PX)

    def do(self) -> dict[str, Any]:
        """All pictures."""
        self.show_image()
        self.take("chart-empty", self.panel)
        series = Path(self.job["series"])
        self.panel.follow(SeriesSource(series / "ndvi", series / "mask"))
        self.wait(lambda: self.canvas.mapTool() is self.panel.tool)
        self.take("chart-opened", self.panel)
        self.pin(PLACES[0], NO_KEY)
        self.take("chart-one-pin")
        for place in PLACES[1:]:
            self.pin(place, CTRL)
        self.panel.choose(1)
        self.hover()
        self.take("pixel-curve")
        self.compare()
        self.take("chart-methods", self.panel)
        self.set_height(HIGH_PX)
        self.take("chart-high", self.panel)
        self.set_height(PANEL_PX)
        self.go_dark()
        self.take("chart-dark", self.panel)
        self.panel.setFloating(True)
        self.panel.resize(NARROW_PX, PANEL_PX)
        self.take("chart-narrow", self.panel)
        self.panel.close_down()
        qgis.utils.iface.removeDockWidget(self.panel)
        return {"problem": None, "pictures": self.taken}

    def show_image(self) -> None:
        """One image of the series on the map."""
        image = Path(self.job["series"]) / "ndvi" / f"{self.job['shown']}.tif"
        layer = QgsRasterLayer(str(image), "NDVI")
        layer.loadNamedStyle(str(resource("styles/ndvi.qml")))
        QgsProject.instance().addMapLayer(layer)
        self.canvas.setDestinationCrs(layer.crs())
        self.canvas.setExtent(layer.extent())
        self.canvas.refresh()

    def pin(self, place: tuple[float, float], key: Any) -> None:
        """Click on the map and wait for the chart."""
        viewport = self.canvas.viewport()
        at = QPoint(round(place[0] * viewport.width()), round(place[1] * viewport.height()))
        QTest.mouseClick(viewport, LEFT, key, at)
        self.wait(lambda: self.panel.reading.is_idle)

    def hover(self) -> None:
        """Point at the chart."""
        view = self.panel.ui.chartView
        self.pause(SETTLE_MS)
        QTest.mouseMove(view, QPoint(round(HOVERED[0] * view.width()), round(HOVERED[1] * view.height())))

    def compare(self) -> None:
        """Show other methods beside the final curve."""
        for method in ("linear", "savitzky-golay", "whittaker"):
            self.panel.findChild(QCheckBox, f"method_{method}").click()
        self.wait(lambda: self.panel.reading.is_idle)

    def go_dark(self) -> None:
        """QGIS's own dark theme."""
        QgsApplication.setUITheme("Night Mapping")

    def set_height(self, pixels: int) -> None:
        """Make the panel this high."""
        self.window.resizeDocks([self.panel], [pixels], Qt.Orientation.Vertical)
        self.pause(SETTLE_MS)

    def take(self, name: str, widget: QWidget | None = None) -> None:
        """A picture of a widget, or of the window, once it has settled and the map is drawn."""
        self.pause(SETTLE_MS)
        self.wait(lambda: not self.canvas.isDrawing())
        qgis.utils.iface.messageBar().clearWidgets()  # QGIS 3.22 announces the end of every task
        self.pause(POLL_MS)
        (widget or self.window).grab().save(str(Path(self.job["pictures"]) / f"{name}.png"))
        self.taken.append(name)

    def wait(self, is_done: Any) -> None:
        """Run the event loop until something is so."""
        for _ in range(round(1e3 * self.job["timeout_s"] / POLL_MS)):
            if is_done():
                return
            self.pause(POLL_MS)
        raise RefusedError(f"The panel did not do it: {self.panel.ui.chartState.text()}")

    def pause(self, milliseconds: int) -> None:
        """Let the event loop run for a while."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec_()


serve(JOB, lambda job: Photographer(job).do())
