"""kill -9 at random instants of moves out of Earth Engine, downloads and deletions included, and of the way back:
nothing lost, nothing twice, and nothing deleted at the service whose file is not here."""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from osgeo import gdal

from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.jobs import bringing_back
from s2mask_qgis.jobs.downloading import DELETED, STATE, UNFINISHED
from s2mask_qgis.jobs.kept_entries import read_entries
from s2mask_qgis.jobs.metadata_json import ImageMetadata
from s2mask_qgis.jobs.moving import METADATA, RECORD, connected, delete, move_out, standing
from s2mask_qgis.jobs.moving_request import EXTERNAL, MODES, BringBackRequest, MoveRequest
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import Throttle
from tests.google.drive_stand_in import DriveStandIn, EarthEngineStandIn, StandIn, StorageStandIn

from ..beside import WallClock
from ..killing import lived
from ..moving import (
    DRIVE_FOLDER,
    DRIVE_HOST,
    EARTH_HOST,
    GRID,
    SOURCE,
    Elsewhere,
    MovingService,
    MovingWorld,
    ServiceStandIn,
    collection,
    elsewhere,
    geotiff,
    name_of,
    pixels,
    routed,
)
from ..running import connection
from ..service import PROJECT

PART_PX = 32
"""Each image comes in four parts."""
NODATA = 255.0
THROTTLE = Throttle(nb_task_max=8, refresh_seconds=0.05)
LONGEST_SESSION_S = 120.0
MOVE_LIVES_S, RETURN_LIVES_S = (0.15, 0.8), (0.06, 0.3)
"""Half of the lives are drawn evenly up to the first, half up to the second."""
TARGET, BUCKET = "projects/p/assets/back/masks", "a-bucket"
STORAGE_HOST = "storage.googleapis.com"


@dataclass(frozen=True)
class KilledMoves:
    """What came of a campaign; ``phases`` counts what the kills fell into, ``deleted_too_early`` assets that were gone
    while their file was not here as it should be."""

    kills: int
    moves: int
    images: int
    lost: int
    twice: int
    wrong: int
    deleted_too_early: int
    phases: dict[str, int]
    broken: tuple[str, ...]


@dataclass
class _Count:
    """The figures while they grow."""

    kills: int = 0
    runs: int = 0
    lost: int = 0
    twice: int = 0
    wrong: int = 0
    too_early: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def result(self, images: int) -> KilledMoves:
        """The figures as they are told."""
        named = {"lost": self.lost, "twice": self.twice, "wrong": self.wrong, "deleted too early": self.too_early}
        broken = (*self.broken, *(f"{count} {name}" for name, count in named.items() if count))
        return KilledMoves(
            self.kills, self.runs, images, self.lost, self.twice, self.wrong, self.too_early, dict(self.phases), broken
        )


def moves(folder: Path, count: int, images: int, seed: int = 0) -> KilledMoves:
    """So many kills over as many moves as that takes: export, download, and deletion of all that came."""
    found = _Count()
    lives = _lives_s(found, count, MOVE_LIVES_S, seed)
    while found.kills < count:
        here = folder / f"move-{found.runs}"
        here.mkdir()
        with elsewhere(partial(_moving_world, images)) as there:
            work = partial(_move, there.urls, here)
            _killed(work, here, lives, found, partial(_inspect_move, here, there, images, found))
            _end_of_move(here, there, images, found)
        found.runs += 1
    return found.result(images)


def returns(folder: Path, count: int, images: int, seed: int = 0) -> KilledMoves:
    """The same of bringing images back, copied into the store and left in the bucket in turns."""
    found = _Count()
    lives = _lives_s(found, count, RETURN_LIVES_S, seed)
    while found.kills < count:
        mode = MODES[found.runs % len(MODES)]
        here = folder / f"return-{found.runs}"
        here.mkdir()
        _write_images(here, images)
        with elsewhere(_return_world) as there:
            work = partial(_return, there.urls, here, mode)
            _killed(work, here, lives, found, partial(_inspect_return, here, images, found))
            _end_of_return(there, images, mode, found)
        found.runs += 1
    return found.result(images)


def _lives_s(found: _Count, count: int, longest_s: tuple[float, float], seed: int) -> Iterator[float]:
    """How long sessions live: a random time up to so many kills, then as long as they need."""
    draw = random.Random(seed)
    for number in itertools.count():
        yield draw.uniform(0.0, longest_s[number % 2]) if found.kills < count else LONGEST_SESSION_S


