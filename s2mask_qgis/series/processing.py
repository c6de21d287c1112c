"""The pass over the pixels: blocks are read, worked on in tiles by two threads, and handed to the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from .area_mask import AreaMask
from .parallel import each
from .reading import SeriesReader, Window
from .recipe import Recipe, Results, compute
from .schedule import Schedule
from .writing import OutputFile, Writer

Pick = Callable[[Results], np.ndarray]
"""What a file holds of the results: (bands, p) float32."""


@dataclass(frozen=True)
class Pass:
    """One pass: what is read, computed and written, and who is told.

    ``threads`` do the work of a block; ``check`` raises CancelledError where it is to stop.
    """

    reader: SeriesReader
    area: AreaMask | None
    schedule: Schedule
    recipe: Recipe
    writer: Writer
    picks: Sequence[tuple[OutputFile, Pick]]
    threads: Executor
    check: Callable[[], None]

    def run(self, on_tile: Callable[[], None]) -> None:
        """Work through all blocks; ``on_tile`` is called by the threads, after each tile. CancelledError,
        UnreadableError, StorageError."""
        for block in self.schedule.blocks():
            values = self.reader.stack(block, self.threads, self.schedule.is_decoded_once, self.check)
            self._cut_out(values, block)
            self._work_on(values, block, on_tile)

    def _work_on(self, values: np.ndarray, block: Window, on_tile: Callable[[], None]) -> None:
        def work(tile: Window) -> None:
            self._work(values, block, tile)
            on_tile()

        each(self.threads, work, self.schedule.tiles(block))

    def _cut_out(self, values: np.ndarray, block: Window) -> None:
        if self.area is not None:
            part = self.reader.series.grid.part(block.row, block.column, block.rows, block.columns)
            values[:, ~self.area.inside(part)] = np.nan

    def _work(self, values: np.ndarray, block: Window, tile: Window) -> None:
        self.check()
        top, left = tile.row - block.row, tile.column - block.column
        part = values[:, top : top + tile.rows, left : left + tile.columns].reshape(len(values), -1)
        has_values = ~np.isnan(part).all(axis=0)
        if not has_values.any():
            return  # what is not written is no data
        results = compute(np.ascontiguousarray(part[:, has_values]), self.recipe)
        for file, pick in self.picks:
            chosen = pick(results)
            bands = np.full((len(chosen), tile.rows * tile.columns), np.nan, np.float32)
            bands[:, has_values] = chosen
            self.writer.write(file, bands.reshape(-1, tile.rows, tile.columns), tile)
