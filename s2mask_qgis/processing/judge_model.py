"""The algorithm that judges models on labels: several side by side on the same pixels."""

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
    QgsProcessingOutputString,
    QgsProcessingParameterFolderDestination,
)

from ..core.parameters import RunParameters
from ..core.training.parameters import TrainingParameters
from ..jobs.training_request import FEATURE_PARAMETERS, TrainingState
from .base import S2MaskAlgorithm
from .fields import definitions, tr, values
from .inputs import models_parameter, names_of, own_folders, scenes_parameter
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

MODELS, OUTPUT = "MODELS", "OUTPUT"
REPORT, TABLE, BEST, BALANCED_ACCURACY = "REPORT", "TABLE", "BEST", "BALANCED_ACCURACY"
SHOWN = ("level", "scale_m")
"""Parameters shown at once; the others are advanced."""

SAMPLING = ("labels_per_image",)
"""Parameters of training that tell which labels count."""


@dataclass(frozen=True)
class Wanted:
    """What the form asks for: models, by name (all where empty), and the labels to judge them on."""

    labels: LabelInput
    models: tuple[str, ...]
    labels_per_image: int
    folder: Path


class JudgeModel(S2MaskAlgorithm):
    """How well models tell what labels say."""

    NAME = "judgemodel"
    TITLE = "Judge models on labels"
    HELP = (
        "Compares models, those that come with the plugin and your own, on places of which you say what an image shows "
        "there (cloud, clear or shadow). All are judged on the same pixels; shadow counts as clear.\n\n"
        "The folder of results receives models.html (the models side by side, with a link to the scores and curves of "
        "each) and models.csv (scores by model, image and land cover). Labels on which a model was trained say nothing "
        "about it: images that it learnt from are told."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the results."""
        self.addParameter(scenes_parameter())
        for definition in label_parameters():
            self.addParameter(definition)
        text = tr("Those to be judged; all where none is chosen.")
        self.addParameter(models_parameter(MODELS, tr("Models"), text, is_multiple=True))
        sampling = definitions(TrainingParameters, SHOWN, SAMPLING)
        for definition in [*definitions(RunParameters, SHOWN, FEATURE_PARAMETERS), *sampling, *own_folders()]:
            self.addParameter(definition)
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT, tr("Results")))
        self.addOutput(QgsProcessingOutputHtml(REPORT, tr("Models side by side")))
        self.addOutput(QgsProcessingOutputFile(TABLE, tr("Scores (CSV)")))
        self.addOutput(QgsProcessingOutputString(BEST, tr("Best model")))
        self.addOutput(QgsProcessingOutputNumber(BALANCED_ACCURACY, tr("Balanced accuracy of the best model")))

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Those of the labels and of the parameters."""
        run = RunParameters.problems(values(RunParameters, self, parameters, context, FEATURE_PARAMETERS))
        sampling = TrainingParameters.problems(values(TrainingParameters, self, parameters, context, SAMPLING))
        return [*label_problems(parameters), *(problem.text for problem in (*run, *sampling))]

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """What the form asks for; a layer of labels is read here."""
        folder = Path(self.parameterAsString(parameters, OUTPUT, context)).absolute()
        run = RunParameters.from_json(values(RunParameters, self, parameters, context, FEATURE_PARAMETERS))
        sampling = TrainingParameters.from_json(values(TrainingParameters, self, parameters, context, SAMPLING))
        return Wanted(
            labels=label_input(self, parameters, context, run, folder),
            models=names_of(parameters, MODELS),
            labels_per_image=sampling.labels_per_image,
            folder=folder,
        )

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Judge the models."""
        from ..jobs.judging import JudgingRequest, judge

        wanted: Wanted = self._snapshot
        table = read_labels(wanted.labels, feedback)
        request = JudgingRequest(wanted.labels.run, table.labels, wanted.models, wanted.labels_per_image, wanted.folder)
        report = judge(request, counted(feedback), feedback.isCanceled)
        tell(report.notes, feedback)
        if report.state is TrainingState.REFUSED:
            raise QgsProcessingException(report.message)
        feedback.pushInfo("\n".join([report.message, *score_lines(report.rows)]))
        results = {OUTPUT: str(wanted.folder)}
        if report.state is not TrainingState.FINISHED:
            return results
        best = report.rows[0]
        results |= {REPORT: str(report.page_path), TABLE: str(report.table_path), BEST: best.name}
        return results | ({} if best.balanced_accuracy is None else {BALANCED_ACCURACY: best.balanced_accuracy})
