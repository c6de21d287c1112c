"""Clear observations held out of a series, singly or in blocks of days, and what a method makes of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ndvi_series import NdviSeries

SHARE = 0.2
PIXELS, DATES = -1, 0
KINDS_DAYS = (PIXELS, DATES, 15, 30, 60)
LEAST_LEFT = 2


@dataclass(frozen=True)
class Split:
    """A series without the observations ``out`` (n, p): ``kind_days`` is the length of the blocks of days, DATES for
    single dates, PIXELS for single observations that leave their date to other pixels."""

    series: NdviSeries
    kind_days: int
    seed: int
    out: np.ndarray

    @property
    def left(self) -> np.ndarray:
        """The values of all dates (n, p) without what is held out."""
        return np.where(self.out, np.float32(np.nan), self.series.values)

    @property
    def days(self) -> np.ndarray:
        """The days that are left."""
        return self.series.days[np.isfinite(self.left).any(axis=1)]

    @property
    def values(self) -> np.ndarray:
        """The values that are left, of those days."""
        return self.left[np.isfinite(self.left).any(axis=1)]

    @property
    def targets(self) -> np.ndarray:
        """The days that something is held out of."""
        return self.series.days[self.out.any(axis=1)]

    @property
    def asked(self) -> np.ndarray:
        """The held-out observations (m, p), NaN where there is none or the pixel has too few left."""
        enough = np.isfinite(self.values).sum(axis=0) >= LEAST_LEFT
        return np.where(self.out & enough, self.series.values, np.nan)[self.out.any(axis=1)]

    @property
    def true(self) -> np.ndarray | None:
        """What the held-out observations would have been without error (m, p), where that is known."""
        truth = self.series.truth
        return None if truth is None else np.where(np.isfinite(self.asked), truth[self.out.any(axis=1)], np.nan)


def splits_of(series: NdviSeries, seeds: int) -> Iterator[Split]:
    """The splits of a series: every kind with every seed; the same call gives the same splits."""
    for kind_days in KINDS_DAYS:
        for seed in range(seeds):
            rng = np.random.default_rng([kind_days - PIXELS, seed])
            if kind_days == PIXELS:
                out = rng.random(series.values.shape) < SHARE
            else:
                out = np.broadcast_to(_dates_out(series.days, kind_days, rng)[:, None], series.values.shape)
            out = out & np.isfinite(series.values)
            if out.any():
                yield Split(series, kind_days, seed, out)


def fewer_pixels(series: NdviSeries, pixels: int) -> NdviSeries:
    """Pixels evenly over those of a series that were observed often enough to be judged."""
    often = np.flatnonzero(np.isfinite(series.values).sum(axis=0) >= min(8, len(series.days) // 2))
    chosen = often[np.unique(np.linspace(0, len(often) - 1, pixels).round().astype(int))]
    truth = None if series.truth is None else series.truth[:, chosen]
    return NdviSeries(series.name, series.is_field, series.days, series.values[:, chosen], truth)


def _dates_out(days: np.ndarray, kind_days: int, rng: np.random.Generator) -> np.ndarray:
    """SHARE of the dates: drawn one by one, or in blocks that may reach over both ends."""
    wanted = max(1, round(SHARE * len(days)))
    out = np.zeros(len(days), bool)
    if not kind_days:
        out[rng.choice(len(days), wanted, replace=False)] = True
        return out
    for _ in range(50):
        start = rng.uniform(days[0] - kind_days / 2, days[-1] - kind_days / 2)
        block = (days >= start) & (days < start + kind_days)
        if (out | block).sum() <= max(1.5 * wanted, block.sum()):
            out |= block
        if out.sum() >= wanted:
            break
    return out
