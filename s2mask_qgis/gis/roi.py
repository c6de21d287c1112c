"""The area of interest out of layers, files and drawn polygons: checked, repaired, in longitude and latitude."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsDistanceArea,
    QgsFeatureRequest,
    QgsGeometry,
    QgsMapLayerType,
    QgsProject,
    QgsProviderRegistry,
    QgsProviderSublayerDetails,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ..core.area import Area
from .polygons import (
    LON_LAT,
    AreaError,
    check_crs,
    check_layer,
    clean_all,
    kind_of_geometry,
    polygons_of,
    to_lon_lat,
    tr,
)

MAX_VERTICES = 10_000
"""Areas with more vertices are simplified: they travel in every request."""

SIMPLIFY_TOLERANCE_DEG = 5e-5
"""How far simplified edges may move, 5.6 m at most: about half a 10 m pixel."""

SMALLEST_AREA_KM2 = 1e-6
"""One square metre, a hundredth of a 10 m pixel; anything less is a line or a point that only looks like a polygon."""


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
    check_layer(layer)
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
        kinds = sorted({kind_of_geometry(QgsWkbTypes.geometryType(item.wkbType())) for item in found})
        text = tr("{} holds no polygons, only {}. Choose a file with polygons.")
        raise AreaError(text.format(file.name, ", ".join(kinds)))
    layer = _open(polygons[0], file.stem, project)
    choice = area_from_layer(layer, False, project)
    if len(polygons) > 1:
        note = tr("{} holds {} polygon layers; the first one, “{}”, is used.")
        notes = (note.format(file.name, len(polygons), polygons[0].name()), *choice.notes)
        choice = AreaChoice(choice.area, notes, choice.area_km2)
    return layer, choice


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
    check_crs(crs, name)
    polygons, notes = clean_all(named, crs, name)
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
    return AreaChoice(Area(polygons_of(lon_lat), name), (*notes, *simplify_notes), area_km2)


def _to_lon_lat(
    geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, project: QgsProject, name: str
) -> QgsGeometry:
    """The geometry in longitude and latitude, on one side of the 180° meridian."""
    lon_lat = to_lon_lat(geometry, crs, project, name)
    if lon_lat.boundingBox().width() > 180:
        text = tr("The area “{}” spans more than half the globe; if it crosses the 180° meridian, cut it there in two.")
        raise AreaError(text.format(name))
    return lon_lat


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
