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


def fit(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Values (m, p) float32 at ``targets``: the filtered regular series, read by straight lines between its steps.

    A series shorter than the window is filtered with the longest odd window that fits, and one of fewer than five
    steps stays straight lines.
    """
    first, last = min(days[0], targets[0]), max(days[-1], targets[-1])
    grid = first + STEP_DAYS * np.arange(int(np.ceil((last - first) / STEP_DAYS)) + 1)
    regular = linear.fit(values, neighbours(days, clear_of(values), grid))
    window = min(int(WINDOW_DAYS / STEP_DAYS) | 1, len(grid) - 1 + len(grid) % 2)
    if window > POLYNOMIAL_ORDER + 2:
        from scipy.signal import savgol_filter

        regular = savgol_filter(regular, window, POLYNOMIAL_ORDER, axis=0, mode="interp").astype(np.float32)
    return read_grid(grid, regular, targets)


def read_grid(grid: np.ndarray, regular: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Values (m, p) at ``targets`` by straight lines between the steps of ``regular`` (g, p)."""
    if len(grid) == 1:
        return np.repeat(regular, len(targets), axis=0)
    left = np.clip(np.searchsorted(grid, targets, side="right") - 1, 0, len(grid) - 2)
    share = ((targets - grid[left]) / (grid[left + 1] - grid[left])).astype(np.float32)[:, None]
    return regular[left] * (1 - share) + regular[left + 1] * share
