"""Section 6 of the dock: from labels to a model of one's own, and how well it does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.gui import QgsCollapsibleGroupBoxBasic
from qgis.PyQt import uic
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..core.fields import field_problems
from ..core.models.files import is_shipped
from ..core.training.parameters import RECALL, TrainingParameters
from ..jobs.training_request import TrainingReport, TrainingState
from ..paths import form
from .folded_list import FoldedList
from .model_state import FROM_FILE, FROM_LAYER, ModelState
from .parameter_form import ParameterForm, keep_narrow, user_text
from .scores_table import set_up_scores, show_scores
from .tab_order import heading, order_tabs
from .wording import counted, tr

LONGEST_NAME = 64


class ModelSection(QgsCollapsibleGroupBoxBasic):
    """The form of a model and everything about one that is built; ``changed`` follows every edit.

    ``report_asked`` carries the path of a report, ``use_asked`` the name of a model.
    """

    changed = pyqtSignal()
    build_asked = pyqtSignal()
    cancel_asked = pyqtSignal()
    report_asked = pyqtSignal(object)
    use_asked = pyqtSignal(str)

    def __init__(self, models: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("model.ui")), self, package=__package__)
        self._models = models
        self._running = False
        self._report: TrainingReport | None = None
        self.parameters = ParameterForm(TrainingParameters, ((self.buildForm, None),))
        self._notes = FoldedList(self.modelNotesButton, self.modelNotes)
        self._set_up_widgets()
        self._order_tabs()
        self._connect()
        self._show_form()

    # What is asked for

    def labels_file(self) -> Path | None:
        """The CSV file of labels; None where a layer holds them, or none was chosen."""
        text = self.labelsFile.filePath().strip()
        return Path(text) if text and self.labelsSource.currentData() == FROM_FILE else None

    def labels_layer(self) -> QgsVectorLayer | None:
        """The layer of labels; None where a file holds them, or there is none."""
        return self.labelsLayer.currentLayer() if self.labelsSource.currentData() == FROM_LAYER else None

    def title_text(self) -> str:
        """What people call the model."""
        return self.modelName.text().strip()

    def problems(self) -> list[str]:
        """Everything in this section that keeps a model from being built."""
        found = []
        if self.labels_file() is None and self.labels_layer() is None:
            found.append(tr("Choose the layer or the file that holds the labels, or click some in section 4."))
        name = name_of(self.title_text())
        if not name:
            found.append(tr("Give the model a name."))
        elif is_shipped(name):
            text = tr("“{}” is the name of a model that ships with the plugin. Choose another name.")
            found.append(text.format(name))
        wrong = field_problems(TrainingParameters, self.parameters.values())
        return [*found, *(user_text(problem, TrainingParameters) for problem in wrong)]

    def offer_layer(self, layer: QgsVectorLayer) -> None:
        """A layer of labels that was begun by clicks."""
        self.labelsLayer.setLayer(layer)

    def restore(self, state: ModelState) -> None:
        """Show what was remembered."""
        self.labelsSource.setCurrentIndex(self.labelsSource.findData(state.source))
        self.labelsFile.setFilePath(state.labels_file)
        self.modelName.setText(state.title)
        self.parameters.set_values(state.parameters)
        self.setCollapsed(not state.is_open)

    def remembered(self) -> ModelState:
        """What is worth remembering."""
        return ModelState(
            source=self.labelsSource.currentData(),
            labels_file=self.labelsFile.filePath(),
            title=self.modelName.text(),
            is_open=not self.isCollapsed(),
            parameters=self.parameters.values(),
        )

    # What goes on

    def show_problems(self, problems: Sequence[str]) -> None:
        """Show why nothing can start, every reason on its own line."""
        bullet = "• " if len(problems) > 1 else ""
        self.modelProblems.show_problem("\n".join(f"{bullet}{problem}" for problem in problems))

    def start(self) -> None:
        """A model is being built."""
        self._running = True
        self._report = None
        self.show_problems(())
        self._notes.show_lines("", ())
        self.modelResults.hide()
        self.buildButton.setText(tr("&Cancel"))
        self.modelProgress.setRange(0, 0)
        self.modelProgress.show()
        self.modelStatus.show_fact(tr("Reading labels …"))

    def show_progress(self, done: int, total: int) -> None:
        """So many images were sampled; after a click on Cancel the end is all that is waited for."""
        if not (self._running and self.buildButton.isEnabled()):
            return
        if done < total:
            self.modelProgress.setRange(0, total)
            self.modelProgress.setValue(done)
            self.modelStatus.show_fact(tr("Features at labels: {} of {}").format(done, images_of_labels(total)))
        else:
            self.modelProgress.setRange(0, 0)
            self.modelStatus.show_fact(tr("Fitting and judging the model …"))

    def end(self, report: TrainingReport) -> None:
        """A model was built, or could not be."""
        self._running = False
        self._report = report
        self.buildButton.setEnabled(True)
        self.buildButton.setText(tr("&Build"))
        self.modelProgress.hide()
        is_refused = report.state is TrainingState.REFUSED
        (self.modelStatus.show_problem if is_refused else self.modelStatus.show_fact)(report.message)
        self._notes.show_lines(counted(len(report.notes), tr("note"), tr("notes")), report.notes)
        self.modelResults.setVisible(bool(report.rows))
        self.reportButton.setEnabled(report.report_path is not None)
        self.useModelButton.setEnabled(report.model_path is not None)
        show_scores(self.scoresTable, report.rows)
        self._show_form()

    def open_notes(self) -> None:
        """Unfold the list of notes."""
        self.setCollapsed(False)
        self._notes.open()

    def _set_up_widgets(self) -> None:
        self.labelsSource.addItem(tr("from a layer"), FROM_LAYER)
        self.labelsSource.addItem(tr("from a CSV file"), FROM_FILE)
        kinds = QgsMapLayerProxyModel.Filter
        self.labelsLayer.setFilters(QgsMapLayerProxyModel.Filters(kinds.PointLayer | kinds.PolygonLayer))
        keep_narrow(self.labelsLayer)
        self.labelsFile.setFilter(tr("Tables (*.csv *.txt *.tsv)"))
        self.labelsFile.setDialogTitle(tr("Labels"))
        self.labelsFile.lineEdit().setPlaceholderText(tr("longitude, latitude, image, class"))
        self.modelName.setMaxLength(LONGEST_NAME)
        self.modelHint.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.modelProgress.hide()
        self.modelResults.hide()
        set_up_scores(self.scoresTable)
        self.buildBox.setCollapsed(True)
        self.setCollapsed(True)

    def _order_tabs(self) -> None:
        chain = [self.labelsSource, self.labelsLayer, self.labelsFile, self.modelName]
        chain += heading(self.buildBox)
        chain += [*self.parameters.widgets(), self.buildReset, self.buildButton]
        chain += [self.modelNotesButton, self.modelNotes, self.scoresTable, self.reportButton, self.useModelButton]
        order_tabs(chain)

    def _connect(self) -> None:
        self.labelsSource.currentIndexChanged.connect(self._on_change)
        self.labelsLayer.layerChanged.connect(lambda _layer: self._on_change())
        self.labelsFile.fileChanged.connect(lambda _path: self._on_change())
        self.modelName.textChanged.connect(self._on_change)
        self.parameters.changed.connect(self._on_change)
        self.collapsedStateChanged.connect(lambda _collapsed: self._on_change())
        self.buildReset.clicked.connect(self.parameters.reset)
        self.buildButton.clicked.connect(self._on_button)
        self.reportButton.clicked.connect(self._on_report)
        self.useModelButton.clicked.connect(self._on_use)

    def _on_change(self) -> None:
        self._show_form()
        self.changed.emit()

    def _show_form(self) -> None:
        is_file = self.labelsSource.currentData() == FROM_FILE
        self.labelsLayer.setVisible(not is_file)
        self.labelsFile.setVisible(is_file)
        values = self.parameters.values()
        self.parameters.widget("target_recall").setEnabled(values["cutoff_by"] == RECALL)
        self.parameters.widget("most_features").setEnabled(values["choose_features"])
        self.buildReset.setEnabled(bool(self.parameters.differing()))
        self.modelHint.show_hint(self._hint())

    def _hint(self) -> str:
        name = name_of(self.title_text())
        if name and (self._models / f"{name}.json").is_file():
            return tr("Takes the place of your model “{}”.").format(name)
        return tr("20 labels or more, of cloud and of clear, in several images.")

    def _on_button(self) -> None:
        if self._running:
            self.buildButton.setEnabled(False)
            self.modelProgress.setRange(0, 0)
            self.modelStatus.show_fact(tr("Cancelling …"))
            self.cancel_asked.emit()
        else:
            self.build_asked.emit()

    def _on_report(self) -> None:
        if self._report is not None and self._report.report_path is not None:
            self.report_asked.emit(self._report.report_path)

    def _on_use(self) -> None:
        if self._report is not None and self._report.model_path is not None:
            self.use_asked.emit(self._report.model_path.stem)


def name_of(title: str) -> str:
    """The name of a model's file by what people call it: "My Alps" becomes "my-alps"; empty where no letter is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:LONGEST_NAME]


def images_of_labels(number: int) -> str:
    """ "8 images"."""
    return counted(number, tr("image"), tr("images"))
