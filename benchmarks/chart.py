"""How long a click on the map takes until the chart is painted: real QGIS off screen, 100 images with masks on disk."""

from __future__ import annotations

import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from osgeo import gdal, osr  # noqa: E402
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsPointXY, QgsRectangle  # noqa: E402
from qgis.gui import QgsMapCanvas, QgsMessageBar  # noqa: E402
from qgis.PyQt.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer  # noqa: E402
from qgis.PyQt.QtGui import QMouseEvent  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication, QMainWindow  # noqa: E402

DATES, SIZE_PX, PIXEL_M = 100, 2048, 10.0
CLICKS, DRAGS = 40, 40
LIMIT_MS = 300
ORIGIN = 500_000.0, 5_300_000.0
TIMEOUT_S = 120.0
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Window:
    """The parts of QGIS's interface that the panel touches."""

    def __init__(self) -> None:
        self.window = QMainWindow()
        self.window.resize(1400, 900)
        self.canvas = QgsMapCanvas(self.window)
        self.window.setCentralWidget(self.canvas)
        self.bar = QgsMessageBar(self.window)
        self.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
        side = SIZE_PX * PIXEL_M
        self.canvas.setExtent(QgsRectangle(ORIGIN[0], ORIGIN[1] - side, ORIGIN[0] + side, ORIGIN[1]))

    def mainWindow(self) -> QMainWindow:  # noqa: N802 (QGIS's name)
        """The window."""
        return self.window

    def mapCanvas(self) -> QgsMapCanvas:  # noqa: N802 (QGIS's name)
        """The map."""
        return self.canvas

    def messageBar(self) -> QgsMessageBar:  # noqa: N802 (QGIS's name)
        """The bar."""
        return self.bar


def write_stack(folder: Path) -> None:
    """Dated NDVI and masks as a run writes them: tiled, packed, one file a date; four years of grass under clouds."""
    generator = np.random.default_rng(5)
    phase = np.linspace(0, 40, SIZE_PX, dtype=np.float32)
    for number in range(DATES):
        day = 19358 + 14 * number
        name = f"{np.datetime64('1970-01-01') + day}.tif".replace("-", "")
        wave = 0.5 - 0.3 * np.cos(2 * math.pi * (day - 15 - phase) / 365.25)
        ndvi = wave[None, :] + generator.normal(0, 0.02, (SIZE_PX, SIZE_PX)).astype(np.float32)
        cells = generator.random((SIZE_PX // 64, SIZE_PX // 64)) < 0.35
        write(folder / "ndvi" / name, ndvi.astype(np.float32), gdal.GDT_Float32, math.nan)
        write(folder / "mask" / name, np.kron(cells, np.ones((64, 64))).astype(np.uint8), gdal.GDT_Byte, 255)


def write(path: Path, values: np.ndarray, kind: int, nodata: float) -> None:
    """One band as a GeoTIFF in blocks of 256 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = ["TILED=YES", "COMPRESS=DEFLATE", "PREDICTOR=" + ("3" if kind == gdal.GDT_Float32 else "2")]
    target = gdal.GetDriverByName("GTiff").Create(str(path), SIZE_PX, SIZE_PX, 1, kind, options)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    target.SetProjection(reference.ExportToWkt())
    target.SetGeoTransform((ORIGIN[0], PIXEL_M, 0.0, ORIGIN[1], 0.0, -PIXEL_M))
    target.GetRasterBand(1).SetNoDataValue(nodata)
    target.GetRasterBand(1).WriteArray(values)


def wait(is_done: Callable[[], bool]) -> None:
    """Run the event loop until something is so, asleep while nothing happens."""
    end = time.monotonic() + TIMEOUT_S
    while not is_done():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        if time.monotonic() > end:
            raise TimeoutError("The chart did not come.")


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock, and seconds of processors that all threads of this process took meanwhile."""

    clock: float
    worked: float


class Clicker:
    """Clicks on the map of a window and measures until the chart's new picture is painted."""

    def __init__(self, window: Window, panel: object) -> None:
        self.window, self.panel = window, panel
        self.painted = 0
        self.charted = 0
        panel.charted.connect(self._on_chart)
        panel.ui.chartView.painted.connect(self._on_paint)

    def click(self, place: QPoint) -> Taken:
        """From the click on a place to the painted chart."""
        return self._measure(lambda: QTest.mouseClick(self.window.canvas.viewport(), LEFT, NO_KEY, place))

    def move(self, place: QPoint) -> Taken:
        """From a move of the mouse that holds a pin to the painted chart."""
        event = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), Qt.MouseButton.NoButton, LEFT, NO_KEY)
        return self._measure(lambda: QApplication.sendEvent(self.window.canvas.viewport(), event))

    def _measure(self, act: Callable[[], object]) -> Taken:
        charted = self.charted
        start, worked = time.perf_counter(), time.process_time()
        act()
        wait(lambda: self.charted > charted and self.painted > self.charted_at)
        return Taken(time.perf_counter() - start, time.process_time() - worked)

    def _on_chart(self, _number: int) -> None:
        self.charted += 1
        self.charted_at = self.painted

    def _on_paint(self) -> None:
        self.painted += 1


