"""Labels as an algorithm asks for them: a layer or a CSV file, with the scenes that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsVectorLayer,
)

from ..core.area import Area
from ..core.label_files import read_csv
from ..core.label_words import GROUP, columns_of
from ..core.labels import LabelError, LabelTable
from ..core.parameters import RunParameters
from ..gis.labels import LabelFields, find_fields, labels_from_layer
from ..jobs.request import RunRequest
from .fields import tr
from .inputs import folder_of, layer_of, library_of, look_through, models_of, project_of, scenes_of

LABELS, LABELS_CSV = "LABELS", "LABELS_CSV"
IMAGE_FIELD, CLASS_FIELD, GROUP_FIELD = "IMAGE_FIELD", "CLASS_FIELD", "GROUP_FIELD"


@dataclass(frozen=True)
class LabelInput:
    """Labels of a layer, which were read, or the CSV file that holds them; and the scenes that they belong to."""

    run: RunRequest
    table: LabelTable
    csv: Path | None


def label_parameters() -> list[QgsProcessingParameterDefinition]:
    """Two ways to give labels, and the fields of a layer."""
    kinds = [QgsProcessing.TypeVectorPoint, QgsProcessing.TypeVectorPolygon]
    layer = QgsProcessingParameterFeatureSource(LABELS, tr("Labels (points or polygons)"), kinds, optional=True)
    layer.setHelp(tr("Each says what an image shows there: cloud, clear or shadow. A layer or a CSV file is needed."))
    csv = QgsProcessingParameterFile(LABELS_CSV, tr("Labels (CSV file)"), extension="csv", optional=True)
    csv.setHelp(tr("With columns longitude, latitude (degrees), image, class, and perhaps group."))
    fields = {
        IMAGE_FIELD: tr("Field of the image (its system:index or product)"),
        CLASS_FIELD: tr("Field of the class (cloud, clear or shadow)"),
        GROUP_FIELD: tr("Field of the land cover"),
    }
    return [layer, *(_field(name, title) for name, title in fields.items()), csv]


def label_problems(given: dict[str, Any]) -> list[str]:
    """What is wrong with the choice between a layer and a file."""
    count = sum(given.get(name) not in (None, "") for name in (LABELS, LABELS_CSV))
    if count == 1:
        return []
    told = tr("both a layer and a CSV file are given") if count else tr("neither a layer nor a CSV file is given")
    return [tr("labels: {}; give one of them.").format(told)]


def label_input(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
    decisive: RunParameters,
    work_folder: Path,
) -> LabelInput:
    """What was given, a layer already read (in its own thread). LabelError where that cannot be used."""
    table = LabelTable(())
    csv = folder_of(algorithm, parameters, LABELS_CSV, context)
    if csv is None:
        layer, selected_only = layer_of(algorithm, parameters, LABELS, context)
        fields = _fields(algorithm, parameters, context, layer)
        table = labels_from_layer(layer, project_of(context), fields, decisive.scale_m, selected_only)
    run = RunRequest(
        scenes_folder=scenes_of(algorithm, parameters, context),
        library_folder=library_of(algorithm, parameters, context),
        output_folder=work_folder,
        area=Area(()),
        parameters=decisive,
        models_folder=models_of(algorithm, parameters, context),
    )
    return LabelInput(run, table, csv)


def read_labels(given: LabelInput, feedback: QgsProcessingFeedback) -> LabelTable:
    """The labels, with those of a CSV file read beside its scenes; tells what was noticed."""
    table = given.table
    if given.csv is not None:
        scenes = look_through(given.run, feedback)
        try:
            table = read_csv(given.csv, scenes)
        except LabelError as error:
            raise QgsProcessingException(str(error)) from None
    tell(table.notes, feedback)
    return table


def counted(feedback: QgsProcessingFeedback) -> Callable[[int, int], None]:
    """Tells how many of the images were sampled."""
    feedback.setProgressText(tr("Computing features at the labels"))
    return lambda done, total: feedback.setProgress(100.0 * done / total if total else 0.0)


def tell(notes: Sequence[str], feedback: QgsProcessingFeedback) -> None:
    """Sentences on what was left out or changed."""
    for note in notes:
        feedback.pushWarning(note)


def _field(name: str, title: str) -> QgsProcessingParameterField:
    definition = QgsProcessingParameterField(name, title, parentLayerParameterName=LABELS, optional=True)
    definition.setHelp(tr("Found by its name where nothing is chosen."))
    definition.setFlags(definition.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
    return definition


def _fields(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
    layer: QgsVectorLayer | None,
) -> LabelFields | None:
    """The fields that were chosen, those left open found by their names."""
    image, kind, group = (
        algorithm.parameterAsString(parameters, name, context) for name in (IMAGE_FIELD, CLASS_FIELD, GROUP_FIELD)
    )
    if layer is None or not (image or kind or group):
        return None
    found = columns_of([field.name() for field in layer.fields()])
    if image and kind:
        return LabelFields(image, kind, group or found.get(GROUP, ""))
    known = find_fields(layer)
    chosen = {"image": image, "kind": kind, "group": group}
    return replace(known, **{name: field for name, field in chosen.items() if field})
