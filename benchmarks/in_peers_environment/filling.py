"""Times peers of gap filling on a series that filling.py has written: runs in their own environment, on request.

Each line on the standard input names a peer; the answer is a line of JSON: wall and processor seconds a million pixels.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")

from eolearn.features.extra.interpolation import LinearInterpolationTask  # noqa: E402
from whittaker_eilers import WhittakerSmoother  # noqa: E402

WHITTAKER_PX = 4096
STRENGTH, ORDER = 20.0, 2


def straight_lines(days: np.ndarray, values: np.ndarray, parallel: bool) -> None:
    """eo-learn's interpolation alone, without the copies that its task makes around it."""
    hours = np.rint(24 * (days - days[0])).astype(np.int64)
    task = LinearInterpolationTask((("data", "ndvi")), parallel=parallel)
    task.interpolate_data(values, hours, hours)


def whittaker(days: np.ndarray, values: np.ndarray) -> None:
    """whittaker-eilers, a smoother for every pixel, since each has weights of its own."""
    x = (days - days[0]).tolist()
    for pixel in values.T[:WHITTAKER_PX]:
        clear = np.isfinite(pixel)
        smoother = WhittakerSmoother(STRENGTH, ORDER, len(x), x_input=x, weights=clear.astype(float).tolist())
        smoother.smooth(np.where(clear, pixel, 0.0).tolist())


def main(folder: Path) -> None:
    """Answer until the input ends."""
    days, values = np.load(folder / "days.npy"), np.load(folder / "values.npy")
    pixels = values.shape[1]
    peers: dict[str, tuple[Callable[[], None], int]] = {
        "eo-learn": (lambda: straight_lines(days, values, parallel=False), pixels),
        "eo-learn in parallel": (lambda: straight_lines(days, values, parallel=True), pixels),
        "whittaker-eilers": (lambda: whittaker(days, values), min(WHITTAKER_PX, pixels)),
    }
    for parallel in (False, True):  # numba compiles at the first call
        straight_lines(days, values[:, :64].copy(), parallel)
    print("ready", flush=True)
    for line in sys.stdin:
        work, count = peers[line.strip()]
        wall, processor = time.perf_counter(), time.process_time()
        work()
        found = time.perf_counter() - wall, time.process_time() - processor
        print(json.dumps([1e6 / count * seconds for seconds in found]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
