"""Section 2 of the dock: the dates, the parameters with their presets, and the folder of prepared scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.gui import QgsCollapsibleGroupBoxBasic, QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QDate, QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QLabel, QWidget

from ..core.fields import Problem, defaults
from ..core.parameters import MODEL, RunParameters, ShadowParameters, find_problems
from ..gis.plugin_folders import models_folder
from ..paths import form
from .levels import levels_of, of_level
from .model_chooser import ModelChooser
from .offers import band_sets, cutoff_text, source_reason, uses_model
from .parameter_form import ParameterForm, user_text
from .preset_buttons import PresetButtons
from .settings import DATES
from .tab_order import heading, order_tabs
from .wording import tr

if TYPE_CHECKING:
    from ..core.scenes import Scene

SHOWN = ("model", "cutoff", "scale_m", "source")
"""Parameters shown at once; the others are folded away in groups, but for the two that follow."""

CHOICES = ("union", "level")
"""Parameters shown where there is a choice: with a source beside the model, and with images of two levels."""

BACKGROUND = (
    "number_of_images",
    "number_preselect",
    "cloud_threshold",
    "methods_as_documented",
    "allow_future",
    "hours_excluded",
    "common_area",
)
CLUSTERS = ("do_clustering", "cluster_count", "sample_size", "thresholds", "seed")
SHADOW_ALONE = ("shadow_buffer_m", *defaults(ShadowParameters))
"""Parameters without effect where shadows are not looked for."""

SHADOW = ("opening_radius_px", "cloud_buffer_m", "shadow", *SHADOW_ALONE)

OUTPUT = ("features", "evi2", "kndvi")


class ImagesSection(QgsCollapsibleGroupBoxBasic):
    """Which images, and how they are masked; ``changed`` follows every edit. Own models lie in ``models``."""

    changed = pyqtSignal()

    def __init__(self, models: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("images.ui")), self, package=__package__)
        self._scene_dates: tuple[str, str] | None = None
        self._dates_chosen = False
        self._scenes: tuple[Scene, ...] = ()
        self._is_earth_engine = False
        self.chooser = ModelChooser(models or models_folder())
        places = (
            (self.mainParameters, SHOWN),
            (self.choicesForm, CHOICES),
            (self.backgroundForm, BACKGROUND),
            (self.clustersForm, CLUSTERS),
            (self.shadowForm, SHADOW),
            (self.outputForm, OUTPUT),
            (self.outputForm, None),
        )
        self.parameters = ParameterForm(RunParameters, places, {"model": self.chooser})
        self.parameters.align((*SHOWN, "level"))
        self.presets = PresetButtons(self.loadButton, self.saveButton, self._shared, self.chooser.folder)
        self._boxes = self._set_up_boxes()
        self._more_title = self.moreParameters.title()
        self._model_help = self.chooser.toolTip()
        self._add_library_folder()
        self._add_done_file()
        self.show_dates((QDate.currentDate().addYears(-1), QDate.currentDate()))
        self._order_tabs()
        self._connect()
        self._on_change()

    def values(self) -> dict[str, Any]:
        """The values of RunParameters by name, valid or not."""
        return {
            "date_start": self.dateStart.date().toString(Qt.DateFormat.ISODate),
            "date_end": self.dateEnd.date().toString(Qt.DateFormat.ISODate),
            **self.parameters.values(),
        }

    def remembered(self) -> dict[str, Any]:
        """The values worth remembering: without the dates where the user left them to the scenes."""
        values = self.values()
        return values if self._dates_chosen else {k: v for k, v in values.items() if k not in DATES}

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the values, and with the model and the images together."""
        values = self.values()
        found = find_problems(values)
        if not found and uses_model(values["source"], values["union"]) and self.chooser.problem():
            return (Problem("model", self.chooser.problem()),)
        return found

    def library_folder(self) -> Path:
        """Where prepared scenes are kept."""
        return Path(self.libraryFolder.filePath().strip())

    def done_file(self) -> Path | None:
        """The file whose images are left out, if any."""
        text = self.doneFile.filePath().strip()
        return Path(text) if text else None

    def restore(self, values: Mapping[str, Any], library_folder: str, done_file: str = "") -> None:
        """Show remembered values; without dates among them, the dates follow the scenes."""
        self.libraryFolder.setFilePath(library_folder)
        self.doneFile.setFilePath(done_file)
        self._take(values)

    def offer_scenes(self, scenes: Sequence[Scene]) -> None:
        """Offer what these scenes allow; the level is theirs where they have but one."""
        self._scenes = tuple(scenes)
        self._on_change()

    def follow_engine(self, is_earth_engine: bool) -> None:
        """Offer what the engine has: on Earth Engine both levels, every source, and no scenes to take dates from."""
        self._is_earth_engine = is_earth_engine
        self.allDatesButton.setVisible(not is_earth_engine)
        for widget in (self.libraryFolder, self._library_label):
            widget.setVisible(not is_earth_engine)
        self._on_change()

    def offer_dates(self, first: str, last: str, take: bool = False) -> None:
        """The days of the first and the last scene (ISO); shown unless the user chose other dates, or with ``take``."""
        self._scene_dates = (first, last)
        self.allDatesButton.setEnabled(True)
        self.allDatesButton.setToolTip(tr("From the first scene ({}) to the last one ({})").format(first, last))
        if take or not self._dates_chosen:
            self._take_all_dates()

    def show_dates(self, dates: tuple[QDate, QDate]) -> None:
        """Show dates without taking them for the user's choice."""
        with QSignalBlocker(self.dateStart), QSignalBlocker(self.dateEnd):
            self.dateStart.setDate(dates[0])
            self.dateEnd.setDate(dates[1])
        self._on_change()

    def choose_model(self, name: str) -> None:
        """Mask with a model from now on."""
        self.chooser.reload()
        self.chooser.setCurrentIndex(self.chooser.findData(name))

    def _take(self, values: Mapping[str, Any]) -> None:
        """Show values by name; parameters left out get their defaults, dates left out stay as they are."""
        self.chooser.reload()
        self.parameters.set_values(values)
        if any(name in values for name in DATES):
            self._dates_chosen = True
            days = {**self.values(), **values}
            start, end = (QDate.fromString(days[name], Qt.DateFormat.ISODate) for name in DATES)
            self.show_dates((start, end))

    def _shared(self) -> dict[str, Any]:
        """The values that a preset holds: dates belong to the images of one place."""
        return self.parameters.values()

    def _take_all_dates(self) -> None:
        if self._scene_dates:
            self._dates_chosen = False
            first, last = (QDate.fromString(day, Qt.DateFormat.ISODate) for day in self._scene_dates)
            self.show_dates((first, last))

    def _set_up_boxes(self) -> tuple[tuple[QgsCollapsibleGroupBoxBasic, str, tuple[str, ...]], ...]:
        """The groups of folded parameters: box, title, and the parameters in it."""
        boxes = (
            (self.backgroundBox, BACKGROUND),
            (self.clustersBox, CLUSTERS),
            (self.shadowBox, SHADOW),
            (self.outputBox, OUTPUT),
        )
        for box in (self.moreParameters, *(box for box, _ in boxes)):
            box.setCollapsed(True)
        return tuple((box, box.title(), names) for box, names in boxes)

    def _add_library_folder(self) -> None:
        self.libraryFolder = QgsFileWidget()
        self.libraryFolder.setObjectName("libraryFolder")
        self.libraryFolder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.libraryFolder.setToolTip(
            tr("Prepared scenes are kept here and shared by all runs. The folder may be deleted: it is made again.")
        )
        self._library_label = QLabel(tr("Prepared in"))
        self._library_label.setBuddy(self.libraryFolder)
        self.outputForm.addRow(self._library_label, self.libraryFolder)

    def _add_done_file(self) -> None:
        self.doneFile = QgsFileWidget()
        self.doneFile.setObjectName("doneFile")
        self.doneFile.setDialogTitle(tr("Images that are done"))
        self.doneFile.setFilter(tr("Lists of images (*.json *.xlsx)"))
        self.doneFile.lineEdit().setPlaceholderText(tr("images listed in …"))
        self.doneFile.lineEdit().setAccessibleName(tr("File whose images are left out"))
        self.doneFile.setToolTip(
            tr(
                "Images that this file lists as done are left out: a metadata JSON or a workbook (current_status.xlsx) "
                "of the published scripts, or the metadata.json of a collection that was moved out. Default: none."
            )
        )
        label = QLabel(tr("Leave out"))
        label.setBuddy(self.doneFile)
        self.outputForm.addRow(label, self.doneFile)

    def _connect(self) -> None:
        self.dateStart.dateChanged.connect(self._on_date)
        self.dateEnd.dateChanged.connect(self._on_date)
        self.allDatesButton.clicked.connect(self._take_all_dates)
        self.resetButton.clicked.connect(self._reset)
        self.parameters.changed.connect(self._on_change)
        self.libraryFolder.fileChanged.connect(self._on_change)
        self.doneFile.fileChanged.connect(self._on_change)
        self.presets.loaded.connect(self._take)
        self.presets.done.connect(self.presetState.show_fact)
        self.presets.refused.connect(self.presetState.show_problem)

    def _order_tabs(self) -> None:
        chain: list[QWidget] = [self.dateStart, self.allDatesButton, self.dateEnd]
        chain += [self.parameters.widget(name) for name in (*SHOWN, *CHOICES)]
        chain += heading(self.moreParameters)
        for box, _, names in self._boxes:
            chain += heading(box)
            chain += [self.parameters.widget(name) for name in names]
        chain += [self.libraryFolder, self.doneFile, self.loadButton, self.saveButton, self.resetButton]
        order_tabs(chain)

    def _reset(self) -> None:
        self.doneFile.setFilePath("")
        self.parameters.reset()

    def _on_date(self) -> None:
        self._dates_chosen = True
        self._on_change()

    def _on_change(self) -> None:
        self._follow_scenes()
        self.imagesState.show_problem("\n".join(user_text(problem) for problem in self.problems()))
        self.presetState.show_fact("")
        self._show_form()
        self.changed.emit()

    def _follow_scenes(self) -> None:
        """Take the only level that there is, and grey the models that its images do not allow."""
        levels = levels_of(self._seen())
        level = self.parameters.widget("level")
        if len(levels) == 1 and level.currentData() != levels[0]:
            with QSignalBlocker(level):
                level.setCurrentIndex(level.findData(levels[0]))
        self.chooser.follow(band_sets(self._seen(), level.currentData()))

    def _seen(self) -> tuple[Scene, ...]:
        """The scenes that decide what is offered: those of this computer do not for Earth Engine."""
        return () if self._is_earth_engine else self._scenes

    def _show_form(self) -> None:
        values = self.parameters.values()
        self._show_sources(values["level"])
        self._show_choices(values["source"])
        for name in SHADOW_ALONE:
            self.parameters.widget(name).setEnabled(values["shadow"])
        self.chooser.setEnabled(uses_model(values["source"], values["union"]))
        model = self.chooser.chosen()
        if not find_problems(values):
            text = cutoff_text(RunParameters(**values), model)
            self.parameters.widget("cutoff").setSpecialValueText(text)
        details = self.chooser.currentData(Qt.ItemDataRole.ToolTipRole)
        self.chooser.setToolTip("\n\n".join(filter(None, (self._model_help, details))))
        chosen = self.parameters.differing()
        differing = [name for name in chosen if name != "level" or self._has_levels()]
        counts = [sum(name in differing for name in names) for _, _, names in self._boxes]
        has_file = self.done_file() is not None
        counts[-1] += has_file  # it stands among the output
        self.resetButton.setEnabled(bool(differing) or has_file)
        for (box, title, _), count in zip(self._boxes, counts):
            box.setTitle(tr("{} · {} changed").format(title, count) if count else title)
        more = self._more_title
        self.moreParameters.setTitle(f"{more} · {sum(counts)}" if any(counts) else more)

    def _has_levels(self) -> bool:
        """True where there is a level to choose."""
        return self._is_earth_engine or len(levels_of(self._scenes)) > 1

    def _show_choices(self, source: str) -> None:
        shown = {"union": source != MODEL, "level": self._has_levels()}
        for name, is_shown in shown.items():
            self.parameters.show_row(name, is_shown)
        self.choicesBody.setVisible(any(shown.values()))

    def _show_sources(self, level: str) -> None:
        """Grey the sources that cannot be used, with the reason."""
        combo = self.parameters.widget("source")
        for row in range(combo.count()):
            scenes = of_level(self._seen(), level)
            reason = "" if self._is_earth_engine else source_reason(combo.itemData(row), scenes)
            name = combo.itemText(row).split(" – ")[0]
            combo.setItemText(row, f"{name} – {reason}" if reason else name)
            combo.model().item(row).setEnabled(not reason)
