"""Statistics: what reducers compute, as folds of values and validity along axis 0, and as folds of weighted values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..values import Column, ComputeError, Records
from .numbers import plain_text

Folded = tuple[np.ndarray, np.ndarray]
Fold = Callable[[np.ndarray, np.ndarray], Folded]
WeightedFold = Callable[[np.ndarray, np.ndarray, np.ndarray], Folded]


def total(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Sum of the valid values; masked where there is none."""
    wide = stack.astype(np.int64 if stack.dtype.kind in "iub" else np.float64, copy=False)
    return np.sum(wide, axis=0, where=valid), valid.any(axis=0)


def product(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Product of the valid values, in double precision; masked where there is none."""
    return np.prod(stack.astype(np.float64), axis=0, where=valid), valid.any(axis=0)


def variance(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Population variance of the valid values."""
    squares, count = _squares(stack, valid)
    return squares / np.maximum(count, 1), count > 0


def sample_variance(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Sample variance (n - 1) of the valid values; masked where there are fewer than two."""
    squares, count = _squares(stack, valid)
    return squares / np.maximum(count - 1, 1), count > 1


def sample_std_dev(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Sample standard deviation (n - 1) of the valid values; masked where there are fewer than two."""
    data, defined = sample_variance(stack, valid)
    return np.sqrt(data), defined


def _squares(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Sum of the squared deviations from the mean, and the number of valid values."""
    count = valid.sum(axis=0)
    mean = np.sum(stack, axis=0, where=valid, dtype=np.float64) / np.maximum(count, 1)
    deviation = np.where(valid, stack.astype(np.float64) - mean, 0.0)
    return (deviation**2).sum(axis=0), count


def all_nonzero(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """1 where no valid value is 0, else 0; masked where no value is valid."""
    return ((stack != 0) | ~valid).all(axis=0).astype(np.uint8), valid.any(axis=0)


def any_nonzero(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """1 where at least one valid value is not 0, else 0; masked where no value is valid."""
    return ((stack != 0) & valid).any(axis=0).astype(np.uint8), valid.any(axis=0)


def first_given(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """First of the valid values."""
    position = valid.argmax(axis=0)
    return np.take_along_axis(stack, position[None], axis=0)[0], valid.any(axis=0)


def first(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """First of the values; masked pixels are none."""
    return first_given(stack, valid)


def last_given(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Last of the valid values."""
    position = len(stack) - 1 - valid[::-1].argmax(axis=0)
    return np.take_along_axis(stack, position[None], axis=0)[0], valid.any(axis=0)


def last(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Last of the values; masked pixels are none."""
    return last_given(stack, valid)


def count_every(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Number of values, null or not."""
    return np.full(stack.shape[1:], len(stack), np.int64), np.ones(stack.shape[1:], bool)


def mode(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Most frequent of the valid values; of several as frequent, the smallest."""
    highest = np.inf if stack.dtype.kind == "f" else np.iinfo(stack.dtype).max
    ordered = np.sort(np.where(valid, stack, np.asarray(highest, stack.dtype)), axis=0)
    count = valid.sum(axis=0)
    best, longest = ordered[0].copy(), np.zeros(stack.shape[1:], np.int64)
    run = np.zeros(stack.shape[1:], np.int64)
    for i, layer in enumerate(ordered):
        run = np.where((layer == ordered[i - 1]) & (i > 0), run + 1, 1)
        longer = (run > longest) & (i < count)
        longest = np.where(longer, run, longest)
        best = np.where(longer, layer, best)
    return best, count > 0


def percentile(share: float) -> Fold:
    """A fold to the value below which ``share`` (0-1) of the valid values lie, between ranks by straight lines.

    0 is the minimum, .5 the median and 1 the maximum, as documented; the reference does not say how others fall
    between ranks, and nothing is ever taken from a histogram here.
    """

    def fold(stack: np.ndarray, valid: np.ndarray) -> Folded:
        highest = np.inf if stack.dtype.kind == "f" else np.iinfo(stack.dtype).max
        ordered = np.sort(np.where(valid, stack, np.asarray(highest, stack.dtype)), axis=0)
        count = valid.sum(axis=0)
        rank = share * np.maximum(count - 1, 0)
        below = np.floor(rank + 1e-9).astype(np.int64)  # .29 x 100 falls short of 29
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        low = np.take_along_axis(ordered, below[None], axis=0)[0].astype(np.float64)
        high = np.take_along_axis(ordered, above[None], axis=0)[0].astype(np.float64)
        part = np.maximum(rank - below, 0.0)
        return np.where((part > 0) & (count > 0), low * (1 - part) + high * part, low), count > 0

    return fold


def companion(kind: str, position: int) -> Fold:
    """A fold of tuples (n, inputs, ...) to their input number ``position``, where their first input is smallest or
    largest (the first of equals)."""

    def fold(stack: np.ndarray, valid: np.ndarray) -> Folded:
        first = stack[:, 0].astype(np.float64)
        worst, find = (np.inf, np.argmin) if kind == "min" else (-np.inf, np.argmax)
        at = find(np.where(valid, first, worst), axis=0)
        return np.take_along_axis(stack[:, position], at[None], axis=0)[0], valid.any(axis=0)

    return fold


def linear_fit(part: int) -> Fold:
    """A fold of pairs x, y (n, 2, ...) to the slope (``part`` 0) or the offset (1) of their least-squares line."""

    def fold(stack: np.ndarray, valid: np.ndarray) -> Folded:
        return _line(stack, valid, valid.astype(np.float64), part)

    return fold


def weighted_linear_fit(part: int) -> WeightedFold:
    """As linear_fit, with weights."""
    return lambda stack, valid, weights: _line(stack, valid, np.where(valid, weights, 0.0), part)


def _line(stack: np.ndarray, valid: np.ndarray, weights: np.ndarray, part: int) -> Folded:
    x, y = stack[:, 0].astype(np.float64), stack[:, 1].astype(np.float64)
    total = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    mean_x, mean_y = (np.where(valid, v * weights, 0.0).sum(axis=0) / total for v in (x, y))
    across = np.where(valid, weights * (x - mean_x) * (y - mean_y), 0.0).sum(axis=0)
    along = np.where(valid, weights * (x - mean_x) ** 2, 0.0).sum(axis=0)
    defined = along > 0
    slope = np.divide(across, along, out=np.zeros_like(across), where=defined)
    return (slope if part == 0 else mean_y - slope * mean_x), defined


def weighted_mean(stack: np.ndarray, valid: np.ndarray, weights: np.ndarray) -> Folded:
    """Mean of the valid values, each counted by its weight."""
    total = np.sum(weights, axis=0, where=valid)
    summed = np.sum(stack * weights, axis=0, where=valid)
    return summed / np.where(total > 0, total, 1.0), total > 0


def weighted_sum(stack: np.ndarray, valid: np.ndarray, weights: np.ndarray) -> Folded:
    """Sum of the valid values times their weights."""
    return np.sum(stack * weights, axis=0, where=valid), valid.any(axis=0)


def weighted_variance(stack: np.ndarray, valid: np.ndarray, weights: np.ndarray) -> Folded:
    """Population variance about the weighted mean, each value counted by its weight."""
    mean, defined = weighted_mean(stack, valid, weights)
    total = np.sum(weights, axis=0, where=valid)
    squares = np.sum((stack - mean) ** 2 * weights, axis=0, where=valid)
    return squares / np.where(defined, total, 1.0), defined


def weighted_std_dev(stack: np.ndarray, valid: np.ndarray, weights: np.ndarray) -> Folded:
    """Population standard deviation, each value counted by its weight."""
    data, defined = weighted_variance(stack, valid, weights)
    return np.sqrt(data), defined


def weighted_mode(stack: np.ndarray, valid: np.ndarray, weights: np.ndarray) -> Folded:
    """The value with the largest total weight. Several such values are refused: which of them is the mode is not
    documented."""
    if not valid.any():
        return np.zeros((), stack.dtype), np.asarray(False)
    keys, at = np.unique(stack[valid], return_inverse=True)
    totals = np.bincount(at, weights[valid])
    if np.count_nonzero(totals == totals.max()) > 1:
        raise ComputeError("the mode of values that are equally frequent is not implemented by the local engine")
    return keys[totals.argmax()], np.asarray(True)


def only_whole(name: str) -> WeightedFold:
    """A fold for reducers whose treatment of pixels that count in part is not documented: they are refused."""

    def refuse(stack: np.ndarray, valid: np.ndarray, weights: np.ndarray) -> Folded:
        raise ComputeError(
            f"Reducer.{name} over pixels that the region cuts is not implemented by the local engine; use unweighted()"
        )

    return refuse


def whole_records(records: Records) -> Records:
    """The records that count for reducers without weights: of the pixels that a region cuts, those whose centre is in
    it."""
    if records.inside is None:
        return Records(records.columns)
    chosen = records.at(records.inside)
    return Records(chosen.columns)


def plain(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def listed(column: Column) -> list[Any]:
    """A column's values, None where null."""
    return [plain(value) if valid else None for value, valid in zip(column.values, column.valid)]


def histogram(records: Records) -> dict[str, float]:
    """How often each value occurs (by weight where records count in part), keyed by the value as a text. Whole numbers
    of a floating-point type are refused: the reference does not say how their texts end."""
    (column,) = records.columns
    weights = np.ones(len(column.values)) if records.weights is None else records.weights
    given = [(value, float(weight)) for value, weight in zip(listed(column), weights) if value is not None]
    keyed = [(isinstance(value, str), value, _key(value), weight) for value, weight in given]
    table: dict[str, float] = {}
    for _, _, key, weight in sorted(keyed):
        table[key] = table.get(key, 0.0) + weight
    return table


def _key(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, (int, float)):
        raise ComputeError(f"only numbers and texts are counted, not {value!r}")
    return plain_text(value)
