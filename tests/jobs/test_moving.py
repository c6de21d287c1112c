"""A collection out of Earth Engine: exported once each, verified here, deleted only then; killed and gone on with."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.engines.errors import BadRequestError
from s2mask_qgis.google.assets import Assets, ImageAsset
from s2mask_qgis.google.drive import Drive
from s2mask_qgis.google.urls import Urls
from s2mask_qgis.jobs import downloading, moving
from s2mask_qgis.jobs.moving import Services, deletable, delete, download, drive_problem, move_out
from s2mask_qgis.jobs.moving_recipe import DOUBLE, DOUBLE_NODATA, FLOAT, FLOAT_NODATA, common_grid, pixel_type
from s2mask_qgis.jobs.moving_request import DownloadRequest, MoveRequest, MoveStage
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import Throttle
from s2mask_qgis.jobs.script_ledgers import already_done
from s2mask_qgis.web.session import Patience, Session
from tests.engines.conftest import ee as ee
from tests.google.drive_stand_in import DriveStandIn, EarthEngineStandIn, refused
from tests.jobs.moving_stand_ins import COLUMNS, ROWS, SOURCE, DriveEngine, image, name_of, pixels_of, tiff

COUNT = 5


@pytest.fixture(autouse=True)
def client(ee):
    """Exports are expressions of the client."""


@pytest.fixture
def drive_server():
    server = DriveStandIn()
    yield server
    server.close()


@pytest.fixture
def earth():
    server = EarthEngineStandIn()
    server.add(SOURCE, "IMAGE_COLLECTION")
    for number in range(COUNT):
        server.add(f"{SOURCE}/{name_of(number)}", **image(number))
    yield server
    server.close()


@pytest.fixture
def engine(drive_server, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return DriveEngine(drive_server, scratch)


@pytest.fixture
def session():
    return Session(patience=Patience(attempts=3), sleep=lambda _seconds: None, draw=lambda: 1.0)


@pytest.fixture
def services(earth, drive_server, engine, session):
    drive = Drive.over(session, Urls(drive=f"{drive_server.url}/drive/v3"))
    return Services(Assets.over(session, f"{earth.url}/v1"), drive, lambda _request: engine)


@pytest.fixture
def request_(tmp_path):
    return MoveRequest("p", SOURCE, "masks", tmp_path / "here", Throttle(refresh_seconds=0.0))


class Steps:
    """Remembers progress; ``stop_at`` calls something when a stage has so many done."""

    def __init__(self, stop_at=None, then=lambda: None):
        self.seen = []
        self._stop_at, self._then = stop_at, then

    def __call__(self, progress):
        self.seen.append(progress)
        if (progress.stage, progress.done) == self._stop_at:
            self._then()


def carried_out(request, services, steps=None, orders=None):
    orders = orders or Orders()
    return move_out(request, services, orders, Interrupt(orders), steps or Steps())


def images_in(folder):
    return sorted(path.stem for path in folder.glob("*.tif"))


def test_all_images_come_with_their_pixels_and_metadata(request_, services, engine):
    steps = Steps()
    report = carried_out(request_, services, steps)
    assert report.state is RunState.FINISHED, report
    assert report.message == "5 of 5 images are on this computer."
    assert (report.exported, report.here, report.deleted) == (COUNT, COUNT, 0)
    assert images_in(request_.folder) == [name_of(number) for number in range(COUNT)]
    dataset = gdal.Open(str(request_.folder / f"{name_of(0)}.tif"))
    assert np.array_equal(dataset.ReadAsArray(), pixels_of(name_of(0)))
    assert dataset.GetGeoTransform() == (600000, 10, 0, 5300040, 0, -10)
    assert dataset.GetRasterBand(1).GetNoDataValue() == 255
    assert dataset.GetMetadataItem("MGRS_TILE") == "33UVP"
    assert dataset.GetMetadataItem("system_time_start") == "1672567231024"
    assert json.loads(dataset.GetMetadataItem("EARTH_ENGINE_PROPERTIES"))["s2mask:key"] == "abc"
    assert {step.stage for step in steps.seen} >= {MoveStage.EXPORTING, MoveStage.LOOKING, MoveStage.DOWNLOADING}


def test_exports_are_the_assets_as_they_are(request_, services, engine):
    carried_out(request_, services)
    export = engine.started[0]
    assert export.grid.crs == "EPSG:32633"
    assert export.grid.shape_yx == (ROWS, COLUMNS)
    assert export.grid.transform == (10, 0, 600000, 0, -10, 5300040)
    assert export.destination.nodata == 255
    described = json.loads(export.image.serialize())
    functions = [value["functionInvocationValue"]["functionName"] for value in _nodes(described)]
    assert sorted(functions) == ["Image.load", "Image.toUint8"]


def _nodes(described):
    if isinstance(described, dict):
        if "functionInvocationValue" in described:
            yield described
        for value in described.values():
            yield from _nodes(value)


def test_the_json_lists_the_images_for_the_scripts_and_later_runs(request_, services):
    carried_out(request_, services)
    listed = json.loads((request_.folder / "metadata.json").read_text())
    assert list(listed) == [f"{SOURCE}/{name_of(number)}" for number in range(COUNT)]
    entry = listed[f"{SOURCE}/{name_of(0)}"]
    assert entry["geometry"]["type"] == "Polygon"
    assert (entry["system:time_start"], entry["system:time_end"]) == (1672567231024, 1672567232000)
    assert already_done(request_.folder / "metadata.json") == {name_of(number) for number in range(COUNT)}


def test_a_second_move_exports_and_downloads_nothing(request_, services, engine, drive_server):
    carried_out(request_, services)
    media = sum(asked.query.get("alt") == "media" for asked in drive_server.asked)
    report = carried_out(request_, services)
    assert (report.state, report.here) == (RunState.FINISHED, COUNT)
    assert len(engine.started) == COUNT
    assert sum(asked.query.get("alt") == "media" for asked in drive_server.asked) == media


def test_never_more_exports_at_once_than_allowed(request_, services, engine):
    engine.looks = 3
    carried_out(replace(request_, throttle=Throttle(2, 0.0)), services)
    assert engine.most_at_once == 2


def test_images_in_parts_become_whole(request_, services, engine):
    engine.part_px = 16
    assert carried_out(request_, services).state is RunState.FINISHED
    for number in range(COUNT):
        found = gdal.Open(str(request_.folder / f"{name_of(number)}.tif")).ReadAsArray()
        assert np.array_equal(found, pixels_of(name_of(number)))
    assert not (request_.folder / downloading.UNFINISHED).exists()


def test_a_part_that_is_missing_in_drive_is_told_and_the_others_come(request_, services, engine, drive_server):
    engine.part_px = 32
    gone = f"{name_of(2)}-0000000000-0000000032.tif"
    drive_server.always = _hiding(gone)
    report = carried_out(request_, services)
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert report.failed == ((name_of(2), f"{name_of(2)} is not whole in Drive: {gone} is missing. Export it again."),)
    assert len(images_in(request_.folder)) == COUNT - 1
    assert f"{SOURCE}/{name_of(2)}" not in deletable(request_.folder)
    assert report.notes == ("Move again to export 1 image anew.",)
    drive_server.always = lambda _asked, answer: answer
    drive_server.entries = [one for one in drive_server.entries if one["name"] != gone]
    report = carried_out(request_, services)
    assert (report.state, report.here) == (RunState.FINISHED, COUNT)
    assert len(engine.started) == COUNT + 1


def _hiding(name):
    def always(asked, answer):
        if not asked.path.endswith("/files"):
            return answer
        page = json.loads(answer.body)
        page["files"] = [one for one in page["files"] if one["name"] != name]
        body = json.dumps(page).encode()
        return replace(answer, body=body)

    return always


def test_duplicates_in_drive_are_told(request_, services, drive_server):
    folder = drive_server.folder("masks")
    drive_server.add(folder, f"{name_of(1)}.tif", b"an older export", created="2020-01-01T00:00:00Z")
    report = carried_out(request_, services)
    assert report.state is RunState.FINISHED
    assert report.notes == (f"{name_of(1)}: 1 more file of this name in Drive; the newest set is used.",)


def test_an_image_that_cannot_be_exported_is_told_and_stays(request_, services, engine):
    engine.broken = {name_of(3)}
    report = carried_out(request_, services)
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert [name for name, _ in report.failed] == [name_of(3)]
    assert report.here == COUNT - 1
    assert len(deletable(request_.folder)) == COUNT - 1
    engine.broken = set()
    assert carried_out(request_, services).here == COUNT, "the next move tries again"


def test_bands_on_different_grids_are_refused_rather_than_resampled(request_, services, earth):
    band = image()["bands"][0]
    coarse = {**band, "id": "b", "grid": {**band["grid"], "dimensions": {"width": 6, "height": 4}}}
    earth.assets[f"{SOURCE}/{name_of(0)}"]["bands"].append(coarse)
    report = carried_out(request_, services)
    assert "2 different grids" in dict(report.failed)[name_of(0)]


def test_folders_within_folders_are_moved_and_names_do_not_meet(request_, services, earth):
    earth.page = 2
    earth.add("projects/p/assets/all", "FOLDER")
    earth.add("projects/p/assets/all/y2023", "IMAGE_COLLECTION")
    earth.add("projects/p/assets/all/y2024", "IMAGE_COLLECTION")
    for year in ("y2023", "y2024"):
        earth.add(f"projects/p/assets/all/{year}/{name_of(0)}", **image(0))
    report = carried_out(replace(request_, source="projects/p/assets/all"), services)
    assert report.state is RunState.FINISHED
    assert images_in(request_.folder) == [f"y2023__{name_of(0)}", f"y2024__{name_of(0)}"]
    assert sorted(deletable(request_.folder)) == [
        f"projects/p/assets/all/{year}/{name_of(0)}" for year in ("y2023", "y2024")
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [("projects/p/assets/none", "does not know"), (f"{SOURCE}/{name_of(0)}", "neither a folder nor a collection")],
)
def test_what_is_no_collection_is_refused(request_, services, source, told):
    report = carried_out(replace(request_, source=source), services)
    assert report.state is RunState.REFUSED
    assert told in report.message


def test_an_empty_collection_is_told(request_, services, earth):
    earth.add("projects/p/assets/empty", "IMAGE_COLLECTION")
    report = carried_out(replace(request_, source="projects/p/assets/empty"), services)
    assert report.message == "There are no images in projects/p/assets/empty. Choose another collection."


class KilledError(BaseException):
    """The process ends here."""


def dying(function, at):
    """The function, which dies before its call number ``at``."""
    calls = []

    def call(*arguments, **named):
        calls.append(1)
        if len(calls) == at:
            raise KilledError
        return function(*arguments, **named)

    return call


STEPS = [
    (downloading, "fetch_file"),
    (downloading, "merge"),
    (downloading, "md5_of"),
    (moving, "find_files"),
    (moving, "download_images"),
]


@pytest.mark.parametrize(("module", "name"), STEPS)
@pytest.mark.parametrize("at", [1, 3])
def test_a_move_killed_between_steps_goes_on(request_, services, engine, monkeypatch, module, name, at):
    engine.part_px = 32
    with monkeypatch.context() as patched:
        patched.setattr(module, name, dying(getattr(module, name), at))
        with suppress(KilledError):
            carried_out(request_, services)
    report = carried_out(request_, services)
    assert (report.state, report.here) == (RunState.FINISHED, COUNT)
    assert len(engine.started) == COUNT, "none is exported twice"
    for number in range(COUNT):
        found = gdal.Open(str(request_.folder / f"{name_of(number)}.tif")).ReadAsArray()
        assert np.array_equal(found, pixels_of(name_of(number)))


def test_files_that_a_killed_move_did_not_come_to_remove_go_with_the_next(request_, services, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(downloading.KeptEntries, "add", _killed_after(downloading.KeptEntries.add, "moved.json"))
        with pytest.raises(KilledError):
            carried_out(request_, services)
    assert list((request_.folder / downloading.UNFINISHED).iterdir())
    assert carried_out(request_, services).here == COUNT
    assert not (request_.folder / downloading.UNFINISHED).exists()


def _killed_after(function, file):
    """The method of entries, which dies once it has added one to a file."""

    def add(kept, *arguments):
        function(kept, *arguments)
        if kept.path.name == file:
            raise KilledError

    return add


@pytest.mark.parametrize("at", [1, 2, 4, 5])
@pytest.mark.parametrize("method", ["start", "operations"])
def test_a_move_killed_at_the_engine_goes_on(request_, services, engine, method, at):
    original = getattr(engine, method)
    setattr(engine, method, dying(original, at))
    with suppress(KilledError):
        carried_out(replace(request_, throttle=Throttle(2, 0.0)), services)
    setattr(engine, method, original)
    report = carried_out(request_, services)
    assert (report.state, report.here) == (RunState.FINISHED, COUNT)
    assert len(engine.started) == COUNT
    assert len(json.loads((request_.folder / "metadata.json").read_text())) == COUNT


def test_a_paused_move_goes_on(request_, services, engine):
    orders = Orders()
    steps = Steps((MoveStage.EXPORTING, 2), orders.pause)
    report = carried_out(replace(request_, throttle=Throttle(1, 0.0)), services, steps, orders)
    assert report.state is RunState.PAUSED
    report = carried_out(request_, services)
    assert (report.state, report.here, len(engine.started)) == (RunState.FINISHED, COUNT, COUNT)


def test_a_quota_of_downloads_pauses_a_move(request_, services, drive_server):
    drive_server.always = lambda asked, answer: (
        refused(403, "downloadQuotaExceeded") if asked.query.get("alt") == "media" else answer
    )
    report = carried_out(request_, services)
    assert report.state is RunState.PAUSED
    assert "tomorrow" in report.message
    drive_server.always = lambda _asked, answer: answer
    assert carried_out(request_, services).here == COUNT


def test_a_disk_without_room_is_told_with_the_numbers(request_, services, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(downloading.shutil, "disk_usage", lambda _path: usage)
    report = carried_out(request_, services)
    assert report.state is RunState.REFUSED
    assert "0.3 GB" in report.message


def test_a_drive_that_is_too_small_is_told_with_the_numbers(request_, services, drive_server, engine):
    assert drive_problem(services, SOURCE) == ""
    drive_server.free_bytes = 100
    assert "Google Drive has room for 0.0 GB" in drive_problem(services, SOURCE)
    report = carried_out(request_, services)
    assert report.state is RunState.REFUSED
    assert not engine.started


# Deleting


@pytest.fixture
def moved(request_, services):
    assert carried_out(request_, services).state is RunState.FINISHED
    return request_.folder


def left(earth):
    return [name for name in earth.assets if name.startswith(f"{SOURCE}/")]


def deleted(folder, services, count, steps=None, orders=None):
    return delete(folder, services, count, orders or Orders(), steps or Steps())


@pytest.mark.parametrize("count", [0, COUNT + 1])
def test_another_number_than_the_confirmed_one_deletes_nothing(moved, services, earth, count):
    report = deleted(moved, services, count)
    assert report.state is RunState.REFUSED
    assert f"{COUNT} images can be deleted, not {count}" in report.message
    assert len(left(earth)) == COUNT


def test_the_confirmed_number_is_deleted(moved, services, earth):
    report = deleted(moved, services, COUNT)
    assert (report.state, report.message, report.deleted) == (RunState.FINISHED, "5 assets deleted.", COUNT)
    assert left(earth) == []
    assert SOURCE in earth.assets
    assert deletable(moved) == ()


def test_assets_whose_files_changed_stay(moved, services, earth):
    (moved / f"{name_of(0)}.tif").write_bytes(b"shorter")
    path = moved / f"{name_of(1)}.tif"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert len(deletable(moved)) == COUNT - 1
    report = deleted(moved, services, COUNT - 1)
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert "not as it was verified" in dict(report.failed)[f"{SOURCE}/{name_of(1)}"]
    assert left(earth) == [f"{SOURCE}/{name_of(0)}", f"{SOURCE}/{name_of(1)}"]


@pytest.mark.parametrize("lost", [0, COUNT - 1])
def test_a_deletion_whose_answer_is_lost_is_one(moved, services, earth, lost):
    deletes = []

    def always(asked, answer):
        if asked.method == "DELETE":
            deletes.append(asked.path)
            if len(deletes) == lost + 1:
                return replace(answer, is_lost=True)
        return answer

    earth.always = always
    assert deleted(moved, services, COUNT).deleted == COUNT


def test_an_interrupted_deletion_goes_on(moved, services, earth):
    orders = Orders()

    def stop():
        raise KilledError

    with pytest.raises(KilledError):
        deleted(moved, services, COUNT, Steps((MoveStage.DELETING, 3), stop), orders)
    assert len(left(earth)) == COUNT - 3
    assert len(deletable(moved)) == COUNT - 3
    assert deleted(moved, services, COUNT - 3).deleted == COUNT


def test_without_rights_nothing_more_is_tried(moved, services, earth):
    answer = earth.answer
    earth.answer = lambda asked: refused(403, "forbidden") if asked.method == "DELETE" else answer(asked)
    report = deleted(moved, services, COUNT)
    assert report.state is RunState.PAUSED
    assert len(left(earth)) == COUNT


def test_after_a_deletion_a_move_leaves_all_as_it_is(moved, request_, services, engine):
    deleted(moved, services, COUNT)
    report = download(DownloadRequest("masks", moved), services.drive, Orders(), Steps())
    assert (report.state, report.here, report.deleted) == (RunState.FINISHED, COUNT, COUNT)
    assert carried_out(request_, services).state is RunState.FINISHED
    (moved / f"{name_of(0)}.tif").unlink()
    report = carried_out(request_, services)
    assert (report.here, report.deleted, report.deletable) == (COUNT, COUNT, 0), "Drive still has it"
    assert len(engine.started) == COUNT


# Downloading alone


def test_a_folder_of_drive_comes_without_metadata_too(tmp_path, services, drive_server, engine):
    engine.folder = "run_mask"
    folder = drive_server.folder("run_mask")
    drive_server.add(folder, "a.tif", tiff(engine.scratch, pixels_of("a"), (0, 0)))
    report = download(DownloadRequest("run_mask", tmp_path / "here"), services.drive, Orders(), Steps())
    assert (report.state, report.message) == (RunState.FINISHED, "1 of 1 images are on this computer.")
    assert np.array_equal(gdal.Open(str(tmp_path / "here" / "a.tif")).ReadAsArray(), pixels_of("a"))
    assert deletable(tmp_path / "here") == (), "nothing is known of its asset"


def test_a_folder_that_drive_does_not_have_is_told(tmp_path, services):
    report = download(DownloadRequest("none", tmp_path), services.drive, Orders(), Steps())
    assert (report.state, report.message) == (
        RunState.REFUSED,
        "There is no folder “none” in Google Drive. Write its name as it is there.",
    )


# Types of pixels


def kind(precision, low=None, high=None):
    span = ({} if low is None else {"min": low}) | ({} if high is None else {"max": high})
    return {"dataType": {"precision": precision, **({"range": span} if span else {})}}


@pytest.mark.parametrize(
    ("bands", "cast", "nodata"),
    [
        ([kind("INT", high=2)], "toUint8", 255),
        ([kind("INT", high=255)], "toInt16", 32767),
        ([kind("INT", low=1, high=255)], "toUint8", 0),
        ([kind("INT", high=65535)], "toInt32", 2**31 - 1),
        ([kind("INT", high=65534)], "toUint16", 65535),
        ([kind("INT", low=-128, high=127)], "toInt16", 32767),
        ([kind("INT", low=-(2**31), high=2**31 - 1)], "toDouble", DOUBLE_NODATA),
        ([kind("FLOAT")], "toFloat", FLOAT_NODATA),
        ([kind("FLOAT", low=0, high=1), kind("INT", high=2)], "toFloat", FLOAT_NODATA),
        ([kind("FLOAT"), kind("INT", high=2**31 - 1)], "toDouble", DOUBLE_NODATA),
        ([kind("DOUBLE"), kind("INT", high=2)], "toDouble", DOUBLE_NODATA),
    ],
)
def test_the_smallest_type_that_holds_all_values_and_one_more(bands, cast, nodata):
    found, value = pixel_type(bands)
    assert (found.cast, value) == (cast, nodata)
    assert found.low <= value <= found.high


def test_numbers_for_masked_pixels_are_the_lowest_of_their_types():
    assert float(np.finfo("float32").min) == FLOAT_NODATA
    assert float(np.finfo("float64").min) == DOUBLE_NODATA
    assert (FLOAT.cast, DOUBLE.cast) == ("toFloat", "toDouble")


def test_an_image_without_bands_is_refused():
    with pytest.raises(BadRequestError, match="has no bands"):
        common_grid(ImageAsset("projects/p/assets/a", "a"))
