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


def blocks(grid: Grid, size_px: int) -> Iterator[tuple[int, int, Rectangle]]:
    """The grid cut into squares of ``size_px``, row by row: (first row, first column, window)."""
    rows, columns = grid.shape_yx
    for row in range(0, rows, size_px):
        for column in range(0, columns, size_px):
            part = grid.part(row, column, min(size_px, rows - row), min(size_px, columns - column))
            yield row, column, Rectangle(part)
