"""Time as a run sees it: the real one, or one that a simulation moves."""

from __future__ import annotations

import time
from typing import Protocol

from .orders import Orders


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now_s(self) -> float:
        """Seconds since 1970."""

    def wait(self, seconds: float, orders: Orders) -> None:
        """Let so much time pass, less where an order comes."""


class SystemClock:
    """The time of this computer."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, seconds: float, orders: Orders) -> None:
        """Let so much time pass, less where an order comes."""
        orders.wait(seconds)
