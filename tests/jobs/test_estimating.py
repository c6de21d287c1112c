"""The estimate before a run: what is found, in how few requests, what does not fit and what is said about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from osgeo import gdal

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.estimates import RunEstimate
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.land import Land
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import COLLECTION, Scene
from s2mask_qgis.engines.base import EngineTraits, Operation, OperationState, Quota
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.jobs import estimating
from s2mask_qgis.jobs.estimate_texts import size_text, time_text
from s2mask_qgis.jobs.estimating import estimate_on_engine
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.outputs import image_key, settings_key
from s2mask_qgis.jobs.planning import Planner
from s2mask_qgis.jobs.request import EarthEngineChoice, RunRequest
from s2mask_qgis.jobs.results import KEY
from tests.engines.embedded_service import engine_on, places_in, serving
from tests.engines.small_scenes import INDEXES, write_small_scenes

SQUARE = ((2.9, 45.1), (3.1, 45.1), (3.1, 45.2), (2.9, 45.2), (2.9, 45.1))
"""Around the small scenes, whose upper left corner is at 3 degrees east and 45.15 degrees north."""
AREA = Area(((SQUARE,),))
HOUR_MS = 3_600_000
USED = Quota(100, 10_000, 10**9, 250 * 10**9, 0, 3000)
TRAITS = EngineTraits("Google Earth Engine", 3000, None, 8, False, True)
FIRST_MS = 1_672_567_200_000  # 2023-01-01 10:00 UTC


def scenes_of(tile: str, count: int) -> list[Scene]:
    times = [FIRST_MS + 5 * HOUR_MS * number for number in range(count)]
    names = [f"20230101T{number:06d}_20230101T{number:06d}_T{tile}" for number in range(count)]
    return [Scene(f"{COLLECTION}/{name}", name, tile, time, 10.0, SQUARE) for name, time in zip(names, times)]


@dataclass
class Told:
    """An engine of Earth Engine's kind that tells what a test gives, and remembers what it was asked."""

    counts: dict[str, int] = field(default_factory=lambda: {"31TCJ": 20})
    used: Quota | None = USED
    tasks: dict[str, Operation] = field(default_factory=dict)
    there: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    traits: EngineTraits = TRAITS

    def tiles(self, area: Area, collection: str) -> list[str]:
        self.asked.append("tiles")
        return sorted(self.counts)

    def scenes(self, area: Area | None, tiles: Any, collection: str, dates: Any = None) -> list[Scene]:
        self.asked.append("scenes")
        wanted = self.counts if tiles is None else tiles
        return [scene for tile in wanted for scene in scenes_of(tile, self.counts[tile])]

    def grid(self, scene: Scene) -> Grid:
        self.asked.append("grid")
        return Grid("EPSG:32631", (10.0, 0.0, 499_980.0, 0.0, -10.0, 5_000_040.0), (10_980, 10_980))

    def value(self, computation: Any) -> Any:
        text = computation.serialize()
        if "AggregateFeatureCollection.histogram" in text:
            self.asked.append("count")
            return self.counts if self.asked.count("count") == 1 else {}
        if "system:asset_size" in text:
            self.asked.append("sizes")
            return [self.sizes.get(kind) for kind in self.there if f"/{kind}/" in text for _ in self.there[kind]]
        self.asked.append("extent")
        return [[[500_000.0, 4_995_000.0], [505_000.0, 5_000_000.0]]]

    def stored(self, kind: str, indexes: Any) -> dict[str, Any]:
        self.asked.append("stored")
        return {index: found for index, found in self.there.get(kind, {}).items() if index in indexes}

    def quota(self) -> Quota | None:
        self.asked.append("quota")
        return self.used

    def operations(self, names: Any = ()) -> dict[str, Operation]:
        self.asked.append("operations")
        return self.tasks

    def asset_id(self, kind: str, index: str) -> str:
        return f"projects/p/assets/{kind}/{index}"

    def source_problem(self, source: str) -> str | None:
        return None


@dataclass
class Noted:
    """A ledger that knows what a test says."""

    done: tuple[str, ...] = ()
    out_of_area: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def counts(self) -> dict[RowState, int]:
        return {RowState.DONE: len(self.done), RowState.OUT_OF_AREA: self.out_of_area}

    def images(self, states: Any) -> Iterator[Any]:
        assert states == {RowState.DONE}
        return (type("Row", (), {"index": index}) for index in self.done)

    def durations(self, kind: str) -> list[float]:
        return self.seconds.get(kind, [])


