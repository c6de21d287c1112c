"""Polygons out of layers: checked, repaired, flat, in longitude and latitude."""

from __future__ import annotations

from collections.abc import Iterable

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.area import Polygon
from .errors import UserError

EDGE_LENGTH_M = 2_000.0
"""Edges of projected polygons get a vertex at least this often, so that straight edges stay where they were drawn:
the deviation L² tan(latitude) / (8 x earth radius) is below 0.2 m up to 60 degrees, a fiftieth of a pixel."""

NOTES_AT_MOST = 3
"""Repairs told one by one; the rest is counted."""

LON_LAT = "EPSG:4326"


class AreaError(UserError):
    """An area that cannot be used; the text says what is wrong, where, and what to do."""


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("AreaOfInterest", text)


def check_layer(layer: QgsVectorLayer) -> None:
    """AreaError where a layer cannot be read, or holds no polygons."""
    if not isinstance(layer, QgsVectorLayer) or not layer.isValid():
        text = tr("The layer “{}” cannot be read as a vector layer. Repair its source, or choose another layer.")
        raise AreaError(text.format(layer.name()))
    if layer.geometryType() != QgsWkbTypes.PolygonGeometry:
        text = tr("The layer “{}” holds {}, not polygons. Choose a polygon layer.")
        raise AreaError(text.format(layer.name(), kind_of_geometry(layer.geometryType())))


def kind_of_geometry(kind: QgsWkbTypes.GeometryType) -> str:
    """What a layer of this type of geometry holds, in the user's words."""
    names = {
        QgsWkbTypes.PointGeometry: tr("points"),
        QgsWkbTypes.LineGeometry: tr("lines"),
        QgsWkbTypes.PolygonGeometry: tr("polygons"),
        QgsWkbTypes.NullGeometry: tr("a table"),
    }
    return names.get(kind, tr("unknown geometries"))


def clean_all(
    named: Iterable[tuple[str, QgsGeometry]], crs: QgsCoordinateReferenceSystem, name: str
) -> tuple[list[QgsGeometry], list[str]]:
    """Valid flat polygons, and notes on what was repaired or left out."""
    polygons, repairs, left_out = [], [], 0
    for label, geometry in named:
        flat = _flat_polygon(geometry)
        polygon = flat if flat.isGeosValid() else only_polygons(flat.makeValid())
        if polygon.isEmpty():
            left_out += 1
            continue
        if polygon is not flat:
            repairs.append(_repair_note(label, flat, crs))
        polygons.append(polygon)
    if not polygons:
        text = tr("“{}” has no polygon with a surface. Draw or choose a polygon with at least three corners.")
        raise AreaError(text.format(name))
    notes = repairs[:NOTES_AT_MOST]
    if len(repairs) > NOTES_AT_MOST:
        notes.append(tr("{} more polygons were repaired.").format(len(repairs) - NOTES_AT_MOST))
    if left_out:
        notes.append(tr("{} features have no polygon with a surface and were left out.").format(left_out))
    return polygons, notes


def _flat_polygon(geometry: QgsGeometry) -> QgsGeometry:
    """A two-dimensional copy with straight edges (arcs in steps of one degree); empty where it is no polygon."""
    if geometry.isNull() or geometry.type() != QgsWkbTypes.PolygonGeometry:
        return QgsGeometry()
    flat = QgsGeometry(geometry)
    if QgsWkbTypes.isCurvedType(flat.wkbType()):
        flat.convertToStraightSegment()
    flat.get().dropZValue()
    flat.get().dropMValue()
    return flat


def only_polygons(geometry: QgsGeometry) -> QgsGeometry:
    """The polygons among what a repair left over; lines and points have no surface."""
    if QgsWkbTypes.flatType(geometry.wkbType()) == QgsWkbTypes.GeometryCollection:
        geometry.convertGeometryCollectionToSubclass(QgsWkbTypes.PolygonGeometry)
    return geometry if geometry.type() == QgsWkbTypes.PolygonGeometry else QgsGeometry()


