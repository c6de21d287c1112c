"""The smoother of Whittaker on a regular grid of days: closeness to the observations against second differences.

Source: Eilers (2003), A perfect smoother, Analytical Chemistry 75(14). An observation between two steps of the grid
counts for both by its distance, so irregular dates need no shifting.
"""

from __future__ import annotations

import numpy as np

from .savitzky_golay import read_grid
from .timeline import clear_of

STEP_DAYS = 5.0


def grid_of(days: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The regular grid of days (g,) over observations and targets; at least three steps."""
    first, last = min(days[0], targets[0]), max(days[-1], targets[-1])
    return first + STEP_DAYS * np.arange(max(3, int(np.ceil((last - first) / STEP_DAYS)) + 1))


def fit(days: np.ndarray, values: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """Values (m, p) float32 at ``targets``; NaN for pixels with fewer than two clear observations.

    Minimises sum (y - z)^2 + ``strength`` sum (second differences of z on the grid, in units of 5 days)^2.
    """
    grid = grid_of(days, targets)
    clear = clear_of(values)
    level = np.where(clear, values, 0).sum(axis=0, dtype=np.float64) / np.maximum(clear.sum(axis=0), 1)
    bands, right = _normal_equations(grid, days, clear, np.where(clear, values - level, 0.0), strength)
    smooth = _solve_five_bands(bands, right) + level
    smooth[:, clear.sum(axis=0) < 2] = np.nan
    return read_grid(grid, smooth.astype(np.float32), targets)


def _normal_equations(
    grid: np.ndarray, days: np.ndarray, clear: np.ndarray, values: np.ndarray, strength: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """The three lower bands, each (g, p), and the right side (g, p)."""
    steps, pixels = len(grid), clear.shape[1]
    bands = [np.zeros((steps, pixels)) for _ in range(3)]
    right = np.zeros((steps, pixels))
    left = np.clip(np.searchsorted(grid, days, side="right") - 1, 0, steps - 2)
    for date, place in enumerate(left):
        share = (days[date] - grid[place]) / STEP_DAYS
        bands[0][place] += (1 - share) ** 2 * clear[date]
        bands[0][place + 1] += share**2 * clear[date]
        bands[1][place] += share * (1 - share) * clear[date]
        right[place] += (1 - share) * values[date]
        right[place + 1] += share * values[date]
    differences = np.diff(np.eye(steps), 2, axis=0)
    penalty = strength * differences.T @ differences
    for offset, band in enumerate(bands):
        band[: steps - offset] += np.diagonal(penalty, -offset)[:, None]
    return bands, right


def _solve_five_bands(bands: list[np.ndarray], right: np.ndarray) -> np.ndarray:
    """Solves A z = right for every pixel by L D L' of the symmetric five bands; the arguments are overwritten."""
    diagonal, first, second = bands
    steps = len(diagonal)
    for k in range(steps):
        pivot = np.maximum(diagonal[k], 1e-12)
        diagonal[k] = pivot
        if k + 1 < steps:
            factor = first[k] / pivot
            diagonal[k + 1] -= factor * first[k]
            first[k + 1] -= factor * second[k]
            right[k + 1] -= factor * right[k]
            first[k] = factor
        if k + 2 < steps:
            factor = second[k] / pivot
            diagonal[k + 2] -= factor * second[k]
            right[k + 2] -= factor * right[k]
            second[k] = factor
    right /= diagonal
    for k in range(steps - 2, -1, -1):
        right[k] -= first[k] * right[k + 1]
        if k + 2 < steps:
            right[k] -= second[k] * right[k + 2]
    return right
