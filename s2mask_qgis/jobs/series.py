"""The series job: dated rasters of a folder become filled values, their support, and maps of productivity."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..core.fields import ParameterError
from ..core.filling.plan import make_plan
from ..engines.errors import CancelledError, EngineError, SceneError
from ..series.area_mask import AreaMask, cut
from ..series.catalogue import Entry, write_catalogue
from ..series.folder import Series, find_series, images_folder, merged_note, without
from ..series.memory import small_cache
from ..series.names import day_of_iso, iso_day
from ..series.processing import Pass
from ..series.rasters import UnreadableError
from ..series.reading import SeriesReader, block_size
from ..series.recipe import EACH_IMAGE, Recipe, productivity_years, written_days
from ..series.sampling import sample_pixels
from ..series.schedule import Schedule, make_schedule
from ..series.writing import Writer
from .outputs import check_writable
from .report import RunState
from .series_outputs import Planned, plan_files, size_text
from .series_report import SeriesOutput, SeriesReport
from .series_request import SeriesRequest

THREADS = 2
OnCount = Callable[[int, int], None]
IsCancelled = Callable[[], bool]


def run_series(request: SeriesRequest, on_count: OnCount, is_cancelled: IsCancelled) -> SeriesReport:
    """Carry out a request; called on a thread of its own, from which ``on_count(done, total)`` tells how far it is.

    A request that cannot be carried out gives a report that says why (REFUSED). Files appear whole or not at all; those
    that an earlier run made from the same inputs and parameters are kept. Files that cannot be read are left out with
    a note (FINISHED_WITH_FAILURES).
    """
    try:
        _check(request)
        wanted = _wanted(request)
        job = _Job(request, len(wanted), on_count, is_cancelled)
        with small_cache():
            for series in wanted:
                job.add(series)
        return job.report()
    except CancelledError:
        return SeriesReport(RunState.CANCELLED, "Cancelled. Files that were complete are kept; nothing else is left.")
    except (EngineError, ParameterError) as error:
        return SeriesReport(RunState.REFUSED, str(error))


def _check(request: SeriesRequest) -> None:
    """SceneError or StorageError where the folders or days cannot be used."""
    out = request.output_folder.resolve()
    for what, folder in (("images", images_folder(request.ndvi_folder)), ("masks", request.masks_folder)):
        if folder is not None and folder.resolve() == out:
            raise SceneError(f"The output folder {request.output_folder} is the folder of the {what}; choose another.")
    first, last = _days_asked(request)
    if first > last:
        raise SceneError(f"The first day {request.first_day} comes after the last day {request.last_day}.")
    check_writable(request.output_folder)


def _days_asked(request: SeriesRequest) -> tuple[float, float]:
    try:
        first = -math.inf if request.first_day is None else float(day_of_iso(request.first_day))
        last = math.inf if request.last_day is None else float(day_of_iso(request.last_day))
    except ValueError:
        asked = request.first_day, request.last_day
        raise SceneError(f"The days {asked} are no dates; write YYYY-MM-DD, like 2023-05-31.") from None
    return first, last


def _wanted(request: SeriesRequest) -> list[Series]:
    """The series of the folder that meet the area, cut to it. SceneError where none does."""
    found = find_series(request.ndvi_folder, request.masks_folder)
    if request.area is None:
        return list(found)
    parts = [cut(series, AreaMask(request.area, series.grid.crs)) for series in found]
    wanted = [part for part in parts if part is not None]
    if not wanted:
        raise SceneError(f"The area does not meet the images in {request.ndvi_folder}. Choose another area or folder.")
    return wanted


@dataclass(frozen=True)
class _Done:
    """One series that is written."""

    series: Series
    recipe: Recipe
    files: tuple[Planned, ...]
    kept: int


class _Job:
    """A run over the series of a folder: what was done so far, and how much work there is."""

    def __init__(self, request: SeriesRequest, count: int, on_count: OnCount, is_cancelled: IsCancelled) -> None:
        self._request = request
        self._count = count
        self._on_count = on_count
        self._is_cancelled = is_cancelled
        self._done: list[_Done] = []
        self._notes: list[str] = []

    def add(self, series: Series) -> None:
        """Carry out one series; a file that turns out to be unreadable is left out, and it begins again.

        Of several series one that cannot be filled is left out with a note; the only one raises its SceneError.
        """
        while True:
            try:
                with SeriesReader(series) as reader, ThreadPoolExecutor(THREADS) as threads:
                    self._fill(reader, threads)
                return
            except UnreadableError as error:
                series = without(series, error.path, str(error))
            except SceneError as error:
                if self._count == 1:
                    raise
                self._notes.append(f"Left out: {error}")
                return

    def _fill(self, reader: SeriesReader, threads: Executor) -> None:
        series, request = reader.series, self._request
        area = AreaMask(request.area, series.grid.crs) if request.area else None
        sample = sample_pixels(reader, area, threads)
        if not sample.shape[1]:
            raise SceneError(f"{_label(series, request)}: no pixel has a clear observation, so nothing can be filled.")
        recipe = self._recipe(series, make_plan(series.days, sample, request.fill))
        files = plan_files(request, series, request.output_folder / series.name, recipe)
        missing = [planned for planned in files if not planned.is_kept()]
        if missing:
            image = series.images[0]
            stored = block_size(image.path, image.band)
            computed = len(recipe.computed_days)
            schedule = make_schedule(series.grid.shape_yx, stored, len(recipe.days), computed)
            self._write(reader, area, schedule, recipe, missing, threads)
        self._done.append(_Done(series, recipe, tuple(files), len(files) - len(missing)))

    def _recipe(self, series: Series, plan: Any) -> Recipe:
        first, last = _days_asked(self._request)
        step = self._request.fill.step
        targets = written_days(series.days, step, first, last)
        if not len(targets):
            raise SceneError(
                f"There is nothing to write: no date of the step '{step}' lies within the images' "
                f"({iso_day(series.days[0])} to {iso_day(series.days[-1])}) and the days asked for."
            )
        seasons = self._request.seasons
        years = productivity_years(series.days, first, last) if seasons else ()
        return Recipe(plan, series.days, targets, step == EACH_IMAGE, seasons, years)

    def _write(
        self,
        reader: SeriesReader,
        area: AreaMask | None,
        schedule: Schedule,
        recipe: Recipe,
        files: list[Planned],
        threads: Executor,
    ) -> None:
        pieces = schedule.block_count + len(files)
        counter = _Counter(len(self._done) * pieces, self._count * pieces, self._on_count)
        folder = self._request.output_folder
        writer = Writer(folder, reader.series.grid, schedule.tile_yx, [planned.file for planned in files])
        picks = [(planned.file, planned.pick) for planned in files]
        try:
            whole = Pass(reader, area, schedule, recipe, writer, picks, threads, self._is_cancelled)
            whole.run(counter.step)
            writer.finish(threads, counter.step, self._is_cancelled)
        finally:
            writer.discard()

    def report(self) -> SeriesReport:
        """What came of everything; series.json is written. SceneError where no series could be filled."""
        if not self._done:
            raise SceneError(" ".join(self._notes))
        outputs = tuple(planned.output for done in self._done for planned in done.files)
        notes = (*self._notes, *_notes(self._done))
        plans = {done.series.name: done.recipe.plan.to_json() for done in self._done}
        plan = plans.get("", {"series": plans})
        write_catalogue(self._request.output_folder, self._entries(), self._facts(plan, notes))
        state = RunState.FINISHED
        if any(note.startswith("Left out") for note in notes):
            state = RunState.FINISHED_WITH_FAILURES
        return SeriesReport(state, _message(self._done, outputs), outputs, notes, plan)

    def _entries(self) -> list[Entry]:
        return [
            Entry(
                planned.file, done.series.grid, planned.output.title, planned.output.first_day, planned.output.last_day
            )
            for done in self._done
            for planned in done.files
        ]

    def _facts(self, plan: dict[str, Any], notes: tuple[str, ...]) -> dict[str, Any]:
        request = self._request
        return {
            "parameters": request.fill.to_json(),
            "season_parameters": request.seasons.to_json() if request.seasons else None,
            "plan": plan,
            "area": request.area.to_geojson() if request.area else None,
            "inputs": [_input_json(done.series) for done in self._done],
            "notes": list(notes),
        }


class _Counter:
    """Counts pieces of work: each series counts as many as the one at work, so that the share never falls."""

    def __init__(self, done: int, total: int, on_count: OnCount) -> None:
        self._done, self._total, self._on_count = done, total, on_count

    def step(self) -> None:
        """One more piece is done."""
        self._done += 1
        self._on_count(self._done, self._total)


def _label(series: Series, request: SeriesRequest) -> str:
    return f"Series {series.name} in {request.ndvi_folder}" if series.name else str(request.ndvi_folder)


def _notes(done: Iterable[_Done]) -> tuple[str, ...]:
    """The notes of all series, each once."""
    notes = [note for item in done for note in (*item.series.notes, merged_note(item.series)) if note]
    return tuple(dict.fromkeys(notes))


def _message(done: list[_Done], outputs: tuple[SeriesOutput, ...]) -> str:
    dates = sum(len(item.recipe.targets) for item in done)
    kept = sum(item.kept for item in done)
    text = f"{dates} dates filled ({done[0].recipe.plan.method}), {len(outputs)} files"
    text += f", {kept} of them were there already" if kept else ""
    return f"{text}, {size_text(output.path for output in outputs)}."


def _input_json(series: Series) -> dict[str, Any]:
    return {
        "name": series.name,
        "index": series.index,
        "images": [
            {
                "date": iso_day(image.day),
                "path": str(image.path),
                "mask": str(image.mask.path) if image.mask else None,
            }
            for image in series.images
        ],
    }
