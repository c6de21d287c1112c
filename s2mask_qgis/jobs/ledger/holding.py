"""Who writes a ledger: a lock beside it, and in it the name of whom to ask."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ...engines.local.library.locks import Held, is_held
from .errors import explained

LOOK_S = 0.05


def take(path: Path) -> Held | None:
    """Hold the ledger, None where another process or another part of this one does. StorageError."""
    with explained(path):
        held = Held.take(_lock(path))
        if held is None:  # perhaps somebody only looked who holds it, which takes an instant
            time.sleep(LOOK_S)
            held = Held.take(_lock(path))
        return held


def holder(path: Path, noted: str) -> str:
    """Who holds a ledger at this moment, for the user; empty where nobody does. ``noted`` as for :func:`sentence`."""
    return sentence(path, noted) if is_held(_lock(path)) else ""


def _lock(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


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
    """Who holds a ledger, for the user; ``noted`` is something else than a note where that is not known."""
    try:
        who = json.loads(noted)
        since = datetime.fromtimestamp(who["since_s"])
        writer = f"QGIS on {who['host']} (process {who['process']})"
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return f"{path.name} is being written by another program; it is shown read-only."
    day = "" if since.date() == datetime.now().date() else f"{since:%Y-%m-%d} "
    return f"{path.name} is being written by {writer} since {day}{since:%H:%M}; it is shown read-only."
