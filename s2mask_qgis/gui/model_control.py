"""One model at a time: from its section and the labels to a task, and from the report to the section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices

from ..core.area import Area
from ..core.labels import Label, LabelError, LabelTable
from ..core.parameters import RunParameters
from ..core.scenes import Scene
from ..core.training.parameters import TrainingParameters
from ..gis.plugin_folders import data_folder
from ..jobs.request import RunRequest
from ..jobs.training_request import TrainingReport, TrainingRequest, TrainingState
from .messages import Messages, log
from .model_section import ModelSection, name_of
from .run_task import FunctionTask
from .services import CountCallback, IsCancelled, Services
from .wording import tr

STOP_MS = 3000
"""How long the end of the plugin waits for a model that was asked to stop."""

MARGIN_DEG = 0.001
"""What an area of a single label has on each side of it (100 m)."""


@dataclass(frozen=True)
class Material:
    """What models are built from: scenes, prepared ones, and how their backgrounds are chosen."""

    scenes_folder: Path
    library_folder: Path
    scenes: Sequence[Scene]
    parameters: RunParameters


class ModelControl(QObject):
    """Builds what its ``section`` asks for.

    ``material`` gives what there is, or every problem that keeps it from being used. ``started`` comes when a model
    begins to be built, ``ended`` carries its TrainingReport, ``chosen`` the name of a model to mask with.
    """

    started = pyqtSignal()
    ended = pyqtSignal(object)
    chosen = pyqtSignal(str)

    def __init__(
        self,
        project: QgsProject,
        services: Services,
        messages: Messages,
        models: Path,
        material: Callable[[], Material | list[str]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._services = services
        self._messages = messages
        self._models = models
        self._material = material
        self._task: FunctionTask | None = None
        self.section = ModelSection(models)
        self.section.build_asked.connect(self.start)
        self.section.cancel_asked.connect(self._cancel)
        self.section.report_asked.connect(lambda path: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
        self.section.use_asked.connect(self.chosen)
        self.section.changed.connect(self._on_change)

    @property
    def is_running(self) -> bool:
        """True while a model is built."""
        return self._task is not None

    def start(self) -> None:
        """Build the model that the form asks for, or show everything that is in its way."""
        material = self._material()
        problems = [*(material if isinstance(material, list) else []), *self.section.problems()]
        self.section.show_problems(problems)
        if problems or isinstance(material, list) or self._task is not None:
            return
        try:
            table = self._labels_of_layer(material)
        except LabelError as error:
            self.section.show_problems([str(error)])
            return
        title = self.section.title_text()
        parameters = TrainingParameters(**self.section.parameters.values())
        make_request = partial(training_request, material, self._models, title, parameters)
        read = partial(_labels, self._services, material.scenes, table, self.section.labels_file())
        task = FunctionTask(tr("Building a model"), partial(_build, self._services, read, make_request))
        self._task = task
        task.counted.connect(self.section.show_progress)
        task.succeeded.connect(self._end)
        task.failed.connect(lambda text: self._end(TrainingReport(TrainingState.REFUSED, text)))
        stopped = TrainingReport(TrainingState.CANCELLED, tr("Cancelled. Building it again goes on from there."))
        task.stopped.connect(lambda: self._end(stopped))
        self.section.start()
        self.started.emit()
        QgsApplication.taskManager().addTask(task)

    def close(self) -> None:
        """End with the plugin: stop the building and wait for it briefly."""
        task, self._task = self._task, None
        if task is not None:
            task.blockSignals(True)
            task.cancel()
            task.waitForFinished(STOP_MS)

    def _labels_of_layer(self, material: Material) -> LabelTable | None:
        """The labels of the chosen layer, which is read here: layers belong to the main thread."""
        layer = self.section.labels_layer()
        if layer is None:
            return None
        from ..gis.labels import labels_from_layer

        return labels_from_layer(layer, self._project, scale_m=material.parameters.scale_m)

    def _on_change(self) -> None:
        if self.section.modelProblems.text():
            material = self._material()
            self.section.show_problems([*(material if isinstance(material, list) else []), *self.section.problems()])

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _end(self, report: TrainingReport) -> None:
        self._task = None
        for note in report.notes:
            log(note)
        self.section.end(report)
        if report.state is TrainingState.FINISHED and report.report_path is not None:
            text = tr("The model “{}” was built. Its scores and its report are in section 6.")
            self._messages.success(text.format(self.section.title_text()), report.report_path.parent)
        elif report.state is TrainingState.CANCELLED:
            self._messages.notice(report.message)
        else:
            self._messages.warning(report.message, self.section.open_notes)
        self.ended.emit(report)


def training_request(
    material: Material, models: Path, title: str, parameters: TrainingParameters, labels: tuple[Label, ...]
) -> TrainingRequest:
    """What is asked for: a model that people call ``title``, from these labels."""
    name = name_of(title)
    folder = data_folder() / "training" / name
    run = RunRequest(
        scenes_folder=material.scenes_folder,
        library_folder=material.library_folder,
        output_folder=folder,
        area=around(labels),
        parameters=material.parameters,
        models_folder=models,
    )
    return TrainingRequest(run, labels, name, title, parameters, folder)


def _labels(services: Services, scenes: Sequence[Scene], table: LabelTable | None, file: Path | None) -> LabelTable:
    """The labels of a layer that was read, or of a file that is read here; called in a task."""
    if table is None and file is not None:
        return services.read_labels(file, scenes)
    return table or LabelTable(())


def _build(
    services: Services,
    read: Callable[[], LabelTable],
    make_request: Callable[[tuple[Label, ...]], TrainingRequest],
    on_count: CountCallback,
    is_cancelled: IsCancelled,
) -> TrainingReport:
    """Read the labels and build the model; called in a task."""
    table = read()
    report = services.train(make_request(table.labels), on_count, is_cancelled)
    return replace(report, notes=(*table.notes, *report.notes))


def around(labels: Sequence[Label]) -> Area:
    """The box around labels, in degrees, as an area."""
    if not labels:
        return Area(())
    longitudes = [label.longitude for label in labels]
    latitudes = [label.latitude for label in labels]
    west, east = min(longitudes) - MARGIN_DEG, max(longitudes) + MARGIN_DEG
    south, north = min(latitudes) - MARGIN_DEG, max(latitudes) + MARGIN_DEG
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return Area(((ring,),), "labels")
