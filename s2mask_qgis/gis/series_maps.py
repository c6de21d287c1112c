"""Which bands of a series' files become layers: what each shows, how it is called and styled, and its time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from qgis.core import QgsDateTimeRange

from ..core.filling.quality import HIGHEST_ORDER, LINEAR, OBSERVED, SAVITZKY_GOLAY, WHITTAKER, words
from ..jobs.series_report import OutputKind, SeriesOutput
from .series_styles import (
    DIVERGING,
    LIGHT_TO_DARK,
    SEQUENCE,
    BandStyle,
    amount_style,
    change_style,
    day_style,
    index_style,
    quality_style,
    tr,
    uncertainty_style,
)
from .time_steps import days_range

CODES = (OBSERVED, *range(1, HIGHEST_ORDER + 1), LINEAR, SAVITZKY_GOLAY, WHITTAKER)
"""The codes of quality that have a colour; values that are not there are transparent."""

FINAL = "_final"
"""Ends the name of the band, or of the file, that holds the filled values of an index."""


class SeriesKind(Enum):
    """What a layer shows; the order is that of drawing, the first one on top."""

    BETWEEN_YEARS = "between_years"
    PRODUCTIVITY = "productivity"
    QUALITY = "quality"
    UNCERTAINTY = "uncertainty"
    SUPPORT = "support"
    FILLED = "filled"


SHOWN_AT_FIRST = frozenset({SeriesKind.FILLED})


@dataclass(frozen=True)
class SeasonMap:
    """One parameter of a season: its title, whether it has a layer at once, and its style for a year."""

    title: str
    is_shown: bool
    style: Callable[[str, int], BandStyle]


@dataclass(frozen=True)
class SeriesLayer:
    """A layer to be: a band of a file with its name, its style and the days it stands for (None for always)."""

    output: SeriesOutput
    band: int
    kind: SeriesKind
    name: str
    style: BandStyle
    days: tuple[date, date] | None
    is_visible: bool = True

    @property
    def source(self) -> str:
        """The file and the band, as text."""
        return f"{self.output.path}|{self.band}"

    @property
    def time_range(self) -> QgsDateTimeRange | None:
        """When the layer shows."""
        return days_range(*self.days) if self.days else None


def group_title(kind: SeriesKind) -> str:
    """What users call a kind of layers."""
    titles = {
        SeriesKind.BETWEEN_YEARS: tr("Change between years"),
        SeriesKind.PRODUCTIVITY: tr("Seasons and productivity"),
        SeriesKind.QUALITY: tr("Quality"),
        SeriesKind.UNCERTAINTY: tr("Uncertainty"),
        SeriesKind.SUPPORT: tr("Observations"),
        SeriesKind.FILLED: tr("Filled"),
    }
    return titles[kind]


def layers_of(output: SeriesOutput) -> list[SeriesLayer]:
    """The layers that a file has at once, in the order in which they are worth seeing."""
    if output.kind is OutputKind.PRODUCTIVITY:
        return [planned for planned in maps_of(output) if _season_map(output.bands[planned.band - 1]).is_shown]
    return maps_of(output)


def maps_of(output: SeriesOutput) -> list[SeriesLayer]:
    """Everything in a file that can be a layer."""
    if output.kind is OutputKind.SERIES:
        found = [_dated_band(output, band) for band in range(1, len(output.bands) + 1)]
    else:
        found = [_single_band(output, band, name) for band, name in enumerate(output.bands, start=1)]
    order = list(SeriesKind)[::-1]
    suffix = f" · {output.series}" if output.series else ""
    named = [replace(planned, name=planned.name + suffix) for planned in found if planned]
    return sorted(named, key=lambda planned: order.index(planned.kind))


def season_title(band: str) -> str:
    """What users call a band of a year's productivity: "Start of season", "Length, second season"."""
    base, _, number = band.partition("_")
    title = tr(_season_map(band).title or base)
    return tr("{}, second season").format(title) if number == "2" else title


def _dated_band(output: SeriesOutput, band: int) -> SeriesLayer | None:
    """A band of a file that holds one quantity of all dates."""
    kind = _kind_of(output.path.stem)
    if kind is None:
        return None
    day = date.fromisoformat(output.bands[band - 1])
    style = _value_style(kind, output.path.stem.removesuffix(FINAL))
    return SeriesLayer(output, band, kind, day.isoformat(), style, (day, day))


def _single_band(output: SeriesOutput, band: int, name: str) -> SeriesLayer | None:
    days = (date.fromisoformat(output.first_day), date.fromisoformat(output.last_day))
    if output.kind is OutputKind.FILLED:
        kind = _kind_of(name)
        index = output.bands[0]
        return kind and SeriesLayer(output, band, kind, _days_text(days), _value_style(kind, index), days)
    if output.kind is OutputKind.PRODUCTIVITY:
        title = season_title(name)
        style = _season_map(name).style(title, days[0].year)
        is_visible = name == "TPROD_1"
        return SeriesLayer(output, band, SeriesKind.PRODUCTIVITY, f"{days[0].year}  {title}", style, days, is_visible)
    if output.kind is OutputKind.SUPPORT:
        title, style = _support(name)
        return SeriesLayer(output, band, SeriesKind.SUPPORT, title, style, None, band == 1)
    title, style = _between_years(name)
    return SeriesLayer(output, band, SeriesKind.BETWEEN_YEARS, title, style, None, band == 1)


