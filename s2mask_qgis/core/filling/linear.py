"""Straight lines between the clear observations of every pixel; beyond the first and the last the nearest value."""

from __future__ import annotations

import numpy as np

from .timeline import Neighbours


def fit(values: np.ndarray, around: Neighbours) -> np.ndarray:
    """Values (m, p) float32 at the targets of ``around``; NaN for pixels without any clear observation."""
    count = len(values)
    only_after = around.before < 0
    only_before = around.after >= count
    at_before = np.take_along_axis(values, np.where(only_after, np.minimum(around.after, count - 1), around.before), 0)
    at_after = np.take_along_axis(values, np.where(only_before, np.maximum(around.before, 0), around.after), 0)
    is_between = ~(only_after | only_before)
    span = np.where(is_between, around.days_before + around.days_after, 1.0)
    share = np.where(is_between & (span > 0), around.days_before, 0.0) / np.where(span > 0, span, 1.0)
    filled = at_before + (at_after - at_before) * share.astype(np.float32)
    filled[only_after & only_before] = np.nan
    return filled.astype(np.float32, copy=False)


def standard_error(around: Neighbours, noise: float, growth_per_day: float) -> np.ndarray:
    """The error (m, p) float32 of a value carried over a gap, NaN where there is no observation at all.

    The series is taken as a random walk seen with noise, so a straight line between two observations has the variance
    ``noise**2`` weighted by the squared shares plus ``growth_per_day`` times d1 d2 / (d1 + d2) (the Brownian bridge);
    beyond the ends it grows with the days since the nearest observation.
    """
    before, after = around.days_before, around.days_after
    with np.errstate(invalid="ignore"):
        span = before + after
        bridge = np.where(span > 0, before * after / np.where(span > 0, span, 1.0), 0.0)
        shares = np.where(span > 0, (before**2 + after**2) / np.where(span > 0, span, 1.0) ** 2, 1.0)
    is_open = ~np.isfinite(span)
    days_out = np.where(is_open, np.minimum(before, after), bridge)
    variance = noise**2 * np.where(is_open, 1.0, shares) + growth_per_day * days_out
    return np.where(np.isfinite(variance), np.sqrt(np.abs(variance)), np.nan).astype(np.float32)
