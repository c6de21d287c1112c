"""The sign-in in the browser, with a browser and token endpoint that stand in for Google's."""

from __future__ import annotations

import json
import logging
import socket
import stat
import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from s2mask_qgis.engines.errors import BadRequestError, CancelledError, SignInError, StorageError, TransientError
from s2mask_qgis.google.account import Connection
from s2mask_qgis.google.credentials import command_account, command_path
from s2mask_qgis.google.redirect import receiver
from s2mask_qgis.google.sign_in import NEEDED, sign_in
from s2mask_qgis.web.session import Patience, Session
from s2mask_qgis.web.transport import Request, fetch
from tests.catalogues.stand_in import Answer, json_answer
from tests.google.google_stand_in import CODE, REFRESH, SCOPE, Browser, token_refusal


@pytest.fixture
def enter(google, plain_session):
    def enter(browser, timeout_s=10.0, session=plain_session, **options):
        return sign_in(session, browser.open, timeout_s=timeout_s, token_uri=google.token_url, **options)

    return enter


def test_the_user_is_signed_in_and_the_command_shares_it(google, enter, home):
    browser = Browser()
    account = enter(browser)
    path = home / ".config" / "earthengine" / "credentials"
    assert path == command_path()
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["refresh_token"] == REFRESH
    assert stored["scopes"][0] == f"{SCOPE}earthengine"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["credentials"]
    assert command_account().credentials.refresh_token == REFRESH
    authorized = Connection(account, lambda _is_cancelled: fetch).authorized()
    assert authorized(Request(f"{google.url}/v1/projects")).status == 200
    assert len([asked for asked in google.asked if asked.path == "/token"]) == 1  # the first token still lasts


def test_the_address_is_the_client_s_own_with_a_challenge_and_a_state(google, enter):
    browser = Browser()
    enter(browser)
    from ee import oauth

    asked = google.asked[0].form
    assert browser.query["client_id"] == asked["client_id"] == oauth.CLIENT_ID
    assert browser.query["scope"].split() == oauth.SCOPES
    assert browser.query["code_challenge_method"] == "S256"
    assert len(browser.query["state"]) >= 32
    assert browser.query["redirect_uri"] == asked["redirect_uri"]
    assert asked["code_verifier"] not in str(browser.query)


def test_the_challenge_is_that_of_the_verifier():
    from s2mask_qgis.google.sign_in import _challenge

    # the example of RFC 7636, appendix B
    assert _challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_fewer_scopes_can_be_asked_for(google, enter, home):
    google.scope = " ".join(NEEDED)
    browser = Browser()
    enter(browser, scopes=NEEDED)
    assert browser.query["scope"] == " ".join(NEEDED)
    assert json.loads(command_path().read_text(encoding="utf-8"))["scopes"] == list(NEEDED)


def test_scopes_that_the_user_left_out_are_not_remembered(google, enter):
    google.scope = " ".join(NEEDED)
    enter(Browser())
    assert json.loads(command_path().read_text(encoding="utf-8"))["scopes"] == list(NEEDED)


def test_leaving_earth_engine_out_is_told(google, enter, home):
    google.scope = f"{SCOPE}drive"
    with pytest.raises(SignInError, match="leave its box ticked"):
        enter(Browser())
    assert not (home / ".config").exists()


def test_the_command_s_project_stays(enter, command_file):
    command_file(refresh_token="old", project="my-project")
    enter(Browser())
    stored = json.loads(command_path().read_text(encoding="utf-8"))
    assert (stored["project"], stored["refresh_token"]) == ("my-project", REFRESH)


@pytest.mark.parametrize(
    ("error", "words"),
    [("access_denied", "not allowed in the browser"), ("server_error", "server_error"), ("<script>", "refused the")],
)
def test_a_refusal_in_the_browser_is_told(enter, home, error, words):
    with pytest.raises(SignInError, match=words) as caught:
        enter(Browser(error=error))
    assert "<" not in str(caught.value)
    assert not (home / ".config").exists()


