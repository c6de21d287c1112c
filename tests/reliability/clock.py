"""Time that only passes when somebody waits for it, shared by a run and the service that it talks to."""

from __future__ import annotations

import threading
import time

from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.run_loop import SLICE_S

START_S = 1_750_000_000.0
"""When simulated runs begin, seconds since 1970: a day in June 2025."""
THREADS_S = 0.001
"""Real seconds that a wait lasts while other threads may be at work, so that they get on."""


class SimulatedClock:
    """A jobs.clock.Clock that jumps; ``waits`` counts how often somebody waited.

    ``yields`` makes short waits last a moment of real time, for runs whose calls have threads of their own.
    """

    def __init__(self, now_s: float = START_S, yields: bool = False) -> None:
        self._now_s = now_s
        self._yields = yields
        self._lock = threading.Lock()
        self.waits = 0

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self._now_s

    def wait(self, seconds: float, orders: Orders) -> None:
        """Let so much time pass; none once an order has come."""
        if not orders.is_stopped():
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let so much time pass, whoever waits for it."""
        with self._lock:
            self._now_s += max(0.0, seconds)
            self.waits += 1
        if self._yields and seconds <= SLICE_S:
            time.sleep(THREADS_S)
