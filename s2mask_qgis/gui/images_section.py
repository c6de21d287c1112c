"""Section 2 of the dock: the dates, the parameters and the folder of prepared scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.gui import QgsCollapsibleGroupBoxBasic, QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QDate, QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QLabel, QWidget

from ..core.fields import Problem
from ..core.parameters import RunParameters, find_problems
from ..paths import form
from .parameter_form import ParameterForm, user_text
from .settings import DATES
from .wording import tr

SHOWN = ("scale_m", "cutoff")
"""Parameters shown at once; the others are folded away."""


class ImagesSection(QgsCollapsibleGroupBoxBasic):
    """Which images, and how they are masked; ``changed`` follows every edit."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("images.ui")), self, package=__package__)
        self._scene_dates: tuple[str, str] | None = None
        self._dates_chosen = False
        self.parameters = ParameterForm(RunParameters, self.mainParameters, self.moreForm, SHOWN)
        self._add_library_folder()
        self.moreParameters.setCollapsed(True)
        self.show_dates((QDate.currentDate().addYears(-1), QDate.currentDate()))
        self._order_tabs()
        self.dateStart.dateChanged.connect(self._on_date)
        self.dateEnd.dateChanged.connect(self._on_date)
        self.allDatesButton.clicked.connect(self._take_all_dates)
        self.resetButton.clicked.connect(self.parameters.reset)
        self.parameters.changed.connect(self._on_change)
        self.libraryFolder.fileChanged.connect(self._on_change)
        self._on_change()

    def values(self) -> dict[str, Any]:
        """The values of RunParameters by name, valid or not."""
        return {
            "date_start": self.dateStart.date().toString(Qt.DateFormat.ISODate),
            "date_end": self.dateEnd.date().toString(Qt.DateFormat.ISODate),
            **self.parameters.values(),
        }

    def remembered(self) -> dict[str, Any]:
        """The values worth remembering: without the dates where the user left them to the scenes."""
        values = self.values()
        return values if self._dates_chosen else {k: v for k, v in values.items() if k not in DATES}

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the values."""
        return find_problems(self.values())

    def library_folder(self) -> Path:
        """Where prepared scenes are kept."""
        return Path(self.libraryFolder.filePath().strip())

    def restore(self, values: dict[str, Any], library_folder: str) -> None:
        """Show remembered values; without dates among them, the dates follow the scenes."""
        self.parameters.set_values(values)
        self.libraryFolder.setFilePath(library_folder)
        if all(name in values for name in DATES):
            self._dates_chosen = True
            start, end = (QDate.fromString(values[name], Qt.DateFormat.ISODate) for name in DATES)
            self.show_dates((start, end))

    def offer_dates(self, first: str, last: str, take: bool = False) -> None:
        """The days of the first and the last scene (ISO); shown unless the user chose other dates, or with ``take``."""
        self._scene_dates = (first, last)
        self.allDatesButton.setEnabled(True)
        self.allDatesButton.setToolTip(tr("From the first scene ({}) to the last one ({})").format(first, last))
        if take or not self._dates_chosen:
            self._take_all_dates()

    def show_dates(self, dates: tuple[QDate, QDate]) -> None:
        """Show dates without taking them for the user's choice."""
        with QSignalBlocker(self.dateStart), QSignalBlocker(self.dateEnd):
            self.dateStart.setDate(dates[0])
            self.dateEnd.setDate(dates[1])
        self._on_change()

    def _take_all_dates(self) -> None:
        if self._scene_dates:
            self._dates_chosen = False
            first, last = (QDate.fromString(day, Qt.DateFormat.ISODate) for day in self._scene_dates)
            self.show_dates((first, last))

    def _add_library_folder(self) -> None:
        self.libraryFolder = QgsFileWidget()
        self.libraryFolder.setObjectName("libraryFolder")
        self.libraryFolder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.libraryFolder.setToolTip(
            tr("Prepared scenes are kept here and shared by all runs. The folder may be deleted: it is made again.")
        )
        label = QLabel(tr("Prepared in"))
        label.setBuddy(self.libraryFolder)
        self.moreForm.addRow(label, self.libraryFolder)

    def _order_tabs(self) -> None:
        chain = [self.dateStart, self.allDatesButton, self.dateEnd, *self.parameters.widgets()]
        for before, after in zip(chain, [*chain[1:], self.libraryFolder]):
            QWidget.setTabOrder(before, after)
        QWidget.setTabOrder(self.libraryFolder, self.resetButton)

    def _on_date(self) -> None:
        self._dates_chosen = True
        self._on_change()

    def _on_change(self) -> None:
        self.imagesState.show_problem("\n".join(user_text(problem) for problem in self.problems()))
        self.resetButton.setEnabled(bool(self.parameters.differing()))
        self.changed.emit()
