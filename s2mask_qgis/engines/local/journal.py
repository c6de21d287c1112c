"""The journal of operations: what was asked for and how it ended, kept on disk across the processes of one store."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from ..base import OperationState
from ..errors import StorageError
from .library.locks import Held

EXPORT_IMAGE, EXPORT_TABLE = "EXPORT_IMAGE", "EXPORT_FEATURES"
"""Types of operations, by the service's names."""

KEPT_SECONDS = 10 * 86_400.0
"""Operations that ended longer ago are forgotten, as the service forgets them after ten days."""

BUSY_SECONDS = 30.0
"""How long one process waits for another's transaction, which takes milliseconds."""

_COLUMNS = "name, asset, description, state, owner, attempt, created, started, updated, code, message, type"
_SCHEMA = """PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS operations (
    name TEXT PRIMARY KEY, asset TEXT NOT NULL, description TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
    attempt INTEGER NOT NULL, created REAL NOT NULL, started REAL, updated REAL NOT NULL,
    code INTEGER NOT NULL, message TEXT NOT NULL);
PRAGMA user_version = 1;"""
# A journal of before tables were exported has no such column, and a plugin of that time can go on using one that has.
_ADD_TYPE = f"ALTER TABLE operations ADD COLUMN type TEXT NOT NULL DEFAULT '{EXPORT_IMAGE}'"  # nosec B608
_FINAL = tuple(state.value for state in OperationState if state.is_final)
_MARKS = ", ".join("?" * len(_FINAL))
# The statements are put together of these constants only; every value is bound.
_SELECT = f"SELECT {_COLUMNS} FROM operations"  # nosec B608
_PURGE = f"DELETE FROM operations WHERE state IN ({_MARKS}) AND updated < ?"  # nosec B608


@dataclass(frozen=True)
class Entry:
    """One operation as the journal knows it; times are seconds since 1970, ``code`` and ``message`` tell why it failed.

    ``owner`` stands for the process that carries it out; ``type`` is EXPORT_IMAGE or EXPORT_TABLE.
    """

    name: str
    asset: str
    description: str
    state: OperationState
    owner: str
    attempt: int
    created: float
    started: float | None = None
    updated: float = 0.0
    code: int = 0
    message: str = ""
    type: str = EXPORT_IMAGE


class Journal:
    """The operations of one store, in an SQLite file that several processes share.

    The file and the lock that shows this process to be alive are made at the first :meth:`add`. Its methods raise
    StorageError where the file cannot be used; they may be called from any thread.
    """

    def __init__(self, path: Path) -> None:
        self.owner = secrets.token_hex(8)
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._alive: Held | None = None

    def add(self, entry: Entry, over: Entry | None) -> bool:
        """Write an operation down in place of ``over``, an earlier attempt of the same name or None.

        False, and nothing is written, where another process has meanwhile put something else in that place.
        """
        with self._transaction(make=True) as cursor:
            assert cursor is not None
            cursor.execute("BEGIN IMMEDIATE")
            if _first(cursor.execute(f"{_SELECT} WHERE name = ?", (entry.name,))) != over:
                return False
            marks = ", ".join("?" * len(fields(Entry)))
            cursor.execute(f"INSERT OR REPLACE INTO operations ({_COLUMNS}) VALUES ({marks})", _values(entry))
        return True

    def find(self, name: str) -> Entry | None:
        """The operation of a name, None where there is none."""
        return next(iter(self._select("WHERE name = ?", (name,))), None)

    def entries(self) -> list[Entry]:
        """All operations, the latest first."""
        return self._select("ORDER BY created DESC, rowid DESC", ())

    def count(self, state: OperationState) -> int:
        """How many operations are in a state."""
        with self._transaction() as cursor:
            if cursor is None:
                return 0
            return int(cursor.execute("SELECT count(*) FROM operations WHERE state = ?", (state.value,)).fetchone()[0])

    def update(self, name: str, state: OperationState, code: int = 0, message: str = "") -> None:
        """Note that an operation runs or has ended."""
        now = time.time()
        started = now if state is OperationState.RUNNING else None
        with self._transaction() as cursor:
            if cursor is not None:
                cursor.execute(
                    "UPDATE operations SET state = ?, code = ?, message = ?, updated = ?, "
                    "started = coalesce(?, started) WHERE name = ?",
                    (state.value, code, message, now, started, name),
                )

    def orphans(self) -> list[Entry]:
        """Operations that have not ended and whose process is gone."""
        unfinished = self._select(f"WHERE owner <> ? AND state NOT IN ({_MARKS})", (self.owner, *_FINAL))
        gone = {owner for owner in {entry.owner for entry in unfinished} if not self._is_alive(owner)}
        return [entry for entry in unfinished if entry.owner in gone]

    def close(self) -> None:
        """Give the file and the lock back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._alive is not None:
                self._alive.release()
                self._alive = None

    def _is_alive(self, owner: str) -> bool:
        path = self._owner_path(owner)
        if not path.exists():
            return False
        held = Held.take(path)
        if held is None:
            return True
        held.release()
        return False

    def _owner_path(self, owner: str) -> Path:
        return self._path.with_name(f"{self._path.stem}-{owner}.lock")

    def _select(self, clause: str, values: Iterable[str]) -> list[Entry]:
        with self._transaction() as cursor:
            rows = [] if cursor is None else cursor.execute(f"{_SELECT} {clause}", (*values,))
            return [_entry(row) for row in rows]

    @contextmanager
    def _transaction(self, make: bool = False) -> Iterator[sqlite3.Cursor | None]:
        """A cursor within a transaction; None where there is no journal yet and none is to be made."""
        with self._lock:
            try:
                connection = self._opened(make)
                if connection is None:
                    yield None
                    return
                with connection:
                    yield connection.cursor()
            except (sqlite3.Error, OSError) as error:
                reason = getattr(error, "strerror", None) or error
                text = f"The journal of exports {self._path} cannot be used ({reason})"
                raise StorageError(f"{text}; free space on its disk, or remove it.") from None

    def _opened(self, make: bool) -> sqlite3.Connection | None:
        if self._connection is None and (make or self._path.exists()):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._alive = self._alive or Held.take(self._owner_path(self.owner))
            connection = sqlite3.connect(str(self._path), timeout=BUSY_SECONDS, check_same_thread=False)
            try:
                connection.executescript(_SCHEMA)
                _complete(connection)
                oldest = time.time() - KEPT_SECONDS
                with connection:
                    connection.execute(_PURGE, (*_FINAL, oldest))
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _complete(connection: sqlite3.Connection) -> None:
    """Add the column that an earlier version's table of operations lacks."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")  # another process may be about to do the same
        if not any(row[1] == "type" for row in connection.execute("PRAGMA table_info(operations)")):
            connection.execute(_ADD_TYPE)


def _values(entry: Entry) -> tuple[str | int | float | None, ...]:
    """A row of the table, in the order of the columns, which is that of the fields."""
    return tuple(value.value if isinstance(value, OperationState) else value for value in astuple(entry))


def _entry(row: Sequence[Any]) -> Entry:
    name, asset, description, state, *rest = row
    return Entry(name, asset, description, OperationState(state), *rest)


def _first(rows: Iterable[Sequence[Any]]) -> Entry | None:
    return next((_entry(row) for row in rows), None)
