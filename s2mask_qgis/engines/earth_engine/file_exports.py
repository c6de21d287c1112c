"""Exports to files on this computer: operations of this process, beside those of the service."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..base import Export, FileDestination, Operation, OperationState
from ..client import ServiceClient
from ..errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    QuotaError,
    RateError,
    SignInError,
    StorageError,
    TransientError,
)
from ..export_requests import description_of
from ..local.asset_files import read_mark
from .image_files import ImageOrder, remove_partial, write_image

FILES_AT_ONCE = 2
BLOCKS_AT_ONCE = 8
"""Requests for pixels under way at once, of the 40 that a project may have."""
PREFIX = "local/"
KEPT_ENDED = 3000
"""Operations that are remembered once they have ended: as many as may be active at once."""
_CODES: tuple[tuple[type[EngineError], int], ...] = (
    (CancelledError, 1),
    (StorageError, 8),
    (TransientError, 14),
    (RateError, 14),
    (BadRequestError, 3),
)
"""Numbers of errors as operations tell them (google.rpc.Code)."""


@dataclass
class _Running:
    """An export of this process: where it stands, and whether it is to stop."""

    operation: Operation
    destination: FileDestination
    stop: threading.Event


class FileExports:
    """Writes images to files, some at once. ``client_of`` makes a client whose calls end once they are cancelled."""

    def __init__(
        self, client_of: Callable[[Callable[[], bool]], ServiceClient], is_cancelled: Callable[[], bool]
    ) -> None:
        self._client_of = client_of
        self._is_cancelled = is_cancelled
        self._known: dict[str, _Running] = {}
        self._files: Executor | None = None
        self._blocks: Executor | None = None
        self._outside: EngineError | None = None
        self._lock = threading.Lock()

    def start(self, export: Export, destination: FileDestination) -> str:
        """Start an export; a request id that is known, or whose file is there, starts none.

        BadRequestError where another export writes the same file.
        """
        mark = hashlib.sha256(export.request_id.encode()).hexdigest()[:24]
        name = PREFIX + mark
        with self._lock:
            if name in self._known:
                return name
            if any(each.destination == destination and not each.operation.state.is_final for each in self._all()):
                raise BadRequestError(f"{destination.path} is being written already. Wait until that has ended.")
            is_there = read_mark(destination.path) == mark
            state = OperationState.SUCCEEDED if is_there else OperationState.PENDING
            created_s = time.time()
            operation = Operation(name, state, description=description_of(export), created_s=created_s)
            self._known[name] = running = _Running(operation, destination, threading.Event())
            self._forget()
            if not is_there:
                order = ImageOrder(export.image, export.grid, destination.path, mark, export.pyramiding)
                self._threads()[0].submit(self._work, running, order)
        return name

    def operations(self, names: Collection[str]) -> dict[str, Operation]:
        """Those of ``names`` that are known, and all that have not ended.

        Raises once what keeps all of them from going on: the sign-in has expired, a quota is used up.
        """
        with self._lock:
            outside, self._outside = self._outside, None
            if outside is not None:
                raise outside
            wanted = set(names)
            return {
                each.operation.name: each.operation
                for each in self._all()
                if each.operation.name in wanted or not each.operation.state.is_final
            }

    def cancel(self, name: str) -> None:
        """Stop an export; one that has ended is left alone."""
        with self._lock:
            running = self._known.get(name)
            if running is not None and not running.operation.state.is_final:
                running.stop.set()
                running.operation = replace(running.operation, state=OperationState.CANCELLING)

    def close(self) -> None:
        """Stop all exports and wait until they have removed what they left unfinished."""
        with self._lock:
            for running in self._known.values():
                running.stop.set()
            files, blocks = self._files, self._blocks
        for threads in (files, blocks):
            if threads is not None:
                threads.shutdown(wait=True)
        for folder in {running.destination.path.parent for running in self._known.values()}:
            remove_partial(folder)

    def _all(self) -> Collection[_Running]:
        return self._known.values()

    def _threads(self) -> tuple[Executor, Executor]:
        """Threads for files and for blocks, begun when they are needed."""
        if self._files is None or self._blocks is None:
            self._files = ThreadPoolExecutor(FILES_AT_ONCE, "s2mask-file")
            self._blocks = ThreadPoolExecutor(BLOCKS_AT_ONCE, "s2mask-block")
        return self._files, self._blocks

    def _forget(self) -> None:
        ended = [name for name, each in self._known.items() if each.operation.state.is_final]
        for name in ended[: max(0, len(ended) - KEPT_ENDED)]:
            del self._known[name]

    def _work(self, running: _Running, order: ImageOrder) -> None:
        """Write one file, in a thread of its own; whatever happens becomes the operation's state."""

        def is_stopped() -> bool:
            return running.stop.is_set() or self._is_cancelled()

        try:
            self._check(is_stopped)
            self._set(running, state=OperationState.RUNNING, started_s=time.time())
            for share in write_image(self._client_of(is_stopped), order, self._threads()[1]):
                if share < 1.0:  # a file that is whole cannot be stopped any more
                    self._check(is_stopped)
        except CancelledError:
            self._set(running, state=OperationState.CANCELLED, ended_s=time.time())
        except EngineError as error:
            self._fail(running, error)
        except Exception as error:  # a thread's error would be lost, and the operation never end
            self._fail(running, EngineError(f"{order.path} was not written ({type(error).__name__}: {error})."))
        else:
            self._set(running, state=OperationState.SUCCEEDED, ended_s=time.time())

    @staticmethod
    def _check(is_stopped: Callable[[], bool]) -> None:
        if is_stopped():
            raise CancelledError("Stopped on request.")

    def _fail(self, running: _Running, error: EngineError) -> None:
        is_outside = isinstance(error, (SignInError, QuotaError)) and not isinstance(error, RateError)
        code = 14 if is_outside else next((code for kind, code in _CODES if isinstance(error, kind)), 13)
        if is_outside:
            with self._lock:
                self._outside = error
        self._set(running, state=OperationState.FAILED, error=str(error), error_code=code, ended_s=time.time())

    def _set(self, running: _Running, **changes: object) -> None:
        with self._lock:
            if running.operation.state is OperationState.CANCELLING and changes["state"] is OperationState.RUNNING:
                return
            running.operation = replace(running.operation, **changes)  # type: ignore[arg-type]
