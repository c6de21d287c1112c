"""Images in time: days, and the Temporal Controller that steps over the days between."""

from __future__ import annotations

import pytest
from qgis.core import QgsDateTimeRange, QgsProject, QgsTemporalNavigationObject, QgsUnitTypes
from qgis.PyQt.QtCore import Qt

from s2mask_qgis.gis.time_steps import go_to, image_range, set_up_controller, store_steps
from s2mask_qgis.jobs.report import ImageOutcome, ImageState

DAY_MS = 86_400_000
START_MS = 1_683_936_000_000  # 2023-05-13 00:00 UTC


class Canvas:
    """Remembers the range that it was asked to show."""

    def __init__(self) -> None:
        self.shown: list[QgsDateTimeRange] = []

    def setTemporalRange(self, time_range: QgsDateTimeRange) -> None:  # noqa: N802
        self.shown.append(time_range)


def outcome(day: float, index: str = "image") -> ImageOutcome:
    return ImageOutcome(index, "33TVM", START_MS + int(day * DAY_MS), ImageState.DONE)


def starts(controller: QgsTemporalNavigationObject) -> list[str]:
    ranges = [controller.dateTimeRangeForFrameNumber(frame) for frame in range(controller.totalFrameCount())]
    return [time_range.begin().toUTC().toString("yyyy-MM-dd HH:mm") for time_range in ranges]


def test_an_image_is_shown_on_its_day_in_utc() -> None:
    shown = image_range(outcome(0.99))
    assert shown.begin().toString(Qt.DateFormat.ISODate) == "2023-05-13T00:00:00Z"
    assert shown.end().toString(Qt.DateFormat.ISODate) == "2023-05-13T23:59:59Z"


def test_tiles_of_one_day_share_a_range_and_the_next_day_does_not_touch_it() -> None:
    assert image_range(outcome(0.1)) == image_range(outcome(0.6))
    assert not image_range(outcome(0)).overlaps(image_range(outcome(1)))


def test_the_controller_steps_from_image_to_image(qgis_app: object) -> None:
    controller = QgsTemporalNavigationObject()
    set_up_controller(
        controller,
        [image_range(outcome(35.4)), image_range(outcome(0.4)), image_range(outcome(5.4)), image_range(outcome(5.5))],
    )
    assert controller.navigationMode() == QgsTemporalNavigationObject.Animated
    assert controller.frameDuration().originalUnit() == QgsUnitTypes.TemporalIrregularStep
    assert starts(controller) == ["2023-05-13 00:00", "2023-05-18 00:00", "2023-06-17 00:00"]


def test_stepping_tells_the_canvas_one_image_after_the_other(qgis_app: object) -> None:
    controller = QgsTemporalNavigationObject()
    set_up_controller(controller, [image_range(outcome(0)), image_range(outcome(5)), image_range(outcome(35))])
    told: list[QgsDateTimeRange] = []
    controller.updateTemporalRange.connect(told.append)
    controller.next()
    controller.next()
    assert told == [image_range(outcome(5)), image_range(outcome(35))]


def test_a_new_image_does_not_move_what_is_shown(qgis_app: object) -> None:
    controller, canvas = QgsTemporalNavigationObject(), Canvas()
    set_up_controller(controller, [image_range(outcome(5)), image_range(outcome(10))])
    go_to(controller, canvas, image_range(outcome(10)))
    set_up_controller(controller, [image_range(outcome(0)), image_range(outcome(5)), image_range(outcome(10))])
    assert controller.currentFrameNumber() == 2


def test_going_to_an_image_sets_frame_and_canvas(qgis_app: object) -> None:
    controller, canvas = QgsTemporalNavigationObject(), Canvas()
    set_up_controller(controller, [image_range(outcome(0)), image_range(outcome(5)), image_range(outcome(35))])
    go_to(controller, canvas, image_range(outcome(35)))
    assert controller.currentFrameNumber() == 2
    go_to(controller, canvas, image_range(outcome(0)))
    assert controller.currentFrameNumber() == 0
    assert canvas.shown == [image_range(outcome(35)), image_range(outcome(0))]


def test_going_to_an_unknown_image_is_refused(qgis_app: object) -> None:
    controller, canvas = QgsTemporalNavigationObject(), Canvas()
    set_up_controller(controller, [image_range(outcome(0))])
    with pytest.raises(ValueError, match=r"2023-05-14.* is not among the steps"):
        go_to(controller, canvas, image_range(outcome(1)))
    assert canvas.shown == []


def test_without_images_the_controller_is_off(qgis_app: object) -> None:
    controller = QgsTemporalNavigationObject()
    set_up_controller(controller, [image_range(outcome(0))])
    set_up_controller(controller, [])
    assert controller.navigationMode() == QgsTemporalNavigationObject.NavigationOff


def test_a_project_remembers_its_steps(qgis_app: object) -> None:
    project = QgsProject()
    store_steps(project, [image_range(outcome(35)), image_range(outcome(0))])
    assert project.timeSettings().timeStepUnit() == QgsUnitTypes.TemporalIrregularStep
    entry = "TemporalControllerWidget"
    assert project.readNumEntry(entry, "/NavigationMode") == (1, True)
    assert project.readEntry(entry, "/StartDateTime") == ("2023-05-13T00:00:00.000Z", True)
    assert project.readEntry(entry, "/EndDateTime") == ("2023-06-17T23:59:59.000Z", True)
