"""Reads pixels for the chart in background tasks, one at a time: a later click stops the one before it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsPointXY
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..jobs.pixel_curves import PixelCurves, SeriesSource
from .chart_pins import moved_to
from .run_task import FunctionTask
from .services import CountCallback, IsCancelled
from .wording import tr

if TYPE_CHECKING:
    from ..jobs.pixel_series import PixelSeries

OpenPixels = Callable[[SeriesSource, CountCallback, IsCancelled], "PixelSeries"]
"""Opens a series for reading single pixels; called in a task."""

Place = tuple[QgsPointXY, QgsCoordinateReferenceSystem]


class PixelReading(QObject):
    """The open series and the pins that wait to be read; ``methods`` are those to compare the final curve with.

    ``opened`` carries a PixelSeries, ``refused`` the sentence why there is none; ``counted`` (done, total) comes on
    the way there. ``read`` carries the number of a pin and its PixelCurves, ``failed`` its number and a sentence.
    """

    opened = pyqtSignal(object)
    counted = pyqtSignal(int, int)
    refused = pyqtSignal(str)
    read = pyqtSignal(int, object)
    failed = pyqtSignal(int, str)

    def __init__(self, open_pixels: OpenPixels, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_pixels = open_pixels
        self._pixels: PixelSeries | None = None
        self._opening: FunctionTask | None = None
        self._reading: FunctionTask | None = None
        self._reading_number = 0
        self._waiting: dict[int, Place] = {}
        self.methods: tuple[str, ...] = ()

    @property
    def is_idle(self) -> bool:
        """True while nothing is read and nothing waits."""
        return self._opening is None and self._reading is None and not self._waiting

    @property
    def is_open(self) -> bool:
        """True where a series is open or on its way."""
        return self._pixels is not None or self._opening is not None

    def follow(self, source: SeriesSource) -> None:
        """Open another series in place of the one before; what waits is read from it."""
        self.close()
        task = FunctionTask(tr("Opening the series"), partial(self._open_pixels, source))
        self._opening = task
        task.counted.connect(partial(self._on_count, task))
        task.succeeded.connect(partial(self._on_open, task))
        task.failed.connect(partial(self._on_refusal, task))
        QgsApplication.taskManager().addTask(task)

    def ask(self, number: int, point: QgsPointXY, crs: QgsCoordinateReferenceSystem, at_once: bool) -> None:
        """Read the pixel of a pin; ``at_once`` stops the one that is being read, else it comes next.

        A pin asked for again before its turn is read once, at its last place.
        """
        self._waiting[number] = (point, crs)
        if at_once and self._reading is not None:
            self._reading.cancel()
        self._next()

    def forget(self, number: int) -> None:
        """Do not read a pin any more."""
        self._waiting.pop(number, None)
        if self._reading is not None and self._reading_number == number:
            self._reading.cancel()

    def close(self) -> None:
        """Stop everything and close the series."""
        for task in (self._opening, self._reading):
            if task is not None:
                task.cancel()
        self._opening = self._reading = None
        self._waiting = {}
        if self._pixels is not None:
            self._pixels.close()
            self._pixels = None

    def _next(self) -> None:
        if self._pixels is None or self._reading is not None or not self._waiting:
            return
        number, (point, crs) = next(iter(self._waiting.items()))
        del self._waiting[number]
        places = tuple(place_in(text, point, crs) for text in self._pixels.crs_texts)
        curves = partial(self._pixels.curves, places, self.methods)
        task = FunctionTask(tr("Reading a pixel"), lambda _on_count, is_cancelled: curves(is_cancelled))
        self._reading, self._reading_number = task, number
        task.succeeded.connect(partial(self._on_read, task, number))
        task.failed.connect(partial(self._on_failure, task, number))
        task.stopped.connect(partial(self._end, task))
        QgsApplication.taskManager().addTask(task)

    def _on_count(self, task: FunctionTask, done: int, total: int) -> None:
        if task is self._opening:
            self.counted.emit(done, total)

    def _on_open(self, task: FunctionTask, pixels: PixelSeries) -> None:
        if task is not self._opening:
            pixels.close()
            return
        self._opening, self._pixels = None, pixels
        self.opened.emit(pixels)
        self._next()

    def _on_refusal(self, task: FunctionTask, sentence: str) -> None:
        if task is self._opening:
            self._opening = None
            self._waiting = {}
            self.refused.emit(sentence)

    def _on_read(self, task: FunctionTask, number: int, curves: PixelCurves) -> None:
        if self._end(task):
            self.read.emit(number, curves)

    def _on_failure(self, task: FunctionTask, number: int, sentence: str) -> None:
        if self._end(task):
            self.failed.emit(number, sentence)

    def _end(self, task: FunctionTask) -> bool:
        """Go on with the next; False where the task belongs to a series that was closed."""
        if task is not self._reading:
            return False
        self._reading = None
        self._next()
        return True


def place_in(crs_text: str, point: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> tuple[float, float] | None:
    """A point of the map in a coordinate system (authority and code, or WKT); None where it has no place there.

    Rasters without a coordinate system lie on the map as they are.
    """
    target = QgsCoordinateReferenceSystem()
    target.createFromUserInput(crs_text)
    found = moved_to(point, crs, target) if crs_text else point
    return None if found is None else (found.x(), found.y())
