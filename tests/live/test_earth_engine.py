"""What only the live service can show: that it answers as its documentation and our stand-ins say it does."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.plan import ImagePlan
from s2mask_qgis.core.scenes import Scene
from s2mask_qgis.engines.base import AssetDestination, DriveDestination, Engine, Export, OperationState
from s2mask_qgis.engines.errors import NotFoundError
from s2mask_qgis.gui.tile_control import GONE
from s2mask_qgis.jobs import results
from s2mask_qgis.jobs.doctor import CheckState, examine_earth_engine, quota_text
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.outputs import MASK, NDVI
from s2mask_qgis.jobs.planning import Planner
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import EarthEngineChoice, RunRequest, Throttle
from s2mask_qgis.jobs.runner import run
from s2mask_qgis.jobs.tile_views import TileView, tiles_of
from s2mask_qgis.web.session import Session
from s2mask_qgis.web.transport import Request, fetch
from tests.live.setting import DRIVE, Setting, scene_id

SAME_MASK, SAME_NDVI = 0.99, 0.99
"""Shares of pixels that have to agree at the live service; in rehearsal all have to."""
NDVI_STEP = 1e-3


def live_only(setting: Setting) -> None:
    if not setting.is_live:
        pytest.skip("the embedded service has nothing of the kind")


def planned(setting: Setting) -> tuple[Engine, Scene, ImagePlan]:
    """The plan of one scene, made on this computer: the service gets the very same expression."""
    local, scene = setting.needs_scenes()
    parameters = setting.parameters()
    planner = Planner(local, setting.area, parameters, find(parameters.model, None))
    backgrounds = planner.choose(scene, setting.known)
    reasons = local.prepare(
        {one.index: one for images in backgrounds.values() for one in (scene, *images)}.values(), count
    )
    assert reasons == {}
    return local, scene, planner.plan(scene, backgrounds)


def result_export(setting: Setting, engine: Engine, scene: Scene, plan: ImagePlan, kind: str, key: str) -> Export:
    """The export of a result, as a run makes it."""
    export = results.export_of(engine, scene, plan, results.Place(setting.area), kind, key)
    return replace(export, request_id=f"{kind}-{key}-{setting.mark}")


def count(done: int, total: int) -> None:
    """Nobody looks."""


def read(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Bands, where they are valid, and the transform of a GeoTIFF."""
    dataset = gdal.Open(str(path))
    data = dataset.ReadAsArray().reshape(dataset.RasterCount, dataset.RasterYSize, dataset.RasterXSize)
    return data, data != dataset.GetRasterBand(1).GetNoDataValue(), dataset.GetGeoTransform()


def small_export(setting: Setting, engine: Engine, name: str, image=None) -> Export:
    """An export of a few pixels."""
    import ee

    scene = setting.scene or engine.scenes(setting.area, dates=setting.dates)[0]
    grid = engine.grid(scene).part(0, 0, 16, 16)
    image = ee.Image(7).toByte() if image is None else image
    request_id = f"{name}-{setting.mark}"
    description = f"live_{name}_{setting.mark}"
    return Export(image, AssetDestination(f"{setting.folder}/mask/{name}"), grid, request_id, description)


def test_the_doctor_finds_no_problem(setting: Setting):
    live_only(setting)
    choice = EarthEngineChoice(setting.project, asset_folder=setting.folder)
    checks = examine_earth_engine(setting.connection, choice, setting.work)
    for check in checks:
        setting.say(f"{check.name}: {check.state.value}: {check.text}")
    assert [check.text for check in checks if check.state is CheckState.PROBLEM] == []


def test_numbers_are_computed_and_the_quota_is_told(setting: Setting):
    import ee

    with setting.engine() as engine:
        assert engine.value(ee.Number(2).add(3)) == 5
        if setting.is_live:
            setting.say(quota_text(engine.quota()))


def test_scenes_of_the_area_are_listed_by_tile_and_day(setting: Setting):
    with setting.engine() as engine:
        scenes = engine.scenes(setting.area, dates=setting.dates)
        assert scenes
        assert all(setting.dates[0] <= scene.date <= setting.dates[1] for scene in scenes)
        if setting.is_live:
            assert {scene.tile for scene in scenes} <= set(engine.tiles(setting.area))
        if setting.scene is not None:
            assert setting.scene.index in [scene.index for scene in scenes]


