"""The area of interest out of layers, files and drawn polygons: checked, repaired, in longitude and latitude."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsDistanceArea,
    QgsFeatureRequest,
    QgsGeometry,
    QgsMapLayerType,
    QgsProject,
    QgsProviderRegistry,
    QgsProviderSublayerDetails,
    QgsRectangle,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.area import Area, Polygon
from .errors import UserError

EDGE_LENGTH_M = 2_000.0
"""Edges of projected polygons get a vertex at least this often, so that straight edges stay where they were drawn:
the deviation L² tan(latitude) / (8 x earth radius) is below 0.2 m up to 60 degrees, a fiftieth of a pixel."""

MAX_VERTICES = 10_000
"""Areas with more vertices are simplified: they travel in every request."""

SIMPLIFY_TOLERANCE_DEG = 5e-5
"""How far simplified edges may move, 5.6 m at most: about half a 10 m pixel."""

SMALLEST_AREA_KM2 = 1e-6
"""One square metre, a hundredth of a 10 m pixel; anything less is a line or a point that only looks like a polygon."""

NOTES_AT_MOST = 3
"""Repairs told one by one; the rest is counted."""

LON_LAT = "EPSG:4326"


class AreaError(UserError):
    """An area that cannot be used; the text says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class AreaChoice:
    """An area ready for a run; ``notes`` tell the user what was changed, ``area_km2`` is measured on the ellipsoid."""

    area: Area
    notes: tuple[str, ...]
    area_km2: float


def area_from_layer(layer: QgsVectorLayer | None, selected_only: bool, project: QgsProject) -> AreaChoice:
    """The polygons of a layer, or of its selected features, as one area; the layer is only read.

    Raises AreaError for no layer, a layer without polygons, an empty selection and everything in
    :func:`area_from_geometry`.
    """
    if layer is None:
        raise AreaError(tr("No area is chosen. Choose a polygon layer or a file, or draw the area on the map."))
    _check_layer(layer)
    if selected_only and layer.selectedFeatureCount() == 0:
        text = tr(
            "Nothing is selected in the layer “{}”. Select polygons on the map, or use all features of the layer."
        )
        raise AreaError(text.format(layer.name()))
    request = QgsFeatureRequest().setNoAttributes()
    features = layer.getSelectedFeatures(request) if selected_only else layer.getFeatures(request)
    named = [(tr("Polygon {}").format(feature.id()), feature.geometry()) for feature in features]
    if not named:
        text = tr("The layer “{}” has no features. Add a polygon to it, or choose another layer.")
        raise AreaError(text.format(layer.name()))
    return _choose(named, layer.crs(), project, layer.name())


def area_from_geometry(
    geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, project: QgsProject, name: str
) -> AreaChoice:
    """A polygon with coordinates of ``crs``, for example drawn on the map, as an area called ``name``.

    Raises AreaError for an unknown coordinate system, a geometry without surface, and coordinates that are nowhere
    on earth.
    """
    return _choose([(tr("The polygon"), geometry)], crs, project, name)


def area_from_file(path: str, project: QgsProject) -> tuple[QgsVectorLayer, AreaChoice]:
    """The first polygon layer of a vector file (GeoPackage, Shapefile, GeoJSON, KML, ...) and its area.

    Raises AreaError for a file that is missing, cannot be read or holds no polygons, and everything in
    :func:`area_from_layer`.
    """
    file = Path(path)
    if not path or not file.exists():
        raise AreaError(tr("There is no file {}. Choose a file with polygons.").format(path or "“”"))
    found = [item for item in _sublayers(path) if item.type() == QgsMapLayerType.VectorLayer]
    if not found:
        text = tr("{} cannot be read as a vector file. Choose a GeoPackage, Shapefile, GeoJSON or KML with polygons.")
        raise AreaError(text.format(file.name))
    polygons = [item for item in found if QgsWkbTypes.geometryType(item.wkbType()) == QgsWkbTypes.PolygonGeometry]
    if not polygons:
        kinds = sorted({_kind_of_geometry(QgsWkbTypes.geometryType(item.wkbType())) for item in found})
        text = tr("{} holds no polygons, only {}. Choose a file with polygons.")
        raise AreaError(text.format(file.name, ", ".join(kinds)))
    layer = _open(polygons[0], file.stem, project)
    choice = area_from_layer(layer, False, project)
    if len(polygons) > 1:
        note = tr("{} holds {} polygon layers; the first one, “{}”, is used.")
        notes = (note.format(file.name, len(polygons), polygons[0].name()), *choice.notes)
        choice = AreaChoice(choice.area, notes, choice.area_km2)
    return layer, choice


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("AreaOfInterest", text)


def _check_layer(layer: QgsVectorLayer) -> None:
    if not isinstance(layer, QgsVectorLayer) or not layer.isValid():
        text = tr("The layer “{}” cannot be read as a vector layer. Repair its source, or choose another layer.")
        raise AreaError(text.format(layer.name()))
    if layer.geometryType() != QgsWkbTypes.PolygonGeometry:
        text = tr("The layer “{}” holds {}, not polygons. Choose a polygon layer.")
        raise AreaError(text.format(layer.name(), _kind_of_geometry(layer.geometryType())))


def _kind_of_geometry(kind: QgsWkbTypes.GeometryType) -> str:
    names = {
        QgsWkbTypes.PointGeometry: tr("points"),
        QgsWkbTypes.LineGeometry: tr("lines"),
        QgsWkbTypes.PolygonGeometry: tr("polygons"),
        QgsWkbTypes.NullGeometry: tr("a table"),
    }
    return names.get(kind, tr("unknown geometries"))