@pytest.fixture(scope="module", autouse=True)
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The client, told the algorithms, so that expressions can be built."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "scenes").mkdir()
    with LocalEngine(folder / "scenes", folder / "library", folder / "store", workers=1):
        yield


@pytest.fixture
def request_of(tmp_path: Path):
    """Makes requests: of Earth Engine unless the destination is empty."""

    def make(destination: str = "assets", **changes: Any) -> RunRequest:
        parameters = RunParameters(date_start="2023-01-01", date_end="2023-12-31", **changes)
        choice = EarthEngineChoice("p", destination) if destination else None
        return RunRequest(
            tmp_path / "scenes", tmp_path / "library", tmp_path / "out", AREA, parameters, earth_engine=choice
        )

    return make


def estimated(request: RunRequest, engine: Any, ledger: Any = None, **arguments: Any) -> RunEstimate:
    return estimate_on_engine(request, engine, ledger, find(request.parameters.model, None), **arguments)


def task(name: str, state: OperationState, started: float | None = None, ended: float | None = None) -> Operation:
    charged = None if ended is None else 360.0
    return Operation(name, state, description=name, started_s=started, ended_s=ended, compute_seconds=charged)


def test_a_small_run_is_looked_at_image_by_image(request_of):
    engine = Told({"31TCJ": 20, "31TDJ": 10})
    found = estimated(request_of(), engine)
    assert (found.images, found.done, found.out_of_area, found.to_do, found.tiles) == (30, 0, 0, 30, 2)
    assert found.is_listed
    assert found.tasks == found.assets == 60
    # A square of 5 km: it meets 168 rows and 167 columns of pixels of 30 m.
    assert found.most_bytes == 30 * 168 * 167 * 12
    assert found.likely_bytes == 30 * 168 * 167 * 7
    assert found.problems == found.warnings == ()
    assert found.facts[:3] == (
        "30 images of 2 tiles: 30 to make.",
        "60 tasks (mask, ndvi), 60 new assets, about 5.9 MB, at most 10 MB (from the pixels of the area in its tiles).",
        "The project holds 100 of 10,000 assets, 1 GB of 250 GB.",
    )
    assert found.facts[3] == "How long it takes is not known before some tasks have finished."
    assert found.requests == len(engine.asked)
    assert found.facts[4] == f"This estimate took about {found.requests} requests."


def test_images_without_end_are_counted_in_a_bounded_number_of_requests(request_of):
    counts = {f"{number:02d}TCJ": 146 for number in range(2000)}
    engine = Told(counts, Quota(0, None, 0, None, 0, 3000))
    found = estimated(request_of(), engine, Noted(("a", "b"), 5))
    assert not found.is_listed
    assert (found.images, found.done, found.out_of_area, found.tiles) == (292_000, 2, 5, 2000)
    assert engine.asked.count("count") == 15
    assert len(engine.asked) == 18
    assert found.requests == 20  # 2,000 tiles are two pages, here and in a count
    assert found.most_bytes == found.to_do * 3660**2 * 12
    assert found.facts[0] == "About 292,000 images of 2,000 tiles: 5 out of area, 2 there already, 291,993 to make."
    assert found.facts[-1].endswith("too many to be looked at one by one: they were counted.")


def test_too_many_assets_are_refused_with_the_numbers_and_the_way_out(request_of):
    engine = Told({"31TCJ": 1500}, Quota(8_000, 10_000, 0, 250 * 10**9, 0, 3000))
    (problem,) = estimated(request_of(), engine).problems
    assert problem.startswith(
        "The run makes 3,000 new assets, but the project holds 8,000 of at most 10,000. About 1,000 images would fit."
    )
    assert "Drive" in problem
    assert "fewer dates" in problem


def test_as_many_assets_as_fit_are_not_refused(request_of):
    assert estimated(request_of(), Told({"31TCJ": 1000}, Quota(8_000, 10_000, 0, None, 0, 3000))).can_run
    assert not estimated(request_of(), Told({"31TCJ": 1001}, Quota(8_000, 10_000, 0, None, 0, 3000))).can_run


