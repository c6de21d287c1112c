"""What stored numbers mean: the two processing levels, and how a product's metadata turn numbers into reflectance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from ....core.scenes import BANDS, COLLECTION, COLLECTION_L2A
from ...errors import SceneError
from .metadata import find_text, number_of, text_at

QUANTIFICATION = 10000
FIRST_BASELINE_WITH_OFFSET = (4, 0)
NODATA_DN, SATURATED_DN = 0, 65535
"""The special values of both levels, used where a product does not list them."""


@dataclass(frozen=True)
class Level:
    """A processing level: Earth Engine's collection of its images, its bands, and the elements of the metadata that
    hold the divisor of its numbers and, a band each, what is added to them first. ``names`` are those that products
    give themselves, in capitals."""

    names: tuple[str, ...]
    collection: str
    bands: tuple[str, ...]
    divisors: tuple[str, ...]
    offset: str


LEVEL_1C = Level(("LEVEL-1C", "LEVEL-1CP"), COLLECTION, BANDS, ("QUANTIFICATION_VALUE",), "RADIO_ADD_OFFSET")
LEVEL_2A = Level(
    ("LEVEL-2A", "LEVEL-2AP"),
    COLLECTION_L2A,
    tuple(band for band in BANDS if band != "B10"),
    ("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE"),
    "BOA_ADD_OFFSET",
)


@dataclass(frozen=True)
class Radiometry:
    """How digital numbers become reflectance x 10000: the number to add per band, and the special values."""

    offsets: Mapping[str, int]
    nodata: int
    saturated: int


def level_named(name: str) -> Level | None:
    """The level that a product or a stack calls so, None for any other."""
    return next((level for level in (LEVEL_1C, LEVEL_2A) if name.upper() in level.names), None)


def level_of(root: ElementTree.Element) -> Level:
    """The level of a product from its metadata; SceneError where it is not told or another one."""
    name = text_at(root, "PROCESSING_LEVEL")
    level = level_named(name)
    if level is None:
        raise SceneError(f"the product is {name}; Level-1C and Level-2A can be used.")
    return level


def radiometry(root: ElementTree.Element) -> Radiometry:
    """The radiometry of a product from its metadata; SceneError where it is not told, it is never guessed.

    Products of baseline 04.00 and later add 1000 to what they store and say so by an offset a band; one that keeps
    silent about it would be masked with every reflectance 0.1 too high.
    """
    level = level_of(root)
    divisor = next((name for name in level.divisors if find_text(root, name)), level.divisors[0])
    quantification = number_of(text_at(root, divisor), divisor)
    if quantification != QUANTIFICATION:
        raise SceneError(f"{divisor} is {quantification:g}; only {QUANTIFICATION} is supported.")
    special = {
        text_at(each, "SPECIAL_VALUE_TEXT"): int(number_of(text_at(each, "SPECIAL_VALUE_INDEX"), "SPECIAL_VALUE_INDEX"))
        for each in root.iterfind(".//{*}Special_Values")
    }
    return Radiometry(_offsets(root, level), special.get("NODATA", NODATA_DN), special.get("SATURATED", SATURATED_DN))


def _offsets(root: ElementTree.Element, level: Level) -> dict[str, int]:
    baseline = text_at(root, "PROCESSING_BASELINE")
    offsets = {}
    for element in root.iterfind(".//{*}" + level.offset):
        position = int(number_of(element.get("band_id"), f"band_id of {level.offset}"))
        if 0 <= position < len(BANDS):
            offsets[BANDS[position]] = int(number_of(element.text, level.offset))
    if baseline_order(baseline) < FIRST_BASELINE_WITH_OFFSET and not offsets:
        return dict.fromkeys(level.bands, 0)
    silent = [band for band in level.bands if band not in offsets]
    if silent:
        raise SceneError(f"processing baseline {baseline} without {level.offset} for {', '.join(silent)}.")
    return {band: offsets[band] for band in level.bands}


def baseline_order(baseline: str) -> tuple[int, int]:
    """A processing baseline ("05.10") as numbers that compare; SceneError where it is not one."""
    match = re.fullmatch(r"(\d+)\.(\d+)", baseline)
    if not match:
        raise SceneError(f"PROCESSING_BASELINE is {baseline!r}, expected two numbers such as 05.10.")
    return int(match[1]), int(match[2])
