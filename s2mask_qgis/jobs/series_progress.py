"""How far a series job is: shares of each series for its stages, told as thousandths that never fall."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from threading import Lock

from ..engines.errors import CancelledError

OnCount = Callable[[int, int], None]
IsCancelled = Callable[[], bool]
PARTS = 1000
"""What each series counts, whatever there is to do in it."""


class Step(Enum):
    """A stage of one series, and where its share of PARTS begins and ends."""

    SAMPLE = (0, 30)
    PLAN = (30, 100)
    PIXELS = (100, 1000)


def step_of(done: int) -> Step:
    """The stage in which a job is that has told ``done``."""
    return next(step for step in Step if done % PARTS < step.value[1])


class SeriesProgress:
    """Tells ``on_count`` how far a job over ``series_count`` series is."""

    def __init__(self, series_count: int, on_count: OnCount, is_cancelled: IsCancelled) -> None:
        self._total = series_count * PARTS
        self._on_count = on_count
        self._is_cancelled = is_cancelled
        self._told = 0
        self._lock = Lock()  # the threads that work on pixels tell as well

    def check(self) -> None:
        """CancelledError where the job is to stop."""
        if self._is_cancelled():
            raise CancelledError("Stopped on request.")

    def of(self, series_number: int, step: Step) -> OnCount:
        """What a stage of a series (numbers from 0) calls with (done, total) of its own pieces; CancelledError where
        the job is to stop."""
        first, last = step.value

        def count(done: int, total: int) -> None:
            self.check()
            self._tell(series_number * PARTS + first + (last - first) * done // max(total, 1))

        return count

    def end_of(self, series_number: int) -> None:
        """A series is done."""
        self._tell((series_number + 1) * PARTS)

    def _tell(self, parts: int) -> None:
        with self._lock:
            if parts > self._told:
                self._told = parts
                self._on_count(parts, self._total)
