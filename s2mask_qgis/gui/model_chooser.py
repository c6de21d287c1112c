"""The choice of a model: those that ship, then one's own, greyed with the reason where the images do not allow them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from ..core.models.files import Available, available, is_shipped
from ..core.models.model import Model
from .model_wording import model_details
from .offers import model_reason
from .parameter_form import keep_narrow
from .wording import counted, tr


class ModelChooser(QComboBox):
    """A combo box whose data are the names of models; ``reloaded`` follows each look through their files."""

    reloaded = pyqtSignal()

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._found = Available((), ())
        self._band_sets: Collection[tuple[str, ...]] | None = None
        keep_narrow(self)
        self.reload()

    @property
    def folder(self) -> Path:
        """Where one's own models lie."""
        return self._folder

    def chosen(self) -> Model | None:
        """The chosen model; None where it is not there any more."""
        return next((model for model in self._found.models if model.name == self.currentData()), None)

    def problem(self) -> str:
        """Why the chosen model cannot be used with the images at hand; empty where it can."""
        model = self.chosen()
        if model is None:
            text = tr("There is no model called “{}”. Choose another one, or put its file into {}.")
            return text.format(self.currentData(), self._folder)
        reason = self._reason(model)
        if not reason:
            return ""
        others = [other.name for other in self._found.models if not self._reason(other)]
        advice = tr("Choose {}.").format(tr(" or ").join(others)) if others else tr("No model is content with less.")
        return tr("The model {} {}, which the images do not have. {}").format(model.name, reason, advice)

    def follow(self, band_sets: Collection[tuple[str, ...]]) -> None:
        """Offer what images with these sets of bands allow."""
        self._band_sets = band_sets
        self._fill()

    def reload(self) -> None:
        """Look through the files again."""
        self._found = available(self._folder)
        self._fill()
        self.reloaded.emit()

    def showPopup(self) -> None:  # noqa: N802 (Qt's name)
        """Offer the models that are there now: files may have come meanwhile."""
        self.reload()
        super().showPopup()

    def _fill(self) -> None:
        chosen = self.currentData()
        with QSignalBlocker(self):
            self.clear()
            for model in self._found.models:
                self._separate(model)
                reason = self._reason(model)
                text = f"{model.name} – {reason}" if reason else model.name
                self._add(text, model.name, model_details(model), is_offered=not reason)
            if self._found.problems:
                files = counted(len(self._found.problems), tr("file"), tr("files"))
                self._add(tr("{} unusable").format(files), None, "\n".join(self._found.problems), is_offered=False)
            if chosen is not None and self.findData(chosen) < 0:
                self._add(tr("{} – not there").format(chosen), chosen, "", is_offered=False)
            self.setCurrentIndex(max(self.findData(chosen), 0))

    def _separate(self, model: Model) -> None:
        """A line above the first of one's own."""
        names = [self.itemData(row) for row in range(self.count())]
        if not is_shipped(model.name) and names and is_shipped(names[-1]):
            self.insertSeparator(self.count())

    def _add(self, text: str, name: str | None, details: str, is_offered: bool) -> None:
        self.addItem(text, name)
        row = self.count() - 1
        self.setItemData(row, details, Qt.ItemDataRole.ToolTipRole)
        entries: Any = self.model()
        entries.item(row).setEnabled(is_offered)

    def _reason(self, model: Model) -> str:
        return "" if self._band_sets is None else model_reason(model, self._band_sets)