def test_a_scene_is_the_same_there_and_here(setting: Setting):
    local, scene = setting.needs_scenes()
    with setting.engine() as engine:
        (there,) = [one for one in engine.scenes(setting.area, dates=setting.dates) if one.index == scene.index]
        assert engine.grid(there) == local.grid(scene)
    assert there.tile == scene.tile
    assert abs(there.time_start_ms - scene.time_start_ms) < 60_000
    assert there.cloudy_percent == pytest.approx(scene.cloudy_percent, abs=0.01)


def test_a_sample_has_values_of_the_scene(setting: Setting):
    import ee

    local, scene = setting.needs_scenes()
    local.prepare([scene], count)
    _, _, plan = planned(setting)
    with setting.engine() as engine:
        sample = engine.sample(ee.Image(scene_id(scene)).select(["B2", "B8"]), plan.grid, 300, 5)
    assert len(sample["B2"]) == len(sample["B8"]) > 100
    assert all(value == int(value) and 0 <= value < 30_000 for value in sample["B8"])


def test_a_mask_and_its_ndvi_are_the_same_there_and_here(setting: Setting):
    local, scene, plan = planned(setting)
    with setting.engine() as engine:
        engine.open_destinations([MASK, NDVI])
        for kind, share, step in ((MASK, SAME_MASK, 0.0), (NDVI, SAME_NDVI, NDVI_STEP)):
            pixels = []
            for where in (local, engine):
                export = result_export(setting, where, scene, plan, kind, "live")
                assert ended(setting, where, where.start(export)) is OperationState.SUCCEEDED
                pixels.append(read(where.fetch(where.asset_id(kind, scene.index))))
            (here, is_here, transform), (there, is_there, other) = pixels
            assert transform == other
            same = (is_here == is_there) & (~is_here | (np.abs(here - there) <= step))
            setting.say(f"{kind}: {100 * same[0].mean():.3f} % of {same[0].size} pixels are the same")
            assert same[0].mean() >= (share if setting.is_live else 1.0)
        stored = engine.stored(MASK, [scene.index])
    assert stored[scene.index]["system:index"] == scene.index
    assert stored[scene.index][results.KEY] == "live"


def ended(setting: Setting, engine: Engine, name: str) -> OperationState:
    return setting.ended(engine, name).state


def test_pixels_straight_to_a_file_are_those_of_the_asset(setting: Setting):
    _, scene, plan = planned(setting)
    with setting.engine() as engine, setting.engine("folder") as to_file:
        engine.open_destinations([MASK])
        to_file.open_destinations([MASK])
        found = []
        for where in (engine, to_file):
            export = result_export(setting, where, scene, plan, MASK, "file")
            assert ended(setting, where, where.start(export)) is OperationState.SUCCEEDED
            destination = where.destination(MASK, scene.index)
            is_asset = isinstance(destination, AssetDestination)
            found.append(read(where.fetch(destination.asset) if is_asset else destination.path))
        np.testing.assert_array_equal(found[0][0], found[1][0])
        assert found[0][2] == found[1][2]


def test_the_same_request_starts_one_task(setting: Setting):
    with setting.engine() as engine:
        engine.open_destinations([MASK])
        first = engine.start(small_export(setting, engine, "twice"))
        assert engine.start(small_export(setting, engine, "twice")) == first
        assert ended(setting, engine, first) is OperationState.SUCCEEDED
        assert engine.start(small_export(setting, engine, "twice")) == first
    listed = [
        one
        for page in setting.client.operation_pages()
        for one in page
        if one.description == f"live_twice_{setting.mark}"
    ]
    assert [one.name for one in listed] == [first]


def test_the_list_of_tasks_is_paged_and_begins_with_the_latest(setting: Setting):
    with setting.engine() as engine:
        engine.open_destinations([MASK])
        names = []
        for number in range(3):
            names.append(engine.start(small_export(setting, engine, f"order{number}")))
            ended(setting, engine, names[-1])
    page = next(iter(setting.client.operation_pages()))
    listed = [one.name for one in page if one.name in names]
    setting.say(f"first page: {len(page)} tasks; ours in the order {[names.index(name) for name in listed]}")
    if setting.is_live:
        assert listed == names[::-1]
    else:
        assert set(listed) == set(names)


