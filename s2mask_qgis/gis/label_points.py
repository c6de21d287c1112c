"""Points that stand for the polygons of labels: centres of working pixels inside them, the same on every call."""

from __future__ import annotations

import math
from collections.abc import Iterator

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPoint,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsWkbTypes,
)

from ..core.label_words import tile_of

MOST_POINTS = 500
"""Points of a polygon: a larger one gets every second, third, … pixel of each row and column."""

MOST_TRIED = 20_000
"""Pixels around a polygon that are tried at most; long thin ones across the grid have few of them inside."""

_FIRST_NORTHERN_BAND = "N"
LON_LAT = "EPSG:4326"

Place = tuple[float, float]


class LabelPoints:
    """Finds the places, in longitude and latitude, that geometries of one coordinate system stand for."""

    def __init__(self, crs: QgsCoordinateReferenceSystem, project: QgsProject, scale_m: int) -> None:
        self._crs = crs
        self._project = project
        self._scale_m = scale_m
        self._degrees = QgsCoordinateTransform(crs, QgsCoordinateReferenceSystem(LON_LAT), project)
        self._utm: dict[str, tuple[QgsCoordinateTransform, QgsCoordinateTransform]] = {}

    def places(self, geometry: QgsGeometry, image: str) -> list[Place]:
        """Every point of a geometry, or points inside its polygons, on pixels of the tile that ``image`` names.

        Raises QgsCsException where that is nowhere on earth. Empty for a geometry without a point or a surface.
        """
        if geometry.isNull() or geometry.isEmpty():
            return []
        if geometry.type() == QgsWkbTypes.GeometryType.PointGeometry:
            return [self._place(QgsPointXY(vertex)) for vertex in geometry.vertices()]
        to_utm, to_degrees = self._transforms(geometry, image)
        polygons = QgsGeometry(geometry)
        polygons.transform(to_utm)
        found = []
        for polygon in polygons.asGeometryCollection():
            found += [_checked(to_degrees.transform(point)) for point in _inside(polygon, self._scale_m)]
        return found

    def _place(self, point: QgsPointXY) -> Place:
        return _checked(self._degrees.transform(point))

    def _transforms(self, geometry: QgsGeometry, image: str) -> tuple[QgsCoordinateTransform, QgsCoordinateTransform]:
        """From the geometry's coordinate system to metres, and from there to degrees."""
        code = self._utm_of(geometry, image)
        if code not in self._utm:
            metres = QgsCoordinateReferenceSystem(code)
            self._utm[code] = (
                QgsCoordinateTransform(self._crs, metres, self._project),
                QgsCoordinateTransform(metres, QgsCoordinateReferenceSystem(LON_LAT), self._project),
            )
        return self._utm[code]

    def _utm_of(self, geometry: QgsGeometry, image: str) -> str:
        """The coordinate system of an image's tile; that of the geometry's zone where the name tells no tile."""
        tile = tile_of(image)
        if tile is not None:
            return f"EPSG:{326 if tile[2] >= _FIRST_NORTHERN_BAND else 327}{tile[:2]}"
        longitude, latitude = self._place(geometry.boundingBox().center())
        zone = min(60, int((longitude + 180) // 6) + 1)
        return f"EPSG:{326 if latitude >= 0 else 327}{zone:02d}"


def _checked(point: QgsPointXY) -> Place:
    """Coordinates in degrees; QgsCsException where they are none."""
    if not (abs(point.x()) <= 180 and abs(point.y()) <= 90):
        raise QgsCsException("not on earth")
    return point.x(), point.y()


def _inside(polygon: QgsGeometry, scale_m: int) -> list[QgsPointXY]:
    """Centres of pixels inside a polygon in metres, or one point inside it where it holds none."""
    box = polygon.boundingBox()
    if polygon.area() <= 0:
        return []
    step = _step(polygon.area(), box.width() * box.height(), scale_m)
    engine = QgsGeometry.createGeometryEngine(polygon.constGet())
    engine.prepareGeometry()
    found = [point for point in _centres(box, scale_m, step) if engine.contains(QgsPoint(point))]
    return found or [polygon.pointOnSurface().asPoint()]


def _step(area_m2: float, box_m2: float, scale_m: int) -> int:
    """Take every how many-th pixel, so that a polygon has MOST_POINTS at most."""
    pixels = max(area_m2 / MOST_POINTS, box_m2 / MOST_TRIED) / scale_m**2
    return max(1, math.ceil(math.sqrt(pixels)))


def _centres(box: QgsRectangle, scale_m: int, step: int) -> Iterator[QgsPointXY]:
    """Centres of every ``step``-th pixel of the grid that tiles' grids are part of, from the upper left corner on."""
    side = scale_m * step

    def numbers(low: float, high: float) -> range:
        return range(math.ceil((low - scale_m / 2) / side), math.floor((high - scale_m / 2) / side) + 1)

    for row in reversed(numbers(box.yMinimum(), box.yMaximum())):
        for column in numbers(box.xMinimum(), box.xMaximum()):
            yield QgsPointXY(column * side + scale_m / 2, row * side + scale_m / 2)
