"""What a run would do, looked at in tasks: by itself on this computer, on request on Earth Engine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..core.area import Area
from ..core.parameters import RunParameters
from ..core.scenes import Scene
from ..jobs.request import RunRequest
from .estimate import Estimate, estimate
from .run_task import FunctionTask
from .services import Services
from .wording import tr

if TYPE_CHECKING:
    from ..core.estimates import RunEstimate
    from ..google.account import Connection


class EstimateControl(QObject):
    """One look at a time; a new one takes the place of the one before.

    ``counted`` carries an Estimate of a run on this computer, ``estimated`` a RunEstimate of one on Earth Engine,
    ``failed`` a sentence; ``busy_changed`` tells whether Earth Engine is being asked.
    """

    counted = pyqtSignal(object)
    estimated = pyqtSignal(object)
    failed = pyqtSignal(str)
    busy_changed = pyqtSignal(bool)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._task: FunctionTask | None = None
        self._is_asking = False
        self._problems: tuple[str, ...] = ()

    @property
    def is_asking(self) -> bool:
        """True while Earth Engine is asked."""
        return self._is_asking

    def problems(self) -> list[str]:
        """Why the run that was looked at last cannot be done; empty where it can, or where none was looked at."""
        return list(self._problems)

    def forget(self) -> None:
        """The form asks for something else: what is known, or being found out, does not count any more."""
        self._problems = ()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._ask(False)

    def count(
        self, scenes: tuple[Scene, ...], area: Area, parameters: RunParameters, request: RunRequest | None
    ) -> None:
        """Count the images among ``scenes``; without a ``request`` none counts as made already."""
        self.forget()
        work = partial(estimate, self._services, scenes, area, parameters, request)
        task = FunctionTask(tr("Counting images"), lambda _on_count, is_cancelled: work(is_cancelled))
        self._start(task, self._on_count)

    def ask(self, request: RunRequest, connection: Connection) -> None:
        """Ask Earth Engine."""
        self.forget()
        self._ask(True)
        work = partial(self._services.estimate, request, connection)
        task = FunctionTask(tr("Asking Earth Engine"), lambda _on_count, is_cancelled: work(is_cancelled))
        self._start(task, self._on_estimate)

    def _start(self, task: FunctionTask, on_value: Any) -> None:
        self._task = task
        task.succeeded.connect(lambda value: self._end(task, lambda: on_value(value)))
        task.failed.connect(lambda text: self._end(task, lambda: self.failed.emit(text)))
        QgsApplication.taskManager().addTask(task)

    def _end(self, task: FunctionTask, then: Any) -> None:
        if task is self._task:
            self._task = None
            self._ask(False)
            then()

    def _ask(self, is_asking: bool) -> None:
        if is_asking != self._is_asking:
            self._is_asking = is_asking
            self.busy_changed.emit(is_asking)

    def _on_count(self, found: Estimate) -> None:
        self._problems = (found.problem,) if found.problem else ()
        self.counted.emit(found)

    def _on_estimate(self, found: RunEstimate) -> None:
        self._problems = tuple(found.problems)
        self.estimated.emit(found)
