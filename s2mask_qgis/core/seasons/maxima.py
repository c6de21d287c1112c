"""The maxima of every pixel's curve that are high enough above the valleys on both sides to be seasons of their own."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .parameters import SeasonParameters

SEPARATING_SHARE = 0.25
"""A valley parts two seasons where the curve falls into it and rises out of it by this share of the curve's range."""

LEAST_SWING = 1e-3
"""Smaller rises are rounding: a share of them could not be told from nothing in single precision."""


@dataclass(frozen=True)
class Maxima:
    """Maxima of many pixels, one an entry, each with the lowest points on its left and on its right.

    All are (k,) arrays: ``pixel`` is the column of the curve, ``at``, ``left_at`` and ``right_at`` are its rows.
    ``is_left_cut`` and ``is_right_cut`` tell that the lowest point is where the known part of the curve begins or
    ends, so that the curve may have been lower still.
    """

    pixel: np.ndarray
    at: np.ndarray
    left_at: np.ndarray
    right_at: np.ndarray
    is_left_cut: np.ndarray
    is_right_cut: np.ndarray

    def at_entries(self, entries: np.ndarray) -> Maxima:
        """Those of these entries."""
        return Maxima(*(getattr(self, item.name)[entries] for item in fields(self)))


def least_swing(curve: np.ndarray, parameters: SeasonParameters) -> np.ndarray:
    """By how much a curve (m, p) must rise to a maximum and fall from it for a season, (p,), in units of the index."""
    spread = np.fmax.reduce(curve, axis=0) - np.fmin.reduce(curve, axis=0)
    return np.fmax(SEPARATING_SHARE * spread, np.float32(max(parameters.least_amplitude, LEAST_SWING)))


def find_maxima(curve: np.ndarray, swing: np.ndarray) -> Maxima:
    """Every maximum of a curve (m, p) to which it rises, and from which it falls, by more than ``swing`` (p,).

    One walk through time, all pixels at once, that keeps the extreme since the last turn; a turn is known as soon as
    the curve has come back from the extreme by more than ``swing``. NaN ends a curve, what follows begins a new one.
    """
    walk = _Walk(curve, swing)
    for row in range(len(curve)):
        walk.step(row)
    walk.finish()
    return walk.maxima()


class _Walk:
    """The state of all pixels: ``sign`` is 1 on the way up and -1 on the way down, ``extreme`` is sign times value."""

    def __init__(self, curve: np.ndarray, swing: np.ndarray) -> None:
        count = curve.shape[1]
        self._curve, self._swing = curve, swing
        self._sign = np.full(count, -1, np.float32)
        self._extreme = np.full(count, -np.inf, np.float32)
        self._at = np.zeros(count, np.int16)
        self._begin = np.zeros(count, np.int16)
        self._peak = np.full(count, -1, np.int16)  # -1: nothing but a way down from an unknown height so far
        self._left = np.zeros(count, np.int16)
        self._is_left_cut = np.zeros(count, bool)
        self._found: list[tuple[np.ndarray, ...]] = []
        missing = np.isnan(curve)
        self._missing = missing if missing.any() else None

    def step(self, row: int) -> None:
        """Take one row of the curve."""
        if self._missing is not None and row > 0:
            changed = np.flatnonzero(self._missing[row] != self._missing[row - 1])
            is_end = self._missing[row, changed]
            self._end(changed[is_end], row)
            self._begin[changed[~is_end]] = row
        signed = self._curve[row] * self._sign
        further = signed > self._extreme
        np.fmax(self._extreme, signed, out=self._extreme)
        np.maximum(self._at, further * np.int16(row), out=self._at)  # rows only grow: faster than a masked copy
        turned = np.flatnonzero(signed < self._extreme - self._swing)
        if turned.size:
            self._turn(turned, row)

    def finish(self) -> None:
        """No row follows."""
        self._end(np.arange(self._curve.shape[1]), len(self._curve))

    def maxima(self) -> Maxima:
        """All that were found, in the order of time."""
        columns = [np.concatenate(column) for column in zip(*self._found)]
        return Maxima(*(column if column.dtype == bool else column.astype(np.intp) for column in columns))

    def _turn(self, pixels: np.ndarray, row: int) -> None:
        is_top = self._sign[pixels] > 0
        top, bottom = pixels[is_top], pixels[~is_top]
        self._keep(bottom, np.zeros(bottom.size, bool))
        self._peak[top] = self._at[top]
        self._left[bottom] = self._at[bottom]
        self._is_left_cut[bottom] = self._begins_to_rise(bottom)
        self._sign[pixels] *= -1
        self._extreme[pixels] = self._curve[row, pixels] * self._sign[pixels]
        self._at[pixels] = row

    def _begins_to_rise(self, pixels: np.ndarray) -> np.ndarray:
        """Whether the lowest point is the first one known, and no flat stretch that is known follows."""
        at = self._at[pixels]
        return (at == self._begin[pixels]) & (self._curve[at + 1, pixels] > self._curve[at, pixels])

    def _end(self, pixels: np.ndarray, row: int) -> None:
        """The curve is not known from ``row`` on: close what is open, and wait for it to begin anew."""
        falling = pixels[self._sign[pixels] < 0]
        self._keep(falling, self._at[falling] == row - 1)
        self._sign[pixels] = -1
        self._extreme[pixels] = -np.inf
        self._peak[pixels] = -1

    def _keep(self, pixels: np.ndarray, is_right_cut: np.ndarray) -> None:
        has_peak = self._peak[pixels] >= 0
        kept = pixels[has_peak]
        cuts = (self._is_left_cut[kept], is_right_cut[has_peak])
        self._found.append((kept, self._peak[kept], self._left[kept], self._at[kept], *cuts))
