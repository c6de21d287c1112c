"""Measures how long the GUI thread of a Qt program stays away from its event loop, and what kept it."""

from __future__ import annotations

import faulthandler
import re
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QObject, Qt, QTimer

TICK_MS = 5
LOOK_AFTER_S = 0.03
"""A gap that lasts longer has the stacks of all Python threads looked at, once."""

DEPTH = 10
"""Calls of a stack that are kept, from the innermost."""

THREAD_LINE = re.compile(r"(?:Current thread|Thread) 0x([0-9a-f]+)")
CALL_LINE = re.compile(r'\s+File "(.+)", line (\d+) in (.+)')


@dataclass(frozen=True)
class Gap:
    """A time in which the event loop did not come round.

    ``busy_s`` of it the GUI thread computed, ``queued_s`` it was ready but the processor had other threads to serve
    (0 where the system does not tell); in the rest it waited: for a lock such as Python's, or for the disk. ``stacks``
    are the calls of each thread, innermost first, at the moment at which the gap had lasted LOOK_AFTER_S.
    """

    phase: str
    at_s: float
    seconds: float
    busy_s: float
    queued_s: float
    stacks: dict[str, list[str]]

    @property
    def own_s(self) -> float:
        """The gap without the time in which other programs or threads had the processor."""
        return self.seconds - self.queued_s

    def to_json(self) -> dict[str, Any]:
        """The gap as JSON values."""
        return asdict(self)


class GapRecorder(QObject):
    """Records the gaps between the ticks of a timer in the GUI thread; made, started and stopped there.

    ``phase`` names what goes on and may be set at any time. The stacks come from faulthandler, whose thread needs
    nothing of Python: it sees also what goes on while Python's lock is held.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.phase = ""
        self.gaps: list[Gap] = []
        self._began = self._last = 0.0
        self._usage = (0.0, 0.0)
        self._dump = tempfile.TemporaryFile(mode="w+", encoding="utf-8")  # noqa: SIM115 (lives as long as this)
        self._gui_thread = threading.get_ident()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to measure."""
        self._began = self._last = time.perf_counter()
        self._usage = _usage_s()
        self._timer.start()
        faulthandler.dump_traceback_later(LOOK_AFTER_S, file=self._dump)

    def stop(self) -> None:
        """End the measurement; the time since the last tick counts."""
        self._tick()
        self._timer.stop()
        faulthandler.cancel_dump_traceback_later()

    def _tick(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        now, usage = time.perf_counter(), _usage_s()
        busy_s, queued_s = usage[0] - self._usage[0], usage[1] - self._usage[1]
        gap = Gap(self.phase, self._last - self._began, now - self._last, busy_s, queued_s, self._looked_at())
        self.gaps.append(gap)
        self._last, self._usage = now, usage
        faulthandler.dump_traceback_later(LOOK_AFTER_S, file=self._dump)

    def _looked_at(self) -> dict[str, list[str]]:
        """What faulthandler wrote since the last tick."""
        self._dump.seek(0)
        text = self._dump.read()
        if not text:
            return {}
        self._dump.seek(0)
        self._dump.truncate()
        names = {thread.ident: thread.name for thread in threading.enumerate()} | {self._gui_thread: "GUI"}
        return read_stacks(text, names)


def read_stacks(text: str, names: dict[int | None, str]) -> dict[str, list[str]]:
    """The stacks in a dump of faulthandler by the names of the threads, each call as "file:line function"."""
    stacks: dict[str, list[str]] = {}
    calls: list[str] = []
    for line in text.splitlines():
        thread, call = THREAD_LINE.match(line), CALL_LINE.match(line)
        if thread:
            ident = int(thread[1], 16)
            calls = stacks.setdefault(names.get(ident, f"thread {ident}"), [])
        elif call and len(calls) < DEPTH:
            calls.append(f"{Path(call[1]).name}:{call[2]} {call[3]}")
    return stacks


def percentile(gaps: Sequence[Gap], percent: float) -> float:
    """The seconds that ``percent`` of the gaps do not exceed; 0 without gaps."""
    ordered = sorted(gap.seconds for gap in gaps)
    return ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))] if ordered else 0.0


def longest(gaps: Sequence[Gap]) -> Gap:
    """The longest gap."""
    return max(gaps, key=lambda gap: gap.seconds)


def _usage_s() -> tuple[float, float]:
    """Seconds that the calling thread has computed, and has waited for a processor (Linux; 0 elsewhere)."""
    try:
        _computed, queued, _turns = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()
    except OSError:
        return time.thread_time(), 0.0
    return time.thread_time(), int(queued) / 1e9
