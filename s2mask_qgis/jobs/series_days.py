"""The days that a request asks for, as numbers."""

from __future__ import annotations

import math

from ..engines.errors import SceneError
from ..series.names import day_of_iso
from .series_request import SeriesRequest


def days_asked(request: SeriesRequest) -> tuple[float, float]:
    """The first and the last day to write, days since 1970-01-01 UTC, infinite where none is named.

    SceneError where they are no dates or in the wrong order.
    """
    try:
        first = -math.inf if request.first_day is None else float(day_of_iso(request.first_day))
        last = math.inf if request.last_day is None else float(day_of_iso(request.last_day))
    except ValueError:
        asked = request.first_day, request.last_day
        raise SceneError(f"The days {asked} are no dates; write YYYY-MM-DD, like 2023-05-31.") from None
    if first > last:
        raise SceneError(f"The first day {request.first_day} comes after the last day {request.last_day}.")
    return first, last
