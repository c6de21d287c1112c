"""Requests by QGIS's network against a server on 127.0.0.1, from the thread of a task as in QGIS."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsNetworkAccessManager, QgsTask

from s2mask_qgis.catalogues.google_bucket import GoogleBucket
from s2mask_qgis.engines.errors import BadRequestError, CancelledError, SignInError, TransientError
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.gis.network import account_of, qgis_fetch
from s2mask_qgis.web.session import Patience, Session
from s2mask_qgis.web.transport import Request
from tests.catalogues.conftest import AREA, YEAR
from tests.catalogues.stand_in import Answer, Bucket, StandIn, product, safe_files


class Plain(StandIn):
    """Answers every request with 3 MB, or as told."""

    content = bytes(range(256)) * 12_000

    def answer(self, asked):
        return Answer(200, self.content)


@pytest.fixture
def server():
    server = Plain()
    yield server
    server.close()


@pytest.fixture
def in_task(qgis_app, qtbot):
    """Carries out a function in a task of QGIS and gives its value, or raises its error."""

    def carry_out(function):
        outcome = []

        def work(_task):
            try:
                outcome.append((function(), None))
            except Exception as error:
                outcome.append((None, error))

        task = QgsTask.fromFunction("test", work)
        QgsApplication.taskManager().addTask(task)
        qtbot.waitUntil(lambda: bool(outcome), timeout=10000)
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    return carry_out


def session(is_cancelled=lambda: False, attempts=3):
    return Session(qgis_fetch(is_cancelled), is_cancelled, Patience(attempts, first_s=0.01))


def test_a_body_larger_than_the_buffer_arrives_whole(server, in_task):
    assert in_task(lambda: session().read(Request(server.url))) == server.content


def test_addresses_and_headers_arrive_as_they_are(server, in_task):
    url = f"{server.url}/a%2Fb%20c/Products?%24filter=Name%20eq%20%27x%27&%24top=5&plus=a%2Bb"
    in_task(lambda: session().read(Request(url, {"Range": "bytes=5-", "Authorization": "Bearer t"})))
    (asked,) = server.asked
    assert asked.path == "/a/b c/Products"
    assert asked.query == {"$filter": "Name eq 'x'", "$top": "5", "plus": "a+b"}
    assert (asked.headers["range"], asked.headers["authorization"]) == ("bytes=5-", "Bearer t")


def test_a_form_is_posted(server, in_task):
    body = b"grant_type=password&username=ann"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    server.always = lambda _asked, _answer: Answer(200, b'{"access_token": "a"}')
    answer = in_task(lambda: session().exchange(Request(server.url, headers, body), refused=(400,)))
    assert answer == {"access_token": "a"}
    assert server.asked[0].form == {"grant_type": "password", "username": "ann"}


@pytest.mark.parametrize("cut", [0, 1, 100_000])
def test_a_connection_that_breaks_is_tried_again(server, in_task, cut):
    server.faults = {0: lambda answer: replace(answer, cut=cut), 1: lambda _answer: Answer(503)}
    assert in_task(lambda: session().read(Request(server.url))) == server.content
    assert len(server.asked) == 3


def test_nobody_listening_ends_in_a_sentence(in_task):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TransientError, match="does not answer"):
        in_task(lambda: session().read(Request(url)))


def test_refusals_and_redirections_are_left_to_the_session(server, in_task):
    server.always = lambda _asked, _answer: Answer(401, b"no")
    with pytest.raises(SignInError):
        in_task(lambda: session().read(Request(server.url)))
    moved = Answer(302, headers={"Location": "/there"})
    server.always = lambda asked, answer: answer if asked.path == "/there" else moved
    headers = {"Range": "bytes=7-"}
    assert in_task(lambda: session().read(Request(server.url, headers))) == server.content
    assert server.asked[-1].headers["range"] == "bytes=7-"


def test_a_server_that_says_nothing_can_be_given_up(server, in_task):
    release, stopped = threading.Event(), []
    server.always = lambda _asked, answer: (stopped.append(True), release.wait(5), answer)[2]
    try:
        with pytest.raises(CancelledError):
            in_task(lambda: session(lambda: bool(stopped)).read(Request(server.url)))
    finally:
        release.set()


@pytest.mark.parametrize("verb", ["DELETE", "PATCH", "PUT", "POST"])
def test_requests_have_the_method_that_is_asked_for(server, in_task, verb):
    body = None if verb == "DELETE" else b"a=1"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    in_task(lambda: session().read(Request(server.url, headers, body, verb)))
    assert server.asked[0].method == verb
    assert server.asked[0].form == ({} if body is None else {"a": "1"})


@pytest.mark.parametrize("qgis_ms", [60_000, 300])
def test_a_silent_server_is_given_up_after_the_time_of_the_request(server, in_task, qgis_ms):
    """Whatever time-out QGIS's own settings name, longer or shorter."""
    release, before = threading.Event(), QgsNetworkAccessManager.timeout()
    server.always = lambda _asked, answer: (release.wait(10), answer)[1]
    QgsNetworkAccessManager.setTimeout(qgis_ms)
    started = time.monotonic()
    try:
        with pytest.raises(TransientError, match="nothing came for 1 s"):
            in_task(lambda: session(attempts=1).read(Request(server.url, timeout_s=1.0)))
        assert time.monotonic() - started > 0.9
    finally:
        QgsNetworkAccessManager.setTimeout(before)
        release.set()


