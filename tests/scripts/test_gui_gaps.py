from __future__ import annotations

import threading
import time

from gui_gaps import Gap, GapRecorder, longest, percentile, with_stacks


def gap(seconds: float, queued_s: float = 0.0) -> Gap:
    return Gap("", 0.0, seconds, 0.0, queued_s, {})


def hold_up(seconds: float) -> None:
    time.sleep(seconds)


def test_a_look_belongs_to_the_gap_in_which_it_fell():
    gaps = [Gap("", 0.0, 0.2, 0.0, 0.0, {}), Gap("", 0.2, 0.005, 0.0, 0.0, {})]
    early, late = {"GUI": ["early"]}, {"GUI": ["late"]}
    first, second = with_stacks(gaps, [(0.05, early), (0.1, late)])
    assert first.stacks == early
    assert second.stacks == {}


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
