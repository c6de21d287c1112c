"""The one seam between downloads and catalogues: what a catalogue can do, and what crosses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Protocol

from ..core.area import Area
from ..web.ranges import Body
from ..web.session import Session
from .products import Offer, RemoteFile

CountCallback = Callable[[int, int], None]
"""Called with (done, total) as work proceeds; the total is 0 where it is not known."""


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
