"""Earth Engine in Processing's forms: the project, where results go, and how many tasks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterString,
    QgsSettings,
)

from ..core.fields import field_problems
from ..engines.errors import EngineError
from ..jobs.request import ASSETS, DESTINATIONS, EarthEngineChoice, RunRequest, Throttle
from .fields import definitions, tr, values
from .inputs import advanced

if TYPE_CHECKING:
    from ..google.account import Connection

PROJECT, DESTINATION, ASSET_FOLDER, DRIVE_FOLDER = "PROJECT", "DESTINATION", "ASSET_FOLDER", "DRIVE_FOLDER"


def earth_engine_parameters() -> list[QgsProcessingParameterDefinition]:
    """All of them need not be given: without a project the run computes on this computer."""
    texts = {
        PROJECT: (
            tr("Earth Engine project"),
            tr("Compute on Earth Engine, charged to this Cloud project; empty for this computer. Sign in in the dock."),
        ),
        ASSET_FOLDER: (
            tr("Asset folder"),
            tr("For results that are assets, like projects/PROJECT/assets/FOLDER; empty for the project's s2mask."),
        ),
        DRIVE_FOLDER: (tr("Drive folder"), tr("The names of the folders in Google Drive begin with this.")),
    }
    strings = {
        name: QgsProcessingParameterString(name, title, EarthEngineChoice("").drive_folder, optional=True)
        if name == DRIVE_FOLDER
        else QgsProcessingParameterString(name, title, optional=True)
        for name, (title, _text) in texts.items()
    }
    for name, (_title, text) in texts.items():
        strings[name].setHelp(text)
    kinds = list(DESTINATIONS)
    destination = QgsProcessingParameterEnum(
        DESTINATION, tr("Results of Earth Engine"), kinds, False, ASSETS, True, True
    )
    destination.setHelp(tr("One of {}: assets, Google Drive, or the folder of results.").format(", ".join(kinds)))
    made = [strings[PROJECT], destination, strings[ASSET_FOLDER], strings[DRIVE_FOLDER], *definitions(Throttle)]
    return [advanced(definition) for definition in made]


def earth_engine_problems(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> list[str]:
    """What is wrong with these values, where a project is given."""
    if not _text(algorithm, parameters, PROJECT, context):
        return []
    found = [problem.text for problem in field_problems(Throttle, values(Throttle, algorithm, parameters, context))]
    destination = _destination(algorithm, parameters, context)
    if destination not in DESTINATIONS:
        found.append(f"destination: {destination!r} is not offered; choose one of {', '.join(DESTINATIONS)}.")
    return found


def choice_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> EarthEngineChoice | None:
    """Where on Earth Engine the run computes, None where it does so on this computer."""
    project = _text(algorithm, parameters, PROJECT, context)
    if not project:
        return None
    folder = _text(algorithm, parameters, ASSET_FOLDER, context) or f"projects/{project}/assets/s2mask"
    drive = _text(algorithm, parameters, DRIVE_FOLDER, context) or EarthEngineChoice(project).drive_folder
    return EarthEngineChoice(project, _destination(algorithm, parameters, context), folder, drive)


def throttle_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> Throttle:
    """How hard the run may press Earth Engine."""
    return Throttle(**values(Throttle, algorithm, parameters, context))


def _destination(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
    given = parameters.get(DESTINATION)
    return given if isinstance(given, str) else algorithm.parameterAsEnumString(parameters, DESTINATION, context)


def _text(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> str:
    return str(algorithm.parameterAsString(parameters, name, context)).strip().strip("/")


def remembered_connection() -> Connection:
    """The account that was chosen in the dock; UserError where there is none."""
    from ..gis.google_account import connection_of

    return connection_of(QgsSettings())


def check_fits(request: RunRequest, connection: Connection, feedback: QgsProcessingFeedback) -> None:
    """Tell what a run would make. QgsProcessingException where it does not fit, or where nobody can be asked."""
    from ..jobs.run_estimate import estimate_run

    feedback.setProgressText(tr("Asking Earth Engine"))
    try:
        found = estimate_run(request, connection, feedback.isCanceled)
    except EngineError as error:
        raise QgsProcessingException(str(error)) from None
    for fact in found.facts:
        feedback.pushInfo(fact)
    for warning in found.warnings:
        feedback.pushWarning(warning)
    if found.problems:
        raise QgsProcessingException("\n".join(found.problems))
