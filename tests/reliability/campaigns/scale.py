"""A continent: hundreds of thousands of images by the real runner, ledger and engine, in simulated time."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from s2mask_qgis.engines.expressions import ready_client
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import ImageOutcome
from s2mask_qgis.jobs.request import DRIVE, Throttle

from ..beside import beside
from ..clock import START_S
from ..running import Plan, Watch, run, states
from ..service import Behaviour, SimulatedService, varied
from .measuring import Counting, memory_mb

TASK_S = 600.0


@dataclass(frozen=True)
class Scale:
    """What a run of so many images took: simulated days, and the real cost of its bookkeeping."""

    images: int
    running: int
    refresh_s: float
    exports: int
    days: float
    requests: int
    requests_per_image: float
    looks: int
    ledger_mb: float
    memory_mb: dict[int, float]
    peak_memory_mb: float
    listing_s: float
    wall_s: float
    cpu_s: float
    ms_per_image: float
    broken: tuple[str, ...]


@dataclass
class _Marks:
    """Notes this process's memory at shares of the images, and when the first one was done."""

    images: int
    say: Callable[[str], None]
    began_s: float = field(default_factory=time.monotonic)
    first_s: float = 0.0
    done: int = 0
    memory: dict[int, float] = field(default_factory=dict)

    def __call__(self, _outcome: ImageOutcome) -> None:
        self.done += 1
        if self.done == 1:
            self.first_s = time.monotonic() - self.began_s
        step = max(1, self.images // 10)
        if self.done % step == 0:
            percent = 100 * self.done // self.images
            self.memory[percent] = round(memory_mb(), 1)
            self.say(f"{percent:3d} % after {time.monotonic() - self.began_s:.0f} s, {self.memory[percent]:.0f} MB")


def scale(
    folder: Path,
    images: int,
    running: int = 50,
    refresh_s: float = 300.0,
    kinds: tuple[str, ...] = ("mask",),
    allowed: int = 3000,
    say: Callable[[str], None] = lambda line: None,
) -> Scale:
    """One run of cheap images to a Drive without limit, of tasks of ten minutes of which ``running`` run at once."""
    behaviour = Behaviour(ServiceLimits(running_operations=running), varied(TASK_S), keeps_started=False)
    plan = Plan(images, kinds, DRIVE, Throttle(nb_task_max=allowed, refresh_seconds=refresh_s))
    path = folder / f"scale-{images}.gpkg"
    counting, marks = Counting(), _Marks(images, say)
    with beside(lambda clock: SimulatedService(clock, behaviour)) as service:
        ready_client()  # brought along once a process, whatever the run
        began_s, cpu_s = time.monotonic(), time.process_time()
        ended = run(counting.fetch(service.fetch), service, plan, path, Watch(on_image=marks))
        wall_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
        figures = service.figures()
    wanted = images * len(kinds)
    checks = {
        f"ledger says {states(path)}": states(path) == {RowState.DONE: images},
        f"{ended.made} images made": ended.made == images,
        f"{figures.made} of {wanted} results, {figures.started} exports, {figures.made_twice} twice": (
            (figures.made, figures.started, figures.made_twice) == (wanted, wanted, 0)
        ),
        f"the service noted {figures.problems[:2]}": not figures.problems,
    }
    return Scale(
        images=images,
        running=running,
        refresh_s=refresh_s,
        exports=figures.started,
        days=(figures.now_s - START_S) / 86_400.0,
        requests=counting.requests,
        requests_per_image=counting.requests / images,
        looks=len(counting.pages),
        ledger_mb=path.stat().st_size / 1e6,
        memory_mb=marks.memory,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        listing_s=marks.first_s,
        wall_s=wall_s,
        cpu_s=cpu_s,
        ms_per_image=1000.0 * cpu_s / images,
        broken=tuple(text for text, holds in checks.items() if not holds),
    )
