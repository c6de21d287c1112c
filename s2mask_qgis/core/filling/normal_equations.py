"""Least squares with a penalty, for many pixels at once that each see other dates of the same columns.

The normal equations of all pixels come from one matrix product of the products of columns with the pixels' clear
dates; they are factorised by Cholesky's method in the layout (column, column, pixel), so each step runs over pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STRIP = 6
"""Columns that the inverse takes at once."""


@dataclass(frozen=True)
class Solution:
    """Coefficients (k, p), the lower factor (k, k, p) of the normal equations, and where they were regular (p,)."""

    coefficients: np.ndarray
    factor: np.ndarray
    is_regular: np.ndarray


def solve(columns: np.ndarray, clear: np.ndarray, values: np.ndarray, penalty: np.ndarray, least: float) -> Solution:
    """Minimise sum over clear dates (value - columns @ c)^2 + sum penalty c^2 for every pixel.

    ``columns`` (n, k) in the type to compute in, ``clear`` (n, p) bool, ``values`` (n, p) with 0 where not clear,
    ``penalty`` (k,). A pixel is singular where a pivot is not more than ``least`` of its diagonal; its coefficients
    are 0.
    """
    count, pixels = columns.shape[1], clear.shape[1]
    weights = clear.astype(columns.dtype)
    products = np.concatenate([columns[:, j:] * columns[:, j : j + 1] for j in range(count)], axis=1)
    packed = products.T @ weights
    matrix = np.empty((count, count, pixels), columns.dtype)
    start = 0
    for j in range(count):
        matrix[j:, j] = packed[start : start + count - j]
        matrix[j, j] += penalty[j]
        start += count - j
    is_regular = _factorise(matrix, least)
    right = columns.T @ values.astype(columns.dtype, copy=False)
    _substitute(matrix, right)
    right[:, ~is_regular] = 0
    return Solution(right, matrix, is_regular)


def refine(solution: Solution, columns: np.ndarray, clear: np.ndarray, values: np.ndarray, penalty: np.ndarray) -> None:
    """Take the rounding of single precision out of the coefficients, in place, by solving once more for what is left.

    Arguments as for :func:`solve`. Source: Higham (2002), Accuracy and Stability of Numerical Algorithms, chapter 12.
    """
    left = np.where(clear, values - columns @ solution.coefficients, 0).astype(columns.dtype, copy=False)
    step = columns.T @ left - penalty[:, None] * solution.coefficients
    _substitute(solution.factor, step)
    solution.coefficients[:, solution.is_regular] += step[:, solution.is_regular]


def inverse_packed(factor: np.ndarray) -> np.ndarray:
    """The inverse of the normal equations, lower columns one after another (k (k + 1) / 2, p).

    The triangle is gone through in strips of columns, which skips most of its zeros.
    """
    count, _, pixels = factor.shape
    inverse = np.empty_like(factor)
    strips = [slice(start, min(start + STRIP, count)) for start in range(0, count, STRIP)]
    for strip in strips:
        inverse[strip, strip] = 0
        for i in range(strip.start, count):
            to = slice(strip.start, min(strip.stop, i))
            if i > strip.start:
                part = np.einsum("kp,kjp->jp", factor[i, strip.start : i], inverse[strip.start : i, to])
                inverse[i, to] = part / -factor[i, i]
            if i < strip.stop:
                inverse[i, i] = 1 / factor[i, i]
    packed = np.empty((count * (count + 1) // 2, pixels), factor.dtype)
    start = 0
    for j in range(count):
        for strip in strips[j // STRIP :]:
            rows = slice(max(j, strip.start), strip.stop)
            part = inverse[rows.start :, rows]
            packed[start : start + rows.stop - rows.start] = np.einsum("ikp,ip->kp", part, inverse[rows.start :, j])
            start += rows.stop - rows.start
    return packed


def quadratic_forms(columns: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """x' B x (m, p) for every row x of ``columns`` (m, k) and the symmetric matrices B given as lower columns."""
    count = columns.shape[1]
    parts = [columns[:, j:] * columns[:, j : j + 1] * np.where(np.arange(j, count) == j, 1, 2) for j in range(count)]
    return np.concatenate(parts, axis=1).astype(packed.dtype) @ packed


def trace(packed: np.ndarray, count: int) -> np.ndarray:
    """The sum of the diagonal (p,) of symmetric matrices given as lower columns."""
    starts = np.concatenate([[0], np.cumsum(np.arange(count, 1, -1))])
    return packed[starts].sum(axis=0)


def _factorise(matrix: np.ndarray, least: float) -> np.ndarray:
    """Cholesky's factor in the lower triangle of ``matrix`` (k, k, p), in place; where all pivots were large enough."""
    is_regular = np.ones(matrix.shape[2], bool)
    for j in range(len(matrix)):
        smallest = np.maximum(least * matrix[j, j], np.finfo(matrix.dtype).tiny)
        if j:
            matrix[j:, j] -= np.einsum("ikp,kp->ip", matrix[j:, :j], matrix[j, :j])
        is_regular &= matrix[j, j] > smallest
        matrix[j, j] = np.sqrt(np.where(matrix[j, j] > smallest, matrix[j, j], 1))
        matrix[j + 1 :, j] /= matrix[j, j]
    return is_regular


def _substitute(factor: np.ndarray, right: np.ndarray) -> None:
    """Solves factor factor' x = right (k, p) in place."""
    count = len(factor)
    for i in range(count):
        if i:
            right[i] -= np.einsum("kp,kp->p", factor[i, :i], right[:i])
        right[i] /= factor[i, i]
    for i in range(count - 1, -1, -1):
        if i < count - 1:
            right[i] -= np.einsum("kp,kp->p", factor[i + 1 :, i], right[i + 1 :])
        right[i] /= factor[i, i]
