"""Small JSON answers of Google's services, refusals included: what they say is wrong, in words of theirs and ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..engines.errors import BadRequestError, EngineError, NotFoundError, RateError, SignInError, TransientError
from ..web.session import Patience, Session, joined, unexpected
from ..web.transport import Fetch, Request
from ..web.words import shown

REFUSALS = (400, 401, 403, 404)
DISABLED = ("SERVICE_DISABLED", "accessNotConfigured")
USER_PROJECT_DENIED = "USER_PROJECT_DENIED"
SCOPES_MISSING = "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
RATE_REASONS = ("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED")
LONGEST_TEXT = 600
QUICK = Patience(attempts=3, first_s=0.5, longest_s=4.0, longest_asked_s=10.0)
"""The user waits for the answer."""
LIBRARY_URL = "https://console.cloud.google.com/apis/library/{service}?project={project}"


class ApiDisabledError(SignInError):
    """The API is not enabled in the project that a request is charged to, the sign-in's own perhaps."""


@dataclass(frozen=True)
class Answer:
    """A JSON object and the status it came with.

    ``reason`` is the short word for a refusal (google.rpc.ErrorInfo, or that of older services), ``message`` the
    service's own sentence.
    """

    status: int
    content: dict[str, Any]
    host: str

    @property
    def is_good(self) -> bool:
        """True where the request was carried out."""
        return self.status < 300

    @property
    def message(self) -> str:
        """What the service says about a refusal."""
        text = self._error.get("message")
        return shown(text, LONGEST_TEXT) if isinstance(text, str) else ""

    @property
    def reason(self) -> str:
        """The service's word for a refusal."""
        for detail in (*_objects(self._error.get("details")), *_objects(self._error.get("errors"))):
            if isinstance(detail.get("reason"), str):
                return detail["reason"]
        status = self._error.get("status")
        return status if isinstance(status, str) else ""

    @property
    def _error(self) -> Mapping[str, Any]:
        error = self.content.get("error")
        return error if isinstance(error, Mapping) else {}

    def require(self) -> dict[str, Any]:
        """The content of a good answer; the error of any other."""
        if not self.is_good:
            raise self.error()
        return self.content

    def error(self) -> EngineError:
        """A refusal as an error for the user."""
        told = f": {self.message}" if self.message else ""
        if self.reason in RATE_REASONS:
            return RateError(f"{self.host} gets too many requests at once. Try again later.")
        if self.reason in DISABLED:
            return ApiDisabledError(f"An API of {self.host} is not enabled{told}")
        if self.reason == SCOPES_MISSING:
            return SignInError(f"The sign-in does not reach {self.host}. Sign in again and leave all boxes ticked.")
        if self.status in (401, 403):
            return SignInError(f"{self.host} does not allow this ({self.status}){told}")
        if self.status == 404:
            return NotFoundError(f"{self.host} does not know this ({self.status}){told}")
        return BadRequestError(f"{self.host} refuses the request ({self.status}){told}")


def waited_for(fetch: Fetch, is_cancelled: Callable[[], bool]) -> Session:
    """A session for requests that a user waits for."""
    return Session(fetch, is_cancelled, QUICK)


def ask(session: Session, request: Request) -> Answer:
    """The answer to a request, refusals included.

    TransientError where none comes, BadRequestError where it is no JSON.
    """
    failures = 0
    while True:
        with closing(session.open(request, REFUSALS)) as response:
            try:
                text = joined(request, response, session.check)
                return Answer(response.status, _content(request, response.status, text), request.host)
            except TransientError:
                failures += 1
                if failures >= session.patience.attempts:
                    raise
        session.pause(failures)


def api_link(service: str, project: str) -> str:
    """The page of the Google Cloud console where an API is enabled for a project."""
    return LIBRARY_URL.format(service=service, project=quote(project, safe=""))


def _content(request: Request, status: int, text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if isinstance(content, dict):
        return content
    if status >= 300:  # a proxy's page perhaps: the status says enough
        return {}
    raise unexpected(request.host)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
