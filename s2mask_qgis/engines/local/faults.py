"""Faults on purpose: lost answers, refusals and breakdowns of a service, planned by a test and injected on the way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .messages import Response, error_of


class Fault(Enum):
    """What can go wrong with a request. All but AFTER, DROP_AFTER and SLOW happen before the service has seen it."""

    UNAVAILABLE = "503"
    INTERNAL = "500"
    TOO_MANY_REQUESTS = "429"
    RATE_LIMIT_EXCEEDED = "403 rateLimitExceeded"
    QUOTA_USED_UP = "quota"
    CREDENTIALS_EXPIRED = "401"
    TIME_OUT = "time-out"
    DROP = "drop"
    AFTER = "after"
    DROP_AFTER = "drop after"
    SLOW = "slow"


_REFUSALS: dict[Fault, Response] = {
    Fault.UNAVAILABLE: error_of("UNAVAILABLE", "The service is currently unavailable."),
    Fault.INTERNAL: error_of("INTERNAL", "An internal error has occurred."),
    Fault.TOO_MANY_REQUESTS: error_of(
        "RESOURCE_EXHAUSTED",
        "Too Many Requests: Request was rejected because the request rate or concurrency limit was exceeded.",
    ),
    Fault.RATE_LIMIT_EXCEEDED: error_of("PERMISSION_DENIED", "Rate Limit Exceeded", reason="rateLimitExceeded"),
    Fault.QUOTA_USED_UP: error_of("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Earth Engine compute time'."),
    Fault.CREDENTIALS_EXPIRED: error_of(
        "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token."
    ),
}


@dataclass(frozen=True)
class PlannedFault:
    """One fault: it strikes the requests whose "METHOD path" holds ``path`` (a regular expression), of these the ones
    from number ``first`` (1 is the first) on, ``times`` times. ``seconds`` is how slow SLOW is."""

    fault: Fault
    path: str = ""
    first: int = 1
    times: int = 1
    seconds: float = 0.0


class FaultPlan:
    """The faults of a test, and what has struck. ``failing`` maps an operation's description to the share (0-1) of its
    work at which it fails; ``sleep`` waits for slow requests."""

    def __init__(
        self,
        faults: Iterable[PlannedFault] = (),
        failing: dict[str, float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.struck: list[tuple[Fault, str]] = []
        self.sleep = sleep
        self._failing = dict(failing or {})
        self._seen = [(planned, re.compile(planned.path), [0]) for planned in faults]

    def next(self, method: str, path: str) -> PlannedFault | None:
        """The fault that strikes this request, if one does."""
        chosen = None
        for planned, pattern, count in self._seen:
            if pattern.search(f"{method} {path}") is None:
                continue
            count[0] += 1
            if chosen is None and planned.first <= count[0] < planned.first + planned.times:
                chosen = planned
        if chosen is not None:
            self.struck.append((chosen.fault, f"{method} {path}"))
        return chosen

    def failing_share(self, description: str) -> float | None:
        """The share of its work at which an operation fails, None where it does not."""
        return self._failing.get(description)


def with_fault(planned: PlannedFault, plan: FaultPlan, answer: Callable[[], Response]) -> Response:
    """The response to a request that a fault strikes; raises what a broken connection raises."""
    fault = planned.fault
    if fault in _REFUSALS:
        return _REFUSALS[fault]
    if fault is Fault.TIME_OUT:
        raise TimeoutError("timed out")
    if fault is Fault.DROP:
        raise ConnectionResetError("Connection reset by peer")
    if fault is Fault.SLOW:
        plan.sleep(planned.seconds)
        return answer()
    answer()
    if fault is Fault.DROP_AFTER:
        raise ConnectionResetError("Connection reset by peer")
    return _REFUSALS[Fault.UNAVAILABLE]


def answered(plan: FaultPlan | None, method: str, path: str, answer: Callable[[], Any]) -> Any:
    """The answer to a request, or what the plan makes of it."""
    planned = plan.next(method, path) if plan is not None else None
    return answer() if planned is None or plan is None else with_fault(planned, plan, answer)
