"""Requests that are signed: when tokens are renewed, by whom, for which hosts, and what errors say."""

from __future__ import annotations

import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from s2mask_qgis.engines.errors import CancelledError, SignInError, TransientError
from s2mask_qgis.google.account import Account, Connection, is_google
from s2mask_qgis.web.session import Session
from s2mask_qgis.web.transport import Request, Response, fetch
from tests.catalogues.stand_in import Answer
from tests.google.google_stand_in import token_refusal

SECRETS = ("planted", "token1", "token2")


def renewals(google):
    return [asked for asked in google.asked if asked.path == "/token"]


def test_a_token_is_asked_for_once_and_used_again(google, connection):
    authorized = connection.authorized()
    for _ in range(3):
        assert authorized(Request(f"{google.url}/v1/projects")).status == 200
    assert len(renewals(google)) == 1
    assert google.asked[-1].headers["authorization"] == "Bearer token1"


def test_a_token_that_is_about_to_end_is_renewed(google, connection):
    authorized = connection.authorized()
    google.lasts_s = 60
    for _ in range(2):
        assert authorized(Request(f"{google.url}/v1/projects")).status == 200
    assert len(renewals(google)) == 2


def test_a_token_that_the_service_refuses_is_renewed_once(google, connection):
    authorized = connection.authorized()
    authorized(Request(f"{google.url}/v1/projects"))
    google.valid.clear()
    assert authorized(Request(f"{google.url}/v1/projects")).status == 200
    assert len(renewals(google)) == 2


def test_a_token_refused_twice_is_told(google, connection):
    google.always = lambda asked, answer: answer if asked.path == "/token" else Answer(401)
    with pytest.raises(SignInError, match="Sign in again"):
        connection.authorized()(Request(f"{google.url}/v1/projects"))
    assert len(renewals(google)) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (token_refusal("invalid_grant"), "expired or was withdrawn"),
        (token_refusal("invalid_grant", error_subtype="invalid_rapt"), "expired or was withdrawn"),
        (token_refusal("invalid_client"), r"invalid_client"),
        (token_refusal("invalid_scope"), r"invalid_scope"),
        (token_refusal("planted secret, no word"), "Google refuses to renew the sign-in. Sign in again."),
        (Answer(200, b'{"refresh_token": "planted"}'), "Google refuses to renew the sign-in. Sign in again."),
    ],
)
def test_a_refused_sign_in_says_what_to_do_and_tells_no_secret(google, connection, answer, words):
    google.token_answer = answer
    with pytest.raises(SignInError, match=words) as caught:
        connection.authorized()(Request(f"{google.url}/v1/projects"))
    story = "".join(traceback.format_exception(caught.type, caught.value, caught.tb)) + repr(caught.value)
    assert not any(secret in story for secret in SECRETS)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_token_service_may_be_asked_again(google, connection, session, status):
    google.faults = {0: lambda _answer: Answer(status)}
    assert session.read_json(Request(f"{google.url}/v1/projects"))["projects"]
    google.faults = {}
    google.valid.clear()
    google.token_answer = Answer(status)
    with pytest.raises(TransientError):
        connection.authorized()(Request(f"{google.url}/v1/projects"))


@pytest.mark.parametrize("data", [b"<html>planted</html>", b'{"access_token": "planted', b"", b'["planted"]'])
@pytest.mark.parametrize("status", [200, 302, 403])
def test_an_answer_that_is_not_the_token_service_s_does_not_end_the_sign_in(google, connection, status, data):
    google.token_answer = Answer(status, data)
    with pytest.raises(TransientError, match="something else") as caught:
        connection.authorized()(Request(f"{google.url}/v1/projects"))
    assert "planted" not in str(caught.value)
    google.token_answer = None
    assert connection.authorized()(Request(f"{google.url}/v1/projects")).status == 200


def test_many_threads_renew_once(google, connection):
    authorized = connection.authorized()
    google.always = lambda asked, answer: (time.sleep(0.1), answer)[1] if asked.path == "/token" else answer
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: authorized(Request(f"{google.url}/v1/projects")).status, range(16)))
    assert statuses == [200] * 16
    assert len(renewals(google)) == 1


def test_many_threads_with_a_refused_token_renew_once(google, connection):
    authorized = connection.authorized()
    authorized(Request(f"{google.url}/v1/projects"))
    google.valid.clear()
    barrier = threading.Barrier(8)

    def ask(_number):
        barrier.wait()
        return authorized(Request(f"{google.url}/v1/projects")).status

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [200] * 8
    assert len(renewals(google)) == 2


def test_waiting_for_another_thread_can_be_stopped(google, account, release):
    asked = threading.Event()

    def silent(_request):
        asked.set()
        release.wait(10)
        raise TransientError("nobody")

    def wait():
        with pytest.raises(TransientError):
            account.token(silent)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert asked.wait(5)
    with pytest.raises(CancelledError):
        account.token(fetch, lambda: True)
    release.set()
    waiting.join()


def test_a_copy_shares_the_credentials_and_their_lock(account):
    named = replace(account, title="bob@example.org")
    assert named.credentials is account.credentials
    assert named.lock is account.lock


def test_nothing_secret_is_shown(google, connection):
    connection.authorized()(Request(f"{google.url}/v1/projects"))
    assert not any(secret in repr(connection) + str(connection.account) for secret in SECRETS)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://earthengine.googleapis.com/v1/projects", True),
        ("https://earthengine-highvolume.googleapis.com/v1", True),
        ("https://www.googleapis.com/drive/v3/about", True),
        ("http://127.0.0.1:8085/x", True),
        ("http://earthengine.googleapis.com/v1", False),
        ("https://googleapis.com.example.org/", False),
        ("https://evilgoogleapis.com/", False),
        ("https://example.org/?x=googleapis.com", False),
        ("https://earthengine.googleapis.com@example.org/", False),
    ],
)
def test_tokens_are_meant_for_google_alone(url, expected):
    assert is_google(url) is expected


def test_a_redirection_elsewhere_takes_no_token_along(account):
    asked = []

    def elsewhere(request):
        asked.append(request)
        if "googleapis.com" in request.url:
            return Response(302, {"location": "https://example.org/file"}, iter(()))
        return Response(200, {}, iter([b"{}"]))

    account.credentials.token = "planted"
    account.credentials.expiry = (datetime.now(timezone.utc) + timedelta(hours=1)).replace(tzinfo=None)
    session = Session(Connection(account, lambda _is_cancelled: elsewhere).authorized())
    assert session.read_json(Request("https://www.googleapis.com/drive/v3/files/x")) == {}
    assert [request.headers.get("Authorization") for request in asked] == ["Bearer planted", None]


def test_a_project_that_is_charged_is_named(google, connection):
    connection.authorized(project="my-project")(Request(f"{google.url}/v1/projects"))
    assert google.asked[-1].headers["x-goog-user-project"] == "my-project"


def test_an_account_of_a_service_is_known_as_one(account):
    assert Account("service account x@p.iam.gserviceaccount.com", None).is_service
    assert not account.is_service
