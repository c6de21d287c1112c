"""The scores of a model as a table: a line for all labels together, then one an image and one a group."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from ..jobs.training_request import ScoreRow
from .wording import tr

HEIGHT_ROWS = 8
"""A longer table scrolls."""

ROW_PADDING_PX = 6

WIDEST_NAME = 20
"""Letters of a name that are shown at once; the tooltip holds it all."""

INDEX = re.compile(r"^(\d{4})(\d\d)(\d\d)T\d{6}_\w+_T(\w{5})$")
"""The system:index of an image: its day, the times, its tile."""

NONE = "–"
"""What stands for a score that is not defined, as where there is no cloud to be found."""


def set_up_scores(table: QTableWidget) -> None:
    """Give a table its columns, read only."""
    headings = (
        (tr("Labels of"), tr("All held-out labels, those of an image, or those of a group")),
        (tr("Balanced"), tr("Balanced accuracy: the mean of the shares of cloud and of clear that were told right")),
        (tr("Precision"), tr("Share of what was called cloud that is cloud")),
        (tr("Recall"), tr("Share of the cloud that was found")),
        (tr("F1"), tr("Harmonic mean of precision and recall")),
        (tr("Labels"), tr("How many labels")),
    )
    table.setColumnCount(len(headings))
    for column, (text, help_text) in enumerate(headings):
        item = QTableWidgetItem(text)
        item.setToolTip(help_text)
        table.setHorizontalHeaderItem(column, item)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + ROW_PADDING_PX)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setAlternatingRowColors(True)
    table.setTabKeyNavigation(False)  # the key leads on through the dock
    table.setTextElideMode(Qt.TextElideMode.ElideRight)
    table.setWordWrap(False)


def show_scores(table: QTableWidget, rows: Sequence[ScoreRow]) -> None:
    """Fill a table, as high as its rows up to a limit."""
    table.setRowCount(len(rows))
    for number, row in enumerate(rows):
        scores = (row.balanced_accuracy, row.precision, row.recall, row.f1)
        texts = (name_text(row.name), *map(percent_text, scores), f"{row.labels:,}")
        for column, text in enumerate(texts):
            table.setItem(number, column, _item(text, is_number=column > 0))
        table.item(number, 0).setToolTip(row.name)
        table.item(number, table.columnCount() - 1).setToolTip(tr("{:,} of them cloud").format(row.cloudy))
    table.resizeColumnsToContents()
    widest = WIDEST_NAME * table.fontMetrics().averageCharWidth()
    table.setColumnWidth(0, min(table.columnWidth(0), widest))
    lines = min(len(rows), HEIGHT_ROWS) * table.verticalHeader().defaultSectionSize()
    edges = table.horizontalHeader().sizeHint().height() + table.horizontalScrollBar().sizeHint().height()
    table.setFixedHeight(lines + edges + 2 * table.frameWidth())


def name_text(name: str) -> str:
    """An image by its day and tile, "2023-05-14 33TVM"; anything else as it is."""
    return INDEX.sub(r"\1-\2-\3 \4", name)


def percent_text(share: float | None) -> str:
    """A share as "97.4 %"; a dash where there is none."""
    return NONE if share is None else f"{100 * share:.1f} %"


def _item(text: str, is_number: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return item
