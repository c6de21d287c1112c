from __future__ import annotations

import threading
import time

from gui_gaps import Gap, GapRecorder, longest, percentile, read_stacks

DUMP = """Timeout (0:00:00.030000)!
Thread 0x00007f0000000010 (most recent call first):
  File "/usr/lib/python3/json/decoder.py", line 353 in raw_decode
  File "/plugin/client.py", line 79 in sample

Thread 0x00007f0000000020 (most recent call first):
  File "/plugin/dock.py", line 12 in start
"""


def gap(seconds: float, queued_s: float = 0.0) -> Gap:
    return Gap("", 0.0, seconds, 0.0, queued_s, {})


def hold_up(seconds: float) -> None:
    time.sleep(seconds)


def test_stacks_are_read_by_thread_innermost_call_first():
    stacks = read_stacks(DUMP, {0x7F0000000020: "GUI"})
    assert stacks["GUI"] == ["dock.py:12 start"]
    assert stacks[f"thread {0x7F0000000010}"] == ["decoder.py:353 raw_decode", "client.py:79 sample"]


def test_a_percentile_is_a_gap_that_occurred():
    gaps = [gap(number / 100) for number in range(1, 101)]
    assert percentile(gaps, 50) == 0.51
    assert percentile(gaps, 100) == 1.0
    assert percentile([], 50) == 0.0


def test_time_in_which_others_had_the_processor_is_not_the_guis_own():
    assert gap(0.3, queued_s=0.25).own_s == 0.3 - 0.25


def test_a_held_up_event_loop_is_a_gap_with_its_phase_and_cause(qtbot):
    recorder = GapRecorder()
    recorder.phase = "holding up"
    recorder.start()
    qtbot.wait(50)
    hold_up(0.12)
    qtbot.wait(20)
    recorder.stop()
    worst = longest(recorder.gaps)
    assert worst.seconds > 0.1
    assert worst.busy_s < 0.05  # it slept
    assert worst.phase == "holding up"
    assert any("hold_up" in call for call in worst.stacks["GUI"])


def test_all_the_measured_time_is_in_the_gaps(qtbot):
    recorder = GapRecorder()
    recorder.start()
    began = time.perf_counter()
    qtbot.wait(100)
    recorder.stop()
    assert abs(sum(gap.seconds for gap in recorder.gaps) - (time.perf_counter() - began)) < 0.02
    assert len(recorder.gaps) > 5


def test_no_thread_is_left_behind(qtbot):
    before = threading.active_count()
    recorder = GapRecorder()
    recorder.start()
    recorder.stop()
    assert threading.active_count() == before
