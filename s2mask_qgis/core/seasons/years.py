"""Figures of a whole year out of the filled curves, and what years say about each other: anomalies and trends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from .calendar import year_bounds

FIGURES = ("mean", "maximum", "integral")

LEAST_KNOWN_SHARE = 0.9
"""Share of a year on which the curve must be known: with less, the months that are missing decide the figures."""

LEAST_YEARS_OF_ANOMALY = 2
LEAST_YEARS_OF_TREND = 4


@dataclass(frozen=True)
class BetweenYears:
    """What y years say about each other in p pixels, float32, NaN where too few years have a figure.

    ``anomaly`` (y, p): the year's figure less the mean of the other years, in units of the figure. ``slope`` (p,):
    linear trend in units of the figure a year. ``p_value`` (p,): how likely a slope as steep is without any trend.
    """

    anomaly: np.ndarray
    slope: np.ndarray
    p_value: np.ndarray


def year_figures(days: np.ndarray, curve: np.ndarray, year: int) -> dict[str, np.ndarray]:
    """Mean, maximum and integral of a curve (m, p) within a calendar year (UTC), (p,) float32 each.

    ``days`` (m,) are days since 1970-01-01 UTC, ascending; the curve is a straight line between them. ``mean`` is the
    mean over the days on which the curve is known, ``maximum`` the highest of its steps, ``integral`` the mean times
    the days of the year, in index x day. NaN where the curve is known on less than 90 % of the year.
    """
    first, end = year_bounds(year)
    lower, upper = _weights(days, first, end)
    weight = np.append(lower, 0.0) + np.append(0.0, upper)
    needed = np.flatnonzero(weight)
    figures = {name: np.full(curve.shape[1], np.nan, np.float32) for name in FIGURES}
    known_days = np.full(curve.shape[1], weight.sum())
    if weight.sum() < LEAST_KNOWN_SHARE * (end - first):
        return figures
    total = weight[needed].astype(curve.dtype) @ curve[needed[0] : needed[-1] + 1]
    gappy = np.flatnonzero(np.isnan(total))
    if gappy.size:
        total[gappy], known_days[gappy] = _known_total(curve[:, gappy], lower, upper)
    is_enough = known_days >= LEAST_KNOWN_SHARE * (end - first)
    np.divide(total, known_days, out=figures["mean"], where=is_enough, casting="same_kind")
    within = (days >= first) & (days < end)
    np.copyto(figures["maximum"], np.fmax.reduce(curve[within], axis=0), where=is_enough)
    figures["integral"] = figures["mean"] * np.float32(end - first)
    return figures


def between_years(years: Sequence[int], figures: np.ndarray) -> BetweenYears:
    """Anomalies and linear trends of a figure (y, p) of ``years``, NaN where a year has none.

    An anomaly needs a figure of the year and of at least one other one; a trend needs four years. The trend is the
    least-squares line through the years there are, its significance the two-sided t-test of the slope with n - 2
    degrees of freedom. A figure that is the same in all years has the p-value 1. Raises ValueError for years that are
    given twice or do not fit the figures.
    """
    if len(set(years)) != len(years) or len(years) != len(figures):
        raise ValueError(f"{len(figures)} rows of figures do not fit the years {', '.join(map(str, years))}.")
    values = np.asarray(figures, float)
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    anomaly = values - _ratio(total - values, count - 1, count >= LEAST_YEARS_OF_ANOMALY)
    slope, p_value = _trend(np.asarray(years, float), values, known, count)
    return BetweenYears(*(part.astype(np.float32) for part in (anomaly, slope, p_value)))


def _weights(days: np.ndarray, first: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (m - 1,) of both ends of each step in the integral from ``first`` to ``end`` of straight lines."""
    begin, finish = np.clip(days[:-1], first, end), np.clip(days[1:], first, end)
    width = finish - begin
    share = ((begin + finish) / 2.0 - days[:-1]) / np.diff(days)
    return width * (1.0 - share), width * share


def _known_total(curve: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The integral over the steps with both ends known, and how many days these are; (p,) each."""
    steps = lower[:, None] * curve[:-1] + upper[:, None] * curve[1:]
    known = ~np.isnan(steps)
    return np.where(known, steps, 0.0).sum(axis=0), (lower + upper) @ known


def _trend(
    years: np.ndarray, values: np.ndarray, known: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and p-value of the line through the known years of each pixel; (p,) each."""
    is_enough = count >= LEAST_YEARS_OF_TREND
    time = _less_mean(np.broadcast_to(years[:, None], values.shape), known, count)
    about = _less_mean(values, known, count)
    spread = (time**2).sum(axis=0)
    slope = _ratio((time * about).sum(axis=0), spread, is_enough)
    residual = ((about - slope * time) ** 2).sum(axis=0)
    error = np.sqrt(_ratio(residual, (count - 2) * spread, is_enough))
    t = _ratio(np.abs(slope), error, error > 0)
    t[error == 0] = np.inf
    is_flat = is_enough & (np.fmax.reduce(values, axis=0) == np.fmin.reduce(values, axis=0))
    slope[is_flat], t[is_flat] = 0.0, 0.0  # what is left of equal figures is rounding alone
    return slope, 2.0 * stdtr(np.maximum(count - 2, 1), -t)


def _less_mean(values: np.ndarray, known: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Values (y, p) less the mean of the known ones of their pixel, 0 where they are not known."""
    mean = _ratio(np.where(known, values, 0.0).sum(axis=0), count, count > 0)
    return np.where(known, values - mean, 0.0)


def _ratio(above: np.ndarray, below: np.ndarray, where: np.ndarray) -> np.ndarray:
    """``above`` / ``below`` where that is allowed, else NaN."""
    shape = np.broadcast_shapes(np.shape(above), np.shape(below), np.shape(where))
    return np.divide(above, below, out=np.full(shape, np.nan), where=where)
