"""Images from a folder of Drive to this computer: every byte checked, parts merged, each image whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engines.errors import (
    BadRequestError,
    NotFoundError,
    QuotaError,
    SceneError,
    SignInError,
    StorageError,
    TransientError,
)
from ..google.drive import Drive, DriveFile
from ..google.storage import md5_of
from .file_download import fetch_file, storage_error
from .kept_entries import KeptEntries
from .metadata_json import ImageMetadata
from .moving_request import MoveProgress, MoveStage
from .shards import SUFFIX, by_image, merge, newest_set

UNFINISHED = ".downloads"
SPARE_BYTES = 256 * 1024**2
"""Room that has to stay on the disk."""
MOST_BROKEN = 2
"""So many images in a row that the connection failed for end a download."""
STATE, FILE, SIZE, MD5 = "state", "file", "size", "md5"
HERE, DELETED = "here", "deleted"

OnProgress = Callable[[MoveProgress], None]


@dataclass(frozen=True)
class Wanted:
    """An image to download: its ``key`` in the record of the move, the name of its files, what is known of it."""

    key: str
    name: str
    metadata: ImageMetadata | None = None


@dataclass(frozen=True)
class Downloaded:
    """What came of a download: the number of images that are here now, those that are not, and why it ended early.

    ``lost`` are the keys of those whose files in Drive will never make an image.
    """

    here: int
    failed: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""


def find_files(drive: Drive, folder: str) -> dict[str, list[DriveFile]]:
    """The GeoTIFFs in all folders of a name, by the name of their image. NotFoundError where there is none."""
    folders = drive.folders(folder)
    if not folders:
        raise NotFoundError(f"There is no folder “{folder}” in Google Drive. Write its name as it is there.")
    return by_image(file for one in folders for file in drive.files(one))


def download_images(
    drive: Drive,
    listed: Mapping[str, list[DriveFile]],
    wanted: Iterable[Wanted],
    folder: Path,
    record: KeptEntries,
    on_progress: OnProgress,
) -> Downloaded:
    """Download the images that are not here yet; ``record`` keeps the size and the MD5 of each file that is.

    An image that fails is told and left out; what is wrong with the account, the disk or the connection ends the
    download. What came of an unfinished image is kept, a later download goes on with it. Raises StorageError where
    they do not fit on the disk, CancelledError.
    """
    images = list(wanted)
    missing = [image for image in images if not is_here(folder, record.get(image.key))]
    unneeded = {image.name for image in images} - {image.name for image in missing}
    here, broken, problem = len(images) - len(missing), 0, ""
    failed: list[tuple[str, str]] = []
    notes: list[str] = []
    lost: list[str] = []
    with _telling(folder):
        _sweep(folder, [file for name in unneeded for file in listed.get(name, ())])
        _require_room(folder, [file for image in missing for file in listed.get(image.name, ())])
        for image in missing:
            on_progress(MoveProgress(MoveStage.DOWNLOADING, here, len(images), len(failed), hint=image.name))
            try:
                notes += _download(drive, listed.get(image.name, []), image, folder, record)
                here, broken = here + 1, 0
            except (SignInError, QuotaError, StorageError) as error:
                problem = str(error)
            except (BadRequestError, SceneError, TransientError) as error:
                failed.append((image.name, str(error)))
                lost += [] if isinstance(error, TransientError) else [image.key]
                broken = broken + 1 if isinstance(error, TransientError) else 0
                problem = str(error) if broken >= MOST_BROKEN else ""
            if problem:
                break
        else:
            with suppress(OSError):  # something unfinished lies in it
                (folder / UNFINISHED).rmdir()
    on_progress(MoveProgress(MoveStage.DOWNLOADING, here, len(images), len(failed)))
    return Downloaded(here, tuple(failed), tuple(lost), tuple(notes), problem)


def is_here(folder: Path, entry: Mapping[str, Any]) -> bool:
    """True where a file lies here with the length that its entry tells; cheap, for thousands of them."""
    if entry.get(STATE) not in (HERE, DELETED):
        return False
    try:
        return (folder / str(entry[FILE])).stat().st_size == entry[SIZE]
    except (OSError, KeyError):
        return False


def is_same(folder: Path, entry: Mapping[str, Any], check: Callable[[], None] = lambda: None) -> bool:
    """True where a file lies here byte for byte as it was verified."""
    if not is_here(folder, entry):
        return False
    with suppress(StorageError):
        return md5_of(folder / str(entry[FILE]), check) == entry.get(MD5)
    return False


def _download(
    drive: Drive, files: list[DriveFile], image: Wanted, folder: Path, record: KeptEntries
) -> tuple[str, ...]:
    """One image; notes on what else lies in Drive under its name."""
    if not files:
        raise BadRequestError(f"{image.name} is not in the folder of Google Drive. Export it again.")
    parts = newest_set(image.name, files)
    places = [(corner, folder / UNFINISHED / place_of(file)) for corner, file in parts.files]
    for (_, file), (_, place) in zip(parts.files, places):
        fetch_file(drive, file, place, _nothing)
    target = folder / f"{image.name}{SUFFIX}"
    known = image.metadata
    try:
        items, nodata = (known.items(), known.nodata) if known else ({}, None)
        merge(places, target, None, items, nodata, drive.session.check)
    except SceneError:
        for _, place in places:  # as they are they never will be of use
            place.unlink(missing_ok=True)
        raise
    digest = md5_of(target, drive.session.check)
    state = record.get(image.key).get(STATE, HERE)  # what is deleted at Earth Engine stays so
    record.add(image.key, {STATE: state, FILE: target.name, SIZE: target.stat().st_size, MD5: digest})
    for _, place in places:
        place.unlink(missing_ok=True)
    return parts.notes


def place_of(file: DriveFile) -> str:
    """Where the beginning of a file is kept: an id stands for one file for ever, and a checksum for its bytes."""
    safe = "".join(char if char.isalnum() or char in "-_" else "_" for char in file.id)
    return f"{safe}-{(file.md5 or '')[:8]}{SUFFIX}"


def _sweep(folder: Path, files: Iterable[DriveFile]) -> None:
    """Remove files that an earlier process, killed right after their image was made, did not come to remove."""
    unfinished = folder / UNFINISHED
    left = {path.name for path in unfinished.iterdir()} if unfinished.exists() else set()
    for name in left & {place_of(file) for file in files}:
        (unfinished / name).unlink(missing_ok=True)


def _require_room(folder: Path, files: Iterable[DriveFile]) -> None:
    """StorageError where the disk cannot take the files."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / UNFINISHED
    kept = sum(path.stat().st_size for path in unfinished.glob("*")) if unfinished.exists() else 0
    wanted = sum(file.size_bytes or 0 for file in files) - kept + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise StorageError(
            f"The images need {wanted / 1e9:.1f} GB, and {folder} has room for {free / 1e9:.1f} GB. Make room, or "
            "choose another folder."
        )


def _nothing(_count: int) -> None:
    """Nobody counts the bytes."""


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(folder, error) from error
