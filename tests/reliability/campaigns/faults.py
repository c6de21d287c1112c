"""Every kind of trouble at every request, or export, of a run: it ends complete, or paused and then complete, or with
the image and the reason; never with a hang, never with a duplicate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import ASSETS, DRIVE, Throttle

from ..clock import START_S, SimulatedClock
from ..running import Plan, run, states
from ..service import Behaviour, SimulatedService, varied
from ..troubles import FOR_GOOD, LASTING, OF_OPERATIONS, Planned, Trouble, Troubles

TASK_S = 120.0
THROTTLE = Throttle(nb_task_max=8, refresh_seconds=30.0)
LONGEST_S = 3 * 86_400.0
"""Simulated time within which a run of so few images must have come to its end."""


class HangError(Exception):
    """A run goes on for far too long."""


class BoundedClock(SimulatedClock):
    """Ends a run that does not end by itself."""

    def advance(self, seconds: float) -> None:
        """Let so much time pass. HangError where that is too much."""
        super().advance(seconds)
        if self.now_s() > START_S + LONGEST_S:
            raise HangError(f"after {LONGEST_S / 86_400:.0f} simulated days")


@dataclass(frozen=True)
class Tried:
    """One run with one trouble: how it ended, whether it had to be taken up again, and what it broke."""

    planned: Planned
    struck: int
    is_paused: bool
    failed: int
    started: int
    hours: float
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Faults:
    """All of them: ``positions`` requests and ``exports`` of a run without trouble; in ``struck`` of the ``runs`` the
    trouble came, in the others the run had ended a request or two earlier."""

    positions: int
    exports: int
    runs: int
    struck: int
    paused: dict[str, int]
    failed_images: dict[str, int]
    broken: tuple[str, ...]


def plan_of(images: int, destination: str = ASSETS) -> Plan:
    """The run that troubles are tried on."""
    return Plan(images, destination=destination, throttle=THROTTLE)


def faults(folder: Path, images: int, destination: str = ASSETS, every: int = 1) -> Faults:
    """Each trouble at each ``every``-th position of a run of so many images."""
    plan = plan_of(images, destination)
    clock = BoundedClock(yields=True)
    calm = SimulatedService(clock, calm_behaviour())
    session(folder / f"calm-{destination}.gpkg", plan, calm, clock)
    positions, exports = sum(calm.requests.values()), calm.started_count
    tried: list[Tried] = []
    for number, planned in enumerate(all_planned(positions, exports, every)):
        path = folder / f"{destination}-{number}.gpkg"
        tried.append(attempt(path, plan, planned))
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()
    paused = Counter(one.planned.trouble.value for one in tried if one.is_paused)
    failed = Counter({one.planned.trouble.value: 0 for one in tried})
    for one in tried:
        failed[one.planned.trouble.value] += one.failed
    return Faults(
        positions,
        exports,
        len(tried),
        sum(one.struck > 0 for one in tried),
        dict(paused),
        {name: count for name, count in failed.items() if count},
        tuple(f"{one.planned}: {text}" for one in tried for text in one.broken),
    )


def all_planned(positions: int, exports: int, every: int = 1) -> Iterable[Planned]:
    """Each trouble at the positions; what somebody has to do something about lasts, credentials that can be renewed
    are tried as well. Each trouble begins at another position, so that together they come everywhere."""
    for number, trouble in enumerate(Trouble):
        last = exports if trouble in OF_OPERATIONS else positions
        times = FOR_GOOD if trouble in LASTING else 1
        for first in range(1 + number % every, last + 1, every):
            yield Planned(trouble, first, times)
    for first in range(1, positions + 1, every):
        yield Planned(Trouble.CREDENTIALS, first, 1)


def attempt(path: Path, plan: Plan, planned: Planned, behaviour: Behaviour | None = None) -> Tried:
    """A run with one trouble, taken up again without it where it paused."""
    clock = BoundedClock(yields=True)
    service = SimulatedService(clock, behaviour or calm_behaviour(), troubles=Troubles([planned]))
    broken: list[str] = []
    is_paused = False
    try:
        ended = session(path, plan, service, clock)
        if ended.state in (RunState.PAUSED, RunState.REFUSED):
            is_paused = True
            broken += _of_pause(planned, ended)
            service.troubles.clear()
            ended = session(path, plan, service, clock)
        broken += _of_end(path, plan, planned, service, ended)
    except HangError as error:
        broken.append(f"hangs: {error}")
    except Exception as error:  # whatever else leaves a run is broken
        broken.append(f"{type(error).__name__}: {error}")
    broken += [f"the service noted: {text}" for text in service.problems]
    failed = states(path).get(RowState.FAILED, 0) if path.exists() else 0
    hours = (clock.now_s() - START_S) / 3600.0
    return Tried(planned, len(service.troubles.struck), is_paused, failed, service.started_count, hours, tuple(broken))


@dataclass(frozen=True)
class Session:
    """How one session ended, and what it tells the user."""

    state: RunState
    message: str


def session(path: Path, plan: Plan, service: SimulatedService, clock: SimulatedClock) -> Session:
    """One session, its end in the runner's words: REFUSED where nothing could be begun."""
    try:
        ended = run(service.fetch, clock, plan, path, sleep=clock.advance)
    except EngineError as error:
        return Session(RunState.REFUSED, str(error))
    has_failures = ended.state is RunState.FINISHED and ended.failed
    return Session(RunState.FINISHED_WITH_FAILURES if has_failures else ended.state, ended.message)


