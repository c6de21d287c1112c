"""The quality masks of SAFE products under Earth Engine's band names: classes as a raster, or clouds as polygons.

Sources: the Sentinel-2 Products Specification Document for the files (PSD 14: polygons; 15: raster), Earth Engine's
catalogue for the bands. QA60 has bit 10 where clouds are opaque and bit 11 where they are cirrus; Earth Engine makes
it of the polygons, and since 2024 of the classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from osgeo import gdal

from ....core.grid import Grid
from ...errors import SceneError
from .band_sources import BandSource, Corners, FlagSource, NumberSource, PolygonSource
from .granules import Granule
from .metadata import find_text, number_of, read_xml
from .rasters import grid_of, open_raster, require_integers
from .records import BandRecord
from .sources import SafeFiles

BITS = {"OPAQUE": 1024, "CIRRUS": 2048}
"""Bits of QA60 by the type of a cloud."""

_LAYERS = {"MSK_CLASSI_OPAQUE": 1, "MSK_CLASSI_CIRRUS": 2, "MSK_CLASSI_SNOW_ICE": 3}
"""1-based bands of MSK_CLASSI_B00 in a product."""
_HINT = "download the product again, or remove this file to use the image without its masks"
_EPSG = re.compile(r"EPSG(?:[:/].*)?[:/](\d+)$")


def quality_records(files: SafeFiles, granule: Granule, coarse: Grid) -> tuple[BandRecord, ...]:
    """The bands that the quality masks of a granule give; none where it has no masks. Polygons become pixels of
    ``coarse``, the grid of B1. SceneError where the raster of classes cannot be used."""
    if granule.classes is None:
        return () if granule.clouds is None else (BandRecord("QA60", coarse),)
    label = f"the mask {_file(granule.classes)}"
    try:
        dataset = open_raster(files.gdal_path(granule.classes), label)
    except SceneError as error:
        raise SceneError(f"{str(error).removesuffix('.')}; {_HINT}.") from error
    require_integers(dataset, label, types=(gdal.GDT_Byte,))
    if dataset.RasterCount < len(_LAYERS):
        raise SceneError(f"{label} has {dataset.RasterCount} layers where {len(_LAYERS)} are expected; {_HINT}.")
    grid = grid_of(dataset, label)
    return tuple(BandRecord(name, grid) for name in ("QA60", *_LAYERS))


def quality_sources(files: SafeFiles, granule: Granule) -> Mapping[str, BandSource]:
    """Where the bands of :func:`quality_records` are read; SceneError where the polygons cannot be used."""
    if granule.classes is None:
        return {} if granule.clouds is None else {"QA60": _polygons(files, granule.clouds)}
    path = files.gdal_path(granule.classes)
    flags = tuple((_LAYERS[f"MSK_CLASSI_{kind}"], bit) for kind, bit in BITS.items())
    return {"QA60": FlagSource(path, flags), **{name: NumberSource(path, number) for name, number in _LAYERS.items()}}


def _polygons(files: SafeFiles, name: str) -> PolygonSource:
    try:
        root = read_xml(files, name)
    except SceneError as error:
        raise SceneError(f"the mask {str(error).removesuffix('.')}; {_HINT}.") from error
    polygons = []
    for feature in root.iterfind(".//{*}MaskFeature"):
        bit = BITS.get(find_text(feature, "maskType").upper())
        if bit is not None:
            polygons += [(bit, _rings(polygon)) for polygon in feature.iterfind(".//{*}Polygon")]
    return PolygonSource(_file(name), _crs(root, _file(name)) if polygons else None, tuple(polygons))


def _crs(root: ElementTree.Element, name: str) -> str:
    """The coordinate system of a file of polygons, as the first element that names one tells it."""
    named = next((element.get("srsName") for element in root.iter() if element.get("srsName")), None)
    match = _EPSG.search(named or "")
    if match is None:
        raise SceneError(f"the mask {name} names no coordinate system with an EPSG code; {_HINT}.")
    return f"EPSG:{match[1]}"


def _rings(polygon: ElementTree.Element) -> tuple[Corners, ...]:
    """The outer ring of a polygon, then its holes."""
    outer = [_corners(positions) for positions in polygon.iterfind("{*}exterior//{*}posList")]
    return (*outer, *(_corners(positions) for positions in polygon.iterfind("{*}interior//{*}posList")))


def _corners(positions: ElementTree.Element) -> Corners:
    numbers = [number_of(text, "posList") for text in (positions.text or "").split()]
    size = int(number_of(positions.get("srsDimension", "2"), "srsDimension"))
    if size not in (2, 3) or len(numbers) % size or len(numbers) < 3 * size:
        raise SceneError(f"a posList of the cloud mask is not a list of corners; {_HINT}.")
    return tuple(zip(numbers[0::size], numbers[1::size]))


def _file(name: str) -> str:
    return name.rpartition("/")[2]
