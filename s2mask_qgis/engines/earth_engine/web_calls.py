"""Makes calls of the service over the network: addresses, time-outs, another try where that helps, refusals told."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from ...web.session import Patience, retry_after_s
from ...web.transport import Fetch, Request, Response
from ..calls import MALFORMED, Call, Effort
from ..errors import CancelledError, EngineError, RateError, TransientError
from .refusals import refusal

API = "https://earthengine.googleapis.com"
HIGH_VOLUME = "https://earthengine-highvolume.googleapis.com"
"""For many small computations at once. Source: the page on the high-volume endpoint of the Earth Engine guides."""
VERSION = "v1"

LOOKUP_SECONDS = 60.0
COMPUTED_SECONDS = 330.0
"""How long a computation may stay silent: the service gives up after 300 s itself (the quota page of the guides)."""

LARGEST_ANSWER_BYTES = 96 * 2**20
"""Twice what the service sends of pixels (48 MiB)."""
PATIENCE = Patience(attempts=4, first_s=1.0, longest_s=30.0, longest_asked_s=60.0)
"""Some ten seconds in all: what takes longer to pass is left to the run, which waits without holding a thread."""
_SLICE_S = 0.25


@dataclass(frozen=True)
class Urls:
    """Where the service answers: all calls at ``api``, computations that are waited for at ``high_volume``."""

    api: str = API
    high_volume: str = HIGH_VOLUME


@dataclass(frozen=True)
class _Failure:
    """Why an attempt failed, and the pause that the service asks for before the next one."""

    error: EngineError
    asked_s: float = 0.0


@dataclass(frozen=True)
class WebCalls:
    """Makes calls in the name of a project; see engines.calls.Answer. Repeating any of them does no harm: exports have
    a request id, the others only read, cancel, or make what they would find there.

    ``on_log`` hears of every call that is made again, on the thread that makes it.
    """

    fetch: Fetch = field(repr=False)
    project: str
    urls: Urls = Urls()
    is_cancelled: Callable[[], bool] = lambda: False
    patience: Patience = PATIENCE
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random
    on_log: Callable[[str], None] = lambda line: None

    def __call__(self, call: Call) -> bytes:
        """The body of the answer to a call; EngineError where it is refused or does not come."""
        request = self._request(call)
        failures = 0
        while True:
            self._check()
            outcome = self._attempt(request)
            if isinstance(outcome, bytes):
                return outcome
            failures += 1
            if failures >= self.patience.attempts or not isinstance(outcome.error, (TransientError, RateError)):
                raise outcome.error
            self.on_log(f"{call.path.rpartition('/')[2]} is asked for again: {outcome.error}")
            self._pause(failures, outcome.asked_s)

    def _request(self, call: Call) -> Request:
        is_computed = call.effort is Effort.COMPUTED
        base = self.urls.high_volume if is_computed else self.urls.api
        query = f"?{urlencode(call.query)}" if call.query else ""
        body = None if call.body is None else json.dumps(call.body, separators=(",", ":")).encode()
        headers = {"Accept": "*/*", **({} if body is None else {"Content-Type": "application/json"})}
        seconds = COMPUTED_SECONDS if is_computed else LOOKUP_SECONDS
        url = f"{base}/{VERSION}/{quote(call.path, safe='/:')}{query}"
        return Request(url, headers, body, call.method, seconds)

    def _attempt(self, request: Request) -> bytes | _Failure:
        try:
            with closing(self.fetch(request)) as response:
                data = _body(response)
        except TransientError as error:
            return _Failure(error)
        if response.status < 300 and _is_whole(response, data):
            return data
        if response.status < 400:
            return _Failure(TransientError(MALFORMED))
        return _Failure(refusal(request.host, response.status, data, self.project), retry_after_s(response))

    def _pause(self, failures: int, asked_s: float) -> None:
        left_s = max(self.patience.pause_s(failures, self.draw()), min(asked_s, self.patience.longest_asked_s))
        while left_s > 0:
            self._check()
            self.sleep(min(_SLICE_S, left_s))
            left_s -= _SLICE_S

    def _check(self) -> None:
        if self.is_cancelled():
            raise CancelledError("Stopped on request.")


def _body(response: Response) -> bytes:
    """The whole body; TransientError where it ends early or is far too large."""
    parts, length = [], 0
    for chunk in response.chunks:
        parts.append(chunk)
        length += len(chunk)
        if length > LARGEST_ANSWER_BYTES:
            raise TransientError(MALFORMED)
    announced = response.headers.get("content-length", "")
    is_packed = "content-encoding" in response.headers  # then what is announced is another length
    if announced.isdecimal() and length < int(announced) and not is_packed:
        raise TransientError("The connection to Earth Engine broke within an answer. Try again later.")
    return b"".join(parts)


def _is_whole(response: Response, data: bytes) -> bool:
    """False for the page of a proxy, and for JSON that breaks off: then the call is worth another try."""
    kind = response.headers.get("content-type", "").lower()
    return "html" not in kind and ("json" not in kind or data.rstrip()[-1:] in (b"}", b"]"))
