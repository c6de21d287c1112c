"""Where the rasters of a series come from: the results of the run or a folder of the user's, and what is in it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from ..paths import form
from .run_task import FunctionTask
from .series_state import FROM_FOLDER, FROM_RUN, SeriesState
from .series_wording import INDICES, survey_text
from .services import Services
from .wording import tr

if TYPE_CHECKING:
    from ..jobs.series_survey import SeriesSurvey

NOTES_SHOWN = 3


class SeriesSourceForm(QWidget):
    """The choice of rasters; ``changed`` follows each edit and each look through a folder, which others ask for.

    ``survey`` is the SeriesSurvey of the chosen folders, None until they were looked through.
    """

    changed = pyqtSignal()

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("series_source.ui")), self, package=__package__)
        self._services = services
        self._task: FunctionTask | None = None
        self._results: Path | None = None
        self._seen: tuple[Path, Path | None] | None = None
        self.survey: SeriesSurvey | None = None
        self._set_up_widgets()
        self._connect()
        self._show_rows()

    def folders(self) -> tuple[Path, Path | None] | None:
        """The folder of the rasters and, where there is one, that of the masks; None while none is chosen."""
        if self._is_from_run():
            index = self.seriesIndex.currentData(Qt.ItemDataRole.UserRole)
            return (self._results / index, None) if self._results is not None and index else None
        ndvi, masks = (chooser.filePath().strip() for chooser in (self.ndviFolder, self.masksFolder))
        return (Path(ndvi), Path(masks) if masks else None) if ndvi else None

    def problem(self) -> str:
        """Why no series can be filled from here; empty where one can."""
        if self.folders() is None:
            return self._missing()
        if self._task is not None or self.folders() != self._seen:
            return tr("The rasters are still being looked through. Wait a moment.")
        return "" if self.survey is not None else self.seriesState.text() or self._missing()

    def set_results(self, folder: Path | None) -> None:
        """The output folder of the run; the indices that are in it are offered."""
        self._results = folder
        there = [name for name in INDICES if folder is not None and (folder / name).is_dir()]
        chosen = self.seriesIndex.currentData(Qt.ItemDataRole.UserRole)
        if [self.seriesIndex.itemData(row) for row in range(self.seriesIndex.count())] != there:
            with QSignalBlocker(self.seriesIndex):
                self.seriesIndex.clear()
                for name in there:
                    self.seriesIndex.addItem(INDICES[name], name)
                self.seriesIndex.setCurrentIndex(max(0, self.seriesIndex.findData(chosen)))
        self._show_rows()

    def look(self, again: bool = False) -> None:
        """Look through the chosen folders in a task, unless they were looked through already."""
        folders = self.folders()
        if folders == self._seen and not again:
            return
        self.stop()
        self._seen = folders
        if folders is None:
            self.seriesState.show_hint(self._missing())
        elif not folders[0].is_dir():
            self.seriesState.show_problem(tr("There is no folder {}. Choose another one.").format(folders[0]))
        else:
            self._start(*folders)
        self.changed.emit()

    def stop(self) -> None:
        """Give up looking; what was seen is forgotten."""
        self.survey = None
        self._seen = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def restore(self, state: SeriesState) -> None:
        """Show what was remembered."""
        self.seriesSource.setCurrentIndex(max(0, self.seriesSource.findData(state.source)))
        self.ndviFolder.setFilePath(state.ndvi_folder)
        self.masksFolder.setFilePath(state.masks_folder)
        if state.index in INDICES:
            self.seriesIndex.addItem(INDICES[state.index], state.index)

    def remembered(self) -> dict[str, Any]:
        """The entries by their names in SeriesState."""
        return {
            "source": self.seriesSource.currentData(Qt.ItemDataRole.UserRole),
            "index": self.seriesIndex.currentData(Qt.ItemDataRole.UserRole) or "ndvi",
            "ndvi_folder": self.ndviFolder.filePath(),
            "masks_folder": self.masksFolder.filePath(),
        }

    def _set_up_widgets(self) -> None:
        self.seriesSource.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.seriesSource.addItem(tr("the results of the run"), FROM_RUN)
        self.seriesSource.addItem(tr("a folder of dated rasters"), FROM_FOLDER)
        labels = (self.seriesSourceLabel, self.seriesIndexLabel, self.ndviFolderLabel, self.masksFolderLabel)
        for label in labels:
            label.setMinimumWidth(max(other.sizeHint().width() for other in labels))
        choosers = (
            (self.ndviFolder, tr("NDVI"), tr("Folder with a raster a date")),
            (self.masksFolder, tr("Masks"), tr("optional")),
        )
        for chooser, title, hint in choosers:
            chooser.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
            chooser.setDialogTitle(tr("Folder: {}").format(title))
            chooser.lineEdit().setPlaceholderText(hint)

    def _connect(self) -> None:
        self.seriesSource.currentIndexChanged.connect(self._on_edit)
        self.seriesIndex.currentIndexChanged.connect(self._on_edit)
        self.ndviFolder.fileChanged.connect(self._on_edit)
        self.masksFolder.fileChanged.connect(self._on_edit)

    def _is_from_run(self) -> bool:
        return self.seriesSource.currentData(Qt.ItemDataRole.UserRole) == FROM_RUN

    def _missing(self) -> str:
        if not self._is_from_run():
            return tr("Choose the folder that holds the rasters of NDVI, one a date.")
        if self._results is None:
            return tr("Choose the output folder of a run in section 3, or a folder of dated rasters.")
        text = tr("{} holds no NDVI yet. Run section 3 first, or choose a folder of dated rasters.")
        return text.format(self._results)

    def _on_edit(self) -> None:
        self._show_rows()
        self.stop()
        self.changed.emit()

    def _show_rows(self) -> None:
        self.indexRow.setVisible(self._is_from_run() and self.seriesIndex.count() > 1)
        self.folderRows.setVisible(not self._is_from_run())
        if self.folders() is None:
            self.seriesState.show_hint(self._missing())

    def _start(self, ndvi: Path, masks: Path | None) -> None:
        task = FunctionTask(tr("Looking through rasters"), partial(self._services.survey_series, ndvi, masks))
        self._task = task
        self.seriesState.show_hint(tr("Looking through rasters …"))
        task.counted.connect(partial(self._on_count, task))
        task.succeeded.connect(partial(self._on_survey, task))
        task.failed.connect(partial(self._on_failure, task))
        QgsApplication.taskManager().addTask(task)

    def _on_count(self, task: FunctionTask, done: int, total: int) -> None:
        if task is self._task:
            self.seriesState.show_hint(tr("Looking through rasters: {} of {}").format(done, total))

    def _on_survey(self, task: FunctionTask, survey: SeriesSurvey) -> None:
        if task is not self._task:
            return
        self._task = None
        self.survey = survey
        rest = len(survey.notes) - NOTES_SHOWN
        more = (tr("… and {} more notes.").format(rest),) if rest > 0 else ()
        notes = [self._shortened(note) for note in survey.notes[:NOTES_SHOWN]]
        self.seriesState.show_fact("\n".join((survey_text(survey), *notes, *more)))
        self.changed.emit()

    def _shortened(self, note: str) -> str:
        """A note that names the chosen folders without the path to them: that stands in the form."""
        parents = {folder.parent for folder in self._seen or () if folder is not None}
        for parent in parents:
            note = note.replace(f"{parent}{os.sep}", "")
        return note

    def _on_failure(self, task: FunctionTask, text: str) -> None:
        if task is self._task:
            self._task = None
            self.seriesState.show_problem(text)
            self.changed.emit()
