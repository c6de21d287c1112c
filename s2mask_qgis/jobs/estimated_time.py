"""How long a run will take, by the tasks that have ended before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..core.estimates import duration_of, mean, total_of
from ..engines.base import Engine, EngineTraits, Operation, OperationState
from ..engines.limits import ServiceLimits
from .ledger.ledger import Ledger
from .request import RunRequest


@dataclass(frozen=True)
class TimeEstimate:
    """``seconds`` of a run and the ``compute_seconds`` charged, None where nothing is known; from so many ``finished``
    tasks, of the project or of the run's own ledger. ``at_once`` tasks are taken to go on at a time, ``active`` are
    active now."""

    seconds: float | None
    compute_seconds: float | None
    at_once: int
    finished: int
    of_project: bool
    active: int


def estimated_time(
    request: RunRequest, engine: Engine, traits: EngineTraits, ledger: Ledger | None, tasks: Mapping[str, int]
) -> TimeEstimate:
    """How long ``tasks``, a count by kind of result, will take.

    From the operations that the service lists of such tasks, by the time that they ran and as many at once as it runs;
    else from the ledger, by the time from sending to the end and as many at once as were under way.
    """
    operations = list(engine.operations().values())
    active = sum(not operation.state.is_final for operation in operations)
    running = sum(operation.state is OperationState.RUNNING for operation in operations)
    similar = {kind: list(_similar(operations, kind)) for kind in tasks}
    ran = {kind: [_ran(operation) for operation in found] for kind, found in similar.items()}
    seconds = {kind: [value for value in values if value is not None] for kind, values in ran.items()}
    at_once, of_project = max(running, ServiceLimits().running_operations), True
    if not any(seconds.values()) and ledger is not None:
        seconds, of_project = {kind: ledger.durations(kind) for kind in tasks}, False
        at_once = sum(map(len, seconds.values()))
    at_once = max(1, min(at_once, request.throttle.nb_task_max, traits.active_limit))
    charged = {
        kind: mean(one.compute_seconds for one in found if one.compute_seconds is not None)
        for kind, found in similar.items()
    }
    total = total_of(tasks, {kind: mean(values) for kind, values in seconds.items()})
    images = max(tasks.values(), default=0)
    return TimeEstimate(
        seconds=None if total is None else duration_of(total, at_once, images, traits.concurrent_calls),
        compute_seconds=total_of(tasks, charged),
        at_once=at_once,
        finished=sum(map(len, seconds.values())),
        of_project=of_project,
        active=active,
    )


def _similar(operations: Iterable[Operation], kind: str) -> Iterable[Operation]:
    """Tasks that have made a result of this kind: their descriptions begin with it and the image's date."""
    for operation in operations:
        begin, _, rest = operation.description.partition("_")
        if operation.state is OperationState.SUCCEEDED and begin == kind and rest[:8].isdecimal():
            yield operation


def _ran(operation: Operation) -> float | None:
    """Seconds that a task ran, None where the service does not tell them."""
    if operation.started_s is None or operation.ended_s is None:
        return None
    return operation.ended_s - operation.started_s
