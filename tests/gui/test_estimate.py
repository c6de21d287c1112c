"""What a run would do, counted with the plugin's own selection of scenes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.selection import matching
from s2mask_qgis.engines.errors import CancelledError
from s2mask_qgis.gui.estimate import Estimate, estimate
from s2mask_qgis.gui.services import Services
from s2mask_qgis.gui.wording import duration_text, estimate_text
from tests.gui.fakes import make_scenes

INSIDE = Area(((((15.0, 48.0), (15.1, 48.0), (15.1, 48.1), (15.0, 48.1), (15.0, 48.0)),),))
FAR = Area(((((5.0, 48.0), (5.1, 48.0), (5.1, 48.1), (5.0, 48.1), (5.0, 48.0)),),))


def never(*_args):
    raise AssertionError("not to be called")


LISTED = frozenset({"image0", "image2", "another"})
SERVICES = Services(never, never, never, matching, lambda request, scenes: 1, lambda path: LISTED, *[never] * 6)


def asked(done_file=None) -> SimpleNamespace:
    return SimpleNamespace(done_file=done_file)


def count(area, start, end, request=None, cancelled=False) -> Estimate:
    parameters = RunParameters(date_start=start, date_end=end)
    return estimate(SERVICES, make_scenes(4), area, parameters, request, lambda: cancelled)


def test_images_are_those_of_the_dates_that_meet_the_area():
    assert count(INSIDE, "2023-01-05", "2023-01-21") == Estimate(2)


def test_images_of_an_earlier_run_count_only_where_there_is_an_output_folder():
    assert count(INSIDE, "2023-01-01", "2023-12-31", request=asked()) == Estimate(4, kept=1)


def test_images_that_a_file_lists_as_done_are_not_counted():
    listed = asked(Path("status.xlsx"))
    assert count(INSIDE, "2023-01-01", "2023-12-31", request=listed) == Estimate(2, kept=1, listed=2)
    everything = count(INSIDE, "2023-01-01", "2023-01-05", request=listed)
    assert (everything.images, everything.listed) == (0, 1)
    assert "status.xlsx lists 1 image of the area and the dates as done" in everything.problem


def test_dates_without_images_name_those_there_are():
    problem = count(INSIDE, "2020-01-01", "2020-12-31").problem
    assert "None of the area's 4 images lies between 2020-01-01 and 2020-12-31" in problem
    assert "2023-01-01 to 2023-01-31" in problem


def test_an_area_off_the_scenes_is_told_with_their_tile():
    assert "does not meet any of the 4 scenes (1 tile: 33UVP)" in count(FAR, "2023-01-01", "2023-12-31").problem


def test_a_count_that_is_out_of_date_stops():
    with pytest.raises(CancelledError):
        count(INSIDE, "2023-01-01", "2023-12-31", cancelled=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "5 s"),
        (12, "10 s"),
        (89, "90 s"),
        (90, "2 min"),
        (340, "6 min"),
        (5400, "1 h 30 min"),
        (11_460, "3 h 10 min"),
    ],
)
def test_durations_are_rough(seconds, text):
    assert duration_text(seconds) == text


def test_an_estimate_without_a_measured_time_names_none():
    assert estimate_text(61, 3, 0.0) == "61 images · 3 done already"
    assert estimate_text(61, 3, 6.0) == "61 images · 3 done already · about 6 min"
    assert estimate_text(1, 1, 6.0) == "1 image · 1 done already"