def line(name: str, taken: list[Taken]) -> str:
    """Median and worst in words."""
    clock, worked = ([1e3 * value for value in values] for values in zip(*((one.clock, one.worked) for one in taken)))
    facts = f"median {statistics.median(clock):.0f} ms, worst {max(clock):.0f} ms of {len(clock)} (limit {LIMIT_MS})"
    return f"{name}: {facts}; processor time {statistics.median(worked):.0f} ms"


def places(canvas: QgsMapCanvas, count: int) -> list[QPoint]:
    """Places of the map's widget that lie on the images and within the window."""
    seen, side = canvas.extent(), SIZE_PX * PIXEL_M
    west, east = max(seen.xMinimum(), ORIGIN[0]), min(seen.xMaximum(), ORIGIN[0] + side)
    south, north = max(seen.yMinimum(), ORIGIN[1] - side), min(seen.yMaximum(), ORIGIN[1])
    shares = np.random.default_rng(1).uniform(0.1, 0.9, (count, 2))
    points = [QgsPointXY(west + x * (east - west), south + y * (north - south)) for x, y in shares.tolist()]
    return [canvas.getCoordinateTransform().transform(point).toQPointF().toPoint() for point in points]


def measure(folder: Path) -> None:
    """Click and drag over the stack and print."""
    from s2mask_qgis.gui.chart_panel import ChartPanel
    from s2mask_qgis.jobs.pixel_curves import SeriesSource

    window = Window()
    panel = ChartPanel(window)
    window.window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, panel)
    window.window.show()
    tick = QTimer()
    tick.start(1000)  # wakes the loop, so that waiting ends where nothing happens
    start = time.perf_counter()
    panel.follow(SeriesSource(folder / "ndvi"))
    wait(lambda: window.canvas.mapTool() is panel.tool)
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f}: above that number, times on the clock tell of other programs")
    print(f"opening {DATES} images of {SIZE_PX} x {SIZE_PX} px with masks: {time.perf_counter() - start:.2f} s")
    clicker = Clicker(window, panel)
    at = places(window.canvas, CLICKS)
    clicks = [clicker.click(place) for place in at]
    print(f"first click, matplotlib loaded: {1e3 * clicks[0].clock:.0f} ms")
    print(line("clicks anywhere", clicks[1:]))
    panel.ui.chartView.repaint()
    QTest.mousePress(window.canvas.viewport(), LEFT, NO_KEY, at[-1] - QPoint(0, 5))
    print(line("drags by a pixel", [clicker.move(at[-1] + QPoint(number, 0)) for number in range(1, DRAGS)]))
    panel.close_down()


def main() -> int:
    """Measure once and print."""
    application = QgsApplication([], True)
    application.initQgis()
    gdal.UseExceptions()
    with tempfile.TemporaryDirectory(prefix="s2mask-chart-") as folder:
        write_stack(Path(folder))
        measure(Path(folder))
    application.exitQgis()
    return 0


if __name__ == "__main__":
    sys.exit(main())
