"""The worker pool: what dies, what is stopped, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from s2mask_qgis.engines.errors import CancelledError, EngineError, NotFoundError, StorageError
from s2mask_qgis.engines.local import workers as workers_module
from s2mask_qgis.engines.local.workers import Job, WorkerPool, start_worker
from tests.engines.in_process import encoded
from tests.engines.services import PATIENCE_S, is_alive, slow_value, until, worker_pids

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@contextmanager
def pool_in(folder: Path, scenes: Path, count: int = 1) -> Iterator[tuple[WorkerPool, list[str]]]:
    """A pool whose library and store are in ``folder``, and its log."""
    log: list[str] = []
    pool = WorkerPool(count, [str(scenes), str(folder / "library"), str(folder / "store")], log.append)
    try:
        yield pool, log
    finally:
        pool.close()


@pytest.fixture
def pool(tmp_path: Path, small_scenes: Path) -> Iterator[tuple[WorkerPool, list[str]]]:
    with pool_in(tmp_path, small_scenes) as made:
        index = made[0].submit({"kind": "index"})
        assert index.wait(PATIENCE_S)
        index.result()
        yield made


def value_order(computation: Any) -> dict[str, Any]:
    return {"kind": "value", "expression": encoded(computation)}


def result(job: Job) -> Any:
    assert job.wait(PATIENCE_S), "the job has not ended"
    return json.loads(job.result()[0])["result"]


def the_worker(folder: Path) -> int:
    """The pid of the one worker of a folder."""
    (pid,) = until(lambda: worker_pids(folder), "a worker")
    return pid


def test_jobs_come_back_with_their_results(ee: ModuleType, pool: tuple[WorkerPool, list[str]]):
    jobs = [pool[0].submit(value_order(ee.Number(number).add(1))) for number in range(5)]
    assert [result(job) for job in jobs] == [1, 2, 3, 4, 5]
    assert all(not job.is_running for job in jobs)


def test_a_job_whose_worker_is_killed_is_done_again(ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path):
    before = the_worker(tmp_path)
    job = pool[0].submit(value_order(slow_value(ee, 4)))
    until(lambda: job.is_running, "the job to run")
    time.sleep(0.05)
    os.kill(before, signal.SIGKILL)
    assert result(job)["B2"] > 0
    assert the_worker(tmp_path) != before
    assert pool[1] == ["A worker stopped unexpectedly (exit code -9), attempt 1."]


def test_a_job_that_kills_its_worker_twice_fails_with_a_sentence(
    ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path
):
    job = pool[0].submit(value_order(slow_value(ee, 10)))
    until(lambda: job.is_running, "the job to run")
    first = the_worker(tmp_path)
    os.kill(first, signal.SIGKILL)
    second = until(lambda: worker_pids(tmp_path) - {first}, "another worker").pop()
    until(lambda: job in pool[0]._processes and pool[0]._processes[job].pid == second, "the second attempt")
    os.kill(second, signal.SIGKILL)
    assert job.wait(PATIENCE_S)
    with pytest.raises(
        EngineError, match=r"^The worker process stopped unexpectedly \(exit code -9\); free some memory"
    ):
        job.result()
    assert result(pool[0].submit(value_order(ee.Number(1)))) == 1


def test_errors_become_those_of_the_engine(ee: ModuleType, pool: tuple[WorkerPool, list[str]]):
    job = pool[0].submit(value_order(ee.Image("COPERNICUS/S2_HARMONIZED/nowhere")))
    assert job.wait(PATIENCE_S)
    with pytest.raises(NotFoundError, match="nowhere"):
        job.result()


def test_an_unexpected_failure_is_logged_and_leaves_the_worker_alive(
    ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path
):
    before = the_worker(tmp_path)
    job = pool[0].submit({"kind": "nonsense"})
    assert job.wait(PATIENCE_S)
    with pytest.raises(EngineError, match=r"The local engine failed unexpectedly \(KeyError: 'nonsense'\)"):
        job.result()
    until(lambda: any("KeyError" in line for line in pool[1]), "the traceback in the log")
    assert the_worker(tmp_path) == before


def test_a_running_job_is_cancelled_at_once(ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path):
    job = pool[0].submit(value_order(slow_value(ee, 10)))
    until(lambda: job in pool[0]._processes, "the job to run")
    pid = the_worker(tmp_path)
    pool[0].cancel(job)
    assert job.wait(2.0)
    with pytest.raises(CancelledError, match="was cancelled"):
        job.result()
    assert not is_alive(pid)
    assert result(pool[0].submit(value_order(ee.Number(1)))) == 1
    assert pool[1] == []


def test_a_waiting_job_is_cancelled_without_a_worker(
    ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path
):
    running = pool[0].submit(value_order(slow_value(ee, 10)))
    waiting = pool[0].submit(value_order(ee.Number(1)))
    until(lambda: running in pool[0]._processes, "the first job to run")
    pid = the_worker(tmp_path)
    pool[0].cancel(waiting)
    assert waiting.has_ended
    with pytest.raises(CancelledError):
        waiting.result()
    assert is_alive(pid)
    assert not running.has_ended


def test_cancelling_what_has_ended_changes_nothing(ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path):
    job = pool[0].submit(value_order(ee.Number(7)))
    assert result(job) == 7
    pid = the_worker(tmp_path)
    pool[0].cancel(job)
    assert result(job) == 7
    assert the_worker(tmp_path) == pid


def test_urgent_jobs_go_before_the_others(ee: ModuleType, pool: tuple[WorkerPool, list[str]]):
    order: list[str] = []

    def noted(name: str, urgent: bool) -> Job:
        export = {
            "kind": "export",
            "name": name,
            "asset": f"projects/local-engine/assets/{name}",
            "expression": encoded(ee.Image(1)),
            "grid": {"crs": "EPSG:32631", "transform": [10, 0, 0, 0, -10, 0], "shape_yx": [1, 1]},
            "pyramiding": "MEAN",
        }
        return pool[0].submit(export, urgent, lambda done, total: order.append(name) if done == total else None)

    blocking = pool[0].submit(value_order(slow_value(ee, 4)))
    jobs = [noted("first", False), noted("second", False), noted("urgent1", True), noted("urgent2", True)]
    for job in (blocking, *jobs):
        assert job.wait(PATIENCE_S)
        job.result()
    assert order == ["urgent1", "urgent2", "first", "second"]


def test_a_spare_worker_helps_with_urgent_jobs_only_while_the_others_are_busy(
    ee: ModuleType, tmp_path: Path, small_scenes: Path
):
    log: list[str] = []
    folders = [str(small_scenes), str(tmp_path / "library"), str(tmp_path / "store")]
    pool = WorkerPool(1, folders, log.append, spare=1)
    try:
        index = pool.submit({"kind": "index"}, urgent=True)
        assert index.wait(PATIENCE_S)
        assert result(pool.submit(value_order(ee.Number(1)), urgent=True)) == 1
        assert len(worker_pids(tmp_path)) == 1
        busy = pool.submit(value_order(slow_value(ee, 10)))
        until(lambda: busy.is_running, "the worker to be busy")
        waiting = pool.submit(value_order(ee.Number(3)))
        assert result(pool.submit(value_order(ee.Number(2)), urgent=True)) == 2
        assert len(worker_pids(tmp_path)) == 2
        assert not busy.has_ended
        assert not waiting.has_ended
        pool.cancel(busy)
        assert result(waiting) == 3
    finally:
        pool.close()
    assert worker_pids(tmp_path) == set()


def test_closing_leaves_no_process(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    with pool_in(tmp_path, small_scenes, count=2) as (pool, _):
        index = pool.submit({"kind": "index"})
        assert index.wait(PATIENCE_S)
        jobs = [pool.submit(value_order(slow_value(ee, 10))) for _ in range(3)]
        until(lambda: len(worker_pids(tmp_path)) == 2, "two workers")
    assert worker_pids(tmp_path) == set()
    for job in jobs:
        assert job.has_ended
        with pytest.raises(CancelledError):
            job.result()


def test_closing_at_once_does_not_wait_for_ever(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    for number in range(5):
        with pool_in(tmp_path / str(number), small_scenes, count=2) as (pool, _):
            jobs = [pool.submit(value_order(ee.Number(1))) for _ in range(4)]
            time.sleep(0.002 * number)
        assert all(job.has_ended for job in jobs)
    assert worker_pids(tmp_path) == set()


def test_a_job_for_a_closed_pool_is_cancelled(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    with pool_in(tmp_path, small_scenes) as (pool, _):
        pass
    job = pool.submit(value_order(ee.Number(1)))
    assert job.has_ended
    with pytest.raises(CancelledError, match="The engine was closed"):
        job.result()


def test_what_a_worker_prints_does_not_disturb_its_events(
    ee: ModuleType, tmp_path: Path, small_scenes: Path, monkeypatch: pytest.MonkeyPatch
):
    chatter = tmp_path / "chatter"
    chatter.mkdir()
    (chatter / "sitecustomize.py").write_text(
        "import os, threading, time\n"
        "print('hello from the start')\n"
        "def chat():\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
        "        print('hello from python', flush=True)\n"
        "        os.write(1, b'hello from c\\n')\n"
        "import sys\n"
        "if 's2mask_qgis.engines.local.worker' in sys.orig_argv:\n"
        "    threading.Timer(1.0, chat).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(chatter))
    with pool_in(tmp_path, small_scenes) as (pool, log):
        index = pool.submit({"kind": "index"})
        assert index.wait(PATIENCE_S)
        index.result()
        until(lambda: {"hello from python", "hello from c"} <= set(log), "what the worker prints")
        assert [result(pool.submit(value_order(ee.Number(number)))) for number in range(50)] == list(range(50))


PARENT = """
import json, sys, time
from s2mask_qgis.engines.local.workers import WorkerPool
pool = WorkerPool(1, sys.argv[1:4], lambda line: None)
pool.submit({"kind": "index"}).wait(60)
job = pool.submit(json.loads(sys.stdin.readline()))
while not job.is_running:
    time.sleep(0.01)
