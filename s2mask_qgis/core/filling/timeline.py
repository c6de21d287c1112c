"""Where in time the clear observations of every pixel lie: their count, their neighbours, the longest gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..fields import ParameterError, Problem
from .masking import chosen

DAYS_PER_YEAR = 365.25


FAR_DAYS = np.float32(1e6)
"""Further away than any observation; stands for a side without one where infinity cannot be reckoned with."""


@dataclass(frozen=True)
class Neighbours:
    """The clear observations around each target: how many days before and after it they lie, (m, p) float32, infinity
    where there is none.

    ``row_before`` (m,) is the number of dates at or before each target, ``row_after`` that of dates before it.
    """

    days_before: np.ndarray
    days_after: np.ndarray
    row_before: np.ndarray
    row_after: np.ndarray


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
    longest, latest = np.zeros(clear.shape[1]), np.full(clear.shape[1], days[0])
    for day, is_clear in zip(days, clear):
        np.maximum(longest, day - latest, out=longest)
        latest = chosen(is_clear, day, latest)
    return np.maximum(longest, days[-1] - latest).astype(np.float32)


def neighbours(days: np.ndarray, clear: np.ndarray, targets: np.ndarray) -> Neighbours:
    """The nearest clear observations at or before, and at or after, each target."""
    row_before = np.searchsorted(days, targets, side="right")
    row_after = np.searchsorted(days, targets, side="left")
    padded = np.concatenate([[days[0]], days, [days[-1]]])
    since = days_since(days, clear)[row_before]
    since += (targets - padded[row_before]).astype(np.float32)[:, None]
    until = days_since(-days[::-1], clear[::-1])[::-1][row_after]
    until += (padded[row_after + 1] - targets).astype(np.float32)[:, None]
    return Neighbours(since, until, row_before, row_after)


def days_since(days: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """The days from the last clear observation to each date (n + 1, p) float32, 0 where that is clear, infinity where
    none was; a row before the first date in front."""
    since = np.full((len(days) + 1, clear.shape[1]), np.inf, np.float32)
    steps = np.diff(days, prepend=days[0]).astype(np.float32)
    for date, step in enumerate(steps):
        np.add(since[date], step, out=since[date + 1])
        bits = since[date + 1].view(np.int32)
        bits &= clear[date].astype(np.int32) - np.int32(1)
    return since
