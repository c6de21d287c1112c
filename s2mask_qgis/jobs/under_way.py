"""The exports of a run that are, or may be, at the service: what became of each is found out by one look at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial

from ..engines.base import DriveDestination, Engine, FileDestination, Operation, OperationState
from ..engines.errors import BadRequestError, QuotaError, SignInError, TransientError
from .calls import Calls
from .image_job import Job
from .ledger.ledger import Ledger
from .ledger.rows import ExportRow, RowState
from .results import KEY, tag_of

LOOKS = 2
LISTED_WITHIN_S = 600.0
"""An export that the service does not list so often in a row has vanished; not a new one, which may be listed late."""

_AT_THE_SERVICE = (SignInError, QuotaError, BadRequestError, TransientError)


class Fate(Enum):
    """What became of an export."""

    DONE = "its result is there"
    ENDED = "its operation has ended otherwise"
    NEVER_ARRIVED = "its request has not reached the service"
    VANISHED = "the service has lost its operation"
    UNKNOWN = "the service has lost its operation, and does not tell whether its result is there"


@dataclass(frozen=True)
class News:
    """The fate of an image's export; ``operation`` as it was listed, where it was."""

    job: Job
    fate: Fate
    operation: Operation | None = None


class UnderWay:
    """Exports that were sent, and requests whose answer was lost. ``foreign`` counts the project's other tasks that
    have not ended, None before the first look."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self.foreign: int | None = None
        self._engine, self._ledger = engine, ledger
        self._sent: dict[str, Job] = {}
        self._unanswered: list[Job] = []

    def __len__(self) -> int:
        return len(self._sent) + len(self._unanswered)

    def adopt(self, row: ExportRow, job: Job) -> None:
        """Take over an export that an earlier session left open."""
        if row.operation:
            self._sent[row.operation] = job
        else:
            self._unanswered.append(job)

    def sent(self, name: str, job: Job) -> None:
        """The service has answered with the name of an operation."""
        self._sent[name] = job
        self._ledger.sent(job.request_id, name)

    def unanswered(self, job: Job) -> None:
        """A request was sent, and may have arrived."""
        self._unanswered.append(job)

    def look(self) -> Mapping[str, Operation]:
        """One look at the operations of the project."""
        return self._engine.operations(self._sent)

    def arrivals(self, operations: Mapping[str, Operation]) -> Iterator[News]:
        """What became of the requests without an answer: those that are listed are under way from now on."""
        by_tag = {one.description.rpartition("_")[2]: name for name, one in operations.items() if one.description}
        for job in list(self._unanswered):
            name = by_tag.get(tag_of(job.request_id))
            is_stored = name is None and self._is_stored(job)
            self._unanswered.remove(job)
            if name is not None:
                self.sent(name, job)
            else:
                yield News(job, Fate.DONE if is_stored else Fate.NEVER_ARRIVED)

    def ends(self, operations: Mapping[str, Operation]) -> Iterator[News]:
        """The exports that have ended, and those of others counted."""
        self.foreign = sum(name not in self._sent and not one.state.is_final for name, one in operations.items())
        for name in [name for name in self._sent if name in operations]:
            job, operation = self._sent[name], operations[name]
            job.not_listed = 0
            if operation.state.is_final:
                del self._sent[name]
                is_done = operation.state is OperationState.SUCCEEDED
                yield News(job, Fate.DONE if is_done else Fate.ENDED, operation)
            elif operation.state is OperationState.RUNNING and job.state is not OperationState.RUNNING:
                job.state = OperationState.RUNNING
                self._ledger.running([job.request_id])

    def losses(self, operations: Mapping[str, Operation], now_s: float) -> Iterator[News]:
        """The exports that the service does not list any more."""
        for name in [name for name in self._sent if name not in operations]:
            job = self._sent[name]
            job.not_listed += 1
            if job.not_listed < LOOKS or now_s < job.sent_s + self._listed_within_s(job):
                continue
            is_stored = self._is_stored(job)
            del self._sent[name]
            if is_stored:
                yield News(job, Fate.DONE)
            else:
                yield News(job, Fate.UNKNOWN if self._goes_to_drive(job) else Fate.VANISHED)

    def _is_stored(self, job: Job) -> bool:
        """True where the result of a job's export is there."""
        found = self._engine.stored(job.kinds[0], [job.index]).get(job.index, {})
        return found.get(KEY) == job.item.key

    def _listed_within_s(self, job: Job) -> float:
        """How late a new export may be listed; files are written by this process, which knows its own at once."""
        is_file = isinstance(self._engine.destination(job.kinds[0], job.index), FileDestination)
        return 0.0 if is_file else LISTED_WITHIN_S

    def _goes_to_drive(self, job: Job) -> bool:
        return isinstance(self._engine.destination(job.kinds[0], job.index), DriveDestination)

    def cancel(self) -> int:
        """Stop everything at the service; returns how many exports may go on because it did not answer."""
        with suppress(*_AT_THE_SERVICE):
            for news in self.arrivals(self.look() if self._unanswered else {}):
                self._note_cancelled(news.job)
        calls = Calls(self._engine.traits.concurrent_calls)
        try:
            asked = [(name, calls.submit(partial(self._engine.cancel, name))) for name in self._sent]
            for name, answer in asked:
                with suppress(*_AT_THE_SERVICE):
                    answer.result()
                    self._note_cancelled(self._sent.pop(name))
        finally:
            calls.close()
        return len(self)

    def _note_cancelled(self, job: Job) -> None:
        self._ledger.end_export(job.request_id, RowState.CANCELLED)
        self._ledger.mark([job.index], RowState.CANCELLED)
