"""Image stacks: one GeoTIFF of named bands with a JSON of the same name that holds the image's properties."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osgeo import gdal

from ....core.grid import Grid
from ....core.scenes import BANDS, QUALITY_BANDS, Ring
from ...errors import SceneError
from .granules import require_usable_bands
from .radiometry import LEVEL_1C, Level, level_named
from .rasters import corner_ring, grid_of, open_raster, require_integers
from .sources import stack_pair

LEVEL_PROPERTY = "PROCESSING_LEVEL"
"""Level-1C, as where it is missing, or Level-2A."""
REQUIRED_PROPERTIES = ("system:index", "system:time_start", "MGRS_TILE", "CLOUDY_PIXEL_PERCENTAGE")

_INDEX = re.compile(r"[A-Za-z0-9_-]+")
_TILE = re.compile(r"\d{2}[C-HJ-NP-X][A-Z]{2}")
_BAND = re.compile(r"B0?(\d{1,2}|8A)")


@dataclass(frozen=True)
class StackFacts:
    """What a stack tells of its image; ``band_numbers`` are 1-based positions in the GeoTIFF, by Earth Engine name."""

    level: Level
    index: str
    properties: Mapping[str, Any]
    footprint: Ring
    grid: Grid
    band_numbers: Mapping[str, int]
    nodata: int


def is_stack(path: Path) -> bool:
    """Whether a GeoTIFF or a JSON is meant as a stack: it has its other half, or the marks of one (bands named as
    Sentinel-2's, an image's properties). Rasters and JSON of other kinds may lie among the scenes."""
    raster, description = stack_pair(path)
    if raster is not None and description is not None:
        return True
    try:
        if raster is not None:
            return any(band in BANDS for band in _band_numbers(open_raster(str(raster), raster.name)))
        return any(key in _read_json(path) for key in REQUIRED_PROPERTIES)
    except SceneError:
        return raster is not None


def read_stack(path: Path) -> StackFacts:
    """The facts of a stack, given its GeoTIFF; SceneError where either file is missing or cannot be used."""
    raster, description = stack_pair(path)
    if raster is None:
        raise SceneError(f"there is no GeoTIFF beside {path.name}.")
    if description is None:
        raise SceneError(f"there is no {path.stem}.json beside it to hold its properties.")
    values = _read_json(description)
    properties = _properties(values, description.name)
    dataset = open_raster(str(raster), raster.name)
    require_integers(dataset, raster.name)
    band_numbers = _band_numbers(dataset)
    require_usable_bands(band_numbers)
    nodata = dataset.GetRasterBand(1).GetNoDataValue()
    if nodata is None or nodata != int(nodata):
        raise SceneError(f"{raster.name} declares no nodata value.")
    grid = grid_of(dataset, raster.name)
    footprint = _footprint(values, description.name) or corner_ring(grid)
    level = _level(values, description.name)
    return StackFacts(level, properties["system:index"], properties, footprint, grid, band_numbers, int(nodata))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SceneError(f"{path.name} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{path.name} is not valid JSON ({error}).") from error
    if not isinstance(values, dict):
        raise SceneError(f"{path.name} must hold an object with the image's properties.")
    return values


def _properties(values: dict[str, Any], name: str) -> dict[str, Any]:
    index = _required(values, "system:index", name)
    if not isinstance(index, str) or not _INDEX.fullmatch(index):
        raise SceneError(f"system:index in {name} must be made of letters, digits, - and _, not {index!r}.")
    tile = _required(values, "MGRS_TILE", name)
    if not isinstance(tile, str) or not _TILE.fullmatch(tile):
        raise SceneError(f"MGRS_TILE in {name} must be a tile such as 31TCJ, not {tile!r}.")
    start_ms = _required(values, "system:time_start", name)
    if not _is_number(start_ms) or start_ms != int(start_ms):
        raise SceneError(f"system:time_start in {name} must be milliseconds since 1970, not {start_ms!r}.")
    cloudy = _required(values, "CLOUDY_PIXEL_PERCENTAGE", name)
    if not _is_number(cloudy) or not 0 <= cloudy <= 100:
        raise SceneError(f"CLOUDY_PIXEL_PERCENTAGE in {name} must be from 0 to 100, not {cloudy!r}.")
    properties = {key: value for key, value in values.items() if key not in ("geometry", "system:footprint")}
    properties["system:time_start"] = int(start_ms)
    properties.setdefault("system:time_end", int(start_ms))
    properties["CLOUDY_PIXEL_PERCENTAGE"] = float(cloudy)
    return properties


def _level(values: dict[str, Any], name: str) -> Level:
    told = values.get(LEVEL_PROPERTY)
    level = LEVEL_1C if told is None else level_named(str(told))
    if level is None:
        raise SceneError(f"{LEVEL_PROPERTY} in {name} must be Level-1C or Level-2A, not {told!r}.")
    return level


def _required(values: dict[str, Any], key: str, name: str) -> Any:
    if key not in values:
        raise SceneError(f"{name} has no {key}.")
    return values[key]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def _band_numbers(dataset: gdal.Dataset) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for number in range(1, dataset.RasterCount + 1):
        name = dataset.GetRasterBand(number).GetDescription().strip().upper()
        if match := _BAND.fullmatch(name):
            name = "B" + match[1]
        if name in (*BANDS, *QUALITY_BANDS) and numbers.setdefault(name, number) != number:
            raise SceneError(f"band {name} is there twice.")
    return numbers


def _footprint(values: dict[str, Any], name: str) -> Ring | None:
    geometry = values.get("geometry") or values.get("system:footprint")
    if geometry is None:
        return None
    try:
        corners = geometry["coordinates"]
        if geometry["type"] == "Polygon":
            corners = corners[0]
        elif geometry["type"] != "LinearRing":
            raise ValueError(geometry["type"])
        ring = tuple((float(corner[0]), float(corner[1])) for corner in corners)
        if len(ring) < 3 or not all(math.isfinite(degrees) for corner in ring for degrees in corner):
            raise ValueError("too few corners, or one that is not a number")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SceneError(f"the footprint in {name} is not a GeoJSON Polygon or LinearRing.") from error
    return ring if ring[0] == ring[-1] else (*ring, ring[0])