print("running", flush=True)
time.sleep(600)
"""


def test_a_worker_ends_when_its_parent_is_killed(ee: ModuleType, tmp_path: Path, small_scenes: Path):
    folders = [str(small_scenes), str(tmp_path / "library"), str(tmp_path / "store")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", PARENT, *folders], cwd=ROOT, text=True, **pipes) as parent:
        try:
            parent.stdin.write(json.dumps(value_order(slow_value(ee, 10))) + "\n")
            parent.stdin.flush()
            assert parent.stdout.readline() == "running\n"
            pid = the_worker(tmp_path)
        finally:
            parent.kill()
    until(lambda: not is_alive(pid), "the worker to end")


def test_a_worker_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(workers_module, "interpreter", lambda: tmp_path / "nothing")
    with pytest.raises(StorageError, match=r"nothing cannot be started \(No such file or directory\)"):
        start_worker([])
    with pool_in(tmp_path, tmp_path) as (pool, _):
        job = pool.submit({"kind": "index"})
        assert job.wait(PATIENCE_S)
        with pytest.raises(StorageError, match="cannot be started"):
            job.result()


def test_workers_run_on_the_python_of_this_process():
    assert workers_module.interpreter().resolve() == Path(sys.executable).resolve()


def export_order(name: str, image: Any, columns: int = 1) -> dict[str, Any]:
    return {
        "kind": "export",
        "name": name,
        "asset": f"projects/local-engine/assets/{name}",
        "expression": encoded(image),
        "grid": {"crs": "EPSG:32631", "transform": [10, 0, 0, 0, -10, 0], "shape_yx": [1, columns]},
        "pyramiding": "MEAN",
    }


@contextmanager
def held_back(pool: WorkerPool, ee: ModuleType) -> Iterator[None]:
    """Jobs that are queued in this block wait until it ends."""
    blocking = pool.submit(value_order(slow_value(ee, 10)))
    until(lambda: blocking in pool._processes, "the first job to run")
    yield
    pool.cancel(blocking)


def test_exports_over_one_grid_are_made_together(ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path):
    with held_back(pool[0], ee):
        jobs = [pool[0].submit(export_order(f"image{number}", ee.Image(number))) for number in range(3)]
        other = pool[0].submit(export_order("other", ee.Image(9), columns=2))
        groups: list[list[Job]] = []
        take = pool[0]._carry_out
        pool[0]._carry_out = lambda group, process: (groups.append(group), take(group, process))[1]  # type: ignore
    for job in (*jobs, other):
        assert job.wait(PATIENCE_S)
        job.result()
    assert groups == [jobs, [other]]
    assert sorted(path.stem for path in (tmp_path / "store").glob("*.tif")) == ["image0", "image1", "image2", "other"]


def test_of_exports_made_together_one_at_a_time_counts_as_running(
    ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path
):
    seen: list[list[bool]] = []
    jobs: list[Job] = []

    def note(job: Job) -> None:
        seen.append([each.is_running for each in jobs])

    with held_back(pool[0], ee):
        jobs += [Job(export_order(f"image{number}", ee.Image(number)), on_change=note) for number in range(3)]
        for job in jobs:
            pool[0].add(job)
    for job in jobs:
        assert job.wait(PATIENCE_S)
    assert all(sum(running) <= 1 for running in seen)
    assert [running.index(True) for running in seen if any(running)] == [0, 1, 2]


def test_of_exports_made_together_one_that_fails_fails_alone(
    ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path
):
    with held_back(pool[0], ee):
        good = pool[0].submit(export_order("good", ee.Image(1)))
        absent = pool[0].submit(export_order("absent", ee.Image("COPERNICUS/S2_HARMONIZED/nowhere")))
        taken = pool[0].submit(export_order("taken", ee.Image(-9999.0)))
        last = pool[0].submit(export_order("last", ee.Image(4)))
    for job in (good, absent, taken, last):
        assert job.wait(PATIENCE_S)
    for job in (good, last):
        job.result()
    with pytest.raises(NotFoundError, match="nowhere"):
        absent.result()
    with pytest.raises(EngineError, match="stands for masked"):
        taken.result()
    assert sorted(path.stem for path in (tmp_path / "store").glob("*.tif")) == ["good", "last"]


def slow_export(ee: ModuleType, name: str) -> dict[str, Any]:
    return export_order(name, ee.Image.constant(slow_value(ee, 10).get("B2")))


def test_cancelling_one_of_several_made_together_leaves_the_others(
    ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path
):
    with held_back(pool[0], ee):
        first = pool[0].submit(export_order("first", ee.Image(1)))
        slow = pool[0].submit(slow_export(ee, "slow"))
    until(lambda: slow in pool[0]._processes, "both to be at work")
    pool[0].cancel(slow)
    assert slow.wait(2.0)
    with pytest.raises(CancelledError):
        slow.result()
    assert first.wait(PATIENCE_S)
    first.result()
    assert pool[1] == []


def test_after_a_death_what_was_made_together_is_made_one_by_one(
    ee: ModuleType, pool: tuple[WorkerPool, list[str]], tmp_path: Path
):
    groups: list[int] = []
    take = pool[0]._carry_out
    pool[0]._carry_out = lambda group, process: (groups.append(len(group)), take(group, process))[1]  # type: ignore
    with held_back(pool[0], ee):
        slow = pool[0].submit(slow_export(ee, "slow"))
        others = [pool[0].submit(export_order(f"image{number}", ee.Image(number))) for number in range(2)]
    until(lambda: slow in pool[0]._processes, "them to be at work")
    os.kill(the_worker(tmp_path), signal.SIGKILL)
    until(lambda: len(groups) > 2, "the next attempt")
    pool[0].cancel(slow)
    for job in others:
        assert job.wait(PATIENCE_S)
        job.result()
    assert groups == [1, 3, 1, 1, 1]
    assert pool[1] == ["A worker stopped unexpectedly (exit code -9), attempt 1."]
