"""Operations across processes: known by their request id, listed by every engine, and never left half done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from s2mask_qgis.engines.base import OperationState
from s2mask_qgis.engines.errors import BadRequestError, NotFoundError, StorageError
from s2mask_qgis.engines.local import journal as journal_module
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from s2mask_qgis.engines.local.journal import Entry, Journal
from s2mask_qgis.engines.local.operations import ORPHANED, OperationQueue
from s2mask_qgis.engines.local.workers import WorkerPool
from tests.engines.in_process import encoded
from tests.engines.services import GRID, PATIENCE_S, slow_grid, slow_image, until


@contextmanager
def queue_in(folder: Path, scenes: Path, workers: int = 1) -> Iterator[OperationQueue]:
    """An engine's operations on the store in a folder."""
    store = AssetStore(folder / "store")
    pool = WorkerPool(workers, [str(scenes), str(folder / "library"), str(store.folder)], lambda line: None)
    operations = OperationQueue(pool, store)
    try:
        yield operations
    finally:
        pool.close()
        operations.close()


def order(image: Any, name: str, grid: Any = GRID) -> dict[str, Any]:
    return {
        "expression": encoded(image),
        "asset": f"{ROOT}/mask/{name}",
        "grid": grid.to_json(),
        "pyramiding": "MEAN",
    }


def state_of(operations: OperationQueue, name: str) -> str:
    return operations.get(name)["metadata"]["state"]


def finished(operations: OperationQueue, name: str) -> str:
    until(lambda: operations.get(name).get("done"), "the end of the operation")
    return state_of(operations, name)


