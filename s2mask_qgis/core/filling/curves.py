"""Curves through the clear observations of every pixel, and the filled series that keeps what was observed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from . import harmonics, linear, penalised, robust, savitzky_golay, whittaker
from .plan import FillPlan
from .quality import HIGHEST_ORDER, METHOD_CODES, NO_VALUE, OBSERVED
from .timeline import checked_days, clear_of, longest_gap_days, neighbours

BLOCK_PX = 2048
MARGIN = 0.5
"""A curve may leave the range of a pixel's own observations by this share of it on either side."""


@dataclass(frozen=True)
class Curves:
    """Curves at m targets of p pixels from n dates.

    ``values`` and ``standard_error`` (m, p) float32, NaN where there is no curve; ``quality`` (m, p) int16 codes;
    ``rejected`` (n, p) observations left out by the robust refit; ``count`` (p,) int16 clear observations used;
    ``longest_gap_days`` (p,) float32.
    """

    values: np.ndarray
    standard_error: np.ndarray
    quality: np.ndarray
    rejected: np.ndarray
    count: np.ndarray
    longest_gap_days: np.ndarray


@dataclass(frozen=True)
class Filled:
    """A filled series, each (n, p): ``observed`` (NaN where missing), ``final``, ``quality``, ``uncertainty``."""

    observed: np.ndarray
    final: np.ndarray
    quality: np.ndarray
    uncertainty: np.ndarray


def fit_curves(days: np.ndarray, values: np.ndarray, targets: np.ndarray, plan: FillPlan, threads: int = 1) -> Curves:
    """The curves of ``values`` (n, p), NaN where missing, at the days ``targets`` (m,).

    Pixels are independent: blocks and their order change nothing. ParameterError where the days do not rise.
    """
    days, values, targets = _checked(days, values, targets)
    result = _empty(len(days), len(targets), values.shape[1])

    def work(part: slice) -> None:
        _store(_block(days, values[:, part], targets, plan), result, part)

    _run(work, values.shape[1], threads)
    return result


def fill(days: np.ndarray, values: np.ndarray, plan: FillPlan, threads: int = 1) -> Filled:
    """``values`` (n, p) with its gaps filled: an observation is kept, quality -1 and uncertainty 0, unless the robust
    refit left it out. ParameterError where the days do not rise."""
    days, values, _ = _checked(days, values, days)
    types = (np.float32, np.float32, np.int16, np.float32)
    result = Filled(*(np.empty(values.shape, kind) for kind in types))

    def work(part: slice) -> None:
        observed = values[:, part]
        curves = _block(days, observed, days, plan)
        kept = clear_of(observed) & ~curves.rejected
        block = Filled(
            observed=np.where(clear_of(observed), observed, np.float32(np.nan)),
            final=np.where(kept, observed, curves.values),
            quality=np.where(kept, np.int16(OBSERVED), curves.quality),
            uncertainty=np.where(kept, np.float32(0), curves.standard_error),
        )
        _store(block, result, part)

    _run(work, values.shape[1], threads)
    return result


def fitted_values(days: np.ndarray, values: np.ndarray, targets: np.ndarray, plan: FillPlan) -> np.ndarray:
    """The curves' values (m, p) float32 alone, without the robust refit and without their errors."""
    if plan.method == "harmonic":
        clear = clear_of(values)
        fitted = penalised.fit(plan.prior.columns(days), values, clear, plan.strength)
        return _bounded(penalised.curve(fitted, plan.prior.columns(targets)), values)
    return _other_method(days, values, targets, plan)[0]


def _checked(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.asarray(values, np.float32)
    return checked_days(days, values), values, np.asarray(targets, np.float64)


def _run(work: Callable[[slice], None], pixels: int, threads: int) -> None:
    """Do ``work`` for every block of pixels."""
    parts = [slice(start, start + BLOCK_PX) for start in range(0, pixels, BLOCK_PX)]
    if threads == 1 or len(parts) == 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))


def _store(block: Curves | Filled, result: Curves | Filled, part: slice) -> None:
    for name, target in vars(result).items():
        target[..., part] = getattr(block, name)


def _empty(dates: int, targets: int, pixels: int) -> Curves:
    return Curves(
        np.empty((targets, pixels), np.float32),
        np.empty((targets, pixels), np.float32),
        np.empty((targets, pixels), np.int16),
        np.empty((dates, pixels), bool),
        np.empty(pixels, np.int16),
        np.empty(pixels, np.float32),
    )


def _block(days: np.ndarray, values: np.ndarray, targets: np.ndarray, plan: FillPlan) -> Curves:
    clear = clear_of(values)
    if not clear.all():
        values = np.where(clear, values, np.float32(np.nan))
    if plan.method == "harmonic":
        used, fitted, error, quality = _penalised(days, values, targets, plan)
    else:
        used = clear
        if plan.robust:
            used = clear & ~robust.rejected(values, fitted_values(days, values, days, plan), plan.noise)
        kept = np.where(used, values, np.float32(np.nan))
        fitted, quality = _other_method(days, kept, targets, plan)
        error = linear.standard_error(neighbours(days, used, targets), plan.noise, plan.growth_per_day)
    none = ~np.isfinite(fitted)
    error[none], quality[none] = np.nan, NO_VALUE
    count = np.count_nonzero(used, axis=0).astype(np.int16)
    return Curves(fitted, error, quality, clear & ~used, count, longest_gap_days(days, used))


def _penalised(
    days: np.ndarray, values: np.ndarray, targets: np.ndarray, plan: FillPlan
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which observations were used (n, p); the curve, its error and its order (m, p)."""
    prior, used = plan.prior, clear_of(values)
    at_days, at_targets = prior.columns(days), prior.columns(targets)
    fitted = penalised.fit(at_days, values, used, plan.strength)
    if plan.robust:
        used = used & ~robust.rejected(values, penalised.curve(fitted, at_days), plan.noise)
        penalised.refit(fitted, at_days, values, used, plan.strength)
    residuals = np.where(used, values - penalised.curve(fitted, at_days), np.float32(0))
    count = np.count_nonzero(used, axis=0)
    sure = penalised.sureness(fitted, prior, at_targets, residuals, count, plan.strength, plan.noise)
    curve = _bounded(penalised.curve(fitted, at_targets), np.where(used, values, np.float32(np.nan)))
    order = np.clip(np.round((sure.degrees - 1) / 2), 1, HIGHEST_ORDER).astype(np.int16)
    return used, curve, sure.standard_error, np.broadcast_to(order, curve.shape).copy()


def _other_method(
    days: np.ndarray, values: np.ndarray, targets: np.ndarray, plan: FillPlan
) -> tuple[np.ndarray, np.ndarray]:
    if plan.method == "published":
        return harmonics.fit(days, values, targets)
    if plan.method == "linear":
        fitted = linear.fit(values, neighbours(days, clear_of(values), targets))
    elif plan.method == "savitzky-golay":
        fitted = savitzky_golay.fit(days, values, targets)
    else:
        fitted = whittaker.fit(days, values, targets, plan.strength)
    fitted = _bounded(fitted, values)
    return fitted, np.full(fitted.shape, METHOD_CODES[plan.method], np.int16)


def _bounded(fitted: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``fitted`` within the range of the pixel's own ``values`` (NaN where missing) and a margin; NaN where none is."""
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    margin = np.float32(MARGIN) * (high - low)
    return np.clip(fitted, low - margin, high + margin)
