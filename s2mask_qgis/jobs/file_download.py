"""One file over the network: gone on with where it stopped, checked when it is whole."""

from __future__ import annotations

import errno
import hashlib
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ..engines.errors import StorageError, TransientError
from ..web.ranges import Body
from ..web.session import Session

MOST_DAMAGED = 2
"""A file that arrives damaged so often is given up."""
READ_BYTES = 1024 * 1024
ZIP_SUFFIX = ".zip"


class RemoteFile(Protocol):
    """What is known of a file before it is here; ``md5`` in hexadecimal, None where nobody tells it."""

    @property
    def path(self) -> PurePosixPath:
        """Where it belongs; its last part names it for the user."""

    @property
    def size_bytes(self) -> int | None:
        """Its length, where it is known."""

    @property
    def md5(self) -> str | None:
        """Its checksum."""


class Source(Protocol):
    """Where files come from."""

    @property
    def session(self) -> Session:
        """What its requests are sent by."""

    def open(self, file: Any, offset: int) -> Body:
        """The bytes of one of its files from ``offset`` on, or from its beginning."""


OnBytes = Callable[[int], None]
"""Called with the number of bytes that came, negative where some had to be thrown away."""


def fetch_file(source: Source, file: RemoteFile, target: Path, on_bytes: OnBytes) -> bool:
    """Download a file to ``target``; what lies there already is its beginning.

    Returns False where a zip is whole by its own sums but not by that of its source. Raises TransientError where
    the connection keeps breaking or the file arrives damaged, OSError where it cannot be stored, and what
    :class:`Source` raises.
    """
    failures = damaged = 0
    while True:
        before = _size(target)
        try:
            whole = _go_on(source, file, target, on_bytes)
        except _BrokenError as error:
            failures = 1 if _size(target) > before else failures + 1
            if failures >= source.session.patience.attempts:
                raise TransientError(str(error)) from error
        else:
            agrees = whole and _has_sum(file, target)
            if agrees or (whole and _is_whole_zip(target)):
                return agrees or file.md5 is None
            _throw_away(target, on_bytes)
            failures = damaged = damaged + 1
            if damaged >= MOST_DAMAGED:
                raise TransientError(f"{file.path.name} arrived damaged {damaged} times. Try again later.")
        source.session.pause(failures)


class _BrokenError(TransientError):
    """A connection that broke within a body: what came is kept. One that cannot be made was tried often enough."""


def _go_on(source: Source, file: RemoteFile, target: Path, on_bytes: OnBytes) -> bool:
    """Bring what is missing of a file; whether it has the length that it should have then."""
    have = _size(target)
    if file.size_bytes is not None and have > file.size_bytes:
        _throw_away(target, on_bytes)
        have = 0
    if file.size_bytes == have:
        _write(target, None, source, on_bytes)
        return True
    with closing(source.open(file, have)) as body:
        if body.offset < have:
            _throw_away(target, on_bytes)
        try:
            _write(target, body, source, on_bytes)
        except TransientError as error:
            raise _BrokenError(str(error)) from error
    expected = body.size_bytes if file.size_bytes is None else file.size_bytes
    if expected is not None and _size(target) < expected:
        raise _BrokenError(f"The connection broke within {file.path.name}. Try again later.")
    return expected is None or _size(target) == expected


def _write(target: Path, body: Body | None, source: Source, on_bytes: OnBytes) -> None:
    """Append the body, nothing but the file itself where there is none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab") as handle:
        for chunk in body.chunks if body is not None else ():
            source.session.check()
            handle.write(chunk)
            on_bytes(len(chunk))


def storage_error(folder: Path, error: OSError) -> StorageError:
    """What is wrong with a folder that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"The disk of {folder} is full. Make room, and download again: what came is kept.")
    return StorageError(f"{folder} cannot be written ({error.strerror or error}). Choose another folder.")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _throw_away(path: Path, on_bytes: OnBytes) -> None:
    on_bytes(-_size(path))
    path.unlink(missing_ok=True)


def _has_sum(file: RemoteFile, path: Path) -> bool:
    """Whether a file has the catalogue's sum; where there is none, its length has to do, or the sums inside a zip."""
    if file.md5 is None:
        return path.suffix != ZIP_SUFFIX
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as handle:
        while part := handle.read(READ_BYTES):
            digest.update(part)
    return digest.hexdigest() == file.md5


def _is_whole_zip(path: Path) -> bool:
    """Whether every file in a zip has the sum that the zip holds of it."""
    if path.suffix != ZIP_SUFFIX:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(archive.namelist()) and archive.testzip() is None
    except (OSError, EOFError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile):
        return False
