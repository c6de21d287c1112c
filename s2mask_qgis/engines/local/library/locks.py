"""A lock between processes that ends with the process holding it, so a killed one never leaves it behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

RETRY_S = 0.1


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` (created if need be, and kept) for the block, waiting until it is free.

    Raises OSError where the file cannot be made or the file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        _wait(handle.fileno())
        try:
            yield
        finally:
            _release(handle.fileno())


class Held:
    """A lock file held for as long as this object is not released; None from :meth:`take` where another holds it."""

    def __init__(self, path: Path, handle: BinaryIO) -> None:
        self._path = path
        self._handle = handle

    @classmethod
    def take(cls, path: Path) -> Held | None:
        """Hold the lock file ``path`` without waiting. Raises OSError where the file cannot be made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("ab")
        if _take(handle.fileno()):
            return cls(path, handle)
        handle.close()
        return None

    def release(self) -> None:
        """Give the lock back and remove its file."""
        _release(self._handle.fileno())
        self._handle.close()
        self._path.unlink(missing_ok=True)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:  # another process holds it
            return False
        return True

    def _wait(descriptor: int) -> None:
        while not _take(descriptor):
            time.sleep(RETRY_S)

    def _release(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another process holds it
            return False
        return True

    def _wait(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _release(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
