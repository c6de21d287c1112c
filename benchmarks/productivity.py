"""How fast productivity is mapped on two threads: curves of 60 dates and their seasons, and what bounds it."""

from __future__ import annotations

import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # or numpy's products would take both cores in each of two threads

import numpy as np  # noqa: E402

from s2mask_qgis.core.filling.curves import fit_curves  # noqa: E402
from s2mask_qgis.core.filling.parameters import FillParameters  # noqa: E402
from s2mask_qgis.core.filling.plan import FillPlan, make_plan  # noqa: E402
from s2mask_qgis.core.seasons.calendar import year_bounds  # noqa: E402
from s2mask_qgis.core.seasons.maps import season_maps  # noqa: E402
from s2mask_qgis.core.seasons.parameters import SeasonParameters  # noqa: E402
from s2mask_qgis.core.seasons.years import year_figures  # noqa: E402

YEAR, DATES, MARGIN_DAYS, STEP_DAYS = 2022, 60, 92, 5
MISSING_SHARE, NOISE = 0.35, 0.02
BLOCKS, BLOCK_PX, SAMPLE_PX = 8, 32_768, 2_000
THREADS = 2
TILE_PX = 4_000 * 4_000
COPY_MB = 256


@dataclass(frozen=True)
class Spent:
    """Seconds in one block, and bytes that were read and written at least."""

    fit_s: float
    seasons_s: float
    figures_s: float
    moved_bytes: int


def make_block(days: np.ndarray, seed: int) -> np.ndarray:
    """NDVI of one or two seasons a year with noise and gaps, (dates, pixels) float32."""
    random = np.random.default_rng(seed)
    day = (days - year_bounds(YEAR)[0])[:, None]
    top, width = random.uniform(110, 240, BLOCK_PX), random.uniform(30, 60, BLOCK_PX)
    values = 0.15 + random.uniform(0.2, 0.7, BLOCK_PX) * np.exp(-(((day - top) / width) ** 2))
    second = random.uniform(0.2, 0.5, BLOCK_PX) * (random.random(BLOCK_PX) < 0.3)
    values += second * np.exp(-(((day - top - 130) / 25) ** 2)) + random.normal(0, NOISE, values.shape)
    values[random.random(values.shape) < MISSING_SHARE] = np.nan
    return values.astype(np.float32)


def work(days: np.ndarray, values: np.ndarray, targets: np.ndarray, plan: FillPlan) -> Spent:
    """The productivity of one block."""
    times = [time.perf_counter()]
    curve = fit_curves(days, values, targets, plan, errors=0).values
    times.append(time.perf_counter())
    maps = season_maps(targets, curve, YEAR, SeasonParameters())
    times.append(time.perf_counter())
    figures = year_figures(targets, curve, YEAR)
    times.append(time.perf_counter())
    written = sum(band.nbytes for band in (*maps.values(), *figures.values()))
    return Spent(*np.diff(times), values.nbytes + 3 * curve.nbytes + written)


def carry_out(threads: int, blocks: list[np.ndarray], days: np.ndarray, targets: np.ndarray, plan: FillPlan) -> float:
    """Map all blocks, print the speed and where the time went, and give the seconds."""
    started, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        spent = list(pool.map(lambda values: work(days, values, targets, plan), blocks))
    seconds, used = time.perf_counter() - started, time.process_time() - used
    parts = {name: sum(getattr(each, name) for each in spent) for name in ("fit_s", "seasons_s", "figures_s")}
    shares = ", ".join(f"{name[:-2]} {100 * part / sum(parts.values()):.0f} %" for name, part in parts.items())
    megapixels = len(blocks) * BLOCK_PX / 1e6
    print(
        f"{threads} thread(s): {megapixels / seconds:.3f} Mpx/s, a tile of 4,000 x 4,000 px in "
        f"{TILE_PX / 1e6 * seconds / megapixels:.0f} s; {used / megapixels:.1f} s of processor a Mpx; {shares}"
    )
    return seconds


def copy_speed(threads: int) -> float:
    """Bytes read and written a second by plain copies, a part of the array a thread."""
    parts = np.array_split(np.ones(COPY_MB * 2**20, np.uint8), threads)
    copies = [np.zeros_like(part) for part in parts]
    best = np.inf
    for _ in range(5):
        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(np.copyto, copies, parts))
        best = min(best, time.perf_counter() - started)
    return 2 * COPY_MB * 2**20 / best


def main() -> None:
    """Measure one and two threads on the same blocks, and plain copies in the same run."""
    first, end = year_bounds(YEAR)
    days = np.linspace(first - MARGIN_DAYS, end + MARGIN_DAYS, DATES)
    targets = np.arange(days[0], days[-1] + 1e-9, STEP_DAYS)
    blocks = [make_block(days, seed) for seed in range(BLOCKS)]
    plan = make_plan(days, blocks[0][:, :SAMPLE_PX], FillParameters())
    print(f"{BLOCKS} blocks of {BLOCK_PX} px, {DATES} dates, {len(targets)} steps of {STEP_DAYS} days, {plan.method}")
    work(days, blocks[0], targets, plan)
    one = carry_out(1, blocks, days, targets, plan)
    two = carry_out(THREADS, blocks, days, targets, plan)
    moved = BLOCKS * work(days, blocks[0], targets, plan).moved_bytes
    speed = copy_speed(THREADS)
    print(f"two threads are {one / two:.2f} times as fast as one")
    print(
        f"bound: {moved / BLOCKS / BLOCK_PX:.0f} bytes a pixel are read and written at least; copying at "
        f"{speed / 1e9:.1f} GB/s that takes {100 * moved / speed / two:.1f} % of the time: the rest is computing"
    )
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