def test_a_task_can_be_cancelled(setting: Setting):
    import ee

    with setting.engine() as engine:
        engine.open_destinations([MASK])
        image = ee.Image(1).focalMedian(8, "square")
        export = small_export(setting, engine, "cancelled", image)
        name = engine.start(replace(export, grid=replace(export.grid, shape_yx=(3000, 3000))))
        engine.cancel(name)
        assert ended(setting, engine, name) is OperationState.CANCELLED
        engine.cancel(name)  # of what has ended nothing is asked
        assert engine.asset_properties(f"{setting.folder}/mask/cancelled") is None


def test_a_task_that_fails_says_why(setting: Setting):
    import ee

    with setting.engine() as engine:
        engine.open_destinations([MASK])
        try:
            name = engine.start(small_export(setting, engine, "failing", ee.Image("projects/none-00000/assets/none")))
        except Exception as error:  # refused at once is as good
            setting.say(f"an image that is not there: refused with {type(error).__name__}: {error}")
            return
        operation = setting.ended(engine, name)
    assert operation.state is OperationState.FAILED
    setting.say(f"an image that is not there: code {operation.error_code}, {operation.error}")
    assert operation.error


def test_a_run_goes_through_and_a_second_one_finds_all_done(setting: Setting):
    setting.needs_scenes()
    choice = EarthEngineChoice(setting.project, asset_folder=f"{setting.folder}/run")
    request = RunRequest(
        setting.work,
        setting.work / "library",
        setting.work / "run",
        setting.area,
        setting.parameters(),
        earth_engine=choice,
        throttle=Throttle(nb_task_max=2, refresh_seconds=15.0 if setting.is_live else 0.05),
    )
    for word in ("1 of 1", "0 of 1"):
        report = run(request, setting.connection, Orders(), lambda progress: None, lambda outcome: None)
        setting.say(report.message)
        assert report.state is RunState.FINISHED
        assert report.message.startswith(word)


def test_map_tiles_need_no_sign_in_and_an_unknown_map_is_gone(setting: Setting):
    live_only(setting)
    with setting.engine() as engine:
        scene = setting.scene or engine.scenes(setting.area, dates=setting.dates)[0]
        (tiles,) = tiles_of(engine, [TileView("true_colour", scene_id(scene))], with_boxes=True).tiles
    west, south, east, north = tiles.box
    assert east - west < 3
    assert north - south < 3
    answer = fetch(Request(tiles.address.format(z=0, x=0, y=0)))
    answer.close()
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    head, _, tail = tiles.address.partition("/maps/")
    unknown = f"{head}/maps/{'0' * 32}-{'0' * 32}/{tail.partition('/')[2]}"
    answer = fetch(Request(unknown.format(z=0, x=0, y=0)))
    answer.close()
    setting.say(f"a map that there is not: {answer.status}")
    assert answer.status in GONE


def test_a_file_goes_through_drive(setting: Setting):
    live_only(setting)
    if os.environ.get(DRIVE) != "1":
        pytest.skip(f"{DRIVE}=1 allows to write one file into the account's Drive, deleted after")
    from s2mask_qgis.google.drive import Drive

    session = Session(setting.connection.authorized())
    drive = Drive.over(session)
    with setting.engine("drive") as engine:
        export = replace(small_export(setting, engine, "drive"), destination=DriveDestination("s2mask-live", "drive"))
        assert ended(setting, engine, engine.start(export)) is OperationState.SUCCEEDED
    for folder in drive.folders("s2mask-live"):
        for file in drive.files(folder):
            data = b"".join(drive.open(file, 0).chunks)
            (setting.work / file.name).write_bytes(data)
            assert (read(setting.work / file.name)[0] == 7).all()
            _remove(session, file.id)
        _remove(session, folder.id)


def _remove(session: Session, file_id: str) -> None:
    session.fetch(Request(f"https://www.googleapis.com/drive/v3/files/{file_id}", method="DELETE")).close()


def test_an_asset_that_is_not_there_is_told(setting: Setting):
    with setting.engine() as engine:
        assert engine.asset_properties(f"{setting.folder}/mask/none") is None
        with pytest.raises(NotFoundError):
            engine.fetch(f"{setting.folder}/mask/none")


def test_destinations_can_be_opened_again_and_again(setting: Setting):
    opened: list[Callable[[], None]] = []
    with setting.engine() as engine:
        opened += [partial(engine.open_destinations, [MASK, NDVI])] * 2
        for call in opened:
            call()
        assert engine.asset_properties(f"{setting.folder}/mask") is not None
