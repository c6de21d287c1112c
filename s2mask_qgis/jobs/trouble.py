"""A service in trouble: how long to leave it alone, and when to give up."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from ..web.session import Patience

PATIENCE = Patience(first_s=2.0, longest_s=300.0)
"""Pauses double from two seconds to five minutes, each drawn between half of that and all of it."""


@dataclass
class Trouble:
    """Failures in a row of whatever call, since the last that succeeded. Times are seconds since 1970."""

    patience_s: float
    draw: Callable[[], float] = field(default=random.random, repr=False)  # a pause is no secret
    failures: int = 0
    since_s: float = 0.0
    until_s: float = 0.0
    last_success_s: float = 0.0
    reason: str = ""

    def failed(self, now_s: float, reason: str) -> None:
        """A call failed in a way that may pass."""
        if self.failures == 0:
            self.since_s = now_s
        self.failures += 1
        self.reason = reason
        self.until_s = now_s + self.pause_s(self.failures)

    def pause_s(self, failures: int) -> float:
        """The pause after so many failures in a row."""
        return PATIENCE.pause_s(min(failures, 32), self.draw())

    def succeeded(self, now_s: float) -> None:
        """A call was answered."""
        self.failures, self.until_s, self.reason = 0, 0.0, ""
        self.last_success_s = now_s

    def is_over(self, now_s: float) -> bool:
        """True once the service may be asked (again)."""
        return now_s >= self.until_s

    def is_hopeless(self, now_s: float) -> bool:
        """True once it has not answered for as long as one was ready to wait."""
        return self.failures > 0 and now_s - self.since_s > self.patience_s
