"""Straight lines between the clear observations of every pixel; beyond the first and the last the nearest value."""

from __future__ import annotations

import numpy as np

from .masking import chosen
from .timeline import FAR_DAYS, Neighbours, clear_of

SHORTEST_DAYS = np.float32(1e-9)
"""Stands for the time between two neighbours where both are the same observation."""


def fit(values: np.ndarray, around: Neighbours) -> np.ndarray:
    """Values (m, p) float32 at the targets of ``around``; NaN for pixels without any clear observation.

    ``values`` (n, p) float32 are those of the dates that ``around`` knows, not finite where not clear.
    """
    before, after = _carried(values)
    from_value, to_value = before[around.row_before], after[around.row_after]
    far = np.minimum(around.days_before, FAR_DAYS)
    share = far / np.maximum(far + around.days_after, SHORTEST_DAYS)
    to_value -= from_value
    to_value *= share
    return np.add(from_value, to_value, out=to_value)


def standard_error(around: Neighbours, noise: float, growth_per_day: float) -> np.ndarray:
    """The error (m, p) float32 of a value carried over a gap, NaN where there is no observation at all.

    The series is taken as a random walk seen with noise, so a straight line between two observations has the variance
    ``noise**2`` weighted by the squared shares plus ``growth_per_day`` times d1 d2 / (d1 + d2) (the Brownian bridge);
    beyond the ends it grows with the days since the nearest observation.
    """
    near = np.minimum(around.days_before, around.days_after)
    share = np.maximum(around.days_before, around.days_after)
    share += near
    with np.errstate(invalid="ignore"):
        np.divide(near, np.maximum(share, SHORTEST_DAYS, out=share), out=share)
        other = np.float32(1) - share
        near *= other
    near *= np.float32(growth_per_day)
    weights = share * share
    weights += np.multiply(other, other, out=other)
    weights *= np.float32(noise**2)
    weights += near
    return np.sqrt(weights, out=weights)


def _carried(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last clear value at or before each date, and the next at or after it, with a row more in front and behind.

    Rows (n + 1, p): before[d] lies before date d, after[d] at or after it; beyond an end stands the nearest one.
    """
    clear = clear_of(values)
    before, after = (np.empty((len(values) + 1, values.shape[1]), np.float32) for _ in range(2))
    after[-1] = np.nan
    for is_clear, row in zip(clear, values):
        after[-1] = chosen(is_clear, row, after[-1])
    for date in range(len(values) - 1, -1, -1):
        after[date] = chosen(clear[date], values[date], after[date + 1])
    before[0] = after[0]
    for date in range(len(values)):
        before[date + 1] = chosen(clear[date], values[date], before[date])
    return before, after
