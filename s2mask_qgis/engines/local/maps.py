"""Maps and thumbnails that were asked for: orders kept by name until they are fetched, the oldest dropped first."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Any

from ..errors import NotFoundError
from .assets import PROJECT

KEPT = 200
"""Maps and thumbnails kept at once; a map asked for before them has expired, as the service's do after some hours."""


class OrderBook:
    """Orders by name. ``kind`` is the service's name for what they are: maps, thumbnails."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._orders: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, order: dict[str, Any]) -> str:
        """Keep an order; returns its name, which cannot be guessed."""
        name = f"projects/{PROJECT}/{self._kind}/{secrets.token_hex(16)}"
        with self._lock:
            self._orders[name] = order
            while len(self._orders) > KEPT:
                self._orders.popitem(last=False)
        return name

    def find(self, name: str) -> dict[str, Any]:
        """The order of a name. NotFoundError where there is none, or no longer."""
        with self._lock:
            if name not in self._orders:
                raise NotFoundError(f"'{name}' is not known or has expired; ask for it again.")
            self._orders.move_to_end(name)
            return self._orders[name]
