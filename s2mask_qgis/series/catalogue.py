"""A description of the results beside them, series.json: a STAC item collection with an item a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osgeo import osr

from ..core.grid import Grid
from ..core.whole_files import write_whole
from ..engines.errors import StorageError
from ..engines.local.library.rasters import gdal_failures
from .area_mask import spatial_reference
from .writing import INT16_NODATA, OutputFile

CATALOGUE = "series.json"
_PREFIX = "s2mask:"
_STAC_VERSION = "1.0.0"
_EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
)


@dataclass(frozen=True)
class Entry:
    """One file: what it is (``role``) and the days it stands for (ISO dates, both included)."""

    file: OutputFile
    grid: Grid
    role: str
    first_day: str
    last_day: str


def write_catalogue(folder: Path, entries: Sequence[Entry], facts: Mapping[str, Any]) -> Path:
    """Write series.json, whole or not at all; ``facts`` (plan, parameters, inputs) stand beside the items."""
    described = {
        "type": "FeatureCollection",
        "stac_version": _STAC_VERSION,
        **{f"{_PREFIX}{name}": value for name, value in facts.items()},
        "features": [_item(folder, entry) for entry in entries],
    }
    path = folder / CATALOGUE
    try:
        write_whole(path, json.dumps(described, indent=1))
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); free some space and run again.") from None
    return path


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of the series.json in a folder, empty where there is none that can be read."""
    try:
        described = json.loads((folder / CATALOGUE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    items = described.items() if isinstance(described, dict) else ()
    return {name.removeprefix(_PREFIX): value for name, value in items if name.startswith(_PREFIX)}


def _item(folder: Path, entry: Entry) -> dict[str, Any]:
    grid, file = entry.grid, entry.file
    outline = _outline(grid)
    is_one_day = entry.first_day == entry.last_day
    start, end = f"{entry.first_day}T00:00:00Z", f"{entry.last_day}T23:59:59Z"
    href = file.path.relative_to(folder).as_posix()
    return {
        "type": "Feature",
        "stac_version": _STAC_VERSION,
        "stac_extensions": list(_EXTENSIONS),
        "id": href.removesuffix(".tif").replace("/", "_"),
        "geometry": None if outline is None else {"type": "Polygon", "coordinates": [outline]},
        "bbox": None if outline is None else _box(outline),
        "properties": {
            "datetime": start if is_one_day else None,
            "start_datetime": start,
            "end_datetime": end,
            "proj:epsg": int(grid.crs.partition(":")[2]) if grid.crs.startswith("EPSG:") else None,
            "proj:shape": list(grid.shape_yx),
            "proj:transform": list(grid.transform),
        },
        "links": [],
        "assets": {"data": _asset(file, href, entry.role)},
    }


def _asset(file: OutputFile, href: str, role: str) -> dict[str, Any]:
    kind = "image/tiff; application=geotiff" + ("; profile=cloud-optimized" if file.is_cog else "")
    bands = [
        {
            "name": band.name,
            "unit": band.unit,
            "data_type": "int16" if file.is_int16 else "float32",
            "nodata": INT16_NODATA if file.is_int16 else "nan",
            "scale": band.scale if file.is_int16 else 1.0,
            "offset": 0.0,
        }
        for band in file.bands
    ]
    return {"href": f"./{href}", "type": kind, "roles": ["data"], "title": role, "raster:bands": bands}


def _outline(grid: Grid) -> list[list[float]] | None:
    """The corners in longitude and latitude, anticlockwise and closed; None without a coordinate system."""
    if not grid.crs:
        return None
    x_min, y_min, x_max, y_max = grid.bounds
    corners = ((x_min, y_max), (x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max))
    with gdal_failures(StorageError, "The outline of the results cannot be found"):
        to_degrees = osr.CoordinateTransformation(spatial_reference(grid.crs), spatial_reference("EPSG:4326"))
        return [[round(number, 7) for number in to_degrees.TransformPoint(x, y)[:2]] for x, y in corners]


def _box(outline: Sequence[Sequence[float]]) -> list[float]:
    longitudes, latitudes = zip(*outline)
    return [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]
