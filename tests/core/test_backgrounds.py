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


NEAREST, CLOUDY, CLOUDIEST, CLOUDIEST_NEAR, CLEAREST = 1, 2, 3, 4, 5
METHODS = (1, 2, 3, 4, 5)


def chosen_by(method: int, target: Scene, archive, parameters: RunParameters = PARAMETERS) -> tuple[Scene, ...]:
    return choose(target, archive, parameters, [method])[method]


def nearest(target: Scene, archive, parameters: RunParameters = PARAMETERS) -> tuple[Scene, ...]:
    return chosen_by(NEAREST, target, archive, parameters)


def clearest(target: Scene, archive, parameters: RunParameters = PARAMETERS) -> tuple[Scene, ...]:
    return chosen_by(CLEAREST, target, archive, parameters)


def scene(day: float, cloud: float = 0.0, **changes) -> Scene:
    index = f"day{day}"
    return replace(Scene(index, index, "33TWM", int(1_600_000_000_000 + day * DAY_MS), cloud, FOOTPRINT), **changes)


def days(scenes: tuple[Scene, ...]) -> list[float]:
    return [float(item.index.removeprefix("day")) for item in scenes]


def narrower(share: float):
    return tuple((15.0 + (x - 15.0) * share, y) for x, y in FOOTPRINT)


def test_the_latest_before_are_the_nearest_even_where_later_ones_are_nearer():
    archive = [scene(day) for day in (1, 2, 3, 4, 11, 12)]
    assert days(nearest(scene(10), archive)) == [4, 3, 2]


def test_too_few_before_are_filled_up_with_the_earliest_after():
    archive = [scene(day) for day in (8, 11, 12, 13)]
    assert days(nearest(scene(10), archive)) == [8, 11, 12]


def test_without_the_future_there_may_be_fewer_or_none():
    parameters = replace(PARAMETERS, allow_future=False)
    assert days(nearest(scene(10), [scene(8), scene(12)], parameters)) == [8]
    assert choose(scene(10), [scene(12)], parameters, METHODS) == dict.fromkeys(METHODS, ())


def test_the_clearest_come_from_the_preselected_only():
    clouds = {1: 0, 2: 0, 3: 90, 4: 20, 5: 80, 6: 10, 7: 70}
    archive = [scene(day, cloud) for day, cloud in clouds.items()]
    assert days(clearest(scene(10), archive)) == [6, 4, 7]


def test_the_preselection_reaches_into_the_future_where_the_nearest_do_not():
    archive = [scene(day, cloud) for day, cloud in {7: 50, 8: 60, 9: 70, 11: 5, 12: 6, 13: 0}.items()]
    chosen = choose(scene(10), archive, PARAMETERS, METHODS)
    assert days(chosen[NEAREST]) == [9, 8, 7]
    assert days(chosen[CLEAREST]) == [11, 12, 7]


def test_of_equally_clear_ones_the_nearer_is_taken():
    archive = [scene(day, 5.0) for day in (5, 6, 7, 8, 9)]
    assert days(clearest(scene(10), archive)) == [9, 8, 7]


def test_the_scene_itself_and_other_tiles_are_no_candidates():
    itself = scene(10)
    other_tile = scene(9, tile="33TVM")
    assert nearest(itself, [itself, other_tile]) == ()
    assert nearest(itself, [itself], replace(PARAMETERS, hours_excluded=0.0)) == ()


@pytest.mark.parametrize(("hours", "is_candidate"), [(18.0, False), (18.001, True), (-18.0, False), (-18.001, True)])
def test_candidates_are_strictly_farther_than_the_excluded_hours(hours, is_candidate):
    other = scene(10 + hours / 24, index="day0")
    assert bool(nearest(scene(10), [other])) is is_candidate


@pytest.mark.parametrize(("share", "is_candidate"), [(0.94, False), (0.96, True)])
def test_candidates_cover_enough_of_the_footprint(share, is_candidate):
    other = scene(9, footprint=narrower(share))
    assert bool(nearest(scene(10), [other])) is is_candidate


