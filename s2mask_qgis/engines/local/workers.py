"""The worker pool: a few processes that do the engine's work, one job each at a time, and can be stopped at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..base import CountCallback
from ..errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    NotFoundError,
    SceneError,
    StorageError,
    TransientError,
)

ERRORS: dict[str, type[EngineError]] = {
    "NOT_FOUND": NotFoundError,
    "RESOURCE_EXHAUSTED": StorageError,
    "FAILED_PRECONDITION": SceneError,
    "INVALID_ARGUMENT": BadRequestError,
    "UNAVAILABLE": TransientError,
    "CANCELLED": CancelledError,
    "INTERNAL": EngineError,
}
"""What a worker's status becomes on this side."""

EXPORT, TABLE, TOGETHER = "export", "table", "together"
"""Kinds of orders: the export of an image, that of a table, and several images over one grid."""

EVENT_START = b'{"event":'
"""How every event of a worker begins."""

CANCELLED = ("CANCELLED", "The work was cancelled.")
CLOSED = ("CANCELLED", "The engine was closed.")
"""Status and message of jobs that are stopped."""

ATTEMPTS = 2
"""A job whose worker dies is tried once more, by itself: the job may not be what killed it."""

MOST_TOGETHER = 8
"""Exports that a worker makes side by side. Of eight images in a row the backgrounds are 48 images, not 240, and their
decoded blocks take some 200 MB; more would save little and show the first result later."""


class Job:
    """One piece of work: what it is, how far it is, and how it ended."""

    def __init__(
        self,
        order: dict[str, Any],
        on_count: CountCallback | None = None,
        on_change: Callable[[Job], None] | None = None,
    ) -> None:
        """``on_change`` is called as the job begins and as it ends, from the thread that brings it about."""
        self.order = order
        self.payloads: list[bytes] = []
        self.status: str | None = None
        self.message = ""
        self.is_running = False
        self.stopped: tuple[str, str] | None = None
        self.share_done = 0.0
        self.is_urgent = False
        self.attempts = 0
        self._on_count = on_count
        self._on_change = on_change
        self._ended = threading.Event()

    def begin(self) -> None:
        """Mark the job as running."""
        self.is_running = True
        if self._on_change is not None:
            self._on_change(self)

    def progress(self, done: int, total: int) -> None:
        """Pass on how far the job is."""
        self.share_done = done / max(total, 1)
        if self._on_count is not None:
            self._on_count(done, total)

    def end(self, status: str | None = None, message: str = "", payloads: Sequence[bytes] = ()) -> None:
        """Mark the job as ended; ``status`` is None where it went well."""
        self.status, self.message, self.payloads = status, message, list(payloads)
        self.is_running = False
        if self._on_change is not None:
            self._on_change(self)
        self._ended.set()

    @property
    def has_ended(self) -> bool:
        """True once the job is done, failed or cancelled."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end for at most so long; True once ended."""
        return self._ended.wait(seconds)

    def result(self) -> list[bytes]:
        """The payloads of an ended job; raises the EngineError that ended it."""
        if self.status is not None:
            raise ERRORS.get(self.status, EngineError)(self.message)
        return self.payloads


