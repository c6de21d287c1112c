"""Requests that survive a bad connection: tried again with growing pauses, stopped on request, limited in size."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..engines.errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    NotFoundError,
    SignInError,
    TransientError,
)
from .transport import Fetch, Request, Response, fetch, require_web

AGENT = "s2mask_qgis"
REDIRECTIONS = (301, 302, 303, 307, 308)
MOST_REDIRECTIONS = 5
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed (RFC 9110, RFC 6585)."""
HANDLED = (401, 403, 416)
"""Statuses that mean something special where files are downloaded."""
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
"""Far above any listing or metadata file; keeps a wrong answer from filling the memory."""
SLICE_S = 0.25
"""How long a pause goes on before it looks whether to stop."""


@dataclass(frozen=True)
class Patience:
    """How often a request is sent at most, and the pauses between: they double from ``first_s`` up to ``longest_s``.

    Each pause is drawn between half of that and all of it, so that many clients do not come back at one moment. A
    server that names a pause itself (Retry-After) is heeded up to ``longest_asked_s``.
    """

    attempts: int = 6
    first_s: float = 1.0
    longest_s: float = 60.0
    longest_asked_s: float = 600.0

    def pause_s(self, failures: int, share: float) -> float:
        """The pause after so many failures in a row; ``share`` (0-1) is drawn by the caller."""
        return min(self.longest_s, self.first_s * 2 ** (failures - 1)) * (0.5 + 0.5 * share)


@dataclass(frozen=True)
class Session:
    """Sends requests for one task, in its thread."""

    fetch: Fetch = fetch
    is_cancelled: Callable[[], bool] = lambda: False
    patience: Patience = Patience()
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random

    def check(self) -> None:
        """CancelledError once the task was stopped."""
        if self.is_cancelled():
            raise CancelledError("Stopped.")

    def pause(self, failures: int, asked_s: float = 0.0) -> None:
        """Wait before another attempt; CancelledError as soon as the task is stopped."""
        left_s = max(self.patience.pause_s(failures, self.draw()), min(asked_s, self.patience.longest_asked_s))
        while left_s > 0:
            self.check()
            self.sleep(min(SLICE_S, left_s))
            left_s -= SLICE_S
        self.check()

    def open(self, request: Request, wanted: Collection[int] = HANDLED) -> Response:
        """The answer to a request, followed through redirections and tried again while its failure may pass.

        Its status is below 300, or among ``wanted``, which the caller knows how to handle.
        Raises TransientError where all attempts failed, NotFoundError, BadRequestError, CancelledError.
        """
        failures = 0
        while True:
            self.check()
            asked_s = 0.0
            try:
                response = self._follow(request)
                if response.status not in PASSING:
                    return _usable(request, response, wanted)
                response.close()
                asked_s = retry_after_s(response)
                failure = TransientError(f"{request.host} is busy ({response.status}). Try again later.")
            except TransientError as error:
                failure = error
            failures += 1
            if failures >= self.patience.attempts:
                raise failure
            self.pause(failures, asked_s)

    def read(self, request: Request) -> bytes:
        """The whole body of a small answer; it is asked for again where the connection breaks on the way."""
        failures = 0
        while True:
            try:
                with closing(self.open(request)) as response:
                    if response.status >= 300:
                        raise refusal(request, response.status)
                    return joined(request, response, self.check)
            except _BrokenError as error:
                failures += 1
                if failures >= self.patience.attempts:
                    raise TransientError(str(error)) from error
                self.pause(failures)

    def read_json(self, request: Request) -> dict[str, Any]:
        """A small answer that must be a JSON object; BadRequestError where it is none."""
        return json_object(request, self.read(request))

    def exchange(self, request: Request, refused: Collection[int]) -> dict[str, Any] | None:
        """The JSON object that answers what was sent; None where the status is among ``refused``."""
        with closing(self.open(request, refused)) as response:
            if response.status in refused:
                return None
            if response.status >= 300:
                raise refusal(request, response.status)
            return json_object(request, joined(request, response, self.check))

    def _follow(self, request: Request) -> Response:
        for _ in range(MOST_REDIRECTIONS + 1):
            response = self.fetch(replace(request, headers={"User-Agent": AGENT, **request.headers}))
            if response.status not in REDIRECTIONS or "location" not in response.headers:
                return response
            response.close()
            request = _redirected(request, response.headers["location"])
        raise BadRequestError(f"{request.host} sends one from address to address without end. Try again later.")


class _BrokenError(TransientError):
    """The connection broke within a body."""


def refusal(request: Request, status: int) -> EngineError:
    """The error of a status that ends things."""
    if status in (401, 403):
        return SignInError(f"{request.host} does not allow this ({status}). Check the account and its rights there.")
    if status in (404, 410):
        return NotFoundError(f"{request.host} does not have this any more ({status}). Search again.")
    return BadRequestError(
        f"{request.host} refuses the request ({status}). Change the area or the dates, or report it."
    )


def unexpected(host: str) -> BadRequestError:
    """The error of an answer that is not what the service documents."""
    return BadRequestError(
        f"{host} answers with something else than it should. A proxy may be in between, or the service has changed: "
        "try again later, or use the other source."
    )


def size_of(response: Response) -> int | None:
    """The length of the body that is announced."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isdecimal() else None


def json_object(request: Request, text: bytes) -> dict[str, Any]:
    """The JSON object that answers a request; BadRequestError where the text is none."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise unexpected(request.host)
    return found


def _usable(request: Request, response: Response, wanted: Collection[int]) -> Response:
    if response.status < 300 or response.status in wanted:
        return response
    response.close()
    raise refusal(request, response.status)


def joined(request: Request, response: Response, check: Callable[[], None]) -> bytes:
    """The whole body of a small answer; TransientError where the connection breaks before its end."""
    parts, length = [], 0
    try:
        for chunk in response.chunks:
            check()
            parts.append(chunk)
            length += len(chunk)
            if length > LARGEST_ANSWER_BYTES:
                raise unexpected(request.host)
    except TransientError as error:
        raise _BrokenError(str(error)) from error
    if length < (size_of(response) or 0):
        raise _BrokenError(f"The connection to {request.host} broke. Try again later.")
    return b"".join(parts)


def _redirected(request: Request, location: str) -> Request:
    """The request to where a redirection points; only the same host, or one of the same domain, sees the sign-in."""
    if request.body is not None:  # what is sent, a password perhaps, goes nowhere else
        raise unexpected(request.host)
    url = urljoin(request.url, location)
    require_web(url)
    headers = request.headers
    old, new = urlsplit(request.url), urlsplit(url)
    is_weaker = (old.scheme, new.scheme) == ("https", "http")
    if is_weaker or (old.netloc != new.netloc and _domain(old.hostname) != _domain(new.hostname)):
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    return Request(url, headers)


def _domain(host: str | None) -> str:
    """What the hosts of one service have in common: their last three labels; a number is a host of its own."""
    labels = (host or "").lower().split(".")
    return ".".join(labels if labels[-1].isdecimal() else labels[-3:])


def retry_after_s(response: Response) -> float:
    """The pause that a server asks for, in seconds or until a date (RFC 9110, 10.2.3); 0 where it asks for none."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    with suppress(ValueError, TypeError):
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is not None:
            return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
    return 0.0
