"""Sign-in in the system's browser: the client's own OAuth flow, with an end and over the plugin's network.

Source: RFC 8252 (native applications) and RFC 7636 (PKCE). Client, scopes, address and file are those of ``ee.oauth``,
so the ``earthengine`` command shares the sign-in. Its own server waits without end and its exchange knows no proxy.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..engines.errors import SignInError, StorageError
from ..web.session import Session, unexpected
from ..web.transport import Request
from .account import Account
from .credentials import COMMAND_TITLE, command_path, command_project
from .redirect import receiver

TIMEOUT_S = 300.0
"""How long the browser has for its answer."""
SCOPE = "https://www.googleapis.com/auth/"
NEEDED = (f"{SCOPE}earthengine", f"{SCOPE}cloud-platform")
"""Without Drive and Cloud Storage: Google may block the whole set for some accounts."""


def sign_in(
    session: Session,
    open_browser: Callable[[str], None],
    scopes: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
    token_uri: str = "",
) -> Account:
    """Ask the user in the browser, and keep the sign-in where the ``earthengine`` command keeps its own.

    ``open_browser`` is called once with the address, from this thread; no ``scopes`` are the client's all.
    Raises SignInError (refused, or nothing came within ``timeout_s``), StorageError, TransientError, CancelledError.
    """
    path = command_path()
    from ee import oauth

    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    scopes = list(scopes) or oauth.SCOPES
    with receiver(state) as redirect:
        address = oauth.get_authorization_url(_challenge(verifier), scopes, redirect.url)
        open_browser(f"{address}&{urlencode({'state': state})}")
        code = redirect.code(session.is_cancelled, timeout_s)
    form = {
        "code": code,
        "client_id": oauth.CLIENT_ID,
        "client_secret": oauth.CLIENT_SECRET,
        "redirect_uri": redirect.url,
        "grant_type": "authorization_code",
        "code_verifier": verifier,
    }
    token_uri = token_uri or oauth.TOKEN_URI
    tokens = _exchanged(session, token_uri, form)
    granted = _granted(tokens, scopes)
    stored = {"redirect_uri": redirect.url, "refresh_token": tokens["refresh_token"], "scopes": granted}
    _keep(path, stored)
    return Account(COMMAND_TITLE, _credentials(tokens, granted, token_uri))


def _challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _exchanged(session: Session, token_uri: str, form: dict[str, str]) -> dict[str, Any]:
    """The tokens for a code (RFC 6749, 4.1.3)."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = Request(token_uri, headers, urlencode(form).encode())
    tokens = session.exchange(request, refused=(400, 401))
    if tokens is None:
        raise SignInError("Google does not accept the browser's answer any more. Sign in again.")
    if not all(isinstance(tokens.get(name), str) and tokens[name] for name in ("access_token", "refresh_token")):
        raise unexpected(request.host)
    return tokens


def _granted(tokens: dict[str, Any], scopes: Sequence[str]) -> list[str]:
    """What the user allowed, which may be less than was asked for."""
    told = tokens.get("scope")
    granted = told.split() if isinstance(told, str) and told else list(scopes)
    if NEEDED[0] not in granted:
        raise SignInError("Earth Engine was left out in the browser. Sign in again and leave its box ticked.")
    return [scope for scope in scopes if scope in granted]


def _credentials(tokens: dict[str, Any], scopes: Sequence[str], token_uri: str) -> Any:
    from ee import oauth
    from google.oauth2.credentials import Credentials

    lasts_s = tokens.get("expires_in")
    lasts = timedelta(seconds=lasts_s if isinstance(lasts_s, (int, float)) else 0)
    return Credentials(
        tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        token_uri=token_uri,
        client_id=oauth.CLIENT_ID,
        client_secret=oauth.CLIENT_SECRET,
        scopes=scopes,
        expiry=(datetime.now(timezone.utc) + lasts).replace(tzinfo=None),
    )


def _keep(path: Path, stored: dict[str, Any]) -> None:
    """Write the file for this user's eyes only, whole or not at all; the project chosen for the command stays."""
    from ee import oauth

    project = command_project()
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        oauth.write_private_json(str(partial), {**stored, **({"project": project} if project else {})})
        partial.replace(path)
    except Exception as error:  # the client raises plain exceptions here
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise StorageError(f"The sign-in cannot be kept in {path.parent} ({reason}). Free the folder.") from None
