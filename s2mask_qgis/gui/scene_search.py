"""The window "Find scenes": what a catalogue has for the area and the dates, and the download of what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from qgis.core import QgsApplication, QgsSettings
from qgis.gui import QgsAuthConfigSelect
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QDate, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QDialog, QVBoxLayout, QWidget

from ..core.area import Area
from ..gis.errors import UserError
from ..gis.plugin_folders import PREFIX
from ..jobs.scene_request import COPERNICUS, GOOGLE, DownloadReport, FoundScene, Wish
from ..paths import form
from .levels import L1C, L2A
from .messages import log
from .run_task import FunctionTask
from .scene_services import SceneServices
from .scene_wording import folder_missing_text, looked_at_text, report_text, size_text, total_text
from .wording import counted, tr

SOURCE_SETTING = PREFIX + "scene_source"
ACCOUNT_SETTING = PREFIX + "copernicus_account"
"""Remembers which entry of the authentication database is used, never what it holds."""


@dataclass(frozen=True)
class FormFacts:
    """What the dock's form says: the area with a text about it, or None and what is wrong; ISO dates; the folder."""

    area: Area | None
    area_text: str
    start: str
    end: str
    level: str
    folder: Path | None


class SceneSearch(QDialog):
    """A window beside the dock; ``facts`` is asked each time it opens or searches.

    ``downloaded`` follows a download that may have brought something; the one who made the window calls ``close_down``
    before removing it.
    """

    downloaded = pyqtSignal()

    def __init__(
        self, services: SceneServices, settings: QgsSettings, facts: Callable[[], FormFacts], parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("scene_search.ui")), self, package=__package__)
        self._services = services
        self._settings = settings
        self._facts = facts
        self._task: FunctionTask | None = None
        self._found: tuple[FoundScene, ...] = ()
        self._found_source = ""
        self.account = QgsAuthConfigSelect(self.accountHolder)
        self._set_up_widgets()
        self._connect()
        self._show_source()
        self._fill()

    @property
    def is_busy(self) -> bool:
        """True while scenes are looked for or downloaded."""
        return self._task is not None

    def open_beside(self) -> None:
        """Show the window with the dates of the form."""
        facts = self._facts()
        if not self.is_busy and not self.isVisible():
            for edit, day in ((self.searchStart, facts.start), (self.searchEnd, facts.end)):
                edit.setDate(QDate.fromString(day, Qt.DateFormat.ISODate))
            self.searchLevel.setCurrentIndex(self.searchLevel.findData(facts.level))
            self.searchState.show_hint(facts.area_text)
        self.show()
        self.raise_()
        self.activateWindow()

    def close_down(self) -> None:
        """End everything that goes on."""
        self._cancel()
        self._task = None  # its end is nobody's business any more
        self.close()

    # Set-up

    def _set_up_widgets(self) -> None:
        self.setModal(False)
        layout = QVBoxLayout(self.accountHolder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.account)
        self.sourceChoice.addItem(tr("Copernicus Data Space (with an account)"), COPERNICUS)
        self.sourceChoice.addItem(tr("Google's public bucket (no account)"), GOOGLE)
        self.searchLevel.addItem(tr("Level-1C"), L1C)
        self.searchLevel.addItem(tr("Level-2A"), L2A)
        source = self._settings.value(SOURCE_SETTING, COPERNICUS)
        self.sourceChoice.setCurrentIndex(max(0, self.sourceChoice.findData(source)))
        account = self._settings.value(ACCOUNT_SETTING, "")
        self.account.setConfigId(account if isinstance(account, str) else "")
        for button in (self.tickButton, self.untickButton, self.stopButton, self.closeButton, self.downloadButton):
            button.setAutoDefault(False)
        self.findButton.setDefault(True)
        policy = self.downloadProgress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the buttons beside it stay where they are
        self.downloadProgress.setSizePolicy(policy)
        self.resize(560, 600)
        self._show_busy(False)

    def _connect(self) -> None:
        self.sourceChoice.currentIndexChanged.connect(self._on_source)
        self.account.selectedConfigIdChanged.connect(
            lambda config_id: self._settings.setValue(ACCOUNT_SETTING, config_id)
        )
        self.findButton.clicked.connect(self.find)
        self.downloadButton.clicked.connect(self.download)
        self.stopButton.clicked.connect(self._cancel)
        self.closeButton.clicked.connect(self.close)
        self.onlyMissing.toggled.connect(self._fill)
        self.cloudLimit.valueChanged.connect(self._fill)
        self.tickButton.clicked.connect(lambda: self.foundTree.tick_all(True))
        self.untickButton.clicked.connect(lambda: self.foundTree.tick_all(False))
        self.foundTree.ticked_changed.connect(self._show_total)

    # Looking for scenes

    def find(self) -> None:
        """Look for scenes of the form's area, in a task."""
        facts = self._facts()
        self.downloadState.show_fact("")
        self._take((), "")
        if facts.area is None or facts.folder is None:
            missing = facts.area_text if facts.area is None else folder_missing_text()
            self.searchState.show_problem(missing)
            return
        start, end = self.searchStart.date().toPyDate(), self.searchEnd.date().toPyDate()
        source = self.sourceChoice.currentData()
        wish = Wish(facts.area, start, end, self.searchLevel.currentData())
        self.searchState.show_hint(tr("Looking for scenes …"))
        work = partial(self._services.find, source, wish, facts.folder)
        task = FunctionTask(tr("Looking for scenes"), work)
        task.counted.connect(partial(self._on_search_count, task))
        task.succeeded.connect(lambda found: self._end(task, lambda: self._on_found(found, source)))
        task.failed.connect(lambda text: self._end(task, lambda: self.searchState.show_problem(text)))
        task.stopped.connect(lambda: self._end(task, lambda: self.searchState.show_hint(tr("Stopped."))))
        self._start(task)

    def _on_search_count(self, task: FunctionTask, done: int, total: int) -> None:
        if task is self._task and done:
            self.searchState.show_hint(looked_at_text(done, total))

    def _on_found(self, found: tuple[FoundScene, ...], source: str) -> None:
        self._take(found, source)
        if not found:
            self.searchState.show_hint(tr("There are no scenes of this area, these days and this level."))
            return
        missing = sum(not scene.is_there for scene in found)
        text = tr("{} found, {} missing in the folder").format(counted(len(found), tr("scene"), tr("scenes")), missing)
        self.searchState.show_fact(text)

    # Downloading

    def download(self) -> None:
        """Download the scenes with a tick, in a task."""
        folder = self._facts().folder
        if folder is None:
            self.downloadState.show_problem(folder_missing_text())
            return
        account = None
        if self._found_source == COPERNICUS:
            try:
                account = self._services.account(self.account.configId())
            except UserError as error:
                self.downloadState.show_problem(str(error))
                return
        offers = [scene.offer for scene in self.foundTree.ticked()]
        self.downloadState.show_hint(tr("Downloading …"))
        work = partial(self._services.download, self._found_source, account, offers, folder)
        task = FunctionTask(tr("Downloading scenes"), work)
        task.counted.connect(partial(self._on_download_count, task))
        task.succeeded.connect(lambda report: self._end(task, lambda: self._on_downloaded(report)))
        task.failed.connect(lambda text: self._end(task, lambda: self.downloadState.show_problem(text)))
        task.stopped.connect(lambda: self._end(task, self._on_stopped))
        self._start(task)

    def _on_download_count(self, task: FunctionTask, done: int, total: int) -> None:
        if task is self._task and total:
            self.downloadProgress.setRange(0, total)
            self.downloadProgress.setValue(done)
            self.downloadState.show_hint(
                tr("Downloading: {} of {}").format(size_text(done * 1e6), size_text(total * 1e6))
            )

    def _on_downloaded(self, report: DownloadReport) -> None:
        there = {*report.downloaded, *report.skipped}
        self._take(
            tuple(replace(scene, is_there=scene.is_there or scene.offer.name.text in there) for scene in self._found),
            self._found_source,
        )
        for name, reason in report.failed:
            log(f"{name}: {reason}")
        for note in report.notes:
            log(note)
        show = self.downloadState.show_problem if report.problem or report.failed else self.downloadState.show_fact
        show(report_text(report))
        self.downloaded.emit()

    def _on_stopped(self) -> None:
        self.downloadState.show_hint(tr("Stopped. What came is kept: the next download goes on with it."))
        self.downloaded.emit()

    # The list

    def _take(self, found: Sequence[FoundScene], source: str) -> None:
        self._found = tuple(found)
        self._found_source = source
        self._fill()

    def _fill(self) -> None:
        self.foundTree.show_scenes(self._found, self.cloudLimit.value(), self.onlyMissing.isChecked())

    def _show_total(self) -> None:
        ticked = self.foundTree.ticked()
        self.downloadButton.setText(total_text(ticked))
        self.downloadButton.setEnabled(bool(ticked) and not self.is_busy)

    # Tasks

    def _start(self, task: FunctionTask) -> None:
        self._task = task
        self._show_busy(True)
        QgsApplication.taskManager().addTask(task)

    def _end(self, task: FunctionTask, then: Callable[[], None]) -> None:
        if task is self._task:
            self._task = None
            self._show_busy(False)
            then()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _show_busy(self, busy: bool) -> None:
        self.downloadProgress.setRange(0, 0)
        for widget in (self.downloadProgress, self.stopButton):
            widget.setVisible(busy)
        inputs = (self.sourceChoice, self.account, self.searchStart, self.searchEnd, self.searchLevel, self.findButton)
        for widget in (*inputs, self.foundTree, self.onlyMissing, self.cloudLimit, self.tickButton, self.untickButton):
            widget.setEnabled(not busy)
        self._show_total()

    def _on_source(self) -> None:
        self._settings.setValue(SOURCE_SETTING, self.sourceChoice.currentData())
        self._take((), "")
        self.searchState.show_fact("")
        self.downloadState.show_fact("")
        self._show_source()

    def _show_source(self) -> None:
        needs_account = self.sourceChoice.currentData() == COPERNICUS
        for widget in (self.accountLabel, self.accountHolder):
            widget.setVisible(needs_account)
