"""Google's public bucket of Sentinel-2: products as folders of files, listed by the storage's JSON API, no account.

Sources: the page of the data set (cloud.google.com/storage/docs/public-datasets/sentinel-2: Level-1C below tiles/,
Level-2A below L2/tiles/, then zone, band, square and product), and the reference of objects.list (prefix, delimiter,
startOffset, endOffset, fields, pageToken; md5Hash is the base64 of the MD5).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from ..core.area import Area
from ..core.scenes import Ring
from ..engines.errors import BadRequestError
from ..web.ranges import Body, body_of, ranged
from ..web.session import Session, refusal, unexpected
from ..web.transport import Request
from .base import CountCallback
from .products import Offer, ProductName, RemoteFile, meets_area, newest, parse_name, safe_path
from .tiles import tiles_of

STORAGE_URL = "https://storage.googleapis.com"
BUCKET = "gcp-public-data-sentinel-2"
FOLDERS = {"L1C": "tiles", "L2A": "L2/tiles"}
METADATA = {"L1C": "MTD_MSIL1C.xml", "L2A": "MTD_MSIL2A.xml"}
SATELLITES = {"S2A": date(2015, 6, 23), "S2B": date(2017, 3, 7), "S2C": date(2024, 9, 5)}
"""The satellites and the days of their launch (ESA)."""
PLACEHOLDER = "_$folder$"
"""Ends the names of empty objects that stand for folders."""
MOST_TILES = 60
"""Each tile costs a request for each satellite, each product two: larger areas are for the other catalogue."""

_CLOUDS = re.compile(rb"<Cloud_Coverage_Assessment>\s*(\d+(?:\.\d+)?)\s*<")
_POSITIONS = re.compile(rb"<EXT_POS_LIST>([^<]*)<")


@dataclass(frozen=True)
class GoogleBucket:
    """A :class:`Catalogue`."""

    session: Session = field(default_factory=Session)
    storage_url: str = STORAGE_URL
    bucket: str = BUCKET

    def search(self, area: Area, start: date, end: date, level: str, on_count: CountCallback) -> tuple[Offer, ...]:
        """The products that meet ``area``; those of before December 2016, which hold many tiles, are passed by."""
        tiles = tiles_of(area)
        if len(tiles) > MOST_TILES:
            raise BadRequestError(
                f"The area may lie on {len(tiles)} tiles; the bucket is asked for {MOST_TILES} at most. Choose a "
                "smaller area, or the Copernicus Data Space."
            )
        on_count(0, 0)
        found: list[str] = []
        for tile in tiles:
            found += self._products(tile, start, end, level)
        offers: list[Offer] = []
        named = [(parse_name(key.split("/")[-2]), key) for key in found]
        wanted = newest(Offer(name, None, None, (), key) for name, key in named if name is not None)
        for number, offer in enumerate(wanted):
            on_count(number, len(wanted))
            offers += self._described(offer, area)
        on_count(len(wanted), len(wanted))
        return tuple(offers)

    def files(self, offer: Offer) -> tuple[RemoteFile, ...]:
        """The files of a SAFE folder; BadRequestError where the listing cannot be right."""
        files = self._listed(offer)
        if _main(offer, files) is None:
            raise BadRequestError(f"{offer.name.text} is not whole in the bucket: it has no metadata. Choose others.")
        return files

    def open(self, file: RemoteFile, offset: int) -> Body:
        """The bytes of a file."""
        request = ranged(file.url, offset)
        response = self.session.open(request)
        body = body_of(response, offset)
        if body is None:
            response.close()
            if response.status == 416 and offset:
                return self.open(file, 0)
            raise refusal(request, response.status)
        return body

    @property
    def _host(self) -> str:
        return Request(self.storage_url).host

    def _products(self, tile: str, start: date, end: date, level: str) -> Iterator[str]:
        """The folders of one tile's products within the dates."""
        folder = f"{FOLDERS[level]}/{tile[:2]}/{tile[2]}/{tile[3:]}/"
        for satellite, launch in SATELLITES.items():
            if end < launch:
                continue
            prefix = f"{folder}{satellite}_MSI{level}_"
            span = {"startOffset": f"{prefix}{start:%Y%m%d}", "endOffset": f"{prefix}{end + timedelta(days=1):%Y%m%d}"}
            query = {"prefix": prefix, "delimiter": "/", **span, "fields": "prefixes,nextPageToken"}
            for page in self._pages(query):
                for key in _list(page, "prefixes", self._host):
                    if not isinstance(key, str) or not key.startswith(prefix) or not key.endswith("/"):
                        raise unexpected(self._host)
                    yield key

    def _pages(self, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        address = f"{self.storage_url}/storage/v1/b/{self.bucket}/o?"
        seen: set[str] = set()
        token = ""
        while token not in seen:
            seen.add(token)
            page = self.session.read_json(
                Request(address + urlencode({**query, "pageToken": token} if token else query))
            )
            yield page
            token = page.get("nextPageToken", "")
            if not isinstance(token, str):
                raise unexpected(self._host)
            if not token:
                return
        raise unexpected(self._host)  # pages that go round in circles

    def _listed(self, offer: Offer) -> tuple[RemoteFile, ...]:
        found = []
        for page in self._pages({"prefix": offer.key, "fields": "items(name,size,md5Hash),nextPageToken"}):
            for entry in _list(page, "items", self._host):
                name = _text(entry, "name", self._host)
                if not name.startswith(offer.key):
                    raise unexpected(self._host)
                if not name.endswith((PLACEHOLDER, "/")):
                    found.append(self._file(offer.name, name, offer.key, entry))
        return tuple(found)

    def _described(self, offer: Offer, area: Area) -> Iterator[Offer]:
        """The offer with its facts, where it is whole and meets the area."""
        files = self._listed(offer)
        main = _main(offer, files)
        if main is None:
            return
        text = self.session.read(Request(main.url))
        footprint = _footprint(text)
        if meets_area(footprint, area):
            clouds = _CLOUDS.search(text)
            size = sum(file.size_bytes or 0 for file in files)
            yield Offer(offer.name, float(clouds[1]) if clouds else None, size, footprint, offer.key)

    def _file(self, product: ProductName, name: str, key: str, entry: dict[str, Any]) -> RemoteFile:
        size = entry.get("size")
        if not isinstance(size, str) or not size.isdecimal():
            raise unexpected(self._host)
        path = safe_path(f"{product.text}.SAFE/{name.removeprefix(key)}")
        return RemoteFile(path, f"{self.storage_url}/{self.bucket}/{quote(name)}", int(size), _md5(entry))


def _main(offer: Offer, files: tuple[RemoteFile, ...]) -> RemoteFile | None:
    """The metadata of the whole product, which lie at the top of its folder."""
    path = PurePosixPath(f"{offer.name.text}.SAFE", METADATA[offer.name.level])
    return next((file for file in files if file.path == path), None)


def _md5(entry: dict[str, Any]) -> str | None:
    """The MD5 in hexadecimal; composite objects have none."""
    try:
        return base64.b64decode(entry["md5Hash"], validate=True).hex()
    except (KeyError, TypeError, binascii.Error):
        return None


def _footprint(metadata: bytes) -> tuple[Ring, ...]:
    """The outline in the metadata of a product, which lists latitude before longitude; () where there is none."""
    match = _POSITIONS.search(metadata)
    try:
        numbers = [float(text) for text in match[1].split()] if match else []
    except ValueError:
        return ()
    ring = tuple(zip(numbers[1::2], numbers[0::2]))
    if len(ring) < 4:
        return ()
    if max(lon for lon, _ in ring) - min(lon for lon, _ in ring) > 180:
        # Across the antimeridian the outline is given twice, in one piece on either side of it.
        eastern = tuple((lon + 360 if lon < 0 else lon, lat) for lon, lat in ring)
        return eastern, tuple((lon - 360, lat) for lon, lat in eastern)
    return (ring,)


def _list(page: dict[str, Any], name: str, host: str) -> list[Any]:
    found = page.get(name, [])
    if not isinstance(found, list):
        raise unexpected(host)
    return found


def _text(entry: Any, name: str, host: str) -> str:
    if not isinstance(entry, dict) or not isinstance(entry.get(name), str):
        raise unexpected(host)
    return str(entry[name])
