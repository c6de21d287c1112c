"""A collection moved out of Earth Engine: exported to Drive, downloaded, verified and, if wished, deleted there."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.models.model import checksum
from ..engines.asset_names import asset_name
from ..engines.base import Engine
from ..engines.errors import BadRequestError, CancelledError, EngineError, QuotaError, SignInError, StorageError
from ..google.account import Connection
from ..google.assets import Assets
from ..google.drive import Drive
from ..google.drive_user import drive_user
from ..google.urls import Urls
from ..paths import version
from ..web.session import Session
from .downloading import DELETED, STATE, Downloaded, Wanted, download_images, find_files, is_here, is_same
from .kept_entries import KeptEntries, open_entries, read_entries
from .ledger.ledger import Ledger
from .ledger.rows import RowState, RunHeader
from .metadata_json import FILE as METADATA
from .metadata_json import ImageMetadata, shown_path
from .moving_recipe import MovingRecipe
from .moving_request import DownloadRequest, MoveProgress, MoveReport, MoveRequest, MoveStage
from .opening import Interrupt
from .orders import Orders
from .outputs import check_writable
from .report import ImageOutcome, Progress, RunState, Stage
from .runner import Ended, Work, carry_out

RECORD = "moved.json"
"""Tells of every image that came: its file with length and MD5, and whether its asset was deleted."""

OnProgress = Callable[[MoveProgress], None]


@dataclass(frozen=True)
class Services:
    """What a move talks to; a test brings its own."""

    assets: Assets
    drive: Drive
    engine: Callable[[MoveRequest], Engine]


def connected(connection: Connection, interrupt: Callable[[], bool], project: str) -> Services:
    """Google's services by an account; the calls are charged to ``project``, where the APIs have to be enabled."""

    def engine(request: MoveRequest) -> Engine:
        from ..engines.earth_engine.engine import EarthEngine, Places

        places = Places(request.project, "drive", "", request.drive_folder, request.folder)
        return EarthEngine(connection, places, interrupt)

    session = Session(connection.authorized(interrupt, project), interrupt)
    return Services(Assets.over(session), Drive.over(session), engine)


def move_out(
    request: MoveRequest, services: Services, orders: Orders, interrupt: Interrupt, on_progress: OnProgress
) -> MoveReport:
    """Export what is not in the metadata yet, then download what is not here yet; deletes nothing.

    Called on a thread of its own. It goes on where an earlier call ended, however that was. A move that cannot be
    begun is REFUSED with a sentence; one that an order or an obstacle ends is PAUSED or CANCELLED, what is done stays.
    """
    try:
        check_writable(request.folder)
        with open_entries(request.folder / METADATA) as metadata:
            report = _exported(request, services, metadata, orders, interrupt, on_progress)
            if report.state not in (RunState.FINISHED, RunState.FINISHED_WITH_FAILURES):
                return report
            source = shown_path(source_name(request))
            found, report = _brought(
                request.drive_folder, request.folder, services.drive, metadata, report, on_progress, source
            )
            return replace(report, notes=(*report.notes, *_take_back(request, metadata, found.lost)))
    except CancelledError:
        return _stopped(request.folder, orders)
    except EngineError as error:
        return MoveReport(RunState.REFUSED, str(error))


def download(request: DownloadRequest, drive: Drive, orders: Orders, on_progress: OnProgress) -> MoveReport:
    """Download the GeoTIFFs of a folder of Drive, with what metadata.json in the folder knows of them, where there is
    one; see :func:`move_out` for how it ends."""
    try:
        check_writable(request.folder)
        with open_entries(request.folder / METADATA) as metadata:
            begun = MoveReport(RunState.FINISHED, "")
            return _brought(request.drive_folder, request.folder, drive, metadata, begun, on_progress)[1]
    except CancelledError:
        return _stopped(request.folder, orders)
    except EngineError as error:
        return MoveReport(RunState.REFUSED, str(error))


def deletable(folder: Path) -> tuple[str, ...]:
    """The paths of the assets whose files are here as they were verified, by their lengths, and that still exist as
    far as is known. What :func:`delete` deletes."""
    record, metadata = read_entries(folder / RECORD), read_entries(folder / METADATA)
    return tuple(
        path
        for path, entry in record.items()
        if path in metadata and entry.get(STATE) != DELETED and is_here(folder, entry)
    )


def standing(folder: Path) -> MoveReport:
    """How far the moves into a folder are, without asking anybody."""
    return MoveReport(RunState.FINISHED, "", **_counts(folder))


