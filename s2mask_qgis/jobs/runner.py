"""The runner: takes the images of a request from plan to mask to NDVI, and reports what came of them."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.area import Area
from ..core.backgrounds import Backgrounds
from ..core.models.files import find
from ..core.models.model import Model, ModelError
from ..core.plan import ImagePlan
from ..core.scenes import COLLECTION_OF, Scene
from ..core.selection import matching
from ..core.sources import means_of
from ..engines.base import Engine, OperationState
from ..engines.errors import CancelledError, EngineError, StorageError
from ..engines.local.engine import LocalEngine
from . import results
from .outputs import MASK, check_writable, image_key, in_order, result_kinds, settings_key, write_report
from .planning import Planner
from .report import ImageOutcome, ImageState, Progress, RunReport, RunState, Stage
from .request import RunRequest
from .script_ledgers import already_done

ACTIVE_LIMIT = 24
"""Exports in flight: enough for both workers to make several side by side while the next images are planned."""

POLL_SECONDS = 0.05
DISK_FULL = 8
"""The code of an operation that failed for want of space (google.rpc.Code RESOURCE_EXHAUSTED)."""

OnProgress = Callable[[Progress], None]
OnImage = Callable[[ImageOutcome], None]
IsCancelled = Callable[[], bool]


def run(request: RunRequest, on_progress: OnProgress, on_image: OnImage, is_cancelled: IsCancelled) -> RunReport:
    """Carry out a request on the local engine; called on a thread of its own.

    Callbacks come from this thread. A request that cannot be carried out gives a report that says why (REFUSED); what
    was made before a cancellation or a full disk is kept, and a later run makes only what is missing.
    """
    try:
        check_writable(request.output_folder)
        model = find(request.parameters.model, request.models_folder)
        with LocalEngine(request.scenes_folder, request.library_folder, request.output_folder, is_cancelled) as engine:
            on_progress(Progress(Stage.SCENES, 0, 0))
            engine.refresh(lambda done, total: on_progress(Progress(Stage.SCENES, done, total)))
            return carry_out(request, model, engine, on_progress, on_image, is_cancelled)
    except CancelledError:
        return RunReport(RunState.CANCELLED, "Cancelled before the first image was made.")
    except (EngineError, ModelError) as error:
        return RunReport(RunState.REFUSED, str(error))


def carry_out(
    request: RunRequest,
    model: Model,
    engine: Engine,
    on_progress: OnProgress,
    on_image: OnImage,
    is_cancelled: IsCancelled,
) -> RunReport:
    """Carry out a request with its model on an engine that is ready."""
    current = _Run(request, model, engine, on_progress, on_image, is_cancelled)
    notes: tuple[str, ...] = ()
    try:
        targets, archive = _find_scenes(request, engine)
        targets, notes = _not_done(targets, request.done_file)
        current.total = len(targets)
        current.check(targets)
        choices = current.prepare(targets, archive)
        current.mask(choices)
        state, message = RunState.FINISHED, ""
    except CancelledError:
        current.cancel_active()
        state, message = RunState.CANCELLED, "Cancelled. What is done is kept; Run makes only what is missing."
    except StorageError as error:
        current.cancel_active()
        state, message = RunState.FINISHED_WITH_FAILURES, f"Stopped: {error} What is done is kept."
    means = means_of(request.parameters.source, request.parameters.union, model.name)
    report = _report(state, message, current.outcomes, current.total, means, notes)
    write_report(request, model, report)
    return report


def _find_scenes(request: RunRequest, engine: Engine) -> tuple[tuple[Scene, ...], list[Scene]]:
    """The scenes to mask, and all scenes of their tiles. EngineError (a sentence) where there is nothing to mask."""
    everything = engine.scenes(collection=COLLECTION_OF[request.parameters.level])
    if not everything:
        raise EngineError(_nothing_of_level(request, engine))
    targets = matching(everything, request.area, request.parameters)
    if targets:
        tiles = {scene.tile for scene in targets}
        return targets, [scene for scene in everything if scene.tile in tiles]
    raise EngineError(_nothing_matches(request.area, request, everything))


def _not_done(targets: tuple[Scene, ...], done_file: Path | None) -> tuple[tuple[Scene, ...], tuple[str, ...]]:
    """The scenes that a ledger does not list as done, and a note on the others. EngineError where none is left."""
    if done_file is None:
        return targets, ()
    done = already_done(done_file)
    left = tuple(scene for scene in targets if scene.index not in done)
    count = len(targets) - len(left)
    told = f"{count} image{'' if count == 1 else 's'} of the area and the dates"
    if not left:
        raise EngineError(f"Nothing is left to mask: {done_file.name} lists {told} as done. Choose other dates.")
    return left, (f"{done_file.name} lists {told} as done; left out.",) if count else ()


def _nothing_of_level(request: RunRequest, engine: Engine) -> str:
    """Why there is nothing to mask: the folder has no product of the level, but perhaps some of another one."""
    level = request.parameters.level
    text = f"There is no usable Level-{level[1:]} product in {request.scenes_folder}"
    for other, collection in COLLECTION_OF.items():
        count = len(engine.scenes(collection=collection)) if other != level else 0
        if count:
            told = f"but {count:,} Level-{other[1:]} product{'' if count == 1 else 's'}"
            return f"{text}, {told}. Choose level {other}, or another folder."
    return f"{text}. Choose another folder."


def _nothing_matches(area: Area, request: RunRequest, scenes: Iterable[Scene]) -> str:
    parameters = request.parameters
    dates = sorted(scene.date for scene in scenes)
    anytime = replace(parameters, date_start=dates[0], date_end=dates[-1])
    if matching(scenes, area, anytime):
        return (
            f"No image of the area was taken from {parameters.date_start} to {parameters.date_end}; "
            f"the {len(dates)} scenes are from {dates[0]} to {dates[-1]}. Change the dates."
        )
    tiles = ", ".join(sorted({scene.tile for scene in scenes}))
    return f"The area does not meet any of the {len(dates)} scenes (tile {tiles}). Move the area or add scenes."


@dataclass
class _Active:
    """An image on its way: its plan, the kinds of results to be made, and the export that runs for the first."""

    scene: Scene
    plan: ImagePlan
    key: str
    started: float
    kinds: tuple[str, ...]
    operation: str


class _Run:
    """The state of one run: what is queued at the engine, and what has come of the images so far."""

    def __init__(
        self,
        request: RunRequest,
        model: Model,
        engine: Engine,
        on_progress: OnProgress,
        on_image: OnImage,
        is_cancelled: IsCancelled,
    ) -> None:
        self.outcomes: list[ImageOutcome] = []
        self.total = 0
        self._request = request
        self._engine = engine
        self._on_progress = on_progress
        self._on_image = on_image
        self._is_cancelled = is_cancelled
        self._kinds = result_kinds(request.parameters)
        self._settings = settings_key(request, model)
        self._planner = Planner(engine, request.area, request.parameters, model)
        self._active: list[_Active] = []
        self._masking_since = 0.0
        self._made = 0

    def check(self, targets: Sequence[Scene]) -> None:
        """EngineError (a sentence) where the engine, or not one of the scenes, has what the masks are made from."""
        problem = self._engine.source_problem(self._request.parameters.source)
        if problem:
            raise EngineError(problem)
        problems = [self._planner.problem(scene) for scene in targets]
        if problems[0] and all(problems):
            raise EngineError(problems[0])

    def prepare(self, targets: Iterable[Scene], archive: Iterable[Scene]) -> deque[tuple[Scene, Backgrounds]]:
        """Make the scenes that are needed ready; backgrounds are chosen again without those that cannot be used."""
        targets, usable = list(targets), list(archive)
        while True:
            choices = [(scene, self._planner.choose(scene, usable)) for scene in targets]
            needed = {scene.index: scene for scene in targets}
            for _, backgrounds in choices:
                needed |= {scene.index: scene for images in backgrounds.values() for scene in images}
            reasons = self._engine.prepare(needed.values(), self._count_prepared)
            if not reasons:
                return deque(choices)
            for scene in [scene for scene in targets if scene.index in reasons]:
                self._failed(scene, reasons[scene.index], 0.0)
            targets = [scene for scene in targets if scene.index not in reasons]
            usable = [scene for scene in usable if scene.index not in reasons]

    def _count_prepared(self, done: int, total: int) -> None:
        self._on_progress(Progress(Stage.PREPARING, done, total))

    def mask(self, choices: deque[tuple[Scene, Backgrounds]]) -> None:
        """Plan and export image after image, never more than ACTIVE_LIMIT at once."""
        self._masking_since = time.monotonic()
        self._count_masked()
        while choices or self._active:
            if self._is_cancelled():
                raise CancelledError("Stopped on request.")
            if choices and len(self._active) < ACTIVE_LIMIT:
                self._begin(*choices.popleft())
            else:
                time.sleep(POLL_SECONDS)
            self._collect()

    def _begin(self, scene: Scene, backgrounds: Backgrounds) -> None:
        """Keep an image that is there already, or plan it and start the first of its results that are missing."""
        started = time.monotonic()
        key = image_key(self._settings, scene, backgrounds)
        try:
            missing = results.missing(self._engine, scene, self._kinds, key)
            if not missing:
                self._done(self._outcome(scene, ImageState.KEPT, 0.0))
            elif MASK not in missing:
                self._export(scene, results.stored_plan(self._engine, scene), key, started, missing)
            else:
                self._export(scene, self._planner.plan(scene, backgrounds), key, started, self._kinds)
        except (CancelledError, StorageError):
            raise
        except EngineError as error:
            self._failed(scene, str(error), time.monotonic() - started)

    def _export(self, scene: Scene, plan: ImagePlan, key: str, started: float, kinds: tuple[str, ...]) -> None:
        """Start the first of the kinds that are to be made."""
        export = results.export_of(self._engine, scene, plan, self._request.area, kinds[0], key)
        self._active.append(_Active(scene, plan, key, started, kinds, self._engine.start(export)))

    def _outcome(self, scene: Scene, state: ImageState, seconds: float) -> ImageOutcome:
        return results.outcome(self._engine, scene, self._request.area, self._kinds, state, seconds)

    def _collect(self) -> None:
        """Look after the exports that have ended."""
        if not self._active:
            return
        operations = self._engine.operations()
        for active in list(self._active):
            operation = operations[active.operation]
            if not operation.state.is_final:
                continue
            self._active.remove(active)
            if operation.state is OperationState.SUCCEEDED:
                self._advance(active)
            elif operation.error_code == DISK_FULL:
                raise StorageError(operation.error)
            else:
                self._failed(active.scene, operation.error, time.monotonic() - active.started)

    def _advance(self, active: _Active) -> None:
        """After the mask the indices, one by one, then the end."""
        if len(active.kinds) > 1:
            self._export(active.scene, active.plan, active.key, active.started, active.kinds[1:])
            return
        self._done(self._outcome(active.scene, ImageState.DONE, time.monotonic() - active.started))

    def _done(self, outcome: ImageOutcome) -> None:
        self.outcomes.append(outcome)
        self._made += outcome.state is ImageState.DONE
        self._on_image(outcome)
        self._count_masked()

    def _failed(self, scene: Scene, reason: str, seconds: float) -> None:
        self._done(
            ImageOutcome(
                scene.index, scene.tile, scene.time_start_ms, ImageState.FAILED, seconds=seconds, reason=reason
            )
        )

    def _count_masked(self) -> None:
        left = self.total - len(self.outcomes)
        elapsed = time.monotonic() - self._masking_since
        self._on_progress(
            Progress(Stage.MASKING, len(self.outcomes), self.total, elapsed / self._made * left if self._made else None)
        )

    def cancel_active(self) -> None:
        """Stop what is under way at the engine."""
        for active in self._active:
            self._engine.cancel(active.operation)
        self._active.clear()


def _report(
    state: RunState, message: str, outcomes: list[ImageOutcome], total: int, means: str, notes: tuple[str, ...]
) -> RunReport:
    """The report of a run by ``means``; a run in which an image failed says how many did."""
    ordered = tuple(in_order(outcomes))
    failed = sum(outcome.state is ImageState.FAILED for outcome in ordered)
    kept = sum(outcome.state is ImageState.KEPT for outcome in ordered)
    if state is RunState.FINISHED:
        made = len(ordered) - failed - kept
        parts = [f"{made} of {total} images masked{means}"]
        parts += [f"{kept} were there already"] if kept else []
        parts += [f"{failed} failed"] if failed else []
        message = ", ".join(parts) + "."
        state = RunState.FINISHED_WITH_FAILURES if failed else state
    return RunReport(state, message, ordered, (*notes, *_notes(ordered)))


def _notes(outcomes: Iterable[ImageOutcome]) -> tuple[str, ...]:
    """Sentences about images whose shadows could not be looked for."""
    reasons = Counter((outcome.plan or {}).get("without_shadow", "") for outcome in outcomes)
    return tuple(
        f"{count} image{'' if count == 1 else 's'} without shadows: {reason}."
        for reason, count in reasons.items()
        if reason
    )