class WorkerPool:
    """``count`` processes started when first needed; urgent jobs go before the others.

    Exports over the same grid that wait at the same time are given to a worker together: it makes them block by block
    side by side, so that what they share is decoded once (see worker).

    ``spare`` more are started when an urgent job comes while all others are at work, so that none waits for the end of
    a long one. ``arguments`` are those of the worker's main function. ``on_log`` receives what workers print, line by
    line.
    """

    def __init__(self, count: int, arguments: Sequence[str], on_log: Callable[[str], None], spare: int = 0) -> None:
        self._arguments = tuple(arguments)
        self._on_log = on_log
        self._urgent: deque[Job] = deque()
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._processes: dict[Job, subprocess.Popen[bytes]] = {}
        self._idle = 0
        self._count = count
        kinds = [False] * count + [True] * spare
        self._threads = [threading.Thread(target=self._serve, args=(is_spare,), daemon=True) for is_spare in kinds]
        for thread in self._threads:
            thread.start()

    def submit(self, order: dict[str, Any], urgent: bool = False, on_count: CountCallback | None = None) -> Job:
        """Queue a new job."""
        job = Job(order, on_count)
        self.add(job, urgent)
        return job

    def add(self, job: Job, urgent: bool = False) -> None:
        """Queue a job."""
        job.is_urgent = urgent
        with self._changed:
            if self._is_closed:
                job.end(*CLOSED)
            else:
                (self._urgent if urgent else self._waiting).append(job)
                self._changed.notify_all()

    def log(self, line: str) -> None:
        """Tell whoever listens to the pool something."""
        self._on_log(line)

    def cancel(self, job: Job, status: str = CANCELLED[0], message: str = CANCELLED[1]) -> None:
        """Stop a job: taken from the queue, or its process killed. It ends with ``status`` and ``message``."""
        with self._changed:
            job.stopped = job.stopped or (status, message)
            for waiting in (self._urgent, self._waiting):
                if job in waiting:
                    waiting.remove(job)
                    job.end(*job.stopped)
            process = self._processes.get(job)
            if process is not None and not job.has_ended:
                process.kill()  # still under the lock, or the process might be doing the next job by now

    def close(self) -> None:
        """Stop everything and wait for the processes to end."""
        with self._changed:
            self._is_closed = True
            for job in (*self._urgent, *self._waiting):
                job.end(*CLOSED)
            self._urgent.clear()
            self._waiting.clear()
            running = list(self._processes.items())
            self._changed.notify_all()
        for job, process in running:
            job.stopped = job.stopped or CLOSED
            process.kill()
        for thread in self._threads:
            thread.join()

    def _next(self, is_spare: bool) -> list[Job]:
        """The next jobs, none once the pool is closed. Spare workers help with urgent ones while no other is free."""
        with self._changed:
            self._idle += not is_spare
            try:
                while not self._is_closed:
                    if self._urgent and not (is_spare and self._idle):
                        return [self._urgent.popleft()]
                    if self._waiting and not is_spare:
                        return self._together()
                    self._changed.wait()
                return []
            finally:
                self._idle -= not is_spare
                self._changed.notify_all()

    def _together(self) -> list[Job]:
        """Take the first waiting job and those that go with it, but leave the other workers their share."""
        first = self._waiting[0]
        most = min(MOST_TOGETHER, -(-len(self._waiting) // self._count))
        jobs = [first, *(job for job in list(self._waiting)[1:] if _go_together(first, job))][:most]
        for job in jobs:
            self._waiting.remove(job)
        return jobs

    def _serve(self, is_spare: bool) -> None:
        """One thread a worker: gives it jobs and listens to it."""
        process: subprocess.Popen[bytes] | None = None
        while jobs := self._next(is_spare):
            _keep_one_running(jobs)
            try:
                process = self._running(process)
            except StorageError as error:
                for job in jobs:
                    job.end("RESOURCE_EXHAUSTED", str(error))
                continue
            if not self._carry_out(jobs, process):
                self._take_up([job for job in jobs if not job.has_ended], process)
        if process is not None:
            process.kill()
            process.wait()

    def _take_up(self, jobs: list[Job], process: subprocess.Popen[bytes]) -> None:
        """After a worker has died: what was stopped ends, the rest is queued again unless it had its attempts."""
        was_stopped = any(job.stopped for job in jobs)
        if not was_stopped and jobs:
            attempt = jobs[0].attempts + 1
            self._on_log(f"A worker stopped unexpectedly (exit code {process.wait()}), attempt {attempt}.")
        for job in reversed(jobs):
            job.attempts += not was_stopped
            with self._changed:
                if job.stopped or self._is_closed:
                    job.end(*(job.stopped or CLOSED))
                elif job.attempts >= ATTEMPTS:
                    job.end(*_died(process))
                else:
                    (self._urgent if job.is_urgent else self._waiting).appendleft(job)
                    self._changed.notify_all()

    def _running(self, process: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes]:
        if process is not None and process.poll() is None:
            return process
        process = start_worker(self._arguments)
        threading.Thread(target=self._log, args=(process,), daemon=True).start()
        return process

    def _log(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._on_log(line.decode(errors="replace").rstrip())

    def _carry_out(self, jobs: list[Job], process: subprocess.Popen[bytes]) -> bool:
        """Give jobs to a worker and listen until they end; False where the worker died, or one of them was stopped."""
        with self._changed:
            if self._is_closed:
                for job in jobs:
                    job.stopped = job.stopped or CLOSED
            if any(job.stopped for job in jobs):
                return False
            self._processes |= dict.fromkeys(jobs, process)
        try:
            return _converse(jobs, process)
        finally:
            with self._changed:
                for job in jobs:
                    del self._processes[job]


def _go_together(first: Job, other: Job) -> bool:
    """True for exports over one grid. What has cost a worker its life is done by itself."""
    if any(job.attempts or job.order.get("kind") != EXPORT for job in (first, other)):
        return False
    return bool(first.order["grid"] == other.order["grid"])


def _keep_one_running(jobs: list[Job]) -> None:
    """Let the first of a worker's jobs that has not ended count as running: the service runs as many as there are
    workers, so those that are made beside it count as waiting."""
    if not any(job.is_running for job in jobs):
        next(job for job in jobs if not job.has_ended).begin()


def _converse(jobs: list[Job], process: subprocess.Popen[bytes]) -> bool:
    assert process.stdin is not None and process.stdout is not None
    orders = [job.order for job in jobs]
    order = orders[0] if len(orders) == 1 else {"kind": TOGETHER, "orders": orders}
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
    except OSError:
        process.wait()
        return False
    for line in process.stdout:
        if not line.endswith(b"\n"):
            break
        if not line.startswith(EVENT_START):
            continue  # printed by Python's own start-up, before the worker took its output over
        event = json.loads(line)
        payloads = [process.stdout.read(size) for size in event["sizes"]]
        if [len(payload) for payload in payloads] != event["sizes"]:
            break
        job = jobs[event.get("of", 0)]
        if event["event"] == "progress":
            job.progress(event["done"], event["total"])
        elif event["event"] == "done":
            job.end(payloads=payloads)
        else:
            job.end(event["status"], event["message"])
        if all(job.has_ended for job in jobs):
            return True
        _keep_one_running(jobs)
    process.wait()
    return False


def _died(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    text = f"The worker process stopped unexpectedly (exit code {process.returncode})"
    return "INTERNAL", f"{text}; free some memory and run again."


def start_worker(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start one worker on the interpreter that QGIS's own Python belongs to. StorageError where that fails."""
    package = Path(__file__).resolve().parents[2]
    command = [str(interpreter()), "-m", f"{package.name}.engines.local.worker", *arguments]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=worker_environment(),
            creationflags=_window_flags(),
        )
    except OSError as error:
        raise StorageError(f"The worker process {command[0]} cannot be started ({error.strerror}).") from None


def worker_environment() -> dict[str, str]:
    """The environment of a worker: where the package is, one thread, and memory that is kept for the next block.

    Blocks are arrays of some megabytes, made and freed all the time. The C library would give each back to the system
    at once and have it cleared anew: a third of a mask's time (benchmarks/peers.py). Elsewhere than on Linux these two
    settings mean nothing.
    """
    package = Path(__file__).resolve().parents[2]
    paths = [str(package.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS"), "1")
    return environment | {"MALLOC_MMAP_THRESHOLD_": str(2**28), "MALLOC_TRIM_THRESHOLD_": str(2**30)}


def _window_flags() -> int:
    """On Windows no window of its own and less than QGIS's priority; elsewhere the worker lowers its own."""
    return getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)


def interpreter() -> Path:
    """The Python that belongs to this process: inside QGIS, ``sys.executable`` may be QGIS itself or another Python."""
    candidates = [Path(sys.prefix) / "bin" / "python3", Path(sys.exec_prefix) / "python.exe"]
    candidates += [Path(sys.exec_prefix) / "python3.exe", Path(sys.prefix) / "bin" / "python"]
    return next((path for path in candidates if path.is_file()), Path(sys.executable))
