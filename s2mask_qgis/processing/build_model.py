"""The algorithm that builds a model from labels: features, training, judgement on held-out images, file and report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterString,
)

from ..core.features import FEATURES as KNOWN
from ..core.fields import Problem
from ..core.parameters import RunParameters
from ..core.training.parameters import TrainingParameters
from ..gis.plugin_folders import data_folder
from ..jobs.training_request import FEATURE_PARAMETERS, TrainingReport, TrainingRequest, TrainingState
from .base import S2MaskAlgorithm
from .fields import definitions, tr, values
from .inputs import advanced, folder_of, names_of, optional_folder, own_folders, scenes_parameter
from .label_inputs import (
    LabelInput,
    counted,
    label_input,
    label_parameters,
    label_problems,
    read_labels,
    tell,
)
from .score_text import score_lines

NAME, TITLE, FEATURES, WORK_FOLDER = "NAME", "TITLE", "FEATURES", "WORK_FOLDER"
MODEL, REPORT = "MODEL", "REPORT"
NUMBERS = ("balanced_accuracy", "recall", "precision")
"""Scores among the outputs, called as here in capitals; those that are undefined are left out."""

SHOWN = ("level", "scale_m", "fit", "choose_features", "most_features")
"""Parameters shown at once; the others are advanced."""


@dataclass(frozen=True)
class Wanted:
    """What the form asks for: labels, names and parameters of a model."""

    labels: LabelInput
    name: str
    title: str
    features: tuple[str, ...]
    parameters: TrainingParameters
    work_folder: Path


class BuildModel(S2MaskAlgorithm):
    """A model of one's own from labels."""

    NAME = "buildmodel"
    TITLE = "Build a model from labels"
    HELP = (
        "Learns from places of which you say what an image shows there (cloud, clear or shadow), and writes a model "
        "that the masks can be made by. Whole images are held out and judge it: the report shows its scores and curves."
        "\n\nFeatures that were computed are kept in the work folder, so that a second time, also after a "
        "cancellation, goes on from there."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the results."""
        self.addParameter(scenes_parameter())
        for definition in label_parameters():
            self.addParameter(definition)
        name = QgsProcessingParameterString(NAME, tr("Name of the model"), defaultValue="my-model")
        name.setHelp(tr("Small letters, digits, - and _. A model of your own with this name is replaced."))
        self.addParameter(name)
        self.addParameter(QgsProcessingParameterString(TITLE, tr("Title of the model"), optional=True))
        features = QgsProcessingParameterEnum(
            FEATURES, tr("Features"), list(KNOWN), allowMultiple=True, optional=True, usesStaticStrings=True
        )
        features.setHelp(tr("Those that the model may read; all where none is chosen."))
        self.addParameter(features)
        for definition in _definitions():
            self.addParameter(definition)
        for definition in own_folders():
            self.addParameter(definition)
        text = tr("Receives the features, the scores and the report; empty for a folder of the plugin.")
        self.addParameter(advanced(optional_folder(WORK_FOLDER, tr("Work folder"), text)))
        self.addOutput(QgsProcessingOutputFile(MODEL, tr("Model")))
        self.addOutput(QgsProcessingOutputHtml(REPORT, tr("Report on the model")))
        for score in NUMBERS:
            self.addOutput(QgsProcessingOutputNumber(score.upper(), tr(score.replace("_", " ").capitalize())))

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Those of the labels and of the parameters."""
        run = RunParameters.problems(values(RunParameters, self, parameters, context, FEATURE_PARAMETERS))
        training = TrainingParameters.problems(values(TrainingParameters, self, parameters, context))
        found: tuple[Problem, ...] = (*run, *(problem for problem in training if problem not in run))
        return [*label_problems(parameters), *(problem.text for problem in found)]

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """What the form asks for; a layer of labels is read here."""
        name = self.parameterAsString(parameters, NAME, context).strip()
        work_folder = folder_of(self, parameters, WORK_FOLDER, context) or data_folder() / "training" / name
        run = RunParameters.from_json(values(RunParameters, self, parameters, context, FEATURE_PARAMETERS))
        return Wanted(
            labels=label_input(self, parameters, context, run, work_folder),
            name=name,
            title=self.parameterAsString(parameters, TITLE, context).strip() or name,
            features=names_of(parameters, FEATURES),
            parameters=TrainingParameters.from_json(values(TrainingParameters, self, parameters, context)),
            work_folder=work_folder,
        )

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Build the model."""
        from ..jobs.training import train

        wanted: Wanted = self._snapshot
        table = read_labels(wanted.labels, feedback)
        request = TrainingRequest(
            wanted.labels.run,
            table.labels,
            wanted.name,
            wanted.title,
            wanted.parameters,
            wanted.work_folder,
            wanted.features,
        )
        report = train(request, counted(feedback), feedback.isCanceled)
        tell(report.notes, feedback)
        if report.state is TrainingState.REFUSED:
            raise QgsProcessingException(report.message)
        feedback.pushInfo("\n".join([report.message, *score_lines(report.rows)]))
        return _results(report)


def _definitions() -> list[Any]:
    """The parameters of training, and those of a run that features depend on; both have a seed, which is the same."""
    run = [name for name in FEATURE_PARAMETERS if name != "seed"]
    return [*definitions(TrainingParameters, SHOWN), *definitions(RunParameters, SHOWN, run)]


def _results(report: TrainingReport) -> dict[str, Any]:
    """Paths and scores; nothing where it was cancelled."""
    if report.state is not TrainingState.FINISHED:
        return {}
    scores = {score: getattr(report.rows[0], score) for score in NUMBERS}
    numbers = {score.upper(): value for score, value in scores.items() if value is not None}
    return {MODEL: str(report.model_path), REPORT: str(report.report_path), **numbers}
