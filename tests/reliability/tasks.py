"""The simulated service's tasks: a queue of which a few run at once, in simulated time, counted at every instant."""

from __future__ import annotations

import heapq
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import dropwhile
from typing import Any

from s2mask_qgis.engines.base import OperationState

OWN, FOREIGN = "own", "foreign"
REMEMBERED_S = 10 * 86_400.0
"""How long the service lists operations that have ended. Source: Processing environments, Earth Engine guides."""
CANCELLING_S = 5.0
CANCELLED_CODE = 1
UNKNOWN_CODE = 2
"""Codes of errors of operations. Source: google.rpc.Code."""


@dataclass(frozen=True)
class Fate:
    """How a task will go: ``seconds`` it runs, how it fails (code of google.rpc.Code; 0: it does not), and whether the
    service stops listing it so many seconds after it was asked for (None: it does not)."""

    seconds: float
    code: int = 0
    error: str = ""
    vanishes_s: float | None = None
    is_made: bool = True


@dataclass(frozen=True)
class Burst:
    """Tasks that another user of the project starts at once."""

    at_s: float
    count: int
    seconds: float


@dataclass
class Task:
    """One operation. ``content`` is what was asked for, as the service keeps it."""

    number: int
    name: str
    owner: str
    description: str
    fate: Fate
    created_s: float
    content: dict[str, Any]
    request_id: str = ""
    target: str = ""
    state: OperationState = OperationState.PENDING
    started_s: float | None = None
    ended_s: float | None = None
    due_s: float = math.inf
    code: int = 0
    error: str = ""
    text: tuple[OperationState | None, bytes] = (None, b"")


