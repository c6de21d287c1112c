"""The land limit of an algorithm: polygons of a layer or a table on Earth Engine, how it stands in the form."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterString,
)

from ..core.area import Area
from ..core.land import Land
from ..gis.land import checked_asset, land_from_layer
from .fields import tr
from .inputs import advanced, layer_of, project_of

LAND, LAND_ASSET = "LAND", "LAND_ASSET"


def land_parameters() -> list[QgsProcessingParameterDefinition]:
    """A layer or an asset id; neither need be given."""
    polygons = [QgsProcessing.TypeVectorPolygon]
    layer = QgsProcessingParameterFeatureSource(LAND, tr("Land limit (polygons)"), polygons, optional=True)
    layer.setHelp(tr("Pixels outside these polygons are masked, images that miss them are left out."))
    asset = QgsProcessingParameterString(LAND_ASSET, tr("Land limit (table on Earth Engine)"), optional=True)
    asset.setHelp(tr("Asset id of a table whose polygons are the land, instead of a layer; on Earth Engine only."))
    return [advanced(layer), advanced(asset)]


def land_problems(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext, has_project: bool
) -> list[str]:
    """What is wrong with the land limit, all of it; the layer is read later."""
    if not algorithm.parameterAsString(parameters, LAND_ASSET, context).strip():
        return []
    found = [] if has_project else [tr("LAND_ASSET: a table needs a project of Earth Engine; give LAND instead.")]
    return [*found, *([tr("LAND and LAND_ASSET: give one of the two.")] if parameters.get(LAND) else [])]


def land_given(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext, area: Area
) -> tuple[Land | None, tuple[str, ...]]:
    """The land limit near an area, None where none is given, and notes; UserError where it cannot be used."""
    asset = algorithm.parameterAsString(parameters, LAND_ASSET, context).strip()
    if asset:
        return Land(checked_asset(asset)), ()
    layer, selected_only = layer_of(algorithm, parameters, LAND, context)
    if layer is None:
        return None, ()
    choice = land_from_layer(layer, area, project_of(context), selected_only=selected_only)
    return choice.land, choice.notes
