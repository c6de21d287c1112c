"""A JSON file of entries by name that grows entry by entry: each is on disk as soon as it is added, none is lost.

Writing a file of 10,000 entries anew for each of them would write it 10,000 times. So an entry goes to a journal beside
the file first, one line each, and the journal is folded into the file, which is replaced whole, whenever it has grown
to a share of it, and at the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..core.whole_files import write_whole
from ..engines.errors import EngineError, StorageError
from ..engines.local.library.locks import Held
from .file_download import storage_error

JOURNAL, LOCK = ".journal", ".lock"
"""What is appended to the file's name."""
FOLD_BYTES = 256 * 1024
"""A journal is folded once it is longer than this, and than half of the file."""

Entries = dict[str, dict[str, Any]]


def read_entries(path: Path) -> Entries:
    """The entries of a file and its journal; none where neither exists. EngineError where they cannot be read."""
    noted = {**_file_entries(path), **_journal_entries(path)}
    return {name: entry for name, entry in noted.items() if entry is not None}


class KeptEntries:
    """The entries, open for one writer; see :func:`open_entries`."""

    def __init__(self, path: Path, entries: Entries) -> None:
        self.path = path
        self._entries = entries
        self._journal: BinaryIO | None = None
        journal = journal_of(path)
        self._journal_bytes = journal.stat().st_size if journal.exists() else 0

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str) -> Mapping[str, Any]:
        """The entry of a name, empty where there is none."""
        return self._entries.get(name, {})

    def items(self) -> list[tuple[str, Mapping[str, Any]]]:
        """All entries as they are now, in the order in which their names came."""
        return list(self._entries.items())

    def add(self, name: str, entry: Mapping[str, Any]) -> None:
        """Add an entry, or replace it. StorageError where the disk does not take it: then nothing has changed."""
        self._note(name, dict(entry))
        self._entries[name] = dict(entry)
        self._fold_now_and_then()

    def remove(self, name: str) -> None:
        """Remove an entry, if there is one. StorageError as for :meth:`add`."""
        if name in self._entries:
            self._note(name, None)
            del self._entries[name]

    def _note(self, name: str, entry: dict[str, Any] | None) -> None:
        line = json.dumps([name, entry], ensure_ascii=False).encode() + b"\n"
        with _telling(self.path):
            self._append(line)
        self._journal_bytes += len(line)

    def _fold_now_and_then(self) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        if self._journal_bytes > max(FOLD_BYTES, size // 2):
            self.fold()

    def fold(self) -> None:
        """Write the whole file, and empty the journal."""
        if not self._journal_bytes:
            return
        with _telling(self.path):
            write_whole(self.path, json.dumps(self._entries, indent=1, ensure_ascii=False))
            self._close()
            journal_of(self.path).unlink(missing_ok=True)
        self._journal_bytes = 0

    def close(self) -> None:
        """Fold, and let go of the file."""
        try:
            self.fold()
        finally:
            self._close()

    def _append(self, line: bytes) -> None:
        """One line to the journal, on disk before this returns; a part of a line does not stay."""
        if self._journal is None:
            self._journal = journal_of(self.path).open("ab", buffering=0)
        end = os.fstat(self._journal.fileno()).st_size
        try:
            if self._journal.write(line) != len(line):
                raise OSError(28, os.strerror(28))
            os.fsync(self._journal.fileno())
        except OSError:
            self._journal.truncate(end)
            raise

    def _close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None


@contextmanager
def open_entries(path: Path) -> Iterator[KeptEntries]:
    """The entries of a file, to be added to by this process alone.

    StorageError where another process has them, or where the folder cannot be written; EngineError where the file
    cannot be read.
    """
    with _telling(path):
        held = Held.take(path.with_name(path.name + LOCK))
    if held is None:
        raise StorageError(f"{path} is being written by another run. Wait for its end.")
    try:
        kept = KeptEntries(path, read_entries(path))
        kept.fold()  # what a killed process left
        try:
            yield kept
        finally:
            kept.close()
    finally:
        held.release()


def journal_of(path: Path) -> Path:
    """Where the entries lie that are not in the file yet."""
    return path.with_name(path.name + JOURNAL)


def _file_entries(path: Path) -> Entries:
    try:
        listed = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EngineError(f"{path} cannot be read ({error.strerror}). Choose another file.") from None
    except (ValueError, RecursionError):
        raise EngineError(f"{path} is no valid JSON. Choose another file.") from None
    if not isinstance(listed, dict) or not all(isinstance(known, dict) for known in listed.values()):
        raise EngineError(f"{path} does not list images by their paths, each with what is known of it.")
    return listed


def _journal_entries(path: Path) -> dict[str, dict[str, Any] | None]:
    """The whole lines of a journal, None for what was removed: the last one may have been cut off with the process
    that wrote it."""
    try:
        lines = journal_of(path).read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EngineError(f"{journal_of(path)} cannot be read ({error.strerror}).") from None
    try:
        pairs = [json.loads(line) for line in lines]
        return {str(name): None if entry is None else dict(entry) for name, entry in pairs}
    except (ValueError, TypeError):
        raise EngineError(f"{journal_of(path)} is damaged. Remove it: its images are exported again.") from None


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(path.parent, error) from error
