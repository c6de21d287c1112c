"""From the form to a run: what it would make, what is in its way, its start, and runs that were begun before."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QFileDialog

from ..engines.errors import EngineError
from ..gis.errors import UserError
from ..jobs.request import RunRequest
from .estimate import Estimate
from .estimate_control import EstimateControl
from .ledger_control import LedgerControl
from .levels import of_level
from .run_control import RunControl
from .run_form import RunForm
from .run_task import FunctionTask
from .services import Services
from .wording import estimate_text, images_text, tr

if TYPE_CHECKING:
    from ..core.estimates import RunEstimate
    from ..jobs.ledger.reading import LedgerView

REFRESH_MS = 150
"""Edits that follow each other within this time are looked at once."""


class RunStarter(QObject):
    """Starts what the form asks for, or a run that was chosen by its ledger.

    ``begun`` carries the RunRequest of a run that starts; ``refreshed`` comes once the form was looked at after edits.
    ``in_the_way`` tells what else keeps a run from starting.
    """

    begun = pyqtSignal(object)
    refreshed = pyqtSignal()

    def __init__(
        self,
        form: RunForm,
        services: Services,
        control: RunControl,
        ledgers: LedgerControl,
        in_the_way: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._form = form
        self._services = services
        self._control = control
        self._ledgers = ledgers
        self._in_the_way = in_the_way
        self._chosen: RunRequest | None = None
        self._is_known = False
        self._starts_next = False
        self._task: FunctionTask | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self.estimates = EstimateControl(services, self)
        self._connect()

    def request(self) -> RunRequest | None:
        """The run that was chosen by its ledger, else what the form asks for; None where that is not complete."""
        if self._chosen is not None:
            return replace(self._chosen, throttle=self._form.run.destination.throttle())
        return self._form.request()

    def problems(self) -> list[str]:
        """Everything that keeps a run from starting, in the order of the form."""
        own = self._form.problems() if self._chosen is None else self._form.connection_problems()
        found = [self._in_the_way(), *own]
        if not any(found):
            found += self.estimates.problems()
        return [text for text in found if text]

    def refresh(self) -> None:
        """The form has changed: say what is missing, count the images, look for what was made before."""
        self._timer.stop()
        self._starts_next = self._is_known = False
        run = self._form.run
        if self._chosen is None:
            self._form.read_area()
            self._look_at_images()
        run.warningsLabel.show_problem("")
        if run.problemsLabel.text():
            run.show_problems(self.problems())
        self._ledgers.follow(self._control.request if self._control.is_running else self.request())
        self.refreshed.emit()

    def estimate(self) -> None:
        """Ask Earth Engine what a run would make; a second click stops that."""
        if self.estimates.is_asking:
            self._starts_next = False
            self.estimates.forget()
            self._form.run.estimateLabel.show_hint(tr("Stopped."))
            return
        self._settle()
        problems = self.problems()
        self._form.run.show_problems(problems)
        request = self.request()
        connection = self._connection() if not problems else None
        if request is not None and connection is not None:
            self._form.run.estimateLabel.show_hint(tr("Asking Earth Engine …"))
            self.estimates.ask(request, connection)

    def start(self) -> None:
        """Start the run, or show everything that is in its way; one on Earth Engine is estimated first."""
        self._settle()
        problems = self.problems()
        self._form.run.show_problems(problems)
        request = self.request()
        if problems or request is None:
            return
        if request.earth_engine is not None and not self._is_known and self._ledgers.path is None:
            self._starts_next = True
            if not self.estimates.is_asking:
                self.estimate()
            return
        self._begin(request, self._control.start)

    def cancel(self) -> None:
        """Cancel the run that goes on, or what one that was paused has left at Earth Engine."""
        request = self.request()
        if self._form.run.is_running and self._control.is_running:
            self._control.cancel()
        elif request is not None:
            self._begin(request, self._control.drop)

    def retry(self, indexes: Collection[str] | None) -> None:
        """Try failed images again, all where ``indexes`` is None."""
        if self._control.is_running:
            self._control.retry(indexes)
            return
        path = self._ledgers.path
        if path is not None:
            work = partial(self._services.ledgers.retry, path, indexes)
            self._do(tr("Writing the ledger"), work, lambda _count: self.start())

    def choose_ledger(self) -> None:
        """Let the user choose the ledger of a run to go on with."""
        folder = str(self._form.run.output_folder() or "")
        kinds = tr("Ledgers of runs (run-*.gpkg);;GeoPackages (*.gpkg)")
        name, _kind = QFileDialog.getOpenFileName(self._form.run, tr("Resume a run"), folder, kinds)
        if name:
            self.take_ledger(Path(name))

    def take_ledger(self, path: Path) -> None:
        """Fill in the form for the run of a ledger, in place of what was entered."""
        work = partial(self._services.ledgers.request_of, path, self._form.folders())
        self._do(tr("Reading the ledger"), work, self._on_chosen)

    def leave(self) -> None:
        """Go back from a chosen run to what the form asks for."""
        self._chosen = None
        self._form.run.show_begun_elsewhere("")
        self.show_locks(False)
        self.refresh()

    def show_locks(self, is_running: bool) -> None:
        """Keep as it is what a run reads, and what a chosen run was asked for."""
        self._form.lock(is_running, self._chosen is not None)

    def close(self) -> None:
        """End with the plugin."""
        self._timer.stop()
        self.estimates.forget()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _connect(self) -> None:
        run = self._form.run
        self._timer.timeout.connect(self.refresh)
        self._form.changed.connect(self._timer.start)
        run.run_asked.connect(self.start)
        run.estimate_asked.connect(self.estimate)
        run.cancel_asked.connect(self.cancel)
        run.pause_asked.connect(self._control.pause)
        run.ledger_asked.connect(self.choose_ledger)
        run.leave_asked.connect(self.leave)
        run.table_asked.connect(self._ledgers.open_table)
        self._ledgers.found.connect(self._on_ledger)
        self._ledgers.failed.connect(run.show_ledger_problem)
        self._ledgers.retry_asked.connect(self.retry)
        self.estimates.counted.connect(self._on_count)
        self.estimates.estimated.connect(self._on_estimate)
        self.estimates.failed.connect(self._on_no_estimate)
        self.estimates.busy_changed.connect(run.show_asking)

    def _settle(self) -> None:
        """Look at edits that were not looked at yet."""
        if self._timer.isActive():
            self.refresh()

    def _begin(self, request: RunRequest, how: Callable[[RunRequest, Any], None]) -> None:
        connection = None
        if request.earth_engine is not None:
            connection = self._connection()
            if connection is None:
                return
        self._starts_next = False
        self._ledgers.follow(request)
        self.begun.emit(request)
        how(request, connection)

    def _connection(self) -> Any:
        """The connection to Google; None, and the reason beside the button, where there is none."""
        try:
            return self._form.connection()
        except (UserError, EngineError) as error:
            self._form.run.show_problems([str(error)])
            return None

    def _do(self, title: str, work: Callable[[], Any], on_value: Callable[[Any], None]) -> None:
        """A look into a file, in a task; what goes wrong is told where the run is."""
        task = FunctionTask(title, lambda _on_count, _is_cancelled: work())
        self._task = task
        task.succeeded.connect(lambda value: self._end(task, lambda: on_value(value)))
        task.failed.connect(lambda text: self._end(task, lambda: self._form.run.statusLabel.show_problem(text)))
        QgsApplication.taskManager().addTask(task)

    def _end(self, task: FunctionTask, then: Callable[[], None]) -> None:
        if task is self._task:
            self._task = None
            then()

    def _look_at_images(self) -> None:
        form, label = self._form, self._form.run.estimateLabel
        missing = form.missing()
        if missing or form.images.problems():
            self.estimates.forget()
            first = tr("First choose {}.").format(tr(" and ").join(missing))
            label.show_hint(first if missing else tr("First mend the entries above."))
        elif form.is_earth_engine:
            self.estimates.forget()
            label.show_hint(tr("Estimate tells what a run would make, before anything is sent."))
        elif form.choice is not None:
            parameters = form.parameters()
            scenes = of_level(form.scenes.scenes, parameters.level)
            self.estimates.count(scenes, form.choice.area, parameters, self.request())

    def _on_count(self, found: Estimate) -> None:
        run = self._form.run
        if found.problem:
            self._form.tell_area("", found.problem)
            run.estimateLabel.show_hint(tr("No images to mask."))
        else:
            self._form.tell_area(images_text(found.images))
            text = estimate_text(found.images, found.kept, self._control.seconds_per_image, found.listed)
            run.estimateLabel.show_fact(text)

    def _on_estimate(self, found: RunEstimate) -> None:
        self._is_known = True
        run, starts_next = self._form.run, self._starts_next
        self._starts_next = False
        run.show_estimate(found.facts, found.warnings)
        if found.problems:
            run.show_problems(found.problems)
        elif starts_next:
            self.start()

    def _on_no_estimate(self, text: str) -> None:
        self._starts_next = False
        self._form.run.estimateLabel.show_problem(text)

    def _on_ledger(self, view: LedgerView | None) -> None:
        counts = view.counts if view is not None and view.total else None
        holder = view.holder if view is not None and not self._control.is_running else ""
        self._form.run.show_ledger(counts, holder)

    def _on_chosen(self, request: RunRequest) -> None:
        self._chosen = request
        self.estimates.forget()
        self._form.fill_in(request)
        self._form.run.show_begun_elsewhere(request.output_folder.name)
        self._form.run.estimateLabel.show_fact("")
        self._form.area.areaState.show_fact(tr("The area of the run: {}").format(request.area.name))
        self._form.run.statusLabel.show_fact("")
        self.show_locks(False)
        self.refresh()
