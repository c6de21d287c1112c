"""Calls over the network: what is sent, another try where that helps, and faults at every kind of call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s2mask_qgis.engines.calls import Call, Effort
from s2mask_qgis.engines.earth_engine.engine import EarthEngine
from s2mask_qgis.engines.earth_engine.web_calls import COMPUTED_SECONDS, LOOKUP_SECONDS, PATIENCE, Urls, WebCalls
from s2mask_qgis.engines.errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    QuotaError,
    SignInError,
    TransientError,
)
from s2mask_qgis.engines.local.faults import Fault, FaultPlan, PlannedFault
from s2mask_qgis.web.transport import Request, Response
from tests.engines.embedded_service import TOKEN, Web, engine_on, places_in, serving
from tests.engines.services import export_of, scene_image, until

ASKED = Call("POST", "projects/p/value:compute", {"expression": {}}, effort=Effort.COMPUTED)
LISTED = Call("GET", "projects/p/assets/a b:listAssets", query={"pageSize": "5", "filter": "a=b&c"})


def calls_with(*answers: Response | Exception, sleep: Callable[[float], None] = lambda seconds: None) -> WebCalls:
    """Calls that get these answers one after the other."""
    left = list(answers)

    def fetch(request: Request) -> Response:
        asked.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    asked: list[Request] = []
    calls = WebCalls(fetch, "p", Urls(), sleep=sleep, draw=lambda: 1.0)
    object.__setattr__(calls, "asked", asked)
    return calls


def answer(data: bytes, status: int = 200, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, iter([data]))


def refused(code: int, message: str = "no", **headers: str) -> Response:
    return answer(json.dumps({"error": {"code": code, "message": message}}).encode(), code, **headers)


def test_computations_go_to_the_high_volume_address_and_may_take_long():
    calls = calls_with(answer(b"{}"), answer(b"{}"))
    calls(ASKED)
    calls(LISTED)
    computed, listed = calls.asked
    assert computed.url == "https://earthengine-highvolume.googleapis.com/v1/projects/p/value:compute"
    assert (computed.verb, computed.timeout_s) == ("POST", COMPUTED_SECONDS)
    assert json.loads(computed.body) == {"expression": {}}
    assert COMPUTED_SECONDS > 300
    assert listed.url == (
        "https://earthengine.googleapis.com/v1/projects/p/assets/a%20b:listAssets?pageSize=5&filter=a%3Db%26c"
    )
    assert (listed.verb, listed.timeout_s, listed.body) == ("GET", LOOKUP_SECONDS, None)


@pytest.mark.parametrize(
    "failure", [TransientError("no"), refused(503), refused(429, "Too Many Requests"), refused(500)]
)
def test_what_may_pass_is_asked_for_again(failure):
    waits: list[float] = []
    calls = calls_with(failure, answer(b'{"a": 1}'), sleep=waits.append)
    assert calls(ASKED) == b'{"a": 1}'
    assert sum(waits) == pytest.approx(PATIENCE.first_s)


def test_calls_that_are_made_again_are_logged():
    lines: list[str] = []
    calls = calls_with(refused(503, "busy with ya29.planted-token"), answer(b"{}"))
    object.__setattr__(calls, "on_log", lines.append)
    calls(ASKED)
    (line,) = lines
    assert line.startswith("value:compute is asked for again: Earth Engine is busy (503)")
    assert TOKEN not in line


def test_what_does_not_pass_is_asked_for_so_often_and_then_told():
    calls = calls_with(*(refused(503) for _ in range(9)))
    with pytest.raises(TransientError, match="503"):
        calls(ASKED)
    assert len(calls.asked) == PATIENCE.attempts


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (refused(400), BadRequestError),
        (refused(401), SignInError),
        (refused(429, "Quota exceeded for compute time"), QuotaError),
        (SignInError("expired"), SignInError),
    ],
)
def test_what_asking_again_does_not_help_is_told_at_once(failure, kind: type[EngineError]):
    calls = calls_with(failure, answer(b"{}"))
    with pytest.raises(kind):
        calls(ASKED)
    assert len(calls.asked) == 1


def test_the_pause_that_the_service_asks_for_is_kept():
    waits: list[float] = []
    calls = calls_with(refused(429, "rate limit", retry_after="17"), answer(b"{}"), sleep=waits.append)
    calls(ASKED)
    assert sum(waits) == pytest.approx(17.0)


@pytest.mark.parametrize(
    "broken",
    [
        answer(b"<html>hotel</html>", 302, location="http://hotel/"),
        answer(b'{"half": ', content_length="400"),
        answer(b"<html>502</html>", 502),
    ],
)
def test_answers_of_somebody_else_are_asked_for_again(broken: Response):
    assert calls_with(broken, answer(b"{}"))(ASKED) == b"{}"


def test_a_packed_answer_may_be_longer_or_shorter_than_announced():
    packed = answer(b'{"a": 1}', content_length="400", content_encoding="gzip")
    assert calls_with(packed)(ASKED) == b'{"a": 1}'


def test_a_pause_ends_as_soon_as_the_run_is_stopped():
    stopped: list[bool] = []
    calls = calls_with(refused(503), answer(b"{}"), sleep=lambda seconds: stopped.append(True))
    object.__setattr__(calls, "is_cancelled", lambda: bool(stopped))
    with pytest.raises(CancelledError):
        calls(ASKED)
    assert len(calls.asked) == 1


@pytest.fixture(scope="module")
def web(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(small_scenes, tmp_path_factory.mktemp("faults")) as started:
        yield started


def works_of(engine: EarthEngine) -> dict[str, Callable[[], object]]:
    """One call of each kind that a run makes."""
    import ee

    return {
        "value": lambda: engine.value(ee.Number(7)),
        "scenes": engine.scenes,
        "sample": lambda: engine.sample(scene_image(ee).select("B2"), engine.grid(engine.scenes()[0]), 10, 1),
        "stored": lambda: engine.stored("mask", [str(number) for number in range(20)]),
        "quota": engine.quota,
        "operations": engine.operations,
        "open": lambda: engine.open_destinations(["mask", "ndvi"]),
    }


@pytest.mark.parametrize("work", ["value", "scenes", "sample", "stored", "quota", "operations", "open"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.UNAVAILABLE, None),
        (Fault.TOO_MANY_REQUESTS, None),
        (Fault.RATE_LIMIT_EXCEEDED, None),
        (Fault.DROP, None),
        (Fault.TIME_OUT, None),
        (Fault.DROP_AFTER, None),
        (Fault.QUOTA_USED_UP, QuotaError),
        (Fault.CREDENTIALS_EXPIRED, SignInError),
    ],
)
def test_a_fault_at_any_call_passes_or_is_told(web: Web, tmp_path: Path, work: str, fault: Fault, kind):
    times = 2 if fault is Fault.CREDENTIALS_EXPIRED else 1
    web.faults = FaultPlan([PlannedFault(fault, times=times)])
    try:
        with engine_on(web, places_in(tmp_path)) as engine:
            carry_out = works_of(engine)[work]
            if kind is None:
                carry_out()
            else:
                with pytest.raises(kind) as caught:
                    carry_out()
                assert TOKEN not in str(caught.value)
                carry_out()
        assert len(web.faults.struck) == times
    finally:
        web.faults = None


def test_a_token_that_has_expired_is_renewed(web: Web, tmp_path: Path):
    import ee

    web.faults = FaultPlan([PlannedFault(Fault.CREDENTIALS_EXPIRED)])
    try:
        with engine_on(web, places_in(tmp_path)) as engine:
            assert engine.value(ee.Number(7)) == 7
    finally:
        web.faults = None


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.DROP_AFTER])
def test_a_lost_answer_starts_no_second_operation(web: Web, tmp_path: Path, fault: Fault):
    import ee

    with engine_on(web, places_in(tmp_path)) as engine:
        before = set(engine.operations())
        web.faults = FaultPlan([PlannedFault(fault, "image:export", times=2)])
        export = export_of(ee.Image(1), fault.name)
        try:
            name = engine.start(export)
            assert len(web.faults.struck) == 2
        finally:
            web.faults = None
        until(lambda: engine.operations([name])[name].state.is_final, "the export")
        assert set(engine.operations([name])) - before == {name}


def test_a_request_id_that_is_refused_stands_for_what_it_started(web: Web, tmp_path: Path):
    import ee

    repeated = json.dumps({"error": {"code": 400, "message": "An Operation with this request_id was already started"}})
    with engine_on(web, places_in(tmp_path)) as engine:
        first = engine.start(export_of(ee.Image(1), "repeated"))
        web.answers = lambda request: (400, {}, repeated.encode()) if "image:export" in request.url else None
        try:
            assert engine.start(export_of(ee.Image(1), "repeated")) == first
            with pytest.raises(TransientError, match="not listed yet"):
                engine.start(export_of(ee.Image(1), "unheard-of"))
        finally:
            web.answers = lambda request: None


def test_a_full_queue_is_no_failure(web: Web, tmp_path: Path):
    import ee

    from s2mask_qgis.engines.errors import QueueFullError

    full = json.dumps({"error": {"code": 429, "message": "Too many tasks already in the queue (3000)."}}).encode()
    web.answers = lambda request: (429, {}, full) if "image:export" in request.url else None
    try:
        with engine_on(web, places_in(tmp_path)) as engine, pytest.raises(QueueFullError):
            engine.start(export_of(ee.Image(1), "queued"))
    finally:
        web.answers = lambda request: None


def test_requests_are_signed_and_name_the_project_that_pays(web: Web, tmp_path: Path):
    import ee

    web.asked.clear()
    with engine_on(web, places_in(tmp_path)) as engine:
        engine.value(ee.Number(1))
        engine.operations()
    for request in web.asked:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert headers["x-goog-user-project"] == "local-engine"
        assert TOKEN not in repr(request)


def test_a_stopped_engine_asks_nothing(web: Web, tmp_path: Path):
    import ee

    with engine_on(web, places_in(tmp_path), is_cancelled=lambda: True) as engine:
        web.asked.clear()
        with pytest.raises(CancelledError):
            engine.value(ee.Number(1))
        assert web.asked == []
