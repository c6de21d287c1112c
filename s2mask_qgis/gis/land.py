"""The land limit out of a layer: cut to the area, simplified until it fits a request, in longitude and latitude."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QTransform

from ..core.area import Area, Polygon
from ..core.land import Land
from .polygons import LON_LAT, AreaError, check_crs, check_layer, clean_all, only_polygons, polygons_of, to_lon_lat, tr

MOST_BYTES = 400_000
"""Of land as JSON, some 16,000 corners: it travels in every export, which has to stay well under 1 MB."""

TABLE_BYTES = 8_000_000
"""Of land that is stored as a table on Earth Engine: its corners travel once, in a request of 10 MB at most."""

TOLERANCES_M = (2.5, 5.0, 10.0, 20.0, 50.0)
"""How far edges may be moved, tried one after the other; the last is five 10 m pixels."""

SMALLEST_M2 = 100.0
"""Islands and holes smaller than a 10 m pixel may go where land is simplified."""

MARGIN_DEG = 0.02
"""Land is cut this far (2 km) outside the area's bounding box."""

DECIMALS = 7
"""Of degrees: 1 cm."""

M_PER_DEGREE = 111_320.0
"""Length of a degree of a great circle."""

_ASSET = re.compile(r"[\w.-]+(/[\w.:-]+)+", re.ASCII)


@dataclass(frozen=True)
class LandChoice:
    """A land limit ready for a run.

    ``notes`` tell the user what was changed; edges were moved by ``displacement_m`` at most, 0 where nothing was
    simplified.
    """

    land: Land
    notes: tuple[str, ...]
    displacement_m: float


def checked_asset(asset: str) -> str:
    """The asset id of a land limit. AreaError where the text cannot be one."""
    if not asset:
        raise AreaError(tr("Give the asset id of the land limit, or choose no land limit."))
    if not _ASSET.fullmatch(asset):
        text = tr("“{}” is no asset id of a land limit. Such ids look like projects/my-project/assets/land.")
        raise AreaError(text.format(asset))
    return asset


def land_from_layer(
    layer: QgsVectorLayer,
    area: Area,
    project: QgsProject,
    most_bytes: int = MOST_BYTES,
    selected_only: bool = False,
) -> LandChoice:
    """The polygons of a layer near an area, or the selected ones of them, as its land limit; the layer is only read.

    ``most_bytes`` is what they may have as JSON: MOST_BYTES to travel in every export, TABLE_BYTES to be stored as a
    table (core/regions.py: table_of). Raises AreaError for a layer that cannot be used, that does not meet the area, or
    whose polygons stay too many corners for a request however much they may be simplified.
    """
    check_layer(layer)
    check_crs(layer.crs(), layer.name())
    box = _box_around(area)
    near, notes = _near(layer, box, project, selected_only)
    cut = only_polygons(near.intersection(QgsGeometry.fromRect(box))) if not near.isEmpty() else near
    if cut.isEmpty():
        raise AreaError(_beside(layer.name()))
    polygons = _rounded(cut)
    if _size(polygons) <= most_bytes:
        return LandChoice(Land(area=Area(polygons, layer.name())), tuple(notes), 0.0)
    return _simplified(cut, layer.name(), notes, most_bytes)


def _box_around(area: Area) -> QgsRectangle:
    """The bounding box of an area and a margin, in degrees."""
    corners = [corner for polygon in area.polygons for corner in polygon[0]]
    longitudes, latitudes = zip(*corners)
    box = QgsRectangle(min(longitudes), min(latitudes), max(longitudes), max(latitudes))
    return box.buffered(MARGIN_DEG).intersect(QgsRectangle(-180, -90, 180, 90))


def _near(
    layer: QgsVectorLayer, box: QgsRectangle, project: QgsProject, selected_only: bool
) -> tuple[QgsGeometry, list[str]]:
    """The polygons of a layer near a box, joined, in longitude and latitude; and notes on what was repaired."""
    window = _in_crs(box, layer.crs(), project)
    request = QgsFeatureRequest().setNoAttributes()
    if window is not None:
        request.setFilterRect(window)
    features = layer.getSelectedFeatures(request) if selected_only else layer.getFeatures(request)
    named = [(tr("Polygon {}").format(feature.id()), feature.geometry()) for feature in features]
    if not named:
        return QgsGeometry(), []
    polygons, notes = clean_all(named, layer.crs(), layer.name())
    union = QgsGeometry.unaryUnion(_inside(polygons, window))
    if union.isEmpty():
        return union, notes
    return to_lon_lat(union, layer.crs(), project, layer.name()), notes


def _in_crs(box: QgsRectangle, crs: QgsCoordinateReferenceSystem, project: QgsProject) -> QgsRectangle | None:
    """A box around ``box`` in another coordinate system, None where that does not reach so far."""
    transform = QgsCoordinateTransform(QgsCoordinateReferenceSystem(LON_LAT), crs, project)
    try:
        window = transform.transformBoundingBox(box)
    except QgsCsException:
        return None
    return window.buffered(0.05 * max(window.width(), window.height())) if window.isFinite() else None


def _inside(polygons: list[QgsGeometry], window: QgsRectangle | None) -> Iterator[QgsGeometry]:
    """The parts of polygons inside a window: whatever is far away need not be transformed."""
    for polygon in polygons:
        if window is None or window.contains(polygon.boundingBox()):
            yield polygon
        else:
            yield only_polygons(polygon.intersection(QgsGeometry.fromRect(window)))


