"""One of Google's services over an authorized Fetch: JSON in and out, limits waited for, refusals as sentences."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from ..engines.errors import EngineError, NotFoundError, QuotaError, RateError, SignInError, TransientError
from ..web.session import Session, joined, json_object
from ..web.transport import Request, Response
from .answers import DISABLED, RATE_REASONS, SCOPES_MISSING, Answer, ApiDisabledError

QUOTA_REASONS = frozenset(
    {
        "storageQuotaExceeded",
        "dailyLimitExceeded",
        "dailyLimitExceededUnreg",
        "quotaExceeded",
        "downloadQuotaExceeded",
        "numChildrenInNonRootLimitExceeded",
    }
)
"""Reasons of 403 that do not pass within minutes. Source: "Resolve errors" of the Drive API."""
NO_CONSENT = (SCOPES_MISSING, "insufficientPermissions", "insufficientScopes")
REFUSED = tuple(code for code in range(400, 500) if code not in (408, 425, 429))
"""Statuses whose body tells the reason."""
GONE = 410
JSON_HEADERS = {"Content-Type": "application/json; charset=UTF-8"}
_MOST_READ_BYTES = 256 * 1024


@dataclass(frozen=True)
class Service:
    """``title`` names the service for the user; ``api`` is its name in the console (drive.googleapis.com)."""

    title: str
    api: str
    url: str
    session: Session = field(repr=False)

    def address(self, path: str, query: Mapping[str, object] | None = None) -> str:
        """The address of a call; values of the query that are empty are left out."""
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return f"{self.url}/{path}" + (f"?{urlencode(given)}" if given else "")

    def call(
        self,
        path: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
        method: str = "",
    ) -> dict[str, Any]:
        """The JSON object that answers a call; an empty answer is an empty one.

        Raises SignInError, QuotaError, NotFoundError, BadRequestError, TransientError, CancelledError.
        """
        content = json.dumps(body).encode() if body is not None else None
        headers = JSON_HEADERS if body is not None else {}
        request = Request(self.address(path, query), headers, content, method)
        failures = 0
        while True:
            with closing(self.open(request)) as response:
                try:
                    text = joined(request, response, self.session.check)
                    return json_object(request, text.strip() or b"{}")
                except TransientError:
                    failures += 1
                    if failures >= self.session.patience.attempts:
                        raise
            self.session.pause(failures)

    def open(self, request: Request, wanted: Collection[int] = ()) -> Response:
        """The answer to a request: below 300, or among ``wanted``; limits of requests a minute are waited for."""
        failures = 0
        while True:
            response = self.session.open(request, (*wanted, *REFUSED))
            if response.status < 300 or response.status in wanted:
                return response
            with closing(response):
                error = self._error(response)
            failures += 1
            if not isinstance(error, RateError) or failures >= self.session.patience.attempts:
                raise error
            self.session.pause(failures)

    def once(self) -> Service:
        """The service without further attempts, for calls whose outcome is looked at before they are sent again."""
        patience = replace(self.session.patience, attempts=1)
        return replace(self, session=replace(self.session, patience=patience))

    def _error(self, response: Response) -> EngineError:
        answer = Answer(response.status, _explained(b"".join(_first(response))), self.title)
        reason, told = answer.reason, f" ({answer.message})" if answer.message else ""
        if reason in RATE_REASONS:
            return RateError(f"{self.title} takes no more requests for now{told}. Try again in some minutes.")
        if reason in QUOTA_REASONS:
            return QuotaError(f"{self.title}: a limit is used up{told}. {_way_out(reason)}")
        if reason in DISABLED:
            return ApiDisabledError(
                f"{self.title} is switched off for the project. Switch it on at "
                f"https://console.cloud.google.com/apis/library/{self.api}, and try again some minutes later."
            )
        if reason in NO_CONSENT:
            return SignInError(f"The sign-in does not include {self.title}. Sign in again, and allow it.")
        if response.status in (401, 403):
            told = f": {answer.message.rstrip('.')}" if answer.message else ""
            text = f"{self.title} does not allow this ({response.status}){told}."
            return SignInError(f"{text} Check the account and its rights there.")
        if response.status == GONE:
            return NotFoundError(f"{self.title} does not have this any more{told}.")
        return answer.error()


def _way_out(reason: str) -> str:
    if reason in ("storageQuotaExceeded", "numChildrenInNonRootLimitExceeded"):
        return "Make room there, then go on."
    return "Go on tomorrow: what is done is kept."


def _explained(text: bytes) -> dict[str, Any]:
    """The JSON of a refusal; empty where it is a proxy's page, or broken off."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _first(response: Response) -> list[bytes]:
    """The beginning of a body that explains a refusal; a connection that breaks meanwhile does not matter."""
    parts: list[bytes] = []
    try:
        for chunk in response.chunks:
            parts.append(chunk)
            if sum(map(len, parts)) > _MOST_READ_BYTES:
                break
    except EngineError:
        return parts
    return parts
