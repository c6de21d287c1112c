"""What an image of a queue costs beside a single one, from ingested files to written masks, and beside s2cloudless."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import peers  # noqa: E402

import run  # noqa: E402
from s2mask_qgis.core.area import Area  # noqa: E402
from s2mask_qgis.core.models.files import find  # noqa: E402
from s2mask_qgis.core.parameters import RunParameters  # noqa: E402
from s2mask_qgis.core.scenes import Scene  # noqa: E402
from s2mask_qgis.engines.local.engine import LocalEngine  # noqa: E402
from s2mask_qgis.engines.local.library.library import SceneLibrary  # noqa: E402
from s2mask_qgis.engines.local.worker import NICENESS  # noqa: E402
from s2mask_qgis.jobs.opening import Interrupt  # noqa: E402
from s2mask_qgis.jobs.orders import Orders  # noqa: E402
from s2mask_qgis.jobs.report import RunState  # noqa: E402
from s2mask_qgis.jobs.request import RunRequest  # noqa: E402
from s2mask_qgis.jobs.runner import run_on  # noqa: E402

SIZE_PX, DATES, QUEUE, SCALE_M = 1098, 60, 16, 10
PUBLISHED = RunParameters(scale_m=SCALE_M, model="published", shadow=False)
SINGLES = 3
COMPARED = 1
"""Images that s2cloudless is timed on."""

FOLDER = ROOT / "build" / "bench" / "queue"
LIBRARY, STORE = FOLDER / "library", FOLDER / "store"


@dataclass(frozen=True)
class Cost:
    """Seconds of processors (this process and the workers) and of the clock."""

    cpu_s: float
    wall_s: float

    def per_image(self, start: Cost, images: int) -> Cost:
        """The cost of one image, without that of starting."""
        return Cost((self.cpu_s - start.cpu_s) / images, (self.wall_s - start.wall_s) / images)


def cpu_seconds() -> float:
    """Processor time of this process and of the workers that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def session(scenes: Path, work: Callable[[LocalEngine], None], workers: int = 1) -> Cost:
    """The cost of some work by workers that have decoded nothing before."""
    shutil.rmtree(STORE, ignore_errors=True)
    cpu, clock = cpu_seconds(), time.perf_counter()
    with LocalEngine(scenes, LIBRARY, STORE, workers=workers) as engine:
        engine.refresh(lambda done, total: None)
        work(engine)
        wall = time.perf_counter() - clock
    return Cost(cpu_seconds() - cpu, wall)


def whole(scene: Scene) -> Area:
    """The area that a scene covers."""
    return Area(((scene.footprint,),), "all of it")


def masks_of(
    scenes: Path, targets: Sequence[Scene], parameters: RunParameters = PUBLISHED, area: Area | None = None
) -> Callable[[LocalEngine], None]:
    """Work for a session: a run that masks these images, all that they cover or an area."""
    dated = replace(parameters, date_start=targets[0].date, date_end=targets[-1].date)
    request, model = RunRequest(scenes, LIBRARY, STORE, area or whole(targets[0]), dated), find(parameters.model)

    def work(engine: LocalEngine) -> None:
        orders = Orders()
        report = run_on(engine, request, model, orders, Interrupt(orders), lambda progress: None, lambda outcome: None)
        if report.state is not RunState.FINISHED or len(report.images) != len(targets):
            raise RuntimeError(f"{report.message} {[image.reason for image in report.images][:2]}")

    return work


def nothing(engine: LocalEngine) -> None:
    """Work for a session that only starts and ends."""


def prepared(scenes: Path) -> list[Scene]:
    """All scenes of the sample, ingested."""
    with LocalEngine(scenes, LIBRARY, STORE) as engine:
        engine.refresh(lambda done, total: None)
        archive = engine.scenes()
        problems = engine.prepare(archive, lambda done, total: None)
    if problems:
        raise RuntimeError(f"The sample cannot be prepared: {problems}")
    return archive


def s2cloudless_cost(scenes: Path, images: list[Scene]) -> Cost:
    """What an image costs s2cloudless that reads the same files and masks it; the better of one process with all
    threads and two processes of one thread, for the processors and for the clock."""
    library = SceneLibrary(scenes, LIBRARY)
    jobs = []
    for image in images:
        ingested = library.ingested(image.index)
        assert ingested is not None
        jobs.append([[str(band.path), band.number] for band in ingested.bands.values()])
    script = Path(__file__).parent / "in_peers_environment" / "files.py"
    answers = []
    for processes in (1, 2):
        environment = {**peers.peer_environment(), **({"OMP_NUM_THREADS": "1"} if processes == 2 else {})}
        command = [str(peers.peer_python()), str(script), str(processes), str(NICENESS)]
        answer = subprocess.run(
            command, input=json.dumps(jobs), check=True, capture_output=True, text=True, env=environment
        )
        answers.append(json.loads(answer.stdout.splitlines()[-1]))
    (wall, other_wall), (cpu, other_cpu) = zip(*answers)
    return Cost(min(cpu, other_cpu), min(wall, other_wall))


def main() -> None:
    """Measure and print: the median of a few single images, the queue by one worker and by two."""
    options = run.parse_arguments(["--size", str(SIZE_PX), "--dates", str(DATES)])
    scenes = run.sample_folder(options)
    run.write_sample(scenes, options)
    archive = prepared(scenes)
    targets = archive[-QUEUE:]
    start = min((session(scenes, nothing) for _ in range(SINGLES)), key=lambda cost: cost.cpu_s)
    single = middle([session(scenes, masks_of(scenes, targets[-1:])).per_image(start, 1) for _ in range(SINGLES)])
    queue = session(scenes, masks_of(scenes, targets)).per_image(start, len(targets))
    on_two = session(scenes, masks_of(scenes, targets), workers=2).per_image(start, len(targets))
    most_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"masks and NDVI at {SCALE_M} m of {SIZE_PX} x {SIZE_PX} px, from ingested files to written results")
    print(f"a single image, one worker: {single.cpu_s:.2f} s of processors, {single.wall_s:.2f} s")
    print(f"each of {QUEUE}, one worker: {queue.cpu_s:.2f} s of processors, {queue.wall_s:.2f} s")
    print(f"each of {QUEUE} costs {queue.cpu_s / single.cpu_s:.0%} of a single one (bound: 60 %)")
    print(f"each of {QUEUE}, two workers: {on_two.wall_s:.2f} s; most memory of a worker: {most_mib:.0f} MiB")
    peer = s2cloudless_cost(scenes, targets[:COMPARED])
    print(f"s2cloudless on the same files: {peer.cpu_s:.2f} s of processors, {peer.wall_s:.2f} s an image")
    print(
        f"ours is {peer.wall_s / on_two.wall_s:.1f} times as fast and costs {peer.cpu_s / on_two.cpu_s:.1f} times less"
    )


def middle(costs: list[Cost]) -> Cost:
    """The medians of processor and clock time."""
    ordered = [sorted(getattr(cost, name) for cost in costs) for name in ("cpu_s", "wall_s")]
    return Cost(*(times[len(times) // 2] for times in ordered))


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":  # this process plans: one thread, as inside QGIS beside its workers
        os.execve(sys.executable, [sys.executable, __file__], {**os.environ, "OMP_NUM_THREADS": "1"})
    main()