def test_too_many_bytes_are_refused_with_coarser_pixels_as_a_way_out(request_of):
    used = Quota(0, 10_000, 249 * 10**9, 250 * 10**9, 0, 3000)
    (problem,) = estimated(request_of(scale_m=10), Told({"31TCJ": 1000}, used)).problems
    assert problem.startswith("The results take about 1.8 GB, but the project uses 249 GB of at most 250 GB. About ")
    assert "mask at 30 m, a ninth of the size" in problem
    assert estimated(request_of(scale_m=30), Told({"31TCJ": 1000}, used)).can_run


def test_bytes_that_perhaps_do_not_fit_are_a_warning(request_of):
    engine = Told({"31TCJ": 1000}, Quota(0, 10_000, 0, 2 * 10**9, 0, 3000))
    found = estimated(request_of(scale_m=10), engine)
    assert found.can_run
    assert found.warnings[0].startswith("The results take up to 3 GB, but the project uses 0 kB of at most 2 GB.")


def test_what_is_stored_tells_how_large_results_are(request_of):
    request, engine = request_of(), Told()
    names = [scene.index for scene in scenes_of("31TCJ", 4)]
    engine.there = {kind: {name: {KEY: "other"} for name in names} for kind in ("mask", "ndvi")}
    engine.sizes = {"mask": 10**6, "ndvi": 3 * 10**6}
    found = estimated(request, engine)
    assert found.done == 0
    assert found.tasks == 40
    assert found.assets == 32  # eight are replaced
    assert found.likely_bytes == found.most_bytes == 20 * 4 * 10**6
    assert "about 80 MB (from results that are stored)." in found.facts[1]


def test_results_of_the_same_settings_are_there_already(request_of):
    request, engine = request_of(), Told()
    model = find(request.parameters.model, None)
    archive = scenes_of("31TCJ", 20)
    planner = Planner(engine, AREA, request.parameters, model)
    settings = settings_key(request, model)
    keys = {one.index: image_key(settings, one, planner.choose(one, archive)) for one in archive[:6]}
    engine.there["mask"] = {index: {KEY: key} for index, key in keys.items()}
    engine.there["ndvi"] = {index: {KEY: key} for index, key in list(keys.items())[:5]}
    engine.there["ndvi"][archive[0].index] = {KEY: "other"}
    found = estimated(request, engine)
    assert found.done == 4  # of six the first has an old NDVI, the last none
    assert found.facts[0] == "20 images of 1 tile: 4 there already, 16 to make."


def test_the_ledger_and_the_file_of_the_scripts_tell_what_is_done(request_of, tmp_path):
    names = [scene.index for scene in scenes_of("31TCJ", 20)]
    listed = tmp_path / "done.json"
    entry = {"geometry": None, "system:time_start": FIRST_MS}
    listed.write_text(json.dumps({f"COPERNICUS/S2/{name}": entry for name in names[2:5]}))
    request = replace(request_of(), done_file=listed)
    assert estimated(request, Told(), Noted((*names[:3], "of another time"))).done == 5


def test_images_that_miss_the_land_are_out_of_area(request_of):
    far = Area((((((10.0, 10.0), (10.1, 10.0), (10.1, 10.1), (10.0, 10.0)),)),))
    found = estimated(replace(request_of(), land=Land(area=far)), Told())
    assert (found.images, found.out_of_area, found.to_do, found.tasks) == (20, 20, 0, 0)
    assert found.can_run


def test_no_image_is_a_problem_with_the_dates(request_of):
    found = estimated(request_of(), Told({}))
    assert found.problems == (
        "No Level-1C image of the area was taken from 2023-01-01 to 2023-12-31. Change the dates, or move the area.",
    )


def test_time_comes_from_tasks_of_the_project(request_of):
    engine = Told()
    names = ("mask_20230101T1", "mask_20230102T1", "ndvi_20230101T1", "other_task")
    engine.tasks = {name: task(name, OperationState.SUCCEEDED, 1000.0, 1000.0 + 600) for name in names}
    engine.tasks |= {f"r{n}": task(f"r{n}", OperationState.RUNNING, 5.0) for n in range(4)}
    found = estimated(request_of(), engine)
    assert found.duration_s == pytest.approx(40 * 600 / 4 + 30)
    assert found.compute_seconds == 40 * 360
    assert found.facts[3] == (
        "About 1.7 hours with 4 tasks running at once (3 finished tasks of the project). "
        "About 4 EECU-hours of compute time."
    )


