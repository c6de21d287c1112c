"""Adds the layers of finished images to the project, one layer an event-loop turn, so that QGIS stays responsive."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..jobs.report import ImageOutcome
from .messages import sentence

AddSteps = Callable[[ImageOutcome], Iterator[None]]
"""Adds the layers of an image and yields after each."""


class LayerQueue(QObject):
    """Outcomes that wait for their layers.

    ``added`` carries an outcome once all its layers are in the project, ``failed`` an outcome and a sentence where
    they could not be made, ``idle`` comes when nothing waits any more.
    """

    added = pyqtSignal(object)
    failed = pyqtSignal(object, str)
    idle = pyqtSignal()

    def __init__(self, add_steps: AddSteps, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._add_steps = add_steps
        self._waiting: deque[ImageOutcome] = deque()
        self._current: tuple[ImageOutcome, Iterator[None]] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._step)

    @property
    def is_idle(self) -> bool:
        """True while nothing waits."""
        return self._current is None and not self._waiting

    def add(self, outcome: ImageOutcome) -> None:
        """Let an outcome wait for its turn."""
        self._waiting.append(outcome)
        self._timer.start()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._current = None
        self._timer.stop()

    def _step(self) -> None:
        if self._current is None:
            outcome = self._waiting.popleft()
            self._current = (outcome, self._add_steps(outcome))
        outcome, steps = self._current
        try:
            next(steps)
        except StopIteration:
            self._finish()
            self.added.emit(outcome)
        except Exception as error:  # one unreadable raster must not stop the others
            self._finish()
            self.failed.emit(outcome, sentence(error))
        if self.is_idle:
            self._timer.stop()
            self.idle.emit()

    def _finish(self) -> None:
        self._current = None
