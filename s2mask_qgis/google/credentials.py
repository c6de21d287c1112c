"""Accounts that the user may choose: the sign-in of the ``earthengine`` command, and keys of service accounts.

Nothing else is ever looked for: neither GOOGLE_APPLICATION_CREDENTIALS nor gcloud's default account.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engines.errors import SignInError
from ..engines.vendored import import_client
from .account import SERVICE_PREFIX, Account, is_google

COMMAND_TITLE = "user of the earthengine command"
KEY_TYPE = "service_account"
KEY_FIELDS = ("client_email", "private_key", "token_uri")
LARGEST_KEY_CHARACTERS = 100_000


@dataclass(frozen=True)
class KeyFacts:
    """What may be told of a service account's key: whose it is, and its project ("" where it names none)."""

    email: str
    project: str


class DeferredCredentials:
    """Credentials of google-auth that are made when they are first used, in a task's thread.

    Loading the library takes too long for QGIS's main thread, where the secrets are read. Once Google has refused them
    they are made anew: the command may have been signed in again meanwhile.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._used(), name)

    def refresh(self, request: Any) -> None:
        """Ask for a new access token; see google.auth.credentials.Credentials."""
        try:
            self._used().refresh(request)
        except Exception:
            self._made = None
            raise

    def _used(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __repr__(self) -> str:
        return "DeferredCredentials()"


def command_account(title: str = "") -> Account:
    """The account that the ``earthengine`` command is signed in with; its file is read on first use, never copied.

    The first use raises SignInError where there is no usable file.
    """
    return Account(title or COMMAND_TITLE, DeferredCredentials(_command_credentials))


def command_path() -> Path:
    """Where the ``earthengine`` command and the client keep their sign-in."""
    import_client()
    from ee import oauth

    return Path(oauth.get_credentials_path())


def command_project() -> str:
    """The project that was chosen for the command (``earthengine set_project``), "" where there is none."""
    try:
        stored = json.loads(command_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    project = stored.get("project") if isinstance(stored, dict) else None
    return project if isinstance(project, str) and not project.isdecimal() else ""  # a number is the client's own


def key_account(text: str) -> Account:
    """The service account of a key, the content of its file; :func:`check_key` says beforehand whether it is one."""
    return Account(SERVICE_PREFIX + _key_fields(text)["client_email"], DeferredCredentials(lambda: _of_key(text)))


def read_key(path: Path) -> tuple[str, KeyFacts]:
    """A key file's content and whose it is; SignInError where it cannot be used."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST_KEY_CHARACTERS + 1)
    except OSError as error:
        raise SignInError(f"{path.name} cannot be read ({error.strerror}). Choose another file.") from error
    except ValueError:
        raise SignInError(_no_key("is not a text")) from None
    return text, check_key(text)


def check_key(text: str) -> KeyFacts:
    """Whose key this is; SignInError says what is wrong where it cannot be used to sign."""
    fields = _key_fields(text)
    _of_key(text)
    project = fields.get("project_id")
    return KeyFacts(fields["client_email"], project if isinstance(project, str) else "")


def _command_credentials() -> Any:
    """The command's credentials, as the client itself would make them."""
    path = command_path()
    from ee import oauth
    from google.oauth2.credentials import Credentials

    try:
        arguments = oauth.get_credentials_arguments()
    except FileNotFoundError:
        raise SignInError("The earthengine command is not signed in on this computer. Use “In the browser”.") from None
    except (OSError, ValueError, TypeError, AttributeError):
        raise SignInError(f"The sign-in in {path} is damaged. Sign in again in the browser.") from None
    if not isinstance(arguments.get("refresh_token"), str):
        raise SignInError(
            "The earthengine command has no sign-in of its own on this computer, perhaps that of gcloud. "
            "Use “In the browser”."
        )
    return Credentials(None, **arguments)


def _key_fields(text: str) -> dict[str, Any]:
    if len(text) > LARGEST_KEY_CHARACTERS:
        raise SignInError(_no_key("is too large"))
    try:
        fields = json.loads(text)
    except ValueError:
        raise SignInError(_no_key("is not JSON")) from None  # the cause holds the text
    if not isinstance(fields, dict) or fields.get("type") != KEY_TYPE:
        kind = fields.get("type", fields) if isinstance(fields, dict) else None
        told = f", but of the type {kind}" if kind in ("authorized_user", "external_account") else ""
        raise SignInError(_no_key(f"is not the key of a service account{told}"))
    missing = [name for name in KEY_FIELDS if not isinstance(fields.get(name), str) or not fields[name]]
    if missing:
        raise SignInError(_no_key(f"lacks {' and '.join(missing)}"))
    if not is_google(fields["token_uri"]):
        raise SignInError(_no_key("asks for its tokens at an address that is not Google's"))
    return fields


def _of_key(text: str) -> Any:
    fields = _key_fields(text)
    import_client()
    from ee import oauth
    from google.oauth2 import service_account

    try:
        return service_account.Credentials.from_service_account_info(fields, scopes=oauth.SCOPES)
    except Exception:  # what reads keys raises errors of several libraries, and some hold parts of the key
        raise SignInError(_no_key("holds a private key that cannot be read")) from None


def _no_key(reason: str) -> str:
    return f"The file {reason}. Choose the JSON file that the Google Cloud console made for a service account's key."
