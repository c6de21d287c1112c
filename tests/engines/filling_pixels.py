"""A small real NDVI series with pixels for every rule of filling, as arrays and as images of the tests' own engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from s2mask_qgis.engines.local.values import ImageValue
from tests.engines.in_process import image_of

SHAPE_YX = (6, 9)
BLANK, SINGLE, FEW, GAP, LOW = range(5)
"""Columns of pixels: nothing clear, one date, seven dates, half a year without any, some values far too low."""


def read_series(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Days (n,) and NDVI (n, y, x) float32 of the real series in ``folder``, NaN where it is masked, with columns
    changed as above."""
    stored = np.load(folder / "ndvi_68dates_masks.npz")
    times = np.array(stored["times"], "datetime64[us]")
    days = (times - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    first = np.unique(np.floor(days), return_index=True)[1]
    at = (first, slice(40, 40 + SHAPE_YX[0]), slice(30, 30 + SHAPE_YX[1]))
    clear = (stored["clm"][..., None].reshape(stored["ndvi"].shape)[at] == 0) & (
        stored["is_valid"][..., None].reshape(stored["ndvi"].shape)[at] > 0
    )
    ndvi = np.where(clear, stored["ndvi"][at], np.nan).astype(np.float32)
    return days[first], _with_rules(days[first], ndvi)


def _with_rules(days: np.ndarray, ndvi: np.ndarray) -> np.ndarray:
    changed = ndvi.copy()
    clear = np.flatnonzero(np.isfinite(ndvi[:, 0, LOW]))
    changed[:, :, BLANK] = np.nan
    changed[:, :, [SINGLE, FEW]] = np.nan
    changed[clear[3], :, SINGLE] = 0.4
    changed[clear[::6][:7], :, FEW] = 0.3 + 0.1 * np.arange(7)[:, None]
    changed[(days > days[0] + 200) & (days < days[0] + 390), :, GAP] = np.nan
    changed[clear[3::13], :, LOW] = -0.8
    return changed


def as_images(ndvi: np.ndarray) -> dict[str, ImageValue]:
    """The series as stored images d0, d1, ..."""
    known = np.isfinite(ndvi)
    return {
        f"d{number}": image_of({"NDVI": np.where(valid, values, np.float32(0))}, {"NDVI": valid})
        for number, (values, valid) in enumerate(zip(ndvi, known))
    }
