"""The window "Move a collection": out of Earth Engine, by way of Drive, to this computer, and then deleted there."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsSettings
from qgis.gui import QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtWidgets import QDialog, QMessageBox, QWidget

from ..gis.errors import UserError
from ..gis.plugin_folders import PREFIX
from ..jobs.moving_request import MoveProgress, MoveReport, MoveRequest
from ..jobs.report import RunState
from ..jobs.request import Throttle
from ..paths import form
from .moving_services import MovingServices
from .moving_task import MoveTask, Work
from .moving_wording import confirm_text, counts_text, delete_button_text, failure_text, progress_text
from .run_task import FunctionTask
from .wording import tr

SETTING = PREFIX + "moving"
"""What the form held last, as JSON."""
FIELDS = ("projectEdit", "sourceEdit", "driveEdit")


class MovingWindow(QDialog):
    """A window beside QGIS's own; the one who made it calls ``close_down`` before removing it."""

    def __init__(self, services: MovingServices, settings: QgsSettings, parent: QWidget | None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("moving.ui")), self, package=__package__)
        self._services = services
        self._settings = settings
        self._task: MoveTask | None = None
        self._look: FunctionTask | None = None
        self._standing = MoveReport(RunState.FINISHED, "")
        self.setModal(False)
        policy = self.moveProgress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the button beside it stays as it is
        self.moveProgress.setSizePolicy(policy)
        self.folderEdit.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._restore()
        self._connect()
        self._show_busy(False)
        self._look_at_folder()

    @property
    def is_busy(self) -> bool:
        """True while something is moved or deleted."""
        return self._task is not None

    def open_beside(self) -> None:
        """Show the window."""
        if not self.projectEdit.text():
            self.projectEdit.setText(self._services.project(self._settings))
        self.show()
        self.raise_()
        self.activateWindow()

    def close_down(self) -> None:
        """End everything that goes on; a move that goes on pauses."""
        for task in (self._task, self._look):
            if task is not None:
                task.cancel()
        self._task = self._look = None  # their ends are nobody's business any more
        self.close()

    # Set-up

    def _restore(self) -> None:
        try:
            values = json.loads(self._settings.value(SETTING, "{}"))
        except (TypeError, ValueError):
            values = {}
        values = values if isinstance(values, dict) else {}
        for name in FIELDS:
            if isinstance(values.get(name), str):
                getattr(self, name).setText(values[name])
        if isinstance(values.get("folder"), str):
            self.folderEdit.setFilePath(values["folder"])

    def _remember(self) -> None:
        values = {name: getattr(self, name).text() for name in FIELDS} | {"folder": self.folderEdit.filePath()}
        self._settings.setValue(SETTING, json.dumps(values))

    def _connect(self) -> None:
        self.moveButton.clicked.connect(self.move_out)
        self.pauseButton.clicked.connect(lambda: self._task.cancel() if self._task is not None else None)
        self.stopButton.clicked.connect(lambda: self._task.stop() if self._task is not None else None)
        self.deleteButton.clicked.connect(self.delete)
        self.backButton.clicked.connect(self._bring_back)
        self.closeButton.clicked.connect(self.close)
        self.folderEdit.fileChanged.connect(lambda _path: self._look_at_folder())

    # What can be done

    def move_out(self) -> None:
        """Export and download what is not here yet, in a task."""
        request = self._request()
        if request is None:
            return
        self._remember()
        work = partial(self._services.move, request)
        self._begin(tr("Moving a collection out of Earth Engine"), work)

    def delete(self) -> None:
        """Delete the assets that are verified here, once the user has agreed to their number."""
        folder, count = self._folder(), self._standing.deletable
        if folder is None or not count or not self._confirm(count):
            return
        work = partial(self._services.delete, folder, self.projectEdit.text().strip(), count)
        self._begin(tr("Deleting assets that were moved"), work)

    def _confirm(self, count: int) -> bool:
        """Ask; nothing is deleted by the Enter key alone."""
        box = QMessageBox(QMessageBox.Icon.Warning, self.windowTitle(), confirm_text(count), parent=self)
        sure = box.addButton(delete_button_text(count), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is sure

    def _request(self) -> MoveRequest | None:
        """What the form asks for; None, and what is missing is told, while it is not complete."""
        texts = {name: getattr(self, name).text().strip() for name in FIELDS}
        folder = self._folder()
        missing = {
            tr("Give the Cloud project of Earth Engine."): texts["projectEdit"],
            tr("Give the folder or collection of assets."): texts["sourceEdit"],
            tr("Give the folder in Google Drive."): texts["driveEdit"],
            tr("Choose a folder on this computer."): folder,
        }
        for sentence, value in missing.items():
            if not value:
                self.moveState.show_problem(sentence)
                return None
        assert folder is not None
        throttle = Throttle(nb_task_max=self.tasksSpin.value())
        return MoveRequest(texts["projectEdit"], texts["sourceEdit"], texts["driveEdit"], folder, throttle)

    def _folder(self) -> Path | None:
        text = self.folderEdit.filePath().strip()
        return Path(text) if text and Path(text).is_absolute() else None

    def _bring_back(self) -> None:
        """Open Processing's form for the way back, filled as far as is known."""
        from qgis import processing

        open_form = getattr(processing, "execAlgorithmDialog", None)  # QGIS's own plugin puts it there
        if open_form is None:
            self.moveState.show_problem(tr("QGIS's plugin Processing is switched off. Switch it on under Plugins."))
            return
        known = {"PROJECT": self.projectEdit.text(), "FOLDER": self.folderEdit.filePath()}
        open_form("s2mask:bringback", {name: text for name, text in known.items() if text})

    # How it stands

    def _look_at_folder(self) -> None:
        """Find out, in a task, how far earlier moves into the folder are."""
        if self._look is not None:
            self._look.cancel()
        folder = self._folder()
        self._show_standing(MoveReport(RunState.FINISHED, ""))
        if folder is None or not folder.is_dir():
            return
        task = FunctionTask(tr("Looking at a folder of moved images"), partial(self._services.standing, folder))
        task.succeeded.connect(lambda report: self._on_looked(task, lambda: self._show_standing(report)))
        task.failed.connect(lambda text: self._on_looked(task, lambda: self.moveState.show_problem(text)))
        task.stopped.connect(lambda: self._on_looked(task, lambda: None))
        self._look = task
        QgsApplication.taskManager().addTask(task)

    def _on_looked(self, task: FunctionTask, then: Callable[[], None]) -> None:
        if task is self._look:
            self._look = None
            then()

    def _show_standing(self, report: MoveReport) -> None:
        self._standing = report
        self.countsLabel.show_fact(counts_text(report))
        self.deleteButton.setText(delete_button_text(report.deletable))
        self.deleteButton.setEnabled(report.deletable > 0 and not self.is_busy)

    # Tasks

    def _begin(self, title: str, work: Any) -> None:
        """Start a task with the account that the dock remembers."""
        try:
            connection = self._services.connect(self._settings)
        except UserError as error:
            self.moveState.show_problem(str(error))
            return
        doing: Work = partial(work, connection)
        task = MoveTask(title, doing)
        task.progressed.connect(lambda progress: self._on_progress(progress) if task is self._task else None)
        task.ended.connect(lambda report: self._on_end(report) if task is self._task else None)
        self._task = task
        self.failureList.clear()
        self.moveState.show_hint(tr("Beginning …"))
        self._show_busy(True)
        QgsApplication.taskManager().addTask(task)

    def _on_progress(self, progress: MoveProgress) -> None:
        self.moveProgress.setRange(0, progress.total)
        self.moveProgress.setValue(progress.done)
        self.moveState.show_hint(progress_text(progress))

    def _on_end(self, report: MoveReport) -> None:
        self._task = None
        self._show_busy(False)
        is_fine = report.state is RunState.FINISHED
        (self.moveState.show_fact if is_fine else self.moveState.show_problem)(report.message)
        self.failureList.addItems([failure_text(name, reason) for name, reason in report.failed])
        self.failureList.addItems(list(report.notes))
        self.failureList.setVisible(self.failureList.count() > 0)
        self._look_at_folder()

    def _show_busy(self, busy: bool) -> None:
        self.moveProgress.setRange(0, 0)
        for widget in (self.moveProgress, self.pauseButton, self.stopButton):
            widget.setVisible(busy)
        self.failureList.setVisible(self.failureList.count() > 0)
        inputs = (self.projectEdit, self.sourceEdit, self.driveEdit, self.folderEdit, self.tasksSpin)
        for widget in (*inputs, self.moveButton):
            widget.setEnabled(not busy)
        self.deleteButton.setEnabled(self._standing.deletable > 0 and not busy)