def _sublayers(path: str) -> list[QgsProviderSublayerDetails]:
    registry = QgsProviderRegistry.instance()
    return registry.querySublayers(path, Qgis.SublayerQueryFlags(Qgis.SublayerQueryFlag.ResolveGeometryType))


def _open(details: QgsProviderSublayerDetails, name: str, project: QgsProject) -> QgsVectorLayer:
    """The layer itself; an unknown coordinate system stays unknown, so that no question pops up."""
    options = QgsVectorLayer.LayerOptions(project.transformContext())
    options.skipCrsValidation = True
    return QgsVectorLayer(details.uri(), name, details.providerKey(), options)


def _choose(
    named: Iterable[tuple[str, QgsGeometry]], crs: QgsCoordinateReferenceSystem, project: QgsProject, name: str
) -> AreaChoice:
    """One area out of geometries that each have a name for notes."""
    if not crs.isValid():
        text = tr("The coordinate system of “{}” is unknown. Set it in the layer's properties under Source.")
        raise AreaError(text.format(name))
    polygons, notes = _clean_all(named, crs, name)
    union = QgsGeometry.unaryUnion(polygons)
    if union.isEmpty():
        text = tr("The polygons of “{}” cannot be joined to one area ({}). Repair them with “Fix geometries” first.")
        raise AreaError(text.format(name, union.lastError()))
    lon_lat = _to_lon_lat(union, crs, project, name)
    lon_lat, simplify_notes = _simplified(lon_lat)
    area_km2 = _area_km2(lon_lat, project)
    if not area_km2 > SMALLEST_AREA_KM2:
        text = tr("The area “{}” has no surface (less than 1 m²). Draw or choose a larger polygon.")
        raise AreaError(text.format(name))
    return AreaChoice(Area(_polygons_of(lon_lat), name), (*notes, *simplify_notes), area_km2)


def _clean_all(
    named: Iterable[tuple[str, QgsGeometry]], crs: QgsCoordinateReferenceSystem, name: str
) -> tuple[list[QgsGeometry], list[str]]:
    """Valid flat polygons, and notes on what was repaired or left out."""
    polygons, repairs, left_out = [], [], 0
    for label, geometry in named:
        flat = _flat_polygon(geometry)
        polygon = flat if flat.isGeosValid() else _only_polygons(flat.makeValid())
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


def _only_polygons(geometry: QgsGeometry) -> QgsGeometry:
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


def _to_lon_lat(
    geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, project: QgsProject, name: str
) -> QgsGeometry:
    """The geometry in longitude and latitude; long edges of projected polygons get vertices first."""
    _check_degrees(geometry, crs, name)
    transform = QgsCoordinateTransform(crs, QgsCoordinateReferenceSystem(LON_LAT), project)
    _transformed(geometry, transform, name)  # coordinates off the earth would get vertices without end below
    if not crs.isGeographic():
        metres = QgsUnitTypes.fromUnitToUnitFactor(QgsUnitTypes.DistanceMeters, crs.mapUnits())
        geometry = geometry.densifyByDistance(EDGE_LENGTH_M * metres)
    lon_lat = _transformed(geometry, transform, name)
    if not lon_lat.isGeosValid():  # coordinates rounded by the transformation can make neighbouring edges touch
        lon_lat = _only_polygons(lon_lat.makeValid())
    if lon_lat.boundingBox().width() > 180:
        text = tr("The area “{}” spans more than half the globe; if it crosses the 180° meridian, cut it there in two.")
        raise AreaError(text.format(name))
    return lon_lat


def _transformed(geometry: QgsGeometry, transform: QgsCoordinateTransform, name: str) -> QgsGeometry:
    """A copy in longitude and latitude; raises AreaError where that is nowhere on earth."""
    copy = QgsGeometry(geometry)
    try:
        copy.transform(transform)
    except QgsCsException as error:
        raise AreaError(_nowhere(name, transform.sourceCrs())) from error
    if not _are_degrees(copy.boundingBox()):
        raise AreaError(_nowhere(name, transform.sourceCrs()))
    return copy


def _check_degrees(geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, name: str) -> None:
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


def _simplified(geometry: QgsGeometry) -> tuple[QgsGeometry, list[str]]:
    """The geometry with fewer vertices where it has very many, and a note on it; parts that would vanish stay."""
    count = geometry.constGet().nCoordinates()
    if count <= MAX_VERTICES:
        return geometry, []
    simple = QgsGeometry.unaryUnion([geometry.simplify(SIMPLIFY_TOLERANCE_DEG)])
    left = simple.constGet().nCoordinates() if not simple.isEmpty() else count
    if left >= count:
        return geometry, []
    note = tr("The area has {} vertices; it was simplified to {}, which moves its edges by less than 6 m.")
    return simple, [note.format(f"{count:,}", f"{left:,}")]


def _area_km2(lon_lat: QgsGeometry, project: QgsProject) -> float:
    measure = QgsDistanceArea()
    measure.setSourceCrs(QgsCoordinateReferenceSystem(LON_LAT), project.transformContext())
    measure.setEllipsoid("WGS84")
    return measure.convertAreaMeasurement(measure.measureArea(lon_lat), QgsUnitTypes.AreaSquareKilometers)


def _polygons_of(geometry: QgsGeometry) -> tuple[Polygon, ...]:
    multi = QgsGeometry(geometry)
    multi.convertToMultiType()
    return tuple(
        tuple(tuple((corner.x(), corner.y()) for corner in ring) for ring in polygon)
        for polygon in multi.asMultiPolygon()
    )
