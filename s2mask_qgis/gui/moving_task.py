"""A move in a worker thread: its progress and its report become Qt signals here."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..jobs.moving_request import MoveProgress, MoveReport
from ..jobs.orders import Orders
from ..jobs.report import RunState
from .messages import sentence
from .run_task import quiet
from .wording import tr

Work = Callable[[Orders, Callable[[MoveProgress], None]], MoveReport]


class MoveTask(QgsTask):
    """``progressed`` carries a MoveProgress; ``ended`` carries the MoveReport and comes exactly once, on the main
    thread. Where QGIS cancels the task, the move pauses: nothing is lost by that."""

    progressed = pyqtSignal(object)
    ended = pyqtSignal(object)

    def __init__(self, description: str, work: Work) -> None:
        super().__init__(description, quiet(QgsTask.Flag.CanCancel | QgsTask.Flag.CancelWithoutPrompt))
        self._work = work
        self._orders = Orders()
        self._report = MoveReport(RunState.PAUSED, tr("Stopped before it began."))
        self.taskCompleted.connect(self._end)
        self.taskTerminated.connect(self._end)

    def stop(self) -> None:
        """Cancel the move, its tasks at the service too."""
        self._orders.cancel()
        super().cancel()

    def cancel(self) -> None:
        """Pause: it is QGIS that calls this."""
        self._orders.pause()
        super().cancel()

    def run(self) -> bool:
        """Do the work; called by QGIS in a worker thread."""
        try:
            self._report = self._work(self._orders, self._tell)
        except Exception as error:  # nothing may escape into QGIS's task thread
            self._report = MoveReport(RunState.REFUSED, sentence(error))
        return self._report.state in (RunState.FINISHED, RunState.FINISHED_WITH_FAILURES)

    def _tell(self, progress: MoveProgress) -> None:
        if progress.total:
            self.setProgress(100.0 * progress.done / progress.total)
        self.progressed.emit(progress)

    def _end(self) -> None:
        self.ended.emit(self._report)
