"""Curves through the clear observations of every pixel, and the filled series that keeps what was observed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import harmonics, linear, penalised, robust, savitzky_golay, whittaker
from .blas import one_thread
from .masking import chosen, nan_unless, zero_unless
from .normal_equations import block_px
from .plan import FillPlan
from .quality import HIGHEST_ORDER, METHOD_CODES, NO_VALUE, OBSERVED
from .timeline import checked_days, clear_of, longest_gap_days, neighbours

BLOCK_PX = 8192
"""The most pixels of a block."""

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


def fit_curves(
    days: np.ndarray,
    values: np.ndarray,
    targets: np.ndarray,
    plan: FillPlan,
    threads: int = 1,
    errors: int | None = None,
) -> Curves:
    """The curves of ``values`` (n, p), NaN where missing, at the days ``targets`` (m,).

    Standard errors are those of the first ``errors`` targets, NaN at the others; None: of all. Pixels are independent:
    blocks and their order change nothing. ParameterError where the days do not rise.
    """
    days, values, targets = _checked(days, values, targets)
    errors = len(targets) if errors is None else errors
    task = _Task(days, targets, plan, errors)
    result = _empty(len(days), len(targets), values.shape[1])
    result.standard_error[errors:] = np.nan

    def work(part: slice) -> None:
        observed = values[:, part]
        fitted = _fitted(observed, task)
        result.values[:, part], result.quality[:, part] = fitted.values, fitted.quality
        result.standard_error[:errors, part] = fitted.error
        np.greater(clear_of(observed), fitted.used, out=result.rejected[:, part])
        result.count[part] = np.count_nonzero(fitted.used, axis=0)
        result.longest_gap_days[part] = longest_gap_days(days, fitted.used)

    _run(work, values.shape[1], task.block_px(), threads)
    return result


def fill(days: np.ndarray, values: np.ndarray, plan: FillPlan, threads: int = 1) -> Filled:
    """``values`` (n, p) with its gaps filled: an observation is kept, quality -1 and uncertainty 0, unless the robust
    refit left it out. ParameterError where the days do not rise."""
    days, values, _ = _checked(days, values, days)
    task = _Task(days, days, plan, len(days))
    types = (np.float32, np.float32, np.int16, np.float32)
    result = Filled(*(np.empty(values.shape, kind) for kind in types))

    def work(part: slice) -> None:
        observed = values[:, part]
        fitted = _fitted(observed, task)
        result.observed[:, part] = nan_unless(clear_of(observed), observed)
        result.final[:, part] = chosen(fitted.used, observed, fitted.values)
        result.quality[:, part] = chosen(fitted.used, np.int16(OBSERVED), fitted.quality)
        result.uncertainty[:, part] = zero_unless(~fitted.used, fitted.error)

    _run(work, values.shape[1], task.block_px(), threads)
    return result


def fitted_values(
    days: np.ndarray, values: np.ndarray, targets: np.ndarray, plan: FillPlan, threads: int = 1
) -> np.ndarray:
    """The curves' values (m, p) float32 alone, without the robust refit and without their errors."""
    values, targets = np.asarray(values, np.float32), np.asarray(targets, np.float64)
    task = _Task(days, targets, plan, 0)
    result = np.empty((len(targets), values.shape[1]), np.float32)

    def work(part: slice) -> None:
        result[:, part] = _values_alone(values[:, part], task)

    _run(work, values.shape[1], task.block_px(), threads)
    return result


def _checked(days: np.ndarray, values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.asarray(values, np.float32)
    return checked_days(days, values), values, np.asarray(targets, np.float64)


def _run(work: Callable[[slice], None], pixels: int, size_px: int, threads: int) -> None:
    """Do ``work`` for every block of pixels."""
    parts = [slice(start, start + size_px) for start in range(0, pixels, size_px)]
    if threads == 1 or len(parts) == 1:
        for part in parts:
            work(part)
        return
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))


def _empty(dates: int, targets: int, pixels: int) -> Curves:
    return Curves(
        np.empty((targets, pixels), np.float32),
        np.empty((targets, pixels), np.float32),
        np.empty((targets, pixels), np.int16),
        np.empty((dates, pixels), bool),
        np.empty(pixels, np.int16),
        np.empty(pixels, np.float32),
    )


