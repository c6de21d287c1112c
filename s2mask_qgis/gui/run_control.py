"""One run at a time: its task, the queue of its layers, and the order in which things end."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..gis.result_layers import ResultLayers
from ..jobs.orders import Orders
from ..jobs.report import ImageOutcome, ImageState, RunReport
from ..jobs.request import RunRequest
from .layer_queue import LayerQueue
from .messages import log
from .run_task import RunTask
from .services import Services
from .wording import tr

if TYPE_CHECKING:
    from ..google.account import Connection

STOP_MS = 3000
"""How long the end of the plugin waits for a run that was asked to stop."""


class RunControl(QObject):
    """Runs requests and adds their results to the project.

    ``progress_made`` carries a Progress; ``layers_begun`` the ResultLayers of a run that begins; ``layers_added`` an
    ImageOutcome whose layers are there; ``image_failed`` an ImageOutcome that could not be made or shown;
    ``image_stored`` an ImageOutcome whose results lie elsewhere, and the ResultLayers; ``ended`` the RunReport, after
    the last layer.
    """

    progress_made = pyqtSignal(object)
    layers_begun = pyqtSignal(object)
    layers_added = pyqtSignal(object)
    image_failed = pyqtSignal(object)
    image_stored = pyqtSignal(object, object)
    ended = pyqtSignal(object)

    def __init__(self, project: QgsProject, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._services = services
        self._task: RunTask | None = None
        self._request: RunRequest | None = None
        self._layers: ResultLayers | None = None
        self._report: RunReport | None = None
        self._started_s = 0.0
        self.seconds_per_image = 0.0
        self._queue = LayerQueue(self._add_steps, self)
        self._queue.added.connect(self.layers_added)
        self._queue.failed.connect(self._on_layer_failure)
        self._queue.idle.connect(self._end_if_done)

    @property
    def request(self) -> RunRequest | None:
        """What was asked of the run that goes on, or of the last one."""
        return self._request

    @property
    def is_running(self) -> bool:
        """True from the start of a run until its report is there."""
        return self._task is not None

    def start(self, request: RunRequest, connection: Connection | None = None) -> None:
        """Begin a run, or go on with one; only one goes on at a time."""
        self._begin(request, connection, Orders())

    def drop(self, request: RunRequest, connection: Connection | None = None) -> None:
        """Cancel what a run that was paused has left at a service."""
        orders = Orders()
        orders.cancel()
        self._begin(request, connection, orders)

    def _begin(self, request: RunRequest, connection: Connection | None, orders: Orders) -> None:
        where = tr("Earth Engine") if request.earth_engine else request.scenes_folder
        log(tr("Run: {} to {}, results in {}").format(where, request.area.name, request.output_folder))
        self._request = request
        self._report = None
        self._started_s = time.monotonic()
        self.begin_layers()
        self._task = RunTask(request, self._services, connection, orders)
        self._task.progress_made.connect(self.progress_made)
        self._task.image_made.connect(self._on_image)
        self._task.run_ended.connect(self._on_end)
        QgsApplication.taskManager().addTask(self._task)

    def begin_layers(self) -> None:
        """Let results from now on go to a group of their own; also after the project was emptied."""
        self._queue.clear()
        if self._request is not None:
            self._layers = ResultLayers(self._project, _group(self._request))
            self.layers_begun.emit(self._layers)
            self._end_if_done()

    def retry(self, indexes: Collection[str] | None) -> None:
        """Ask the run to take up failed images again: these, or all."""
        if self._task is not None:
            self._task.retry(indexes)

    def layers_of(self, request: RunRequest) -> ResultLayers:
        """Where the layers of a run go, also of one that was made in another session."""
        is_own = self._request is not None and self._request.output_folder == request.output_folder
        if self._layers is not None and is_own:
            return self._layers
        if self._task is None:
            self._request = request
            self.begin_layers()
        return self._layers if self._layers is not None else ResultLayers(self._project, _group(request))

    def pause(self) -> None:
        """Ask the run to end and to leave alone what a service computes for it."""
        if self._task is not None:
            self._task.pause()

    def cancel(self) -> None:
        """Ask the run to stop, at a service too; what is done stays."""
        if self._task is not None:
            self._task.stop()

    def close(self) -> None:
        """End with the plugin: pause the run and wait for it briefly."""
        self._queue.clear()
        task, self._task = self._task, None
        if task is not None:
            task.blockSignals(True)
            task.cancel()
            task.waitForFinished(STOP_MS)

    def _add_steps(self, outcome: ImageOutcome) -> Iterator[Any]:
        if self._layers is None:
            return iter(())
        return self._layers.add_steps(outcome)

    def _on_image(self, outcome: ImageOutcome) -> None:
        if outcome.state is ImageState.FAILED:
            log(f"{outcome.index}: {outcome.reason}")
            self.image_failed.emit(outcome)
        elif outcome.mask_path is None and outcome.outputs:
            self.image_stored.emit(outcome, self._layers)
        else:
            self._queue.add(outcome)

    def _on_layer_failure(self, outcome: ImageOutcome, reason: str) -> None:
        failed = ImageOutcome(outcome.index, outcome.tile, outcome.time_start_ms, ImageState.FAILED, reason=reason)
        log(f"{outcome.index}: {reason}")
        self.image_failed.emit(failed)

    def _on_end(self, report: RunReport) -> None:
        self._task = None
        self._report = report
        made = sum(outcome.state is ImageState.DONE for outcome in report.images)
        if made and self._request is not None and self._request.earth_engine is None:
            self.seconds_per_image = (time.monotonic() - self._started_s) / made
        self._end_if_done()

    def _end_if_done(self) -> None:
        """Say that the run has ended once its report is there and its last layer too."""
        if self._report is not None and self._queue.is_idle:
            report, self._report = self._report, None
            self.ended.emit(report)


def _group(request: RunRequest) -> str:
    """What the group of a run's layers is called."""
    return tr("Clouds · {}").format(request.output_folder.name)
