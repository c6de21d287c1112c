"""Sessions in processes of their own that are killed after a given life."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path


def lived(work: Callable[[], str], note: Path, life_s: float) -> int | None:
    """Do some work in a fork of this process, and kill -9 that after its life; its exit code where it ended before.

    ``work`` tells what is wrong at its end; that, or the traceback, is written to ``note``, and the code is not 0.
    """
    pid = os.fork()
    if pid == 0:
        _live(work, note)
    end_s = time.monotonic() + life_s
    while time.monotonic() < end_s:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return None if code == -signal.SIGKILL else code


def _live(work: Callable[[], str], note: Path) -> None:
    """The forked process, which ends without anything of its parent."""
    code = 3
    try:
        problem = work()
        code = 2 if problem else 0
        if problem:
            note.write_text(problem)
    except BaseException:
        note.write_text(traceback.format_exc())
    finally:
        os._exit(code)
