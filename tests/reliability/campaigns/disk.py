"""A full disk while the ledger is written, and two runners on one ledger."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import Throttle

from ..clock import SimulatedClock
from ..running import Plan, run, states
from ..service import Behaviour, SimulatedService, varied

_FORK = multiprocessing.get_context("fork")
PLAN_THROTTLE = Throttle(nb_task_max=30, refresh_seconds=30.0)


@dataclass(frozen=True)
class DiskFull:
    """A run on a disk of a given size: how it ended, and how once there was room again."""

    room_kb: int
    first: str
    message: str
    done_at_first: int
    then: str
    problems: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class TwoRunners:
    """A second session on a ledger that a first one holds."""

    is_read_only: bool
    sentence: str
    broken: tuple[str, ...]


def disk_full(folder: Path, images: int, rooms_kb: tuple[int, ...]) -> list[DiskFull]:
    """A run for each size of the disk; files cannot grow beyond it, as with a disk that has no more room."""
    return [in_fork(lambda room=room: _on_small_disk(folder / f"small-{room}.gpkg", images, room)) for room in rooms_kb]


def in_fork(work: Callable[[], Any]) -> Any:
    """The value of a function that is called in a process of its own."""
    here, there = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_send, args=(there, work))
    process.start()
    value = here.recv()
    process.join()
    if isinstance(value, BaseException):
        raise value
    return value


def _send(pipe: Pipe, work: Callable[[], Any]) -> None:
    try:
        pipe.send(work())
    except Exception as error:
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


def full_file_system(folder: Path, images: int, rooms_kb: tuple[int, ...]) -> list[DiskFull]:
    """The same on file systems of their own that run full; none where this user may not mount any."""
    found = []
    for room in rooms_kb:
        place = folder / f"disk-{room}"
        place.mkdir()
        if _mount(place, f"size={room}k"):
            try:
                found.append(_on_file_system(place, images, room))
            finally:
                subprocess.run(["umount", str(place)], check=True)
    return found


def _mount(place: Path, options: str) -> bool:
    """Whether a file system in memory could be mounted, or mounted anew."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
    )
    return done.returncode == 0


def _remount(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=50m", str(place)], check=True)


def _on_file_system(place: Path, images: int, room_kb: int) -> DiskFull:
    return _tried(place / "ledger.gpkg", images, room_kb, lambda: None, lambda: _remount(place))


def _on_small_disk(path: Path, images: int, room_kb: int) -> DiskFull:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writes fail, as on a full disk
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    return _tried(
        path,
        images,
        room_kb,
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room_kb * 1024, hard)),
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)),
    )


def _tried(
    path: Path, images: int, room_kb: int, take_room: Callable[[], None], give_room: Callable[[], None]
) -> DiskFull:
    """A run until the disk is full, and another session once there is room."""
    clock, broken = SimulatedClock(yields=True), []
    service = SimulatedService(clock, Behaviour(ServiceLimits(running_operations=10), varied(300.0)))
    plan = Plan(images, throttle=PLAN_THROTTLE)
    take_room()
    first, message = _session(service, clock, plan, path)
    give_room()
    if first not in (RunState.PAUSED.value, RunState.REFUSED.value):
        broken.append(f"ended {first} on a full disk")
    if "full" not in message.lower() and "space" not in message.lower():
        broken.append(f"does not say that the disk is full: {message}")
    done = states(path).get(RowState.DONE, 0) if path.exists() else 0
    then, later = _session(service, clock, plan, path)
    if then != RunState.FINISHED.value or states(path) != {RowState.DONE: images}:
        broken.append(f"afterwards {then} ({later}), {states(path)}")
    service.settle()
    if len(service.made) != images * len(plan.kinds) or service.problems:
        broken.append(f"{len(service.made)} results, {service.problems[:2]}")
    return DiskFull(room_kb, first, message, done, then, tuple(service.problems), tuple(broken))


def _session(service: SimulatedService, clock: SimulatedClock, plan: Plan, path: Path) -> tuple[str, str]:
    try:
        ended = run(service.fetch, clock, plan, path)
    except EngineError as error:
        return RunState.REFUSED.value, str(error)
    return ended.state.value, ended.message


def two_runners(folder: Path, images: int = 20) -> TwoRunners:
    """A session of another process holds the ledger; a second one must leave it alone, and say who holds it."""
    path = folder / "shared.gpkg"
    clock = SimulatedClock()
    service = SimulatedService(clock, Behaviour(ServiceLimits(running_operations=10), varied(300.0)))
    plan = Plan(images, throttle=PLAN_THROTTLE)
    run(service.fetch, clock, plan, path)
    broken = []
    with closing(Ledger.open(path)) as first:
        is_read_only, sentence, refusal = in_fork(lambda: _second(path))
        if first.is_read_only or not is_read_only:
            broken.append("both may write")
        if "read-only" not in sentence or not refusal:
            broken.append(f"does not say so: {sentence!r} {refusal!r}")
    with closing(Ledger.open(path)) as again:
        if again.is_read_only:
            broken.append("nobody may write after the first has gone")
    return TwoRunners(is_read_only, sentence, tuple(broken))


def _second(path: Path) -> tuple[bool, str, str]:
    """Whether a second ledger is read-only, who holds it, and how it refuses to be written."""
    with closing(Ledger.open(path)) as second:
        try:
            second.retry()
        except EngineError as error:
            return second.is_read_only, second.holder, str(error)
        return second.is_read_only, second.holder, ""
