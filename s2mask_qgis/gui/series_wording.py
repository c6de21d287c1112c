"""The sentences of the series in the dock: what is there, what a method does, what will be written."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ..core.seasons.calendar import EPOCH_ORDINAL, LEAST_MAPPED_SHARE, known_share
from ..jobs.series_progress import Step
from .wording import counted, tr

if TYPE_CHECKING:
    from ..core.filling.parameters import FillParameters
    from ..jobs.series_survey import SeriesSurvey

INDICES = {"ndvi": "NDVI", "evi2": "EVI2", "kndvi": "kNDVI"}
"""Folders of a run's results and what users call the index in them."""

METHODS = {
    "harmonic": "Waves of a year and its parts, held smooth; the best in most places.",
    "published": "Ten, five or one wave a year by plain least squares, as the published project does.",
    "linear": "From one clear date to the next; no smoothing.",
    "savitzky-golay": "A polynomial slid along the dates; smooths short dips away.",
    "whittaker": "The smoothest curve that stays near the observations.",
}
"""What each method does, by its name in the parameters."""

BANDS_PER_DATE, BANDS_PER_SEASON, BANDS_PER_YEAR = 4, 13, 3
BYTES_PER_VALUE = {"float32": 4, "int16 x 10000": 2}
STEP_DAYS = {"5 days": 5.0, "10 days": 10.0, "monthly": 30.4}


def method_text(method: str) -> str:
    """What a method does."""
    return tr(METHODS.get(method, ""))


def step_text(step: Step, percent: int) -> str:
    """What a series that is made is at: "Filling: 40 %"."""
    texts = {
        Step.SAMPLE: tr("Looking at a sample of the pixels: {} %"),
        Step.PLAN: tr("Choosing how to fill: {} %"),
        Step.PIXELS: tr("Filling: {} %"),
    }
    return texts[step].format(percent)


def survey_text(survey: SeriesSurvey) -> str:
    """What a folder holds: "68 dates, 2015-07-11 to 2017-12-22, 10,100 pixels, masks from the folder SCL"."""
    parts = [counted(len(survey.days), tr("date"), tr("dates"))]
    if len(survey.days) > 1:
        parts.append(tr("{} to {}").format(survey.days[0], survey.days[-1]))
    else:
        parts += survey.days
    if survey.grids > 1:
        parts.append(counted(survey.grids, tr("grid"), tr("grids")))
    parts.append(counted(survey.pixels, tr("pixel"), tr("pixels")))
    parts.append(tr("masks from the folder {}").format(survey.masks) if survey.masks else tr("no masks"))
    return ", ".join(parts)


def dates_written(survey: SeriesSurvey, step: str, within: tuple[str | None, str | None]) -> int:
    """How many dates a series has: those of the images, or about as many as fit between the first and the last."""
    first, last = max(within[0] or "", survey.days[0]), min(within[1] or "9999", survey.days[-1])
    if step not in STEP_DAYS:
        return sum(first <= day <= last for day in survey.days)
    length = (date.fromisoformat(last) - date.fromisoformat(first)).days if first <= last else -STEP_DAYS[step]
    return 1 + int(length / STEP_DAYS[step])


def years_mapped(survey: SeriesSurvey, within: tuple[str | None, str | None]) -> int:
    """Of how many years there will be maps of productivity."""
    first, last = (date.fromisoformat(day).toordinal() - EPOCH_ORDINAL for day in (survey.days[0], survey.days[-1]))
    years = {int(day[:4]) for day in survey.days if (within[0] or "") <= day <= (within[1] or "9999")}
    return sum(known_share(year, first, last) >= LEAST_MAPPED_SHARE for year in years)


def series_estimate_text(
    survey: SeriesSurvey, fill: FillParameters, seasons: int, within: tuple[str | None, str | None] = (None, None)
) -> str:
    """What will be written: "68 dates · maps of 3 years · at most 14 MB"; no maps where ``seasons`` a year is 0.

    ``within`` are the first and the last day to write (ISO), None without one.
    """
    dates = dates_written(survey, fill.step, within)
    values = dates * BANDS_PER_DATE * BYTES_PER_VALUE[fill.number_type]
    parts = [counted(dates, tr("date"), tr("dates"))]
    if seasons:
        years = years_mapped(survey, within)
        values += years * (BANDS_PER_SEASON * seasons + BANDS_PER_YEAR) * BYTES_PER_VALUE["float32"]
        parts.append(tr("maps of {}").format(counted(years, tr("year"), tr("years"))))
    return " · ".join((*parts, tr("at most {}").format(space_text(values * survey.pixels))))


def space_text(size: float) -> str:
    """A size in bytes, rounded: "11 MB"."""
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 1000:
            return f"{max(1, round(size))} {unit}"
    return f"{size / 1000:,.1f} GB"
