"""Cloud shadow in plain numpy, pixel by pixel from its description, used to check the plugin."""

from __future__ import annotations

import math

import numpy as np

COARSE_M = 150
WIDTH_M = 300


def moved(values: np.ndarray, known: np.ndarray, east_px: int, north_px: int) -> tuple[np.ndarray, np.ndarray]:
    """An image moved by whole pixels, and where it has a value; rows run from north to south."""
    rows, columns = values.shape
    result, has = np.zeros_like(values), np.zeros(values.shape, bool)
    for row in range(rows):
        for column in range(columns):
            from_row, from_column = row + north_px, column - east_px
            if 0 <= from_row < rows and 0 <= from_column < columns:
                result[row, column] = values[from_row, from_column]
                has[row, column] = known[from_row, from_column]
    return result, has


def shaded(cloud: np.ndarray, azimuth_deg: float, distance_m: float, pixel_m: float) -> np.ndarray:
    """Distance (pixels) of each pixel's centre from the nearest line that leads away from the sun, ``distance_m``
    long, from the centre of a cloudy pixel; infinite where there is no cloud."""
    rows, columns = np.indices(cloud.shape)
    away_east = -math.sin(math.radians(azimuth_deg)) * distance_m / pixel_m
    away_south = math.cos(math.radians(azimuth_deg)) * distance_m / pixel_m
    length = math.hypot(away_east, away_south)
    nearest = np.full(cloud.shape, np.inf)
    for row, column in zip(*np.nonzero(cloud)):
        down, right = rows - row, columns - column
        along = (right * away_east + down * away_south) / max(length, 1e-9)
        along = np.clip(along, 0, length)
        off_east = right - along * away_east / max(length, 1e-9)
        off_south = down - along * away_south / max(length, 1e-9)
        nearest = np.minimum(nearest, np.hypot(off_east, off_south))
    return nearest


def dark(
    image: np.ndarray, background: np.ndarray, darkening: tuple[float, float, float], least: tuple[float, float]
) -> np.ndarray:
    """Pixels that lack the shares ``darkening`` of the background in all bands, whose background reflects at least
    ``least`` in the first two, and which keep 0.15 of the second. Images are (3, y, x): near infrared, B11, B12."""
    result = image[1] >= 0.15 * background[1]
    for band in range(3):
        result &= image[band] < (1 - darkening[band]) * background[band]
    for band in range(2):
        result &= background[band] >= least[band]
    return result
