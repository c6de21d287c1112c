"""The published interpolation: plain least squares on a straight line and harmonics of order 10, 5 or 1.

The order is chosen for each pixel: the highest with LEAST_SHARE clear observations for each unknown whose equations are
regular. Values of orders above 1 outside (-1, 1) give way to the next lower order.
"""

from __future__ import annotations

import numpy as np

from . import normal_equations as equations
from .timeline import DAYS_PER_YEAR

ORDERS = (10, 5, 1)
LEAST_SHARE = 1.5
SMALLEST_PIVOT = 1e-8


def least_observations(order: int) -> int:
    """Clear observations that a fit of this order needs: half as many again as its 2 + 2 order unknowns."""
    return int(np.ceil(LEAST_SHARE * unknowns(order)))


def unknowns(order: int) -> int:
    """The columns of this order: level, trend and two for each harmonic."""
    return 2 + 2 * order


def columns(days: np.ndarray, order: int, middle: float) -> np.ndarray:
    """The columns 1, t, cos t, sin t, ..., cos (order t), sin (order t) at ``days`` (m,): (m, 2 + 2 order) float64.

    t is 2 pi times years since 1970; in the column t itself the day ``middle`` is subtracted, which changes the level
    alone and keeps the equations well conditioned.
    """
    turns = 2 * np.pi * np.asarray(days, np.float64) / DAYS_PER_YEAR
    waves = [wave(k * turns) for k in range(1, order + 1) for wave in (np.cos, np.sin)]
    return np.column_stack([np.ones_like(turns), turns - 2 * np.pi * middle / DAYS_PER_YEAR, *waves])


def fit(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (m, p) float32 at ``targets`` and the order (m, p) int16 that gave each; NaN and 0 where none could."""
    clear = np.isfinite(values)
    count = clear.sum(axis=0)
    fitted = np.full((len(targets), values.shape[1]), np.nan, np.float32)
    used = np.zeros(fitted.shape, np.int16)
    for order in ORDERS:
        open_pixels = np.flatnonzero((count >= least_observations(order)) & ~np.isfinite(fitted).all(axis=0))
        if not len(open_pixels):
            continue
        part, is_regular = _fit_order(order, days, values[:, open_pixels], targets)
        takes = np.isnan(fitted[:, open_pixels]) & is_regular & ((np.abs(part) < 1) | (order == ORDERS[-1]))
        fitted[:, open_pixels] = np.where(takes, np.clip(part, -1, 1), fitted[:, open_pixels])
        used[:, open_pixels] = np.where(takes, order, used[:, open_pixels])
    return fitted, used


def _fit_order(order: int, days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clear = np.isfinite(values)
    middle = (days[0] + days[-1]) / 2
    design = columns(days, order, middle)
    solution = equations.solve(design, clear, np.where(clear, values, 0), np.zeros(design.shape[1]), SMALLEST_PIVOT)
    return columns(targets, order, middle) @ solution.coefficients, solution.is_regular
