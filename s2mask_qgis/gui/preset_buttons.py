"""The buttons that keep the parameters of a run as a file, and take them from one: a preset, or a parameters.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QFileDialog, QPushButton

from ..core.fields import ParameterError
from ..core.models.model import ModelError
from ..engines.errors import StorageError
from ..jobs import presets, script_parameters
from .parameter_form import user_text
from .wording import tr

SUFFIX = ".json"


class PresetButtons(QObject):
    """Works two buttons. ``loaded`` carries the values of a file by name, ``destination_loaded`` those of a
    parameters.py that are for runs on Earth Engine (``asset_folder``, ``nb_task_max``), ``done`` a sentence about what
    was done (and notes on what a parameters.py holds besides), ``refused`` one about what could not be."""

    loaded = pyqtSignal(object)
    destination_loaded = pyqtSignal(object)
    done = pyqtSignal(str)
    refused = pyqtSignal(str)

    def __init__(
        self,
        load_button: QPushButton,
        save_button: QPushButton,
        values: Callable[[], Mapping[str, Any]],
        models_folder: Path,
    ) -> None:
        super().__init__(load_button)
        self._window = load_button
        self._values = values
        self._models_folder = models_folder
        load_button.clicked.connect(self._ask_to_load)
        save_button.clicked.connect(self._ask_to_save)

    def load(self, path: Path) -> None:
        """Take over a preset or a parameters.py of the published scripts, all of it or nothing."""
        try:
            values, notes, destination = self._read(path)
        except ParameterError as error:
            texts = [user_text(problem) for problem in error.problems]
            self.refused.emit("\n".join((tr("Nothing was taken from {}:").format(path.name), *texts)))
        except ModelError as error:
            self.refused.emit(str(error))
        else:
            self.loaded.emit(values)
            if destination:
                self.destination_loaded.emit(destination)
            self.done.emit("\n".join((tr("Loaded {}.").format(path.name), *notes)))

    def save(self, path: Path) -> None:
        """Keep the values in a file."""
        path = path if path.suffix else path.with_suffix(SUFFIX)
        try:
            presets.write(path, self._values(), self._models_folder)
        except ParameterError as error:
            self.refused.emit("\n".join(user_text(problem) for problem in error.problems))
        except (ModelError, StorageError) as error:
            self.refused.emit(str(error))
        else:
            self.done.emit(tr("Saved as {}.").format(path.name))

    def _read(self, path: Path) -> tuple[Mapping[str, Any], tuple[str, ...], dict[str, Any]]:
        """The values of a file, notes on it, and what it says of the destination of runs on Earth Engine; the model
        that comes with a preset is kept."""
        if path.suffix.lower() == script_parameters.SUFFIX:
            script = script_parameters.read_parameters(path)
            given = {"asset_folder": script.asset_folder, "nb_task_max": script.nb_task_max}
            return script.values, script.notes, {name: value for name, value in given.items() if value is not None}
        preset = presets.read(path, self._models_folder)
        presets.install(preset, self._models_folder)
        return preset.parameters, (), {}

    def _ask_to_load(self) -> None:
        title, kinds = tr("Load parameters"), tr("Presets, parameters of the published scripts (*.json *.py)")
        name, _ = QFileDialog.getOpenFileName(self._window, title, "", kinds)
        if name:
            self.load(Path(name))

    def _ask_to_save(self) -> None:
        title, kinds = tr("Save parameters"), tr("Presets (*.json)")
        name, _ = QFileDialog.getSaveFileName(self._window, title, "", kinds)
        if name:
            self.save(Path(name))
