"""Which images make a background."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from s2mask_qgis.core import backgrounds
from s2mask_qgis.core.backgrounds import choose
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import Scene

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FOOTPRINT = ((15.0, 45.0), (16.0, 45.0), (16.0, 46.0), (15.0, 46.0), (15.0, 45.0))
PARAMETERS = RunParameters(number_of_images=3, number_preselect=5)


def scene(day: float, cloud: float = 0.0, **changes) -> Scene:
    index = f"day{day}"
    return replace(Scene(index, index, "33TWM", int(1_600_000_000_000 + day * DAY_MS), cloud, FOOTPRINT), **changes)


def days(scenes: tuple[Scene, ...]) -> list[float]:
    return [float(item.index.removeprefix("day")) for item in scenes]


def narrower(share: float):
    return tuple((15.0 + (x - 15.0) * share, y) for x, y in FOOTPRINT)


def test_the_latest_before_are_the_nearest_even_where_later_ones_are_nearer():
    archive = [scene(day) for day in (1, 2, 3, 4, 11, 12)]
    assert days(choose(scene(10), archive, PARAMETERS).nearest) == [4, 3, 2]


def test_too_few_before_are_filled_up_with_the_earliest_after():
    archive = [scene(day) for day in (8, 11, 12, 13)]
    assert days(choose(scene(10), archive, PARAMETERS).nearest) == [8, 11, 12]


def test_without_the_future_there_may_be_fewer_or_none():
    parameters = replace(PARAMETERS, allow_future=False)
    assert days(choose(scene(10), [scene(8), scene(12)], parameters).nearest) == [8]
    assert choose(scene(10), [scene(12)], parameters) == backgrounds.Backgrounds((), ())


def test_the_clearest_come_from_the_preselected_only():
    clouds = {1: 0, 2: 0, 3: 90, 4: 20, 5: 80, 6: 10, 7: 70}
    archive = [scene(day, cloud) for day, cloud in clouds.items()]
    assert days(choose(scene(10), archive, PARAMETERS).clearest) == [6, 4, 7]


def test_the_preselection_reaches_into_the_future_where_the_nearest_do_not():
    archive = [scene(day, cloud) for day, cloud in {7: 50, 8: 60, 9: 70, 11: 5, 12: 6, 13: 0}.items()]
    chosen = choose(scene(10), archive, PARAMETERS)
    assert days(chosen.nearest) == [9, 8, 7]
    assert days(chosen.clearest) == [11, 12, 7]


def test_of_equally_clear_ones_the_nearer_is_taken():
    archive = [scene(day, 5.0) for day in (5, 6, 7, 8, 9)]
    assert days(choose(scene(10), archive, PARAMETERS).clearest) == [9, 8, 7]


def test_the_scene_itself_and_other_tiles_are_no_candidates():
    itself = scene(10)
    other_tile = scene(9, tile="33TVM")
    assert choose(itself, [itself, other_tile], PARAMETERS).nearest == ()
    assert choose(itself, [itself], replace(PARAMETERS, hours_excluded=0.0)).nearest == ()


@pytest.mark.parametrize(("hours", "is_candidate"), [(18.0, False), (18.001, True), (-18.0, False), (-18.001, True)])
def test_candidates_are_strictly_farther_than_the_excluded_hours(hours, is_candidate):
    other = scene(10 + hours / 24, index="day0")
    assert bool(choose(scene(10), [other], PARAMETERS).nearest) is is_candidate


@pytest.mark.parametrize(("share", "is_candidate"), [(0.94, False), (0.96, True)])
def test_candidates_cover_enough_of_the_footprint(share, is_candidate):
    other = scene(9, footprint=narrower(share))
    assert bool(choose(scene(10), [other], PARAMETERS).nearest) is is_candidate


def test_it_is_the_scenes_footprint_that_must_be_covered():
    partial = scene(10, footprint=narrower(0.3))
    assert days(choose(partial, [scene(9)], PARAMETERS).nearest) == [9]
    assert choose(scene(10), [replace(partial, time_start_ms=0)], PARAMETERS).nearest == ()


def test_exactly_the_common_area_is_not_enough():
    parameters = replace(PARAMETERS, common_area=1.0)
    assert choose(scene(10), [scene(9)], parameters).nearest == ()


def test_any_order_of_the_archive_gives_the_same_backgrounds():
    shuffler = random.Random(1)
    archive = [
        scene(day, shuffler.randrange(3), id=f"{day}{twin}", index=f"day{day}{twin}")
        for day in range(20)
        for twin in "12"
    ]
    expected = choose(scene(10), archive, PARAMETERS)
    for _ in range(10):
        shuffler.shuffle(archive)
        assert choose(scene(10), archive, PARAMETERS) == expected


def test_footprints_are_compared_only_as_far_as_needed(monkeypatch):
    compared = []
    monkeypatch.setattr(backgrounds, "common_share", lambda *rings: compared.append(rings) or 1.0)
    choose(scene(2000), [scene(day) for day in range(1500)], PARAMETERS)
    assert len(compared) == PARAMETERS.number_preselect
