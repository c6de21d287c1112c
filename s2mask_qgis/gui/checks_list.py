"""A list of checks behind a button that sums them up: what is well, what is not and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from .wording import tr

if TYPE_CHECKING:
    from ..jobs.doctor import Check

ICONS = {"ok": "/mIconSuccess.svg", "problem": "/mIconWarning.svg", "not examined": "/mActionHelpContents.svg"}
BREAK = "\u200b"
"""Where a long name may be broken without a sign."""
ADDRESS = re.compile(r"(https://[^\s<>\"]*[^\s<>\".,;:)])")


class ChecksList(QWidget):
    """Hidden while there is nothing to show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton(self)
        self.button.setObjectName("checksButton")
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.toggled.connect(self._unfold)
        self._body = QWidget(self)
        self._rows = QGridLayout(self._body)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self._body)
        self.show_checks("", ())

    def show_checks(self, title: str, checks: Sequence[Check]) -> None:
        """List these checks under a title; unfolded where something is wrong."""
        while item := self._rows.takeAt(0):
            item.widget().deleteLater()
        for row, check in enumerate(checks):
            self._rows.addWidget(_icon(check, self._body), row, 0, Qt.AlignmentFlag.AlignTop)
            self._rows.addWidget(_text(check, self._body), row, 1)
        self.button.setText(title)
        self.setVisible(bool(checks))
        self.button.setChecked(any(check.state.value == "problem" for check in checks))
        self._unfold(self.button.isChecked())

    def texts(self) -> list[str]:
        """What the rows say, for those who look at them."""
        return [label.text() for label in self._body.findChildren(QLabel, "checkText")]

    def _unfold(self, unfolded: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        self._body.setVisible(unfolded)


def _linked(url: str, text: str) -> str:
    return f'<a href="{escape(url)}">{escape(breakable(text))}</a>'


def breakable(text: str) -> str:
    """The text with places where the paths and addresses in it may be broken: a dock is narrow."""
    return re.sub(r"(?<=[/@._-])(?=\w)", BREAK, text)


def _icon(check: Check, parent: QWidget) -> QLabel:
    label = QLabel(parent)
    side = label.fontMetrics().height()
    label.setPixmap(QgsApplication.getThemeIcon(ICONS[check.state.value]).pixmap(side, side))
    label.setToolTip(check.state.value)
    return label


def _text(check: Check, parent: QWidget) -> QLabel:
    """The check in words, whose pages can be opened."""
    label = QLabel(parent)
    label.setObjectName("checkText")
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    flag = Qt.TextInteractionFlag
    label.setTextInteractionFlags(flag.LinksAccessibleByMouse | flag.LinksAccessibleByKeyboard)
    label.setOpenExternalLinks(True)
    link = f" {_linked(check.link, tr('Open the page'))}" if check.link else ""
    parts = [
        _linked(part, part) if ADDRESS.fullmatch(part) else escape(breakable(part))
        for part in ADDRESS.split(check.text)
    ]
    label.setText(f"<b>{escape(check.name)}</b>: {''.join(parts)}{link}")
    return label
