"""Adds the layers of finished results to the project, one layer an event-loop turn, so that QGIS stays responsive."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from .messages import sentence

AddSteps = Callable[[Any], Iterator[Any]]
"""Adds the layers of one result and yields after each."""


class LayerQueue(QObject):
    """Results (outcomes of images, files of a series) that wait for their layers.

    ``added`` carries a result once all its layers are in the project, ``failed`` a result and a sentence where they
    could not be made, ``idle`` comes when nothing waits any more.
    """

    added = pyqtSignal(object)
    failed = pyqtSignal(object, str)
    idle = pyqtSignal()

    def __init__(self, add_steps: AddSteps, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._add_steps = add_steps
        self._waiting: deque[Any] = deque()
        self._current: tuple[Any, Iterator[Any]] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._step)

    @property
    def is_idle(self) -> bool:
        """True while nothing waits."""
        return self._current is None and not self._waiting

    @property
    def waiting(self) -> int:
        """How many results wait."""
        return len(self._waiting)

    def add(self, result: Any) -> None:
        """Let a result wait for its turn."""
        self._waiting.append(result)
        self._timer.start()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._current = None
        self._timer.stop()

    def _step(self) -> None:
        if self._current is None:
            result = self._waiting.popleft()
            self._current = (result, self._add_steps(result))
        result, steps = self._current
        try:
            next(steps)
        except StopIteration:
            self._finish()
            self.added.emit(result)
        except Exception as error:  # one unreadable raster must not stop the others
            self._finish()
            self.failed.emit(result, sentence(error))
        if self.is_idle:
            self._timer.stop()
            self.idle.emit()

    def _finish(self) -> None:
        self._current = None