def test_nobody_answering_ends_by_itself(enter):
    began = time.monotonic()
    with pytest.raises(SignInError, match="brought no answer"):
        enter(Silent(), timeout_s=0.3)
    assert time.monotonic() - began < 5


class Silent:
    query: str = ""

    def open(self, url: str) -> None:
        self.query = url


def test_the_wait_can_be_stopped_at_any_moment(enter, google):
    stopped = threading.Event()
    browser = Silent()
    session = Session(fetch, stopped.is_set)
    threading.Timer(0.2, stopped.set).start()
    with pytest.raises(CancelledError):
        enter(browser, session=session)
    port = urlsplit(parse_qs(urlsplit(browser.query).query)["redirect_uri"][0]).port
    with pytest.raises(ConnectionRefusedError):  # nobody listens any more
        socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_an_answer_to_another_sign_in_is_left_out(enter):
    browser = Browser()
    strangers = []

    def open_both(url):
        browser.query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        right = browser.query["state"]
        for state in ("", "wrong", "ü"):
            browser.query["state"] = state
            browser.come_back(code="4/stranger")
        browser.query["state"] = right
        browser.come_back(path="/favicon.ico", code="4/stranger")
        browser.come_back()
        strangers.extend(browser.pages)
        browser.come_back(code=CODE)

    browser.open = open_both
    enter(browser)
    assert [status for status, _text in strangers] == [400, 400, 400, 404, 400]
    assert browser.pages[-1][0] == 200
    assert CODE not in browser.pages[-1][1]


def test_a_connection_that_says_nothing_does_not_hold_the_answer_up(enter):
    browser = Browser()
    silent = []

    def open_after_a_silent_one(url):
        query = parse_qs(urlsplit(url).query)
        port = urlsplit(query["redirect_uri"][0]).port
        silent.append(socket.create_connection(("127.0.0.1", port)))
        Browser.open(browser, url)

    browser.open = open_after_a_silent_one
    began = time.monotonic()
    enter(browser)
    assert time.monotonic() - began < 5
    silent[0].close()


def test_it_listens_on_this_computer_alone():
    with receiver("state") as redirect:
        assert redirect._server.server_address[0] == "127.0.0.1"
        assert redirect.url.startswith("http://localhost:")


def test_a_proxy_of_the_environment_does_not_catch_the_answer(google, plain_session, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    browser = Browser()
    with pytest.raises(TransientError):  # the exchange goes through it, as it should: nobody listens there
        sign_in(
            Session(patience=Patience(attempts=1)), browser.open, token_uri="http://tokens.example.org/t", timeout_s=10
        )
    assert browser.pages[0][0] == 200


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (token_refusal("invalid_grant"), SignInError),
        (Answer(401, b"no"), SignInError),
        (Answer(503), TransientError),
        (Answer(200, b"<html>"), BadRequestError),
        (json_answer({"access_token": "planted-access"}), BadRequestError),
        (json_answer({"access_token": "planted-access", "refresh_token": 5}), BadRequestError),
    ],
)
def test_a_failed_exchange_is_told_and_leaves_nothing(google, enter, home, answer, error):
    google.token_answer = answer
    with pytest.raises(error) as caught:
        enter(Browser())
    assert not any(secret in str(caught.value) for secret in ("planted", CODE))
    assert not (home / ".config").exists()


def test_a_busy_token_service_is_asked_again(google, enter):
    google.faults = {0: lambda _answer: Answer(503)}
    assert enter(Browser()).credentials.token == "token2"


def test_a_file_that_cannot_be_written_is_told_and_the_old_one_stays(enter, home):
    (home / ".config").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be kept"):
        enter(Browser())
    assert (home / ".config").read_text(encoding="utf-8") == "a file in the way"


def test_nothing_secret_is_printed_or_logged(enter, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        account = enter(Browser())
    written = caplog.text + "".join(capfd.readouterr()) + repr(account)
    assert not any(secret in written for secret in (CODE, REFRESH, "token1"))