def _kind_of(name: str) -> SeriesKind | None:
    """What a band, or a file of all dates, of this name holds; None for the observations, which the user has."""
    if name.endswith(FINAL):
        return SeriesKind.FILLED
    return {"quality": SeriesKind.QUALITY, "uncertainty": SeriesKind.UNCERTAINTY}.get(name)


def _value_style(kind: SeriesKind, index: str) -> BandStyle:
    if kind is SeriesKind.QUALITY:
        return quality_style({**{code: words(code) for code in CODES}, OBSERVED: tr("observed (transparent)")})
    return index_style(index) if kind is SeriesKind.FILLED else uncertainty_style(tr("the index"))


def _support(band: str) -> tuple[str, BandStyle]:
    known = {
        "observations": (tr("Clear observations"), amount_style(tr("Clear observations"), 50, SEQUENCE)),
        "rejected": (tr("Observations left out"), amount_style(tr("Observations left out"), 10, LIGHT_TO_DARK)),
        "longest_gap_days": (tr("Longest gap"), amount_style(tr("Longest gap (days)"), 200, LIGHT_TO_DARK)),
    }
    return known.get(band) or (band, amount_style(band, 100, SEQUENCE))


def _season_map(band: str) -> SeasonMap:
    """What is known of a band; one that is not known is an amount without a layer of its own."""
    base, _, number = band.partition("_")
    known = SEASON_MAPS.get(base)
    if known is None:
        return SeasonMap("", False, lambda heading, _year: amount_style(heading, 1.0))
    return known if number != "2" else SeasonMap(known.title, False, known.style)


def _between_years(band: str) -> tuple[str, BandStyle]:
    """Title and style of a map of change by the words in its name."""
    words = re.split(r"[_ ]", band)
    figure = next((word for word in words if word in FIGURES), "")
    of = tr(FIGURES[figure][0]) if figure else band
    most = FIGURES[figure][1] if figure else 0.2
    years = [word for word in words if re.fullmatch(r"\d{4}", word)]
    if "p" in words or "pvalue" in words or "significance" in words:
        title = tr("{}: significance of the trend (p)").format(of)
        return title, amount_style(title, 0.2, DIVERGING[2::-1])
    if "slope" in words or "trend" in words:
        title = tr("{}: trend a year").format(of)
        return title, change_style(title, most / 5)
    title = tr("{}: {} against the other years").format(of, years[0] if years else tr("a year"))
    return title, change_style(title, most)


def _days_text(days: tuple[date, date]) -> str:
    first, last = (day.isoformat() for day in days)
    return first if first == last else f"{first} … {last}"


def _days_from(first_month: int) -> Callable[[str, int], BandStyle]:
    return lambda heading, year: day_style(heading, year, first_month)


def _amount(high: float, unit: str = "") -> Callable[[str, int], BandStyle]:
    return lambda heading, _year: amount_style(f"{heading} ({tr(unit)})" if unit else heading, high)


SEASON_MAPS = {
    "SOSD": SeasonMap("Start of season", True, _days_from(-2)),
    "MAXD": SeasonMap("Maximum of season", True, _days_from(1)),
    "EOSD": SeasonMap("End of season", True, _days_from(4)),
    "LENGTH": SeasonMap("Length of season", True, _amount(365, "days")),
    "AMPL": SeasonMap("Amplitude", True, _amount(0.8)),
    "SPROD": SeasonMap("Seasonal productivity", True, _amount(150, "index x days")),
    "TPROD": SeasonMap("Total productivity", True, _amount(250, "index x days")),
    "SOSV": SeasonMap("Value at the start", False, _amount(1.0)),
    "MAXV": SeasonMap("Value at the maximum", False, _amount(1.0)),
    "EOSV": SeasonMap("Value at the end", False, _amount(1.0)),
    "MINV": SeasonMap("Season minimum", False, _amount(1.0)),
    "LSLOPE": SeasonMap("Slope of the rise", False, _amount(0.02, "index a day")),
    "RSLOPE": SeasonMap("Slope of the fall", False, _amount(0.02, "index a day")),
    "mean": SeasonMap("Mean of the year", False, _amount(1.0)),
    "maximum": SeasonMap("Maximum of the year", False, _amount(1.0)),
    "integral": SeasonMap("Integral of the year", False, _amount(300, "index x days")),
}
"""Bands of a year's productivity by the part of their name before the season's number."""

FIGURES = {
    "mean": ("Mean of the year", 0.2),
    "maximum": ("Maximum of the year", 0.2),
    "integral": ("Integral of the year", 60.0),
}
"""Figures of a year: what users call them, and the change at which the colours end."""
