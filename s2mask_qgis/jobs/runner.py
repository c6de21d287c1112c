"""The runner: carries out a request on its engine, from the list of its images to a report, by way of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ..core.models.files import find
from ..core.models.model import Model, ModelError
from ..core.sources import means_of
from ..engines.base import DriveDestination, Engine
from ..engines.errors import CancelledError, EngineError, StorageError, TransientError
from ..engines.local.engine import LocalEngine
from ..google.account import Connection
from .clock import Clock, SystemClock
from .image_job import open_jobs
from .land_changes import follow_settings
from .ledger.ledger import Ledger
from .ledger.rows import RowState
from .masking import MaskRecipe
from .opening import Interrupt, opened_engine, opened_ledger
from .orders import Orders
from .outputs import check_writable, in_order, write_report
from .recipe import Recipe
from .report import ImageOutcome, ImageState, Progress, RunReport, RunState, Stage
from .request import RunRequest, Throttle
from .run_loop import PausedError, RunLoop

OnProgress = Callable[[Progress], None]
OnImage = Callable[[ImageOutcome], None]

MOST_FAILURES_TOLD = 100
"""Failures that a report holds of a run whose results lie elsewhere."""


def run(
    request: RunRequest, connection: Connection | None, orders: Orders, on_progress: OnProgress, on_image: OnImage
) -> RunReport:
    """Carry out a request; called on a thread of its own. ``connection`` is for Earth Engine.

    Callbacks come from this thread. A request that cannot be carried out gives a report that says why (REFUSED). What
    was made before a cancellation, a pause or an obstacle is kept: the same request goes on where this one stopped.
    """
    interrupt = Interrupt(orders)
    try:
        check_writable(request.output_folder)
        model = find(request.parameters.model, request.models_folder)
        with opened_engine(request, connection, interrupt) as engine:
            on_progress(Progress(Stage.SCENES, 0, 0))
            if isinstance(engine, LocalEngine):
                engine.refresh(lambda done, total: on_progress(Progress(Stage.SCENES, done, total)))
            return run_on(engine, request, model, orders, interrupt, on_progress, on_image)
    except CancelledError:
        if orders.is_paused:
            return RunReport(RunState.PAUSED, "Paused. What is done is kept; Resume goes on.")
        return RunReport(RunState.CANCELLED, "Cancelled. What is done is kept; Run makes only what is missing.")
    except TransientError as error:
        return RunReport(RunState.PAUSED, f"Paused: {error} What is done is kept; Resume goes on.")
    except (EngineError, ModelError) as error:
        return RunReport(RunState.REFUSED, str(error))


def run_on(
    engine: Engine,
    request: RunRequest,
    model: Model,
    orders: Orders,
    interrupt: Interrupt,
    on_progress: OnProgress,
    on_image: OnImage,
) -> RunReport:
    """Carry out a request with its model on an engine that is ready; errors as :func:`carry_out`."""
    with opened_ledger(request, model) as ledger:
        if ledger.is_read_only:
            return RunReport(RunState.REFUSED, ledger.holder, ledger=ledger.path)
        recipe = MaskRecipe(request, model, engine, on_progress)
        follow_settings(ledger, recipe.settings)
        work = Work(engine, ledger, recipe, request.throttle, orders, interrupt, on_progress, on_image)
        work = replace(work, is_listed=recipe.is_listed)
        return _report(request, model, recipe, carry_out(work), ledger)


@dataclass(frozen=True)
class Work:
    """All that a run needs, whatever its recipe makes."""

    engine: Engine
    ledger: Ledger
    recipe: Recipe
    throttle: Throttle
    orders: Orders
    interrupt: Interrupt
    on_progress: OnProgress
    on_image: OnImage
    clock: Clock = field(default_factory=SystemClock)
    is_listed: Callable[[float], bool] = lambda listed_s: False
    """Whether a list of that time (seconds since 1970) holds all images that there will ever be."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: ``total`` images it had to look after, ``images`` as far as a report holds them."""

    state: RunState
    message: str
    total: int
    images: tuple[ImageOutcome, ...]
    made: int
    kept: int
    failed: int


