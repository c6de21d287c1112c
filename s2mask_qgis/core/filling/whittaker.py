"""The smoother of Whittaker on a regular grid of days: closeness to the observations against second differences.

Source: Eilers (2003), A perfect smoother, Analytical Chemistry 75(14). An observation between two steps of the grid
counts for both by its distance, so irregular dates need no shifting.
"""

from __future__ import annotations

import numpy as np

from .masking import zero_unless
from .savitzky_golay import read_grid
from .timeline import clear_of

STEP_DAYS = 5.0
SMALLEST_PIVOT = 1e-12


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
    count = np.count_nonzero(clear, axis=0)
    centred = zero_unless(clear, values).astype(np.float64)
    level = centred.sum(axis=0) / np.maximum(count, 1)
    centred -= level
    centred *= clear
    diagonal, first, right = _normal_equations(grid, days, clear.astype(np.float64), centred, strength)
    _solve_five_bands(diagonal, first, strength, right)
    right += level
    right[:, count < 2] = np.nan
    return read_grid(grid, right.astype(np.float32), targets)


def _normal_equations(
    grid: np.ndarray, days: np.ndarray, weights: np.ndarray, values: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The diagonal, the band below it and the right side, (g, p) each; the second band is ``strength`` everywhere."""
    steps, pixels = len(grid), weights.shape[1]
    differences = np.diff(np.eye(steps), 2, axis=0)
    penalty = strength * differences.T @ differences
    diagonal, first, right = (np.zeros((steps, pixels)) for _ in range(3))
    diagonal += np.diagonal(penalty)[:, None]
    first[:-1] += np.diagonal(penalty, -1)[:, None]
    left = np.clip(np.searchsorted(grid, days, side="right") - 1, 0, steps - 2)
    for date, place in enumerate(left):
        share = (days[date] - grid[place]) / STEP_DAYS
        diagonal[place] += (1 - share) ** 2 * weights[date]
        diagonal[place + 1] += share**2 * weights[date]
        first[place] += share * (1 - share) * weights[date]
        right[place] += (1 - share) * values[date]
        right[place + 1] += share * values[date]
    return diagonal, first, right


def _solve_five_bands(diagonal: np.ndarray, first: np.ndarray, second: float, right: np.ndarray) -> None:
    """Solves A z = right, in place, for every pixel by L D L' of the symmetric five bands, which are overwritten.

    Row by row: the pivot gives way to its reciprocal, ``first`` to that band of L; the other one of L is ``second``
    times the reciprocal.
    """
    steps = len(diagonal)
    part = np.empty_like(right[0])
    for k in range(steps):
        pivot = np.maximum(diagonal[k], SMALLEST_PIVOT, out=diagonal[k])
        np.reciprocal(pivot, out=pivot)
        if k + 1 < steps:
            factor = pivot * first[k]
            diagonal[k + 1] -= np.multiply(factor, first[k], out=part)
            right[k + 1] -= np.multiply(factor, right[k], out=part)
            first[k] = factor
        if k + 2 < steps:
            first[k + 1] -= np.multiply(factor, second, out=part)
            far = np.multiply(pivot, second, out=factor)
            right[k + 2] -= np.multiply(far, right[k], out=part)
            diagonal[k + 2] -= np.multiply(far, second, out=part)
    right *= diagonal
    for k in range(steps - 2, -1, -1):
        right[k] -= np.multiply(first[k], right[k + 1], out=part)
        if k + 2 < steps:
            np.multiply(diagonal[k], second, out=part)
            right[k] -= np.multiply(part, right[k + 2], out=part)
