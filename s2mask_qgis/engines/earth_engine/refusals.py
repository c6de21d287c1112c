"""What the service's refusals mean, as errors whose text says what is wrong and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...web.session import PASSING
from ...web.words import shown
from ..errors import (
    BadRequestError,
    EngineError,
    NotFoundError,
    QueueFullError,
    QuotaError,
    RateError,
    SignInError,
    TransientError,
)

LONGEST_TEXT = 600
"""Characters of the service's own words that are shown."""
RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}
DISABLED_REASONS = {"SERVICE_DISABLED", "accessNotConfigured"}
CONSOLE = "https://console.cloud.google.com/apis/library/earthengine.googleapis.com?project="
REGISTER = "https://code.earthengine.google.com/register?project="

_RATE_WORDS = (
    "resource has been exhausted",
    "too many requests",
    "rate limit",
    "concurrent",
    "request rate",
    "rate of requests",
    "per minute",
)
_DISABLED_WORDS = ("has not been used in project", "it is disabled")
_UNREGISTERED_WORDS = ("not registered", "not signed up", "earth engine account", "noncommercial")
_QUEUE_WORDS = "too many tasks"
_REPEATED_WORDS = re.compile(r"already.*request[ _]?id|request[ _]?id.*already", re.IGNORECASE)


class ExistsError(BadRequestError):
    """What was asked for is there: an asset of that name, or an operation that the same request id has started."""


def refusal(host: str, status: int, data: bytes, project: str) -> EngineError:
    """The error that an answer of status 400 and more means; ``project`` is the one in whose name was asked."""
    described = _described(data)
    if described is None:
        return _unreadable(host, status)
    code, name = _number(described.get("code"), status), str(described.get("status", ""))
    message, reasons = _plain(str(described.get("message", ""))), set(_reasons(described))
    if _QUEUE_WORDS in message.lower():
        return QueueFullError(f"Earth Engine takes no more tasks of the project {project} for now: {message}")
    if code == 429 or name == "RESOURCE_EXHAUSTED" or reasons & RATE_REASONS or "quotaExceeded" in reasons:
        return _limit(message, reasons, project)
    if code in (401, 403):
        return _not_allowed(code, message, reasons, described, project)
    if code == 409 or name == "ALREADY_EXISTS" or _REPEATED_WORDS.search(message):
        return ExistsError(f"Earth Engine has this already: {message}")
    if code in (404, 410):
        return NotFoundError(f"Earth Engine does not have this, or this account may not see it: {message}")
    if code in PASSING or code >= 500:
        return TransientError(f"Earth Engine is busy ({code}): {message} Try again later.")
    return BadRequestError(f"Earth Engine refuses this: {message}")


def _unreadable(host: str, status: int) -> EngineError:
    """The error of an answer that the service has not written."""
    if status == 407:
        return SignInError(f"The proxy on the way to {host} wants a sign-in. Enter it in QGIS's network settings.")
    return TransientError(
        f"{host} answers with something else than it should ({status}). A proxy may be in between: check the "
        "connection, and try again later."
    )


def _limit(message: str, reasons: set[str], project: str) -> QuotaError:
    text = message.lower()
    if reasons & RATE_REASONS or any(words in text for words in _RATE_WORDS):
        return RateError(f"Earth Engine wants fewer requests at once: {message}")
    if "asset" in text or "storage" in text:
        return QuotaError(
            f"The project {project} has no room for more assets: {message} Delete some, or choose Google Drive or a "
            "folder as the destination."
        )
    return QuotaError(
        f"A quota of the project {project} is used up: {message} Wait until it is renewed, or choose another project."
    )


def _not_allowed(
    code: int, message: str, reasons: set[str], described: Mapping[str, Any], project: str
) -> SignInError | QuotaError:
    text = message.lower()
    if reasons & DISABLED_REASONS or any(words in text for words in _DISABLED_WORDS):
        address = _activation(described) or f"{CONSOLE}{project}"
        return SignInError(f"The Earth Engine API is not enabled in the project {project}. Enable it at {address}")
    if code == 401:
        return SignInError("Google does not accept the sign-in any more. Sign in again.")
    if any(words in text for words in _UNREGISTERED_WORDS):
        return SignInError(
            f"The project {project} is not registered for Earth Engine. Register it at {REGISTER}{project}, or choose "
            f"another project. Google says: {message}"
        )
    return SignInError(
        f"This account may not do this in the project {project}: {message} Choose another project or account, or ask "
        "the project's owner for the role “Earth Engine Resource Writer”."
    )


def _described(data: bytes) -> dict[str, Any] | None:
    """The error in an answer's body, None where there is none."""
    try:
        value = json.loads(data)
    except ValueError:
        return None
    found = value.get("error") if isinstance(value, dict) else None
    return found if isinstance(found, dict) else None


def _reasons(described: Mapping[str, Any]) -> Iterator[str]:
    """The short names of reasons: of older calls (errors) and of newer ones (details, google.rpc.ErrorInfo)."""
    for key in ("errors", "details"):
        items = described.get(key)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and isinstance(item.get("reason"), str):
                yield item["reason"]


def _activation(described: Mapping[str, Any]) -> str:
    """The address at which an API is enabled, as the error tells it; "" where it tells none of Google's."""
    items = described.get("details")
    for item in items if isinstance(items, list) else ():
        metadata = item.get("metadata") if isinstance(item, dict) else None
        address = metadata.get("activationUrl") if isinstance(metadata, dict) else None
        if isinstance(address, str) and address.startswith("https://console."):
            return address
    return ""


def _plain(message: str) -> str:
    """The service's words, short, in one line, ended by a full stop, without anything that looks like a token."""
    text = shown(message, LONGEST_TEXT)
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise
