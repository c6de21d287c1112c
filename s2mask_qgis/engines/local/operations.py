"""Operations: exports that were asked for, each a job of the worker pool, known by name and by request id."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..base import OperationState
from ..errors import BadRequestError, NotFoundError, QuotaError, StorageError
from ..limits import ServiceLimits
from .assets import PROJECT, AssetStore
from .faults import FaultPlan
from .journal import EXPORT_IMAGE, EXPORT_TABLE, Entry, Journal
from .tables import table_made_by
from .workers import ERRORS, EXPORT, TABLE, Job, WorkerPool

CODES = {
    "CANCELLED": 1,
    "INVALID_ARGUMENT": 3,
    "NOT_FOUND": 5,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
}
"""Numbers of the service's status names (google.rpc.Code)."""

STATUS_OF = {kind: status for status, kind in ERRORS.items()} | {QuotaError: "RESOURCE_EXHAUSTED"}
"""The service's status for each error of the engine."""

JOURNAL = ".operations.sqlite"
ORPHANED = "The process that made this result ended before it was done; start it again."
_DIGITS = 24
_TYPES = {EXPORT: EXPORT_IMAGE, TABLE: EXPORT_TABLE}


@dataclass
class _Own:
    """An operation of this process: what the journal knows of it, and its job."""

    entry: Entry
    job: Job
    has_cancelled: bool = False

    @property
    def state(self) -> OperationState:
        if self.job.has_ended:
            return _ended_state(self.job)
        if self.has_cancelled:
            return OperationState.CANCELLING
        return OperationState.RUNNING if self.job.is_running else OperationState.PENDING


