"""The granules of a SAFE product: which file holds which band, at which resolution, and its quality masks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ....core.scenes import BANDS
from ...errors import SceneError
from .sources import SafeFiles

SCALES_M = dict(zip(BANDS, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20))) | {"SCL": 20}
"""The resolution at which each band is measured or made; Level-2A also stores coarser copies."""

_METADATA = re.compile(r"MTD_TL\.xml|S2._\w+_MTD_L(?:1C|2A)_TL_\w+\.xml")
_BAND_FILE = re.compile(r"(?:.*_)?(?:B(\d\d|8A)|(SCL))(?:_(\d\d)m)?\.(?:jp2|tiff?)", re.IGNORECASE)
_CLASSES_FILE = re.compile(r"(?:.*_)?MSK_CLASSI_B00\.(?:jp2|tiff?)", re.IGNORECASE)
_CLOUDS_FILE = re.compile(r"(?:.*_)?MSK_CLOUDS_(?:.*_)?B00(?:_MSIL\w+)?\.gml", re.IGNORECASE)


@dataclass(frozen=True)
class Granule:
    """One tile of a product: its folder name, its metadata file, its band files by Earth Engine's band names, and the
    raster of classes (since baseline 04.00) or the cloud polygons (before) that the producer made, where they are."""

    id: str
    metadata: str
    bands: Mapping[str, str]
    classes: str | None = None
    clouds: str | None = None


@dataclass
class _Found:
    """What of a granule was found so far; band files by band and resolution (0 where the name has none)."""

    metadata: str | None = None
    bands: dict[str, dict[int, str]] = field(default_factory=dict)
    classes: str | None = None
    clouds: str | None = None


def granules(files: SafeFiles) -> tuple[Granule, ...]:
    """The granules of a product, in order of their names; of a band's resolutions its own, else the finest."""
    found: dict[str, _Found] = {}
    for name in files.names():
        parts = name.split("/")
        if len(parts) > 2:
            _note(found.setdefault(parts[1], _Found()), name, parts[2:])
    found = {granule: parts for granule, parts in found.items() if parts.metadata or parts.bands}
    if not found:
        raise SceneError("the product has no granule; download it again.")
    return tuple(_granule(granule, found[granule]) for granule in sorted(found))


def require_all_bands(names: Iterable[str]) -> None:
    """SceneError naming the bands that are missing, where not all 13 are there."""
    missing = sorted(set(BANDS) - set(names), key=BANDS.index)
    if missing:
        raise SceneError(f"{_listed(missing)} missing; all 13 bands are needed.")


def require_usable_bands(names: Iterable[str]) -> None:
    """SceneError naming what is missing for an image of any use: B2, B3, B4, and B8 or B8A."""
    there = set(names)
    missing = [band for band in ("B2", "B3", "B4") if band not in there]
    if not there & {"B8", "B8A"}:
        missing.append("B8")
    if missing:
        raise SceneError(f"{_listed(missing)} missing; an image needs at least B2, B3, B4, and B8 or B8A.")


def _listed(bands: list[str]) -> str:
    return ("band " if len(bands) == 1 else "bands ") + ", ".join(bands)


def _note(found: _Found, name: str, parts: list[str]) -> None:
    """Keep a file for what its name says it is; ``parts`` is its path below the granule."""
    *folders, file = parts
    if not folders and _METADATA.fullmatch(file):
        found.metadata = name
    elif folders == ["QI_DATA"]:
        found.classes = name if _CLASSES_FILE.fullmatch(file) else found.classes
        found.clouds = name if _CLOUDS_FILE.fullmatch(file) else found.clouds
    elif folders and folders[0] == "IMG_DATA" and (match := _BAND_FILE.fullmatch(file)):
        band = (match[2] or "B" + match[1].lstrip("0")).upper()
        if band in SCALES_M:
            at = found.bands.setdefault(band, {})
            if at.setdefault(int(match[3] or 0), name) != name:
                raise SceneError(f"band {band} is there twice: {at[int(match[3] or 0)]} and {name}.")


def _granule(granule: str, found: _Found) -> Granule:
    if found.metadata is None:
        raise SceneError(f"the metadata file MTD_TL.xml of the granule {granule} is missing.")
    bands = {}
    for band, files in found.bands.items():
        scale_m = min(files, key=lambda scale_m: (scale_m != SCALES_M[band], scale_m))
        bands[band] = files[scale_m]
    return Granule(granule, found.metadata, bands, found.classes, found.clouds)
