"""What a user tells a run that goes on: pause it, cancel it, try images again; safe to call from any thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection


class Orders:
    """One run's orders. A cancelled run cannot be paused any more."""

    def __init__(self) -> None:
        self._given = threading.Event()
        self._is_cancelled = False
        self._retries: deque[Collection[str] | None] = deque()

    def retry(self, indexes: Collection[str] | None = None) -> None:
        """Take up images again that have failed: these, or all."""
        self._retries.append(indexes)

    def take_retries(self) -> list[Collection[str] | None]:
        """The retries that were asked for since the last time."""
        return [self._retries.popleft() for _ in range(len(self._retries))]

    def pause(self) -> None:
        """Stop sending; what the service computes goes on."""
        self._given.set()

    def cancel(self) -> None:
        """Stop sending, and stop what the service computes."""
        self._is_cancelled = True
        self._given.set()

    @property
    def is_cancelled(self) -> bool:
        """True once the run is to be cancelled."""
        return self._is_cancelled

    @property
    def is_paused(self) -> bool:
        """True once the run is to be paused."""
        return self._given.is_set() and not self._is_cancelled

    def is_stopped(self) -> bool:
        """True once the run is to end, one way or the other: what is waited for is given up."""
        return self._given.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until an order comes; True where one has come."""
        return self._given.wait(seconds)
