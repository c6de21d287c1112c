"""What a ledger remembers of images and exports, and what it makes of the order in which it is told."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.jobs.ledger import ledger as module
from s2mask_qgis.jobs.ledger.errors import LedgerError
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.request import EarthEngineChoice, RunRequest
from tests.jobs.ledger.images import HEADER, SQUARE, export, scene

OPEN = (RowState.SENDING, RowState.QUEUED, RowState.RUNNING)


def test_a_header_comes_back_as_it_was_given(ledger, path):
    changed = replace(HEADER, listed_s=1.8e9, version="2.0")
    ledger.set_header(changed)
    assert ledger.header == changed
    ledger.close()
    with closing(Ledger.open(path)) as again:
        assert again.header == changed


def test_a_request_comes_back_from_a_header(ledger, path, tmp_path):
    area = Area((((SQUARE),),), "Vall")
    choice = EarthEngineChoice("some-project", "drive")
    request = RunRequest(tmp_path, tmp_path, tmp_path, area, RunParameters(), earth_engine=choice)
    ledger.set_header(replace(HEADER, request=request.to_json()))
    ledger.close()
    with closing(Ledger.open(path)) as again:
        assert RunRequest.from_json(again.header.request) == request


def test_images_come_back_as_they_were_added(ledger, clock):
    assert ledger.add([scene(0)]) == 1
    row = ledger.image(scene(0).index)
    assert (row.id, row.index, row.tile) == (scene(0).id, scene(0).index, "31TCH")
    assert (row.time_start_ms, row.cloudy_percent, row.footprint) == (scene(0).time_start_ms, 12.5, SQUARE)
    assert (row.state, row.attempts, row.reason, row.outputs) == (RowState.WAITING, 0, "", {})
    assert row.updated_s == clock.now_s


def test_images_that_are_known_stay_as_they_are(ledger):
    ledger.add([scene(0)])
    ledger.finish(scene(0).index, RowState.DONE, cloud_share=0.25)
    assert ledger.add([scene(0), scene(1)], RowState.OUT_OF_AREA, "It misses the land.") == 1
    assert ledger.image(scene(0).index).cloud_share == 0.25
    assert ledger.image(scene(1).index).reason == "It misses the land."


def test_an_image_that_is_not_known_is_none(ledger):
    assert ledger.image("nothing") is None


def test_counts_have_every_state(ledger):
    ledger.add([scene(n) for n in range(3)])
    ledger.add([scene(3)], RowState.OUT_OF_AREA)
    counts = ledger.counts()
    assert set(counts) == set(RowState)
    assert (counts[RowState.WAITING], counts[RowState.OUT_OF_AREA], sum(counts.values())) == (3, 1, 4)


def test_tiles_are_those_that_have_images_in_the_states(ledger):
    ledger.add([scene(0, "32TMT"), scene(1, "31TCH"), scene(2, "31TCH"), scene(3, "30TYN")])
    ledger.mark([scene(3, "30TYN").index], RowState.FAILED)
    assert ledger.tiles({RowState.WAITING}) == ["31TCH", "32TMT"]
    assert ledger.tiles({RowState.WAITING, RowState.FAILED}) == ["30TYN", "31TCH", "32TMT"]
    assert ledger.tiles(()) == []


def test_images_are_in_order_of_tile_and_time_over_all_pages(ledger, monkeypatch):
    monkeypatch.setattr(module, "PAGE_ROWS", 3)
    scenes = [scene(n, tile) for n in (4, 0, 3, 1, 2) for tile in ("32TMT", "31TCH")]
    ledger.add(scenes)
    ordered = sorted(scenes, key=lambda one: (one.tile, one.time_start_ms))
    assert [row.index for row in ledger.images()] == [one.index for one in ordered]
    assert [row.index for row in ledger.images({RowState.WAITING}, "32TMT")] == [one.index for one in ordered[5:]]
    assert list(ledger.images({RowState.DONE})) == []


def test_images_taken_at_the_same_time_all_come(ledger, monkeypatch):
    monkeypatch.setattr(module, "PAGE_ROWS", 2)
    twins = [replace(scene(n), time_start_ms=1000) for n in range(5)]
    ledger.add(twins)
    assert [row.index for row in ledger.images()] == [one.index for one in twins]


def test_images_can_be_changed_while_they_are_gone_through(ledger, monkeypatch):
    monkeypatch.setattr(module, "PAGE_ROWS", 2)
    ledger.add([scene(n) for n in range(7)])
    for row in ledger.images({RowState.WAITING}):
        ledger.mark([row.index], RowState.DONE)
    assert ledger.counts()[RowState.DONE] == 7


def test_an_export_goes_from_sending_to_done(ledger, clock):
    image = scene(0)
    ledger.add([image])
    ledger.send(export(image))
    seen = [(ledger.open_exports()[0].state, ledger.image(image.index).state)]
    ledger.sent(export(image).request_id, "projects/p/operations/X")
    seen.append((ledger.open_exports()[0].state, ledger.image(image.index).state))
    ledger.running([export(image).request_id])
    seen.append((ledger.open_exports()[0].state, ledger.image(image.index).state))
    assert seen == [(state, state) for state in OPEN]
    clock.now_s += 90.0
    ledger.end_export(export(image).request_id, RowState.DONE)
    (row,) = ledger.exports(image.index)
    assert (row.state, row.operation, row.ended_s - row.sent_s) == (RowState.DONE, "projects/p/operations/X", 90.0)
    assert ledger.open_exports() == []


def test_an_image_waits_when_its_export_has_ended_and_nothing_else_was_said(ledger):
    ledger.add([scene(0)])
    ledger.send(export(scene(0)))
    ledger.end_export(export(scene(0)).request_id, RowState.FAILED, "Out of memory.", 8)
    (row,) = ledger.exports(scene(0).index)
    assert (row.error, row.error_code) == ("Out of memory.", 8)
    assert ledger.image(scene(0).index).state is RowState.WAITING


def test_an_image_stays_open_while_another_export_of_it_is(ledger):
    image = scene(0)
    ledger.add([image])
    for kind in ("mask", "ndvi"):
        ledger.send(export(image, kind))
        ledger.sent(export(image, kind).request_id, f"op-{kind}")
    ledger.end_export(export(image, "mask").request_id, RowState.DONE)
    assert ledger.image(image.index).state is RowState.QUEUED


def test_the_end_of_an_export_does_not_open_an_image_that_was_given_up(ledger):
    image = scene(0)
    ledger.add([image])
    ledger.send(export(image))
    ledger.finish(image.index, RowState.FAILED, "Too large.", is_permanent=True)
    ledger.sent(export(image).request_id, "op")
    ledger.end_export(export(image).request_id, RowState.FAILED)
    row = ledger.image(image.index)
    assert (row.state, row.reason, row.is_permanent) == (RowState.FAILED, "Too large.", True)


def test_the_same_request_is_one_row_and_one_attempt(ledger):
    image = scene(0)
    ledger.add([image])
    ledger.send(export(image))
    ledger.end_export(export(image).request_id, RowState.FAILED, "lost")
    ledger.send(export(image))
    (row,) = ledger.exports(image.index)
    assert (row.state, row.error, row.ended_s) == (RowState.SENDING, "", None)
    assert ledger.image(image.index).attempts == 1


def test_attempts_count_each_kind_on_its_own(ledger):
    image = scene(0)
    ledger.add([image])
    for kind, attempt in (("mask", 1), ("mask", 2), ("ndvi", 1)):
        ledger.send(export(image, kind, attempt))
        ledger.end_export(export(image, kind, attempt).request_id, RowState.FAILED)
    assert (ledger.attempts(image.index, "mask"), ledger.attempts(image.index, "ndvi")) == (2, 1)
    assert ledger.attempts(image.index, "evi2") == 0
    assert (ledger.image(image.index).attempts, ledger.image(image.index).kind) == (3, "ndvi")


def test_a_late_answer_does_not_open_an_export_that_has_ended(ledger):
    ledger.add([scene(0)])
    ledger.send(export(scene(0)))
    ledger.end_export(export(scene(0)).request_id, RowState.DONE)
    ledger.sent(export(scene(0)).request_id, "op")
    ledger.running([export(scene(0)).request_id])
    (row,) = ledger.exports(scene(0).index)
    assert (row.state, row.operation) == (RowState.DONE, "op")


@pytest.mark.parametrize("tell", ["sent", "running", "end_export"])
def test_an_export_that_was_never_written_down_is_told(ledger, tell):
    arguments = {"sent": ("x", "op"), "running": (["x"],), "end_export": ("x", RowState.DONE)}
    with pytest.raises(LedgerError, match="no export x"):
        getattr(ledger, tell)(*arguments[tell])


def test_the_end_of_an_image_is_kept_with_its_results(ledger, clock):
    ledger.add([scene(0)])
    clock.now_s += 5
    outputs = {"mask": "projects/p/assets/mask/x", "ndvi": "projects/p/assets/ndvi/x"}
    ledger.finish(scene(0).index, RowState.DONE, "", False, outputs, 0.25, 0.125, 0.5, 61.5)
    row = ledger.image(scene(0).index)
    assert (row.state, row.outputs, row.updated_s) == (RowState.DONE, outputs, clock.now_s)
    assert (row.cloud_share, row.shadow_share, row.ndvi_share, row.seconds) == (0.25, 0.125, 0.5, 61.5)


def test_plans_last_as_long_as_their_image_is_open(ledger):
    ledger.add([scene(n) for n in range(3)])
    indexes = [scene(n).index for n in range(3)]
    for index in indexes:
        ledger.keep_plan(index, {"old": index})
        ledger.keep_plan(index, {"sources": [index], "days": 1.5})
    assert ledger.plan(indexes[0]) == {"sources": [indexes[0]], "days": 1.5}
    ledger.finish(indexes[0], RowState.DONE)
    ledger.mark([indexes[1]], RowState.WAITING)
    ledger.mark([indexes[2]], RowState.FAILED)
    assert [ledger.plan(index) is None for index in indexes] == [True, False, True]


def test_failed_and_cancelled_images_wait_again(ledger):
    ledger.add([scene(n) for n in range(5)])
    for number, state in enumerate((RowState.FAILED, RowState.CANCELLED, RowState.DONE, RowState.FAILED)):
        ledger.finish(scene(number).index, state, "why", is_permanent=True)
    assert ledger.retry([scene(0).index, scene(2).index, "nothing"]) == 1
    assert ledger.retry() == 2
    assert ledger.retry() == 0
    assert ledger.counts()[RowState.WAITING] == 4
    row = ledger.image(scene(3).index)
    assert (row.reason, row.is_permanent) == ("", False)


def test_durations_are_of_the_newest_exports_that_succeeded(ledger, clock):
    ledger.add([scene(n) for n in range(4)])
    for number in range(4):
        one = export(scene(number))
        ledger.send(one)
        clock.now_s += 10.0 * (number + 1)
        ledger.end_export(one.request_id, RowState.FAILED if number == 1 else RowState.DONE)
    assert ledger.durations("mask") == [40.0, 30.0, 10.0]
    assert ledger.durations("mask", limit=1) == [40.0]
    assert ledger.durations("ndvi") == []


def test_a_batch_is_written_whole_or_not_at_all(ledger):
    def fail():
        with ledger.batch():
            ledger.add([scene(0)])
            ledger.send(export(scene(0)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (sum(ledger.counts().values()), ledger.open_exports()) == (0, [])
    with ledger.batch():
        ledger.add([scene(0)])
    assert ledger.counts()[RowState.WAITING] == 1


def test_a_batch_that_goes_on_after_a_failure_within_keeps_the_rest(ledger):
    with ledger.batch():
        ledger.add([scene(0)])
        with pytest.raises(LedgerError):
            ledger.sent("nothing", "op")
    assert ledger.counts()[RowState.WAITING] == 1


def test_several_threads_may_write(ledger):
    ledger.add([scene(n) for n in range(40)])

    def write(numbers):
        for number in numbers:
            with ledger.batch():
                ledger.send(export(scene(number)))
                ledger.sent(export(scene(number)).request_id, f"op-{number}")

    threads = [threading.Thread(target=write, args=(range(start, 40, 4),)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {row.operation for row in ledger.open_exports()} == {f"op-{n}" for n in range(40)}


def test_texts_of_services_are_kept_as_they_are(ledger):
    reason = "Dépassé: \"limit\" 'x' ; DROP TABLE images; --\n漢字"
    ledger.add([scene(0)])
    ledger.finish(scene(0).index, RowState.FAILED, reason, outputs={"mask": reason})
    row = ledger.image(scene(0).index)
    assert (row.reason, row.outputs) == (reason, {"mask": reason})