class OperationQueue:
    """All exports of a store, in the order in which they were asked for; those of other processes are listed as well.

    They are written down in ``journal_path``, inside the store unless given. ``faults`` is for tests.
    """

    def __init__(
        self,
        pool: WorkerPool,
        store: AssetStore,
        limits: ServiceLimits | None = None,
        journal_path: Path | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        self._pool = pool
        self._store = store
        self._limits = limits or ServiceLimits()
        self._journal = Journal(journal_path or store.folder / JOURNAL)
        self._faults = faults
        self._own: dict[str, _Own] = {}
        self._lock = threading.Lock()

    def start(self, order: dict[str, Any], request_id: str, description: str) -> dict[str, Any]:
        """Queue an export, of an image unless the order names its kind; a request id that was seen before gives the
        operation it started then.

        It is started again, as its next attempt, where its result has been removed or replaced since, or where it did
        not end well in an earlier process. QuotaError where too many wait already.
        """
        name = _name_of(request_id)
        with self._lock:
            self._adopt_orphans()
            known = self._journal.find(name)
            if known is not None and not self._may_start_again(known):
                return self._described(known)
            pending = self._journal.count(OperationState.PENDING)
            if pending >= self._limits.pending_operations:
                raise QuotaError(
                    f"Too many tasks already in the queue ({pending}). Please wait for some of them to complete."
                )
            attempt, now = (1 if known is None else known.attempt + 1), time.time()
            entry = Entry(name, order["asset"], description, OperationState.PENDING, self._journal.owner, attempt, now,
                          updated=now, type=_TYPES[order.get("kind", EXPORT)])  # fmt: skip
            if not self._journal.add(entry, over=known):
                return self._described(self._found(name))  # another process was asked for the same meanwhile
            self._own[name] = _Own(entry, self._submit(entry, order))
            return self._described(entry)

    def started(self, request_id: str) -> dict[str, Any] | None:
        """The operation that a request id has started, None where :meth:`start` would start one."""
        with self._lock:
            self._adopt_orphans()
            known = self._journal.find(_name_of(request_id))
            return None if known is None or self._may_start_again(known) else self._described(known)

    def get(self, name: str) -> dict[str, Any]:
        """One operation as the service describes it. NotFoundError where there is none."""
        with self._lock:
            self._adopt_orphans()
            return self._described(self._found(name))

    def all(self) -> list[dict[str, Any]]:
        """All operations, the latest first, as the service lists them."""
        with self._lock:
            self._adopt_orphans()
            return [self._described(entry) for entry in self._journal.entries()]

    def cancel(self, name: str) -> None:
        """Stop an operation and remove what it has left unfinished; one that has ended is left alone.

        BadRequestError where another process runs it.
        """
        with self._lock:
            self._adopt_orphans()
            entry, own = self._found(name), self._own.get(name)
            if own is None and not entry.state.is_final:
                raise BadRequestError("This export is run by another program on this computer; stop it there.")
            if own is None or own.job.has_ended:
                return
            own.has_cancelled = True
        self._pool.cancel(own.job)
        own.job.wait(5.0)
        self._store.discard(_id(name))

    def close(self) -> None:
        """After the pool has stopped: remove what unfinished exports have left."""
        for name, own in self._own.items():
            if own.job.status is not None:
                self._store.discard(_id(name))
        self._store.tidy()
        self._journal.close()

    def _submit(self, entry: Entry, order: dict[str, Any]) -> Job:
        share = self._faults.failing_share(entry.description) if self._faults is not None else None

        def on_change(changed: Job) -> None:
            self._note(entry.name, changed)

        def on_count(done: int, total: int) -> None:
            if share is not None and done >= share * total:
                self._pool.cancel(job, "INTERNAL", f"Execution failed at {share:.0%}; out of memory.")

        job = Job({"kind": EXPORT, "name": _id(entry.name), **order}, on_count, on_change)
        self._pool.add(job)
        return job

    def _note(self, name: str, job: Job) -> None:
        """Write down that a job runs or has ended. A journal that cannot be written must not stop the export."""
        ended = job.status is not None or not job.is_running
        state = _ended_state(job) if ended else OperationState.RUNNING
        try:
            self._journal.update(name, state, CODES.get(job.status or "", 0 if job.status is None else 2), job.message)
        except StorageError as error:
            self._pool.log(str(error))

    def _may_start_again(self, known: Entry) -> bool:
        own = self._own.get(known.name)
        if own is not None and own.state is not OperationState.SUCCEEDED:
            return False
        if known.state is OperationState.SUCCEEDED or own is not None:
            return not self._is_made(known)
        return known.state.is_final

    def _adopt_orphans(self) -> None:
        """Say how operations ended whose process has been killed: what they wrote is whole, or is removed."""
        for entry in self._journal.orphans():
            if self._is_made(entry):
                self._journal.update(entry.name, OperationState.SUCCEEDED)
            else:
                self._store.discard(_id(entry.name))
                self._journal.update(entry.name, OperationState.FAILED, CODES["UNAVAILABLE"], ORPHANED)

    def _is_made(self, entry: Entry) -> bool:
        """Whether what an operation has made is still there."""
        is_table = entry.type == EXPORT_TABLE
        maker = table_made_by(self._store, entry.asset) if is_table else self._store.made_by(entry.asset)
        return maker == _id(entry.name)

    def _found(self, name: str) -> Entry:
        entry = self._journal.find(name)
        if entry is None:
            raise NotFoundError(f"Operation '{name}' not found.")
        return entry

    def _described(self, entry: Entry) -> dict[str, Any]:
        """An operation in the service's form; of those of this process, the job itself is asked."""
        own = self._own.get(entry.name)
        if own is None:
            return _to_json(entry, entry.state, entry.code, entry.message, None)
        code = 0 if own.job.status is None else CODES.get(own.job.status, 2)
        return _to_json(entry, own.state, code, own.job.message, own.job.share_done)


def _name_of(request_id: str) -> str:
    digest = hashlib.sha256(request_id.encode(errors="surrogatepass")).hexdigest()
    return f"projects/{PROJECT}/operations/{digest[:_DIGITS].upper()}"


def _id(name: str) -> str:
    return name.rpartition("/")[2]


def _ended_state(job: Job) -> OperationState:
    if job.status is None:
        return OperationState.SUCCEEDED
    return OperationState.CANCELLED if job.status == "CANCELLED" else OperationState.FAILED


def _to_json(entry: Entry, state: OperationState, code: int, message: str, share: float | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "@type": "type.googleapis.com/google.earthengine.v1.OperationMetadata",
        "type": entry.type,
        "description": entry.description,
        "state": state.value,
        "priority": 100,
        "attempt": entry.attempt,
        "createTime": _time(entry.created),
        "updateTime": _time(entry.updated),
    }
    if entry.started is not None:
        metadata["startTime"] = _time(entry.started)
    if share is not None:
        metadata["progress"] = 1.0 if state is OperationState.SUCCEEDED else share
    described: dict[str, Any] = {"name": entry.name, "metadata": metadata}
    if state.is_final:
        metadata["endTime"] = _time(entry.updated)
        described["done"] = True
    if state in (OperationState.FAILED, OperationState.CANCELLED):
        described["error"] = {"code": code, "message": message}
    return described


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
