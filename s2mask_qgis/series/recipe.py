"""What is computed of the pixels of a block: filled values, the curve, its support, seasons and figures of years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.filling.curves import fit_curves
from ..core.filling.plan import FillPlan
from ..core.filling.quality import OBSERVED
from ..core.seasons.calendar import LEAST_MAPPED_SHARE, known_share
from ..core.seasons.maps import season_bands, season_maps
from ..core.seasons.parameters import SeasonParameters
from ..core.seasons.years import FIGURES, LEAST_KNOWN_SHARE, LEAST_YEARS_OF_TREND, between_years, year_figures
from .names import iso_day

EACH_IMAGE = "each image"

SEASON_STEP_DAYS = 5
SUPPORT_BANDS = ("observations", "rejected", "longest_gap_days")
TREND_FIGURES = ("mean", "integral")
"""The figures of a year that are compared between years."""


@dataclass(frozen=True)
class Recipe:
    """What is to be computed. ``days`` are those of the images, ``targets`` the written ones (float64, ascending).

    ``at_images`` says that the targets are among the days and that observations are kept, as core.filling's ``fill``
    keeps them; else the final value is the curve's. ``years`` are those of the productivity maps, none without
    ``seasons``; ``full_years`` those of them that are compared.
    """

    plan: FillPlan
    days: np.ndarray
    targets: np.ndarray
    at_images: bool
    seasons: SeasonParameters | None = None
    years: tuple[int, ...] = ()
    full_years: tuple[int, ...] = ()

    @property
    def curve_days(self) -> np.ndarray:
        """The days on which curves are followed for seasons; none without them."""
        return np.empty(0) if self.seasons is None else season_days(self.days)

    @property
    def computed_days(self) -> np.ndarray:
        """All days on which curves are computed: the targets, then those that seasons need besides."""
        return np.concatenate([self.targets, np.setdiff1d(self.curve_days, self.targets)])


@dataclass(frozen=True)
class Results:
    """Of p pixels, float32, NaN where there is none.

    ``written`` (4, m, p): observed, final, quality and uncertainty on the targets. ``support`` (3, p). ``productivity``
    by year (bands, p), ``between`` (bands, p), without bands where there are not two years.
    """

    written: np.ndarray
    support: np.ndarray
    productivity: Mapping[int, np.ndarray]
    between: np.ndarray


def productivity_bands(parameters: SeasonParameters) -> tuple[str, ...]:
    """The bands of a year: the parameters of its seasons, then the figures of the year."""
    return (*season_bands(parameters), *FIGURES)


def between_bands(years: Sequence[int]) -> tuple[str, ...]:
    """The bands of the comparison of years: of each figure the anomaly of each year and, where there are enough years
    for a trend, its slope and p-value."""
    trend = ("slope", "p_value") if len(years) >= LEAST_YEARS_OF_TREND else ()
    return tuple(
        f"{figure}_{name}" for figure in TREND_FIGURES for name in (*(f"anomaly_{year}" for year in years), *trend)
    )


def season_days(days: np.ndarray) -> np.ndarray:
    """The regular days on which curves are followed for seasons: every five from the first image to the last."""
    return np.arange(days[0], days[-1] + 1e-9, SEASON_STEP_DAYS)


def compute(values: np.ndarray, recipe: Recipe) -> Results:
    """The results of clear values (n, p), NaN where missing."""
    curve_days, asked, count = recipe.curve_days, recipe.computed_days, len(recipe.targets)
    curves = fit_curves(recipe.days, values, asked, recipe.plan, errors=count)
    written = np.empty((4, count, values.shape[1]), np.float32)
    written[0] = _on_targets(values, recipe)
    written[1], written[2], written[3] = curves.values[:count], curves.quality[:count], curves.standard_error[:count]
    if recipe.at_images:
        is_kept = ~np.isnan(written[0]) & ~curves.rejected[np.searchsorted(recipe.days, recipe.targets)]
        written[1][is_kept], written[2][is_kept], written[3][is_kept] = written[0][is_kept], OBSERVED, 0.0
    written[2][np.isnan(written[1])] = np.nan
    support = np.stack([curves.count, curves.rejected.sum(axis=0), curves.longest_gap_days]).astype(np.float32)
    order = np.argsort(asked)
    curve = curves.values[order[np.searchsorted(asked, curve_days, sorter=order)]]
    productivity, between = _productivity(curve_days, curve, recipe)
    return Results(written, support, productivity, between)


def _on_targets(values: np.ndarray, recipe: Recipe) -> np.ndarray:
    """The observations that fall on a target, NaN on the others; (m, p)."""
    observed = np.full((len(recipe.targets), values.shape[1]), np.nan, np.float32)
    _, at_target, at_day = np.intersect1d(recipe.targets, recipe.days, return_indices=True)
    observed[at_target] = values[at_day]
    return observed


def _productivity(days: np.ndarray, curve: np.ndarray, recipe: Recipe) -> tuple[dict[int, np.ndarray], np.ndarray]:
    if recipe.seasons is None:
        return {}, np.empty((0, curve.shape[1]), np.float32)
    maps, figures = {}, {}
    for year in recipe.years:
        figures[year] = year_figures(days, curve, year)
        bands = season_maps(days, curve, year, recipe.seasons) | figures[year]
        maps[year] = np.stack([bands[name] for name in productivity_bands(recipe.seasons)])
    if len(recipe.full_years) < 2:
        return maps, np.empty((0, curve.shape[1]), np.float32)
    parts: list[np.ndarray] = []
    for figure in TREND_FIGURES:
        found = between_years(recipe.full_years, np.stack([figures[year][figure] for year in recipe.full_years]))
        has_trend = len(recipe.full_years) >= LEAST_YEARS_OF_TREND
        parts += [*found.anomaly, *((found.slope, found.p_value) if has_trend else ())]
    return maps, np.stack(parts)


def written_days(days: np.ndarray, step: str, first_day: float, last_day: float) -> np.ndarray:
    """The days that are written, from ``first_day`` to ``last_day`` and never outside of the images' ``days``.

    ``step`` is one of core.filling.parameters.STEPS. Steps of five and ten days count from 1970-01-01, so that tiles
    and runs meet on the same days; "monthly" is the first of each month.
    """
    first, last = max(first_day, days[0]), min(last_day, days[-1])
    if step == EACH_IMAGE:
        return days[(days >= first) & (days <= last)]
    every = np.arange(np.ceil(first), np.floor(last) + 1.0)
    if step == "monthly":
        return every[[iso_day(day).endswith("-01") for day in every]] if every.size else every
    return every[every % int(step.partition(" ")[0]) == 0]


def years_of(days: np.ndarray, first_day: float = -np.inf, last_day: float = np.inf) -> tuple[int, ...]:
    """The calendar years, within the days that are written, in which there is an image."""
    return tuple(sorted({int(iso_day(day)[:4]) for day in days if first_day <= day <= last_day}))


def productivity_years(days: np.ndarray, first_day: float, last_day: float) -> tuple[int, ...]:
    """Those of :func:`years_of` of which LEAST_MAPPED_SHARE lies between the first image and the last."""
    return tuple(year for year in years_of(days, first_day, last_day) if _share(days, year) >= LEAST_MAPPED_SHARE)


def full_years(days: np.ndarray, years: Sequence[int]) -> tuple[int, ...]:
    """Those of ``years`` of which enough lies between the first image and the last for figures of the whole year."""
    return tuple(year for year in years if _share(days, year) >= LEAST_KNOWN_SHARE)


def _share(days: np.ndarray, year: int) -> float:
    return known_share(year, float(days[0]), float(days[-1]))
