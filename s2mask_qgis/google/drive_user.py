"""Who an account's Google Drive belongs to and how much room is left there.

Source: Drive API v3, about.get. It is also the one way to learn a user's e-mail that the client's scopes allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..web.session import Session, unexpected
from ..web.transport import Request
from .answers import ask
from .urls import GOOGLE, Urls

FIELDS = "user(emailAddress),storageQuota(limit,usage)"


@dataclass(frozen=True)
class DriveUser:
    """The owner of a Drive; ``limit_bytes`` is None where there is no limit."""

    email: str
    used_bytes: int
    limit_bytes: int | None

    @property
    def free_bytes(self) -> int | None:
        """The room that is left, None where there is no limit."""
        return None if self.limit_bytes is None else max(0, self.limit_bytes - self.used_bytes)


def drive_user(session: Session, urls: Urls = GOOGLE) -> DriveUser:
    """The owner of the account's Drive; SignInError where the sign-in does not reach Drive."""
    answer = ask(session, Request(f"{urls.drive}/about?{urlencode({'fields': FIELDS})}"))
    content = answer.require()
    user, quota = content.get("user", {}), content.get("storageQuota", {})
    if not isinstance(user, dict) or not isinstance(quota, dict):
        raise unexpected(answer.host)
    email = user.get("emailAddress", "")
    limit = quota.get("limit")
    used = _bytes(quota.get("usage", "0"), answer.host)
    return DriveUser(str(email), used, None if limit is None else _bytes(limit, answer.host))


def _bytes(value: Any, host: str) -> int:
    """A number of bytes, which the API sends as text."""
    if not isinstance(value, (str, int)) or not str(value).isdecimal():
        raise unexpected(host)
    return int(value)