def _killed(
    work: Callable[[], str], here: Path, lives_s: Iterator[float], found: _Count, inspect: Callable[[], None]
) -> None:
    """Sessions of one move, each killed at the end of its life, until one comes to its own end."""
    for life_s in lives_s:
        code = lived(work, _note_of(here), life_s)
        if code is not None:
            found.broken += [f"a session ended with {code}: {_note(here)}"] if code else []
            return
        found.kills += 1
        inspect()
        if life_s == LONGEST_SESSION_S:
            found.broken.append(f"a session did not end within {LONGEST_SESSION_S:.0f} s")
            return


def _note_of(here: Path) -> Path:
    return here.with_suffix(".txt")


def _note(here: Path) -> str:
    return _note_of(here).read_text()[-500:] if _note_of(here).exists() else ""


# Out


def _moving_world(images: int) -> MovingWorld:
    files = DriveStandIn()
    service = MovingService(WallClock(), collection(images), files, PART_PX)
    return MovingWorld(service, files, {EARTH_HOST: ServiceStandIn(service), DRIVE_HOST: files})


def _move(urls: dict[str, str], here: Path) -> str:
    """One session: the deletion of what came before, the move, and the deletion of all; "" where all finished."""
    orders = Orders()
    interrupt = Interrupt(orders)
    services = connected(connection(routed(urls)), interrupt, PROJECT)
    request = MoveRequest(PROJECT, SOURCE, DRIVE_FOLDER, here, THROTTLE)
    delete(here, services, standing(here).deletable, orders, lambda progress: None)
    report = move_out(request, services, orders, interrupt, lambda progress: None)
    if report.state is RunState.FINISHED:
        report = delete(here, services, report.deletable, orders, lambda progress: None)
    return "" if report.state is RunState.FINISHED else f"{report.state.value}: {report.message} {report.failed}"


def _inspect_move(here: Path, there: Elsewhere, images: int, found: _Count) -> None:
    """After a kill: what is on disk can be read, and what is gone at the service is here."""
    try:
        record, metadata = read_entries(here / RECORD), read_entries(here / METADATA)
    except EngineError as error:
        found.broken.append(f"after a kill: {error}")
        return
    for ledger in here.glob("move-*.gpkg"):
        found.broken += _of_ledger(ledger)
    left = set(there.ask(_left))
    gone = [number for number in range(images) if f"{SOURCE}/{name_of(number)}" not in left]
    found.too_early += sum(not _is_right(here, number) for number in gone)
    deleted = sum(entry.get(STATE) == DELETED for entry in record.values())
    found.phases[_phase_of_move(here, len(metadata), len(record), deleted, images)] += 1


def _of_ledger(path: Path) -> list[str]:
    """What is wrong with a ledger that no process has open."""
    try:
        with closing(sqlite3.connect(path)) as connected_to:
            (checked,) = connected_to.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        return [f"a ledger cannot be read: {error}"]
    return [] if checked == "ok" else [f"a ledger is damaged: {checked[:200]}"]


def _phase_of_move(here: Path, exported: int, came: int, deleted: int, images: int) -> str:
    if not list(here.glob("move-*.gpkg")):
        return "before there was a ledger"
    if came and deleted in range(1, came):
        return "while assets were deleted"
    if came < images and (came or (here / UNFINISHED).exists()):
        return "while files came"
    return "while images were exported" if exported < images else "between two of these"


def _is_right(here: Path, number: int) -> bool:
    """Whether an image is here with its pixels, its nodata and its properties."""
    file = here / f"{name_of(number)}.tif"
    if not file.is_file():
        return False
    dataset, expected = gdal.Open(str(file)), pixels(number)
    is_same = np.array_equal(dataset.ReadAsArray(), expected.filled(int(NODATA)))
    has_nodata = dataset.GetRasterBand(1).GetNoDataValue() == NODATA
    return is_same and has_nodata and dataset.GetMetadataItem("s2mask_key") == f"key {number}"


def _left(world: MovingWorld) -> list[str]:
    return world.service.left()


def _twice(world: MovingWorld) -> int:
    """Exports that were started, made, or put into Drive more often than once."""
    service, files = world.service, Counter(entry["name"] for entry in world.files.entries)
    again = sum(count - 1 for count in (*service.made.values(), *files.values()))
    return len(service.problems) + again + max(0, service.started_count - len(service.images))


