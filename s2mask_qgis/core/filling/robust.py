"""Leaving out observations far below a first curve: thin cloud and shadow that a mask missed push NDVI down."""

from __future__ import annotations

import numpy as np

from .masking import zero_unless

SPREADS = 3.0
MOST_REJECTED = 0.2
LEAST_DROP = 0.03
MEAN_TO_DEVIATION = 1.2533
"""The standard deviation of a normal distribution over its mean absolute deviation."""


def rejected(values: np.ndarray, first: np.ndarray, noise: float) -> np.ndarray:
    """Which of ``values`` (n, p, NaN where missing) lie too far below the ``first`` curve (n, p).

    Too far is more than SPREADS times the larger of the series' ``noise`` and the pixel's own spread (by its mean
    absolute residual), and at least LEAST_DROP. At most MOST_REJECTED of a pixel's observations are left out, the
    lowest ones.
    """
    clear = np.isfinite(values)
    below = zero_unless(clear, first - values)
    count = np.count_nonzero(clear, axis=0)
    spread = MEAN_TO_DEVIATION * np.abs(below).sum(axis=0) / np.maximum(count, 1)
    limit = np.maximum(SPREADS * np.maximum(spread, noise), LEAST_DROP)
    out = below > limit
    allowed = (MOST_REJECTED * count).astype(int)
    for pixel in np.flatnonzero(np.count_nonzero(out, axis=0) > allowed):
        lowest = np.argsort(-below[:, pixel], kind="stable")[: allowed[pixel]]
        kept = np.zeros(len(out), bool)
        kept[lowest] = True
        out[:, pixel] &= kept
    return out
