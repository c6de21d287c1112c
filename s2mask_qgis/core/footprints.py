"""Overlap of scene footprints and areas: how much of one outline another covers, in plain Python.

Outlines are compared in the plane of longitude and latitude, as they are given: straight edges between corners, no
splitting at the antimeridian, so two outlines on different sides of it (179 and -179 degrees) do not meet. Shares
of an area hardly depend on the plane: within a tile of 1 degree the width of a degree of longitude changes by 3 % at
60 degrees of latitude, which moves a share of 0.95 by less than 0.001.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .area import Area, Polygon
from .scenes import Ring

Point = tuple[float, float]

NEGLIGIBLE_SHARE = 1e-12
"""An overlap of a smaller share of a footprint is the rounding of outlines that only touch (0.01 m2 of a tile)."""


def common_share(footprint: Ring, other: Ring) -> float:
    """Share (0-1) of ``footprint`` that ``other`` covers; exact for any two outlines that do not cross themselves.

    An outline without area covers nothing and nothing covers it: the share is 0. Equal rings give exactly 1.
    """
    area = _area(_corners(footprint))
    if area == 0.0:
        return 0.0
    if footprint == other:
        return 1.0
    return min(1.0, max(0.0, _overlap(footprint, other) / area))


def meets(footprint: Ring, area: Area) -> bool:
    """Whether ``footprint`` and ``area`` have more than a border in common; holes do not belong to the area."""
    corners = _corners(footprint)
    negligible = NEGLIGIBLE_SHARE * _area(corners)
    if negligible == 0.0:
        return False
    return any(
        _boxes_overlap(footprint, polygon[0])
        # Beside each corner of a valid polygon lies some of it, so a corner inside the footprint decides at once: the
        # usual case of an area smaller than a tile, however many corners it has.
        and (any(_is_inside(corner, corners) for corner in polygon[0]) or _covered(footprint, polygon) > negligible)
        for polygon in area.polygons
    )


def holds(footprint: Ring, longitude: float, latitude: float) -> bool:
    """Whether a place lies inside ``footprint`` and off its edges."""
    return _is_inside((longitude, latitude), _corners(footprint))


def _covered(footprint: Ring, polygon: Polygon) -> float:
    """Area of ``footprint`` inside the outer ring of ``polygon`` and outside its holes, in square degrees."""
    outer, *holes = (_overlap(footprint, ring) for ring in polygon)
    return outer - sum(holes)


def _overlap(first: Ring, second: Ring) -> float:
    """Area that two outlines share, in square degrees.

    The triangles that fan out from a corner of ``first``, counted negative where they turn the other way, add up to it
    even where it is concave; each one, being convex, clips ``second`` (Sutherland and Hodgman 1974).
    """
    subject = _corners(second)
    total = 0.0
    for a, b, c in _fan(_corners(first)):
        turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if turn > 0:
            total += _area(_clipped(subject, (a, b, c)))
        elif turn < 0:
            total -= _area(_clipped(subject, (a, c, b)))
    return abs(total)


def _fan(corners: Sequence[Point]) -> Iterator[tuple[Point, Point, Point]]:
    for position in range(1, len(corners) - 1):
        yield corners[0], corners[position], corners[position + 1]


def _clipped(subject: Sequence[Point], triangle: tuple[Point, Point, Point]) -> Sequence[Point]:
    """The part of an outline inside an anticlockwise triangle; parts may hang together by edges without area."""
    for start, end in zip(triangle, triangle[1:] + triangle[:1]):
        if not subject:
            break
        subject = _left_of(subject, start, end)
    return subject


def _left_of(subject: Sequence[Point], start: Point, end: Point) -> list[Point]:
    """The part of an outline on the left of the line from ``start`` to ``end``."""
    x0, y0 = start
    dx, dy = end[0] - x0, end[1] - y0
    kept: list[Point] = []
    last_x, last_y = subject[-1]
    last_side = dx * (last_y - y0) - dy * (last_x - x0)
    for x, y in subject:
        side = dx * (y - y0) - dy * (x - x0)
        if (side < 0) != (last_side < 0):
            along = last_side / (last_side - side)
            kept.append((last_x + along * (x - last_x), last_y + along * (y - last_y)))
        if side >= 0:
            kept.append((x, y))
        last_x, last_y, last_side = x, y, side
    return kept


def _corners(ring: Ring) -> Sequence[Point]:
    """The ring without its repeated corner."""
    return ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring


def _area(corners: Sequence[Point]) -> float:
    """Area inside an outline; taken from its first corner on, so that few digits are lost far from the origin."""
    twice = 0.0
    for (x0, y0), (x1, y1), (x2, y2) in _fan(corners):
        twice += (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
    return abs(twice) / 2


def _is_inside(point: Point, corners: Sequence[Point]) -> bool:
    """Whether a point lies inside an outline and off its edges (even-odd rule)."""
    x, y = point
    inside = False
    last_x, last_y = corners[-1]
    for corner_x, corner_y in corners:
        side = (corner_x - last_x) * (y - last_y) - (corner_y - last_y) * (x - last_x)
        if abs(side) < 1e-12 and min(last_x, corner_x) <= x <= max(last_x, corner_x):
            return False
        if (corner_y > y) != (last_y > y) and (side > 0) == (corner_y > last_y):
            inside = not inside
        last_x, last_y = corner_x, corner_y
    return inside


def _boxes_overlap(first: Ring, second: Ring) -> bool:
    first_x, first_y = zip(*first)
    second_x, second_y = zip(*second)
    return (
        min(first_x) < max(second_x)
        and min(second_x) < max(first_x)
        and min(first_y) < max(second_y)
        and min(second_y) < max(first_y)
    )
