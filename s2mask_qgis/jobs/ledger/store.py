"""The file under a ledger: one connection to it, whose changes are whole or not at all, and last once they are made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from ...engines.errors import StorageError
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
    def transaction(self, is_flushed: bool = True) -> Iterator[None]:
        """All changes of the block at once, or none of them; blocks in blocks belong to the outermost.

        They outlast the process once the block has ended and, where they are flushed, also a power failure. Whatever
        is flushed takes all with it that was changed before.
        """
        with self._lock:
            if self._depth == 0:
                self._begin(is_flushed)
            self._check()
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

    def _begin(self, is_flushed: bool) -> None:
        with explained(self.path):
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_flushed else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")

    def _keep(self) -> None:
        self._check()
        try:
            with explained(self.path):
                self._connection.execute("COMMIT")
        except BaseException:
            self._undo()
            raise

    def _check(self) -> None:
        """SQLite ends a transaction by itself after some failures of the disk; whoever goes on must not believe that
        what follows is part of it."""
        if not self._connection.in_transaction:
            raise StorageError(f"The disk failed while the ledger {self.path} was written; the last step was undone.")

    def _undo(self) -> None:
        if self._depth == 0 and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


@contextmanager
def opened(path: Path, is_read_only: bool) -> Iterator[Store]:
    """A store that stays open unless the block fails."""
    store = Store(path, is_read_only)
    try:
        yield store
    except BaseException:
        store.close()
        raise


def connect(path: Path, is_read_only: bool) -> sqlite3.Connection:
    """A connection to an existing file."""
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
    return connection
