"""First section of the dock: the folder of scenes, what it holds, and the simulated sample."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.gui import QgsCollapsibleGroupBoxBasic, QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QEvent, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..gis.plugin_folders import data_folder
from ..paths import form
from .run_task import FunctionTask
from .services import Services
from .wording import scenes_text, tr

if TYPE_CHECKING:
    from ..core.scenes import Scene

EDIT_PAUSE_MS = 400
"""A folder is looked through once its typing has paused for this long."""

PROBLEMS_SHOWN = 3
SAMPLE_AREA = "area.gpkg"


class ScenesSection(QgsCollapsibleGroupBoxBasic):
    """The scenes of a folder.

    ``surveyed`` carries a Survey each time a folder was looked through, or None where that failed; ``folder_changed``
    comes with each edit; ``sample_written`` carries the folder of a new sample; ``search_asked`` follows a click on
    the button that finds scenes. ``library_folder`` is set by the dock.
    """

    surveyed = pyqtSignal(object)
    folder_changed = pyqtSignal()
    sample_written = pyqtSignal(object)
    search_asked = pyqtSignal()

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("scenes.ui")), self, package=__package__)
        self._services = services
        self._task: FunctionTask | None = None
        self._is_due = False
        self.scenes: tuple[Scene, ...] = ()
        self.library_folder = data_folder() / "library"
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(EDIT_PAUSE_MS)
        self._set_up_widgets()
        self._connect()
        self._show_empty()

    @property
    def is_busy(self) -> bool:
        """True while a folder is looked through or a sample is written."""
        return self._task is not None or self._timer.isActive()

    def folder(self) -> Path | None:
        """The chosen folder."""
        text = self.scenesFolder.filePath().strip()
        return Path(text) if text else None

    def problem(self) -> str:
        """Why no run can use this section; empty where one can."""
        if self.folder() is None:
            return tr("Choose the folder that holds your Sentinel-2 scenes, or try the sample.")
        if self.is_busy:
            return tr("The scenes are still being looked through. Wait a moment.")
        return "" if self.scenes else self.scenesState.text()

    def stop(self) -> None:
        """Give up what is going on."""
        self._timer.stop()
        if self._task is not None:
            self._task.cancel()

    def survey(self) -> None:
        """Look through the chosen folder, in a task."""
        self.stop()
        self.scenes = ()
        folder = self.folder()
        if folder is None:
            self._show_empty()
            self.surveyed.emit(None)
        elif not folder.is_dir():
            self._show_nothing(tr("There is no folder {}. Choose another one.").format(folder))
        else:
            self.scenesState.show_hint(tr("Looking through scenes …"))
            work = partial(self._services.survey, folder, self.library_folder)
            self._start(tr("Looking through scenes"), work, self._on_survey)

    def look_again(self) -> None:
        """Look through the folder again, now or as soon as nothing that goes on reads it any more."""
        self._is_due = not self.isEnabled()
        if not self._is_due:
            self.survey()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Catch up on what was put off while the section was locked."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange and self._is_due and self.isEnabled():
            self.look_again()

    def write_sample(self, folder: Path) -> None:
        """Write the simulated sample into a folder, in a task, and choose that folder."""
        self.stop()
        self.samplePanel.hide()
        self.scenesState.show_hint(tr("Writing the sample …"))
        work = partial(self._services.write_sample, folder)
        self._start(tr("Writing the sample"), work, lambda _value: self._on_sample(folder))

    def _set_up_widgets(self) -> None:
        for widget, title in ((self.scenesFolder, tr("Scenes")), (self.sampleFolder, tr("Sample"))):
            widget.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
            widget.setDialogTitle(tr("Folder: {}").format(title))
        self.scenesFolder.lineEdit().setPlaceholderText(tr("Folder with Sentinel-2 products"))
        self.sampleFolder.setFilePath(str(data_folder() / "sample"))
        self.rescanButton.setIcon(QgsApplication.getThemeIcon("/mActionRefresh.svg"))
        self.scenesCancelButton.setIcon(QgsApplication.getThemeIcon("/mTaskCancel.svg"))
        self.samplePanel.hide()
        self._show_busy(False)

    def _connect(self) -> None:
        self._timer.timeout.connect(self.survey)
        self.scenesFolder.fileChanged.connect(self._on_folder)
        self.rescanButton.clicked.connect(self.survey)
        self.scenesCancelButton.clicked.connect(self.stop)
        self.findButton.clicked.connect(lambda: self.search_asked.emit())
        self.sampleButton.clicked.connect(lambda: self._offer_sample(True))
        self.sampleCloseButton.clicked.connect(lambda: self._offer_sample(False))
        self.sampleWriteButton.clicked.connect(self._on_write)

    def _on_folder(self) -> None:
        self.stop()
        self.scenes = ()
        self._timer.start()
        self.folder_changed.emit()

    def _offer_sample(self, offered: bool) -> None:
        self.samplePanel.setVisible(offered)
        self.sampleButton.setVisible(not offered)
        (self.sampleWriteButton if offered else self.sampleButton).setFocus()

    def _on_write(self) -> None:
        text = self.sampleFolder.filePath().strip()
        if text:
            self.write_sample(Path(text))
        else:
            self.scenesState.show_problem(tr("Choose a folder for the sample."))

    def _start(self, description: str, work: Any, on_value: Any) -> None:
        task = FunctionTask(description, work)
        self._task = task
        task.counted.connect(lambda done, total: self._on_count(task, description, done, total))
        task.succeeded.connect(lambda value: self._end(task, partial(on_value, value)))
        task.failed.connect(lambda text: self._end(task, partial(self._show_nothing, text)))
        task.stopped.connect(lambda: self._end(task, self._on_stop))
        self._show_busy(True)
        self.sampleButton.hide()
        QgsApplication.taskManager().addTask(task)

    def _end(self, task: FunctionTask, then: Any) -> None:
        """Go on after a task, unless another one has taken its place."""
        if task is self._task:
            self._task = None
            self._show_busy(False)
            then()

    def _on_count(self, task: FunctionTask, description: str, done: int, total: int) -> None:
        if task is self._task:
            self.scenesState.show_hint(tr("{}: {} of {}").format(description, done, total))
            self.scenesProgress.setRange(0, total)
            self.scenesProgress.setValue(done)

    def _on_stop(self) -> None:
        if self._timer.isActive():
            return
        if self.folder() is None:
            self._show_empty()
        else:
            self.scenesState.show_hint(tr("Stopped. The button beside the folder looks through it again."))
            self.sampleButton.show()
        self.surveyed.emit(None)

    def _on_survey(self, survey: Any) -> None:
        self.scenes = tuple(survey.scenes)
        problems = tuple(survey.problems)
        if not self.scenes:
            text = tr("{} holds no Sentinel-2 products. Choose the folder that holds the SAFE folders or zips.")
            self._show_nothing("\n".join((text.format(self.folder()), *_shortened(problems))))
            return
        text = scenes_text(self.scenes)
        if problems:
            self.scenesState.show_problem("\n".join((text, *_shortened(problems))))
        else:
            self.scenesState.show_fact(text)
        self.surveyed.emit(survey)

    def _on_sample(self, folder: Path) -> None:
        self.sample_written.emit(folder)
        if self.folder() == folder:
            self.survey()
        else:
            self.scenesFolder.setFilePath(str(folder))

    def _show_empty(self) -> None:
        self.scenesState.show_hint(tr("Choose the folder that holds your Sentinel-2 scenes."))
        self.sampleButton.show()

    def _show_nothing(self, text: str) -> None:
        self.scenesState.show_problem(text)
        self.sampleButton.show()
        self.surveyed.emit(None)

    def _show_busy(self, busy: bool) -> None:
        self.scenesProgress.setRange(0, 0)
        self.scenesProgress.setVisible(busy)
        self.scenesCancelButton.setVisible(busy)
        self.rescanButton.setEnabled(not busy)


def _shortened(problems: tuple[str, ...]) -> tuple[str, ...]:
    """The first problems, and how many more there are."""
    rest = len(problems) - PROBLEMS_SHOWN
    more = (tr("… and {} more, see the message log.").format(rest),) if rest > 0 else ()
    return (*problems[:PROBLEMS_SHOWN], *more)