def _repair_note(label: str, geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> str:
    errors = geometry.validateGeometry(Qgis.GeometryValidationEngine.Geos)
    if not errors:
        return tr("{} is not valid; it was repaired.").format(label)
    error = errors[0]
    if "self-intersection" in error.what().lower():
        problem = tr("{} crosses itself").format(label)
    else:
        problem = tr("{} is not valid ({})").format(label, error.what())
    if not error.hasWhere():
        return tr("{}; it was repaired.").format(problem)
    return tr("{} near {}; it was repaired.").format(problem, _place(error.where().x(), error.where().y(), crs))


def _place(x: float, y: float, crs: QgsCoordinateReferenceSystem) -> str:
    decimals = 5 if crs.isGeographic() else 0
    return f"{x:.{decimals}f}, {y:.{decimals}f}"


def to_lon_lat(geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, project: QgsProject, name: str) -> QgsGeometry:
    """The geometry in longitude and latitude; long edges of projected polygons get vertices first."""
    check_degrees(geometry, crs, name)
    transform = QgsCoordinateTransform(crs, QgsCoordinateReferenceSystem(LON_LAT), project)
    transformed(geometry, transform, name)  # coordinates off the earth would get vertices without end below
    if not crs.isGeographic():
        metres = QgsUnitTypes.fromUnitToUnitFactor(QgsUnitTypes.DistanceMeters, crs.mapUnits())
        geometry = geometry.densifyByDistance(EDGE_LENGTH_M * metres)
    lon_lat = transformed(geometry, transform, name)
    # Coordinates rounded by the transformation can make neighbouring edges touch.
    return lon_lat if lon_lat.isGeosValid() else only_polygons(lon_lat.makeValid())


def transformed(geometry: QgsGeometry, transform: QgsCoordinateTransform, name: str) -> QgsGeometry:
    """A copy in longitude and latitude; raises AreaError where that is nowhere on earth."""
    copy = QgsGeometry(geometry)
    try:
        copy.transform(transform)
    except QgsCsException as error:
        raise AreaError(_nowhere(name, transform.sourceCrs())) from error
    if not _are_degrees(copy.boundingBox()):
        raise AreaError(_nowhere(name, transform.sourceCrs()))
    return copy


def check_crs(crs: QgsCoordinateReferenceSystem, name: str) -> None:
    """AreaError where a coordinate system is unknown."""
    if not crs.isValid():
        text = tr("The coordinate system of “{}” is unknown. Set it in the layer's properties under Source.")
        raise AreaError(text.format(name))


def check_degrees(geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, name: str) -> None:
    """AreaError where coordinates of a geographic system are no longitudes and latitudes."""
    box = geometry.boundingBox()
    if crs.isGeographic() and not _are_degrees(box):
        text = tr(
            "“{}” has coordinates like {}, which are no longitude and latitude; its coordinate system {} is probably "
            "wrong. Set the right one in the layer's properties under Source."
        )
        raise AreaError(text.format(name, _place(box.xMaximum(), box.yMaximum(), crs), crs.authid()))


def _are_degrees(box: QgsRectangle) -> bool:
    return -180 <= box.xMinimum() <= box.xMaximum() <= 180 and -90 <= box.yMinimum() <= box.yMaximum() <= 90


def _nowhere(name: str, crs: QgsCoordinateReferenceSystem) -> str:
    text = tr(
        "The area “{}” cannot be placed on earth with its coordinate system {}. Set the right one in the layer's "
        "properties under Source."
    )
    return text.format(name, crs.authid() or crs.description())


def polygons_of(geometry: QgsGeometry) -> tuple[Polygon, ...]:
    """The polygons of a geometry as plain values."""
    multi = QgsGeometry(geometry)
    multi.convertToMultiType()
    return tuple(
        tuple(tuple((corner.x(), corner.y()) for corner in ring) for ring in polygon)
        for polygon in multi.asMultiPolygon()
    )
