"""What a ledger says, for whoever only looks: on any thread, in one glance, without disturbing who writes it."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import holding
from .encoding import header_of, image_row
from .errors import LedgerError, explained
from .migration import check_version
from .rows import ImageRow, RowState, RunHeader
from .statements import IN_STATES, SELECT_IMAGES, state_values
from .store import connect

MOST_ROWS = 50_000
"""More rows than this no table on a screen is good for."""

_ROWS = f"{SELECT_IMAGES}{IN_STATES} AND updated_s >= ? ORDER BY tile, time_start_ms, image LIMIT ?"


@dataclass(frozen=True)
class LedgerView:
    """What a ledger said at one moment.

    ``counts`` has every state; ``rows`` are in order of tile, time and index: all images, or those that were asked for
    and at most as many as asked for. ``seen_s`` is the latest change that was seen: with it, the next look reads only
    what is new (rows of that very moment come again). ``holder`` says who writes the ledger, empty where nobody does.
    """

    path: Path
    header: RunHeader
    counts: dict[RowState, int]
    rows: tuple[ImageRow, ...]
    seen_s: float
    holder: str = ""

    @property
    def total(self) -> int:
        """How many images the run has."""
        return sum(self.counts.values())


def read(
    path: Path,
    with_rows: bool = True,
    states: Collection[RowState] | None = None,
    changed_since_s: float | None = None,
    most_rows: int = MOST_ROWS,
) -> LedgerView:
    """Look at a ledger; the rows are the images in ``states``, changed at or after ``changed_since_s`` (since 1970).

    LedgerError where there is none, or the file is something else; StorageError where it cannot be read.
    """
    values = [*state_values(states), -math.inf if changed_since_s is None else changed_since_s]
    with _opened(path) as connection:
        about = dict(connection.execute("SELECT name, value FROM run"))
        header = header_of(path, about)
        counts = dict(connection.execute("SELECT state, COUNT(*) FROM images GROUP BY state"))
        (seen_s,) = connection.execute("SELECT COALESCE(MAX(updated_s), 0) FROM images").fetchone()
        rows = tuple(image_row(found) for found in connection.execute(_ROWS, [*values, most_rows if with_rows else 0]))
    by_state = {state: counts.get(state.value, 0) for state in RowState}
    return LedgerView(path, header, by_state, rows, seen_s, holding.holder(path, about.get("holder", "")))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one moment of the ledger."""
    if not path.is_file():
        raise LedgerError(f"There is no ledger {path}.")
    with explained(path), _readable(path) as file, closing(connect(file, is_read_only=True)) as connection:
        connection.execute("BEGIN")
        check_version(connection, path)
        yield connection


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """The ledger itself or, in a folder where SQLite may not put what it needs beside it, a copy."""
    try:
        with closing(connect(path, is_read_only=True)) as connection:
            connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if not any(text in str(error) for text in ("unable to open", "readonly")):
            raise
    else:
        yield path
        return
    with TemporaryDirectory(prefix="s2mask-ledger-") as folder:
        for name in (path.name, f"{path.name}-wal"):
            if path.with_name(name).exists():
                shutil.copyfile(path.with_name(name), Path(folder, name))
        yield Path(folder, path.name)
