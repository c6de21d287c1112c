"""Folders and layers that several algorithms ask for: how they stand in the form, and what is given for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProject,
    QgsVectorLayer,
)

from ..core.models.files import available
from ..core.scenes import Scene
from ..engines.errors import EngineError
from ..gis.plugin_folders import library_folder, models_folder
from ..jobs.request import RunRequest
from .fields import tr

SCENES, LIBRARY, MODELS_FOLDER = "SCENES", "LIBRARY", "MODELS_FOLDER"


def scenes_parameter() -> QgsProcessingParameterDefinition:
    """The folder of products; it must be given."""
    folder = QgsProcessingParameterFile.Folder
    definition = QgsProcessingParameterFile(SCENES, tr("Folder of Sentinel-2 products"), folder)
    definition.setHelp(tr("SAFE folders, zipped SAFE or GeoTIFFs, anywhere below it. They are only read."))
    return definition


def own_folders() -> list[QgsProcessingParameterDefinition]:
    """The plugin's own folders, those of the dock where nothing is given."""
    titles = {
        LIBRARY: (tr("Prepared scenes"), tr("Shared by all runs; empty for the folder that the plugin uses.")),
        MODELS_FOLDER: (tr("Own models"), tr("Empty for the folder in which the plugin keeps your own models.")),
    }
    return [advanced(optional_folder(name, title, text)) for name, (title, text) in titles.items()]


def optional_folder(name: str, title: str, text: str) -> QgsProcessingParameterFile:
    """A folder that need not be given."""
    definition = QgsProcessingParameterFile(name, title, QgsProcessingParameterFile.Folder, optional=True)
    definition.setHelp(text)
    return definition


def advanced(definition: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The definition among those that are folded away."""
    definition.setFlags(definition.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
    return definition


def optional(definition: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The definition among those that need not be given."""
    definition.setFlags(definition.flags() | QgsProcessingParameterDefinition.FlagOptional)
    return definition


def models_parameter(
    name: str, title: str, text: str, default: str | None = None, is_multiple: bool = False
) -> QgsProcessingParameterEnum:
    """A choice among the models that there are now; names of models in another folder are taken as well."""
    names = [model.name for model in available(models_folder()).models]
    definition = QgsProcessingParameterEnum(name, title, names, is_multiple, default, is_multiple, True)
    definition.setHelp(text)
    return definition


def names_of(parameters: dict[str, Any], name: str) -> tuple[str, ...]:
    """What was chosen among names, as a list or as text with commas; what is not on offer is left to be refused."""
    given = parameters.get(name)
    listed = given.split(",") if isinstance(given, str) else given or ()
    return tuple(filter(None, (str(one).strip() for one in listed)))


def scenes_of(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext) -> Path:
    """The folder of products."""
    return Path(algorithm.parameterAsFile(parameters, SCENES, context)).absolute()


def library_of(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext) -> Path:
    """The folder of prepared scenes."""
    return folder_of(algorithm, parameters, LIBRARY, context) or library_folder()


def models_of(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext) -> Path:
    """The folder of the user's own models."""
    return folder_of(algorithm, parameters, MODELS_FOLDER, context) or models_folder()


def folder_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> Path | None:
    """A folder or file that need not be given."""
    text = algorithm.parameterAsFile(parameters, name, context)
    return Path(text).absolute() if text else None


def layer_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> tuple[QgsVectorLayer | None, bool]:
    """The layer given as a source of features, and whether only its selected features are meant."""
    given = parameters.get(name)
    if not isinstance(given, QgsProcessingFeatureSourceDefinition):
        return algorithm.parameterAsVectorLayer(parameters, name, context), False
    source = {**parameters, name: given.source.staticValue()}
    return algorithm.parameterAsVectorLayer(source, name, context), given.selectedFeaturesOnly


def project_of(context: QgsProcessingContext) -> QgsProject:
    """The project of a context; on the command line there may be none."""
    return context.project() or QgsProject.instance()


def look_through(request: RunRequest, feedback: QgsProcessingFeedback) -> tuple[Scene, ...]:
    """The scenes of a request; products that cannot be used are told. QgsProcessingException: the folder cannot."""
    from ..jobs.survey import survey

    feedback.setProgressText(tr("Looking through the scenes"))
    try:
        found = survey(request.scenes_folder, request.library_folder, ignore_count, feedback.isCanceled)
    except EngineError as error:
        raise QgsProcessingException(str(error)) from None
    for problem in found.problems:
        feedback.pushWarning(problem)
    return found.scenes


def ignore_count(_done: int, _total: int) -> None:
    """Nobody watches."""
