"""Sentinel-2 products as a catalogue offers them: names, facts, files, and which products are the same image."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import PurePosixPath

from ..core.area import Area
from ..core.footprints import meets
from ..core.scenes import Ring
from ..engines.errors import BadRequestError

LEVELS = ("L1C", "L2A")
TEST_BASELINE = 9999
"""The baseline that products of processing tests carry; any other one is preferred."""

_NAME = re.compile(r"(S2[A-Z])_MSI(L1C|L2A)_(\d{8}T\d{6})_N(\d{4})_R\d{3}_T(\d{2}[A-Z]{3})_\d{8}T\d{6}")
_RESERVED = re.compile(r'[\x00-\x1f<>:"|?*\\]')


@dataclass(frozen=True)
class ProductName:
    """The name of a product of one tile, as they are named since December 2016, without .SAFE.

    Source: Sentinel-2 Products Specification Document, naming convention of the compact format.
    """

    text: str
    satellite: str
    level: str
    start: str
    baseline: int
    tile: str

    @property
    def acquisition(self) -> tuple[str, str, str, str]:
        """What products of one acquisition, tile and level have in common, however often they were processed."""
        return self.satellite, self.level, self.start, self.tile

    @property
    def rank(self) -> int:
        """Newer processing ranks higher."""
        return -1 if self.baseline == TEST_BASELINE else self.baseline

    @property
    def time(self) -> datetime:
        """Start of the acquisition, UTC."""
        return datetime.strptime(self.start, "%Y%m%dT%H%M%S").replace(tzinfo=timezone.utc)


def parse_name(text: str) -> ProductName | None:
    """A product's name, with or without .SAFE; None where it is not one of a single tile."""
    stem = text.removesuffix(".SAFE")
    match = _NAME.fullmatch(stem)
    if not match:
        return None
    satellite, level, start, baseline, tile = match.groups()
    name = ProductName(stem, satellite, level, start, int(baseline), tile)
    try:
        return name if name.time else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Offer:
    """One product of a catalogue.

    ``cloudy_percent`` is the producer's share of cloudy pixels (0-100) and ``size_bytes`` the sum of its files, None
    where the catalogue does not tell; ``footprint`` holds the outlines of its pixels; ``key`` is what the catalogue
    calls it.
    """

    name: ProductName
    cloudy_percent: float | None
    size_bytes: int | None
    footprint: tuple[Ring, ...]
    key: str

    @property
    def date(self) -> str:
        """Day of the acquisition as YYYY-MM-DD, UTC."""
        return self.name.time.strftime("%Y-%m-%d")


@dataclass(frozen=True)
class RemoteFile:
    """One file to download: its path below the scenes folder, and what is known of it; ``md5`` in hexadecimal."""

    path: PurePosixPath
    url: str
    size_bytes: int | None = None
    md5: str | None = None


def meets_area(footprint: Iterable[Ring], area: Area) -> bool:
    """Whether any of the outlines and ``area`` have more than a border in common."""
    return any(meets(ring, area) for ring in footprint)


def safe_path(text: str) -> PurePosixPath:
    """A path from a listing that stays below the folder it is for, on every system; BadRequestError otherwise."""
    parts = text.split("/")
    if _RESERVED.search(text) or any(part in ("", ".", "..") or part[-1] in ". " for part in parts):
        raise BadRequestError(f"The listing holds a file of the name {text!r}, which cannot be stored. Report it.")
    return PurePosixPath(*parts)


def newest(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """Of each acquisition the products of its newest processing, in order of time.

    Several of them stay where an acquisition was cut into parts within a tile: these have one baseline.
    """
    groups: dict[tuple[str, str, str, str], list[Offer]] = defaultdict(list)
    for offer in {offer.name.text: offer for offer in offers}.values():
        groups[offer.name.acquisition].append(offer)
    kept = [
        offer
        for group in groups.values()
        for offer in group
        if offer.name.rank == max(other.name.rank for other in group)
    ]
    return tuple(sorted(kept, key=lambda offer: (offer.name.start, offer.name.text)))


def is_there(name: ProductName, there: Iterable[ProductName]) -> bool:
    """Whether a product is among others, in this processing or another one."""
    return any(
        other.text == name.text or (other.acquisition == name.acquisition and other.baseline != name.baseline)
        for other in there
    )
