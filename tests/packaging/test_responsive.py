"""Real QGIS, the zip, real workers, a real run through the dock: is the window ever held up?

A machine with other things to do makes every gap longer and none shorter. So the time in which the GUI thread stood
ready in the processor's queue is left out, and of a few runs the best one counts: a cause in the plugin is in all.
"""

from __future__ import annotations

import pytest

from measured_run import measure

SIZE_PX, DATES = 300, 8
LIMIT_S = 0.1
RUNS = 3


def test_a_run_never_holds_the_window_up_for_a_tenth_of_a_second(zip_path, tmp_path):
    worst = []
    for number in range(RUNS):
        measured = measure(tmp_path / str(number), SIZE_PX, DATES)
        assert measured.state == "finished"
        assert measured.images == DATES
        assert 5 * DATES < measured.layers <= 6 * DATES + 1  # images with shadows have a layer more
        assert measured.images_stepped > 2
        worst.append(max(measured.gaps, key=lambda gap: gap.own_s))
        if worst[-1].own_s < LIMIT_S:
            return
    pytest.fail(f"the longest gaps of {RUNS} runs: {worst}")
