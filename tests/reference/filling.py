"""Gap filling once more, pixel by pixel with dense matrices: what the kernels of core/filling are compared with."""

from __future__ import annotations

import numpy as np
from scipy.signal import savgol_filter

YEAR_DAYS = 365.25


def covariance(first: float, second: float, annual_share: float, memory_days: float) -> float:
    """Level, harmonics of the year with variances falling as the fourth power, Matern processes of smoothness 3/2 and,
    with a twentieth of the variance, 1/2."""
    total = sum(k**-4.0 for k in range(1, 11))
    annual = sum(k**-4.0 * np.cos(2 * np.pi * k * (first - second) / YEAR_DAYS) for k in range(1, 11)) / total
    scaled = np.sqrt(3) * abs(first - second) / memory_days
    own = 0.95 * (1 + scaled) * np.exp(-scaled) + 0.05 * np.exp(-abs(first - second) / memory_days)
    return 1 + annual_share * annual + (1 - annual_share) * own


def columns(knots: np.ndarray, at: np.ndarray, annual_share: float, memory_days: float, count: int) -> np.ndarray:
    """The leading ``count`` eigenvectors of the covariance between the knots, scaled and continued to ``at``."""
    between = np.array([[covariance(a, b, annual_share, memory_days) for b in knots] for a in knots])
    across = np.array([[covariance(a, b, annual_share, memory_days) for b in knots] for a in at])
    values, vectors = np.linalg.eigh(between)
    leading = np.argsort(values)[::-1][:count]
    return across @ vectors[:, leading] / np.sqrt(values[leading])


def penalised(
    at_days: np.ndarray, at_targets: np.ndarray, values: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (k,) and curve (m,) of one pixel by least squares with one more row of 0 for each coefficient."""
    clear = np.isfinite(values)
    level = values[clear].mean()
    rows = np.vstack([at_days[clear], np.sqrt(strength) * np.eye(at_days.shape[1])])
    right = np.concatenate([values[clear] - level, np.zeros(at_days.shape[1])])
    coefficients = np.linalg.lstsq(rows, right, rcond=None)[0]
    return coefficients, at_targets @ coefficients + level


def standard_error(
    at_days: np.ndarray, at_targets: np.ndarray, values: np.ndarray, strength: float, noise: float, extra: float
) -> np.ndarray:
    """The standard error (m,) of one pixel's curve; the noise of the series counts as ``extra`` observations."""
    clear = np.isfinite(values)
    seen = at_days[clear]
    inverse = np.linalg.inv(seen.T @ seen + strength * np.eye(seen.shape[1]))
    degrees = np.trace(seen @ inverse @ seen.T)
    residuals = values[clear] - penalised(at_days, seen, values, strength)[1]
    variance = (residuals @ residuals + extra * noise**2) / (clear.sum() - degrees + extra)
    return np.sqrt(variance * np.einsum("mi,ij,mj->m", at_targets, inverse, at_targets))


def beside_gaps(
    error: np.ndarray, days: np.ndarray, at: np.ndarray, values: np.ndarray, noise: float, growth: float
) -> np.ndarray:
    """The error (m,) of a curve with that of a walk over the gap around each target: its variance grows by ``growth`` a
    day away from the observations, which have ``noise``."""
    clear, total = days[np.isfinite(values)], []
    for day, own in zip(at, error):
        before, after = clear[clear <= day], clear[clear >= day]
        if not len(before) or not len(after) or before[-1] == after[0]:
            walk = noise**2 + growth * np.abs(clear - day).min()
        else:
            first, second = day - before[-1], after[0] - day
            span = first + second
            walk = noise**2 * ((first / span) ** 2 + (second / span) ** 2) + growth * first * second / span
        total.append(np.sqrt(own**2 + walk))
    return np.array(total)


def bounded(curve: np.ndarray, values: np.ndarray, margin: float) -> np.ndarray:
    """A curve within the range of the observations and a share of it on either side."""
    low, high = np.nanmin(values), np.nanmax(values)
    return np.clip(curve, low - margin * (high - low), high + margin * (high - low))


def straight_lines(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """np.interp of one pixel."""
    clear = np.isfinite(values)
    return np.interp(targets, days[clear], values[clear])


def savitzky_golay(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Straight lines on a grid of 5 days, a parabola over 11 steps, straight lines at the targets."""
    grid = np.arange(days[0], days[-1] + 5, 5)
    return np.interp(targets, grid, savgol_filter(straight_lines(days, values, grid), 11, 2))


def whittaker(days: np.ndarray, values: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """Dense normal equations of one pixel on a grid of 5 days."""
    grid = days[0] + 5 * np.arange(max(3, int(np.ceil((days[-1] - days[0]) / 5)) + 1))
    reading = np.array([[np.interp(day, grid, unit) for unit in np.eye(len(grid))] for day in days])
    clear = np.isfinite(values)
    bends = np.diff(np.eye(len(grid)), 2, axis=0)
    left = reading[clear].T @ reading[clear] + strength * bends.T @ bends
    smooth = np.linalg.solve(left, reading[clear].T @ values[clear])
    return np.interp(targets, grid, smooth)


def published(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curve (m,) and order (m,) of one pixel by plain least squares of orders 10, 5, 1; NaN and 0 where none fits."""
    clear = np.isfinite(values)
    curve, used = np.full(len(targets), np.nan), np.zeros(len(targets), int)
    for order in (10, 5, 1):
        unknowns = 2 + 2 * order
        rows = np.array([_wave_row(day, order, days.mean()) for day in days[clear]])
        if clear.sum() < 1.5 * unknowns or np.linalg.matrix_rank(rows) < unknowns:
            continue
        found = np.linalg.lstsq(rows, values[clear], rcond=None)[0]
        fitted = np.array([_wave_row(day, order, days.mean()) for day in targets]) @ found
        takes = np.isnan(curve) & ((np.abs(fitted) < 1) | (order == 1))
        curve[takes], used[takes] = np.clip(fitted[takes], -1, 1), order
    return curve, used


def _wave_row(day: float, order: int, middle: float) -> list[float]:
    turn = 2 * np.pi * day / YEAR_DAYS
    waves = [f(k * turn) for k in range(1, order + 1) for f in (np.cos, np.sin)]
    return [1.0, turn - 2 * np.pi * middle / YEAR_DAYS, *waves]
