"""Section 3 of the dock: what a run will do, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

from qgis.core import QgsApplication
from qgis.gui import QgsCollapsibleGroupBoxBasic, QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..jobs.ledger.rows import RowState
from ..jobs.report import ImageOutcome, Progress, RunReport, RunState
from ..paths import form
from .folded_list import FoldedList
from .folders import output_problem
from .tab_order import order_tabs
from .wording import counted, day_text, failures, is_unfinished, ledger_text, progress_text, tr

ICONS = {
    "ledgerButton": "/mActionFileOpen.svg",
    "leaveButton": "/mActionUndo.svg",
    "tableButton": "/mActionOpenTable.svg",
}


class Phase(Enum):
    """Where the section's run stands."""

    IDLE = "idle"
    RUNNING = "running"
    ENDING = "ending"  # asked to pause or to cancel


class RunSection(QgsCollapsibleGroupBoxBasic):
    """The Run button and everything about one run; ``changed`` follows an edit of what it asks for.

    ``ledger_asked`` follows a click on "Resume a run", ``leave_asked`` one on the button that goes back from such a
    run to the form, ``table_asked`` one on "Images of the run".
    """

    run_asked = pyqtSignal()
    pause_asked = pyqtSignal()
    cancel_asked = pyqtSignal()
    estimate_asked = pyqtSignal()
    ledger_asked = pyqtSignal()
    leave_asked = pyqtSignal()
    table_asked = pyqtSignal()
    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("run.ui")), self, package=__package__)
        self._phase = Phase.IDLE
        self._most_tasks = 0
        self._is_earth_engine = False
        self._counts: Mapping[RowState, int] | None = None
        self._holder = ""
        self._failed: list[ImageOutcome] = []
        self._lines: list[str] = []
        self.outputFolder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.outputFolder.setDialogTitle(tr("Folder: Output"))
        self.outputFolder.lineEdit().setPlaceholderText(tr("Folder for the results"))
        for name, icon in ICONS.items():
            getattr(self, name).setIcon(QgsApplication.getThemeIcon(icon))
        self._failures = FoldedList(self.failuresButton, self.failuresList)
        self._connect()
        self.progressBar.hide()
        self.tableButton.hide()
        self.leaveButton.hide()
        self.show_engine(False)
        self._show_phase(Phase.IDLE)
        buttons = [self.estimateButton, self.cancelButton, self.pauseButton, self.runButton]
        lists = [self.failuresButton, self.failuresList, self.tableButton, self.ledgerButton, self.leaveButton]
        order_tabs([self.outputFolder, *self.destination.chain(), *buttons, *lists])

    @property
    def is_running(self) -> bool:
        """True from the start of a run to its end."""
        return self._phase in (Phase.RUNNING, Phase.ENDING)

    @property
    def phase(self) -> Phase:
        """Where the run stands."""
        return self._phase

    @property
    def has_failures(self) -> bool:
        """True where an image of the last run failed."""
        return bool(self._failed)

    def output_folder(self) -> Path | None:
        """The chosen folder for results."""
        text = self.outputFolder.filePath().strip()
        return Path(text) if text else None

    def output_problem(self) -> str:
        """Why nothing can be written to the output folder; empty where it can."""
        return output_problem(self.output_folder())

    # Before a run

    def show_engine(self, is_earth_engine: bool) -> None:
        """Show what the engine needs."""
        self._is_earth_engine = is_earth_engine
        self.destination.setVisible(is_earth_engine)
        self._show_phase(self._phase)
        told = tr("Stop here and at Earth Engine; what is done stays") if is_earth_engine else tr("What is done stays")
        self.cancelButton.setToolTip(told)
        on = tr("Send no more tasks; those that Earth Engine has go on") if is_earth_engine else tr("Stop for now")
        self.pauseButton.setToolTip(on)

    def show_asking(self, is_asking: bool) -> None:
        """Earth Engine is asked for an estimate, or not any more."""
        self.estimateButton.setText(tr("&Stop") if is_asking else tr("&Estimate"))

    def show_estimate(self, facts: Sequence[str], warnings: Sequence[str]) -> None:
        """Tell what a run would make, and what to beware of."""
        self.estimateLabel.show_fact(_listed(facts))
        self.warningsLabel.show_problem(_listed(warnings))

    def show_problems(self, problems: Sequence[str]) -> None:
        """Show why a run cannot start, every reason on its own line."""
        self.problemsLabel.show_problem(_listed(problems))

    def show_ledger(self, counts: Mapping[RowState, int] | None, holder: str = "") -> None:
        """Tell what there is already of the run that is asked for; None where there is nothing. ``holder`` says who
        else is writing it at this moment."""
        self._counts, self._holder = counts, holder
        self.tableButton.setVisible(counts is not None or self.is_running)
        if not self.is_running:  # of a finished run on this computer the estimate tells as much
            is_told = bool(counts) and (self._is_earth_engine or is_unfinished(counts or {}))
            self.ledgerLabel.show_fact(ledger_text(counts) if counts and is_told else "")
            if holder:
                self.ledgerLabel.show_problem(holder)
        self._show_phase(self._phase)

    def show_ledger_problem(self, text: str) -> None:
        """There is a ledger that cannot be read."""
        self.show_ledger(None)
        self.ledgerLabel.show_problem(text)

    def show_begun_elsewhere(self, name: str) -> None:
        """Run goes on with a run that was chosen by its ledger; an empty name means with what the form asks for."""
        self.leaveButton.setVisible(bool(name))
        self.ledgerButton.setVisible(not name)
        self.leaveButton.setText(tr("Leave {}").format(name))

    # During a run

    def start(self, most_tasks: int = 0) -> None:
        """A run begins; on Earth Engine it has at most so many tasks at once."""
        self._most_tasks = most_tasks
        self.show_problems(())
        if most_tasks:
            self.show_estimate((), ())
        self.ledgerLabel.show_fact("")
        self._clear_failures()
        self._show_phase(Phase.RUNNING)
        self.tableButton.show()
        self.pauseButton.setFocus()
        self.progressBar.setRange(0, 0)
        self.progressBar.show()
        self.statusLabel.show_fact(tr("Starting …"))

    def show_progress(self, progress: Progress) -> None:
        """A run has come this far; after a click on Pause or Cancel its end is all that is waited for."""
        if self._phase is Phase.RUNNING:
            self.progressBar.setRange(0, progress.total)
            self.progressBar.setValue(progress.done)
            self.statusLabel.show_fact(progress_text(progress, self._most_tasks))
            self.hintLabel.show_hint(progress.hint)

    def add_failure(self, outcome: ImageOutcome) -> None:
        """An image could not be made, or not be shown."""
        self._failed.append(outcome)
        self._lines.append(f"{day_text(outcome)}  {outcome.reason}")
        self._show_failures()

    def show_ending(self, text: str) -> None:
        """A run is asked to end."""
        self._show_phase(Phase.ENDING)
        self.progressBar.setRange(0, 0)
        self.statusLabel.show_fact(text)
        self.hintLabel.show_hint("")

    # After a run

    def end(self, report: RunReport) -> None:
        """A run has ended."""
        self._show_phase(Phase.IDLE)
        self.progressBar.hide()
        self.hintLabel.show_hint("")
        if report.state is RunState.REFUSED:
            self.statusLabel.show_problem(report.message)
        else:
            self.statusLabel.show_fact(report.message)
        known = {outcome.index for outcome in self._failed}
        for outcome in failures(report.images):
            if outcome.index not in known:
                self.add_failure(outcome)

    def open_failures(self) -> None:
        """Unfold the list of failures."""
        self.setCollapsed(False)
        self._failures.open()

    def _connect(self) -> None:
        self.outputFolder.fileChanged.connect(lambda _path: self.changed.emit())
        self.destination.changed.connect(self.changed)
        self.runButton.clicked.connect(lambda: self.run_asked.emit())
        self.estimateButton.clicked.connect(lambda: self.estimate_asked.emit())
        self.leaveButton.clicked.connect(lambda: self.leave_asked.emit())
        self.ledgerButton.clicked.connect(lambda: self.ledger_asked.emit())
        self.tableButton.clicked.connect(lambda: self.table_asked.emit())
        self.pauseButton.clicked.connect(self._on_pause)
        self.cancelButton.clicked.connect(self._on_cancel)

    def _show_phase(self, phase: Phase) -> None:
        self._phase = phase
        is_begun = is_unfinished(self._counts or {})
        self.runButton.setText(tr("&Resume") if is_begun else tr("&Run"))
        self.runButton.setVisible(not self.is_running)
        self.estimateButton.setVisible(self._is_earth_engine and not self.is_running)
        self.beginRow.setVisible(not self.is_running)
        self.pauseButton.setVisible(self.is_running)
        self.cancelButton.setVisible(self.is_running or self._has_tasks())
        for button in (self.pauseButton, self.cancelButton):
            button.setEnabled(phase is not Phase.ENDING)

    def _has_tasks(self) -> bool:
        """True where a run that was left may have tasks at a service, and nobody else looks after them."""
        counts = {} if self._holder else self._counts or {}
        return any(count for state, count in counts.items() if state.is_open)

    def _on_pause(self) -> None:
        self.show_ending(tr("Pausing …"))
        self.pause_asked.emit()

    def _on_cancel(self) -> None:
        self.show_ending(tr("Cancelling …"))
        self.cancel_asked.emit()

    def _clear_failures(self) -> None:
        self._failed, self._lines = [], []
        self._show_failures()

    def _show_failures(self) -> None:
        count = len(self._failed)
        title = tr("{} – why").format(counted(count, tr("failed"), tr("failed")))
        self._failures.show_lines(title, self._lines)


def _listed(sentences: Sequence[str]) -> str:
    """Sentences below each other, with a bullet each where they are several."""
    bullet = "• " if len(sentences) > 1 else ""
    return "\n".join(f"{bullet}{sentence}" for sentence in sentences)
