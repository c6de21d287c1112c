"""GeoJSON that comes in with an expression: checked to describe a geometry before anything is computed from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..values import ComputeError

DEPTHS: Mapping[str, int] = MappingProxyType(
    {
        "Point": 1,
        "MultiPoint": 2,
        "LineString": 2,
        "LinearRing": 2,
        "MultiLineString": 3,
        "Polygon": 3,
        "MultiPolygon": 4,
    }
)
"""How many lists the coordinates of each kind are nested in (RFC 7946, section 3.1; a LinearRing is the service's)."""

_LEAST = {"LineString": 2, "LinearRing": 3, "MultiLineString": 2, "Polygon": 3, "MultiPolygon": 3}
"""Corners that a line must have; rings are closed by whoever reads them."""

_MOST_NESTED = 20


def checked_geojson(value: Any, nested: int = 0) -> dict[str, Any]:
    """The type and coordinates (or geometries) of a GeoJSON geometry. ComputeError where it is none."""
    if not isinstance(value, Mapping) or nested > _MOST_NESTED:
        raise ComputeError("a geometry is a GeoJSON object of a known type")
    kind = value.get("type")
    if kind == "GeometryCollection":
        parts = value.get("geometries")
        if not isinstance(parts, list):
            raise ComputeError("a GeometryCollection has a list of geometries")
        return {"type": kind, "geometries": [checked_geojson(part, nested + 1) for part in parts]}
    if not isinstance(kind, str) or kind not in DEPTHS:
        raise ComputeError(f"there is no geometry of the type {kind!r}")
    return {"type": kind, "coordinates": checked_coordinates(kind, value.get("coordinates"))}


def checked_coordinates(kind: str, coordinates: Any) -> list[Any]:
    """Coordinates as they are. ComputeError where they are not those of the kind: numbers, nested as deep as it is,
    and enough of them for each line."""
    if not isinstance(coordinates, list) or not coordinates:
        raise ComputeError(f"a {kind} needs a list of coordinates")
    _check_nested(kind, coordinates, DEPTHS[kind])
    return coordinates


def _check_nested(kind: str, items: Any, depth: int) -> None:
    if not isinstance(items, list):
        raise ComputeError(f"the coordinates of a {kind} are nested in {DEPTHS[kind]} lists")
    if depth == 1:
        _check_position(kind, items)
        return
    if depth == 2 and len(items) < _LEAST.get(kind, 1):
        raise ComputeError(f"a {kind} needs at least {_LEAST.get(kind, 1)} corners in each line")
    for item in items:
        _check_nested(kind, item, depth - 1)


def _check_position(kind: str, position: Sequence[Any]) -> None:
    """Two numbers; further ones (heights) are left alone, as GeoJSON says."""
    is_number = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in position]
    if len(position) < 2 or not all(is_number):
        raise ComputeError(f"a corner of a {kind} is two numbers, not {position!r}")
    if not all(abs(value) < math.inf for value in position):
        raise ComputeError(f"a {kind} needs finite numbers as coordinates")
