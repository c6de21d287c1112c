"""Least squares with a penalty, for many pixels at once that each see other dates of the same columns.

Pixels with the same clear dates share their equations, so these are made once for each pattern of clear dates. All come
from one matrix product of the products of columns with the patterns; they are factorised by Cholesky's method in the
layout (column, row, pattern), so each step runs over patterns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LEAST_ALIKE = 0.1
"""Patterns are looked for where at least this share of pixels has the clear dates of the pixel before."""

MOST_PATTERNS = 0.6
"""With more patterns than this share of the pixels, spreading them out again costs more than it saves."""

WORKING_BYTES, MOST_PX = 10_000_000, 8192
"""The equations of a block of pixels fill about this: few calls, and still near the processor."""


@dataclass(frozen=True)
class Solution:
    """Coefficients (k, p) and the factor of the equations behind them.

    ``factor`` (k, k, u) holds of each of u patterns the lower Cholesky factor: [j, i] is row i of column j, i > j, and
    [j, j] the reciprocal of the diagonal. ``pattern`` (p,) is the pattern of each pixel; None if each has its own.
    ``is_regular`` (p,) tells where all pivots were large enough.
    """

    coefficients: np.ndarray
    factor: np.ndarray
    pattern: np.ndarray | None
    is_regular: np.ndarray


def block_px(numbers: int) -> int:
    """How many pixels are best taken at once where each takes so many single precision numbers, a multiple of 256."""
    return int(np.clip(WORKING_BYTES // (4 * numbers) // 256 * 256, 256, MOST_PX))


def solve(columns: np.ndarray, clear: np.ndarray, values: np.ndarray, penalty: np.ndarray, least: float) -> Solution:
    """Minimise sum over clear dates (value - columns @ c)^2 + sum penalty c^2 for every pixel.

    ``columns`` (n, k) in the type to compute in, ``clear`` (n, p) bool, ``values`` (n, p) with 0 where not clear,
    ``penalty`` (k,). A pixel is singular where a pivot is not more than ``least`` of its diagonal; its coefficients
    are 0.
    """
    first, pattern = distinct(clear)
    packed = _equations(columns, clear if first is None else clear[:, first], penalty)
    factor, is_regular = _factorised(packed, len(penalty), least)
    is_regular = is_regular if pattern is None else is_regular[pattern]
    right = columns.T @ values.astype(columns.dtype, copy=False)
    _substitute(spread(factor, pattern), right)
    if not is_regular.all():
        right[:, ~is_regular] = 0
    return Solution(right, factor, pattern, is_regular)


def refine(solution: Solution, columns: np.ndarray, residuals: np.ndarray, penalty: np.ndarray) -> None:
    """Take the rounding of single precision out of the coefficients, in place, by solving once more for what is left.

    ``residuals`` (n, p) are those of the coefficients, 0 where not clear; the rest as for :func:`solve`. Source: Higham
    (2002), Accuracy and Stability of Numerical Algorithms, chapter 12.
    """
    step = columns.T @ residuals
    step -= penalty[:, None] * solution.coefficients
    _substitute(spread(solution.factor, solution.pattern), step)
    if not solution.is_regular.all():
        step[:, ~solution.is_regular] = 0
    np.add(solution.coefficients, step, out=solution.coefficients)


def replaced(solution: Solution, pixels: np.ndarray, others: Solution) -> Solution:
    """The solution with that of ``pixels`` (q,) taken from ``others``, which holds these pixels alone."""
    patterns = solution.factor.shape[2]
    pattern = np.arange(patterns) if solution.pattern is None else solution.pattern.copy()
    pattern[pixels] = patterns + (np.arange(len(pixels)) if others.pattern is None else others.pattern)
    factor = np.concatenate([solution.factor, others.factor], axis=2)
    coefficients, is_regular = solution.coefficients.copy(), solution.is_regular.copy()
    coefficients[:, pixels], is_regular[pixels] = others.coefficients, others.is_regular
    return Solution(coefficients, factor, pattern, is_regular)


def distinct(clear: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """A pixel (u,) of each pattern of clear dates (n, p) and the pattern of each pixel (p,); None where too few are
    alike to gain by it."""
    keys = _keys(clear)
    if np.count_nonzero(keys[1:] == keys[:-1]) < LEAST_ALIKE * len(keys):
        return None, None
    _, first, pattern = np.unique(keys, return_index=True, return_inverse=True)
    return (first, pattern) if len(first) <= MOST_PATTERNS * len(keys) else (None, None)


def spread(factor: np.ndarray, pattern: np.ndarray | None) -> np.ndarray:
    """The factor of every pixel (k, k, p) out of those of the patterns; other triangle undefined."""
    if pattern is None:
        return factor
    count = len(factor)
    full = np.empty((count, count, len(pattern)), factor.dtype)
    for j in range(count):
        np.take(factor[j, j:], pattern, axis=1, out=full[j, j:], mode="clip")
    return full


def inverse_packed(factor: np.ndarray) -> np.ndarray:
    """The inverse of the normal equations of every pattern, lower columns one after another (k (k + 1) / 2, u).

    Column after column from the last one, each out of those behind it. Source: Takahashi, Fagan and Chin (1973),
    8th PICA Conference, for a matrix without zeros.
    """
    count, _, patterns = factor.shape
    inverse = np.empty_like(factor)
    packed = np.empty((count * (count + 1) // 2, patterns), factor.dtype)
    for j, column in reversed(list(enumerate(_columns(packed, count)))):
        below = factor[j, j + 1 :] * -factor[j, j]
        np.einsum("kip,kp->ip", inverse[j + 1 :, j + 1 :], below, out=column[1:])
        np.einsum("kp,kp->p", column[1:], below, out=column[0])
        column[0] += factor[j, j] * factor[j, j]
        inverse[j, j:] = column
        inverse[j + 1 :, j] = column[1:]
    return packed


def quadratic_forms(columns: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """x' B x (m, u) for every row x of ``columns`` (m, k) and the symmetric matrices B given as lower columns."""
    j, i = np.triu_indices(columns.shape[1])
    return (columns[:, j] * columns[:, i] * np.where(i == j, 1, 2)).astype(packed.dtype) @ packed


