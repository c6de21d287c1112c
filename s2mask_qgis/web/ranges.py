"""A file over HTTP from any byte on: the request for it, and what of the answer is usable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .transport import Request, Response


@dataclass(frozen=True)
class Body:
    """The bytes of a file from ``offset`` on: 0 where the server gives the whole file whatever was asked for.

    ``size_bytes`` is that of the whole file where the server tells it; ``close`` ends the connection.
    """

    offset: int
    size_bytes: int | None
    chunks: Iterator[bytes]
    close: Callable[[], None] = lambda: None


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
