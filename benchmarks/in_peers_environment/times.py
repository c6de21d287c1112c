"""Times the peers on arrays that peers.py has written: runs in their own virtual environment, prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bottleneck
import numpy as np
from s2cloudless import S2PixelCloudDetector

REPEATS = 3
THREADS = 2


def seconds_of(work: Callable[[], object]) -> float:
    """The shortest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def nanmedian_in_threads(stack: np.ndarray) -> np.ndarray:
    """Median over time by bottleneck, the rows shared between threads."""
    halves = np.array_split(stack, THREADS, axis=1)
    with ThreadPoolExecutor(THREADS) as pool:
        return np.concatenate(list(pool.map(lambda part: bottleneck.nanmedian(part, axis=0), halves)))


def main(folder: Path) -> None:
    """Time each peer on the data in ``folder``."""
    stack, missing = np.load(folder / "stack.npy"), np.load(folder / "missing.npy")
    holed = np.where(missing, np.nan, stack.astype(np.float32))
    scene = np.load(folder / "scene.npy").astype(np.float32)[None] / 10000
    detector = S2PixelCloudDetector(threshold=0.4, average_over=4, dilation_size=2, all_bands=True)
    times = {
        "np.median": seconds_of(lambda: np.median(stack, axis=0)),
        "bottleneck.nanmedian": seconds_of(lambda: nanmedian_in_threads(holed)),
        "s2cloudless": seconds_of(lambda: detector.get_cloud_masks(scene)),
    }
    print(json.dumps(times))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
