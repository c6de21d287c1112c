"""The Copernicus Data Space: products found by OData, downloaded as zips with an account.

Sources: documentation.dataspace.copernicus.eu, APIs, OData (filters by collection, attribute, area and sensing date;
$expand=Attributes, $top, @odata.nextLink, $value of a product) and its release notes (at most 10,000 skipped results).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..core.area import Area
from ..core.scenes import Ring
from ..engines.errors import BadRequestError, QuotaError, SignInError
from ..web.ranges import Body, body_of, ranged
from ..web.session import Session, refusal, unexpected
from ..web.transport import Request, Response
from .base import CountCallback
from .products import Offer, RemoteFile, meets_area, newest, parse_name
from .tokens import SignIn

CATALOGUE_URL = "https://catalogue.dataspace.copernicus.eu/odata/v1"
DOWNLOAD_URL = "https://download.dataspace.copernicus.eu/odata/v1"
PAGE = 200
"""Products a page, of at most 1,000."""
MOST_PRODUCTS = 10_000
"""More results than these cannot be paged through."""


@dataclass(frozen=True)
class Copernicus:
    """A :class:`Catalogue`; searching needs no account."""

    session: Session = field(default_factory=Session)
    sign_in: SignIn | None = None
    catalogue_url: str = CATALOGUE_URL
    download_url: str = DOWNLOAD_URL

    def search(self, area: Area, start: date, end: date, level: str, on_count: CountCallback) -> tuple[Offer, ...]:
        """The products that meet ``area``; asked for by the box around it, so that no outline is too long to send."""
        query = {
            "$filter": _filter(area, start, end, level),
            "$orderby": "ContentDate/Start asc",
            "$top": str(PAGE),
            "$expand": "Attributes",
        }
        url = f"{self.catalogue_url}/Products?{urlencode(query, quote_via=quote)}"
        found: dict[str, Offer] = {}
        on_count(0, 0)
        for number, entry in enumerate(self._entries(url), start=1):
            offer = _offer(entry, Request(url).host)
            if offer is not None and meets_area(offer.footprint, area):
                found[offer.name.text] = offer
            on_count(number, 0)
        return newest(offer for offer in found.values() if offer.name.level == level)

    def files(self, offer: Offer) -> tuple[RemoteFile, ...]:
        """The zip of a product, with the sum that the catalogue has of it.

        The catalogue's length is left out: zips are packed as they are asked for, and their own length counts.
        """
        url = f"{self.catalogue_url}/Products?{urlencode({'$filter': _named(offer)}, quote_via=quote)}"
        entries = [entry for entry in self._entries(url) if _known(entry, "Id", str, Request(url).host) == offer.key]
        md5 = _md5(entries[0]) if entries else None
        address = f"{self.download_url}/Products({quote(offer.key)})/$value"
        return (RemoteFile(PurePosixPath(f"{offer.name.text}.zip"), address, None, md5),)

    def open(self, file: RemoteFile, offset: int) -> Body:
        """The bytes of a zip; a token that the service does not take any more is renewed once."""
        if self.sign_in is None:
            raise SignInError(
                "Downloads from the Copernicus Data Space need an account. Choose one, or make one there."
            )
        request = ranged(file.url, offset)
        response = self._signed(request, self.sign_in)
        if response.status == 401:
            response.close()
            self.sign_in.forget()
            response = self._signed(request, self.sign_in)
        body = body_of(response, offset)
        if body is not None:
            return body
        response.close()
        if response.status == 416 and offset:
            return self.open(file, 0)
        if response.status == 403:
            raise QuotaError(
                f"{request.host} does not allow this download (403): the account may have used up its quota, or its "
                "terms may have to be accepted anew at dataspace.copernicus.eu."
            )
        raise refusal(request, response.status)

    def _signed(self, request: Request, sign_in: SignIn) -> Response:
        return self.session.open(
            Request(request.url, {**request.headers, "Authorization": f"Bearer {sign_in.token()}"})
        )

    def _entries(self, url: str) -> Iterator[dict[str, Any]]:
        """All products of a query, page by page."""
        host, seen = Request(url).host, set[str]()
        count = 0
        while url:
            if url in seen or Request(url).host != host:
                raise unexpected(host)  # pages that go round in circles, or elsewhere
            seen.add(url)
            page = self.session.read_json(Request(url))
            entries = _known(page, "value", list, host)
            yield from entries
            count += len(entries)
            if count >= MOST_PRODUCTS:
                raise BadRequestError(
                    f"There are more than {MOST_PRODUCTS:,} products. Choose a smaller area or fewer days."
                )
            url = _next_link(page, host, self.catalogue_url)


def _next_link(page: dict[str, Any], host: str, base: str) -> str:
    link = page.get("@odata.nextLink") or ""
    if not isinstance(link, str) or (link and urlsplit(link).scheme != urlsplit(base).scheme):
        raise unexpected(host)
    return link


def _filter(area: Area, start: date, end: date, level: str) -> str:
    corners = [corner for polygon in area.polygons for corner in polygon[0]]
    lons, lats = zip(*corners)
    west, east, south, north = min(lons), max(lons), min(lats), max(lats)
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    polygon = ",".join(f"{lon:.6f} {lat:.6f}" for lon, lat in ring)
    return " and ".join(
        (
            "Collection/Name eq 'SENTINEL-2'",
            "Attributes/OData.CSC.StringAttribute/any(att:att/Name eq 'productType' "
            f"and att/OData.CSC.StringAttribute/Value eq 'S2MSI{level[1:]}')",
            f"OData.CSC.Intersects(area=geography'SRID=4326;POLYGON(({polygon}))')",
            f"ContentDate/Start ge {start:%Y-%m-%d}T00:00:00.000Z",
            f"ContentDate/Start lt {end + timedelta(days=1):%Y-%m-%d}T00:00:00.000Z",
        )
    )


def _named(offer: Offer) -> str:
    return f"Name eq '{offer.name.text}.SAFE'"


def _offer(entry: Any, host: str) -> Offer | None:
    """The product of an entry; None where it is not one of a single tile."""
    name = parse_name(_known(entry, "Name", str, host))
    if name is None:
        return None
    key = _known(entry, "Id", str, host)
    clouds = [
        item.get("Value")
        for item in entry.get("Attributes") or []
        if isinstance(item, dict) and item.get("Name") == "cloudCover"
    ]
    cloudy = float(clouds[0]) if clouds and isinstance(clouds[0], (int, float)) else None
    size = entry.get("ContentLength")
    return Offer(name, cloudy, size if isinstance(size, int) and size > 0 else None, _footprint(entry, host), key)


def _footprint(entry: dict[str, Any], host: str) -> tuple[Ring, ...]:
    """The outer rings of a GeoJSON polygon or several."""
    shape = _known(entry, "GeoFootprint", dict, host)
    try:
        polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        return tuple(tuple((float(x), float(y)) for x, y, *_ in polygon[0]) for polygon in polygons)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise unexpected(host) from error


def _md5(entry: dict[str, Any]) -> str | None:
    """The MD5 that the catalogue has of a product's zip, in hexadecimal; it lacks some."""
    for item in entry.get("Checksum") or []:
        if isinstance(item, dict) and item.get("Algorithm") == "MD5" and isinstance(item.get("Value"), str):
            return str(item["Value"]).lower() or None
    return None


def _known(entry: Any, name: str, kind: type, host: str) -> Any:
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        raise unexpected(host)
    return value
