"""What the plugin tells: short sentences in QGIS's message bar, the story in its message log."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsMessageLog
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QPushButton, QWidget

from ..core.fields import ParameterError
from ..core.labels import LabelError
from ..core.models.model import ModelError
from ..engines.errors import EngineError
from ..gis.errors import UserError
from .wording import tr

LOG_TAG = "S2 Mask"
"""The page of QGIS's message log that holds the plugin's story."""

SUCCESS_SECONDS = 15
"""A success goes away by itself; warnings and errors stay until closed."""


def log(text: str, level: Qgis.MessageLevel = Qgis.MessageLevel.Info) -> None:
    """Write to the message log without raising its panel; any thread may call this."""
    QgsMessageLog.logMessage(text, LOG_TAG, level, notifyUser=False)


def sentence(error: BaseException) -> str:
    """What to tell the user about an error; one that nobody foresaw goes to the log with its traceback."""
    if isinstance(error, (EngineError, ParameterError, ModelError, LabelError, UserError)) and str(error):
        return str(error)
    story = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    log(story, Qgis.MessageLevel.Critical)
    return tr("Something unexpected went wrong ({}). The message log “{}” holds the details.").format(
        f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, LOG_TAG
    )


class Messages:
    """The message bar of one QGIS window; a new message of ours takes the place of the one before."""

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._item: QWidget | None = None

    def success(self, text: str, folder: Path) -> None:
        """Something was made, in ``folder``."""
        self._push(text, Qgis.MessageLevel.Success, tr("Open folder"), lambda: open_folder(folder), SUCCESS_SECONDS)

    def notice(self, text: str) -> None:
        """Something ended as the user asked."""
        self._push(text, Qgis.MessageLevel.Info, "", None, SUCCESS_SECONDS)

    def warning(self, text: str, show_details: Callable[[], None]) -> None:
        """Part of the work failed."""
        self._push(text, Qgis.MessageLevel.Warning, tr("Details"), show_details, 0)

    def error(self, text: str) -> None:
        """The work could not be done."""
        self._push(text, Qgis.MessageLevel.Critical, tr("Details"), self.open_log, 0)

    def offer(self, text: str, button_text: str, action: Callable[[], Any]) -> None:
        """Something can be mended by a click."""
        self._push(text, Qgis.MessageLevel.Info, button_text, action, 0)

    def open_log(self) -> None:
        """Show the message log."""
        self._iface.openMessageLog()

    def _push(
        self, text: str, level: Qgis.MessageLevel, button_text: str, action: Callable[[], Any] | None, seconds: int
    ) -> None:
        log(text, level)
        bar = self._iface.messageBar()
        item = bar.createMessage(tr("S2 Mask"), text)
        if action is not None:
            button = QPushButton(button_text, item)
            button.clicked.connect(lambda _checked: action())
            item.layout().addWidget(button)
        if self._item in bar.items():
            bar.popWidget(self._item)
        self._item = item
        bar.pushWidget(item, level, seconds)


def open_folder(folder: Path) -> None:
    """Show a folder in the desktop's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
