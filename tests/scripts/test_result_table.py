from __future__ import annotations

from accuracy import Accuracy
from result_table import summary, table

DONE = {
    "index": "20230102T100000_20230102T100000_T33UXP",
    "time_start_ms": 1_672_653_600_000,
    "state": "done",
    "mask_path": "mask.tif",
    "cloud_share": 0.25,
    "ndvi_share": 0.7,
    "seconds": 1.26,
    "reason": "",
}
FAILED = {
    **DONE,
    "index": "other",
    "state": "failed",
    "cloud_share": None,
    "ndvi_share": None,
    "reason": "B10 is missing",
}
HALF = Accuracy(hits=1, misses=1, false_alarms=1, correct_clears=3)


def test_every_image_has_a_line_with_its_shares():
    lines = table([DONE], {}).splitlines()
    assert len(lines) == 3
    assert lines[2].split() == [DONE["index"], "2023-01-02", "25.0", "%", "70.0", "%", "1.3"]


def test_columns_of_accuracy_appear_with_a_truth():
    text = table([DONE, FAILED], {DONE["index"]: HALF})
    assert "62.5 %  50.0 %" in text
    assert text.splitlines()[-1].split()[-5:] == ["–"] * 5


def test_shadows_have_a_column():
    text = table([DONE], {DONE["index"]: Accuracy(shadow_hits=2, shadow_misses=1, shadow_false_alarms=1)})
    assert "shadow F1" in text.splitlines()[0]
    assert text.splitlines()[-1].endswith("66.7 %")


def test_a_failed_image_shows_its_reason():
    assert "B10 is missing" in table([FAILED], {})


def test_the_columns_stand_under_each_other():
    lines = table([DONE, FAILED], {DONE["index"]: HALF}).splitlines()
    assert len({len(line) for line in lines}) == 1


def test_the_summary_counts_failures_and_pools_the_pixels():
    outcome = {"images": [DONE, FAILED], "state": "finished with failures"}
    text = summary(outcome, {"a": HALF, "b": Accuracy(hits=2)}, seconds=12.4)
    assert text.startswith("1 of 2 images masked in 12 s (finished with failures); 1 failed.")
    assert "recall 75.0 %" in text
    assert "false alarms 25.0 %" in text
