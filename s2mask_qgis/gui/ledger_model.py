"""The rows of a ledger for a table: filtered and sorted here, since ten thousand rows are too many for a proxy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qgis.PyQt.QtGui import QColor

from ..jobs.ledger.rows import ImageRow, RowState
from .ledger_wording import columns, matches, reason_text

NOWHERE = QModelIndex()


class LedgerModel(QAbstractTableModel):
    """Rows of images; a filter of states and text, and an order, decide which are shown."""

    def __init__(self, colours: Mapping[RowState, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns = columns()
        self._colours = {state: QColor(colour) for state, colour in colours.items()}
        self._rows: Sequence[ImageRow] = ()
        self._shown: list[ImageRow] = []
        self._states: frozenset[RowState] | None = None
        self._text = ""
        self._order = (0, False)

    @property
    def shown(self) -> Sequence[ImageRow]:
        """The rows that are shown, in order."""
        return self._shown

    def take(self, rows: Sequence[ImageRow]) -> None:
        """Show these rows; where the same images stay in the same places, selection and place stay too."""
        self._rows = rows
        self._arrange()

    def filter(self, states: frozenset[RowState] | None, text: str) -> None:
        """Show rows in one of these states alone (None: in any), which hold a text."""
        self._states, self._text = states, text.strip().lower()
        self._arrange()

    def row_at(self, index: QModelIndex) -> ImageRow:
        """The image of a cell."""
        return self._shown[index.row()]

    # Qt's names from here on

    def rowCount(self, parent: QModelIndex = NOWHERE) -> int:  # noqa: N802
        """How many images are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: QModelIndex = NOWHERE) -> int:  # noqa: N802
        """How many columns there are."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """The titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section].title
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The text of a cell, its colour, its whole reason."""
        row, column = self._shown[index.row()], self._columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (row.index, reason_text(row), *row.outputs.values())))
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 2:
            return self._colours.get(row.state)
        if role == Qt.ItemDataRole.TextAlignmentRole and column.is_number:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def sort(self, column: int, order: Any = Qt.SortOrder.AscendingOrder) -> None:
        """Order the rows by a column."""
        self._order = (column, order == Qt.SortOrder.DescendingOrder)
        self._arrange()

    def _arrange(self) -> None:
        column, is_descending = self._order
        found = [row for row in self._rows if self._is_shown(row)]
        found.sort(key=self._columns[column].key, reverse=is_descending)
        is_same = len(found) == len(self._shown) and all(a.index == b.index for a, b in zip(found, self._shown))
        if is_same:
            self._shown = found
            if found:
                self.dataChanged.emit(self.index(0, 0), self.index(len(found) - 1, len(self._columns) - 1))
            return
        self.beginResetModel()
        self._shown = found
        self.endResetModel()

    def _is_shown(self, row: ImageRow) -> bool:
        if self._states is not None and row.state not in self._states:
            return False
        return not self._text or matches(row, self._text)
