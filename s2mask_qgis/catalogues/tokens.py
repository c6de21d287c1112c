"""Sign-in to the Copernicus Data Space: a password becomes an access token, which is renewed before it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ..engines.errors import SignInError
from ..web.session import Session, unexpected
from ..web.transport import Request

IDENTITY_URL = "https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/token"
CLIENT = "cdse-public"
EARLY_S = 30.0
"""A token is renewed so long before its end, since a request takes its time."""


@dataclass(frozen=True)
class Account:
    """A user of the Copernicus Data Space; the password is never shown."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class _Tokens:
    access: str = field(repr=False)
    ends_s: float
    refresh: str = field(repr=False)
    refresh_ends_s: float


class SignIn:
    """The tokens of one account, asked for when they are needed; they stay in memory.

    Source: documentation.dataspace.copernicus.eu, APIs, Access Token: grants "password" and "refresh_token" of the
    public client at the identity service, whose answer tells the seconds that each token lasts (RFC 6749, 4.3 and 6).
    """

    def __init__(
        self,
        account: Account,
        session: Session,
        identity_url: str = IDENTITY_URL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._session = session
        self._url = identity_url
        self._clock = clock
        self._tokens: _Tokens | None = None

    def token(self) -> str:
        """An access token that still lasts; SignInError where the account is refused."""
        if self._tokens is None or self._clock() > self._tokens.ends_s - EARLY_S:
            self._tokens = self._renewed()
        return self._tokens.access

    def forget(self) -> None:
        """The service refused the access token: another one must be asked for."""
        if self._tokens is not None:
            self._tokens = _Tokens("", 0.0, self._tokens.refresh, self._tokens.refresh_ends_s)

    def _renewed(self) -> _Tokens:
        old = self._tokens
        if old is not None and old.refresh and self._clock() < old.refresh_ends_s - EARLY_S:
            renewed = self._ask({"grant_type": "refresh_token", "refresh_token": old.refresh})
            if renewed is not None:
                return renewed
        account = {"username": self._account.user, "password": self._account.password}
        tokens = self._ask({"grant_type": "password", **account})
        if tokens is None:
            raise SignInError(
                "The Copernicus Data Space does not accept the user or the password. Check them in the "
                "account chosen, and sign in once at dataspace.copernicus.eu. Accounts with two-factor "
                "authentication cannot be used here."
            )
        return tokens

    def _ask(self, form: dict[str, str]) -> _Tokens | None:
        """The tokens for a grant; None where it is refused."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Request(self._url, headers, urlencode({"client_id": CLIENT, **form}).encode())
        answer = self._session.exchange(request, refused=(400, 401))
        return None if answer is None else self._tokens_of(answer, request.host)

    def _tokens_of(self, answer: dict[str, Any], host: str) -> _Tokens:
        now = self._clock()
        access, refresh = answer.get("access_token"), answer.get("refresh_token", "")
        lasts, refresh_lasts = answer.get("expires_in", 0), answer.get("refresh_expires_in", 0)
        is_right = isinstance(access, str) and access and isinstance(refresh, str)
        if not is_right or not all(isinstance(seconds, (int, float)) for seconds in (lasts, refresh_lasts)):
            raise unexpected(host)
        return _Tokens(str(access), now + lasts, refresh, now + refresh_lasts)
