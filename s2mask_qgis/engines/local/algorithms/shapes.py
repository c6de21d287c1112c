"""Geometries: their constructors, measures and tests, and masks of what lies inside them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from osgeo import gdal, ogr

from ....core.grid import Grid
from ..raster.sources import Pixels, Reader, Source
from ..raster.transforms import crs_reference, transform_points, transformation
from ..raster.windows import Rectangle, Window
from ..values import ComputeError, GeometryValue, ProjectionValue
from .conversions import is_number
from .geojson import DEPTHS, checked_coordinates
from .registry import Algorithm, algorithm

GEODESIC_STEP_DEGREES = 0.01
"""Geodesic edges are followed by straight pieces of this length: at most 0.1 m beside the line up to 60 degrees."""

PLANAR_STEP_DEGREES = 0.02
"""Straight edges in longitude and latitude are cut into pieces this long before they are projected."""


def _constructor(kind: str, signature: str) -> Algorithm:
    text = f"A {kind} of coordinates, nested or flat; geometries of a simpler kind stand for their coordinates."

    @algorithm(f"GeometryConstructors.{kind}", signature, description=text)
    def construct(
        coordinates: list[Any], crs: ProjectionValue | None = None, geodesic: bool | None = None, *_: Any
    ) -> GeometryValue:
        name = crs.crs if crs else _crs_of(coordinates)
        is_geodesic = _geodesic_of(coordinates, name) if geodesic is None else geodesic
        nested = _nested(_plain(coordinates, name), DEPTHS[kind], kind)
        return GeometryValue({"type": kind, "coordinates": nested}, name, is_geodesic)

    return construct


def _crs_of(items: list[Any]) -> str:
    """The coordinate system of the first geometry in a list, that of longitude and latitude where there is none."""
    return next((item.crs for item in items if isinstance(item, GeometryValue)), "EPSG:4326")


def _geodesic_of(items: list[Any], crs: str) -> bool:
    """How edges are taken where that is not said: as those of the geometries in a list, whose edges must be alike; of
    numbers, as geodesics in longitude and latitude."""
    states = {item.geodesic for item in items if isinstance(item, GeometryValue) and item.geojson["type"] != "Point"}
    if len(states) > 1:
        raise ComputeError(
            "geometries with geodesic and straight edges together are not implemented by the local engine"
        )
    return states.pop() if states else crs == "EPSG:4326"


def _plain(items: list[Any], crs: str) -> list[Any]:
    """A list with coordinates in place of geometries. ComputeError where one is in another coordinate system."""
    if any(isinstance(item, GeometryValue) and item.crs != crs for item in items):
        raise ComputeError(f"geometries of other coordinate systems than {crs} are not implemented by the local engine")
    return [list(coordinates_of.function(item)) if isinstance(item, GeometryValue) else item for item in items]


def _nested(coordinates: list[Any], depth: int, kind: str) -> list[Any]:
    """Coordinates brought to the nesting of their kind: flat lists of numbers are paired, missing levels added."""
    if coordinates and all(is_number(value) for value in coordinates) and depth > 1:
        if len(coordinates) % 2:
            raise ComputeError(f"a {kind} needs pairs of numbers, {len(coordinates)} numbers were given")
        coordinates = [list(pair) for pair in zip(coordinates[::2], coordinates[1::2])]
    while coordinates and _depth(coordinates) < depth:
        coordinates = [coordinates]
    return _closed(checked_coordinates(kind, coordinates), kind)


def _closed(coordinates: list[Any], kind: str) -> list[Any]:
    """Rings end where they start."""
    if kind == "LinearRing":
        return coordinates if coordinates[0] == coordinates[-1] else [*coordinates, coordinates[0]]
    if kind == "Polygon":
        return [_closed(ring, "LinearRing") for ring in coordinates]
    if kind == "MultiPolygon":
        return [_closed(polygon, "Polygon") for polygon in coordinates]
    return coordinates


def _depth(value: Any) -> int:
    return 1 + _depth(value[0]) if isinstance(value, list) and value else 0


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        if not is_number(value):
            raise ComputeError(f"coordinates are numbers, not {value!r}")
        return [value]
    return [number for item in value for number in _flat(item)]


_AREA_SIGNATURE = (
    "List coordinates, Projection crs = null, Boolean geodesic = null, Object maxError = null, "
    "Boolean evenOdd = true -> Geometry"
)
_LINE_SIGNATURE = "List coordinates, Projection crs = null, Boolean geodesic = null, Object maxError = null -> Geometry"
CONSTRUCTORS = (
    _constructor("Point", "List<Number> coordinates, Projection crs = null -> Geometry"),
    _constructor("MultiPoint", "List coordinates, Projection crs = null -> Geometry"),
    _constructor("LineString", _LINE_SIGNATURE),
    _constructor("LinearRing", _LINE_SIGNATURE),
    _constructor("MultiLineString", _LINE_SIGNATURE),
    _constructor("Polygon", _AREA_SIGNATURE),
    _constructor("MultiPolygon", _AREA_SIGNATURE),
)


@algorithm(
    "GeometryConstructors.Rectangle",
    "List coordinates, Projection crs = null, Boolean geodesic = null, Boolean evenOdd = true -> Geometry",
)
def rectangle(
    coordinates: list[Any], crs: ProjectionValue | None, geodesic: bool | None, even_odd: bool
) -> GeometryValue:
    """A rectangle from two corners: [x_min, y_min, x_max, y_max], flat or as two pairs."""
    name = crs.crs if crs else _crs_of(coordinates)
    numbers = _flat(_plain(coordinates, name))
    if len(numbers) != 4:
        raise ComputeError(f"a Rectangle needs 4 numbers, {len(numbers)} were given")
    x0, y0, x1, y1 = numbers
    if not all(math.isfinite(number) for number in numbers):
        raise ComputeError("a Rectangle needs finite numbers as coordinates")
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    is_geodesic = (name == "EPSG:4326") if geodesic is None else geodesic
    return GeometryValue({"type": "Polygon", "coordinates": [ring]}, name, is_geodesic)


@algorithm("GeometryConstructors.BBox", "Float west, Float south, Float east, Float north -> Geometry")
def bounding_box(west: float, south: float, east: float, north: float) -> GeometryValue:
    """A box of longitudes and latitudes with straight edges. Latitudes end at the poles; the west is brought to -180
    to 180 and the east to less than a turn beyond it; a whole turn and more goes from -180 to 180."""
    if not all(math.isfinite(number) for number in (west, south, east, north)):
        raise ComputeError("a BBox needs finite numbers as coordinates")
    if south > min(north, 90) or north < -90:
        raise ComputeError(f"the south, {south}, must not be above the north, {north}, nor both beyond a pole")
    south, north = max(south, -90), min(north, 90)
    if east - west >= 360:
        west, east = -180, 180
    west, east = _within_turn(west), _within_turn(east)
    east += 360 if east < west else 0
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return GeometryValue({"type": "Polygon", "coordinates": [ring]})


def _within_turn(longitude: float) -> float:
    """A longitude from -180 to 180; both ends stay as they are."""
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def to_ogr(geometry: GeometryValue, crs: str) -> ogr.Geometry:
    """The geometry in another coordinate system, its edges followed closely enough for metre accuracy."""
    shape = _segmented(geometry)
    if crs != geometry.crs:
        _project(shape, geometry.crs, crs)
    return shape


def _segmented(geometry: GeometryValue) -> ogr.Geometry:
    if geometry.geojson["type"] == "GeometryCollection":
        whole = ogr.Geometry(ogr.wkbGeometryCollection)
        for part in geometry.geojson["geometries"]:
            whole.AddGeometry(_segmented(GeometryValue(part, geometry.crs, geometry.geodesic)))
        return whole
    coordinates = geometry.geojson["coordinates"]
    if geometry.geodesic and geometry.crs == "EPSG:4326" and geometry.geojson["type"] not in ("Point", "MultiPoint"):
        coordinates = _along_geodesics(coordinates)
    shape = ogr.CreateGeometryFromJson(
        json.dumps({"type": _ogr_kind(geometry.geojson["type"]), "coordinates": coordinates})
    )
    if shape is None:
        raise ComputeError(f"a {geometry.geojson['type']} cannot be made of these coordinates")
    if geometry.crs == "EPSG:4326":
        shape.Segmentize(PLANAR_STEP_DEGREES)
    return shape


def plain_ogr(geometry: GeometryValue) -> ogr.Geometry:
    """The geometry in its own coordinate system with its own corners only."""
    described = dict(geometry.geojson) | {"type": _ogr_kind(geometry.geojson["type"])}
    shape = ogr.CreateGeometryFromJson(json.dumps(described))
    if shape is None:
        raise ComputeError(f"a {geometry.geojson['type']} cannot be made of these coordinates")
    return shape


def _ogr_kind(kind: str) -> str:
    return "LineString" if kind == "LinearRing" else kind


def _along_geodesics(coordinates: list[Any]) -> list[Any]:
    """Coordinates with points added along the great circles between the corners of each line."""
    if _depth(coordinates) > 2:
        return [_along_geodesics(part) for part in coordinates]
    if _depth(coordinates) < 2 or len(coordinates) < 2:
        return coordinates
    line = [coordinates[0]]
    for start, end in pairwise(coordinates):
        line.extend(_great_circle(start, end))
    return line


def _great_circle(start: Sequence[float], end: Sequence[float]) -> list[list[float]]:
    """Points from ``start`` (left out) to ``end`` on the sphere."""
    a, b = _unit_vector(start), _unit_vector(end)
    angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
    pieces = min(2000, max(1, math.ceil(math.degrees(angle) / GEODESIC_STEP_DEGREES)))
    points = []
    for i in range(1, pieces):
        share = i / pieces
        vector = (math.sin((1 - share) * angle) * a + math.sin(share * angle) * b) / math.sin(angle)
        longitude = math.degrees(math.atan2(vector[1], vector[0]))
        longitude += 360 * round((start[0] + share * (end[0] - start[0]) - longitude) / 360)
        points.append([longitude, math.degrees(math.asin(max(-1.0, min(1.0, vector[2]))))])
    return [*points, [end[0], end[1]]]


def _unit_vector(point: Sequence[float]) -> np.ndarray:
    longitude, latitude = math.radians(point[0]), math.radians(point[1])
    return np.array(
        [math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)]
    )


def _project(shape: ogr.Geometry, crs_from: str, crs_to: str) -> None:
    if shape.Transform(transformation(crs_from, crs_to)) != 0:
        raise ComputeError(f"the geometry cannot be transformed from {crs_from} to {crs_to}")


class GeometryMask(Source):
    """1 where a pixel's centre lies inside a geometry, else 0."""

    def __init__(self, geometry: GeometryValue) -> None:
        self._geometry = geometry
        self._projected: dict[str, ogr.Geometry] = {}

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        if window.grid.crs not in self._projected:
            self._projected[window.grid.crs] = to_ogr(self._geometry, window.grid.crs)
        shape = self._projected[window.grid.crs]
        if isinstance(window, Rectangle):
            return Pixels(burn(shape, window.grid))
        inside = burn(shape, window.grid)
        return Pixels(inside[window.rows, window.columns])


