"""Many images, few or many at once, while others use the project too: never too many, none twice, none missing."""

from __future__ import annotations

import gc
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from s2mask_qgis.engines.expressions import ready_client
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import ImageOutcome
from s2mask_qgis.jobs.request import DRIVE, Throttle

from ..beside import Figures, beside
from ..clock import START_S
from ..running import Plan, Watch, run, states
from ..service import Behaviour, SimulatedService, varied
from ..tasks import Burst
from .measuring import Counting, memory_mb

TASK_S = 600.0
REFRESH_S = 30.0
MOST_MS_PER_IMAGE = 5.0
MOST_LEDGER_MB = 20.0
MOST_GROWTH_MB = 16.0


@dataclass
class Sizes:
    """Memory of this process as the run goes on, MB, by the share of images done (percent)."""

    memory_mb: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Throttled:
    """What came of one run. A look lists the tasks, once a refresh; the means of what looks cost tell whether that
    grows with the run. ``ms_per_image`` is processor time of the run's process, looks included."""

    images: int
    allowed: int
    made: int
    exports: int
    made_twice: int
    peak_own: int
    peak_with_others: int
    problems: tuple[str, ...]
    requests: int
    looks: int
    requests_per_look: tuple[int, int]
    requests_by_tenth: tuple[float, ...]
    ledger_mb: float
    memory_mb: dict[int, float]
    ms_per_image: float
    days: float
    broken: tuple[str, ...] = ()


def throttle(folder: Path, images: int, allowed: int, running: int, foreign: int, with_costs: bool = True) -> Throttled:
    """One run of cheap images to Drive; ``running`` tasks run at once, ``foreign`` are the most of other users.

    Without ``with_costs`` neither time, memory nor the ledger's size are judged.
    """
    bursts = list(foreign_bursts(foreign, images * 2 * TASK_S / running))
    limits = ServiceLimits(running_operations=running)
    behaviour = Behaviour(limits, varied(TASK_S), keeps_started=False)
    plan = Plan(images, destination=DRIVE, throttle=Throttle(nb_task_max=allowed, refresh_seconds=REFRESH_S))
    path = folder / f"throttle-{images}-{allowed}.gpkg"
    sizes, looks = Sizes(), Counting()
    with beside(lambda clock: SimulatedService(clock, behaviour, bursts=bursts)) as service:
        service.expect_at_most(allowed)
        ready_client()  # brought along once a process, whatever the run
        began_s = time.process_time()
        watch = Watch(on_image=_Measuring(images, sizes))
        ended = run(looks.fetch(service.fetch), service, plan, path, watch)
        used_s = time.process_time() - began_s
        figures = service.figures()
    found = Throttled(
        images=images,
        allowed=allowed,
        made=ended.made,
        exports=figures.started,
        made_twice=figures.made_twice,
        peak_own=figures.peak_active["own"],
        peak_with_others=figures.peak_active[""],
        problems=tuple(figures.problems),
        requests=looks.requests,
        looks=len(looks.pages),
        requests_per_look=(min(looks.pages), max(looks.pages)),
        requests_by_tenth=pages_by_tenth(looks.pages),
        ledger_mb=path.stat().st_size / 1e6,
        memory_mb=sizes.memory_mb,
        ms_per_image=1000.0 * used_s / images,
        days=(figures.now_s - START_S) / 86_400.0,
    )
    broken = [*_whole(found, path, figures, len(plan.kinds)), *(_cheap(found) if with_costs else ())]
    return replace(found, broken=tuple(broken))


def foreign_bursts(most: int, over_s: float, seed: int = 1) -> Iterator[Burst]:
    """Tasks of others that come in bursts and go, a few minutes each, at moments that are no multiple of a refresh."""
    if not most:
        return
    draw = random.Random(seed)
    at_s = START_S + 100.0
    while at_s < START_S + 1.5 * over_s:
        yield Burst(at_s, draw.randint(1, most), draw.uniform(30.0, 900.0))
        at_s += draw.uniform(300.0, 3000.0)


class _Measuring:
    """Notes the memory of this process when shares of the images are done."""

    def __init__(self, images: int, sizes: Sizes) -> None:
        self._marks = {max(1, images * percent // 100): percent for percent in (10, 50, 100)}
        self._sizes = sizes
        self._done = 0

    def __call__(self, _outcome: ImageOutcome) -> None:
        self._done += 1
        percent = self._marks.get(self._done)
        if percent is not None:
            gc.collect()
            self._sizes.memory_mb[percent] = memory_mb()


def pages_by_tenth(pages: list[int]) -> tuple[float, ...]:
    """Requests that a look cost on average, in each tenth of the looks."""
    bounds = [len(pages) * tenth // 10 for tenth in range(11)]
    parts = [pages[first:last] for first, last in itertools.pairwise(bounds)]
    return tuple(round(sum(part) / len(part), 2) for part in parts if part)


def _whole(found: Throttled, path: Path, figures: Figures, kinds: int) -> Iterator[str]:
    """What is missing, or was made or sent too often."""
    wanted = found.images * kinds
    left = states(path)
    if found.made != found.images or left != {RowState.DONE: found.images}:
        yield f"{found.made} of {found.images} images made, ledger: {left}"
    if figures.made != wanted or figures.started != wanted or figures.made_twice:
        yield f"{figures.made} of {wanted} made, {figures.started} exports, {figures.made_twice} made twice"
    if found.peak_own > found.allowed:
        yield f"{found.peak_own} tasks active at once instead of {found.allowed}"
    yield from found.problems[:5]


def _cheap(found: Throttled) -> Iterator[str]:
    """What costs more than it may."""
    if found.ledger_mb >= MOST_LEDGER_MB:
        yield f"a ledger of {found.ledger_mb:.1f} MB"
    if found.ms_per_image >= MOST_MS_PER_IMAGE:
        yield f"{found.ms_per_image:.2f} ms an image"
    growth_mb = found.memory_mb[100] - found.memory_mb[10]
    if growth_mb > MOST_GROWTH_MB:
        yield f"memory grew by {growth_mb:.1f} MB"
    first, last = found.requests_by_tenth[1], found.requests_by_tenth[-2]
    if last > 1.5 * first + 1.0:
        yield f"a look took {first} requests at first, {last} at last"
