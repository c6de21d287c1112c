"""Renews google-auth's credentials over our own way to send requests, and says in a sentence why it does not work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ..engines.errors import SignInError, TransientError
from ..engines.vendored import import_client
from ..web.transport import Fetch, Request

LARGEST_ANSWER_BYTES = 1024 * 1024
PASSING = (408, 425, 429, 500, 502, 503, 504)
_IN_BETWEEN = "A proxy may be in between, or the connection may have broken: check it, and try again."


def refresh(credentials: Any, fetch: Fetch) -> None:
    """Ask for a new access token.

    Raises SignInError where the account is refused, TransientError where nobody answers. Neither they nor what they
    come from hold anything secret.
    """
    import_client()  # brings google-auth along where Python has none
    from google.auth.exceptions import GoogleAuthError

    transport = _AuthTransport(fetch)
    try:
        credentials.refresh(transport)
    except (GoogleAuthError, ValueError, TypeError, AttributeError):  # the latter for an answer of another form
        raise SignInError(refusal_text(transport.refusal)) from None  # the cause holds the whole answer


def refusal_text(code: str) -> str:
    """What to do about an error code of the token service (RFC 6749, 5.2)."""
    if code in ("invalid_grant", "invalid_rapt"):
        return (
            "Google does not accept the sign-in any more: it has expired or was withdrawn. Sign in again. "
            "Where that does not help, check this computer's clock."
        )
    if code in ("invalid_client", "unauthorized_client", "deleted_client"):
        return f"Google does not know the program or key that the sign-in was made with ({code}). Sign in again."
    told = f" ({code})" if code else ""
    return f"Google refuses to renew the sign-in{told}. Sign in again."


@dataclass(frozen=True)
class _Answer:
    """An answer as google-auth wants it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _AuthTransport:
    """What google-auth calls to send a request (google.auth.transport.Request).

    Failures that may pass, and answers that are not the service's, leave at once as TransientError: the session
    outside tries again, and can be stopped.
    ``refusal`` is the error code of the last answer, "" where it has none.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self.refusal = ""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: Any,
    ) -> _Answer:
        """Send one request."""
        content = body.encode() if isinstance(body, str) else body
        request = Request(url, dict(headers or {}), content if method != "GET" else None)
        with closing(self._fetch(request)) as response:
            if response.status in PASSING:
                raise TransientError(f"{request.host} is busy ({response.status}). Try again later.")
            data = b""
            for chunk in response.chunks:
                data += chunk
                if len(data) > LARGEST_ANSWER_BYTES:
                    raise TransientError(f"{request.host} answers with something else than it should. {_IN_BETWEEN}")
            answer = _object(data)
            if answer is None:
                raise TransientError(f"{request.host} answers with something else than it should. {_IN_BETWEEN}")
            self.refusal = _code_in(answer)
            return _Answer(response.status, response.headers, data)


def _object(data: bytes) -> dict[str, Any] | None:
    """The JSON object that the token service always answers with; None for the page of a proxy, or half an answer."""
    try:
        answer = json.loads(data)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _code_in(answer: Mapping[str, Any]) -> str:
    """The error code that an answer holds: only a word leaves, never what else is written there."""
    code = answer.get("error_subtype") or answer.get("error")
    is_word = isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha() and len(code) <= 40
    return str(code) if is_word else ""
