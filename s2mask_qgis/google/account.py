"""Who is signed in to Google, and requests that say so: the access token is renewed when it is due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ..engines.errors import CancelledError, SignInError
from ..web.transport import Fetch, Request, Response
from .refreshing import refresh

LOOK_S = 0.25
"""How long a thread waits for another one that renews the token before it looks whether to stop."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
DOMAIN = "googleapis.com"
SERVICE_PREFIX = "service account "
USER_PROJECT = "X-Goog-User-Project"
"""The project whose APIs and quota a request uses, where its address names none (Google Cloud, system parameters)."""


@dataclass(frozen=True)
class Account:
    """Who is signed in; the credentials are those of google-auth and are never shown.

    ``lock`` keeps several threads from renewing the token at once; copies of an account share it.
    """

    title: str
    credentials: Any = field(repr=False)
    lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def is_service(self) -> bool:
        """True for a service account."""
        return self.title.startswith(SERVICE_PREFIX)

    def token(self, fetch: Fetch, is_cancelled: Callable[[], bool] = lambda: False, refused: str = "") -> str:
        """An access token that still lasts and is not ``refused``; asked for with ``fetch`` where there is none.

        SignInError where the account is refused, TransientError where nobody answers, CancelledError.
        """
        while not self.lock.acquire(timeout=LOOK_S):
            if is_cancelled():
                raise CancelledError("Stopped.")
        try:
            if not self.credentials.valid or self.credentials.token == refused:
                refresh(self.credentials, fetch)
            return str(self.credentials.token)
        finally:
            self.lock.release()


@dataclass(frozen=True)
class Connection:
    """What a run needs to talk to Google: the account, and a way to make a Fetch that ends once it is cancelled."""

    account: Account
    fetch: Callable[[Callable[[], bool]], Fetch] = field(repr=False)

    def authorized(self, is_cancelled: Callable[[], bool] = lambda: False, project: str = "") -> Fetch:
        """A Fetch that signs requests to Google's services, and those alone; several threads may use it.

        A token that is refused (401) is renewed once, then it is a SignInError. ``project`` is named as the one that
        is charged, for services whose addresses name none.
        """
        plain = self.fetch(is_cancelled)

        def send(request: Request) -> Response:
            if not is_google(request.url):  # a redirection may lead anywhere
                return plain(request)
            token = self.account.token(plain, is_cancelled)
            response = plain(signed(request, token, project))
            if response.status != 401:
                return response
            response.close()
            response = plain(signed(request, self.account.token(plain, is_cancelled, refused=token), project))
            if response.status == 401:
                response.close()
                raise SignInError("Google does not accept the sign-in any more. Sign in again.")
            return response

        return send


def signed(request: Request, token: str, project: str = "") -> Request:
    """The request with the access token (RFC 6750, 2.1) in place of any other."""
    kept = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
    charged = {USER_PROJECT: project} if project else {}
    return replace(request, headers={**charged, **kept, "Authorization": f"Bearer {token}"})


def is_google(url: str) -> bool:
    """True where a token may be sent: Google's services over TLS, and this very computer."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return host in LOOPBACK or (parts.scheme == "https" and (host == DOMAIN or host.endswith(f".{DOMAIN}")))
