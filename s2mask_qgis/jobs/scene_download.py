"""Scenes from a catalogue into the scenes folder: those that are missing, each of them whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..catalogues.base import Catalogue, CountCallback
from ..catalogues.copernicus import Copernicus
from ..catalogues.google_bucket import GoogleBucket
from ..catalogues.products import Offer, ProductName, is_there, parse_name
from ..catalogues.tokens import Account, SignIn
from ..engines.errors import BadRequestError, QuotaError, SignInError, StorageError, TransientError
from ..engines.local.library.locks import Held
from ..engines.local.library.sources import find_products
from ..web.session import Session
from ..web.transport import Fetch
from .file_download import OnBytes, fetch_file, storage_error
from .scene_request import GOOGLE, DownloadReport, FoundScene, Wish

DOWNLOADS = ".downloads"
"""Holds what is not whole yet; looks through the scenes folder pass hidden folders by."""
MEGABYTE = 1_000_000
SPARE_BYTES = 256 * MEGABYTE
"""Room that has to stay on the disk."""
MOST_BROKEN = 2
"""So many products in a row that the connection failed for end a download."""


def open_catalogue(source: str, account: Account | None, fetch: Fetch, is_cancelled: Callable[[], bool]) -> Catalogue:
    """The catalogue of a source (COPERNICUS, GOOGLE) for one task; downloads from Copernicus need the account."""
    session = Session(fetch, is_cancelled)
    if source == GOOGLE:
        return GoogleBucket(session)
    return Copernicus(session, SignIn(account, session) if account is not None else None)


def find(catalogue: Catalogue, wish: Wish, scenes_folder: Path, on_count: CountCallback) -> tuple[FoundScene, ...]:
    """The products that meet a wish, in order of time. Raises what :class:`Catalogue` raises."""
    if wish.end < wish.start:
        raise BadRequestError("The last day lies before the first one. Change the dates.")
    offers = catalogue.search(wish.area, wish.start, wish.end, wish.level, on_count)
    there = names_in(scenes_folder)
    return tuple(FoundScene(offer, is_there(offer.name, there)) for offer in offers)


def names_in(scenes_folder: Path) -> tuple[ProductName, ...]:
    """The products of one tile below a folder, by the names of their folders and zips."""
    products, _problems = find_products(scenes_folder, ()) if scenes_folder.is_dir() else ([], [])
    names = [parse_name(Path(product.name).name.removesuffix(".zip")) for product in products]
    return tuple(name for name in names if name is not None)


def download(
    offers: Sequence[Offer], scenes_folder: Path, catalogue: Catalogue, on_count: CountCallback
) -> DownloadReport:
    """Download the products that the folder lacks; ``on_count`` counts megabytes.

    A product that fails is told and left out; what is wrong with the account, the disk or the connection ends the
    download. What came of an unfinished product is kept, a later download goes on with it. Raises StorageError where
    the products do not fit on the disk or the folder cannot be written, CancelledError.
    """
    there = names_in(scenes_folder)
    missing = [offer for offer in offers if not is_there(offer.name, there)]
    skipped = tuple(offer.name.text for offer in offers if is_there(offer.name, there))
    with _reserved(scenes_folder) as downloads:
        _require_room(missing, downloads)
        done, failed, notes, problem = _Progress(missing, on_count), [], [], ""
        downloaded: list[str] = []
        broken = 0
        for offer in missing:
            try:
                notes += _product(offer, scenes_folder, catalogue, done.add)
                downloaded.append(offer.name.text)
                broken = 0
            except (SignInError, QuotaError) as error:
                problem = str(error)
            except OSError as error:
                problem = str(storage_error(scenes_folder, error))
            except (BadRequestError, TransientError) as error:
                failed.append((offer.name.text, str(error)))
                broken = broken + 1 if isinstance(error, TransientError) else 0
                problem = str(error) if broken >= MOST_BROKEN else ""
            if problem:
                break
            done.reach(offer)
    return DownloadReport(tuple(downloaded), skipped, tuple(failed), problem, tuple(notes))


class _Progress:
    """Counts bytes and tells megabytes; a product counts as its announced size once it is through."""

    def __init__(self, offers: Sequence[Offer], on_count: CountCallback) -> None:
        self._on_count = on_count
        self._total = sum(offer.size_bytes or 0 for offer in offers)
        self._through = self._here = 0
        self._told = -1
        self._tell()

    def add(self, number: int) -> None:
        self._here += number
        self._tell()

    def reach(self, offer: Offer) -> None:
        self._through += offer.size_bytes or 0
        self._here = 0
        self._tell()

    def _tell(self) -> None:
        done = min(self._through + max(self._here, 0), self._total) // MEGABYTE
        if done != self._told:
            self._told = done
            self._on_count(done, -(-self._total // MEGABYTE))


@contextmanager
def _reserved(scenes_folder: Path) -> Iterator[Path]:
    """The folder of what is not whole yet, for this download alone."""
    downloads = scenes_folder / DOWNLOADS
    try:
        held = Held.take(downloads / "lock")
    except OSError as error:
        raise storage_error(scenes_folder, error) from error
    if held is None:
        raise StorageError(f"Another download into {scenes_folder} goes on. Wait for its end.")
    try:
        yield downloads
    except OSError as error:
        raise storage_error(scenes_folder, error) from error
    finally:
        held.release()
        with suppress(OSError):  # something unfinished lies in it
            downloads.rmdir()


def _require_room(offers: Sequence[Offer], downloads: Path) -> None:
    wanted = sum(offer.size_bytes or 0 for offer in offers)
    kept = sum(path.stat().st_size for path in downloads.rglob("*") if path.is_file())
    free = shutil.disk_usage(downloads).free
    if wanted and wanted - kept + SPARE_BYTES > free:
        raise StorageError(
            f"The scenes take {wanted / 1e9:.1f} GB, but {downloads.parent} has room for {free / 1e9:.1f} GB. "
            "Choose fewer scenes or another folder."
        )


def _product(offer: Offer, scenes_folder: Path, catalogue: Catalogue, on_bytes: OnBytes) -> list[str]:
    """Download one product, a folder or a single file, and move it into the scenes folder; returns notes.

    What lies in a folder is brought into ``<name>.partial`` itself, which becomes that folder: paths are long already.
    """
    files = catalogue.files(offer)
    tops = {file.path.parts[0] for file in files}
    if len(tops) != 1:
        raise BadRequestError(f"{offer.name.text} is not one product in the catalogue. Choose others.")
    folder = scenes_folder / DOWNLOADS / f"{offer.name.text}.partial"
    (top,) = tops
    places = {file: folder.joinpath(*file.path.parts[1:] or (top,)) for file in files}
    agreeing = []
    on_bytes(_keep_only(folder, set(places.values())))
    for file, place in places.items():
        agreeing.append(fetch_file(catalogue, file, place, on_bytes))
    (folder / top if folder / top in places.values() else folder).replace(scenes_folder / top)
    shutil.rmtree(folder, ignore_errors=True)
    note = f"{offer.name.text}: the catalogue's checksum is that of another zip; all files in this one are whole."
    return [] if all(agreeing) else [note]


def _keep_only(folder: Path, wanted: set[Path]) -> int:
    """Remove what an earlier listing, or the other source, left of an unfinished product; returns the bytes kept."""
    kept = 0
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path in wanted:
            kept += path.stat().st_size
        else:
            path.unlink()
    return kept
