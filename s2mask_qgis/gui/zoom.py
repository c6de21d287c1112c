"""The map moved to what was made."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsProject,
    QgsRectangle,
)

from ..core.area import Area
from .messages import log
from .wording import tr

MARGIN = 1.05
"""The map shows the extent and this much around it."""


def zoom_to(
    canvas: Any, extent: QgsRectangle, crs: QgsCoordinateReferenceSystem, project: QgsProject, always: bool = True
) -> None:
    """Show an extent with coordinates of ``crs``; without ``always`` only where the map shows nothing of it."""
    transform = QgsCoordinateTransform(crs, canvas.mapSettings().destinationCrs(), project)
    try:
        there = transform.transformBoundingBox(extent)
    except QgsCsException as error:
        log(tr("The map cannot show the area in its coordinate system: {}").format(error))
        return
    if always or not canvas.extent().intersects(there):
        there.scale(MARGIN)
        canvas.setExtent(there)
        canvas.refresh()


def zoom_to_area(canvas: Any, area: Area, project: QgsProject) -> None:
    """Show an area."""
    xs, ys = zip(*(corner for polygon in area.polygons for corner in polygon[0]))
    extent = QgsRectangle(min(xs), min(ys), max(xs), max(ys))
    zoom_to(canvas, extent, QgsCoordinateReferenceSystem("EPSG:4326"), project)
