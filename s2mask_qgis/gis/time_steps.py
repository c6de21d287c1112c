"""Images in time: the range in which an image is shown, and the Temporal Controller stepping from image to image."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timezone
from typing import Protocol

from qgis.core import QgsDateTimeRange, QgsInterval, QgsProject, QgsTemporalNavigationObject, QgsUnitTypes
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime

from ..jobs.report import ImageOutcome

ANIMATED_IN_PROJECTS = 1
"""The number by which project files mean QgsTemporalNavigationObject.Animated."""


class TemporalCanvas(Protocol):
    """What is needed of a QgsMapCanvas."""

    def setTemporalRange(self, time_range: QgsDateTimeRange) -> None:  # noqa: N802 (named by QGIS)
        """Show the layers of this range only."""


def image_time(outcome: ImageOutcome) -> datetime:
    """Acquisition time, UTC."""
    return datetime.fromtimestamp(outcome.time_start_ms / 1000, timezone.utc)


def image_range(outcome: ImageOutcome) -> QgsDateTimeRange:
    """The acquisition day (UTC), so that all tiles of a day show together."""
    return day_range(image_time(outcome))


def day_range(day: datetime | date) -> QgsDateTimeRange:
    """A whole day (UTC).

    It ends a second before midnight: QGIS stores ranges in whole seconds and reads both ends as included, and images
    of consecutive days must not show at once.
    """
    return days_range(day, day)


def days_range(first: datetime | date, last: datetime | date) -> QgsDateTimeRange:
    """From the beginning of the first day to the end of the last one (UTC)."""
    begin, end = (QDate(day.year, day.month, day.day) for day in (first, last))
    return QgsDateTimeRange(_utc(begin, QTime(0, 0, 0)), _utc(end, QTime(23, 59, 59)))


def set_up_controller(controller: QgsTemporalNavigationObject, steps: Iterable[QgsDateTimeRange]) -> None:
    """Make the Temporal Controller step from day to day on which there is an image, skipping the days between.

    The day that is shown stays where it is still among the steps. Without steps the controller is switched off.
    """
    ranges = _in_order(steps)
    if not ranges:
        controller.setNavigationMode(QgsTemporalNavigationObject.NavigationOff)
        return
    shown = controller.dateTimeRangeForFrameNumber(controller.currentFrameNumber())
    controller.setTemporalExtents(QgsDateTimeRange(ranges[0].begin(), ranges[-1].end()))
    controller.setAvailableTemporalRanges(ranges)
    controller.setFrameDuration(QgsInterval(1, QgsUnitTypes.TemporalIrregularStep))
    controller.setNavigationMode(QgsTemporalNavigationObject.Animated)
    if shown in ranges:
        controller.setCurrentFrameNumber(ranges.index(shown))


def go_to(controller: QgsTemporalNavigationObject, canvas: TemporalCanvas, wanted: QgsDateTimeRange) -> None:
    """Show one step; raises ValueError where the controller was set up without it."""
    ranges = controller.availableTemporalRanges()
    if wanted not in ranges:
        day = wanted.begin().toString(Qt.DateFormat.ISODate)
        raise ValueError(f"{day} is not among the steps of the Temporal Controller")
    controller.setCurrentFrameNumber(ranges.index(wanted))
    canvas.setTemporalRange(wanted)  # the controller stays silent where this step was its current one already


def store_steps(project: QgsProject, steps: Iterable[QgsDateTimeRange]) -> None:
    """Let the saved project open with the Temporal Controller on these steps.

    Without this QGIS opens it with the controller off and draws the images of all days at once. The entries are those
    that the controller's panel writes when its buttons are pressed (seen in QGIS 3.22).
    """
    ranges = _in_order(steps)
    if not ranges:
        return
    begin, end = ranges[0].begin(), ranges[-1].end()
    settings = project.timeSettings()
    settings.setTimeStep(1)
    settings.setTimeStepUnit(QgsUnitTypes.TemporalIrregularStep)
    panel = "TemporalControllerWidget"
    project.writeEntry(panel, "/NavigationMode", ANIMATED_IN_PROJECTS)
    project.writeEntry(panel, "/StartDateTime", begin.toString(Qt.DateFormat.ISODateWithMs))
    project.writeEntry(panel, "/EndDateTime", end.toString(Qt.DateFormat.ISODateWithMs))


def _in_order(steps: Iterable[QgsDateTimeRange]) -> list[QgsDateTimeRange]:
    """The steps in order of time, each once."""
    by_start = {step.begin().toSecsSinceEpoch(): step for step in steps}
    return [by_start[start] for start in sorted(by_start)]


def _utc(day: QDate, time: QTime) -> QDateTime:
    return QDateTime(day, time, Qt.TimeSpec.UTC)
