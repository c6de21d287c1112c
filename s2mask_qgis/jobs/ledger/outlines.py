"""Outlines of images as the geometries of a GeoPackage, cut in two where they cross the antimeridian."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ...core.scenes import Ring

SRS_ID = 4326
_HEADER = struct.Struct("<2sBBi4d")
_LITTLE_ENDIAN_WITH_BOX = 0b011
_POLYGON, _MULTI_POLYGON = 3, 6
_TURN = 360.0


def to_blob(ring: Ring) -> bytes | None:
    """A multipolygon of EPSG:4326 between -180 and 180 degrees, None for an empty outline.

    Source: OGC 12-128r18 (GeoPackage 1.3), section 2.1.3, StandardGeoPackageBinary.
    """
    rings = parts(ring)
    if not rings:
        return None
    xs = [x for part in rings for x, _ in part]
    ys = [y for part in rings for _, y in part]
    head = _HEADER.pack(b"GP", 0, _LITTLE_ENDIAN_WITH_BOX, SRS_ID, min(xs), max(xs), min(ys), max(ys))
    body = struct.pack("<BII", 1, _MULTI_POLYGON, len(rings))
    return head + body + b"".join(map(_polygon, rings))


def from_blob(blob: bytes | None) -> Ring:
    """The outer ring of the only polygon of what :meth:`to_blob` made; struct.error where it is something else."""
    if blob is None:
        return ()
    start = _HEADER.size + 9 + 13
    (count,) = struct.unpack_from("<I", blob, start - 4)
    values = struct.unpack_from(f"<{2 * count}d", blob, start)
    return tuple(zip(values[::2], values[1::2]))


def parts(ring: Ring) -> list[Ring]:
    """The outline within -180 to 180 degrees: itself, or its pieces on either side of the antimeridian."""
    whole = _in_one_piece(ring)
    if all(-180.0 <= x <= 180.0 for x, _ in whole):
        return [whole] if whole else []
    pieces = (_shifted(_between(whole, -180.0 + turn, 180.0 + turn), -turn) for turn in (-_TURN, 0.0, _TURN))
    return [piece for piece in pieces if piece]


def _in_one_piece(ring: Ring) -> Ring:
    """The outline without a jump from 180 to -180: what lies in the west is brought behind the east."""
    xs = [x for x, _ in ring]
    if xs and max(xs) - min(xs) > _TURN / 2:
        return tuple((x + _TURN if x < 0 else x, y) for x, y in ring)
    return ring


def _between(ring: Ring, west: float, east: float) -> Ring:
    """The part of an outline between two meridians, closed; () where there is none."""
    kept = _clipped(_clipped(ring[:-1], west, 1.0), east, -1.0)
    if not kept or max(x for x, _ in kept) == min(x for x, _ in kept):
        return ()
    return (*kept, kept[0])


def _clipped(corners: Sequence[tuple[float, float]], meridian: float, side: float) -> list[tuple[float, float]]:
    """The corners east (``side`` 1) or west (-1) of a meridian, and those on it (Sutherland and Hodgman 1974)."""
    kept: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in zip([*corners[-1:], *corners[:-1]], corners):
        if (x0 - meridian) * (x1 - meridian) < 0:
            kept.append((meridian, y0 + (y1 - y0) * (meridian - x0) / (x1 - x0)))
        if (x1 - meridian) * side >= 0:
            kept.append((x1, y1))
    return kept


def _shifted(ring: Ring, degrees: float) -> Ring:
    return tuple((x + degrees, y) for x, y in ring)


def _polygon(ring: Ring) -> bytes:
    values = [value for corner in ring for value in corner]
    return struct.pack(f"<BIII{len(values)}d", 1, _POLYGON, 1, len(ring), *values)
