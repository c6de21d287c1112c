"""The work of a series job: each series is sampled, planned, computed and written, and what came of it is recorded."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..core.filling.plan import FillPlan, make_plan
from ..engines.errors import SceneError, StorageError
from ..series.area_mask import AreaMask
from ..series.catalogue import Entry, read_facts, write_catalogue
from ..series.folder import Series, without
from ..series.names import iso_day
from ..series.processing import Pass
from ..series.rasters import UnreadableError
from ..series.reading import SeriesReader, block_size
from ..series.recipe import EACH_IMAGE, Recipe, full_years, productivity_years, written_days
from ..series.sampling import sample_pixels
from ..series.schedule import make_schedule
from ..series.writing import Writer
from .series_days import days_asked
from .series_outputs import Planned, plan_files, plan_key
from .series_progress import SeriesProgress, Step
from .series_request import SeriesRequest
from .series_words import label, notes_of

THREADS = 2


@dataclass(frozen=True)
class Begun:
    """A series whose files are known; ``kept`` of them were there before."""

    series: Series
    recipe: Recipe
    files: tuple[Planned, ...]
    kept: int

    def complete(self) -> list[Planned]:
        """The files that are there."""
        return [planned for planned in self.files if planned.is_kept()]


class SeriesJob:
    """A run over the series of a folder; ``begun`` are those whose files are known, ``notes`` is what was left out."""

    def __init__(self, request: SeriesRequest, count: int, progress: SeriesProgress) -> None:
        self._request = request
        self._count = count
        self._progress = progress
        self._plans = _stored_plans(request)
        self.begun: list[Begun] = []
        self.notes: list[str] = []

    def add(self, series: Series) -> None:
        """Carry out one series; a file that turns out to be unreadable is left out, and it begins again.

        Of several series one that cannot be filled is left out with a note; the only one raises its SceneError.
        """
        number = len(self.begun)
        while True:
            try:
                with SeriesReader(series) as reader, ThreadPoolExecutor(THREADS) as threads:
                    self._fill(reader, threads, number)
                self._progress.end_of(number)
                return
            except UnreadableError as error:
                del self.begun[number:]
                series = without(series, error.path, str(error))
            except SceneError as error:
                del self.begun[number:]
                if self._count == 1:
                    raise
                self.notes.append(f"Left out: {error}")
                return

    def record(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Write series.json for the files that are there; the plan or plans, and all notes. StorageError."""
        notes = (*self.notes, *notes_of((begun.series, begun.recipe) for begun in self.begun))
        plans = {begun.series.name: begun.recipe.plan.to_json() for begun in self.begun}
        plan = plans.get("", {"series": plans})
        entries = [_entry(planned, begun.series) for begun in self.begun for planned in begun.complete()]
        write_catalogue(self._request.output_folder, entries, self._facts(plan, notes))
        return plan, notes

    def record_what_is_complete(self) -> tuple[int, int]:
        """Like :meth:`record` after a job that broke off; how many files are there, and of how many."""
        files = [planned for begun in self.begun for planned in begun.files]
        if files:
            with suppress(StorageError):  # the job ends for a reason of its own, often the same one
                self.record()
        return sum(len(begun.complete()) for begun in self.begun), len(files)

    def _fill(self, reader: SeriesReader, threads: Executor, number: int) -> None:
        series, request = reader.series, self._request
        area = AreaMask(request.area, series.grid.crs) if request.area else None
        recipe = self._recipe(series, self._plan(reader, area, threads, number))
        files = plan_files(request, series, request.output_folder / series.name, recipe)
        missing = [planned for planned in files if not planned.is_kept()]
        self.begun.append(Begun(series, recipe, tuple(files), len(files) - len(missing)))
        if missing:
            self._write(reader, area, recipe, missing, threads, number)

    def _plan(self, reader: SeriesReader, area: AreaMask | None, threads: Executor, number: int) -> FillPlan:
        """The plan of an earlier run over the same inputs, else one from a sample of the pixels."""
        series, request = reader.series, self._request
        stored = self._plans.get(plan_key(request, series))
        if stored is not None:
            return stored
        sample = sample_pixels(reader, area, threads, self._progress.of(number, Step.SAMPLE))
        if not sample.shape[1]:
            raise SceneError(f"{label(series, request)}: no pixel has a clear observation, so nothing can be filled.")
        return make_plan(series.days, sample, request.fill, self._progress.of(number, Step.PLAN))

    def _recipe(self, series: Series, plan: FillPlan) -> Recipe:
        first, last = days_asked(self._request)
        step = self._request.fill.step
        targets = written_days(series.days, step, first, last)
        if not len(targets):
            raise SceneError(
                f"There is nothing to write: no date of the step '{step}' lies within the images' "
                f"({iso_day(series.days[0])} to {iso_day(series.days[-1])}) and the days asked for."
            )
        seasons = self._request.seasons
        years = productivity_years(series.days, first, last) if seasons else ()
        return Recipe(plan, series.days, targets, step == EACH_IMAGE, seasons, years, full_years(series.days, years))

    def _write(
        self,
        reader: SeriesReader,
        area: AreaMask | None,
        recipe: Recipe,
        files: list[Planned],
        threads: Executor,
        number: int,
    ) -> None:
        series, check = reader.series, self._progress.check
        image = series.images[0]
        stored = block_size(image.path, image.band)
        schedule = make_schedule(series.grid.shape_yx, stored, len(recipe.days), len(recipe.computed_days))
        tell, total = self._progress.of(number, Step.PIXELS), schedule.tile_count + len(files)
        tell(0, total)
        pieces = iter(range(1, total + 1))
        writer = Writer(self._request.output_folder, series.grid, schedule.tile_yx, [planned.file for planned in files])
        picks = [(planned.file, planned.pick) for planned in files]
        try:
            Pass(reader, area, schedule, recipe, writer, picks, threads, check).run(lambda: tell(next(pieces), total))
            writer.finish(threads, lambda: tell(next(pieces), total), check)
        finally:
            writer.discard()

    def _facts(self, plan: dict[str, Any], notes: tuple[str, ...]) -> dict[str, Any]:
        request = self._request
        return {
            "parameters": request.fill.to_json(),
            "season_parameters": request.seasons.to_json() if request.seasons else None,
            "plan": plan,
            "plan_keys": {begun.series.name: plan_key(request, begun.series) for begun in self.begun},
            "area": request.area.to_geojson() if request.area else None,
            "inputs": [_input_json(begun.series) for begun in self.begun],
            "notes": list(notes),
        }


def _stored_plans(request: SeriesRequest) -> dict[str, FillPlan]:
    """The plans of an earlier run into the folder by the digest of what they were made from."""
    facts = read_facts(request.output_folder)
    try:
        plan, keys = facts["plan"], facts["plan_keys"]
        of_name = plan.get("series", {"": plan})
        return {key: FillPlan.from_json(of_name[name]) for name, key in keys.items()}
    except (KeyError, TypeError, AttributeError, ValueError):  # none, or not ours: plans are made anew
        return {}


def _entry(planned: Planned, series: Series) -> Entry:
    output = planned.output
    return Entry(planned.file, series.grid, output.title, output.first_day, output.last_day)


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
