"""The order in which the Tab key goes through a form."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from qgis.gui import QgsCollapsibleGroupBoxBasic
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QToolButton, QWidget


def order_tabs(chain: Sequence[QWidget]) -> None:
    """Let Tab go from each widget to the next one."""
    for before, after in pairwise(chain):
        QWidget.setTabOrder(before, after)


def heading(box: QgsCollapsibleGroupBoxBasic) -> list[QWidget]:
    """What of a foldable box takes the focus: itself and the arrow that QGIS puts into it."""
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    return [box, *box.findChildren(QToolButton, options=direct)]
