"""Keeps other programs from taking a ledger's log away while it is written.

SQLite marks a file as in use by a POSIX lock, which its process loses when any part of it, GDAL for one, opens and
closes the same file. Another program that then opens the ledger takes itself for the only one, and removes the log
beside it when it closes. A lock of the open file (OFD) on the same bytes stays until this object gives it back.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

_SHARED_FIRST, _SHARED_BYTES = 0x40000000 + 2, 510
"""The bytes that mark a SQLite file as in use. Source: SQLite, os.h."""


class Guard:
    """The mark of a ledger that is being written; without effect where the system has no such locks (Windows does
    not lose its locks so)."""

    def __init__(self, path: Path) -> None:
        self._handle = path.open("rb")
        try:
            _mark(self._handle.fileno())
        except OSError:
            self._handle.close()
            raise

    def release(self) -> None:
        """Give the mark back; a connection to the file must still be open, or be opened anew to be locked."""
        self._handle.close()


def _mark(descriptor: int) -> None:
    """Raises OSError where another program holds the whole file, or the file system has no locks."""
    if sys.platform == "linux":
        import fcntl

        flock = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, _SHARED_FIRST, _SHARED_BYTES, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, flock)
