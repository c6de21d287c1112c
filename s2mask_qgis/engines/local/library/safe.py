"""Sentinel-2 SAFE products: the metadata of a Level-1C product as Earth Engine's properties, and its band files.

Sources: the Sentinel-2 Products Specification Document (PSD 14 and 15) for the layout and the metadata elements, and a
real answer of Earth Engine for COPERNICUS/S2 (2017, tile 20HNH) for the properties and their values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree

from ....core.scenes import BANDS, Ring
from ...errors import SceneError
from .sources import SafeFiles

QUANTIFICATION = 10000
FIRST_BASELINE_WITH_OFFSET = (4, 0)
NODATA_DN, SATURATED_DN = 0, 65535
"""The special values of Level-1C, used where a product does not list them."""

_PRODUCT_METADATA = re.compile(r"MTD_MSIL1C\.xml|S2._\w+_MTD_SAFL1C_\w+\.xml")
_GRANULE_METADATA = re.compile(r"MTD_TL\.xml|S2._\w+_MTD_L1C_TL_\w+\.xml")
_LEVEL_2A = re.compile(r"MTD_MSIL2A\.xml|S2._\w+_MTD_SAFL2A_\w+\.xml")
_BAND_FILE = re.compile(r"(?:^|_)B(\d\d|8A)\.(?:jp2|tiff?)", re.IGNORECASE)
_GRANULE_TILE = re.compile(r"_T(\d{2}[A-Z]{3})(?:_|$)")
_GRANULE_STAMP = re.compile(r"_TL_.{4}_(\d{8}T\d{6})_A|_A\d+_(\d{8}T\d{6})$")
_PRODUCT_START = re.compile(r"_MSIL1C_(\d{8}T\d{6})_")
_UTC = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z?")

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
class Granule:
    """One tile of a product: its folder name, its metadata file and its band files by Earth Engine band name."""

    id: str
    metadata: str
    bands: Mapping[str, str]


@dataclass(frozen=True)
class Radiometry:
    """How digital numbers become reflectance x 10000: the number to add per band, and the special values."""

    offsets: Mapping[str, int]
    nodata: int
    saturated: int


@dataclass(frozen=True)
class GranuleFacts:
    """What the metadata tell of one granule; ``footprint`` is None where they only outline a larger product."""

    index: str
    properties: Mapping[str, Any]
    footprint: Ring | None


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses a document type: the products have none, and with it go entities that grow without bound."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise SceneError("it has a DOCTYPE, which Sentinel-2 metadata never have")


def read_xml(files: SafeFiles, name: str) -> ElementTree.Element:
    """The root element of a metadata file; SceneError where it is damaged."""
    # Without a DOCTYPE there are no entities to expand.
    parser = ElementTree.XMLParser(target=_NoDoctype())  # nosec B314
    try:
        parser.feed(files.read(name))
        return parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise SceneError(f"{name} is damaged or cut off ({error}).") from error
    except SceneError as error:
        raise SceneError(f"{name} cannot be used: {error}.") from error


def product_metadata(files: SafeFiles) -> ElementTree.Element:
    """The metadata of the whole product; SceneError where it is not a Level-1C product."""
    names = files.names()
    found = [name for name in names if _PRODUCT_METADATA.fullmatch(name)]
    if not found:
        if any(_LEVEL_2A.fullmatch(name) for name in names):
            raise SceneError(_wrong_level("Level-2A"))
        raise SceneError("the product has no MTD_MSIL1C.xml; download it again.")
    root = read_xml(files, found[0])
    level = _text(root, "PROCESSING_LEVEL", found[0])
    if level.upper() not in ("LEVEL-1C", "LEVEL-1CP"):
        raise SceneError(_wrong_level(level))
    return root


def granules(files: SafeFiles) -> tuple[Granule, ...]:
    """The granules of a product, in order of their names."""
    metadata: dict[str, str] = {}
    bands: dict[str, dict[str, str]] = {}
    for name in files.names():
        parts = name.split("/")
        if len(parts) == 3 and _GRANULE_METADATA.fullmatch(parts[2]):
            metadata[parts[1]] = name
        elif len(parts) == 4 and (match := _BAND_FILE.search(parts[3])) and match.end() == len(parts[3]):
            band = "B" + match[1].upper().lstrip("0")
            if band in BANDS and bands.setdefault(parts[1], {}).setdefault(band, name) != name:
                raise SceneError(f"band {band} is there twice: {bands[parts[1]][band]} and {name}.")
    found = sorted(metadata.keys() | bands.keys())
    if not found:
        raise SceneError("the product has no granule; download it again.")
    for granule in found:
        if granule not in metadata:
            raise SceneError(f"the metadata file MTD_TL.xml of the granule {granule} is missing.")
    return tuple(Granule(granule, metadata[granule], bands.get(granule, {})) for granule in found)


def require_all_bands(names: Sequence[str]) -> None:
    """SceneError naming the bands that are missing, where not all 13 are there."""
    missing = [band for band in BANDS if band not in names]
    if missing:
        bands = "band " if len(missing) == 1 else "bands "
        raise SceneError(f"{bands}{', '.join(missing)} missing; all 13 bands are needed.")


def radiometry(root: ElementTree.Element) -> Radiometry:
    """The radiometry of a product from its metadata; SceneError where it is not told, it is never guessed.

    Products of baseline 04.00 and later add 1000 to what they store and say so by RADIO_ADD_OFFSET; one that keeps
    silent about it would be masked with every reflectance 0.1 too high.
    """
    quantification = _number(_text(root, "QUANTIFICATION_VALUE"), "QUANTIFICATION_VALUE")
    if quantification != QUANTIFICATION:
        raise SceneError(f"QUANTIFICATION_VALUE is {quantification:g}; only {QUANTIFICATION} is supported.")
    baseline = _text(root, "PROCESSING_BASELINE")
    offsets = {}
    for element in root.iterfind(".//{*}RADIO_ADD_OFFSET"):
        position = int(_number(element.get("band_id"), "band_id of RADIO_ADD_OFFSET"))
        if 0 <= position < len(BANDS):
            offsets[BANDS[position]] = int(_number(element.text, "RADIO_ADD_OFFSET"))
    if baseline_order(baseline) < FIRST_BASELINE_WITH_OFFSET and not offsets:
        offsets = dict.fromkeys(BANDS, 0)
    silent = [band for band in BANDS if band not in offsets]
    if silent:
        raise SceneError(f"processing baseline {baseline} without RADIO_ADD_OFFSET for {', '.join(silent)}.")
    special = {
        _text(element, "SPECIAL_VALUE_TEXT"): int(_number(_text(element, "SPECIAL_VALUE_INDEX"), "SPECIAL_VALUE_INDEX"))
        for element in root.iterfind(".//{*}Special_Values")
    }
    return Radiometry(offsets, special.get("NODATA", NODATA_DN), special.get("SATURATED", SATURATED_DN))


def baseline_order(baseline: str) -> tuple[int, int]:
    """A processing baseline ("05.10") as numbers that compare; SceneError where it is not one."""
    match = re.fullmatch(r"(\d+)\.(\d+)", baseline)
    if not match:
        raise SceneError(f"PROCESSING_BASELINE is {baseline!r}, expected two numbers such as 05.10.")
    return int(match[1]), int(match[2])


def granule_facts(
    files: SafeFiles, product: ElementTree.Element, granule: Granule, is_only_granule: bool
) -> GranuleFacts:
    """The system:index, properties and footprint of one granule, as Earth Engine gives them."""
    tile = read_xml(files, granule.metadata)
    mgrs_tile = _match(_GRANULE_TILE, granule.id, "tile")
    stamp = _match(_GRANULE_STAMP, granule.id, "time")
    time_ms = _milliseconds(_text(tile, "SENSING_TIME"), "SENSING_TIME")
    product_id = (_find_text(product, "PRODUCT_URI") or files.title).removesuffix(".SAFE")
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
    properties: dict[str, Any] = {name: text for name in _PRODUCT_TEXTS if (text := _find_text(root, name))}
    for name, path in _PRODUCT_NUMBERS.items():
        if text := _find_text(root, path):
            properties[name] = _number(text, name)
    if generated := _find_text(root, "GENERATION_TIME"):
        properties["GENERATION_TIME"] = _milliseconds(generated, "GENERATION_TIME")
    datatake = root.find(".//{*}Datatake")
    if datatake is not None and datatake.get("datatakeIdentifier"):
        properties["DATATAKE_IDENTIFIER"] = datatake.get("datatakeIdentifier")
    for element in root.iterfind(".//{*}quality_check"):
        properties[f"{element.get('checkType')}_FLAG"] = (element.text or "").strip()
    for band, offset in radiometry(root).offsets.items():
        properties[f"RADIO_ADD_OFFSET_{band}"] = offset
    return properties


def _tile_properties(root: ElementTree.Element) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if datastrip := _find_text(root, "DATASTRIP_ID"):
        properties["DATASTRIP_ID"] = datastrip
    for name, path in _SUN_ANGLES.items():
        if text := _find_text(root, path):
            properties[name] = _number(text, name)
    for element in root.iterfind(".//{*}Mean_Viewing_Incidence_Angle"):
        position = int(_number(element.get("bandId"), "bandId of Mean_Viewing_Incidence_Angle"))
        for angle in ("ZENITH", "AZIMUTH"):
            name = f"MEAN_INCIDENCE_{angle}_ANGLE_{BANDS[position]}" if 0 <= position < len(BANDS) else ""
            if name and (text := _find_text(element, f"{angle}_ANGLE")):
                properties[name] = _number(text, name)
    return properties


def _cloudy_percent(product: ElementTree.Element, tile: ElementTree.Element, is_only_granule: bool) -> float:
    text = _find_text(tile, "CLOUDY_PIXEL_PERCENTAGE")
    if not text and is_only_granule:
        # The product's figure is the mean over its tiles, so for a product of one tile the two are the same number.
        text = _find_text(product, "Cloud_Coverage_Assessment")
    if not text:
        raise SceneError("the metadata have no CLOUDY_PIXEL_PERCENTAGE.")
    return _number(text, "CLOUDY_PIXEL_PERCENTAGE")


def _sensing_start(product: ElementTree.Element, product_id: str) -> str:
    if match := _PRODUCT_START.search(product_id):
        return match[1]
    start_ms = _milliseconds(_text(product, "PRODUCT_START_TIME"), "PRODUCT_START_TIME")
    return datetime.fromtimestamp(start_ms // 1000, timezone.utc).strftime("%Y%m%dT%H%M%S")


def _footprint(product: ElementTree.Element) -> Ring:
    numbers = [_number(text, "EXT_POS_LIST") for text in _text(product, "Global_Footprint/EXT_POS_LIST").split()]
    ring = tuple(zip(numbers[1::2], numbers[0::2]))
    if len(numbers) % 2 or len(ring) < 4 or any(abs(lat) > 90 or abs(lon) > 360 for lon, lat in ring):
        raise SceneError("the footprint EXT_POS_LIST is not a list of latitudes and longitudes.")
    if max(lon for lon, _ in ring) - min(lon for lon, _ in ring) > 180:
        # A ring across the antimeridian is kept in one piece: 179.9, 180.1 instead of 179.9, -179.9.
        ring = tuple((lon + 360 if lon < 0 else lon, lat) for lon, lat in ring)
    return ring if ring[0] == ring[-1] else (*ring, ring[0])


def _wrong_level(level: str) -> str:
    return f"the product is {level}; this engine masks Level-1C (the name of such a product holds MSIL1C)."


def _find_text(root: ElementTree.Element, path: str) -> str:
    element = root.find(".//{*}" + "/{*}".join(path.split("/")))
    return (element.text or "").strip() if element is not None else ""


def _text(root: ElementTree.Element, path: str, name: str = "the metadata") -> str:
    text = _find_text(root, path)
    if not text:
        raise SceneError(f"{name} has no {path.rpartition('/')[2]}.".replace("metadata has", "metadata have"))
    return text


def _number(text: str | None, name: str) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SceneError(f"{name} is {text!r}, expected a number.")
    return number


def _milliseconds(text: str, name: str) -> int:
    match = _UTC.fullmatch(text)
    try:
        if match:
            seconds = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc).timestamp()
            return int(seconds) * 1000 + int((match[2] or "0")[:3].ljust(3, "0"))
    except ValueError:
        match = None
    raise SceneError(f"{name} is {text!r}, expected a time such as 2024-01-20T10:58:50.500Z.")


def _match(pattern: re.Pattern[str], granule: str, what: str) -> str:
    match = pattern.search(granule)
    if not match:
        raise SceneError(f"the granule {granule} does not tell its {what} by its name.")
    return next(text for text in match.groups() if text)
