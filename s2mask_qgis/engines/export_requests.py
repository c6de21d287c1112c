"""Exports as the bodies of image:export, with the destinations that the service knows."""

from __future__ import annotations

import re
from typing import Any

from ..core.grid import Grid
from .base import AssetDestination, DriveDestination, Export
from .errors import BadRequestError
from .limits import DESCRIPTION_LENGTH, MAX_PIXELS

NODATA = -9999.0
"""Stands for masked in every stored file. Images that go to Drive are of single precision, which can hold it."""

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9.,:;_-]+")
"""Characters that descriptions of tasks may not have. Source: Export.image.toAsset in the API reference."""
_TRANSFORM_KEYS = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")


def export_request(export: Export) -> dict[str, Any]:
    """The body of image:export, all but its expression. BadRequestError for files, which no service writes here."""
    request: dict[str, Any] = {
        "requestId": export.request_id,
        "description": description_of(export),
        "grid": grid_json(export.grid),
        "maxPixels": {"value": str(MAX_PIXELS)},
    }
    destination = export.destination
    if isinstance(destination, AssetDestination):
        return request | {"assetExportOptions": _asset_options(export, destination)}
    if isinstance(destination, DriveDestination):
        return request | {"fileExportOptions": _drive_options(destination)}
    raise BadRequestError("Exports to files on this computer are not made by the service.")


def description_of(export: Export) -> str:
    """The description of an export's task, in the characters that are allowed."""
    return allowed_description(export.description)


def allowed_description(text: str) -> str:
    """A description of a task, in the characters that are allowed."""
    return _NOT_ALLOWED.sub("_", text)[:DESCRIPTION_LENGTH]


def grid_json(grid: Grid) -> dict[str, Any]:
    """A grid in the service's form (PixelGrid)."""
    rows, columns = grid.shape_yx
    return {
        "crsCode": grid.crs,
        "dimensions": {"width": columns, "height": rows},
        "affineTransform": dict(zip(_TRANSFORM_KEYS, grid.transform)),
    }


def _asset_options(export: Export, destination: AssetDestination) -> dict[str, Any]:
    options: dict[str, Any] = {
        "earthEngineDestination": {"name": destination.asset, "overwrite": True},
        "pyramidingPolicy": export.pyramiding.value,
    }
    return options if export.tile_px is None else options | {"tileSize": {"value": export.tile_px}}


def _drive_options(destination: DriveDestination) -> dict[str, Any]:
    nodata = NODATA if destination.nodata is None else destination.nodata
    return {
        "fileFormat": "GEO_TIFF",
        "driveDestination": {"folder": destination.folder, "filenamePrefix": destination.name},
        "geoTiffOptions": {"cloudOptimized": True, "noData": {"floatValue": nodata}},
    }
