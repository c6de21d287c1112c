"""Folding the pixels under a shape, run by run: the cost grows with the shape's height, not with its area."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def runs_of(shape: np.ndarray) -> list[tuple[int, int, int]]:
    """The neighbours of a shape (booleans) as runs along its rows: (row, first column, number of columns)."""
    edges = np.diff(np.pad(shape.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [(int(row), int(start), int(end - start)) for (row, start), (_, end) in zip(starts, ends)]


def fold_runs(
    data: np.ndarray, runs: Sequence[tuple[int, int, int]], shape_yx: tuple[int, int], fold: np.ufunc
) -> np.ndarray:
    """``fold`` (minimum, maximum, logical or) over all runs around each pixel, of a window of ``shape_yx``.

    ``data`` is the window grown so that a run's row and column in the shape are where it begins for the window's
    first pixel. A run is folded from two of the longest power of two that fit into it: with functions that may count
    a pixel twice, and only with those, that is the same.
    """
    rows, columns = shape_yx
    doubled = [data]
    while 2 ** len(doubled) <= max(length for _, _, length in runs):
        last, step = doubled[-1], 2 ** (len(doubled) - 1)
        doubled.append(fold(last[:, :-step], last[:, step:]))
    result: np.ndarray | None = None
    for row, level, column in _parts(runs):
        part = doubled[level][row : row + rows, column : column + columns]
        result = part.copy() if result is None else fold(result, part, out=result)
    assert result is not None, "a shape has at least one neighbour"
    return result


def _parts(runs: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Row, level of doubling and first column of the one or two parts that make up each run."""
    for row, column, length in runs:
        level = length.bit_length() - 1
        yield row, level, column
        if length > 2**level:
            yield row, level, column + length - 2**level
