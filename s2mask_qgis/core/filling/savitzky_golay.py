"""The filter of Savitzky and Golay along time: straight lines onto a regular grid, then a moving polynomial.

Source: Savitzky and Golay (1964), Analytical Chemistry 36(8); for NDVI: Chen et al. (2004), Remote Sensing of
Environment 91.
"""

from __future__ import annotations

import numpy as np

from . import linear
from .timeline import clear_of, neighbours

STEP_DAYS = 5.0
WINDOW_DAYS = 55.0
POLYNOMIAL_ORDER = 2

TOGETHER = 32
"""Targets that are computed in one product; more would meet more steps of the grid that they do not depend on."""


def fit(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Values (m, p) float32 at ``targets``: the filtered regular series, read by straight lines between its steps.

    A series shorter than the window is filtered with the longest odd window that fits, and one of fewer than five
    steps stays straight lines.
    """
    first, last = min(days[0], targets[0]), max(days[-1], targets[-1])
    grid = first + STEP_DAYS * np.arange(int(np.ceil((last - first) / STEP_DAYS)) + 1)
    regular = linear.fit(values, neighbours(days, clear_of(values), grid))
    weights = (_reading(grid, targets) @ _filter(len(grid))).astype(np.float32)
    fitted = np.empty((len(targets), values.shape[1]), np.float32)
    for start in range(0, len(targets), TOGETHER):
        rows = slice(start, start + TOGETHER)
        steps = np.flatnonzero(weights[rows].any(axis=0))
        part = slice(steps[0], steps[-1] + 1)
        np.matmul(weights[rows, part], regular[part], out=fitted[rows])
    return fitted


def read_grid(grid: np.ndarray, regular: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Values (m, p) at ``targets`` by straight lines between the steps of ``regular`` (g, p)."""
    if len(grid) == 1:
        return np.repeat(regular, len(targets), axis=0)
    left, share = _places(grid, targets)
    share = share.astype(regular.dtype)[:, None]
    return regular[left] * (1 - share) + regular[left + 1] * share


def _places(grid: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The step of the grid before each target and the share of the way to the next, (m,) each."""
    left = np.clip(np.searchsorted(grid, targets, side="right") - 1, 0, len(grid) - 2)
    return left, (targets - grid[left]) / (grid[left + 1] - grid[left])


def _reading(grid: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The weights (m, g) of the steps in the values read at targets."""
    return read_grid(grid, np.eye(len(grid)), targets)


def _filter(steps: int) -> np.ndarray:
    """The weights (g, g) of the steps in the filtered ones: the filter is linear, so they are those of unit series."""
    window = min(int(WINDOW_DAYS / STEP_DAYS) | 1, steps - 1 + steps % 2)
    if window <= POLYNOMIAL_ORDER + 2:
        return np.eye(steps)
    from scipy.signal import savgol_filter

    weights = savgol_filter(np.eye(steps), window, POLYNOMIAL_ORDER, axis=0, mode="interp")
    reach = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps)))
    return np.where(reach < window, weights, 0.0)
