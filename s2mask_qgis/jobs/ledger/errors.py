"""What can be wrong with a ledger, as sentences for the user: every failure of SQLite leaves this room translated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...engines.errors import EngineError, StorageError


class LedgerError(EngineError):
    """The file is no ledger, is damaged, is of a newer version, or is being written by somebody else."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tells failures of SQLite and of the disk as a LedgerError or, where something outside is to be put right before
    the run can go on, as a StorageError."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(path, error) from error
    except OSError as error:
        raise StorageError(f"The ledger {path} cannot be written: {error.strerror or error}.") from error


def _translated(path: Path, error: sqlite3.Error) -> EngineError:
    """SQLite's messages are the same in all its versions, its codes reach Python from 3.11 on only."""
    text = str(error)
    folder = path.parent
    if "full" in text:
        return StorageError(f"The disk is full, the ledger {path} cannot be written: make room in {folder}.")
    if "locked" in text or "busy" in text:
        return StorageError(f"Another program holds the ledger {path} locked: close it there.")
    if "readonly" in text or "unable to open" in text:
        return StorageError(f"The ledger {path} cannot be opened: check that {folder} may be written to.")
    if "I/O" in text:
        return StorageError(f"The disk failed while the ledger {path} was used ({text}): check {folder} and its space.")
    if "not a database" in text or "malformed" in text:
        return LedgerError(f"{path} is damaged or no ledger at all ({text}). Move it away; the run then begins anew.")
    if "no such table" in text or "no such column" in text:
        return LedgerError(f"{path} is no ledger of a run ({text}). Move it away; the run then begins anew.")
    return LedgerError(f"The ledger {path} cannot be used: {text}.")
