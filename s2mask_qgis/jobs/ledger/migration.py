"""Ledgers of earlier versions brought up to date on a copy; those of later versions are refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from .errors import LedgerError, explained
from .schema import VERSION
from .store import connect

LOGS = ("-wal", "-shm")
"""What SQLite keeps beside a file while it is in use."""


def _tell_shares(connection: sqlite3.Connection) -> None:
    """Version 2 tells the shares of shadow and of NDVI."""
    connection.execute("ALTER TABLE images ADD COLUMN shadow_share DOUBLE")
    connection.execute("ALTER TABLE images ADD COLUMN ndvi_share DOUBLE")


STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (_tell_shares,)
"""The first one leads from version 1 to version 2, and so on."""


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """LedgerError unless this is a connection to a ledger of this version; ``path`` is told to the user."""
    version = version_of(connection, path)
    if version < VERSION:
        raise LedgerError(f"The ledger {path} is of an earlier version ({version}); going on with its run upgrades it.")


def bring_up_to_date(path: Path) -> None:
    """Make a ledger of an earlier version one of this; whoever calls holds it.

    The earlier one stays beside it as ``name.vN.gpkg``. The upgraded copy takes its place at once, so that a kill
    leaves either of them, whole. LedgerError for a later version, or where the file is no ledger.
    """
    with explained(path), closing(connect(path, is_read_only=True)) as connection:
        version = version_of(connection, path)
    if version == VERSION:
        return
    draft = path.with_name(f"{path.name}.part")
    with explained(path):
        _gather(path)
        kept = path.with_name(f"{path.stem}.v{version}{path.suffix}")
        _copy(path, draft)
        draft.replace(kept)
        _copy(path, draft)
        with closing(connect(draft, is_read_only=False)) as connection:
            _upgrade(connection, version)
        draft.replace(path)


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a ledger; LedgerError where it is later than this, or the file is no ledger."""
    found = connection.execute("SELECT value FROM run WHERE name = 'schema'").fetchone()
    if found is None or not str(found[0]).isdigit() or int(found[0]) < 1:
        raise LedgerError(f"{path} is no ledger of a run: it does not tell its version.")
    version = int(found[0])
    if version > VERSION:
        raise LedgerError(
            f"The ledger {path} was written by a newer plugin (version {version} of ledgers, this plugin knows "
            f"{VERSION}): update the plugin to go on with its run."
        )
    return version


def _gather(path: Path) -> None:
    """Empty the log beside the file: it would be taken for a part of the one that takes its place."""
    with closing(connect(path, is_read_only=False)) as connection:
        is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise sqlite3.OperationalError("database is locked")


def _copy(path: Path, draft: Path) -> None:
    """A whole copy, on the disk."""
    remove(draft)
    with closing(connect(path, is_read_only=True)) as source, closing(sqlite3.connect(draft)) as target:
        source.backup(target)


def remove(path: Path) -> None:
    """Remove a file of SQLite and what belongs to it."""
    for name in (path.name, *(path.name + log for log in LOGS)):
        path.with_name(name).unlink(missing_ok=True)


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    """All steps that are missing, in one go."""
    connection.execute("BEGIN IMMEDIATE")
    for step in STEPS[version - 1 :]:
        step(connection)
    connection.execute("UPDATE run SET value = ? WHERE name = 'schema'", [str(VERSION)])
    connection.execute("COMMIT")
