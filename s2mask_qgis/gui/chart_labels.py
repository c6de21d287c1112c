"""Dates as words, and where the dates of the seasons stand above the chart without covering each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil, floor

from qgis.PyQt.QtCore import QDate, QLocale

LANES = 2
EM_PER_CHARACTER = 0.6
GAP_EM = 0.8

EPOCH = date(1970, 1, 1)

MONTH_DAYS = 30.44
TICK_STEPS = (1, 2, 5, 10, *(MONTH_DAYS * months for months in (1, 2, 3, 6, 12, 24, 60, 120)))
"""Days from one date of the axis to the next."""


@dataclass(frozen=True)
class Label:
    """A text that belongs to a day and value of the chart; ``lane`` counts lines of text from the top."""

    day: float
    value: float
    text: str
    lane: int = 0


def placed(labels: Sequence[Label], days_per_em: float) -> list[Label]:
    """The labels that find room in one of the lanes, each in the first where it covers none before it.

    ``labels`` are in the order of their days; ``days_per_em`` is how many days a letter's width takes.
    """
    ends = [float("-inf")] * LANES
    found = []
    for label in labels:
        half = 0.5 * (EM_PER_CHARACTER * len(label.text) + GAP_EM) * days_per_em
        lane = next((lane for lane in range(LANES) if ends[lane] <= label.day - half), None)
        if lane is not None:
            ends[lane] = label.day + half
            found.append(replace(label, lane=lane))
    return found


def date_ticks(first: float, last: float, most: int) -> list[tuple[float, str]]:
    """About ``most`` dates at most between two days, with short texts: the year where it begins, else month or day.

    matplotlib's own dates take a third of the time of a whole chart, and do not know the user's language.
    """
    days = [float(day) for day in range(ceil(first), floor(last) + 1)]
    step = next((step for step in TICK_STEPS if (last - first) / most <= step), TICK_STEPS[-1])
    if step < MONTH_DAYS:
        return [(day, date_text(day)) for day in days if is_day_tick(date_of(day), round(step))]
    months = round(step / MONTH_DAYS)
    return [(day, month_text(date_of(day))) for day in days if is_month_tick(date_of(day), months)]


def date_of(day: float) -> date:
    """The date, in UTC, of a day since 1970-01-01."""
    return EPOCH + timedelta(days=floor(day))


def iso_day(day: float) -> str:
    """The date of a day since 1970-01-01 UTC: "2023-05-14"."""
    return date_of(day).isoformat()


def date_text(day: float) -> str:
    """The date in the user's language, short and without the year: "14 May"."""
    return _locale_text(date_of(day), "d MMM")


def month_text(when: date) -> str:
    """The month in the user's language, January as the year: "2023", "Feb"."""
    return str(when.year) if when.month == 1 else _locale_text(when, "MMM")


def is_day_tick(when: date, step: int) -> bool:
    """Whether a date is one of every ``step`` days of its month; the last ones next to the first are left out."""
    return (when.day - 1) % step == 0 and when.day <= 31 - step // 2


def is_month_tick(when: date, months: int) -> bool:
    """Whether a date is the first of one of every so many months."""
    return when.day == 1 and (12 * when.year + when.month - 1) % months == 0


def _locale_text(when: date, pattern: str) -> str:
    return QLocale().toString(QDate(when.year, when.month, when.day), pattern)
