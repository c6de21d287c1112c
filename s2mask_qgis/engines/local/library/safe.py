"""Sentinel-2 SAFE products: the metadata of a Level-1C or Level-2A product as Earth Engine's properties.

Sources: the Sentinel-2 Products Specification Document (PSD 14 and 15) for the layout and the metadata elements, and a
real answer of Earth Engine for COPERNICUS/S2 (2017, tile 20HNH) for the properties and their values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree

from ....core.scenes import BANDS, Ring
from ...errors import SceneError
from .granules import Granule
from .metadata import find_text, milliseconds_of, number_of, read_xml, text_at
from .radiometry import level_of, radiometry
from .sources import SafeFiles

_PRODUCT_METADATA = re.compile(r"MTD_MSIL(?:1C|2A)\.xml|S2._\w+_MTD_SAFL(?:1C|2A)_\w+\.xml")
_GRANULE_TILE = re.compile(r"_T(\d{2}[A-Z]{3})(?:_|$)")
_GRANULE_STAMP = re.compile(r"_TL_.{4}_(\d{8}T\d{6})_A|_A\d+_(\d{8}T\d{6})$")
_PRODUCT_START = re.compile(r"_MSIL(?:1C|2A)_(\d{8}T\d{6})_")

_PRODUCT_TEXTS = ("PROCESSING_BASELINE", "SPACECRAFT_NAME", "SENSING_ORBIT_DIRECTION", "DATATAKE_TYPE", "PRODUCT_URI")
_PRODUCT_NUMBERS = {
    "SENSING_ORBIT_NUMBER": "SENSING_ORBIT_NUMBER",
    "CLOUD_COVERAGE_ASSESSMENT": "Cloud_Coverage_Assessment",
    "REFLECTANCE_CONVERSION_CORRECTION": "Reflectance_Conversion/U",
}
_SUN_ANGLES = {
    "MEAN_SOLAR_ZENITH_ANGLE": "Mean_Sun_Angle/ZENITH_ANGLE",
    "MEAN_SOLAR_AZIMUTH_ANGLE": "Mean_Sun_Angle/AZIMUTH_ANGLE",
}


@dataclass(frozen=True)
class GranuleFacts:
    """What the metadata tell of one granule; ``footprint`` is None where they only outline a larger product."""

    index: str
    properties: Mapping[str, Any]
    footprint: Ring | None


def product_metadata(files: SafeFiles) -> ElementTree.Element:
    """The metadata of the whole product; SceneError where it is neither a Level-1C nor a Level-2A product."""
    found = [name for name in files.names() if _PRODUCT_METADATA.fullmatch(name)]
    if not found:
        raise SceneError("the product has no MTD_MSIL1C.xml or MTD_MSIL2A.xml; download it again.")
    root = read_xml(files, found[0])
    level_of(root)
    return root


def granule_facts(
    files: SafeFiles, product: ElementTree.Element, granule: Granule, is_only_granule: bool
) -> GranuleFacts:
    """The system:index, properties and footprint of one granule, as Earth Engine gives them."""
    tile = read_xml(files, granule.metadata)
    mgrs_tile = _match(_GRANULE_TILE, granule.id, "tile")
    stamp = _match(_GRANULE_STAMP, granule.id, "time")
    time_ms = milliseconds_of(text_at(tile, "SENSING_TIME"), "SENSING_TIME")
    product_id = (find_text(product, "PRODUCT_URI") or files.title).removesuffix(".SAFE")
    index = f"{_sensing_start(product, product_id)}_{stamp}_T{mgrs_tile}"
    properties: dict[str, Any] = {
        "system:index": index,
        # In the real answer system:time_start and system:time_end are one instant, to the millisecond, in the second
        # that GRANULE_ID ends with, and not the sensing start the index begins with: that is the tile's SENSING_TIME.
        # (Since 2018 SENSING_TIME is the tile's own and lies some minutes after the time in GRANULE_ID.)
        "system:time_start": time_ms,
        "system:time_end": time_ms,
        "MGRS_TILE": mgrs_tile,
        "CLOUDY_PIXEL_PERCENTAGE": _cloudy_percent(product, tile, is_only_granule),
        "PRODUCT_ID": product_id,
        "GRANULE_ID": granule.id,
    }
    properties.update(_product_properties(product))
    properties.update(_tile_properties(tile))
    return GranuleFacts(index, properties, _footprint(product) if is_only_granule else None)


def _product_properties(root: ElementTree.Element) -> dict[str, Any]:
    properties: dict[str, Any] = {name: text for name in _PRODUCT_TEXTS if (text := find_text(root, name))}
    for name, path in _PRODUCT_NUMBERS.items():
        if text := find_text(root, path):
            properties[name] = number_of(text, name)
    if generated := find_text(root, "GENERATION_TIME"):
        properties["GENERATION_TIME"] = milliseconds_of(generated, "GENERATION_TIME")
    datatake = root.find(".//{*}Datatake")
    if datatake is not None and datatake.get("datatakeIdentifier"):
        properties["DATATAKE_IDENTIFIER"] = datatake.get("datatakeIdentifier")
    for element in root.iterfind(".//{*}quality_check"):
        properties[f"{element.get('checkType')}_FLAG"] = (element.text or "").strip()
    for band, offset in radiometry(root).offsets.items():
        properties[f"{level_of(root).offset}_{band}"] = offset
    return properties


def _tile_properties(root: ElementTree.Element) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if datastrip := find_text(root, "DATASTRIP_ID"):
        properties["DATASTRIP_ID"] = datastrip
    for name, path in _SUN_ANGLES.items():
        if text := find_text(root, path):
            properties[name] = number_of(text, name)
    for element in root.iterfind(".//{*}Mean_Viewing_Incidence_Angle"):
        position = int(number_of(element.get("bandId"), "bandId of Mean_Viewing_Incidence_Angle"))
        for angle in ("ZENITH", "AZIMUTH"):
            name = f"MEAN_INCIDENCE_{angle}_ANGLE_{BANDS[position]}" if 0 <= position < len(BANDS) else ""
            if name and (text := find_text(element, f"{angle}_ANGLE")):
                properties[name] = number_of(text, name)
    return properties


def _cloudy_percent(product: ElementTree.Element, tile: ElementTree.Element, is_only_granule: bool) -> float:
    text = find_text(tile, "CLOUDY_PIXEL_PERCENTAGE")
    if not text and is_only_granule:
        # The product's figure is the mean over its tiles, so for a product of one tile the two are the same number.
        text = find_text(product, "Cloud_Coverage_Assessment")
    if not text:
        raise SceneError("the metadata have no CLOUDY_PIXEL_PERCENTAGE.")
    return number_of(text, "CLOUDY_PIXEL_PERCENTAGE")


def _sensing_start(product: ElementTree.Element, product_id: str) -> str:
    if match := _PRODUCT_START.search(product_id):
        return match[1]
    start_ms = milliseconds_of(text_at(product, "PRODUCT_START_TIME"), "PRODUCT_START_TIME")
    return datetime.fromtimestamp(start_ms // 1000, timezone.utc).strftime("%Y%m%dT%H%M%S")


def _footprint(product: ElementTree.Element) -> Ring:
    numbers = [number_of(text, "EXT_POS_LIST") for text in text_at(product, "Global_Footprint/EXT_POS_LIST").split()]
    ring = tuple(zip(numbers[1::2], numbers[0::2]))
    if len(numbers) % 2 or len(ring) < 4 or any(abs(lat) > 90 or abs(lon) > 360 for lon, lat in ring):
        raise SceneError("the footprint EXT_POS_LIST is not a list of latitudes and longitudes.")
    if max(lon for lon, _ in ring) - min(lon for lon, _ in ring) > 180:
        # A ring across the antimeridian is kept in one piece: 179.9, 180.1 instead of 179.9, -179.9.
        ring = tuple((lon + 360 if lon < 0 else lon, lat) for lon, lat in ring)
    return ring if ring[0] == ring[-1] else (*ring, ring[0])


def _match(pattern: re.Pattern[str], granule: str, what: str) -> str:
    match = pattern.search(granule)
    if not match:
        raise SceneError(f"the granule {granule} does not tell its {what} by its name.")
    return next(text for text in match.groups() if text)