class TaskQueue:
    """Tasks by name and request id. ``store`` keeps the result of one that succeeds, and may say how it fails after
    all; ``on_end`` is told of each that has ended.

    ``peak_active`` is the most that were active at any instant, by owner and "" for all.
    """

    def __init__(
        self,
        project: str,
        running_at_once: int,
        store: Callable[[Task], tuple[int, str] | None],
        on_end: Callable[[Task], None],
    ) -> None:
        self.active = {OWN: 0, FOREIGN: 0}
        self.pending = 0
        self.peak_active = {OWN: 0, FOREIGN: 0, "": 0}
        self._project = project
        self._running_at_once = running_at_once
        self._store = store
        self._on_end = on_end
        self._tasks: dict[int, Task] = {}
        self._numbers: dict[str, int] = {}
        self._by_request: dict[str, int] = {}
        self._queue: deque[Task] = deque()
        self._running: list[tuple[float, int]] = []
        self._running_count = 0
        self._ended: deque[tuple[float, int]] = deque()
        self._vanishing: list[tuple[float, int]] = []
        self._bursts: deque[Burst] = deque()
        self._next_number = 1

    def expect(self, bursts: Iterable[Burst]) -> None:
        """Tasks of others that will come, in order of time."""
        self._bursts.extend(sorted(bursts, key=lambda burst: burst.at_s))

    def settle(self, now_s: float) -> None:
        """Bring everything to this moment."""
        while True:
            due_s, what = min(
                (self._bursts[0].at_s if self._bursts else math.inf, 0),
                (self._running[0][0] if self._running else math.inf, 1),
                (self._vanishing[0][0] if self._vanishing else math.inf, 2),
            )
            if due_s > now_s:
                break
            (self._arrive, self._end_first, self._vanish)[what]()
        while self._ended and self._ended[0][0] < now_s - REMEMBERED_S:
            self._drop(self._ended.popleft()[1])

    def _arrive(self) -> None:
        burst = self._bursts.popleft()
        for _ in range(burst.count):
            self.add("", "another user's task", FOREIGN, Fate(burst.seconds), {}, burst.at_s)

    def add(
        self,
        request_id: str,
        description: str,
        owner: str,
        fate: Fate,
        content: dict[str, Any],
        now_s: float,
        target: str = "",
    ) -> Task:
        """A new task at the end of the queue."""
        number, self._next_number = self._next_number, self._next_number + 1
        name = f"projects/{self._project}/operations/{number:024X}"
        task = Task(number, name, owner, description, fate, now_s, content, request_id, target)
        self._tasks[number] = task
        self._numbers[name] = number
        if request_id:
            self._by_request[request_id] = number
        if fate.vanishes_s is not None:
            heapq.heappush(self._vanishing, (now_s + fate.vanishes_s, number))
        self._queue.append(task)
        self.pending += 1
        self.active[owner] += 1
        for who, count in ((owner, self.active[owner]), ("", sum(self.active.values()))):
            self.peak_active[who] = max(self.peak_active[who], count)
        self._fill(now_s)
        return task

    def of_request(self, request_id: str) -> Task | None:
        """The task that a request id started, None where the service knows of none."""
        number = self._by_request.get(request_id)
        return self._tasks.get(number) if number is not None else None

    def find(self, name: str) -> Task | None:
        """The task of an operation's name, None where it is not, or no longer, listed."""
        number = self._numbers.get(name)
        return self._tasks.get(number) if number is not None else None

    def cancel(self, task: Task, now_s: float) -> None:
        """Stop a task; one that runs takes a moment to end."""
        if task.state is OperationState.PENDING:
            self.pending -= 1
            self._finish(task, OperationState.CANCELLED, now_s, CANCELLED_CODE, "Cancelled.")
        elif task.state is OperationState.RUNNING:
            task.state = OperationState.CANCELLING
            task.due_s = now_s + CANCELLING_S
            heapq.heappush(self._running, (task.due_s, task.number))

    def page(self, before: int | None, size: int, until_s: float) -> tuple[list[Task], int | None]:
        """Tasks that came until a moment, the latest first, from those before a number on; and the number that the
        next page is before."""
        latest_first: Iterator[Task] = dropwhile(lambda task: task.created_s > until_s, reversed(self._tasks.values()))
        if before is not None:
            latest_first = dropwhile(lambda task: task.number >= before, latest_first)
        found: list[Task] = []
        for task in latest_first:
            if len(found) == size:
                return found, found[-1].number
            found.append(task)
        return found, None

    def listed(self) -> int:
        """How many operations the service still lists."""
        return len(self._tasks)

    def _fill(self, now_s: float) -> None:
        while self._running_count < self._running_at_once and self._queue:
            task = self._queue.popleft()
            if task.state is not OperationState.PENDING:
                continue
            self.pending -= 1
            self._running_count += 1
            task.state, task.started_s = OperationState.RUNNING, now_s
            task.due_s = now_s + task.fate.seconds
            heapq.heappush(self._running, (task.due_s, task.number))

    def _end_first(self) -> None:
        """End the task that is due first; then the next one begins, at that very moment."""
        due_s, number = heapq.heappop(self._running)
        task = self._tasks.get(number)
        if task is None or task.due_s != due_s or task.state.is_final:
            return
        self._running_count -= 1
        if task.state is OperationState.CANCELLING:
            self._finish(task, OperationState.CANCELLED, due_s, CANCELLED_CODE, "Cancelled.")
        elif task.fate.code:
            self._finish(task, OperationState.FAILED, due_s, task.fate.code, task.fate.error)
        else:
            task.ended_s = due_s
            failure = self._store(task) if task.fate.is_made else None
            state = OperationState.FAILED if failure else OperationState.SUCCEEDED
            self._finish(task, state, due_s, *(failure or (0, "")))
        self._fill(due_s)

    def _finish(self, task: Task, state: OperationState, now_s: float, code: int, error: str) -> None:
        task.state, task.ended_s, task.code, task.error = state, now_s, code, error
        self.active[task.owner] -= 1
        self._ended.append((now_s, task.number))
        self._on_end(task)

    def _vanish(self) -> None:
        """Stop listing a task that is to vanish; one that has not ended makes nothing."""
        due_s, number = heapq.heappop(self._vanishing)
        task = self._tasks[number]
        if not task.state.is_final:
            if task.state is OperationState.PENDING:
                self.pending -= 1
            else:
                self._running_count -= 1
            self._finish(task, OperationState.FAILED, due_s, UNKNOWN_CODE, "Lost.")
            self._fill(due_s)
        self._drop(number)

    def _drop(self, number: int) -> None:
        task = self._tasks.pop(number, None)
        if task is not None:
            self._numbers.pop(task.name, None)
            self._by_request.pop(task.request_id, None)


def described(task: Task, now_s: float) -> bytes:
    """An operation as the service describes it, JSON; the text is kept as long as its state."""
    if task.text[0] is task.state:
        return task.text[1]
    metadata: dict[str, Any] = {
        "@type": "type.googleapis.com/google.earthengine.v1.OperationMetadata",
        "type": "EXPORT_IMAGE",
        "description": task.description,
        "state": task.state.value,
        "priority": 100,
        "attempt": 1,
        "createTime": moment(task.created_s),
        "updateTime": moment(task.ended_s or task.started_s or task.created_s),
    }
    if task.started_s is not None:
        metadata["startTime"] = moment(task.started_s)
    whole: dict[str, Any] = {"name": task.name, "metadata": metadata}
    if task.state.is_final:
        metadata["endTime"] = moment(task.ended_s or now_s)
        metadata["batchEecuUsageSeconds"] = 2.0 * task.fate.seconds
        whole["done"] = True
        if task.state is OperationState.SUCCEEDED:
            whole["response"] = {"@type": "type.googleapis.com/google.earthengine.v1.ExportImageResponse"}
        else:
            whole["error"] = {"code": task.code, "message": task.error}
    text = json.dumps(whole, separators=(",", ":")).encode()
    task.text = task.state, text
    if task.state.is_final:
        task.content = {}
    return text


def moment(seconds: float) -> str:
    """A moment as the service writes it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