def test_what_was_done_is_known_to_the_next_process(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    with queue_in(tmp_path, small_scenes) as first:
        name = first.start(order(ee.Image(1), "kept"), "request", "kept")["name"]
        assert finished(first, name) == "SUCCEEDED"
    written = (tmp_path / "store" / "mask" / "kept.tif").stat().st_mtime_ns
    with queue_in(tmp_path, small_scenes) as second:
        assert [each["name"] for each in second.all()] == [name]
        again = second.start(order(ee.Image(1), "kept"), "request", "kept")
        assert (again["name"], again["done"], again["metadata"]["attempt"]) == (name, True, 1)
    assert (tmp_path / "store" / "mask" / "kept.tif").stat().st_mtime_ns == written


def test_a_removed_or_replaced_result_is_made_again(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    with queue_in(tmp_path, small_scenes) as operations:
        name = operations.start(order(ee.Image(1), "x"), "first", "")["name"]
        assert finished(operations, name) == "SUCCEEDED"
        (tmp_path / "store" / "mask" / "x.tif").unlink()
        again = operations.start(order(ee.Image(1), "x"), "first", "")
        assert again["metadata"]["attempt"] == 2
        assert finished(operations, name) == "SUCCEEDED"
        other = operations.start(order(ee.Image(2), "x"), "second", "")["name"]
        assert finished(operations, other) == "SUCCEEDED"
        assert operations.start(order(ee.Image(1), "x"), "first", "")["metadata"]["attempt"] == 3
        assert finished(operations, name) == "SUCCEEDED"
        assert operations.start(order(ee.Image(1), "x"), "first", "")["metadata"]["attempt"] == 3


def test_what_was_stopped_with_its_process_is_tried_again_in_the_next(
    ee: ModuleType, tmp_path: Path, small_scenes: Path
):
    with queue_in(tmp_path, small_scenes) as first:
        name = first.start(order(slow_image(ee), "s", slow_grid()), "request", "")["name"]
        until(lambda: state_of(first, name) == "RUNNING", "the export to run")
    with queue_in(tmp_path, small_scenes) as second:
        assert state_of(second, name) == "CANCELLED"
        assert second.get(name)["error"]["message"] == "The engine was closed."
        again = second.start(order(ee.Image(1), "s"), "request", "")
        assert (again["name"], again["metadata"]["attempt"]) == (name, 2)
        assert finished(second, name) == "SUCCEEDED"


def test_two_engines_on_one_store_see_each_other(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    with queue_in(tmp_path, small_scenes) as one, queue_in(tmp_path, small_scenes) as other:
        name = one.start(order(slow_image(ee), "slow", slow_grid()), "slow", "")["name"]
        until(lambda: state_of(one, name) == "RUNNING", "the export to run")
        until(lambda: state_of(other, name) == "RUNNING", "the journal to tell of it")
        assert other.start(order(slow_image(ee), "slow", slow_grid()), "slow", "")["name"] == name
        assert len(other.all()) == 1
        with pytest.raises(BadRequestError, match="another program on this computer"):
            other.cancel(name)
        mine = other.start(order(ee.Image(1), "quick"), "quick", "")["name"]
        assert finished(other, mine) == "SUCCEEDED"
        one.cancel(name)
        until(lambda: state_of(other, name) == "CANCELLED", "the journal to tell of the end")
        assert {each["name"] for each in one.all()} == {name, mine}


def test_the_same_request_to_two_engines_at_once_starts_one_operation(
    ee: ModuleType, tmp_path: Path, small_scenes: Path
):
    with queue_in(tmp_path, small_scenes) as one, queue_in(tmp_path, small_scenes) as other:
        barrier = threading.Barrier(2)
        attempts: list[int] = []

        def ask(operations: OperationQueue) -> None:
            for number in range(5):
                barrier.wait(PATIENCE_S)
                started = operations.start(order(ee.Image(1), f"n{number}"), f"n{number}", "")
                attempts.append(started["metadata"]["attempt"])

        threads = [threading.Thread(target=ask, args=(operations,)) for operations in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert attempts == [1] * 10
        assert len(one.all()) == 5
        for each in one.all():
            assert finished(one, each["name"]) == "SUCCEEDED"


def test_descriptions_carry_times_and_progress(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    with queue_in(tmp_path, small_scenes) as operations:
        name = operations.start(order(slow_image(ee), "p", slow_grid()), "p", "how far")["name"]
        until(lambda: operations.get(name)["metadata"]["progress"] > 0, "some progress")
        metadata = operations.get(name)["metadata"]
        assert 0 < metadata["progress"] < 1
        assert metadata["description"] == "how far"
        assert metadata["createTime"].endswith("Z")
        operations.cancel(name)


def entry_of(name: str, state: OperationState, owner: str, updated: float | None = None) -> Entry:
    now = time.time() if updated is None else updated
    return Entry(name, f"{ROOT}/mask/{name}", "", state, owner, 1, now, updated=now)


def test_operations_of_a_killed_process_fail_with_the_reason(tmp_path: Path, small_scenes: Path):
    gone = Journal(tmp_path / "store" / ".operations.sqlite")
    name = "projects/local-engine/operations/GONE"
    assert gone.add(replace(entry_of(name, OperationState.RUNNING, gone.owner), asset=f"{ROOT}/mask/gone"), over=None)
    partial = tmp_path / "store" / ".partial" / "GONE.blocks.tif"
    partial.parent.mkdir()
    partial.write_bytes(b"half")
    with queue_in(tmp_path, small_scenes, 0) as operations:
        assert state_of(operations, name) == "RUNNING"  # its process is alive
        assert partial.exists()
        gone.close()
        described = operations.get(name)
        assert described["error"] == {"code": 14, "message": ORPHANED}
        assert not partial.exists()


def test_ended_operations_are_forgotten_after_ten_days(tmp_path: Path):
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    long_ago = time.time() - journal_module.KEPT_SECONDS - 60
    journal.add(entry_of("old", OperationState.SUCCEEDED, journal.owner, long_ago), over=None)
    journal.add(entry_of("new", OperationState.SUCCEEDED, journal.owner), over=None)
    journal.close()
    journal = Journal(path)
    assert [entry.name for entry in journal.entries()] == ["new"]
    journal.close()
    assert [each.name for each in tmp_path.iterdir()] == ["journal.sqlite"]


def test_nothing_is_written_down_before_there_is_an_operation(tmp_path: Path, small_scenes: Path):
    with queue_in(tmp_path, small_scenes, 0) as operations:
        assert operations.all() == []
        with pytest.raises(NotFoundError):
            operations.get("projects/local-engine/operations/NONE")
    assert not (tmp_path / "store").exists()


def test_a_damaged_journal_is_said(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".operations.sqlite").write_bytes(b"no database" * 1000)
    with queue_in(tmp_path, small_scenes, 0) as operations, pytest.raises(StorageError, match="or remove it"):
        operations.start(order(ee.Image(1), "x"), "x", "")
