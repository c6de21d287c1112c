"""What others make of a split: plain straight lines, scipy's Savitzky-Golay filter, a Whittaker package from PyPI."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.signal import savgol_filter

from ndvi_holdouts import Split
from peer_environments import peer_python

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "ndvi-peers"
GRID_DAYS, WINDOW, POLYNOMIAL_ORDER = 5.0, 11, 2


def straight_lines(split: Split) -> np.ndarray:
    """np.interp a pixel: (m, p) at the targets."""
    return _each_pixel(split, lambda days, values: np.interp(split.targets, days, values))


def savitzky_golay(split: Split) -> np.ndarray:
    """np.interp onto a grid of 5 days, scipy's filter, np.interp at the targets: (m, p)."""
    first, last = split.series.days[0], split.series.days[-1]
    grid = np.arange(first, last + GRID_DAYS, GRID_DAYS)

    def of_pixel(days: np.ndarray, values: np.ndarray) -> np.ndarray:
        smooth = savgol_filter(np.interp(grid, days, values), WINDOW, POLYNOMIAL_ORDER)
        return np.interp(split.targets, grid, smooth)

    return _each_pixel(split, of_pixel)


def start_whittaker(splits: list[Split]) -> subprocess.Popen[bytes]:
    """whittaker-eilers with its own cross-validated strength for every pixel, in a process of its environment."""
    python = peer_python(FOLDER, "ndvi_peers.txt")
    arrays = {}
    for number, split in enumerate(splits):
        arrays[f"days{number}"] = split.series.days
        arrays[f"out{number}"] = split.out
        arrays[f"values{number}"] = split.series.values
    np.savez(FOLDER / "splits.npz", **arrays)
    script = Path(__file__).parent / "ndvi_peer_whittaker.py"
    return subprocess.Popen([str(python), str(script), str(FOLDER)])


def whittaker_results(running: subprocess.Popen[bytes]) -> list[np.ndarray]:
    """What the process found, (m, p) for each split. RuntimeError where it failed."""
    if running.wait():
        raise RuntimeError("The Whittaker package failed; its message stands above.")
    with np.load(FOLDER / "results.npz") as stored:
        return [stored[f"result{number}"] for number in range(len(stored.files))]


def _each_pixel(split: Split, of_pixel: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    found = np.full((len(split.targets), split.values.shape[1]), np.nan)
    for pixel in np.flatnonzero(np.isfinite(split.asked).any(axis=0)):
        clear = np.isfinite(split.values[:, pixel])
        found[:, pixel] = of_pixel(split.days[clear], split.values[clear, pixel].astype(float))
    return found