def trace(packed: np.ndarray, count: int) -> np.ndarray:
    """The sum of the diagonal (u,) of symmetric matrices given as lower columns."""
    starts = np.concatenate([[0], np.cumsum(np.arange(count, 1, -1))])
    return packed[starts].sum(axis=0)


def _keys(clear: np.ndarray) -> np.ndarray:
    """The clear dates of each pixel as the bits of one value (p,)."""
    padded = np.zeros((-(-len(clear) // 8), 8, clear.shape[1]), np.uint8)
    padded.reshape(-1, clear.shape[1])[: len(clear)] = clear
    padded <<= np.arange(8, dtype=np.uint8)[:, None]
    packed = np.ascontiguousarray(np.bitwise_or.reduce(padded, axis=1).T)
    return packed.view(f"V{packed.shape[1]}").ravel()


def _equations(columns: np.ndarray, clear: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """The normal equations of every pattern, lower columns one after another (k (k + 1) / 2, u)."""
    j, i = np.triu_indices(len(penalty))
    packed = (columns.T[j] * columns.T[i]) @ clear.astype(columns.dtype)
    packed[i == j] += penalty[:, None]
    return packed


def _factorised(packed: np.ndarray, count: int, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Cholesky's factor (k, k, u) of equations, which are overwritten, and where all pivots were large enough (u,)."""
    factor = np.empty((count, count, packed.shape[1]), packed.dtype)
    is_regular = np.ones(packed.shape[1], bool)
    for j, column in enumerate(_columns(packed, count)):
        smallest = np.maximum(least * column[0], np.finfo(packed.dtype).tiny)
        if j:
            update = np.einsum("kip,kp->ip", factor[:j, j:], factor[:j, j], out=factor[j, j:])
            np.subtract(column, update, out=column)
        is_large = column[0] > smallest
        if not is_large.all():
            is_regular &= is_large
            column[0, ~is_large] = 1
        diagonal = np.sqrt(column[0], out=factor[j, j])
        np.reciprocal(diagonal, out=diagonal)
        np.multiply(column[1:], diagonal, out=factor[j, j + 1 :])
    return factor, is_regular


def _columns(packed: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """The lower columns of packed matrices, (k - j, u) each."""
    start = 0
    for rows in range(count, 0, -1):
        yield packed[start : start + rows]
        start += rows


def _substitute(factor: np.ndarray, right: np.ndarray) -> None:
    """Solves factor factor' x = right (k, p) in place."""
    count = len(factor)
    for i in range(count):
        if i:
            right[i] -= np.einsum("kp,kp->p", factor[:i, i], right[:i])
        right[i] *= factor[i, i]
    for i in range(count - 1, -1, -1):
        if i < count - 1:
            right[i] -= np.einsum("kp,kp->p", factor[i, i + 1 :], right[i + 1 :])
        right[i] *= factor[i, i]
