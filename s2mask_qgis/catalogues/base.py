"""The one seam between downloads and catalogues: what a catalogue can do, and what crosses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from ..core.area import Area
from ..web.session import Session
from ..web.transport import Request, Response
from .products import Offer, RemoteFile

CountCallback = Callable[[int, int], None]
"""Called with (done, total) as work proceeds; the total is 0 where it is not known."""


@dataclass(frozen=True)
class Body:
    """The bytes of a file from ``offset`` on: 0 where the server gives the whole file whatever was asked for.

    ``size_bytes`` is that of the whole file where the server tells it; ``close`` ends the connection.
    """

    offset: int
    size_bytes: int | None
    chunks: Iterator[bytes]
    close: Callable[[], None] = lambda: None


class Catalogue(Protocol):
    """A catalogue of Sentinel-2 products.

    All methods raise EngineError with a sentence: SignInError, QuotaError, NotFoundError, BadRequestError,
    TransientError, CancelledError.
    """

    @property
    def session(self) -> Session:
        """What its requests are sent by."""
        ...

    def search(self, area: Area, start: date, end: date, level: str, on_count: CountCallback) -> tuple[Offer, ...]:
        """The products of a level that meet ``area``, taken from ``start`` to ``end`` (UTC, both days included)."""
        ...

    def files(self, offer: Offer) -> tuple[RemoteFile, ...]:
        """The files of a product."""
        ...

    def open(self, file: RemoteFile, offset: int) -> Body:
        """The bytes of a file from ``offset`` on, or from its beginning."""
        ...


def ranged(url: str, offset: int) -> Request:
    """The request for a file from ``offset`` on (RFC 9110, 14.2)."""
    headers = {"Accept-Encoding": "identity"}  # compressed on the way, offsets and sizes would be others
    if offset:
        headers["Range"] = f"bytes={offset}-"
    return Request(url, headers)


def body_of(response: Response, offset: int) -> Body | None:
    """The body of an answer to :func:`ranged`; None where it is not a part of the file that can be used."""
    if response.status == 206 and offset:
        first, total = _content_range(response.headers.get("content-range", ""))
        return Body(offset, total, response.chunks, response.close) if first == offset else None
    if response.status == 200:
        length = response.headers.get("content-length", "")
        return Body(0, int(length) if length.isdecimal() else None, response.chunks, response.close)
    return None


def _content_range(text: str) -> tuple[int | None, int | None]:
    """The first byte and the length of the whole of "bytes 5-9/10"."""
    span, _, total = text.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return int(first) if first.isdecimal() else None, int(total) if total.isdecimal() else None
