"""Times s2cloudless on ingested files: runs in the peers' virtual environment, prints the seconds an image.

The jobs come as JSON on the standard input, for each image the 13 bands as [path, number] in the order of B1 to B12.
The arguments are the number of processes and their niceness, which is that of our workers. Every process masks every
image; the time is shared among them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from multiprocessing import get_context

import numpy as np
import rasterio
from rasterio.enums import Resampling
from s2cloudless import S2PixelCloudDetector

REPEATS = 2


def read_scene(bands: list[tuple[str, int]]) -> np.ndarray:
    """(1, rows, columns, bands) as reflectance at the finest resolution, by the nearest neighbour."""
    shape_yx = (0, 0)
    for path, _ in bands:
        with rasterio.open(path) as file:
            shape_yx = max(shape_yx, file.shape)
    layers = []
    for path, number in bands:
        with rasterio.open(path) as file:
            layers.append(file.read(number, out_shape=shape_yx, resampling=Resampling.nearest))
    return np.stack(layers, axis=-1)[None].astype(np.float32) / 10000


def mask_all(jobs: list[list[tuple[str, int]]]) -> float:
    """Read and mask every image; seconds of processors that this took."""
    started = time.process_time()
    detector = S2PixelCloudDetector(threshold=0.4, average_over=4, dilation_size=2, all_bands=True)
    for bands in jobs:
        detector.get_cloud_masks(read_scene(bands))
    return time.process_time() - started


def main(jobs: list[list[tuple[str, int]]], processes: int, niceness: int) -> None:
    """Print the seconds an image, of the clock and of processors: the least of a few runs, after one that loads all."""
    times, costs = [], []
    with get_context("fork").Pool(processes, os.nice, (niceness,)) as pool:
        pool.map(mask_all, [jobs[:1]] * processes, chunksize=1)
        for _ in range(REPEATS):
            started = time.perf_counter()
            spent = pool.map(mask_all, [jobs] * processes, chunksize=1)
            times.append((time.perf_counter() - started) / (len(jobs) * processes))
            costs.append(sum(spent) / (len(jobs) * processes))
    print(json.dumps([min(times), min(costs)]))


if __name__ == "__main__":
    main(json.load(sys.stdin), int(sys.argv[1]), int(sys.argv[2]))
