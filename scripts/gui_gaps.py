"""Measures how long the GUI thread of a Qt program stays away from its event loop, and what kept it."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from qgis.PyQt.QtCore import QObject, Qt, QTimer

TICK_MS = 5
LOOK_AFTER_S = 0.03
"""Gaps that last longer have the stacks of all Python threads looked at."""

WATCH_S = 0.005
DEPTH = 10
"""Calls of a stack that are kept, from the innermost."""


@dataclass(frozen=True)
class Gap:
    """A time in which the event loop did not come round.

    ``busy_s`` of it the GUI thread computed, ``queued_s`` it was ready but the processor had other threads to serve
    (0 where the system does not tell); in the rest it waited: for a lock such as Python's, or for the disk. ``stacks``
    are the calls of each thread, innermost first, as soon after LOOK_AFTER_S as Python's lock allowed to look: where
    one long call held the lock, at its end.
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

    ``phase`` names what goes on and may be set at any time; ``gaps`` are complete once it was stopped.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.phase = ""
        self.gaps: list[Gap] = []
        self._began = self._last = 0.0
        self._usage = (0.0, 0.0)
        self._looks: list[tuple[float, dict[str, list[str]]]] = []
        self._gui_thread = threading.get_ident()
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="gap watcher", daemon=True)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to measure."""
        self._began = self._last = time.perf_counter()
        self._usage = _usage_s()
        self._watcher.start()
        self._timer.start()

    def stop(self) -> None:
        """End the measurement; the time since the last tick counts."""
        self._tick()
        self._timer.stop()
        self._stopped.set()
        self._watcher.join()
        self.gaps = with_stacks(self.gaps, self._looks)

    def _tick(self) -> None:
        now, usage = time.perf_counter(), _usage_s()
        busy_s, queued_s = usage[0] - self._usage[0], usage[1] - self._usage[1]
        self.gaps.append(Gap(self.phase, self._last - self._began, now - self._last, busy_s, queued_s, {}))
        self._last, self._usage = now, usage

    def _watch(self) -> None:
        """Look at the stacks when a gap lasts, and when this thread itself was kept from looking."""
        looked = time.perf_counter()
        while not self._stopped.wait(WATCH_S):
            now = time.perf_counter()
            if now - min(self._last, looked) > LOOK_AFTER_S:
                self._looks.append((now - self._began, self._stacks()))
            looked = now

    def _stacks(self) -> dict[str, list[str]]:
        names = {thread.ident: thread.name for thread in threading.enumerate()} | {self._gui_thread: "GUI"}
        frames = sys._current_frames()
        del frames[threading.get_ident()]
        return {names.get(ident, f"thread {ident}"): _calls(frame) for ident, frame in frames.items()}


def with_stacks(gaps: Sequence[Gap], looks: Sequence[tuple[float, dict[str, list[str]]]]) -> list[Gap]:
    """The gaps with the first look that fell into each, or right behind it; looks are (seconds since start, stacks)."""
    complete = []
    for gap in gaps:
        end_s = gap.at_s + gap.seconds + WATCH_S
        inside = [stacks for at_s, stacks in looks if gap.at_s + LOOK_AFTER_S <= at_s <= end_s]
        complete.append(replace(gap, stacks=inside[0]) if inside else gap)
    return complete


def _calls(frame: FrameType) -> list[str]:
    entries = traceback.extract_stack(frame)[: -DEPTH - 1 : -1]
    return [f"{Path(entry.filename).name}:{entry.lineno} {entry.name}" for entry in entries]


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
