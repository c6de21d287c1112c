"""The tiles of Sentinel-2 that an area may lie on, from the military grid alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..core.area import Area

SQUARE_M = 100_000.0
TILE_M = 109_800.0
"""A tile begins at the north-west corner of its square and is this wide and high: 10 % more than the square."""
MARGIN_M = 100.0
"""Tiles begin up to 40 m off the corners of the grid."""

_COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
"""Letters of the columns of squares by the remainder of the zone, divided by three."""
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_SOUTHERNMOST, _NORTHERNMOST = -80.0, 84.0
_WIDER_ZONES = range(31, 38)
_WIDER_FROM = 56.0
"""North of here the zones around Norway and Svalbard have other widths, up to 12 degrees."""
_BAND_SLACK = 0.5
"""Degrees by which the latitude of a northing may differ across a zone."""
_STEPS = 8
"""An edge is followed through so many points, since it is curved in the plane of another zone."""

# Ellipsoid of WGS 84, and the series of the transverse Mercator projection.
_A, _F = 6_378_137.0, 1 / 298.257223563
_N = _F / (2 - _F)
_RADIUS = _A / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16,
    13 * _N**2 / 48 - 3 * _N**3 / 5,
    61 * _N**3 / 240,
)
_SCALE, _FALSE_EASTING = 0.9996, 500_000.0


def tiles_of(area: Area) -> tuple[str, ...]:
    """Names of all tiles that may meet the boxes around the polygons of an area, without the leading T, sorted.

    Some of them may not exist: where a square is cut by the border of a latitude band, both names are given, and
    around Norway and Svalbard those of the wider zones.
    """
    found: set[str] = set()
    for polygon in area.polygons:
        lons, lats = zip(*polygon[0])
        west, east = min(lons), max(lons)
        south, north = max(min(lats), _SOUTHERNMOST), min(max(lats), _NORTHERNMOST)
        if south <= north:
            found.update(_tiles_of_box(west, south, east, north))
    return tuple(sorted(found))


def project(longitude: float, latitude: float, zone: int) -> tuple[float, float]:
    """Easting and northing in metres in a UTM zone, with negative northings in the south; below 1 m of error.

    Source: Krüger's series in the third flattening, as in Karney, Transverse Mercator with an accuracy of a few
    nanometers, J. Geodesy 85 (2011), equations 7 to 11 and 35.
    """
    away = math.radians((longitude - _central(zone) + 180) % 360 - 180)
    sine = math.sin(math.radians(latitude))
    eccentricity = 2 * math.sqrt(_N) / (1 + _N)
    t = math.sinh(math.atanh(sine) - eccentricity * math.atanh(eccentricity * sine))
    xi = math.atan2(t, math.cos(away))
    eta = math.asinh(math.sin(away) / math.hypot(t, math.cos(away)))
    east, north = eta, xi
    for order, alpha in enumerate(_ALPHA, start=1):
        east += alpha * math.cos(2 * order * xi) * math.sinh(2 * order * eta)
        north += alpha * math.sin(2 * order * xi) * math.cosh(2 * order * eta)
    return _FALSE_EASTING + _SCALE * _RADIUS * east, _SCALE * _RADIUS * north


def _tiles_of_box(west: float, south: float, east: float, north: float) -> Iterator[str]:
    first = math.floor((west + 180) / 6)
    last = math.floor((east + 180) / 6)
    for number in range(first - 1, last + 2):
        zone = number % 60 + 1
        # Only what lies near the zone is projected: far from it the projection has no use.
        left, right = max(west, 6 * number - 186.0), min(east, 6 * number - 168.0)
        if left <= right:
            yield from _tiles_of_zone(zone, left, south, right, north)


def _tiles_of_zone(zone: int, west: float, south: float, east: float, north: float) -> Iterator[str]:
    eastings, northings = zip(*(project(lon, lat, zone) for lon, lat in _outline(west, south, east, north)))
    # A tile reaches beyond its square to the east and to the south.
    over = TILE_M - SQUARE_M + MARGIN_M
    columns = range(
        math.floor((min(eastings) - over) / SQUARE_M), math.floor((max(eastings) + MARGIN_M) / SQUARE_M) + 1
    )
    rows = range(math.floor((min(northings) - MARGIN_M) / SQUARE_M), math.floor((max(northings) + over) / SQUARE_M) + 1)
    for row in rows:
        for column in columns:
            if 1 <= column <= 8 and _is_in_zone(zone, column, row):
                yield from _names(zone, column, row)


def _names(zone: int, column: int, row: int) -> Iterator[str]:
    square = _COLUMNS[zone % 3][column - 1] + _ROWS[(row + (0 if zone % 2 else 5)) % 20]
    low, high = _latitude(row * SQUARE_M) - _BAND_SLACK, _latitude((row + 1) * SQUARE_M) + _BAND_SLACK
    for band in sorted({_band(low), _band(high)}):
        yield f"{zone:02d}{band}{square}"


def _band(latitude: float) -> str:
    return _BANDS[min(max(int((latitude + 80) // 8), 0), len(_BANDS) - 1)]


def _latitude(northing: float) -> float:
    """The latitude of a northing on the central meridian, within 0.2 degrees."""
    return math.degrees(northing / (_SCALE * _RADIUS))


def _is_in_zone(zone: int, column: int, row: int) -> bool:
    """Whether a square reaches into its zone, which narrows towards the poles."""
    nearest = min(abs(_latitude(row * SQUARE_M)), abs(_latitude((row + 1) * SQUARE_M)))
    if row < 0 < row + 1:
        nearest = 0.0
    is_wider = zone in _WIDER_ZONES and _latitude((row + 1) * SQUARE_M) >= _WIDER_FROM
    half = 6.0 if is_wider else 3.0
    reach = project(_central(zone) + half, max(0.0, nearest - _BAND_SLACK), zone)[0] - _FALSE_EASTING
    left, right = column * SQUARE_M - _FALSE_EASTING, (column + 1) * SQUARE_M - _FALSE_EASTING
    return left < reach and right > -reach


def _central(zone: int) -> float:
    return 6.0 * zone - 183.0


def _outline(west: float, south: float, east: float, north: float) -> Iterator[tuple[float, float]]:
    for step in range(_STEPS + 1):
        lon = west + (east - west) * step / _STEPS
        lat = south + (north - south) * step / _STEPS
        yield from ((lon, south), (lon, north), (west, lat), (east, lat))
