"""The tasks behind the dock: plain callbacks from a worker thread become Qt signals here, and nowhere else."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..engines.errors import CancelledError
from ..jobs.report import ImageOutcome, Progress, RunReport, RunState, Stage
from ..jobs.request import RunRequest
from .messages import sentence
from .services import CountCallback, IsCancelled, Services
from .wording import tr


def quiet(flags: Any) -> Any:
    """The flags, and where QGIS knows it (3.26) the one that keeps it from announcing the end: the dock does that."""
    return flags | getattr(QgsTask, "Silent", flags)


class RunTask(QgsTask):
    """One run, from the request to its report.

    ``progress_made`` carries a Progress, ``image_made`` an ImageOutcome; ``run_ended`` carries the RunReport and comes
    exactly once, on the main thread, whatever happens.

    While it runs, Python's garbage collector leaves alone what was there when the last stage began. Full collections
    hold all threads up, the GUI's too, by about 0.1 s in a QGIS with few plugins, and the tables of samples that pass
    through a run bring them about.
    """

    progress_made = pyqtSignal(object)
    image_made = pyqtSignal(object)
    run_ended = pyqtSignal(object)

    def __init__(self, request: RunRequest, services: Services) -> None:
        super().__init__(tr("Masking clouds"), quiet(QgsTask.Flag.CanCancel))
        self._request = request
        self._services = services
        self._report = RunReport(RunState.CANCELLED, tr("Cancelled before it started."))
        self._stage: Stage | None = None
        self.taskCompleted.connect(self._end)
        self.taskTerminated.connect(self._end)

    def run(self) -> bool:
        """Do the work; called by QGIS in a worker thread."""
        try:
            self._report = self._services.run(self._request, self._progress, self._image, self.isCanceled)
        except CancelledError:
            self._report = RunReport(RunState.CANCELLED, tr("Cancelled."))
        except Exception as error:  # nothing may escape into QGIS's task thread
            self._report = RunReport(RunState.REFUSED, sentence(error))
        finally:
            gc.unfreeze()
        return self._report.state in (RunState.FINISHED, RunState.FINISHED_WITH_FAILURES)

    def _progress(self, progress: Progress) -> None:
        if progress.stage is not self._stage:
            self._stage = progress.stage
            gc.freeze()
        if progress.total:
            self.setProgress(100.0 * progress.done / progress.total)
        self.progress_made.emit(progress)

    def _image(self, outcome: ImageOutcome) -> None:
        self.image_made.emit(outcome)

    def _end(self) -> None:
        self.run_ended.emit(self._report)


class FunctionTask(QgsTask):
    """Any function of (on_count, is_cancelled) in a worker thread.

    One of ``succeeded`` (its value), ``failed`` (a sentence) or ``stopped`` comes on the main thread at the end;
    ``counted`` carries (done, total) on the way.
    """

    counted = pyqtSignal(int, int)
    succeeded = pyqtSignal(object)
    failed = pyqtSignal(str)
    stopped = pyqtSignal()

    def __init__(self, description: str, function: Callable[[CountCallback, IsCancelled], Any]) -> None:
        super().__init__(description, quiet(QgsTask.Flag.CanCancel | QgsTask.Flag.CancelWithoutPrompt))
        self._function = function
        self._value: Any = None
        self._problem = ""
        self.taskCompleted.connect(self._complete)
        self.taskTerminated.connect(self._terminate)

    def run(self) -> bool:
        """Do the work; called by QGIS in a worker thread."""
        try:
            self._value = self._function(self._count, self.isCanceled)
        except CancelledError:
            return False
        except Exception as error:  # nothing may escape into QGIS's task thread
            self._problem = sentence(error)
            return False
        return True

    def _count(self, done: int, total: int) -> None:
        if total:
            self.setProgress(100.0 * done / total)
        self.counted.emit(done, total)

    def _complete(self) -> None:
        if self.isCanceled():
            self.stopped.emit()
        else:
            self.succeeded.emit(self._value)

    def _terminate(self) -> None:
        if self._problem and not self.isCanceled():
            self.failed.emit(self._problem)
        else:
            self.stopped.emit()