def calm_behaviour(refuses_repeats: bool = False) -> Behaviour:
    """A service that runs a few exports at once."""
    return Behaviour(ServiceLimits(running_operations=4), varied(TASK_S), refuses_repeats=refuses_repeats)


def _of_pause(planned: Planned, ended: Session) -> list[str]:
    """What is wrong about a pause."""
    if planned.trouble not in LASTING or planned.times == 1:
        return [f"stopped for a trouble that passes: {ended.message}"]
    return [] if ended.message.strip().endswith(".") and len(ended.message) > 20 else [f"says only {ended.message!r}"]


def _of_end(path: Path, plan: Plan, planned: Planned, service: SimulatedService, ended: Session) -> list[str]:
    """What is wrong about the end: what is missing, or lacks its reason."""
    word = _word_of_failure(plan, planned) if service.troubles.struck else ""
    expected = RunState.FINISHED_WITH_FAILURES if word else RunState.FINISHED
    broken = [] if ended.state is expected else [f"ended {ended.state.value}: {ended.message}"]
    service.settle()
    failed = 0
    with closing(Ledger.open(path)) as ledger:
        for row in ledger.images():
            is_struck = bool(word) and row.index in service.troubles.struck[0][1]
            if is_struck and row.state is RowState.FAILED and word in row.reason:
                failed += 1
            elif row.state is not RowState.DONE:
                broken.append(f"{row.index} is {row.state.value}: {row.reason}")
        if ledger.open_exports():
            broken.append(f"{len(ledger.open_exports())} exports are still open")
    broken += [] if failed == bool(word) else [f"{failed} images failed"]
    wanted = plan.images * len(plan.kinds)
    if not wanted - failed * len(plan.kinds) <= len(service.made) <= wanted:
        broken.append(f"{len(service.made)} of {wanted} results were made")
    return broken


def _word_of_failure(plan: Plan, planned: Planned) -> str:
    """A word of the reason for which an image has to fail; empty where none has to.

    Drive does not tell what it holds, so an export to it that vanished is left to the user.
    """
    if planned.trouble is Trouble.FAILED_FOR_GOOD:
        return "Band pattern"
    is_lost = planned.trouble in (Trouble.VANISHED, Trouble.FORGOTTEN) and plan.destination == DRIVE
    return "Drive" if is_lost else ""