def delete(
    folder: Path, services: Services, confirmed_count: int, orders: Orders, on_progress: OnProgress
) -> MoveReport:
    """Delete the assets of :func:`deletable`; ``confirmed_count`` is the number that the user has agreed to.

    Each file is compared with its MD5 once more before its asset goes. What is deleted is written down at once, so
    that an interrupted deletion goes on. REFUSED, with nothing deleted, where the number is another one by now.
    """
    try:
        with open_entries(folder / RECORD) as record:
            paths = deletable(folder)
            if confirmed_count != len(paths):
                raise BadRequestError(
                    f"{len(paths):,} images can be deleted, not {confirmed_count:,}. Nothing was deleted; look at the "
                    "new number and confirm it."
                )
            return _delete(folder, services.assets, record, paths, on_progress)
    except CancelledError:
        return _stopped(folder, orders)
    except EngineError as error:
        return MoveReport(RunState.REFUSED, str(error), **_counts(folder))


def source_name(request: MoveRequest) -> str:
    """The name of the folder or collection that is moved."""
    return asset_name(request.source.strip().strip("/"))


def _exported(
    request: MoveRequest,
    services: Services,
    metadata: KeptEntries,
    orders: Orders,
    interrupt: Interrupt,
    on_progress: OnProgress,
) -> MoveReport:
    """Everything exported to Drive that the metadata do not list; the throttle and ledger are those of all runs."""
    source = source_name(request)
    on_progress(MoveProgress(MoveStage.LISTING, 0, 0))
    with closing(services.engine(request)) as engine, _opened(request) as ledger:
        if ledger.is_read_only:
            raise StorageError(ledger.holder)
        problem = drive_problem(services, source, metadata)
        if problem:
            raise QuotaError(problem)
        ledger.retry()
        recipe = MovingRecipe(services.assets, source, request.drive_folder, metadata, ledger)
        told = _told(on_progress)
        ended = carry_out(Work(engine, ledger, recipe, request.throttle, orders, interrupt, told, _nothing))
        return _export_report(ended, ledger, len(metadata))


def _export_report(ended: Ended, ledger: Ledger, exported: int) -> MoveReport:
    failed = tuple((row.index, row.reason) for row in ledger.images({RowState.FAILED}))
    state = RunState.FINISHED_WITH_FAILURES if failed and ended.state is RunState.FINISHED else ended.state
    return MoveReport(state, ended.message, exported=exported, failed=failed)


@contextmanager
def _opened(request: MoveRequest) -> Iterator[Ledger]:
    """The ledger of a move: one for each source and folder of Drive."""
    key = checksum(["move", request.project, request.source, request.drive_folder])
    path = request.folder / f"move-{key[:8]}.gpkg"
    header = RunHeader(key, request.to_json(), {}, version(), time.time())
    with closing(Ledger.open(path) if path.exists() else Ledger.create(path, header)) as ledger:
        if not ledger.is_read_only:
            ledger.set_header(replace(ledger.header, request=request.to_json(), version=version()))
        yield ledger


def _brought(
    drive_folder: str,
    folder: Path,
    drive: Drive,
    metadata: KeptEntries,
    before: MoveReport,
    on_progress: OnProgress,
    source: str = "",
) -> tuple[Downloaded, MoveReport]:
    """The download after the export: what the metadata list of ``source``; without one, all that lies in Drive."""
    on_progress(MoveProgress(MoveStage.LOOKING, 0, 0))
    listed = find_files(drive, drive_folder)
    wanted = _wanted(metadata, source)
    if not source:
        known = {image.name for image in wanted}
        wanted = [image for image in wanted if image.name in listed]
        wanted += [Wanted(name, name) for name in listed if name not in known]
    with open_entries(folder / RECORD) as record:
        found = download_images(drive, listed, wanted, folder, record, on_progress)
    return found, _download_report(before, found, len(wanted), folder)


def _take_back(request: MoveRequest, metadata: KeptEntries, lost: tuple[str, ...]) -> tuple[str, ...]:
    """Have images exported anew by the next move, whose files in Drive will never make one; a note on them."""
    with _opened(request) as ledger, ledger.batch():
        for path in lost:
            index = ImageMetadata.from_json(path, metadata.get(path)).name
            for row in ledger.exports(index):
                if row.state is RowState.DONE:
                    ledger.end_export(row.request_id, RowState.FAILED, "Its files in Drive are not whole.")
            ledger.mark([index], RowState.WAITING)
    for path in lost:
        metadata.remove(path)
    told = f"{len(lost):,} image{'' if len(lost) == 1 else 's'}"
    return (f"Move again to export {told} anew.",) if lost else ()