@dataclass(frozen=True)
class _Task:
    """What is the same for all blocks: the curves at ``targets`` and the errors at the first ``errors`` of them."""

    days: np.ndarray
    targets: np.ndarray
    plan: FillPlan
    errors: int

    @cached_property
    def at_days(self) -> np.ndarray:
        """The columns of the prior at the days of the series (n, k), single precision."""
        return self.plan.prior.columns(self.days).astype(np.float32)

    @cached_property
    def at_targets(self) -> np.ndarray:
        """The columns of the prior at the targets (m, k), single precision."""
        return self.plan.prior.columns(self.targets).astype(np.float32)

    def gap_error(self, used: np.ndarray) -> np.ndarray:
        """The errors (e, p) that follow from the days to the nearest ``used`` observations (n, p)."""
        around = neighbours(self.days, used, self.targets[: self.errors])
        return linear.standard_error(around, self.plan.noise, self.plan.growth_per_day)

    def block_px(self) -> int:
        """Pixels of a block: its largest arrays are the equations, the series themselves, or a regular grid of days."""
        numbers = 4 * (len(self.days) + len(self.targets))
        if self.plan.method == "harmonic":
            numbers = max(numbers, self.at_days.shape[1] ** 2)
        elif self.plan.method in ("whittaker", "savitzky-golay"):
            numbers = max(numbers, 8 * len(whittaker.grid_of(self.days, self.targets)))
        elif self.plan.method == "published":
            numbers = max(numbers, 2 * harmonics.unknowns(max(harmonics.ORDERS)) ** 2)
        return min(BLOCK_PX, block_px(numbers))


@dataclass(frozen=True)
class _Fitted:
    """Of a block: which observations were ``used`` (n, p), ``values`` and ``quality`` at the targets (m, p), the
    quality of one row where it is the same at all, and the ``error`` (e, p) at the first e of them."""

    used: np.ndarray
    values: np.ndarray
    quality: np.ndarray
    error: np.ndarray


def _fitted(values: np.ndarray, task: _Task) -> _Fitted:
    plan = task.plan
    if plan.method == "harmonic":
        return _penalised(values, task)
    used = clear_of(values)
    if plan.robust:
        first = _values_alone(values, _Task(task.days, task.days, plan, 0))
        used = used & ~robust.rejected(nan_unless(used, values), first, plan.noise)
    fitted, quality = _other_method(nan_unless(used, values), task)
    error = task.gap_error(used)
    none = np.isnan(fitted)
    if none.any():
        quality[none], error[none[: task.errors]] = NO_VALUE, np.nan
    return _Fitted(used, fitted, quality, error)


def _penalised(values: np.ndarray, task: _Task) -> _Fitted:
    used, plan, columns = clear_of(values), task.plan, task.at_days
    fitted = penalised.fit(columns, values, used, plan.strength)
    if plan.robust:
        out = robust.rejected(nan_unless(used, values), penalised.curve(fitted, columns), plan.noise)
        used = used & ~out
        fitted = penalised.refit(fitted, columns, values, used, plan.strength)
    sure = penalised.sureness(fitted, columns, task.at_targets[: task.errors], plan.strength, plan.noise)
    curve = _bounded(penalised.curve(fitted, task.at_targets), values, used)
    order = np.clip(np.round((sure.degrees - 1) / 2), 1, HIGHEST_ORDER).astype(np.int16)
    error = _root_of_squares(sure.standard_error, task.gap_error(used))
    none = ~used.any(axis=0)
    if none.any():
        order[none], error[:, none] = NO_VALUE, np.nan
    return _Fitted(used, curve, order[None], error)


def _values_alone(values: np.ndarray, task: _Task) -> np.ndarray:
    clear = clear_of(values)
    if task.plan.method == "harmonic":
        fitted = penalised.fit(task.at_days, values, clear, task.plan.strength)
        return _bounded(penalised.curve(fitted, task.at_targets), values, clear)
    return _other_method(nan_unless(clear, values), task)[0]


def _root_of_squares(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The square root of the sum of squares, in place of ``first``."""
    np.multiply(first, first, out=first)
    first += np.multiply(second, second, out=second)
    return np.sqrt(first, out=first)


def _other_method(values: np.ndarray, task: _Task) -> tuple[np.ndarray, np.ndarray]:
    days, targets, plan = task.days, task.targets, task.plan
    if plan.method == "published":
        return harmonics.fit(days, values, targets)
    clear = clear_of(values)
    if plan.method == "linear":
        fitted = linear.fit(values, neighbours(days, clear, targets))
    elif plan.method == "savitzky-golay":
        fitted = savitzky_golay.fit(days, values, targets)
    else:
        fitted = whittaker.fit(days, values, targets, plan.strength)
    return _bounded(fitted, values, clear), np.full(fitted.shape, METHOD_CODES[plan.method], np.int16)


def _bounded(fitted: np.ndarray, values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """``fitted``, in place, within the range of the pixel's ``used`` values and a margin; NaN where none is."""
    known = nan_unless(used, values)
    low, high = np.fmin.reduce(known, axis=0), np.fmax.reduce(known, axis=0)
    margin = np.float32(MARGIN) * (high - low)
    np.maximum(fitted, low - margin, out=fitted)
    return np.minimum(fitted, high + margin, out=fitted)