def test_time_comes_from_the_ledger_where_the_project_tells_nothing(request_of):
    ledger = Noted(seconds={"mask": [900.0] * 50})
    found = estimated(request_of(), Told(), ledger)
    assert found.duration_s == pytest.approx(40 * 900 / 30 + 30)  # 30 were under way at once
    assert found.facts[3] == "About 20 minutes with 30 tasks running at once (50 finished tasks of this run)."


def test_a_queue_that_others_fill_is_a_warning(request_of):
    engine = Told(tasks={f"r{n}": task(f"r{n}", OperationState.PENDING) for n in range(31)})
    (warning,) = estimated(request_of(), engine).warnings
    assert warning.startswith("The project has 31 active tasks already, and at most 30 are allowed at once")


def test_a_full_disk_refuses_files(request_of, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=10**6)
    monkeypatch.setattr(estimating.shutil, "disk_usage", lambda path: usage)
    found = estimated(request_of("folder"), Told())
    assert found.assets is None
    (problem,) = found.problems
    assert problem.startswith("The results take about 3.9 MB, but the folder ")
    assert "has 1 MB free. About 5 images would fit. Free some space" in problem


def test_a_full_drive_refuses_where_its_room_is_known(request_of):
    assert estimated(request_of("drive"), Told()).can_run
    found = estimated(request_of("drive"), Told(), drive_free=lambda: 4 * 10**6)
    assert found.can_run
    assert "but Drive has 4 MB free" in found.warnings[0]
    assert not estimated(request_of("drive"), Told(), drive_free=lambda: 0).can_run


def test_drive_and_folder_ask_no_quota(request_of):
    engine = Told()
    estimated(request_of("drive"), engine)
    assert "quota" not in engine.asked


def test_earth_engines_engine_estimates_over_the_protocol(tmp_path, request_of):
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    write_small_scenes(scenes)
    request = replace(request_of(), parameters=RunParameters(date_start="2020-01-01", date_end="2020-01-12"))
    with serving(scenes, tmp_path) as web, engine_on(web, places_in(tmp_path / "out")) as engine:
        found = estimated(request, engine)
        assert (found.images, found.to_do, found.assets) == (2, 2, 4)
        # 60 x 50 pixels of 10 m: 20 x 17 of 30 m.
        assert found.most_bytes == 2 * 20 * 17 * 12
        assert found.requests <= len(web.asked) + 1
        land = replace(request, land=Land("projects/p/assets/none"))
        (problem,) = estimated(land, engine).problems
        assert "projects/p/assets/none cannot be used" in problem


def test_results_on_this_computer_tell_their_sizes(tmp_path, request_of):
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    write_small_scenes(scenes)
    request = replace(request_of(""), parameters=RunParameters(date_start="2020-01-01", date_end="2020-12-31"))
    for kind in ("mask", "ndvi"):
        for index in INDEXES:
            path = request.output_folder / kind / f"{index}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            gdal.GetDriverByName("GTiff").Create(str(path), 10, 10).FlushCache()
    size = sum((request.output_folder / kind / f"{INDEXES[0]}.tif").stat().st_size for kind in ("mask", "ndvi"))
    with LocalEngine(request.scenes_folder, request.library_folder, request.output_folder, workers=1) as engine:
        engine.refresh(lambda done, total: None)
        found = estimated(request, engine)
    assert (found.images, found.done, found.tasks, found.assets) == (3, 0, 6, None)
    assert found.likely_bytes == pytest.approx(3 * size)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 kB"), (1_500, "1.5 kB"), (2e6, "2 MB"), (38.4e9, "38 GB"), (1.26e12, "1.3 TB")],
)
def test_sizes_have_two_digits(size: float, text: str):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(10, "less than a minute"), (60, "1 minute"), (3000, "50 minutes"), (9000, "2.5 hours"), (5e5, "5.8 days")],
)
def test_durations_have_two_digits(seconds: float, text: str):
    assert time_text(seconds) == text