def _wanted(metadata: KeptEntries, source: str) -> list[Wanted]:
    """What the metadata list of a folder or collection, of all where that is ""."""
    found = [ImageMetadata.from_json(path, entry) for path, entry in metadata.items()]
    below = f"{source}/" if source else ""
    return [Wanted(one.path, one.name, one) for one in found if one.path.startswith(below)]


def _download_report(before: MoveReport, found: Downloaded, wanted: int, folder: Path) -> MoveReport:
    failed = (*before.failed, *found.failed)
    counts = _counts(folder) | {"exported": before.exported}
    if found.problem:
        message = f"Paused: {found.problem} What came is kept; start again to go on."
        return MoveReport(RunState.PAUSED, message, failed=failed, notes=found.notes, **counts)
    parts = [f"{found.here:,} of {wanted:,} images are on this computer"]
    parts += [f"{len(failed):,} failed"] if failed else []
    state = RunState.FINISHED_WITH_FAILURES if failed else RunState.FINISHED
    return MoveReport(state, ", ".join(parts) + ".", failed=failed, notes=found.notes, **counts)


def _delete(
    folder: Path, assets: Assets, record: KeptEntries, paths: tuple[str, ...], on_progress: OnProgress
) -> MoveReport:
    failed: list[tuple[str, str]] = []
    problem = ""
    for number, path in enumerate(paths):
        on_progress(MoveProgress(MoveStage.DELETING, number - len(failed), len(paths), len(failed), hint=path))
        assets.service.session.check()
        try:
            if not is_same(folder, record.get(path), assets.service.session.check):
                raise BadRequestError("The file is not as it was verified; the asset stays. Download it again.")
            assets.delete(asset_name(path))
            record.add(path, {**record.get(path), STATE: DELETED})
        except (SignInError, QuotaError, StorageError) as error:
            problem = str(error)
            break
        except CancelledError:
            raise
        except EngineError as error:
            failed.append((path, str(error)))
    on_progress(MoveProgress(MoveStage.DELETING, len(paths) - len(failed), len(paths), len(failed)))
    counts = _counts(folder)
    if problem:
        return MoveReport(RunState.PAUSED, f"Paused: {problem} Start again to go on.", failed=tuple(failed), **counts)
    gone = len(paths) - len(failed)
    message = f"{gone:,} asset{'' if gone == 1 else 's'} deleted" + (f", {len(failed):,} failed." if failed else ".")
    state = RunState.FINISHED_WITH_FAILURES if failed else RunState.FINISHED
    return MoveReport(state, message, failed=tuple(failed), **counts)


def drive_problem(services: Services, source: str, metadata: Container[str] = ()) -> str:
    """Why the images of a folder or collection that the metadata do not list do not fit into Drive, with the numbers;
    empty where they do. What assets have stands for what their files will have."""
    images = services.assets.images(asset_name(source))
    needed = sum(image.size_bytes for image in images if shown_path(image.name) not in metadata)
    free = drive_user(services.drive.session, Urls(drive=services.drive.service.url)).free_bytes
    if free is None or needed <= free:
        return ""
    return (
        f"The images have {needed / 1e9:.1f} GB, and Google Drive has room for {free / 1e9:.1f} GB. Move parts of "
        "them, or make room there."
    )


def _counts(folder: Path) -> dict[str, Any]:
    record = read_entries(folder / RECORD)
    deleted = sum(entry.get(STATE) == DELETED for entry in record.values())
    here = sum(is_here(folder, entry) for entry in record.values())
    exported = len(read_entries(folder / METADATA))
    return {"exported": exported, "here": here, "deleted": deleted, "deletable": len(deletable(folder))}


def _stopped(folder: Path, orders: Orders) -> MoveReport:
    state = RunState.PAUSED if orders.is_paused else RunState.CANCELLED
    return MoveReport(state, "Stopped. What is done is kept; start again to go on.", **_counts(folder))


def _told(on_progress: OnProgress) -> Callable[[Progress], None]:
    """Progress of a run as that of a move."""

    def tell(progress: Progress) -> None:
        stage = MoveStage.EXPORTING if progress.stage is Stage.MASKING else MoveStage.LISTING
        on_progress(MoveProgress(stage, progress.done, progress.total, progress.failed, progress.active, progress.hint))

    return tell


def _nothing(_outcome: ImageOutcome) -> None:
    """The recipe has written down what came of an image."""