def _simplified(cut: QgsGeometry, name: str, notes: list[str], most_bytes: int) -> LandChoice:
    """Land with fewer corners: the smallest tolerance with which it fits. AreaError where none does."""
    to_metres = _to_metres(cut.boundingBox())
    flat, gone = _without_specks(_moved(cut, to_metres))
    tolerances, found, fewest = list(TOLERANCES_M), None, 0
    while tolerances:  # the middle first: simplifying a million corners takes seconds
        middle = len(tolerances) // 2
        simple = flat.simplify(tolerances[middle])
        polygons = _rounded(_moved(simple, to_metres.inverted()[0]))
        if _size(polygons) <= most_bytes:
            found = tolerances[middle], simple, polygons
            tolerances = tolerances[:middle]
        else:
            fewest = _corners(polygons)
            tolerances = tolerances[middle + 1 :]
    if found is None:
        raise AreaError(_too_large(name, _count(cut), fewest, most_bytes))
    tolerance_m, simple, polygons = found
    moved_m = min(tolerance_m, _displacement(flat, simple, tolerance_m))
    told = _told(_count(cut), _corners(polygons), tolerance_m, moved_m, gone)
    return LandChoice(Land("", Area(polygons, name), tolerance_m), (*notes, *told), moved_m)


def _to_metres(box: QgsRectangle) -> QTransform:
    """From degrees to metres on a plane; where that is not exact, lengths along a parallel are too large, never too
    small."""
    nearest = 0.0 if box.yMinimum() < 0 < box.yMaximum() else min(abs(box.yMinimum()), abs(box.yMaximum()))
    return QTransform.fromScale(M_PER_DEGREE * math.cos(math.radians(nearest)), M_PER_DEGREE)


def _moved(geometry: QgsGeometry, transform: QTransform) -> QgsGeometry:
    copy = QgsGeometry(geometry)
    copy.transform(transform)
    return copy


def _without_specks(flat: QgsGeometry) -> tuple[QgsGeometry, int]:
    """Polygons without islands and holes smaller than a pixel, and how many these were; the largest always stays."""
    before = sum(len(polygon) for polygon in polygons_of(flat))
    parts = sorted(flat.asGeometryCollection(), key=QgsGeometry.area, reverse=True)
    large = [part for part in parts if part.area() >= SMALLEST_M2] or parts[:1]
    kept = QgsGeometry.collectGeometry([part.removeInteriorRings(SMALLEST_M2) for part in large])
    return kept, before - sum(len(polygon) for polygon in polygons_of(kept))


def _rounded(geometry: QgsGeometry) -> tuple[Polygon, ...]:
    """Valid polygons whose coordinates have few digits."""
    step = 10.0**-DECIMALS
    snapped = geometry.snappedToGrid(step, step)
    if not snapped.isGeosValid():
        snapped = only_polygons(snapped.makeValid())
    return tuple(
        tuple(tuple((round(x, DECIMALS), round(y, DECIMALS)) for x, y in ring) for ring in polygon)
        for polygon in polygons_of(snapped)
    )


def _displacement(flat: QgsGeometry, simple: QgsGeometry, otherwise: float) -> float:
    """How far corners were moved by simplifying, in metres; ``otherwise`` where that cannot be told."""
    from ..core.displacement import largest_displacement

    before, after = polygons_of(flat), polygons_of(simple)
    if [len(polygon) for polygon in before] != [len(polygon) for polygon in after]:
        return otherwise
    pairs = [pair for old, new in zip(before, after) for pair in zip(old, new)]
    found = [largest_displacement(old, new) for old, new in pairs if len(new) < len(old)]
    return max((otherwise if moved is None else moved for moved in found), default=0.0)


def _size(polygons: tuple[Polygon, ...]) -> int:
    """Bytes of polygons as they are sent."""
    return len(json.dumps(Area(polygons).to_geojson(), separators=(",", ":")))


def _count(geometry: QgsGeometry) -> int:
    return int(geometry.constGet().nCoordinates())


def _corners(polygons: tuple[Polygon, ...]) -> int:
    return sum(len(ring) for polygon in polygons for ring in polygon)


def _told(before: int, after: int, tolerance_m: float, moved_m: float, gone: int) -> list[str]:
    text = tr(
        "The land limit has {} corners near the area; it was simplified to {} with a tolerance of {} m, which moves "
        "its edges by {} m at most."
    )
    told = [text.format(f"{before:,}", f"{after:,}", f"{tolerance_m:g}", f"{moved_m:.1f}")]
    if gone:
        told.append(tr("Islands and holes smaller than a pixel (100 m²) were left out: {}.").format(f"{gone:,}"))
    return told


def _beside(name: str) -> str:
    text = tr("The land limit “{}” has no polygon near the area. Choose another layer, or no land limit.")
    return text.format(name)


def _too_large(name: str, before: int, after: int, most_bytes: int) -> str:
    text = tr(
        "The land limit “{}” has {} corners near the area, and {} when its edges are moved by up to {} m: more than "
        "a request holds ({} kB). Choose a smaller area or coarser land, or store the layer as a table on Earth Engine "
        "and give its asset id."
    )
    return text.format(name, f"{before:,}", f"{after:,}", f"{TOLERANCES_M[-1]:g}", most_bytes // 1000)
