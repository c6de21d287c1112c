"""The simulated service: what the campaigns rely on."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from s2mask_qgis.core.scenes import COLLECTION
from s2mask_qgis.engines.errors import TransientError
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.web.transport import Request

from .clock import START_S, SimulatedClock
from .computing import archive
from .service import PROJECT, Behaviour, SimulatedService, steady
from .tasks import REMEMBERED_S, Burst
from .troubles import FOR_GOOD, Planned, Trouble, Troubles

BASE = f"https://earthengine.googleapis.com/v1/projects/{PROJECT}"
IMAGE = {"result": "0", "values": {"0": {"functionInvocationValue": {"functionName": "Element.set", "arguments": {
    "key": {"constantValue": "s2mask:key"}, "value": {"constantValue": "abc"},
    "object": {"functionInvocationValue": {"functionName": "Image.constant",
                                           "arguments": {"value": {"constantValue": 0}}}}}}}}}  # fmt: skip


class Talk:
    """A service with a clock, and requests in short form."""

    def __init__(self, troubles=(), bursts=None, scenes=0, **behaviour):
        self.clock = SimulatedClock()
        self.service = SimulatedService(
            self.clock, Behaviour(**behaviour), archive(scenes), Troubles(troubles), bursts=bursts
        )

    def ask(self, url, body=None):
        content = None if body is None else json.dumps(body).encode()
        response = self.service.fetch(Request(f"{BASE}{url}", {}, content))
        return response.status, json.loads(b"".join(response.chunks))

    def export(self, name, request_id=None):
        options = {"driveDestination": {"folder": "masks", "filenamePrefix": name}}
        body = {"expression": IMAGE, "description": name, "requestId": request_id or name, "fileExportOptions": options}
        return self.ask("/image:export", body)

    def export_asset(self, name, request_id=None):
        destination = {"name": f"projects/{PROJECT}/assets/{name}"}
        options = {"earthEngineDestination": destination}
        return self.ask(
            "/image:export",
            {"expression": IMAGE, "description": name, "requestId": request_id or name, "assetExportOptions": options},
        )

    def states(self, query="pageSize=500"):
        status, answer = self.ask(f"/operations?{query}")
        assert status == 200
        return [each["metadata"]["state"] for each in answer.get("operations", [])]


def two_at_once(**limits):
    return ServiceLimits(running_operations=2, **limits)


def test_a_few_exports_run_at_once_and_the_next_begins_when_one_ends():
    talk = Talk(limits=two_at_once(), duration_s=steady(100.0))
    for name in "abc":
        assert talk.export(name)[0] == 200
    assert talk.states() == ["PENDING", "RUNNING", "RUNNING"]
    talk.clock.advance(100.0)
    assert talk.states() == ["RUNNING", "SUCCEEDED", "SUCCEEDED"]
    talk.clock.advance(99.0)
    assert talk.states()[0] == "RUNNING"
    talk.clock.advance(1.0)
    assert talk.states() == ["SUCCEEDED"] * 3
    assert talk.service.drive.files == [("masks", "a"), ("masks", "b"), ("masks", "c")]


def test_operations_end_at_their_own_moment_however_late_they_are_asked_for():
    talk = Talk(limits=two_at_once(), duration_s=steady(100.0))
    for name in "abcde":
        talk.export(name)
    talk.clock.advance(1000.0)
    ended = [each["metadata"]["endTime"] for each in talk.ask("/operations")[1]["operations"]]
    assert [text[14:19] for text in reversed(ended)] == ["08:20", "08:20", "10:00", "10:00", "11:40"]


@pytest.mark.parametrize("refuses", [False, True])
def test_a_request_id_starts_one_operation(refuses):
    talk = Talk(refuses_repeats=refuses)
    first = talk.export("a", "id-1")[1]["name"]
    status, answer = talk.export("a", "id-1")
    assert (status == 400 and "already exists" in answer["error"]["message"]) if refuses else answer["name"] == first
    assert len(talk.service.started) == 1
    assert not talk.service.problems


def test_a_second_export_of_the_same_target_is_written_down():
    talk = Talk(limits=two_at_once(), duration_s=steady(10.0))
    talk.export("a", "id-1")
    talk.export("a", "id-2")
    assert "while an export of it is active" in talk.service.problems[0]
    talk.clock.advance(20.0)
    talk.export("a", "id-3")
    assert "though it is there" in talk.service.problems[-1]


def test_an_export_that_failed_may_be_sent_again():
    talk = Talk([Planned(Trouble.FAILED, 1)], duration_s=steady(10.0))
    talk.export("a", "id-1")
    talk.clock.advance(10.0)
    assert talk.states() == ["FAILED"]
    talk.export("a", "id-2")
    talk.clock.advance(10.0)
    assert talk.states() == ["SUCCEEDED", "FAILED"]
    assert not talk.service.problems
    assert talk.service.made == Counter({"drive:masks/a": 1})


def test_more_active_than_allowed_is_written_down_those_of_others_counted():
    talk = Talk(bursts=[Burst(START_S + 5.0, 2, 1000.0)])
    talk.service.allowed = 4
    talk.export("a")
    assert not talk.service.problems
    talk.clock.advance(5.0)
    talk.states()
    talk.export("b")
    assert not talk.service.problems
    talk.export("c")
    assert talk.service.problems == ["3 tasks of the run and 2 others active after c was sent"]
    assert talk.service.tasks.peak_active == {"own": 3, "foreign": 2, "": 5}


def test_the_queue_is_full_at_its_limit():
    talk = Talk(limits=two_at_once(pending_operations=3))
    answers = [talk.export(f"image-{number}") for number in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    assert "Too many tasks already in the queue (3)" in answers[-1][1]["error"]["message"]


def test_operations_are_listed_by_pages_the_latest_first():
    talk = Talk()
    for number in range(25):
        talk.export(f"image-{number}")
    seen, query = [], "pageSize=10"
    while True:
        answer = talk.ask(f"/operations?{query}")[1]
        seen += [each["metadata"]["description"] for each in answer["operations"]]
        if "nextPageToken" not in answer:
            break
        query = f"pageSize=10&pageToken={answer['nextPageToken']}"
    assert seen == [f"image-{number}" for number in reversed(range(25))]


def test_pages_stay_true_while_exports_are_added():
    talk = Talk()
    for number in range(4):
        talk.export(f"image-{number}")
    token = talk.ask("/operations?pageSize=2")[1]["nextPageToken"]
    talk.export("later")
    rest = talk.ask(f"/operations?pageSize=2&pageToken={token}")[1]["operations"]
    assert [each["metadata"]["description"] for each in rest] == ["image-1", "image-0"]


def test_ended_operations_are_forgotten_but_what_they_made_is_not():
    talk = Talk(duration_s=steady(10.0), limits=two_at_once())
    name = talk.export("a")[1]["name"]
    talk.clock.advance(REMEMBERED_S)
    assert talk.states() == ["SUCCEEDED"]
    talk.clock.advance(20.0)
    assert talk.states() == []
    assert talk.ask(f"/operations/{name.rpartition('/')[2]}")[0] == 404
    assert talk.service.made["drive:masks/a"] == 1


def test_a_cancelled_export_makes_nothing_and_lets_the_next_one_run():
    talk = Talk(limits=ServiceLimits(running_operations=1), duration_s=steady(100.0))
    first, second = (talk.export(name)[1]["name"].rpartition("/")[2] for name in "ab")
    talk.export("c")
    assert talk.ask(f"/operations/{second}:cancel", {})[0] == 200
    assert talk.ask(f"/operations/{first}:cancel", {})[0] == 200
    assert talk.states() == ["PENDING", "CANCELLED", "CANCELLING"]
    talk.clock.advance(10.0)
    assert talk.states() == ["RUNNING", "CANCELLED", "CANCELLED"]
    talk.clock.advance(200.0)
    assert talk.states() == ["SUCCEEDED", "CANCELLED", "CANCELLED"]
    assert talk.service.made == Counter({"drive:masks/c": 1})
    assert talk.service.tasks.active == {"own": 0, "foreign": 0}


def test_assets_lie_in_collections_that_exist_and_carry_their_properties():
    talk = Talk(duration_s=steady(1.0))
    assert talk.export_asset("masks/a", "1")[0] == 400
    assert talk.ask("/assets?assetId=masks", {"type": "IMAGE_COLLECTION"})[0] == 200
    assert talk.export_asset("masks/a", "2")[0] == 200
    assert talk.ask("/assets/masks:listAssets")[1]["assets"] == []
    talk.clock.advance(1.0)
    (listed,) = talk.ask("/assets/masks:listAssets")[1]["assets"]
    assert listed["properties"] == {"s2mask:key": "abc"}
    assert talk.ask("/assets/")[1]["quota"]["assetCount"] == "2"
    assert talk.export_asset("masks/a", "3")[0] == 400


def test_assets_are_refused_beyond_their_limit():
    talk = Talk(limits=ServiceLimits(assets=2), duration_s=steady(1.0))
    talk.ask("/assets?assetId=masks", {"type": "IMAGE_COLLECTION"})
    talk.export_asset("masks/a")
    talk.clock.advance(1.0)
    status, answer = talk.export_asset("masks/b")
    assert status == 429
    assert "Quota exceeded" in answer["error"]["message"]


def test_a_full_drive_makes_exports_fail():
    talk = Talk(drive_bytes=5, image_bytes=3, duration_s=steady(1.0))
    talk.export("a")
    talk.export("b")
    talk.clock.advance(2.0)
    assert talk.states() == ["FAILED", "SUCCEEDED"]


@pytest.mark.parametrize(
    ("trouble", "is_done"),
    [
        (Trouble.TIME_OUT, False),
        (Trouble.RESET, False),
        (Trouble.LOST_ANSWER, True),
        (Trouble.RESET_MIDWAY, True),
    ],
)
def test_broken_connections_break_before_or_after_the_work_is_done(trouble, is_done):
    talk = Talk([Planned(trouble, 2)])
    talk.export("a")
    before_s = talk.clock.now_s()
    with pytest.raises(TransientError):
        talk.export("b")
    assert (talk.clock.now_s() > before_s) == (trouble is Trouble.TIME_OUT)
    assert len(talk.service.started) == 1 + is_done
    assert talk.service.troubles.struck == [(trouble, f"POST /v1/projects/{PROJECT}/image:export")]
    assert talk.export("c")[0] == 200


@pytest.mark.parametrize("trouble", [Trouble.HTML_PAGE, Trouble.TRUNCATED])
def test_malformed_answers_are_not_json(trouble):
    talk = Talk([Planned(trouble, 1)])
    response = talk.service.fetch(Request(f"{BASE}/operations"))
    assert response.status == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(b"".join(response.chunks))


def test_credentials_stay_expired_until_somebody_signs_in():
    talk = Talk([Planned(Trouble.CREDENTIALS, 2, FOR_GOOD)])
    token = Request("https://oauth2.googleapis.com/token", {}, b"grant_type=refresh_token")
    assert talk.ask("/operations")[0] == 200
    assert talk.ask("/operations")[0] == 401
    assert talk.service.fetch(token).status == 400
    talk.service.troubles.clear()
    assert talk.service.fetch(token).status == 200
    assert talk.ask("/operations")[0] == 200


@pytest.mark.parametrize(("trouble", "made"), [(Trouble.VANISHED, 0), (Trouble.FORGOTTEN, 1)])
def test_an_operation_vanishes_with_or_without_its_result(trouble, made):
    talk = Talk([Planned(trouble, 1)], duration_s=steady(10.0))
    talk.export("a")
    talk.clock.advance(11.0)
    assert talk.states() == []
    assert talk.service.made["drive:masks/a"] == made
    assert talk.service.tasks.active["own"] == 0


def test_too_many_requests_a_second_are_refused_and_come_through_later():
    talk = Talk(requests_per_second=5)
    assert [talk.ask("/operations")[0] for _ in range(6)] == [200] * 5 + [429]
    talk.clock.advance(1.0)
    assert talk.ask("/operations")[0] == 200


def test_expressions_are_evaluated_over_the_archive():
    talk = Talk(scenes=3)
    index = next(iter(talk.service._archive.images)).rpartition("/")[2]
    described = talk.service.fetch(
        Request(f"https://earthengine.googleapis.com/v1/projects/earthengine-public/assets/{COLLECTION}/{index}")
    )
    bands = json.loads(b"".join(described.chunks))["bands"]
    assert [band["id"] for band in bands][:2] == ["B1", "B2"]
    load = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": COLLECTION}}}
    size = {"functionName": "Collection.size", "arguments": {"collection": {"functionInvocationValue": load}}}
    expression = {"result": "0", "values": {"0": {"functionInvocationValue": size}}}
    assert talk.ask("/value:compute", {"expression": expression}) == (200, {"result": 3})
