"""A new ledger in a new file, which appears when it is whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from . import schema
from .encoding import header_values
from .errors import explained
from .migration import LOGS, remove
from .rows import RunHeader


def make(path: Path, header: RunHeader) -> None:
    """An empty ledger at ``path``, where there is none. StorageError."""
    draft = path.with_name(f"{path.name}.part")
    rows = {"schema": str(schema.VERSION), **header_values(header)}
    with explained(path):
        remove(draft)
        with closing(sqlite3.connect(draft)) as connection, connection:
            schema.make(connection)
            connection.executemany("INSERT INTO run (name, value) VALUES (?, ?)", rows.items())
        for log in LOGS:  # of a ledger that somebody removed; SQLite would take them for the new one's
            path.with_name(path.name + log).unlink(missing_ok=True)
        draft.replace(path)
