"""The series job: dated rasters of a folder become filled values, their support, and maps of productivity."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.fields import ParameterError
from ..core.filling.blas import one_thread
from ..engines.errors import CancelledError, EngineError, SceneError, StorageError
from ..engines.local.library.locks import Held
from ..series.area_mask import AreaMask, cut
from ..series.folder import Series, find_series, images_folder
from ..series.memory import small_cache
from ..series.paths import rasters_in
from ..series.writing import PARTIAL
from .outputs import check_writable
from .report import RunState
from .series_days import days_asked
from .series_job import SeriesJob
from .series_progress import IsCancelled, OnCount, SeriesProgress
from .series_report import SeriesReport
from .series_request import SeriesRequest
from .series_words import broken_off, message

LOCK = ".s2mask.lock"
"""File in the output folder that a job holds while it writes there."""

_CANCELLED = "Cancelled. Nothing unfinished is left."


def run_series(request: SeriesRequest, on_count: OnCount, is_cancelled: IsCancelled) -> SeriesReport:
    """Carry out a request; called on a thread of its own, from which ``on_count(done, total)`` tells how far it is.

    A request that cannot be carried out gives a report that says why (REFUSED). Files appear whole or not at all; those
    that an earlier run made from the same inputs and parameters are kept. Files that cannot be read are left out with
    a note (FINISHED_WITH_FAILURES).
    """
    try:
        _check(request)
        with _alone_in(request.output_folder), small_cache(), one_thread():
            return _carry_out(request, on_count, is_cancelled)
    except CancelledError:
        return SeriesReport(RunState.CANCELLED, _CANCELLED)
    except (EngineError, ParameterError) as error:
        return SeriesReport(RunState.REFUSED, str(error))


def _carry_out(request: SeriesRequest, on_count: OnCount, is_cancelled: IsCancelled) -> SeriesReport:
    """The job in a folder that nobody else writes to."""
    wanted = _wanted(request, is_cancelled)
    job = SeriesJob(request, len(wanted), SeriesProgress(len(wanted), on_count, is_cancelled))
    try:
        for series in wanted:
            job.add(series)
    except CancelledError:
        return SeriesReport(RunState.CANCELLED, f"{_CANCELLED} {_left(job)}".rstrip())
    except StorageError as error:
        return SeriesReport(RunState.REFUSED, f"{error} {_left(job)}".rstrip())
    return _report(job)


def _left(job: SeriesJob) -> str:
    return broken_off(*job.record_what_is_complete())


def _report(job: SeriesJob) -> SeriesReport:
    """What came of everything. SceneError where no series could be filled."""
    if not job.begun:
        raise SceneError(" ".join(job.notes))
    plan, notes = job.record()
    has_failures = any(note.startswith("Left out") for note in notes)
    outputs = tuple(planned.output for begun in job.begun for planned in begun.files)
    kept = sum(begun.kept for begun in job.begun)
    return SeriesReport(
        RunState.FINISHED_WITH_FAILURES if has_failures else RunState.FINISHED,
        message([begun.recipe for begun in job.begun], kept, [output.path for output in outputs]),
        outputs,
        notes,
        plan,
    )


def _check(request: SeriesRequest) -> None:
    """SceneError or StorageError where the folders or days cannot be used."""
    out = request.output_folder.resolve()
    images = images_folder(request.ndvi_folder)
    for what, folder in (("images", images), ("masks", request.masks_folder)):
        if folder is not None and folder.resolve() == out:
            raise SceneError(f"The output folder {request.output_folder} is the folder of the {what}; choose another.")
    if images.resolve() in out.parents and not rasters_in(images):
        raise SceneError(
            f"The output folder {request.output_folder} lies among the sub-folders of the images; choose another."
        )
    days_asked(request)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make the output folder and hold it for the block; what a killed job left unfinished in it is removed.

    StorageError where it cannot be written or another job writes to it.
    """
    try:
        lock = Held.take(folder / LOCK)
    except OSError as error:
        raise StorageError(
            f"The output folder {folder} cannot be written ({error.strerror}); choose another."
        ) from None
    if lock is None:
        raise StorageError(f"Another job is writing to {folder}. Wait until it has ended, or choose another folder.")
    try:
        check_writable(folder)
        shutil.rmtree(folder / PARTIAL, ignore_errors=True)
        yield
    finally:
        lock.release()


def _wanted(request: SeriesRequest, is_cancelled: IsCancelled) -> list[Series]:
    """The series of the folder that meet the area, cut to it. SceneError where none does, CancelledError."""
    found = find_series(request.ndvi_folder, request.masks_folder)
    if is_cancelled():
        raise CancelledError("Stopped on request.")
    if request.area is None:
        return list(found)
    parts = [cut(series, AreaMask(request.area, series.grid.crs)) for series in found]
    wanted = [part for part in parts if part is not None]
    if not wanted:
        raise SceneError(f"The area does not meet the images in {request.ndvi_folder}. Choose another area or folder.")
    return wanted
