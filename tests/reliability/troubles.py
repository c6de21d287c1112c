"""What goes wrong on purpose: with a request at a given position of a run, or with an export that was accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from s2mask_qgis.engines.local.faults import Fault, FaultPlan, PlannedFault, with_fault
from s2mask_qgis.engines.local.messages import JSON, error_of

from .tasks import Fate

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

FOR_GOOD = 10**9
"""So many times in a row: until the trouble is taken away."""


class Trouble(Enum):
    """One way in which a request or an export can go wrong."""

    UNAVAILABLE = "503"
    TOO_MANY_REQUESTS = "429"
    RATE_LIMIT = "403 rate limit"
    TIME_OUT = "time-out"
    RESET = "connection reset"
    RESET_MIDWAY = "connection reset in the answer"
    LOST_ANSWER = "lost answer"
    REFUSED_AFTER = "503 after it was done"
    HTML_PAGE = "malformed: a page of HTML"
    TRUNCATED = "malformed: truncated JSON"
    QUOTA = "quota used up"
    CREDENTIALS = "expired credentials"
    FAILED = "operation failed (passing)"
    FAILED_MEMORY = "operation failed (memory)"
    FAILED_FOR_GOOD = "operation failed (for good)"
    VANISHED = "operation vanished, not made"
    FORGOTTEN = "operation vanished, made"


OF_OPERATIONS = (
    Trouble.FAILED,
    Trouble.FAILED_MEMORY,
    Trouble.FAILED_FOR_GOOD,
    Trouble.VANISHED,
    Trouble.FORGOTTEN,
)
LASTING = (Trouble.QUOTA, Trouble.CREDENTIALS)
"""Troubles that somebody has to do something about."""

_FAULTS = {
    Trouble.UNAVAILABLE: Fault.UNAVAILABLE,
    Trouble.TOO_MANY_REQUESTS: Fault.TOO_MANY_REQUESTS,
    Trouble.RATE_LIMIT: Fault.RATE_LIMIT_EXCEEDED,
    Trouble.TIME_OUT: Fault.TIME_OUT,
    Trouble.RESET: Fault.DROP,
    Trouble.LOST_ANSWER: Fault.DROP_AFTER,
    Trouble.REFUSED_AFTER: Fault.AFTER,
    Trouble.QUOTA: Fault.QUOTA_USED_UP,
    Trouble.CREDENTIALS: Fault.CREDENTIALS_EXPIRED,
}
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Please sign in.</body></html>"
_NO_TOKEN = error_of("INVALID_ARGUMENT", "")[0], {"content-type": JSON}, b'{"error": "invalid_grant"}'


@dataclass(frozen=True)
class Planned:
    """A trouble of the requests (or, of operations: of the accepted exports) from number ``first`` (from 1) on,
    ``times`` times."""

    trouble: Trouble
    first: int
    times: int = 1

    def strikes(self, number: int) -> bool:
        """Whether it strikes the request or export of this number."""
        return self.first <= number < self.first + self.times


class BrokenError(Exception):
    """The connection breaks after a part of the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("broken")
        self.answer = answer


class Troubles:
    """All that goes wrong in a run; ``struck`` tells what has. Token requests are counted apart."""

    def __init__(self, planned: Iterable[Planned] = ()) -> None:
        self.struck: list[tuple[Trouble, str]] = []
        self._planned = tuple(planned)
        self._requests = 0
        self._exports = 0

    def clear(self) -> None:
        """From now on all goes well."""
        self._planned = ()

    def answer(self, call: str, answer: Callable[[], Answer]) -> Answer:
        """What comes back of a request; raises OSError where nothing does, BrokenError where a part does."""
        self._requests += 1
        for planned in self._planned:
            if planned.trouble not in OF_OPERATIONS and planned.strikes(self._requests):
                self.struck.append((planned.trouble, call))
                return _troubled(planned.trouble, answer)
        return answer()

    def token(self, answer: Callable[[], Answer]) -> Answer:
        """What comes back where a new access token is asked for."""
        for planned in self._planned:
            if planned.trouble is Trouble.CREDENTIALS and planned.times > 1 and self._requests >= planned.first:
                return _NO_TOKEN
        return answer()

    def fate(self, fate: Fate, description: str) -> Fate:
        """How an accepted export will go after all."""
        self._exports += 1
        for planned in self._planned:
            if planned.trouble in OF_OPERATIONS and planned.strikes(self._exports):
                self.struck.append((planned.trouble, description))
                return _troubled_fate(planned.trouble, fate)
        return fate


def _troubled(trouble: Trouble, answer: Callable[[], Answer]) -> Answer:
    if trouble is Trouble.HTML_PAGE:
        return 200, {"content-type": "text/html"}, _PAGE
    if trouble in (Trouble.TRUNCATED, Trouble.RESET_MIDWAY):
        status, headers, body = answer()
        part = status, headers, body[: len(body) // 2]
        if trouble is Trouble.RESET_MIDWAY:
            raise BrokenError(part)
        return part
    return with_fault(PlannedFault(_FAULTS[trouble]), FaultPlan(), answer)


def _troubled_fate(trouble: Trouble, fate: Fate) -> Fate:
    if trouble is Trouble.FAILED:
        return replace(fate, code=13, error="An internal error has occurred; please try again.")
    if trouble is Trouble.FAILED_MEMORY:
        return replace(fate, code=3, error="User memory limit exceeded.")
    if trouble is Trouble.FAILED_FOR_GOOD:
        return replace(fate, code=3, error="Image.select: Band pattern 'B99' did not match any bands.")
    if trouble is Trouble.VANISHED:
        return replace(fate, vanishes_s=fate.seconds / 2)
    return replace(fate, vanishes_s=fate.seconds + 0.001)


def chunks(body: bytes, error: Exception | None = None) -> Iterator[bytes]:
    """A body as it is read, with the error that ends it."""
    yield body
    if error is not None:
        raise error
