"""Geometries against each other and measured: intersections, unions, tests, areas, buffers and transformations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
from osgeo import ogr, osr

from ..values import ComputeError, GeometryValue, ProjectionValue
from .elementwise import refuse
from .registry import Algorithm, algorithm
from .shapes import bounds_in, geometries_meet, plain_ogr, to_ogr

EQUAL_AREA = "EPSG:6933"
"""Cylindrical equal-area projection of the WGS 84 ellipsoid: areas in it are those on the ellipsoid."""

LARGEST_BUFFERED_M = 1_000_000.0
"""Geometries up to this size are buffered in a projection about their middle, true to .4 percent of the distance."""

_QUARTER_SEGMENTS = 16
"""Pieces of a quarter circle: .12 percent of the radius inside the true circle."""

_LEAST_COSINE = 0.1
Frame = tuple[np.ndarray, np.ndarray, np.ndarray]


def _on_sphere(points: np.ndarray) -> np.ndarray:
    longitude, latitude = np.radians(points[:, 0]), np.radians(points[:, 1])
    flat = np.cos(latitude)
    return np.column_stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)])


def _frame(left: GeometryValue, right: GeometryValue) -> Frame | None:
    """The tangent plane in which both geometries' great circles are straight lines; None where they are too far
    apart for one plane."""
    shapes = (left, right)
    if any(shape.geojson["type"] == "GeometryCollection" for shape in shapes):
        return None
    vectors = _on_sphere(np.array([point for shape in shapes for point in _points(shape.geojson["coordinates"])]))
    centre = vectors.mean(axis=0)
    length = float(np.linalg.norm(centre))
    if length < _LEAST_COSINE or float((vectors @ (centre / length)).min()) < _LEAST_COSINE:
        return None
    centre = centre / length
    east = np.cross([0.0, 0.0, 1.0], centre)
    if np.linalg.norm(east) < 1e-9:
        east = np.array([0.0, 1.0, 0.0])
    east = east / np.linalg.norm(east)
    return centre, east, np.cross(centre, east)


def _points(coordinates: Any) -> list[list[float]]:
    if coordinates and not isinstance(coordinates[0], (list, tuple)):
        return [[float(coordinates[0]), float(coordinates[1])]]
    return [point for part in coordinates for point in _points(part)]


def _mapped(coordinates: Any, move: Callable[[np.ndarray], np.ndarray]) -> Any:
    if coordinates and not isinstance(coordinates[0], (list, tuple)):
        return move(np.array([coordinates[:2]], float))[0].tolist()
    return [_mapped(part, move) for part in coordinates]


def _to_plane(frame: Frame) -> Callable[[np.ndarray], np.ndarray]:
    centre, east, north = frame

    def move(points: np.ndarray) -> np.ndarray:
        vectors = _on_sphere(points)
        return np.column_stack([vectors @ east, vectors @ north]) / (vectors @ centre)[:, None]

    return move


def _from_plane(frame: Frame) -> Callable[[np.ndarray], np.ndarray]:
    centre, east, north = frame

    def move(points: np.ndarray) -> np.ndarray:
        vectors = centre + points[:, :1] * east + points[:, 1:] * north
        longitude = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0]))
        latitude = np.degrees(np.arctan2(vectors[:, 2], np.hypot(vectors[:, 0], vectors[:, 1])))
        return np.column_stack([longitude, latitude]).round(12)

    return move


def _whole(shape: ogr.Geometry) -> ogr.Geometry:
    return shape if shape.IsValid() else shape.MakeValid()


def combined(
    operation: str, left: GeometryValue, right: GeometryValue, projection: ProjectionValue | None = None
) -> GeometryValue:
    """An operation of OGR (Intersection, Union, Difference, SymDifference) on two geometries.

    In a projection where one is given or both have straight edges in the same one; else on the sphere, where edges
    are great circles. An empty result is an empty geometry collection.
    """
    if projection is not None or (left.crs == right.crs and not left.geodesic and not right.geodesic):
        crs = projection.crs if projection is not None else left.crs
        shapes = [_whole(_straight(shape, crs)) for shape in (left, right)]
        return _described(getattr(shapes[0], operation)(shapes[1]), crs, False)
    frame = _frame(left, right) if left.geodesic and right.geodesic else None
    if frame is None:
        shapes = [_whole(to_ogr(shape, "EPSG:4326")) for shape in (left, right)]
        return _described(getattr(shapes[0], operation)(shapes[1]), "EPSG:4326", False)
    shapes = [_whole(_in_plane(shape, frame)) for shape in (left, right)]
    result = _described(getattr(shapes[0], operation)(shapes[1]), "EPSG:4326", True)
    back = _from_plane(frame)
    return GeometryValue(_moved(result.geojson, back), "EPSG:4326", True)


def united(shapes: Sequence[GeometryValue]) -> GeometryValue:
    """The union of geometries; one alone is given back as it is. ComputeError where there is none."""
    if not shapes:
        raise ComputeError("nothing here has a geometry")
    return reduce(partial(combined, "Union"), shapes)


def _straight(shape: GeometryValue, crs: str) -> ogr.Geometry:
    """The geometry in a plane: with its own corners where its edges are straight there."""
    return plain_ogr(shape) if shape.crs == crs and not shape.geodesic else to_ogr(shape, crs)


def _in_plane(shape: GeometryValue, frame: Frame) -> ogr.Geometry:
    moved = _mapped(shape.geojson["coordinates"], _to_plane(frame))
    return plain_ogr(GeometryValue({"type": shape.geojson["type"], "coordinates": moved}))


def _moved(geojson: Any, move: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    if geojson["type"] == "GeometryCollection":
        return {"type": "GeometryCollection", "geometries": [_moved(part, move) for part in geojson["geometries"]]}
    return {"type": geojson["type"], "coordinates": _mapped(geojson["coordinates"], move)}


def _described(shape: ogr.Geometry | None, crs: str, geodesic: bool) -> GeometryValue:
    if shape is None:
        raise ComputeError("a geometry's outline crosses itself")
    if shape.IsEmpty():
        return GeometryValue({"type": "GeometryCollection", "geometries": []}, crs, geodesic)
    return GeometryValue(json.loads(shape.ExportToJson(["COORDINATE_PRECISION=17"])), crs, geodesic)


_PAIR = "Geometry left, Geometry right, Object maxError = null, Projection proj = null"


def _set_operation(name: str, operation: str, what: str) -> Algorithm:
    @algorithm(
        f"Geometry.{name}",
        f"{_PAIR} -> Geometry",
        description=f"{what}; on the sphere, or in the projection given.",
    )
    def combine(
        left: GeometryValue, right: GeometryValue, max_error: Any, projection: ProjectionValue | None
    ) -> GeometryValue:
        return combined(operation, left, right, projection)

    return combine


SET_OPERATIONS = (
    _set_operation("intersection", "Intersection", "What two geometries have in common"),
    _set_operation("union", "Union", "What lies in at least one of two geometries"),
    _set_operation("difference", "Difference", "What of the first geometry lies outside the second"),
    _set_operation("symmetricDifference", "SymDifference", "What lies in exactly one of two geometries"),
)


def _within(inner: GeometryValue, outer: GeometryValue) -> bool:
    return bool(_whole(to_ogr(outer, "EPSG:4326")).Contains(_whole(to_ogr(inner, "EPSG:4326"))))


def _test(name: str, test: Callable[[GeometryValue, GeometryValue], bool], what: str) -> Algorithm:
    @algorithm(f"Geometry.{name}", f"{_PAIR} -> Boolean", aliases=(f"Feature.{name}",), description=what)
    def compare(left: GeometryValue, right: GeometryValue, max_error: Any, projection: Any) -> bool:
        return test(left, right)

    return compare


TESTS = (
    _test("intersects", geometries_meet, "Whether two geometries have a point in common."),
    _test("disjoint", lambda a, b: not geometries_meet(a, b), "Whether two geometries have no point in common."),
    _test("contains", lambda a, b: _within(b, a), "Whether the second geometry lies inside the first."),
    _test("containedIn", _within, "Whether the first geometry lies inside the second."),
)


def area_m2(geometry: GeometryValue) -> float:
    """The area on the WGS 84 ellipsoid, in square metres."""
    return _surface(to_ogr(geometry, EQUAL_AREA))


def _surface(shape: ogr.Geometry) -> float:
    return float(shape.GetArea()) if shape.GetDimension() == 2 else 0.0


@algorithm("Geometry.area", "Geometry geometry, Object maxError = null, Projection proj = null -> Float")
def area(geometry: GeometryValue, max_error: Any, projection: ProjectionValue | None) -> float:
    """The area in square metres on the WGS 84 ellipsoid, or in units of the projection given; 0 for points and lines.
    Parts of a multi-geometry add up."""
    if projection is None:
        return area_m2(geometry)
    scaled = abs(projection.transform[0] * projection.transform[4])
    return _surface(to_ogr(geometry, projection.crs)) / scaled


@algorithm(
    "Geometry.buffer", "Geometry geometry, Float distance, Object maxError = null, Projection proj = null -> Geometry"
)
def buffer(
    geometry: GeometryValue, distance: float, max_error: Any, projection: ProjectionValue | None
) -> GeometryValue:
    """All points up to a distance away (a negative distance shrinks): in metres, or in units of the projection given.

    Circles are followed within a quarter percent of the distance; 1 percent is what is promised where no maximum
    error is given. A smaller maximum error is refused, and so are geometries of more than 1,000 km.
    """
    if not math.isfinite(distance):
        raise ComputeError(f"the distance must be a finite number, not {distance}")
    if isinstance(max_error, (int, float)) and abs(distance) * 0.005 > max_error:
        raise ComputeError(f"a buffer true to {max_error} is not implemented by the local engine; leave maxError out")
    if projection is not None:
        shape = to_ogr(geometry, projection.crs).Buffer(distance, _QUARTER_SEGMENTS)
        return _described(shape, projection.crs, False)
    x_min, y_min, x_max, y_max = bounds_in(geometry, "EPSG:4326")
    middle = math.radians((y_min + y_max) / 2)
    size = 111_319.5 * max((x_max - x_min) * math.cos(middle), y_max - y_min) + 2 * abs(distance)
    if size > LARGEST_BUFFERED_M:
        raise ComputeError("buffers of more than 1,000 km are not implemented by the local engine")
    local = f"+proj=aeqd +lat_0={(y_min + y_max) / 2} +lon_0={(x_min + x_max) / 2} +datum=WGS84 +units=m"
    shape = to_ogr(geometry, local).Buffer(distance, _QUARTER_SEGMENTS)
    return transformed(_described(shape, local, False), "EPSG:4326")


def transformed(geometry: GeometryValue, crs: str) -> GeometryValue:
    """The geometry in another coordinate system, edges followed within a metre."""
    if geometry.crs == crs:
        return geometry
    return _described(to_ogr(geometry, crs), crs, crs == "EPSG:4326")


@algorithm("Geometry.transform", "Geometry geometry, Projection proj = null, Object maxError = null -> Geometry")
def transform(geometry: GeometryValue, projection: ProjectionValue | None, max_error: Any) -> GeometryValue:
    """The geometry in the coordinate system of a projection (EPSG:4326 where none is given), with points added along
    its edges. In a geographic system its edges are then geodesics, else straight lines."""
    return transformed(geometry, projection.crs if projection else "EPSG:4326")


@algorithm("Geometry.centroid", "Geometry geometry, Object maxError = null, Projection proj = null -> Geometry")
def centroid(geometry: GeometryValue, max_error: Any, projection: ProjectionValue | None) -> GeometryValue:
    """The centre of gravity: in the projection given, or in an equal-area plane about the geometry's middle."""
    if geometry.geojson["type"] == "Point":
        return geometry
    if projection is not None or (geometry.crs != "EPSG:4326" and not geometry.geodesic):
        crs = projection.crs if projection is not None else geometry.crs
        return _described(to_ogr(geometry, crs).Centroid(), crs, False)
    x_min, y_min, x_max, y_max = bounds_in(geometry, "EPSG:4326")
    local = f"+proj=laea +lat_0={(y_min + y_max) / 2} +lon_0={(x_min + x_max) / 2} +datum=WGS84 +units=m"
    return transformed(_described(to_ogr(geometry, local).Centroid(), local, False), "EPSG:4326")


