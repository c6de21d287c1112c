"""The metadata that GeoTIFFs from Drive lack, in the JSON of the published scripts: Earth Engine's path of an image to
what is known of it.

Beside their ``geometry`` and ``system:time_start`` ours holds ``system:time_end``, the image's ``properties``, its
``bands`` with their data types, and the ``nodata`` of the file. The scripts read what they know and pass the rest by.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..engines.asset_names import LEGACY, PUBLIC
from ..engines.errors import EngineError
from ..google.assets import ImageAsset
from .kept_entries import read_entries

FILE = "metadata.json"
GEOMETRY, TIME_START, TIME_END = "geometry", "system:time_start", "system:time_end"
PROPERTIES, BANDS, NODATA, FILE_NAME = "properties", "bands", "nodata", "file"
_DAY = re.compile(r"(\d{8}T\d{6})_\d{8}T\d{6}_T\w{5}")


@dataclass(frozen=True)
class ImageMetadata:
    """What is known of one image; ``path`` is Earth Engine's, times are milliseconds since 1970, None where unknown;
    ``file`` is the name of its file where that is not the last part of the path."""

    path: str
    geometry: Any = None
    start_ms: int | None = None
    end_ms: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    bands: tuple[Mapping[str, Any], ...] = ()
    nodata: float | None = None
    file: str = ""

    @property
    def name(self) -> str:
        """The name of its file, without its ending."""
        return self.file or self.index

    @property
    def index(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    def to_json(self) -> dict[str, Any]:
        """The entry of the JSON file."""
        optional = {
            TIME_END: self.end_ms,
            PROPERTIES: dict(self.properties) or None,
            BANDS: [dict(band) for band in self.bands] or None,
            NODATA: self.nodata,
            FILE_NAME: self.file or None,
        }
        entry = {GEOMETRY: self.geometry, TIME_START: self.start_ms}
        return entry | {name: value for name, value in optional.items() if value is not None}

    @classmethod
    def from_json(cls, path: str, entry: Mapping[str, Any]) -> ImageMetadata:
        """The metadata that an entry holds, one of the published scripts too. EngineError where it is none."""
        try:
            return cls(
                path=path,
                geometry=entry.get(GEOMETRY),
                start_ms=_whole(entry.get(TIME_START)),
                end_ms=_whole(entry.get(TIME_END)),
                properties=dict(entry.get(PROPERTIES) or {}),
                bands=tuple(dict(band) for band in entry.get(BANDS) or ()),
                nodata=None if entry.get(NODATA) is None else float(entry[NODATA]),
                file=str(entry.get(FILE_NAME) or ""),
            )
        except (TypeError, ValueError):
            raise EngineError(f"What the metadata say of {path} cannot be read. Correct or remove it.") from None

    def items(self) -> dict[str, str]:
        """As metadata of a GeoTIFF: all of it as one JSON text, as assets on this computer have it, and texts by name.

        GDAL cuts names at a colon, so they have a "_" there.
        """
        from ..engines.local.asset_files import PROPERTIES_KEY

        times = {"system:index": self.index, TIME_START: self.start_ms, TIME_END: self.end_ms}
        known = {name: value for name, value in {**times, **self.properties}.items() if value is not None}
        texts = {name.replace(":", "_").replace("=", "_"): _text(value) for name, value in known.items()}
        return {**texts, PROPERTIES_KEY: json.dumps(known, sort_keys=True)}


def read_metadata(file: Path) -> dict[str, ImageMetadata]:
    """All images that a file describes, by path. EngineError where there is no such file, or it cannot be read."""
    entries = read_entries(file)
    if not entries and not file.exists():
        raise EngineError(f"There is no file {file}. Choose the metadata JSON that the export left.")
    return {path: ImageMetadata.from_json(path, entry) for path, entry in entries.items()}


def metadata_of(asset: ImageAsset, nodata: float | None, file: str = "") -> ImageMetadata:
    """What Earth Engine tells of an image; the time of one that has none is that of its Sentinel-2 name."""
    bands = tuple({"id": band.get("id"), "dataType": band.get("dataType")} for band in asset.bands)
    start_ms = milliseconds(asset.start_time)
    return ImageMetadata(
        path=shown_path(asset.name),
        geometry=asset.geometry,
        start_ms=_time_in(asset.name) if start_ms is None else start_ms,
        end_ms=milliseconds(asset.end_time),
        properties={name: value for name, value in asset.properties.items() if name not in (TIME_START, TIME_END)},
        bands=bands,
        nodata=nodata,
        file=file,
    )


def shown_path(name: str) -> str:
    """The path that users and scripts write for an asset's name: without the projects that stand for the old homes."""
    for prefix in (LEGACY, PUBLIC):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def milliseconds(text: str) -> int | None:
    """RFC 3339 text as milliseconds since 1970, None where it is empty or no time."""
    found = re.fullmatch(r"(.+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    except ValueError:
        return None
    return round(moment.timestamp()) * 1000 + int((found[2] or "0").ljust(3, "0")[:3])


def timestamp(time_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 text (google.protobuf.Timestamp)."""
    seconds, rest = divmod(time_ms, 1000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def _time_in(name: str) -> int | None:
    found = _DAY.search(name)
    try:
        return milliseconds(datetime.strptime(found[1] + "Z", "%Y%m%dT%H%M%S%z").isoformat()) if found else None
    except ValueError:
        return None


def _whole(value: object) -> int | None:
    """A number of milliseconds; some scripts write it as text."""
    return None if value is None else int(float(str(value)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