def _end_of_move(here: Path, there: Elsewhere, images: int, found: _Count) -> None:
    record, metadata = read_entries(here / RECORD), read_entries(here / METADATA)
    for number in range(images):
        path, is_here = f"{SOURCE}/{name_of(number)}", (here / f"{name_of(number)}.tif").is_file()
        found.lost += not (is_here and path in metadata and record.get(path, {}).get(STATE) == DELETED)
        found.wrong += is_here and not _is_right(here, number)
        found.wrong += metadata.get(path, {}).get("properties", {}).get("s2mask:key") != f"key {number}"
    left = there.ask(_left)
    found.broken += [f"{len(left)} assets are left"] if left else []
    beside = [path.name for path in here.iterdir() if path.suffix not in (".tif", ".json", ".gpkg")]
    found.broken += [f"left behind: {', '.join(beside)}"] if beside else []
    found.twice += there.ask(_twice)


# And back


@dataclass
class ReturnWorld:
    """The stand-ins of Earth Engine's imports and of Cloud Storage."""

    earth: EarthEngineStandIn
    bucket: StorageStandIn
    servers: dict[str, StandIn]


def _return_world() -> ReturnWorld:
    earth, bucket = EarthEngineStandIn(), StorageStandIn()
    earth.looks = 2
    return ReturnWorld(earth, bucket, {EARTH_HOST: earth, STORAGE_HOST: bucket})


def _write_images(here: Path, images: int) -> None:
    """GeoTIFFs and their metadata, as a move leaves them."""
    entries = {}
    for number in range(images):
        content = geotiff({"mask": pixels(number).filled(int(NODATA))}, GRID, (0, 0), NODATA)
        (here / f"{name_of(number)}.tif").write_bytes(content)
        path = f"{SOURCE}/{name_of(number)}"
        entries[path] = ImageMetadata(path, None, 1000 * number, None, {"key": number}, nodata=NODATA).to_json()
    (here / METADATA).write_text(json.dumps(entries))


def _return(urls: dict[str, str], here: Path, mode: str) -> str:
    """One session; "" where it finished."""
    orders = Orders()
    request = BringBackRequest("p", here, here / METADATA, TARGET, BUCKET, "", mode, "MODE", 4, 0.02)
    services = bringing_back.connected(connection(routed(urls)), request, orders.is_stopped)
    report = bringing_back.bring_back(request, services, orders, lambda progress: None)
    return "" if report.state is RunState.FINISHED else f"{report.state.value}: {report.message} {report.failed}"


def _inspect_return(here: Path, images: int, found: _Count) -> None:
    try:
        record = read_entries(here / bringing_back.RECORD)
    except EngineError as error:
        found.broken.append(f"after a kill: {error}")
        return
    found.phases[_phase_of_return(Counter(entry.get(STATE) for entry in record.values()), images)] += 1


def _phase_of_return(states: Counter[object], images: int) -> str:
    if not states:
        return "before the first import"
    if states[bringing_back.SENDING]:
        return "while an import was asked for"
    if states[bringing_back.IMPORTING]:
        return "while imports were under way"
    return "at the end" if states[bringing_back.THERE] == images else "between imports"


def _end_of_return(there: Elsewhere, images: int, mode: str, found: _Count) -> None:
    assets, objects, imported, started = there.ask(_returned)
    for number in range(images):
        asset = assets.get(f"{TARGET}/{name_of(number)}")
        found.lost += asset is None
        found.wrong += asset is not None and asset.get("properties") != {"key": number}
        found.wrong += asset is not None and not _is_stored(objects, asset, number)
    found.twice += sum(count - 1 for count in imported.values())
    found.twice += 0 if mode == EXTERNAL else max(0, started - images)


def _returned(world: ReturnWorld) -> tuple[dict[str, dict], dict[str, bytes], Counter[str], int]:
    return world.earth.assets, world.bucket.objects, Counter(world.earth.imported), len(world.earth.requests)


def _is_stored(objects: dict[str, bytes], asset: dict, number: int) -> bool:
    """Whether the object that an asset was made of has the pixels of its image."""
    (uri,) = asset["tilesets"][0]["sources"][0]["uris"]
    path = "/vsimem/object.tif"
    gdal.FileFromMemBuffer(path, objects.get(uri.removeprefix("gs://"), b""))
    try:
        dataset = gdal.Open(path)
        return dataset is not None and np.array_equal(dataset.ReadAsArray(), pixels(number).filled(int(NODATA)))
    finally:
        gdal.Unlink(path)
