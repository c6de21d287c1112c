"""Requests over a bad connection: tried again, paused as asked, redirected without secrets, stopped."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from s2mask_qgis.engines.errors import (
    BadRequestError,
    CancelledError,
    NotFoundError,
    SignInError,
    TransientError,
)
from s2mask_qgis.web.session import LARGEST_ANSWER_BYTES, Patience, Session
from s2mask_qgis.web.transport import Request, Response, fetch
from tests.catalogues.stand_in import Answer, StandIn


class Plain(StandIn):
    def answer(self, asked):
        return Answer(200, b'{"a": 1}')


@pytest.fixture
def server():
    server = Plain()
    yield server
    server.close()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_failure_that_may_pass_is_tried_again_with_growing_pauses(server, session, clock, status):
    server.faults = {number: lambda _answer: Answer(status) for number in range(3)}
    assert session.read_json(Request(server.url)) == {"a": 1}
    assert len(server.asked) == 4
    assert sum(clock.pauses) == pytest.approx(1 + 2 + 4)


def test_it_gives_up_with_a_sentence_that_names_the_host(server, session):
    server.always = lambda _asked, _answer: Answer(503)
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:\d+ is busy \(503\)"):
        session.read(Request(server.url))
    assert len(server.asked) == 4


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_a_server_that_names_a_pause_is_heeded(server, session, clock, kind):
    later = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=60), usegmt=True)
    asked = "60" if kind == "seconds" else later
    server.faults = {0: lambda _answer: Answer(429, headers={"Retry-After": asked})}
    session.read(Request(server.url))
    assert sum(clock.pauses) == pytest.approx(60, abs=3)


@pytest.mark.parametrize("asked", ["soon", "-5", "", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00"])
def test_a_pause_that_cannot_be_heeded_is_the_usual_one(server, session, clock, asked):
    server.faults = {0: lambda _answer: Answer(503, headers={"Retry-After": asked})}
    session.read(Request(server.url))
    assert sum(clock.pauses) == pytest.approx(1)


def test_a_pause_of_days_is_cut_short(server, session, clock):
    server.faults = {0: lambda _answer: Answer(503, headers={"Retry-After": "999999"})}
    session.read(Request(server.url))
    assert sum(clock.pauses) == pytest.approx(600)


def test_pauses_are_drawn_between_half_and_all_of_their_length():
    patience = Patience(first_s=2.0, longest_s=10.0)
    assert [patience.pause_s(n, 0.0) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]
    assert [patience.pause_s(n, 1.0) for n in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 10.0]


@pytest.mark.parametrize("cut", range(8))
def test_an_answer_that_breaks_at_any_byte_is_asked_for_again(server, session, cut):
    server.faults = {0: lambda answer: replace(answer, cut=cut)}
    assert session.read_json(Request(server.url)) == {"a": 1}
    assert len(server.asked) == 2


def test_answers_that_always_break_end_in_a_sentence(server, session):
    server.always = lambda _asked, answer: replace(answer, cut=3)
    with pytest.raises(TransientError, match="broke"):
        session.read(Request(server.url))
    assert len(server.asked) == 4


def test_nobody_listening_is_a_failure_that_may_pass(session, clock):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TransientError, match="does not answer"):
        session.read(Request(url))
    assert sum(clock.pauses) == pytest.approx(1 + 2 + 4)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, BadRequestError), (401, SignInError), (403, SignInError), (404, NotFoundError)]
)
def test_a_refusal_is_not_tried_again(server, session, status, kind):
    server.always = lambda _asked, _answer: Answer(status)
    with pytest.raises(kind, match=str(status)):
        session.read(Request(server.url))
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"<html>sign in to the proxy</html>", b"[1]", b"", b"\xff\xfe{"])
def test_an_answer_that_is_no_json_object_is_told(server, session, body):
    server.always = lambda _asked, _answer: Answer(200, body)
    with pytest.raises(BadRequestError, match="something else than it should"):
        session.read_json(Request(server.url))


def test_an_answer_without_end_is_cut_off():
    endless = Response(200, {}, iter(lambda: b"x" * 1_000_000, b""))
    with pytest.raises(BadRequestError):
        Session(lambda _request: endless).read(Request("http://example.org"))
    assert LARGEST_ANSWER_BYTES < 100_000_000


def test_a_redirection_is_followed_and_another_host_sees_no_sign_in(server, session):
    other = Plain()
    try:
        moved = Answer(302, headers={"Location": other.url.replace("127.0.0.1", "localhost") + "/there"})
        server.faults = {0: lambda _answer: moved}
        headers = {"Authorization": "Bearer secret", "Range": "bytes=2-"}
        session.read(Request(server.url, headers))
        assert other.asked[0].path == "/there"
        assert other.asked[0].headers["range"] == "bytes=2-"
        assert "authorization" not in other.asked[0].headers
    finally:
        other.close()


def test_the_same_host_keeps_the_sign_in(server, session):
    server.faults = {0: lambda _answer: Answer(307, headers={"Location": "/there"})}
    session.read(Request(server.url, {"Authorization": "Bearer secret"}))
    assert server.asked[1].headers["authorization"] == "Bearer secret"


def requests_of(*answers):
    """A transport that gives these answers, and the requests it got."""
    asked = []

    def send(request):
        asked.append(request)
        return answers[min(len(asked), len(answers)) - 1]

    return send, asked


def test_hosts_of_one_domain_keep_the_sign_in_but_never_without_encryption():
    for location, is_kept in (
        ("https://zipper.dataspace.copernicus.eu/x", True),
        ("http://zipper.dataspace.copernicus.eu/x", False),
        ("https://dataspace.copernicus.eu.example.org/x", False),
    ):
        send, asked = requests_of(Response(302, {"location": location}, iter(())), Response(200, {}, iter([b"{}"])))
        Session(send).read(Request("https://download.dataspace.copernicus.eu/y", {"Authorization": "Bearer s"}))
        assert ("Authorization" in asked[1].headers) is is_kept, location


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/x"])
def test_a_redirection_out_of_the_web_is_refused(server, session, location):
    server.always = lambda _asked, _answer: Answer(302, headers={"Location": location})
    with pytest.raises(BadRequestError, match="not one of the web"):
        session.read(Request(server.url))


def test_redirections_without_end_are_refused(server, session):
    server.always = lambda _asked, _answer: Answer(302, headers={"Location": "/again"})
    with pytest.raises(BadRequestError, match="without end"):
        session.read(Request(server.url))


def test_what_is_posted_goes_nowhere_else(server, session):
    server.always = lambda _asked, _answer: Answer(307, headers={"Location": "/elsewhere"})
    with pytest.raises(BadRequestError):
        session.exchange(Request(server.url, body=b"password=x"), refused=(400,))
    assert len(server.asked) == 1


def test_the_standard_transport_opens_no_local_files(tmp_path):
    with pytest.raises(BadRequestError, match="not one of the web"):
        fetch(Request((tmp_path / "x").as_uri()))


def test_a_stopped_task_asks_nothing_and_ends_its_pause_at_once(server, clock):
    stopped = []
    session = Session(is_cancelled=lambda: bool(stopped), sleep=lambda s: (clock.sleep(s), stopped.append(1)))
    server.always = lambda _asked, _answer: Answer(503, headers={"Retry-After": "300"})
    with pytest.raises(CancelledError):
        session.read(Request(server.url))
    assert sum(clock.pauses) < 1
    with pytest.raises(CancelledError):
        session.read(Request(server.url))
    assert len(server.asked) == 1


def test_neither_headers_nor_bodies_are_shown():
    text = repr(Request("https://example.org", {"Authorization": "Bearer planted"}, b"password=planted"))
    assert "planted" not in text


@pytest.mark.parametrize("verb", ["DELETE", "PATCH", "PUT"])
def test_requests_have_the_method_that_is_asked_for(server, verb):
    fetch(Request(server.url, body=b"" if verb == "DELETE" else b"a=1", method=verb)).close()
    assert server.asked[0].method == verb


def test_the_method_follows_from_the_body_unless_it_is_named():
    assert [Request("http://a").verb, Request("http://a", body=b"").verb] == ["GET", "POST"]
    assert Request("http://a", method="DELETE").verb == "DELETE"


def test_a_silent_server_is_given_up_after_the_time_of_the_request(server):
    release = threading.Event()
    server.always = lambda _asked, answer: (release.wait(10), answer)[1]
    try:
        with pytest.raises(TransientError, match="does not answer"):
            fetch(Request(server.url, timeout_s=0.3))
    finally:
        release.set()
