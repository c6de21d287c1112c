"""Windows: the places at which pixels are asked for, as a rectangle of a grid or as scattered pixels of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ....core.grid import Grid


@dataclass(frozen=True)
class Rectangle:
    """All pixels of a grid; arrays read for it have the grid's shape (rows, columns)."""

    grid: Grid

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the arrays read for this window."""
        return self.grid.shape_yx

    def grown(self, pixels: int) -> Rectangle:
        """The window with ``pixels`` more on every side; it may reach outside the image."""
        rows, columns = self.grid.shape_yx
        return Rectangle(self.grid.part(-pixels, -pixels, rows + 2 * pixels, columns + 2 * pixels))

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """x of the pixel centres of a row (columns,), y of those of a column (rows,), in CRS units."""
        x_scale, _, x0, _, y_scale, y0 = self.grid.transform
        rows, columns = self.grid.shape_yx
        return x0 + x_scale * (np.arange(columns) + 0.5), y0 + y_scale * (np.arange(rows) + 0.5)


@dataclass(frozen=True, eq=False)
class Scatter:
    """Some pixels of a grid by their ``rows`` and ``columns``, both (n,); arrays read for it have shape (n,)."""

    grid: Grid
    rows: np.ndarray
    columns: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the arrays read for this window."""
        return self.rows.shape

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the pixel centres, both (n,), in CRS units."""
        x_scale, _, x0, _, y_scale, y0 = self.grid.transform
        return x0 + x_scale * (self.columns + 0.5), y0 + y_scale * (self.rows + 0.5)


Window = Rectangle | Scatter

ONE_PIXEL = Rectangle(Grid("EPSG:4326", (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), (1, 1)))
"""Where sources that are the same everywhere are read."""


Area = tuple[slice, slice]
"""Rows and columns of a window."""


def part_of(window: Rectangle, area: Area) -> Rectangle:
    """The part of a window that some rows and columns make up."""
    rows, columns = area
    return Rectangle(window.grid.part(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start))


def offset_in(larger: Rectangle, window: Rectangle) -> tuple[int, int] | None:
    """Row and column of ``window`` in ``larger``, None where it does not lie inside on the same pixels."""
    outer, inner = larger.grid, window.grid
    if outer is inner:
        return 0, 0
    if outer.crs != inner.crs or outer.transform[0] != inner.transform[0] or outer.transform[4] != inner.transform[4]:
        return None
    column = (inner.transform[2] - outer.transform[2]) / outer.transform[0]
    row = (inner.transform[5] - outer.transform[5]) / outer.transform[4]
    if abs(column - round(column)) > 1e-6 or abs(row - round(row)) > 1e-6:
        return None
    first_row, first_column = round(row), round(column)
    rows, columns = inner.shape_yx
    if first_row < 0 or first_column < 0:
        return None
    if first_row + rows > outer.shape_yx[0] or first_column + columns > outer.shape_yx[1]:
        return None
    return first_row, first_column


def blocks(grid: Grid, size_px: int) -> Iterator[tuple[int, int, Rectangle]]:
    """The grid cut into squares of ``size_px``, row by row: (first row, first column, window)."""
    rows, columns = grid.shape_yx
    for row in range(0, rows, size_px):
        for column in range(0, columns, size_px):
            part = grid.part(row, column, min(size_px, rows - row), min(size_px, columns - column))
            yield row, column, Rectangle(part)
