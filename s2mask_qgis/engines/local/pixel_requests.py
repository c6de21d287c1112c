"""Requests for pixels: computePixels, getPixels, maps and thumbnails as orders for a worker, checked before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import BadRequestError
from ..limits import ServiceLimits
from .messages import bad_grid, crs_of, expression_of, object_of, shape_of, text_of, texts_of, transform_of
from .pictures import Visualization

FORMATS = ("PNG", "JPEG", "AUTO_JPEG_PNG", "GEO_TIFF", "NPY")
MAP_FORMATS = ("PNG", "JPEG", "AUTO_JPEG_PNG")

TILE_PX = 256
MAX_ZOOM = 24
WORLD_M = 20_037_508.342789244
"""Half the width of the web-Mercator square, pi times the earth's radius of EPSG:3857."""

_REGION_DEGREES = 360.0


def compute_order(body: dict[str, Any], limits: ServiceLimits) -> dict[str, Any]:
    """The order behind image:computePixels."""
    return {**_pixels(body, limits, FORMATS), "expression": expression_of(body)}


def asset_order(asset: str, body: dict[str, Any], limits: ServiceLimits) -> dict[str, Any]:
    """The order behind assets:getPixels."""
    return {**_pixels(body, limits, FORMATS), "asset": asset, "region": _region(body.get("region"))}


def map_order(body: dict[str, Any], limits: ServiceLimits) -> dict[str, Any]:
    """The order behind each tile of a map; its grid is set tile by tile."""
    order = {**_pixels(body, limits, MAP_FORMATS), "expression": expression_of(body)}
    return {**order, "visualization": order["visualization"] or {}}


def thumbnail_order(body: dict[str, Any], limits: ServiceLimits) -> dict[str, Any]:
    """The order behind a thumbnail: the image on its own grid, or on the one asked for, as a picture."""
    return map_order(body, limits)


def tile_grid(zoom: int, x: int, y: int) -> dict[str, Any]:
    """The grid of an XYZ tile. BadRequestError where there is no such tile."""
    if not 0 <= zoom <= MAX_ZOOM or not 0 <= x < 2**zoom or not 0 <= y < 2**zoom:
        raise BadRequestError(f"There is no tile {zoom}/{x}/{y}.")
    width_m = 2 * WORLD_M / 2**zoom
    scale_m = width_m / TILE_PX
    transform = (scale_m, 0.0, x * width_m - WORLD_M, 0.0, -scale_m, WORLD_M - y * width_m)
    return {"crs": "EPSG:3857", "transform": transform, "shape_yx": (TILE_PX, TILE_PX)}


def _pixels(body: dict[str, Any], limits: ServiceLimits, formats: tuple[str, ...]) -> dict[str, Any]:
    """What all requests for pixels share; ``grid`` holds those of crs, transform and shape_yx that were given."""
    file_format = text_of(body, "fileFormat", "AUTO_JPEG_PNG")
    if file_format not in formats:
        raise BadRequestError(f"The file format {file_format!r} is not implemented by the local engine.")
    options = body.get("visualizationOptions")
    if options is not None:
        Visualization.from_json(object_of(body, "visualizationOptions"))
    return {
        "kind": "pixels",
        "format": file_format,
        "bands": texts_of(body, "bandIds"),
        "visualization": options,
        "grid": _partial_grid(object_of(body, "grid")),
        "region": None,
        "limits": {"bytes": limits.pixels_bytes, "side_px": limits.side_px, "bands": limits.bands},
    }


def _partial_grid(described: dict[str, Any]) -> dict[str, Any]:
    readers = {
        "crs": ("crsCode", crs_of),
        "transform": ("affineTransform", transform_of),
        "shape_yx": ("dimensions", shape_of),
    }
    if described.get("crsWkt"):
        raise BadRequestError("crsWkt: not implemented by the local engine; name the coordinate system by its code.")
    try:
        return {name: read(described[key]) for name, (key, read) in readers.items() if described.get(key) is not None}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise bad_grid(error) from None


def _region(region: Any) -> dict[str, Any] | None:
    """The rectangle around a GeoJSON geometry in longitude and latitude: pixels are sent as whole rectangles."""
    if region is None:
        return None
    if not isinstance(region, Mapping):
        raise BadRequestError("The request's region must be a GeoJSON geometry.")
    corners = list(_corners(region.get("coordinates")))
    if not corners or not all(abs(value) <= _REGION_DEGREES for corner in corners for value in corner):
        raise BadRequestError("The request's region must be a GeoJSON geometry in longitude and latitude.")
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    bottom, top = min(y for _, y in corners), max(y for _, y in corners)
    ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    return {"type": "Polygon", "coordinates": [ring]}


def _corners(nested: Any) -> Iterator[tuple[float, float]]:
    """Every corner of nested coordinates; what is none is left out, so that malformed ones give an empty region."""
    waiting = [nested]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, list):
            continue
        if len(item) >= 2 and all(isinstance(value, (int, float)) for value in item[:2]):
            if all(math.isfinite(value) for value in item[:2]):
                yield float(item[0]), float(item[1])
        else:
            waiting.extend(item)
