"""Which scenes a run masks."""

from __future__ import annotations

import itertools
from datetime import datetime, timezone

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import Scene
from s2mask_qgis.core.selection import matching

HERE = ((15.0, 45.0), (16.4, 45.0), (16.4, 46.0), (15.0, 46.0), (15.0, 45.0))
ELSEWHERE = tuple((x + 10, y) for x, y in HERE)
AREA = Area(((((15.1, 45.1), (15.2, 45.1), (15.2, 45.2), (15.1, 45.1)),),))
PARAMETERS = RunParameters(date_start="2023-05-01", date_end="2023-05-31")


def scene(time: str, index: str = "", footprint=HERE) -> Scene:
    start = datetime.fromisoformat(time).replace(tzinfo=timezone.utc)
    return Scene(f"scenes/{index}", index, "33TWM", int(start.timestamp() * 1000), 0.0, footprint)


def test_both_days_are_included_in_utc():
    inside = scene("2023-05-01T00:00:00"), scene("2023-05-31T23:59:59.999")
    outside = scene("2023-04-30T23:59:59.999"), scene("2023-06-01T00:00:00")
    assert matching([*outside, *inside], AREA, PARAMETERS) == inside


def test_scenes_elsewhere_are_left_out():
    here, elsewhere = scene("2023-05-02T10:00:00"), scene("2023-05-03T10:00:00", footprint=ELSEWHERE)
    assert matching([here, elsewhere], AREA, PARAMETERS) == (here,)


def test_order_is_by_time_then_index_for_any_order_of_the_scenes():
    expected = (
        scene("2023-05-02T10:00:00", "b"),
        scene("2023-05-02T10:00:01", "a"),
        scene("2023-05-02T10:00:01", "c"),
    )
    for order in itertools.permutations(expected):
        assert matching(iter(order), AREA, PARAMETERS) == expected


def test_no_scene_is_no_error():
    assert matching([], AREA, PARAMETERS) == ()
