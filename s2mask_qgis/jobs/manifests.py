"""How a GeoTIFF in a bucket becomes an asset: Earth Engine's ImageManifest, as a value made of what is known.

Sources: "Image Manifest Upload" of the Earth Engine guides; ImageManifest in the REST reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engines.errors import SceneError
from .metadata_json import ImageMetadata, timestamp

TILESET = "tileset"
PYRAMIDING = ("MEAN", "MODE", "SAMPLE", "MEDIAN", "MIN", "MAX")
_PROPERTY = re.compile(r"[A-Za-z][\w:.-]*")
_SET_ELSEWHERE = ("system:index", "system:time_start", "system:time_end", "system:footprint", "system:asset_size")
"""Properties that the service sets itself, from the name, the times and the pixels."""


_MARGIN_PX = 2.0
_LONGEST_DEGREES = 0.02
_UNIT_SQUARE = ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))


@dataclass(frozen=True)
class FileFacts:
    """What a manifest takes from a GeoTIFF itself."""

    bands: tuple[str, ...]
    nodata: float | None
    is_cloud_optimised: bool


def image_manifest(
    name: str,
    uris: Sequence[str],
    known: ImageMetadata,
    facts: FileFacts,
    pyramiding: str,
    footprint: Sequence[tuple[float, float]] = (),
) -> dict[str, Any]:
    """The manifest of the asset ``name`` from one GeoTIFF, or several side by side, at ``uris`` (gs://…).

    Band names are those of the metadata, else those of the file; masked pixels are those of its nodata.
    ``footprint`` is that of :func:`footprint_px`.
    """
    names = _band_names(known, facts)
    manifest: dict[str, Any] = {
        "name": name,
        "tilesets": [{"id": TILESET, "sources": [{"uris": [uri]} for uri in uris]}],
        "bands": [{"id": band, "tilesetId": TILESET, "tilesetBandIndex": number} for number, band in enumerate(names)],
        "pyramidingPolicy": pyramiding,
        "properties": properties_of(known),
    }
    if footprint:
        manifest["footprint"] = {"points": [{"x": x, "y": y} for x, y in footprint], "bandId": names[0]}
    nodata = known.nodata if facts.nodata is None else facts.nodata
    if nodata is not None and nodata == nodata:  # not-a-number is masked anyway
        manifest["missingData"] = {"values": [nodata]}
    for field, time_ms in (("startTime", known.start_ms), ("endTime", known.end_ms)):
        if time_ms is not None:
            manifest[field] = timestamp(time_ms)
    return manifest


def properties_of(known: ImageMetadata) -> dict[str, Any]:
    """The properties that a manifest may set: numbers and texts, none of those that the service sets itself."""
    return {
        name: value
        for name, value in known.properties.items()
        if name not in _SET_ELSEWHERE and _PROPERTY.fullmatch(name) and isinstance(value, (str, int, float, list))
    }


def _band_names(known: ImageMetadata, facts: FileFacts) -> tuple[str, ...]:
    told = tuple(str(band["id"]) for band in known.bands if band.get("id"))
    if len(told) == len(facts.bands):
        return told
    return tuple(name or f"b{number}" for number, name in enumerate(facts.bands, 1))


def facts_of(path: Path) -> FileFacts:
    """What a GeoTIFF says of itself. SceneError where it is none."""
    from ..series.rasters import open_dataset

    dataset = open_dataset(path)
    bands = [dataset.GetRasterBand(number) for number in range(1, dataset.RasterCount + 1)]
    if not bands:
        raise SceneError(f"{path} has no bands.")
    layout = dataset.GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE")
    return FileFacts(tuple(band.GetDescription() for band in bands), bands[0].GetNoDataValue(), layout == "COG")


def footprint_px(path: Path, geometry: Any) -> tuple[tuple[float, float], ...]:
    """The outline of an image's valid pixels as a closed ring of columns and rows of its file, from GeoJSON in degrees.

    It is two pixels wider than the outline: it has to hold the centres of all valid pixels. Empty where the outline is
    no simple polygon, or is that of the file anyway.
    """
    from osgeo import ogr, osr

    from ..series.rasters import open_dataset

    dataset = open_dataset(path)
    target, source = dataset.GetSpatialRef(), osr.SpatialReference()
    if target is None or not isinstance(geometry, dict) or geometry.get("type") != "Polygon":
        return ()
    source.ImportFromEPSG(4326)
    for reference in (source, target):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    outline = ogr.CreateGeometryFromJson(json.dumps(geometry))
    if outline is None or outline.IsEmpty() or outline.GetGeometryCount() != 1:
        return ()
    outline.Segmentize(_LONGEST_DEGREES)  # lines that are straight in degrees are bent on the grid
    if outline.Transform(osr.CoordinateTransformation(source, target)) != ogr.OGRERR_NONE:
        return ()
    x0, x_scale, _, y0, _, y_scale = dataset.GetGeoTransform()
    corners = [((x - x0) / x_scale, (y - y0) / y_scale) for x, y, *_ in outline.GetGeometryRef(0).GetPoints()]
    frame = _polygon([(x * dataset.RasterXSize, y * dataset.RasterYSize) for x, y in _UNIT_SQUARE])
    inside = _polygon(corners).Buffer(_MARGIN_PX, 2).Intersection(frame).Simplify(_MARGIN_PX / 4)
    if inside.GetGeometryName() != "POLYGON" or inside.GetGeometryCount() != 1 or inside.Area() >= frame.Area():
        return ()
    return tuple((round(x, 3), round(y, 3)) for x, y, *_ in inside.GetGeometryRef(0).GetPoints())


def _polygon(corners: Sequence[tuple[float, float]]) -> Any:
    from osgeo import ogr

    ring = ogr.Geometry(ogr.wkbLinearRing)
    for x, y in corners:
        ring.AddPoint_2D(x, y)
    polygon = ogr.Geometry(ogr.wkbPolygon)
    polygon.AddGeometry(ring)
    return polygon


def cloud_optimised(path: Path, target: Path, pyramiding: str) -> None:
    """A copy of a GeoTIFF in the layout that assets in a bucket need. SceneError where it cannot be made."""
    from osgeo import gdal

    from ..engines.local.library.rasters import gdal_failures
    from ..series.rasters import open_dataset

    resampling = {"MEAN": "AVERAGE", "MODE": "MODE"}.get(pyramiding, "NEAREST")
    source = open_dataset(path)
    partial = target.with_name(f"{target.name}.partial")
    options = ["COMPRESS=DEFLATE", f"OVERVIEW_RESAMPLING={resampling}", "BIGTIFF=IF_SAFER"]
    how = gdal.TranslateOptions(format="COG", creationOptions=options)
    try:
        with gdal_failures(SceneError, f"{path.name} cannot be written as a cloud-optimised GeoTIFF"):
            gdal.Translate(str(partial), source, options=how)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