def carry_out(work: Work) -> Ended:
    """List the images, take up what an earlier session left open, and make what is missing.

    EngineError where nothing can be begun; CancelledError where an order comes before the first image.
    """
    teller = _Teller(work)
    try:
        _list(work)
        work.engine.open_destinations(work.recipe.kinds)
    except CancelledError:
        if not (work.orders.is_cancelled and work.ledger.open_exports()):
            raise
        return teller.ended(*_stopped(work, _loop(work, teller)))
    loop = _loop(work, teller)
    teller.begin(loop)
    try:
        loop.go()
    except CancelledError:
        return teller.ended(*_stopped(work, loop))
    except (PausedError, StorageError) as error:
        return teller.ended(RunState.PAUSED, f"Paused: {error} What is done is kept; Resume goes on.")
    return teller.ended(RunState.FINISHED, "")


def _loop(work: Work, teller: _Teller) -> RunLoop:
    """The loop, with what an earlier session left open."""
    loop = RunLoop(
        work.engine,
        work.ledger,
        work.recipe,
        work.throttle,
        work.orders,
        work.clock,
        teller.on_image,
        teller.on_step,
        teller.count_anew,
    )
    loop.adopt(open_jobs(work.ledger, work.recipe, work.clock.now_s()))
    return loop


def _list(work: Work) -> None:
    """Write all images of the run into its ledger, and let wait again what is to be looked at anew."""
    ledger = work.ledger
    listed_s = ledger.header.listed_s
    if listed_s is None or not work.is_listed(listed_s):
        _write_targets(work)
    open_indexes = {row.index for row in ledger.open_exports()}
    again = {RowState.SENDING, RowState.QUEUED, RowState.RUNNING, RowState.CANCELLED}
    if work.engine.traits.has_local_results:
        again |= {RowState.DONE, RowState.FAILED}  # quickly looked at; a result may have been removed, a scene mended
    else:
        _forget_removed(work)
    ledger.mark([row.index for row in ledger.images(again) if row.index not in open_indexes], RowState.WAITING)


def _write_targets(work: Work) -> None:
    """Ask for the images of the run, and write down those that are new."""
    ledger = work.ledger
    for targets in work.recipe.targets():
        if work.orders.is_stopped():
            raise CancelledError("Stopped on request.")
        with ledger.batch():
            ledger.add([target.scene for target in targets if not target.out_of_area])
            for target in targets:
                if target.out_of_area and not ledger.add([target.scene], RowState.OUT_OF_AREA, target.out_of_area):
                    ledger.mark([target.scene.index], RowState.OUT_OF_AREA, target.out_of_area)
    ledger.set_header(replace(ledger.header, listed_s=work.clock.now_s()))


def _forget_removed(work: Work) -> None:
    """Let images wait again whose results were removed at the service since; Drive tells nothing of that."""
    for tile in work.ledger.tiles({RowState.DONE}):
        done = [row.index for row in work.ledger.images({RowState.DONE}, tile)]
        if isinstance(work.engine.destination(work.recipe.kinds[0], done[0]), DriveDestination):
            return
        stored = [work.engine.stored(kind, done) for kind in work.recipe.kinds]
        removed = [index for index in done if not all(index in found for found in stored)]
        work.ledger.mark(removed, RowState.WAITING)


def _stopped(work: Work, loop: RunLoop) -> tuple[RunState, str]:
    """The end of a run that an order ended."""
    if work.orders.is_paused:
        if work.engine.traits.has_local_results:
            return RunState.PAUSED, "Paused. What is done is kept; Resume makes what is missing."
        return RunState.PAUSED, "Paused. What is under way at the service goes on; Resume looks after it."
    with work.interrupt.suspended():
        left = loop.cancel()
    message = "Cancelled. What is done is kept; Run makes only what is missing."
    if left:
        message += f" The service did not answer for {left} of its tasks: look there whether they still run."
    return RunState.CANCELLED, message


