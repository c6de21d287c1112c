"""The order of work: blocks of a grid that fit in memory and follow the files' own blocks, and the tiles in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .reading import Window

BLOCK_BYTES = 64 * 2**20
"""What all dates of a block may take as float32: twice as much for the sake of one whole block of the files, and at
least one tile of output."""

TILE_VALUES = 4_000_000
"""Values (pixels x dates read and computed) of a tile: what a thread makes of them stays below 100 MB."""

TILE_COLUMNS = 256
_TILE_ROWS = (128, 64, 32, 16)


@dataclass(frozen=True)
class Schedule:
    """Blocks of ``block_yx`` pixels are read for all dates, then worked on in tiles of ``tile_yx``.

    ``is_decoded_once`` says that no block of a file reaches into two of these: what GDAL has decoded is of no more use.
    """

    shape_yx: tuple[int, int]
    block_yx: tuple[int, int]
    tile_yx: tuple[int, int]
    is_decoded_once: bool = True

    def blocks(self) -> Iterator[Window]:
        """The blocks, row by row; those at the edges are cut."""
        yield from _cut(Window(0, 0, *self.shape_yx), self.block_yx)

    def tiles(self, block: Window) -> Iterator[Window]:
        """The tiles of a block, in coordinates of the grid."""
        yield from _cut(block, self.tile_yx)

    @property
    def tile_count(self) -> int:
        """How many tiles there are in all blocks."""
        return sum(1 for block in self.blocks() for _ in self.tiles(block))


def _cut(window: Window, step_yx: tuple[int, int]) -> Iterator[Window]:
    for row in range(window.row, window.row + window.rows, step_yx[0]):
        for column in range(window.column, window.column + window.columns, step_yx[1]):
            rows = min(step_yx[0], window.row + window.rows - row)
            yield Window(row, column, rows, min(step_yx[1], window.column + window.columns - column))


def make_schedule(
    shape_yx: tuple[int, int], file_block_yx: tuple[int, int], dates: int, computed_dates: int
) -> Schedule:
    """Blocks for a series of ``dates`` whose files are stored in blocks of ``file_block_yx``, and of whose pixels
    ``computed_dates`` are computed.

    Files in strips are read in full rows, tiled ones tile by tile, so that hardly a pixel is decoded twice.
    """
    columns = _rounded_up(min(shape_yx[1], TILE_COLUMNS), 16)
    width = _rounded_up(shape_yx[1], columns)
    budget_px = BLOCK_BYTES // (4 * dates)
    most_rows = TILE_VALUES // (columns * (dates + computed_dates))
    heights = [rows for rows in _TILE_ROWS if rows <= most_rows] or [_TILE_ROWS[-1]]
    rows = min(heights[0], _rounded_up(shape_yx[0], 16))
    whole_px = _rounded_up(file_block_yx[0], rows) * _rounded_up(file_block_yx[1], columns)
    budget_px = max(rows * columns, whole_px if whole_px <= 2 * budget_px else 0, budget_px)
    if file_block_yx[1] >= shape_yx[1]:
        rows = min(rows, next((height for height in heights if height * width <= budget_px), rows))
        width, step = min(width, budget_px // rows // columns * columns), rows
    else:
        step = max(rows, min(_rounded_up(file_block_yx[0], rows), budget_px // columns // rows * rows))
        width = min(width, _fitting(file_block_yx[1], columns, budget_px // step))
    block_yx = max(step, budget_px // width // step * step), width
    return Schedule(shape_yx, block_yx, (rows, columns), _is_decoded_once(shape_yx, block_yx, file_block_yx))


def _is_decoded_once(shape_yx: tuple[int, int], block_yx: tuple[int, int], file_block_yx: tuple[int, int]) -> bool:
    return all(
        block >= size or block % min(file_block, size) == 0
        for size, block, file_block in zip(shape_yx, block_yx, file_block_yx)
    )


def _rounded_up(size: int, step: int) -> int:
    return -(-size // step) * step


def _fitting(file_block: int, step: int, most: int) -> int:
    """The largest multiple of a file's block and of ``step`` not above ``most``, else the largest of ``step``."""
    whole = _rounded_up(file_block, step)
    if whole % file_block == 0 and whole <= most:
        return most // whole * whole
    return max(step, most // step * step)
