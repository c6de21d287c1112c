"""The tasks behind the dock: plain callbacks from a worker thread become Qt signals here, and nowhere else."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..engines.errors import CancelledError
from ..jobs.orders import Orders
from ..jobs.report import ImageOutcome, Progress, RunReport, RunState, Stage
from ..jobs.request import RunRequest
from .messages import sentence
from .services import CountCallback, IsCancelled, Services
from .wording import tr

if TYPE_CHECKING:
    from ..google.account import Connection


def quiet(flags: Any) -> Any:
    """The flags, and where QGIS knows it (3.26) the one that keeps it from announcing the end: the dock does that."""
    return flags | getattr(QgsTask, "Silent", flags)


class RunTask(QgsTask):
    """One run, from the request to its report.

    ``progress_made`` carries a Progress, ``image_made`` an ImageOutcome; ``run_ended`` carries the RunReport and comes
    exactly once, on the main thread, whatever happens. Orders to it go through ``pause`` and ``stop``; where QGIS
    itself cancels the task, at its end or from its list of tasks, the run pauses: nothing is lost by that.

    While it runs, Python's garbage collector leaves alone what was there when the last stage began. Full collections
    hold all threads up, the GUI's too, by about 0.1 s in a QGIS with few plugins, and the tables of samples that pass
    through a run bring them about.
    """

    progress_made = pyqtSignal(object)
    image_made = pyqtSignal(object)
    run_ended = pyqtSignal(object)

    def __init__(
        self,
        request: RunRequest,
        services: Services,
        connection: Connection | None = None,
        orders: Orders | None = None,
    ) -> None:
        super().__init__(_title(request), quiet(QgsTask.Flag.CanCancel))
        self._request = request
        self._services = services
        self._connection = connection
        self._orders = orders or Orders()
        self._report: RunReport | None = None
        self._stage: Stage | None = None
        self.taskCompleted.connect(self._end)
        self.taskTerminated.connect(self._end)

    def retry(self, indexes: Collection[str] | None) -> None:
        """Take up failed images again: these, or all."""
        self._orders.retry(indexes)

    def pause(self) -> None:
        """End the run, and leave alone what a service computes for it."""
        self._orders.pause()

    def stop(self) -> None:
        """Cancel the run, here and at a service."""
        self._orders.cancel()
        super().cancel()

    def cancel(self) -> None:
        """Pause: it is QGIS that calls this."""
        self._orders.pause()
        super().cancel()

    def run(self) -> bool:
        """Do the work; called by QGIS in a worker thread."""
        try:
            self._report = self._services.run(
                self._request, self._connection, self._orders, self._progress, self._image
            )
        except CancelledError:
            self._report = self._broken_off()
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

    def _broken_off(self) -> RunReport:
        if self._orders.is_cancelled:
            return RunReport(RunState.CANCELLED, tr("Cancelled."))
        return RunReport(RunState.PAUSED, tr("Paused. Resume goes on from here."))

    def _end(self) -> None:
        self.run_ended.emit(self._report or self._broken_off())


def _title(request: RunRequest) -> str:
    """What QGIS lists a run as; it asks at its end whether to cancel what it lists."""
    if request.earth_engine is None:
        return tr("Masking clouds")
    return tr("Masking clouds on Earth Engine (pauses; its tasks there go on)")


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
