"""A lock between processes that ends with the process holding it, so a killed one never leaves it behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def is_held(path: Path) -> bool:
    """True where somebody holds the lock file ``path`` at this moment; it is neither made nor removed.

    Looking takes the lock for an instant, so who takes it at that very instant has to try again.
    """
    try:
        with path.open("r+b") as handle:
            is_free = _take(handle.fileno())
            if is_free:
                _release(handle.fileno())
            return not is_free
    except OSError:  # there is none, or none that this user may open: whoever wants to write is told
        return False


class Held:
    """A lock file held for as long as this object is not released; None from :meth:`take` where another holds it."""

    def __init__(self, path: Path, handle: BinaryIO) -> None:
        self._path = path
        self._handle = handle

    @classmethod
    def take(cls, path: Path) -> Held | None:
        """Hold the lock file ``path`` without waiting. Raises OSError where the file cannot be made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = path.open("ab")
            if not _take(handle.fileno()):
                handle.close()
                return None
            if _is_still(path, handle.fileno()):
                return cls(path, handle)
            handle.close()

    def release(self) -> None:
        """Give the lock back and remove its file."""
        _remove(self._path, self._handle)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether an open file still is the one of this name: its last holder removes it after others have opened it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


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

    def _remove(path: Path, handle: BinaryIO) -> None:
        _release(handle.fileno())
        handle.close()
        with suppress(PermissionError):  # another process has opened it meanwhile
            path.unlink(missing_ok=True)

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

    def _remove(path: Path, handle: BinaryIO) -> None:
        path.unlink(missing_ok=True)  # while it is held, so that nobody holds a file that is gone
        _release(handle.fileno())
        handle.close()
