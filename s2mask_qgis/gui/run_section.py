"""Section 3 of the dock: what a run will do, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qgis.gui import QgsCollapsibleGroupBoxBasic, QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..jobs.report import ImageOutcome, Progress, RunReport, RunState
from ..paths import form
from .folded_list import FoldedList
from .folders import output_problem
from .wording import counted, day_text, failures, progress_text, tr


class RunSection(QgsCollapsibleGroupBoxBasic):
    """The Run button and everything about one run; ``changed`` follows an edit of the output folder."""

    run_asked = pyqtSignal()
    cancel_asked = pyqtSignal()
    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("run.ui")), self, package=__package__)
        self._running = False
        self._failed: list[ImageOutcome] = []
        self.outputFolder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.outputFolder.setDialogTitle(tr("Folder: Output"))
        self.outputFolder.lineEdit().setPlaceholderText(tr("Folder for the results"))
        self.estimateLabel.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._failures = FoldedList(self.failuresButton, self.failuresList)
        self.outputFolder.fileChanged.connect(lambda _path: self.changed.emit())
        self.runButton.clicked.connect(self._on_button)
        self.progressBar.hide()

    @property
    def is_running(self) -> bool:
        """True from the start of a run to its end."""
        return self._running

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

    def show_problems(self, problems: Sequence[str]) -> None:
        """Show why a run cannot start, every reason on its own line."""
        bullet = "• " if len(problems) > 1 else ""
        self.problemsLabel.show_problem("\n".join(f"{bullet}{problem}" for problem in problems))

    def start(self) -> None:
        """A run begins."""
        self._running = True
        self.show_problems(())
        self._set_failures([])
        self.runButton.setText(tr("&Cancel"))
        self.progressBar.setRange(0, 0)
        self.progressBar.show()
        self.statusLabel.show_fact(tr("Starting …"))

    def show_progress(self, progress: Progress) -> None:
        """A run has come this far; after a click on Cancel its end is all that is waited for."""
        if self._running and self.runButton.isEnabled():
            self.progressBar.setRange(0, progress.total)
            self.progressBar.setValue(progress.done)
            self.statusLabel.show_fact(progress_text(progress))

    def add_failure(self, outcome: ImageOutcome) -> None:
        """An image could not be made, or not be shown."""
        self._set_failures([*self._failed, outcome])

    def show_cancelling(self) -> None:
        """A run is asked to stop."""
        self.runButton.setEnabled(False)
        self.progressBar.setRange(0, 0)
        self.statusLabel.show_fact(tr("Cancelling …"))

    def end(self, report: RunReport) -> None:
        """A run has ended."""
        self._running = False
        self.runButton.setEnabled(True)
        self.runButton.setText(tr("&Run"))
        self.progressBar.hide()
        if report.state is RunState.REFUSED:
            self.statusLabel.show_problem(report.message)
        else:
            self.statusLabel.show_fact(report.message)
        known = {outcome.index for outcome in self._failed}
        self._set_failures([*self._failed, *(o for o in failures(report.images) if o.index not in known)])

    def open_failures(self) -> None:
        """Unfold the list of failures."""
        self.setCollapsed(False)
        self._failures.open()

    def _on_button(self) -> None:
        if self._running:
            self.show_cancelling()
            self.cancel_asked.emit()
        else:
            self.run_asked.emit()

    def _set_failures(self, failed: list[ImageOutcome]) -> None:
        self._failed = failed
        title = tr("{} – why").format(counted(len(failed), tr("failed"), tr("failed")))
        self._failures.show_lines(title, [f"{day_text(outcome)}  {outcome.reason}" for outcome in failed])
