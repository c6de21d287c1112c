"""The algorithm that stores a land limit as a table on Earth Engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterString,
)

from ..core.area import Area
from ..engines.errors import CancelledError, EngineError
from ..gis.land import TABLE_BYTES, land_from_layer
from ..gis.polygons import AreaError
from ..gis.roi import area_from_layer
from .base import S2MaskAlgorithm
from .earth_engine import remembered_connection
from .fields import tr
from .inputs import layer_of, project_of
from .land_inputs import LAND
from .moving import orders_of

if TYPE_CHECKING:
    from ..google.account import Connection

PROJECT, AREA, TABLE = "PROJECT", "AREA", "TABLE"
WORLD = ((-180.0, -90.0), (180.0, -90.0), (180.0, 90.0), (-180.0, 90.0), (-180.0, -90.0))


@dataclass(frozen=True)
class Wanted:
    """What is to be stored where, by whom, and notes for the user."""

    land: Area
    name: str
    project: str
    connection: Connection
    notes: tuple[str, ...]


class StoreLand(S2MaskAlgorithm):
    """Polygons that become a table."""

    NAME = "storeland"
    TITLE = "Store a land limit as a table on Earth Engine"
    HELP = (
        "Sends polygons to Earth Engine once, where they become a table. Its asset id can then be given as the land "
        "limit of runs, whose exports need not carry the polygons: coasts stay as fine as they are, up to some 300,000 "
        "corners; finer ones are simplified, which is told.\n\n"
        "A table that holds the same polygons already is used. One that holds something else is never replaced. Sign "
        "in in the dock first."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the result."""
        polygons = [QgsProcessing.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterFeatureSource(LAND, tr("Land limit (polygons)"), polygons))
        area = QgsProcessingParameterFeatureSource(AREA, tr("Area (polygons)"), polygons, optional=True)
        area.setHelp(tr("Only the land near it is stored; all of it where no area is given."))
        self.addParameter(area)
        project = QgsProcessingParameterString(PROJECT, tr("Earth Engine project"))
        project.setHelp(tr("The Cloud project in whose name the table is stored. Sign in in the dock."))
        self.addParameter(project)
        table = QgsProcessingParameterString(TABLE, tr("Asset id of the table"))
        table.setHelp(tr("Like projects/PROJECT/assets/FOLDER/land, or land. Folders that are missing are made."))
        self.addParameter(table)
        self.addOutput(QgsProcessingOutputString(TABLE, tr("Asset id of the table")))

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """A project that is missing, and a name that cannot be one."""
        from ..jobs.land_table import table_name

        project, name = (self._text(parameters, one, context) for one in (PROJECT, TABLE))
        if not project:
            return [tr("project: give one.")]
        try:
            table_name(name, project)
        except EngineError as error:
            return [str(error)]
        return []

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """The polygons, and the account that the dock remembers. UserError where either cannot be used."""
        layers = project_of(context)
        area, _ = layer_of(self, parameters, AREA, context)
        around = area_from_layer(*layer_of(self, parameters, AREA, context), layers).area if area else Area(((WORLD,),))
        layer, selected_only = layer_of(self, parameters, LAND, context)
        if layer is None:
            raise AreaError(tr("LAND: give a layer of polygons."))
        choice = land_from_layer(layer, around, layers, TABLE_BYTES, selected_only)
        assert choice.land.area is not None
        project, name = (self._text(parameters, one, context) for one in (PROJECT, TABLE))
        return Wanted(choice.land.area, name, project, remembered_connection(), choice.notes)

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Store the table."""
        from ..jobs import land_table

        wanted: Wanted = self._snapshot
        for note in wanted.notes:
            feedback.pushInfo(note)
        try:
            asset = land_table.store_on_earth_engine(
                wanted.connection,
                wanted.project,
                wanted.land,
                wanted.name,
                orders_of(feedback),
                lambda text: feedback.setProgressText(tr(text)),
            )
        except CancelledError:
            return {}
        except EngineError as error:
            raise QgsProcessingException(str(error)) from None
        feedback.pushInfo(tr("The land limit is stored as {}.").format(asset))
        return {TABLE: asset}

    def _text(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        return str(self.parameterAsString(parameters, name, context)).strip()
