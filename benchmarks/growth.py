"""How time and memory of one mask grow with pixels and with images, each case in a process of its own."""

from __future__ import annotations

import argparse
import functools
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peers
from osgeo import gdal

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.scenes import BANDS
from s2mask_qgis.engines.expressions import ready_client
from s2mask_qgis.engines.local.assets import ROOT as ASSETS
from s2mask_qgis.engines.local.assets import AssetStore
from s2mask_qgis.engines.local.raster.evaluation import SideBySide
from s2mask_qgis.engines.local.raster.sources import Pixels
from s2mask_qgis.engines.local.raster.stored import StoredBand
from s2mask_qgis.engines.local.values import Band, ImageValue
from s2mask_qgis.engines.local.worker import CACHE_MB
from s2mask_qgis.engines.local.workers import MOST_TOGETHER, worker_environment

SIZES_PX = (1020, 2040, 4080)
FULL_TILE_PX = 10_980
DATES = (5, 10, 20)
PATTERN_PX = 1024
FOLDER = peers.ROOT / "build" / "bench" / "growth"


class Endless:
    """Images of any size whose pixels repeat a small pattern, so that the data themselves need no memory."""

    def __init__(self, size_px: int) -> None:
        self._size_px = size_px
        self._pattern = np.random.default_rng(0).integers(300, 6000, (PATTERN_PX, PATTERN_PX)).astype(np.uint16)

    def load_image(self, asset: str) -> ImageValue:
        """The image of an asset id, a number."""
        bands = []
        for number, name in enumerate(BANDS):
            factor = 1 if name in peers.TENS else 2 if name in peers.TWENTIES else 6
            grid = Grid(
                "EPSG:32633", (10.0 * factor, 0.0, 0.0, 0.0, -10.0 * factor, 0.0), (self._size_px // factor,) * 2
            )
            reader = self._reader(37 * int(asset) + 11 * number)
            bands.append(Band(name, StoredBand(grid, (1,), reader), grid, np.dtype(np.uint16)))
        return ImageValue(tuple(bands))

    def load_collection(self, asset: str) -> Any:
        """There is none."""
        raise KeyError(asset)

    def _reader(self, shift: int) -> Callable[[int, int, int, int, int], Pixels]:
        def read(level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
            y = (np.arange(row, row + rows) + shift) % PATTERN_PX
            x = (np.arange(column, column + columns) + shift) % PATTERN_PX
            return Pixels(self._pattern[y][:, x])

        return read


def measure(size_px: int, dates: int, images: int) -> dict[str, float]:
    """Seconds, and the most memory (MiB) the process has had, for masks made side by side and written as assets."""
    ready_client()
    archive = Endless(size_px)
    plans = [peers.make_plan(dates, dates // 2, size_px, image) for image in range(images)]
    masks = [peers.evaluate(plan, archive) for plan in plans]
    gdal.SetCacheMax(CACHE_MB * 2**20)  # as workers set it
    side_by_side = SideBySide([[band.source for band in mask.bands] for mask in masks], plans[0].grid)
    store = AssetStore(FOLDER)
    started = time.perf_counter()
    steps = [
        store.write(mask, plan.grid, f"{ASSETS}/mask{n}", f"growth{n}", "MODE", functools.partial(side_by_side.read, n))
        for n, (mask, plan) in enumerate(zip(masks, plans))
    ]
    for _ in zip(*steps):  # in step, as the worker does it
        pass
    for step in steps:
        for _ in step:
            pass
    return {"seconds": time.perf_counter() - started, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measured(size_px: int, dates: int, images: int = 1) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--case", str(size_px), str(dates), str(images)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=worker_environment())
    return json.loads(answer.stdout.splitlines()[-1])


def exponent(sizes: list[float], times: list[float]) -> float:
    """p in time ~ size^p, by least squares of the logarithms."""
    return float(np.polyfit([math.log(size) for size in sizes], [math.log(each) for each in times], 1)[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--case", nargs=3, type=int, metavar=("SIZE_PX", "DATES", "IMAGES"), help="one case in this process"
    )
    parser.add_argument("--full", action="store_true", help=f"a whole tile of {FULL_TILE_PX} px as well (half an hour)")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(*arguments.case)))
        return
    sizes = [*SIZES_PX, *([FULL_TILE_PX] if arguments.full else [])]
    by_size = [measured(size, max(DATES)) for size in sizes]
    for size, case in zip(sizes, by_size):
        print(f"{size} x {size} px, {max(DATES)} dates: {case['seconds']:.1f} s, at most {case['mib']:.0f} MiB")
    most_px = FULL_TILE_PX if arguments.full else SIZES_PX[1]
    together = measured(most_px, max(DATES), MOST_TOGETHER)
    print(f"{MOST_TOGETHER} of {most_px} px together: {together['seconds']:.1f} s, at most {together['mib']:.0f} MiB")
    by_dates = [measured(SIZES_PX[1], dates) for dates in DATES]
    for dates, case in zip(DATES, by_dates):
        print(f"{SIZES_PX[1]} x {SIZES_PX[1]} px, {dates} dates: {case['seconds']:.1f} s")
    print(f"time grows with pixels^{exponent([s * s for s in sizes], [case['seconds'] for case in by_size]):.2f}")
    print(f"time grows with images^{exponent(list(DATES), [case['seconds'] for case in by_dates]):.2f}")


if __name__ == "__main__":
    main()
