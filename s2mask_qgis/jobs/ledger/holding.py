"""Who writes a ledger: a lock beside it, and in it the name of whom to ask."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ...engines.local.library.locks import Held
from .errors import explained


def take(path: Path) -> Held | None:
    """Hold the ledger, None where another process or another part of this one does. StorageError."""
    with explained(path):
        return Held.take(path.with_name(f"{path.name}.lock"))


@contextmanager
def released_if_failed(held: Held) -> Iterator[None]:
    """Gives a ledger back where it could not be opened after all."""
    try:
        yield
    except BaseException:
        held.release()
        raise


def note(now_s: float) -> str:
    """Who holds a ledger from now on, as JSON."""
    return json.dumps({"host": socket.gethostname(), "process": os.getpid(), "since_s": now_s})


def sentence(path: Path, noted: str) -> str:
    """Who holds a ledger, for the user; ``noted`` is empty where it is not known."""
    if not noted:
        return f"{path.name} is being written by another program; it is shown read-only."
    who = json.loads(noted)
    since = datetime.fromtimestamp(who["since_s"])
    day = "" if since.date() == datetime.now().date() else f"{since:%Y-%m-%d} "
    return (
        f"{path.name} is being written by QGIS on {who['host']} (process {who['process']}) since {day}{since:%H:%M}; "
        "it is shown read-only."
    )