@algorithm("Geometry.type", "Geometry geometry -> String")
def kind(geometry: GeometryValue) -> str:
    """The GeoJSON type."""
    return str(geometry.geojson["type"])


@algorithm("Geometry.geodesic", "Geometry geometry -> Boolean", aliases=("Geometry.edgesAreGeodesics",))
def is_geodesic(geometry: GeometryValue) -> bool:
    """Whether edges are geodesics rather than straight lines of the geometry's projection."""
    return geometry.geodesic


@algorithm("Geometry.isUnbounded", "Geometry geometry -> Boolean")
def is_unbounded(geometry: GeometryValue) -> bool:
    """Whether the geometry covers everything: never, as such geometries cannot be made here."""
    return False


@algorithm("Geometry.projection", "Geometry geometry -> Projection")
def projection_of(geometry: GeometryValue) -> ProjectionValue:
    """The coordinate system of the geometry, in its own units."""
    return ProjectionValue(geometry.crs, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


@algorithm("Projection.crs", "Projection projection -> String")
def projection_crs(projection: ProjectionValue) -> str:
    """The name of the coordinate system."""
    return projection.crs


@algorithm("Projection.scale", "Projection projection, Float x, Float y -> Projection")
def projection_scale(projection: ProjectionValue, x: float, y: float) -> ProjectionValue:
    """The projection whose units are ``x`` and ``y`` times as large."""
    a, b, c, d, e, f = projection.transform
    return ProjectionValue(projection.crs, (a * x, b * y, c, d * x, e * y, f))


@algorithm("Projection.translate", "Projection projection, Float x, Float y -> Projection")
def projection_translate(projection: ProjectionValue, x: float, y: float) -> ProjectionValue:
    """The projection with its origin moved by ``x`` and ``y`` of its units."""
    a, b, c, d, e, f = projection.transform
    return ProjectionValue(projection.crs, (a, b, c + a * x + b * y, d, e, f + d * x + e * y))


@algorithm("Projection.nominalScale", "Projection proj -> Float")
def nominal_scale(projection: ProjectionValue) -> float:
    """Metres to a unit of the projection where it is true to scale. Turned or oblong units are refused."""
    if (
        projection.transform[1]
        or projection.transform[3]
        or abs(projection.transform[0]) != abs(projection.transform[4])
    ):
        raise refuse("the scale of a projection with turned or oblong units")
    reference = osr.SpatialReference()
    reference.SetFromUserInput(projection.crs)
    unit_m = 111_319.49079327358 if reference.IsGeographic() else reference.GetLinearUnits()
    return abs(projection.transform[0]) * float(unit_m)