class _Teller:
    """Counts what came of images, and tells how far a run is."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._loop: RunLoop | None = None
        self._images: list[ImageOutcome] = []
        self._counts: Counter[ImageState] = Counter()
        self._before = self._failed_before = self._total = 0
        self._began_s = 0.0
        self._last: Progress | None = None

    def begin(self, loop: RunLoop) -> None:
        """The images are listed; the loop begins."""
        self._loop = loop
        self._began_s = self._work.clock.now_s()
        self.count_anew()

    def count_anew(self) -> None:
        """What the ledger holds beside what came of images in this session; some that had failed may wait again."""
        counts = self._work.ledger.counts()
        self._total = sum(counts.values()) - counts[RowState.OUT_OF_AREA]
        self._before = counts[RowState.DONE] + counts[RowState.FAILED] - self._counts.total()
        self._failed_before = counts[RowState.FAILED] - self._counts[ImageState.FAILED]

    def on_image(self, outcome: ImageOutcome) -> None:
        """What came of an image."""
        self._counts[outcome.state] += 1
        is_failure = outcome.state is ImageState.FAILED
        if self._work.engine.traits.has_local_results or (is_failure and len(self._images) < MOST_FAILURES_TOLD):
            self._images.append(outcome)
        self._work.on_image(outcome)

    def on_step(self) -> None:
        """Tell how far the run is, where that has changed."""
        loop = self._loop
        if loop is None:
            return
        done = self._before + self._counts.total()
        active_project = None if loop.foreign is None else loop.foreign + loop.active
        failed = self._failed_before + self._counts[ImageState.FAILED]
        seconds = self._seconds_left(self._total - done)
        progress = Progress(Stage.MASKING, done, self._total, seconds, loop.active, active_project, failed, loop.hint)
        if self._last is None or _differs(progress, self._last):
            self._last = progress
            self._work.on_progress(progress)

    def _seconds_left(self, left: int) -> float | None:
        made = self._counts[ImageState.DONE]
        return (self._work.clock.now_s() - self._began_s) / made * left if made else None

    def ended(self, state: RunState, message: str) -> Ended:
        """The end of the run."""
        made, kept, failed = (self._counts[one] for one in (ImageState.DONE, ImageState.KEPT, ImageState.FAILED))
        return Ended(state, message, self._total, tuple(self._images), made, kept, failed)


def _differs(one: Progress, other: Progress) -> bool:
    """Whether anything but the guess of the time left is different."""
    fields = ("stage", "done", "total", "active", "active_project", "failed", "hint")
    return any(getattr(one, name) != getattr(other, name) for name in fields)


def _report(request: RunRequest, model: Model, recipe: MaskRecipe, ended: Ended, ledger: Ledger) -> RunReport:
    """The report of a run; of one whose results are on this computer, written beside them as well."""
    state, message = ended.state, ended.message
    if state is RunState.FINISHED:
        means = means_of(request.parameters.source, request.parameters.union, model.name)
        counts = ledger.counts()
        kept = counts[RowState.DONE] - ended.made
        failed = counts[RowState.FAILED]
        parts = [f"{ended.made} of {ended.total} images masked{means}"]
        parts += [f"{kept} were there already"] if kept else []
        parts += [f"{failed} failed"] if failed else []
        outside = counts[RowState.OUT_OF_AREA]
        parts += [f"{outside} out of the area"] if outside else []
        message = ", ".join(parts) + "."
        state = RunState.FINISHED_WITH_FAILURES if failed else state
    images = tuple(in_order(ended.images))
    report = RunReport(state, message, images, (*recipe.notes, *_notes(images)), ledger.path)
    if request.earth_engine is None:
        write_report(request, model, report)
    return report


def _notes(outcomes: Iterable[ImageOutcome]) -> tuple[str, ...]:
    """Sentences about images whose shadows could not be looked for."""
    reasons = Counter((outcome.plan or {}).get("without_shadow", "") for outcome in outcomes)
    return tuple(
        f"{count} image{'' if count == 1 else 's'} without shadows: {reason}."
        for reason, count in reasons.items()
        if reason
    )