def burn(shape: ogr.Geometry, grid: Grid) -> np.ndarray:
    """1 where a pixel's centre is inside ``shape`` (in the grid's CRS), else 0; uint8 of the grid's shape."""
    rows, columns = grid.shape_yx
    x_scale, _, x0, _, y_scale, y0 = grid.transform
    target = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_Byte)
    reference = crs_reference(grid.crs)
    target.SetGeoTransform((x0, x_scale, 0.0, y0, 0.0, y_scale))
    target.SetProjection(reference.ExportToWkt())
    source = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = source.CreateLayer("shape", reference, ogr.wkbUnknown)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(shape)
    layer.CreateFeature(feature)
    gdal.RasterizeLayer(target, [1], layer, burn_values=[1])
    return target.ReadAsArray()


def geometries_meet(left: GeometryValue, right: GeometryValue) -> bool:
    """Whether two geometries have a point in common, tested in longitude and latitude."""
    return bool(to_ogr(left, "EPSG:4326").Intersects(to_ogr(right, "EPSG:4326")))


def bounds_of(shapes: Sequence[GeometryValue], crs: str) -> GeometryValue:
    """The rectangle around several geometries in a coordinate system. ComputeError where there is none."""
    if not shapes:
        raise ComputeError("nothing here has a geometry")
    edges = np.array([bounds_in(shape, crs) for shape in shapes])
    x0, y0, x1, y1 = (float(edge) for edge in (*edges[:, :2].min(axis=0), *edges[:, 2:].max(axis=0)))
    return GeometryValue({"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]}, crs)


@algorithm("Geometry.bounds", "Geometry geometry, Object maxError = null, Projection proj = null -> Geometry")
def bounds(geometry: GeometryValue, max_error: Any, projection: ProjectionValue | None) -> GeometryValue:
    """The bounding rectangle, in longitude and latitude or the projection given."""
    return bounds_of([geometry], projection.crs if projection else "EPSG:4326")


@algorithm("Geometry.coordinates", "Geometry geometry -> List")
def coordinates_of(geometry: GeometryValue) -> list[Any]:
    """The coordinates as GeoJSON nests them."""
    return list(geometry.geojson.get("coordinates", []))


def bounds_in(geometry: GeometryValue, crs: str) -> tuple[float, float, float, float]:
    """x_min, y_min, x_max, y_max of a geometry in a coordinate system."""
    x0, x1, y0, y1 = to_ogr(geometry, crs).GetEnvelope()
    return x0, y0, x1, y1


def grid_outline(grid: Grid) -> GeometryValue:
    """The outline of a grid in longitude and latitude."""
    x_min, y_min, x_max, y_max = grid.bounds
    corners_x, corners_y = np.array([x_min, x_max, x_max, x_min, x_min]), np.array([y_min, y_min, y_max, y_max, y_min])
    longitude, latitude = transform_points(grid.crs, "EPSG:4326", corners_x, corners_y)
    return GeometryValue({"type": "Polygon", "coordinates": [np.column_stack([longitude, latitude]).tolist()]})
