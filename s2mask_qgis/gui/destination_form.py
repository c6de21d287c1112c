"""The part of the run section that is for Earth Engine: where the results go, and how many tasks at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qgis.PyQt import uic
from qgis.PyQt.QtCore import QSignalBlocker, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..jobs.request import ASSETS, DRIVE, FOLDER, EarthEngineChoice, Throttle
from ..paths import form
from .destination_state import DestinationState
from .parameter_form import ParameterForm, keep_narrow
from .tab_order import heading, order_tabs
from .wording import tr

OWN_FOLDER = "s2mask"
"""The folder of a project's assets that is taken where none is named."""

ASSET_FOLDER = re.compile(r"(projects/[^/\s]+/assets|users/[^/\s]+)(/[A-Za-z0-9_-]+)+")
DRIVE_FOLDER = re.compile(r"[^/\\]{1,80}")


class DestinationForm(QWidget):
    """Destination, its folder, and the throttle; ``changed`` follows every edit of what decides where results go."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("destination.ui")), self, package=__package__)
        self._project = ""
        self.parameters = ParameterForm(Throttle, ((self.throttleForm, None),))
        self.destinationChoice.addItem(tr("Earth Engine assets"), ASSETS)
        self.destinationChoice.addItem(tr("Google Drive"), DRIVE)
        self.destinationChoice.addItem(tr("this computer"), FOLDER)
        keep_narrow(self.destinationChoice)
        self.throttleBox.setCollapsed(True)
        self._title = self.throttleBox.title()
        self._connect()
        self._show_rows()
        self.follow_project("")
        order_tabs(self.chain())

    def chain(self) -> list[QWidget]:
        """What takes the focus, in order."""
        entries = [self.destinationChoice, self.assetFolder, self.driveFolder]
        return [*entries, *heading(self.throttleBox), *self.parameters.widgets()]

    def follow_project(self, project: str) -> None:
        """Take a project's own folder where none is named."""
        self._project = project
        own = f"projects/{project or tr('PROJECT')}/assets/{OWN_FOLDER}"
        self.assetFolder.setPlaceholderText(own)

    def choice(self) -> EarthEngineChoice:
        """Where a run of the project sends its results; it may be wrong, see :meth:`problem`."""
        state = self.remembered()
        folder = state.asset_folder or self.assetFolder.placeholderText()
        return EarthEngineChoice(self._project, state.destination, folder, state.drive_folder)

    def throttle(self) -> Throttle:
        """How hard the run presses."""
        return Throttle(**self.parameters.values())

    def problem(self) -> str:
        """Why no results can go there; empty where they can."""
        state = self.remembered()
        if state.destination == ASSETS and state.asset_folder and not ASSET_FOLDER.fullmatch(state.asset_folder):
            return tr(
                "{} is no folder of assets. Write projects/PROJECT/assets/FOLDER, with letters, digits, - and _."
            ).format(state.asset_folder)
        if state.destination == DRIVE and not DRIVE_FOLDER.fullmatch(state.drive_folder):
            return tr("Name the folder in Google Drive: one name of 1 to 80 letters, without a slash.")
        return ""

    def remembered(self) -> DestinationState:
        """What is entered."""
        values = self.parameters.values()
        return DestinationState(
            self.destinationChoice.currentData(),
            self.assetFolder.text().strip().strip("/"),
            self.driveFolder.text().strip(),
            {name: values[name] for name in self.parameters.differing()},
        )

    def restore(self, state: DestinationState) -> None:
        """Show what was entered."""
        with QSignalBlocker(self):
            self.destinationChoice.setCurrentIndex(self.destinationChoice.findData(state.destination))
            self.assetFolder.setText(state.asset_folder)
            self.driveFolder.setText(state.drive_folder)
            self.parameters.set_values(state.throttle)
        self.changed.emit()

    def take(self, given: Mapping[str, Any]) -> None:
        """Enter what a parameters.py of the scripts says: its ``asset_folder``, its ``nb_task_max``."""
        state = self.remembered()
        folder = given.get("asset_folder", state.asset_folder)
        throttle = {name: given[name] for name in ("nb_task_max",) if name in given}
        self.restore(replace(state, asset_folder=folder, throttle={**state.throttle, **throttle}))

    def _connect(self) -> None:
        self.destinationChoice.currentIndexChanged.connect(self._on_destination)
        self.assetFolder.textChanged.connect(lambda _text: self.changed.emit())
        self.driveFolder.textChanged.connect(lambda _text: self.changed.emit())
        self.parameters.changed.connect(self._on_throttle)

    def _on_destination(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        destination = self.destinationChoice.currentData()
        for widget in (self.assetFolderLabel, self.assetFolder):
            widget.setVisible(destination == ASSETS)
        for widget in (self.driveFolderLabel, self.driveFolder):
            widget.setVisible(destination == DRIVE)

    def _on_throttle(self) -> None:
        count = len(self.parameters.differing())
        self.throttleBox.setTitle(tr("{} · {} changed").format(self._title, count) if count else self._title)
        self.changed.emit()