def test_it_is_the_scenes_footprint_that_must_be_covered():
    partial = scene(10, footprint=narrower(0.3))
    assert days(nearest(partial, [scene(9)])) == [9]
    assert nearest(scene(10), [replace(partial, time_start_ms=0)]) == ()


def test_exactly_the_common_area_is_not_enough():
    parameters = replace(PARAMETERS, common_area=1.0)
    assert nearest(scene(10), [scene(9)], parameters) == ()


def test_any_order_of_the_archive_gives_the_same_backgrounds():
    shuffler = random.Random(1)
    archive = [
        scene(day, shuffler.randrange(3), id=f"{day}{twin}", index=f"day{day}{twin}")
        for day in range(20)
        for twin in "12"
    ]
    expected = choose(scene(10), archive, PARAMETERS, METHODS)
    for _ in range(10):
        shuffler.shuffle(archive)
        assert choose(scene(10), archive, PARAMETERS, METHODS) == expected


def test_footprints_are_compared_only_as_far_as_needed(monkeypatch):
    compared = []
    monkeypatch.setattr(backgrounds, "common_share", lambda *rings: compared.append(rings) or 1.0)
    choose(scene(2000), [scene(day) for day in range(1500)], PARAMETERS, (NEAREST, CLOUDIEST_NEAR, CLEAREST))
    assert len(compared) == PARAMETERS.number_preselect


CLOUDS = {1: 95, 2: 85, 3: 20, 4: 30, 5: 20.5, 6: 10, 7: 90, 8: 0, 9: 5}


def test_the_second_background_is_of_the_nearest_cloudy_images():
    archive = [scene(day, cloud) for day, cloud in CLOUDS.items()]
    assert days(chosen_by(CLOUDY, scene(10), archive)) == [7, 5, 4]
    assert days(chosen_by(CLOUDY, scene(10), archive, replace(PARAMETERS, number_of_images=5))) == [7, 5, 4, 2, 1]
    low = replace(PARAMETERS, cloud_threshold=4.0)
    assert days(chosen_by(CLOUDY, scene(10), archive, low)) == [9, 7, 6]


def test_the_third_background_is_of_the_cloudiest_of_the_whole_archive():
    archive = [scene(day, cloud) for day, cloud in CLOUDS.items()] + [scene(50, 92.0)]
    assert days(chosen_by(CLOUDIEST, scene(10), archive)) == [1, 50, 7]
    assert days(chosen_by(CLOUDIEST, scene(10), archive, replace(PARAMETERS, allow_future=False))) == [1, 7, 2]


def test_the_fourth_background_is_of_the_cloudiest_of_the_nearest():
    archive = [scene(day, cloud) for day, cloud in CLOUDS.items()]
    assert days(chosen_by(CLOUDIEST_NEAR, scene(10), archive)) == [7, 5, 6]


def test_as_documented_the_second_and_the_fourth_are_of_less_cloudy_images():
    archive = [scene(day, cloud) for day, cloud in CLOUDS.items()]
    documented = replace(PARAMETERS, methods_as_documented=True)
    assert days(chosen_by(CLOUDY, scene(10), archive, documented)) == [9, 8, 6]
    assert days(chosen_by(CLOUDIEST_NEAR, scene(10), archive, documented)) == [8, 9, 6]
    assert chosen_by(CLOUDIEST, scene(10), archive, documented) == chosen_by(CLOUDIEST, scene(10), archive)


def test_an_image_without_a_band_of_the_scene_is_no_candidate():
    poorer = scene(9, bands=("B2", "B3", "B4", "B8"))
    assert nearest(scene(10), [poorer]) == ()
    assert days(nearest(replace(poorer, index="day10", time_start_ms=scene(10).time_start_ms), [scene(9)])) == [9]


def test_there_are_no_other_methods():
    with pytest.raises(ValueError, match="no background method 6"):
        choose(scene(10), [scene(9)], PARAMETERS, [6])
