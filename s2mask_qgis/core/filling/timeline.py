"""Where in time the clear observations of every pixel lie: their count, their neighbours, the longest gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..fields import ParameterError, Problem

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Neighbours:
    """The clear observations around each target, all arrays (m, p): which dates they are (-1 and n: none) and days."""

    before: np.ndarray
    after: np.ndarray
    days_before: np.ndarray
    days_after: np.ndarray


def checked_days(days: Sequence[float] | np.ndarray, values: np.ndarray) -> np.ndarray:
    """``days`` as float64 (n,); ParameterError where they cannot belong to ``values`` (n, p)."""
    checked = np.asarray(days, np.float64)
    text = ""
    if values.ndim != 2 or checked.ndim != 1 or len(checked) != len(values):
        text = f"days {checked.shape} and values {values.shape} do not belong together; give a day for each row."
    elif not len(checked):
        text = "The series holds no date; give at least one image."
    elif not np.isfinite(checked).all():
        text = "A date of the series is not a number; give days since 1970-01-01."
    elif (np.diff(checked) <= 0).any():
        place = int(np.flatnonzero(np.diff(checked) <= 0)[0])
        first, second = (np.datetime64("1970-01-01") + int(checked[place + k]) for k in (0, 1))
        text = f"The dates must rise, but {second} follows {first}; merge images of the same moment and sort them."
    if text:
        raise ParameterError((Problem("days", text),))
    return checked


def clear_of(values: np.ndarray) -> np.ndarray:
    """Which of ``values`` can be used: finite numbers."""
    return np.isfinite(values)


def longest_gap_days(days: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """The longest time without clear observation of every pixel (p,), float32, both ends of the series included."""
    longest = np.zeros(clear.shape[1])
    latest = np.full(clear.shape[1], days[0])
    for day, is_clear in zip(days, clear):
        np.maximum(longest, day - latest, out=longest)
        latest[is_clear] = day
    return np.maximum(longest, days[-1] - latest).astype(np.float32)


def neighbours(days: np.ndarray, clear: np.ndarray, targets: np.ndarray) -> Neighbours:
    """The nearest clear observations at or before, and at or after, each target; infinitely far where none is."""
    count = len(days)
    numbers = np.arange(count, dtype=np.int32)[:, None]
    outside = np.full((1, clear.shape[1]), -1, np.int32)
    latest = np.vstack([outside, np.maximum.accumulate(np.where(clear, numbers, np.int32(-1)), axis=0)])
    following = np.where(clear, numbers, np.int32(count))[::-1]
    next_ones = np.vstack([np.minimum.accumulate(following, axis=0)[::-1], outside + np.int32(count + 1)])
    before = latest[np.searchsorted(days, targets, side="right")]
    after = next_ones[np.searchsorted(days, targets, side="left")]
    padded = np.concatenate([days, [np.inf, -np.inf]])
    return Neighbours(before, after, targets[:, None] - padded[before], padded[after] - targets[:, None])
