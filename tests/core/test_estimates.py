"""The arithmetic of estimates: how images are counted, how large results are, how long a run takes."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from s2mask_qgis.core.displacement import largest_displacement
from s2mask_qgis.core.estimates import (
    DAYS_BETWEEN_IMAGES,
    IMAGES_PER_COUNT,
    RunEstimate,
    bytes_of,
    counting_windows,
    duration_of,
    images_that_fit,
    total_of,
)


@pytest.mark.parametrize(("tiles", "count"), [(0, 1), (1, 1), (30, 1), (1000, 8), (10_000, 73)])
def test_a_year_is_counted_in_parts_that_no_question_finds_too_large(tiles: int, count: int) -> None:
    windows = counting_windows("2023-01-01", "2023-12-31", tiles)
    assert len(windows) == count
    days = [(date.fromisoformat(end) - date.fromisoformat(start)).days + 1 for start, end in windows]
    assert sum(days) == 365
    assert all(tiles * length / DAYS_BETWEEN_IMAGES <= IMAGES_PER_COUNT for length in days)
    assert windows[0][0] == "2023-01-01"
    assert windows[-1][1] == "2023-12-31"
    for (_, end), (start, _) in pairwise(windows):
        assert date.fromisoformat(start) == date.fromisoformat(end) + timedelta(1)


def test_a_world_of_tiles_is_still_counted_day_by_day() -> None:
    assert len(counting_windows("2023-01-01", "2023-01-03", 10**6)) == 3


def test_what_is_to_do_is_what_is_left() -> None:
    estimate = RunEstimate(images=100, out_of_area=7, done=30)
    assert estimate.to_do == 63
    assert estimate.can_run
    assert RunEstimate(images=10, done=30).to_do == 0
    assert not RunEstimate(problems=("No.",)).can_run


def test_bytes_are_of_all_kinds() -> None:
    assert bytes_of(1000, ["a", "b"], {"a": 8.0, "b": 4.0, "c": 99.0}) == 12_000


def test_a_kind_of_which_nothing_is_known_takes_the_mean_of_the_others() -> None:
    assert total_of({"mask": 10, "ndvi": 10}, {"mask": 60.0, "ndvi": None}) == 1200.0
    assert total_of({"mask": 10, "ndvi": 5}, {"mask": 60.0, "ndvi": 20.0}) == 700.0
    assert total_of({"mask": 10}, {}) is None


@pytest.mark.parametrize(
    ("task_seconds", "at_once", "images", "planned", "expected"),
    [
        (1000.0, 2, 10, 8, 530.0),  # tasks bind
        (100.0, 10, 100, 1, 3030.0),  # planning binds
        (0.0, 2, 0, 8, 0.0),
    ],
)
def test_the_slower_of_tasks_and_plans_counts(
    task_seconds: float, at_once: int, images: int, planned: int, expected: float
) -> None:
    assert duration_of(task_seconds, at_once, images, planned, plan_seconds=30.0) == pytest.approx(expected)


def test_images_that_fit_are_whole_ones() -> None:
    assert images_that_fit(10.0, 3.0) == 3
    assert images_that_fit(-5.0, 3.0) == 0
    assert images_that_fit(10.0, 0.0) == 0


def test_displacement_is_that_of_the_corner_farthest_from_its_edge() -> None:
    ring = [(0, 0), (5, 1), (10, 0), (10, 10), (5, 13), (0, 10), (0, 0)]
    kept = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]
    assert largest_displacement(ring, kept) == 3.0
    assert largest_displacement(ring, ring) == 0.0
    turned = [*ring[4:-1], *ring[:5]]  # another corner first
    assert largest_displacement(turned, [*kept[1:], kept[1]]) == 3.0


def test_displacement_of_other_corners_is_not_told() -> None:
    ring = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]
    assert largest_displacement(ring, [(0, 0), (10, 1), (10, 10), (0, 0)]) is None
    assert largest_displacement(ring, [(0, 0), (10, 10), (10, 0), (0, 0)]) is None
