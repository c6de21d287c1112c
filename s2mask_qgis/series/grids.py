"""Grids that share their pixels: whether they do, how far they lie apart, and the grid around several."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..core.grid import Grid

_SAME_SIZE = 1e-6
"""Share by which pixel sizes may differ for rounding."""


def same_pixels(first: Grid, second: Grid) -> bool:
    """Whether two grids have one coordinate system and one pixel size."""
    return first.crs == second.crs and all(
        math.isclose(first.transform[at], second.transform[at], rel_tol=_SAME_SIZE) for at in (0, 4)
    )


def offset_px(outer: Grid, inner: Grid) -> tuple[int, int]:
    """Rows and columns from the upper left corner of ``outer`` to that of ``inner``, rounded to whole pixels."""
    x_scale, _, x0, _, y_scale, y0 = outer.transform
    return round((inner.transform[5] - y0) / y_scale), round((inner.transform[2] - x0) / x_scale)


def overlapping(first: Grid, second: Grid) -> bool:
    """Whether two grids with the same pixels have one in common."""
    row, column = offset_px(first, second)
    rows, columns = first.shape_yx
    return -second.shape_yx[0] < row < rows and -second.shape_yx[1] < column < columns


def union(grids: Sequence[Grid]) -> Grid:
    """The smallest grid, on the pixels of the first, that holds them all."""
    corners = [offset_px(grids[0], grid) for grid in grids]
    top, left = min(row for row, _ in corners), min(column for _, column in corners)
    bottom = max(row + grid.shape_yx[0] for (row, _), grid in zip(corners, grids))
    right = max(column + grid.shape_yx[1] for (_, column), grid in zip(corners, grids))
    return grids[0].part(top, left, bottom - top, right - left)
