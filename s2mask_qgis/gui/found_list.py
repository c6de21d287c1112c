"""The list of scenes that a search found, with a tick for those that are to be downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qgis.PyQt.QtCore import QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QTreeWidget, QTreeWidgetItem, QWidget

from ..jobs.scene_request import FoundScene
from .scene_wording import cloud_text, size_text, state_text

FOUND_ROLE = Qt.ItemDataRole.UserRole
NUMBER_COLUMNS = (2, 3)


class FoundList(QTreeWidget):
    """Scenes in order of time; ``ticked_changed`` follows every change of the ticks or the scenes shown."""

    ticked_changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.itemChanged.connect(lambda _item, _column: self.ticked_changed.emit())

    def show_scenes(self, found: Sequence[FoundScene], most_cloudy_percent: float, only_missing: bool) -> None:
        """List the scenes that are not cloudier, or whose cloud is unknown; those that are missing have a tick."""
        with QSignalBlocker(self):
            self.clear()
            for scene in found:
                cloudy = scene.offer.cloudy_percent
                if (cloudy is None or cloudy <= most_cloudy_percent) and not (only_missing and scene.is_there):
                    self.addTopLevelItem(_item(scene))
        for column in range(self.columnCount()):
            self.resizeColumnToContents(column)
        self.ticked_changed.emit()

    def ticked(self) -> tuple[FoundScene, ...]:
        """The scenes that have a tick."""
        checked = Qt.CheckState.Checked
        return tuple(item.data(0, FOUND_ROLE) for item in self._items() if item.checkState(0) == checked)

    def tick_all(self, is_ticked: bool) -> None:
        """Tick all scenes that are missing, or none."""
        state: Any = Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked
        with QSignalBlocker(self):
            for item in self._items():
                if not item.data(0, FOUND_ROLE).is_there:
                    item.setCheckState(0, state)
        self.ticked_changed.emit()

    def _items(self) -> list[QTreeWidgetItem]:
        return [self.topLevelItem(row) for row in range(self.topLevelItemCount())]


def _item(scene: FoundScene) -> QTreeWidgetItem:
    offer = scene.offer
    texts = (offer.date, offer.name.tile, cloud_text(offer), size_text(offer.size_bytes), state_text(scene))
    item = QTreeWidgetItem(list(texts))
    item.setData(0, FOUND_ROLE, scene)
    item.setToolTip(0, offer.name.text)
    for column in NUMBER_COLUMNS:
        item.setTextAlignment(column, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
    if not scene.is_there:
        item.setCheckState(0, Qt.CheckState.Checked)
    return item
