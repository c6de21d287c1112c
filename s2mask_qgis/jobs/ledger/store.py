"""The file under a ledger: one connection to it, whose changes are whole or not at all, and last once they are made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from .errors import explained
from .guard import Guard

PATIENCE_S = 10.0
"""How long a write waits for another program that has locked the file."""


class Store:
    """Statements on a SQLite file, from any thread, one at a time; failures as EngineErrors."""

    def __init__(self, path: Path, is_read_only: bool) -> None:
        self.path = path
        self._lock = RLock()
        self._depth = 0
        with explained(path):
            self._connection = connect(path, is_read_only)
            self._guard = None if is_read_only else Guard(path)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        with self._lock, explained(self.path):
            return self._connection.execute(sql, values).fetchall()

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement that changes rows; returns how many."""
        with self.transaction(), explained(self.path):
            return self._connection.execute(sql, values).rowcount

    def change_many(self, sql: str, values: Iterable[Sequence[Any]]) -> int:
        """The same statement for several sets of values; returns how many rows were changed by all of them."""
        with self.transaction(), explained(self.path):
            return self._connection.executemany(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes of the block at once, or none of them; blocks in blocks belong to the outermost."""
        with self._lock:
            if self._depth == 0:
                with explained(self.path):
                    self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                self._undo()
                raise
            self._depth -= 1
            if self._depth == 0:
                self._keep()

    def close(self) -> None:
        """Bring everything into the one file, which then can be copied, and let go of it."""
        with self._lock:
            guard, self._guard = self._guard, None
            if guard is not None:
                self._gather()
                guard.release()
            self._connection.close()

    def _gather(self) -> None:
        """Empty the log beside the file. Where somebody reads it or the disk is full it stays, a part of the ledger
        that the next connection takes up."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _keep(self) -> None:
        try:
            with explained(self.path):
                self._connection.execute("COMMIT")
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        """SQLite has undone everything itself after some failures."""
        if self._depth == 0 and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def connect(path: Path, is_read_only: bool) -> sqlite3.Connection:
    """A connection to an existing file. Each commit has reached the disk when it returns."""
    mode = "ro" if is_read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE_S,
        isolation_level=None,
        check_same_thread=False,
    )
    if not is_read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    return connection
