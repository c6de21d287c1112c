"""The window "Images of the run": where each image stands and why, to filter, sort, try again, map and export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qgis.PyQt import uic
from qgis.PyQt.QtCore import QItemSelectionModel, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QWidget

from ..gis.ledger_states import state_titles
from ..jobs.ledger.rows import ImageRow, RowState
from ..paths import form
from .ledger_model import LedgerModel
from .wording import images_text, tr

if TYPE_CHECKING:
    from ..jobs.ledger.reading import LedgerView

CAN_BE_RETRIED = frozenset({RowState.FAILED, RowState.CANCELLED})
MOST_KEPT = 2000
"""A selection of more images than these is not brought back where rows come or go."""

STRETCHED = 5
"""The column that takes what room there is: the reason."""


class LedgerTable(QDialog):
    """Shows looks at one ledger after the other.

    ``zoom_asked`` carries rows whose footprints are to be shown; ``retry_asked`` the names of images, or None for all
    that failed; ``map_asked`` and ``export_asked`` follow their buttons; ``looked_at`` comes with each opening, and
    with another choice of states.
    """

    zoom_asked = pyqtSignal(object)
    retry_asked = pyqtSignal(object)
    map_asked = pyqtSignal()
    export_asked = pyqtSignal()
    looked_at = pyqtSignal()

    def __init__(self, colours: Mapping[RowState, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("ledger_table.ui")), self, package=__package__)
        self.setModal(False)
        self.model = LedgerModel(colours, self)
        self._counts: Mapping[RowState, int] = {}
        self._retry_problem = ""
        self._set_up_table()
        self.stateFilter.addItem(tr("All states"), None)
        self._titles = state_titles()
        for state, title in self._titles.items():
            self.stateFilter.addItem(title, state)
        self._connect()
        self.resize(760, 560)
        self._show_selection()

    def open_beside(self) -> None:
        """Show the window in front."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.looked_at.emit()

    def take(self, view: LedgerView, rows: Sequence[ImageRow]) -> None:
        """Show a look at a ledger: its counts, and what is known of its images by now."""
        self.setWindowTitle(tr("Images of the run · {}").format(view.path.parent.name))
        self._counts = view.counts
        selected, place = self._names(), self.imagesTable.verticalScrollBar().value()
        self.model.take(rows)
        if self._names() != selected:
            self._select(selected)
            self.imagesTable.verticalScrollBar().setValue(place)
        self._show_counts()

    def state(self) -> RowState | None:
        """The state that alone is shown, None where all are."""
        return self.stateFilter.currentData()

    def show_problem(self, text: str) -> None:
        """Why the ledger cannot be read, or not be written by us; empty where it can."""
        self.ledgerState.show_problem(text)

    def show_retry_problem(self, text: str) -> None:
        """Why no image can be tried again; empty where they can."""
        self._retry_problem = text
        self._show_selection()

    def selected(self) -> list[ImageRow]:
        """The selected images."""
        ranges = self.imagesTable.selectionModel().selection()  # of whole rows; few, however many images
        numbers = {number for one in ranges for number in range(one.top(), one.bottom() + 1)}
        return [self.model.shown[number] for number in sorted(numbers)]

    def _set_up_table(self) -> None:
        table = self.imagesTable
        table.setModel(self.model)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        vertical, header = table.verticalHeader(), table.horizontalHeader()
        vertical.hide()
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setDefaultSectionSize(table.fontMetrics().height() + 6)
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        letters = table.fontMetrics().horizontalAdvance("0")
        for column, width in enumerate((12, 9, 14, 9, 8)):
            table.setColumnWidth(column, width * letters)

    def _connect(self) -> None:
        self.stateFilter.currentIndexChanged.connect(self._on_filter)
        self.stateFilter.currentIndexChanged.connect(lambda _row: self.looked_at.emit())
        self.textFilter.textChanged.connect(self._on_filter)
        self.imagesTable.doubleClicked.connect(lambda index: self.zoom_asked.emit([self.model.row_at(index)]))
        self.imagesTable.selectionModel().selectionChanged.connect(lambda _new, _old: self._show_selection())
        self.model.modelReset.connect(self._show_selection)
        self.zoomButton.clicked.connect(lambda: self.zoom_asked.emit(self.selected()))
        self.retryButton.clicked.connect(self._on_retry)
        self.retryFailedButton.clicked.connect(lambda: self.retry_asked.emit(None))
        self.mapButton.clicked.connect(lambda: self.map_asked.emit())
        self.exportButton.clicked.connect(lambda: self.export_asked.emit())
        self.closeButton.clicked.connect(self.close)

    def _on_filter(self) -> None:
        state = self.stateFilter.currentData()
        self.model.filter(None if state is None else frozenset({state}), self.textFilter.text())
        self._show_counts()

    def _on_retry(self) -> None:
        self.retry_asked.emit([row.index for row in self.selected() if row.state in CAN_BE_RETRIED])

    def _names(self) -> set[str]:
        return {row.index for row in self.selected()}

    def _select(self, names: set[str]) -> None:
        """Select images by name, as far as they are shown."""
        selection = self.imagesTable.selectionModel()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for number, row in enumerate(self.model.shown if 0 < len(names) <= MOST_KEPT else ()):
            if row.index in names:
                selection.select(self.model.index(number, 0), flags)

    def _show_counts(self) -> None:
        """How many images there are in each state, and how many are shown."""
        for number in range(1, self.stateFilter.count()):
            state = self.stateFilter.itemData(number)
            self.stateFilter.setItemText(number, f"{self._titles[state]} ({self._counts.get(state, 0):,})")
        total = sum(self._counts.values())
        shown = len(self.model.shown)
        text = images_text(total) if shown == total else tr("{} of {}").format(f"{shown:,}", images_text(total))
        self.shownLabel.setText(text)
        self._show_selection()

    def _show_selection(self) -> None:
        """Offer what can be done with the selected images."""
        rows = self.selected()
        self.zoomButton.setEnabled(bool(rows))
        failed = sum(self._counts.get(state, 0) for state in CAN_BE_RETRIED)
        buttons = ((self.retryFailedButton, bool(failed)), (self.retryButton, any(_may_retry(row) for row in rows)))
        for button, is_useful in buttons:
            button.setEnabled(is_useful and not self._retry_problem)
        for button in (self.mapButton, self.exportButton):
            button.setEnabled(bool(self._counts))


def _may_retry(row: ImageRow) -> bool:
    return row.state in CAN_BE_RETRIED
