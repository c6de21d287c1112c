"""The stand-in of Google, an empty home for the command's sign-in, and sessions that do not wait."""

from __future__ import annotations

import json
import threading

import pytest
from google.oauth2.credentials import Credentials

from s2mask_qgis.google.account import Account, Connection
from s2mask_qgis.web.session import Patience, Session
from s2mask_qgis.web.transport import fetch
from tests.google.google_stand_in import REFRESH, Google


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home without any sign-in, and other tools' credentials that must not be used."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def command_file(home):
    """Writes the sign-in of the earthengine command."""

    def write(**content):
        path = home / ".config" / "earthengine" / "credentials"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content or {"refresh_token": REFRESH}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def google():
    server = Google()
    yield server
    server.close()


@pytest.fixture
def account(google):
    credentials = Credentials(None, REFRESH, None, google.token_url, "client", "planted-client-secret")
    return Account("ann@example.org", credentials)


@pytest.fixture
def connection(account):
    return Connection(account, lambda _is_cancelled: fetch)


@pytest.fixture
def session(connection):
    return Session(connection.authorized(), patience=Patience(attempts=3), sleep=lambda _seconds: None)


@pytest.fixture
def plain_session():
    return Session(patience=Patience(attempts=3), sleep=lambda _seconds: None)


@pytest.fixture
def release():
    """Set at the end of a test, so that nothing waits for ever."""
    event = threading.Event()
    yield event
    event.set()
