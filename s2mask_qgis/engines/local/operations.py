"""Operations: exports that were asked for, each a job of the worker pool, known by name and by request id."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Any

from ..base import OperationState
from ..errors import NotFoundError
from .assets import PROJECT, AssetStore
from .workers import ERRORS, Job, WorkerPool

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


@dataclass
class _Operation:
    name: str
    job: Job
    description: str
    has_cancelled: bool = False

    @property
    def state(self) -> OperationState:
        if self.job.has_ended:
            if self.job.status is None:
                return OperationState.SUCCEEDED
            return OperationState.CANCELLED if self.job.status == "CANCELLED" else OperationState.FAILED
        if self.has_cancelled:
            return OperationState.CANCELLING
        return OperationState.RUNNING if self.job.is_running else OperationState.PENDING

    def to_json(self) -> dict[str, Any]:
        state = self.state
        described: dict[str, Any] = {
            "name": self.name,
            "metadata": {"type": "EXPORT_IMAGE", "description": self.description, "state": state.value},
        }
        if state.is_final:
            described["done"] = True
        if state in (OperationState.FAILED, OperationState.CANCELLED):
            described["error"] = {"code": CODES.get(self.job.status or "", 2), "message": self.job.message}
        return described


class OperationQueue:
    """All exports of this engine, in the order in which they were asked for."""

    def __init__(self, pool: WorkerPool, store: AssetStore) -> None:
        self._pool = pool
        self._store = store
        self._operations: dict[str, _Operation] = {}
        self._lock = threading.Lock()

    def start(self, order: dict[str, Any], request_id: str, description: str) -> dict[str, Any]:
        """Queue an export; a request id that was seen before gives the operation it started then."""
        digest = hashlib.sha256(request_id.encode()).hexdigest()[:24].upper()
        name = f"projects/{PROJECT}/operations/{digest}"
        with self._lock:
            if name not in self._operations:
                job = self._pool.submit({"kind": "export", "name": digest, **order})
                self._operations[name] = _Operation(name, job, description)
            return self._operations[name].to_json()

    def get(self, name: str) -> dict[str, Any]:
        """One operation as the service describes it. NotFoundError where there is none."""
        return self._find(name).to_json()

    def all(self) -> list[dict[str, Any]]:
        """All operations, the latest first, as the service lists them."""
        with self._lock:
            return [operation.to_json() for operation in reversed(self._operations.values())]

    def cancel(self, name: str) -> None:
        """Stop an operation and remove what it has left unfinished; one that has ended is left alone."""
        operation = self._find(name)
        if operation.job.has_ended:
            return
        operation.has_cancelled = True
        self._pool.cancel(operation.job)
        operation.job.wait(5.0)
        self._store.discard(operation.name.rpartition("/")[2])

    def close(self) -> None:
        """After the pool has stopped: remove what unfinished exports have left."""
        for operation in self._operations.values():
            if operation.job.status is not None:
                self._store.discard(operation.name.rpartition("/")[2])
        self._store.tidy()

    def _find(self, name: str) -> _Operation:
        with self._lock:
            if name not in self._operations:
                raise NotFoundError(f"Operation '{name}' not found.")
            return self._operations[name]


STATUS_OF = {kind: status for status, kind in ERRORS.items()}
"""The service's status for each error of the engine."""
