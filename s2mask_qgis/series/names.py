"""What the name and the metadata of a file tell: its day, its tile, its index, and whether it is a mask."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone

EPOCH = date(1970, 1, 1)
PROPERTIES_ITEM = "EARTH_ENGINE_PROPERTIES"
"""Metadata item of a run's own results: their properties as JSON text."""

INDEX_NAMES: Mapping[str, str] = {"ndvi": "NDVI", "evi2": "EVI2", "kndvi": "kNDVI"}
"""The indices by their names in small letters."""

_MASK_WORDS = frozenset({"mask", "masks", "cloudmask", "scl", "clm"})
_CLOUD_WORDS = frozenset({"cloudmask", "cloud", "clouds", "clm"})
_VALID_WORDS = frozenset({"valid", "isvalid", "clear"})
_EARLIEST_YEAR, _LATEST_YEAR = 1980, 2100
# In order of preference where two begin at the same place; a date runs into no other digits but a time's six.
_DATES = (
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?=\d{6}(?!\d)|(?!\d))"),
    re.compile(r"(?<!\d)(?P<y>\d{4})([-_.])(?P<m>\d{2})\2(?P<d>\d{2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<j>\d{3})(?!\d)"),
)
_TILE = re.compile(
    r"(?<![A-Za-z0-9])(?:[Tt]?(\d{2}[C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V])|t(\d{2}[c-hj-np-x][a-hj-np-z][a-hj-np-v]))"
    r"(?![A-Za-z0-9])"
)
_DATE_ITEMS = ("system:time_start", "datetime", "date", "acquisition_date", "sensing_time", "timestamp", "time")
_TIFF_TIME = "tifftag_datetime"


def day_of_name(name: str) -> int | None:
    """The first date in a name, as days since 1970-01-01; None where there is none.

    Understood are YYYYMMDD (alone, before a time, in names of Sentinel-2 products and granules), YYYY-MM-DD with ``-``,
    ``_`` or ``.``, and the day of the year as YYYYDDD.
    """
    found = []
    for preference, pattern in enumerate(_DATES):
        for match in pattern.finditer(name):
            day = _day_of_match(match)
            if day is not None:
                found.append((match.start(), preference, day))
    return min(found)[2] if found else None


def _day_of_match(match: re.Match[str]) -> int | None:
    parts = match.groupdict()
    year = int(parts["y"])
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
        return None
    try:
        if "j" in parts:
            day = date(year, 1, 1).toordinal() + int(parts["j"]) - 1
            in_year = int(parts["j"]) >= 1 and date.fromordinal(day).year == year
            return day - EPOCH.toordinal() if in_year else None
        return (date(year, int(parts["m"]), int(parts["d"])) - EPOCH).days
    except ValueError:  # no such day in the calendar
        return None


def properties_of(items: Mapping[str, str]) -> Mapping[str, str]:
    """Metadata items by names in small letters, those that a run's results carry as JSON text among them."""
    found = {name.lower(): str(value) for name, value in items.items()}
    try:
        inner = json.loads(items.get(PROPERTIES_ITEM, "{}"))
    except ValueError:
        inner = {}
    return found | {name.lower(): str(value) for name, value in inner.items()} if isinstance(inner, dict) else found


def day_of_metadata(items: Mapping[str, str]) -> int | None:
    """The day that metadata tell: a time of acquisition in milliseconds or as text, else the TIFF's own date."""
    properties = properties_of(items)
    for name in (*_DATE_ITEMS, _TIFF_TIME):
        text = properties.get(name, "").strip()
        day = _day_of_milliseconds(text) if name == _DATE_ITEMS[0] else None
        if day is None:
            day = day_of_name(text.replace(":", "-", 2) if name == _TIFF_TIME else text)
        if day is not None:
            return day
    return None


def _day_of_milliseconds(text: str) -> int | None:
    try:
        moment = datetime.fromtimestamp(float(text) / 1000, timezone.utc).date()
    except (ValueError, OverflowError, OSError):
        return None
    return (moment - EPOCH).days if _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR else None


def iso_day(day: float) -> str:
    """Days since 1970-01-01 as YYYY-MM-DD."""
    return date.fromordinal(EPOCH.toordinal() + int(day)).isoformat()


def compact_day(day: float) -> str:
    """Days since 1970-01-01 as YYYYMMDD."""
    return iso_day(day).replace("-", "")


def day_of_iso(text: str) -> int:
    """Days since 1970-01-01 of an ISO date. ValueError where it is none."""
    return (date.fromisoformat(text) - EPOCH).days


def tile_of(name: str, items: Mapping[str, str]) -> str:
    """The MGRS tile, like 33TVM, from the name or the metadata; empty where neither tells."""
    match = _TILE.search(name)
    return (match[1] or match[2]).upper() if match else properties_of(items).get("mgrs_tile", "").removeprefix("T")


def words(name: str) -> tuple[str, ...]:
    """The words of a name in small letters, split at anything but letters and digits."""
    return tuple(re.findall(r"[a-z0-9]+", name.lower()))


def is_mask_name(name: str) -> bool:
    """Whether a file or band of this name holds a mask or a scene classification; "cloud" beside the name of an index
    does not say so, as in cloud-free NDVI."""
    return not _MASK_WORDS.isdisjoint(words(name)) or (is_cloud_name(name) and index_of_name(name) is None)


def is_scl_name(name: str) -> bool:
    """Whether the name says scene classification."""
    return "scl" in words(name)


def is_cloud_name(name: str) -> bool:
    """Whether the name says that what is masked is cloud."""
    return not _CLOUD_WORDS.isdisjoint(words(name))


def is_own_result(items: Mapping[str, str]) -> bool:
    """Whether metadata are those of a run's own results."""
    return "s2mask:source" in properties_of(items)


def is_valid_name(name: str) -> bool:
    """Whether the name says that 1 stands for clear, not for masked."""
    return not _VALID_WORDS.isdisjoint(words(name))


def index_of_name(name: str) -> str | None:
    """The index that a name tells (NDVI, EVI2, kNDVI), or None."""
    return next((INDEX_NAMES[word] for word in words(name) if word in INDEX_NAMES), None)


def bare(stem: str) -> tuple[str, ...]:
    """The words of a file's name that do not tell what it holds: equal for an image and its mask."""
    return tuple(
        word for word in words(stem) if word not in _MASK_WORDS | _CLOUD_WORDS | _VALID_WORDS | INDEX_NAMES.keys()
    )


def listed(names: list[str], most: int = 3) -> str:
    """Names for a sentence, the first few in words."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