def test_a_slow_answer_comes_though_qgis_would_have_given_up(server, in_task):
    before = QgsNetworkAccessManager.timeout()
    server.always = lambda _asked, answer: (time.sleep(0.8), answer)[1]
    QgsNetworkAccessManager.setTimeout(300)
    try:
        assert in_task(lambda: session(attempts=1).read(Request(server.url, timeout_s=20.0))) == server.content
    finally:
        QgsNetworkAccessManager.setTimeout(before)


def test_several_threads_of_a_task_ask_at_once(server, in_task):
    def work():
        with ThreadPoolExecutor(4) as threads:
            return list(threads.map(lambda _: session().read(Request(server.url)), range(12)))

    assert in_task(work) == [server.content] * 12


def test_only_the_web_is_asked(in_task):
    with pytest.raises(BadRequestError, match="not one of the web"):
        in_task(lambda: session().read(Request("file:///etc/passwd")))


def test_a_catalogue_works_over_it(in_task):
    bucket = Bucket()
    try:
        bucket.add(product("20230105"))
        catalogue = GoogleBucket(session(), bucket.url, "bucket")
        (offer,) = in_task(lambda: catalogue.search(AREA, *YEAR, "L1C", lambda _done, _total: None))
        assert len(in_task(lambda: catalogue.files(offer))) == len(safe_files())
    finally:
        bucket.close()


@pytest.mark.parametrize("config_id", ["", "nothere"])
def test_an_account_that_is_not_there_is_told(qgis_app, config_id):
    with pytest.raises(UserError):
        account_of(config_id)


def test_user_and_password_come_from_the_authentication_database(qgis_app):
    manager = QgsApplication.authManager()
    if manager.isDisabled() or not manager.setMasterPassword("for tests alone", True):
        pytest.skip("this QGIS has no authentication database that can be opened")
    kept = {}
    for name, values in {"full": {"username": "ann", "password": "right & proper"}, "empty": {"username": ""}}.items():
        config = QgsAuthMethodConfig("Basic")
        config.setName(f"s2mask test {name}")
        config.setConfigMap(values)
        manager.storeAuthenticationConfig(config)
        kept[name] = config.id()
    try:
        account = account_of(kept["full"])
        assert (account.user, account.password) == ("ann", "right & proper")
        assert "proper" not in repr(account)
        with pytest.raises(UserError, match="no user and password"):
            account_of(kept["empty"])
    finally:
        for config_id in kept.values():
            manager.removeAuthenticationConfig(config_id)
