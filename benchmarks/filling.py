"""Gap filling against eo-learn's straight lines, whittaker-eilers and numpy's batched solver, on the same series.

All take turns, several times over, so that what else the machine does meets each of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import numpy as np  # noqa: E402
from scipy.ndimage import gaussian_filter  # noqa: E402

from peer_environments import peer_python  # noqa: E402
from s2mask_qgis.core.filling.blas import one_thread  # noqa: E402
from s2mask_qgis.core.filling.curves import fill, fitted_values  # noqa: E402
from s2mask_qgis.core.filling.normal_equations import distinct  # noqa: E402
from s2mask_qgis.core.filling.plan import FillPlan  # noqa: E402

SIDE_PX, DATES = 512, 60
ROUNDS = 3
MISSING = 0.3
CLOUD_SIZES_PX = ((40.0, 1.0), (10.0, 0.4), (2.0, 0.1))
"""Blur of the fields that clouds are cut from, and how much each counts."""

FOLDER = ROOT / "build" / "bench" / "filling"
ASKED = {"eo-learn": 2.4, "whittaker-eilers": 20.0}
Seconds = tuple[float, float]
"""Wall and processor seconds a million pixels."""


def make_series(side_px: int, scattered: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Days (n,) and a year of NDVI (n, p) float32 with gaps: clouds with edges, or pixels each on its own."""
    rng = np.random.default_rng(0)
    days = 19_000 + np.sort(rng.choice(365, DATES, replace=False)).astype(float)
    height = rng.uniform(0.1, 0.35, side_px**2).astype(np.float32)
    values = np.empty((DATES, side_px**2), np.float32)
    cover = rng.beta(0.4, 0.4 * (1 - MISSING) / MISSING, DATES)
    for row, day, share in zip(values, days, cover * MISSING / cover.mean()):
        row[:] = 0.45 + height * np.float32(np.sin(2 * np.pi * (day - 19_080) / 365.25))
        row += rng.normal(0, 0.02, len(row)).astype(np.float32)
        row[rng.random(len(row)) < MISSING if scattered else clouds(side_px, min(share, 1.0), rng)] = np.nan
    return days, values


def clouds(side_px: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Which pixels (p,) clouds of several sizes cover."""
    field = np.zeros((side_px, side_px))
    for size_px, weight in CLOUD_SIZES_PX:
        layer = gaussian_filter(rng.normal(size=field.shape), size_px, mode="wrap")
        field += weight * layer / layer.std()
    return (field <= np.quantile(field, share)).ravel()


def make_plan(days: np.ndarray, method: str = "harmonic") -> FillPlan:
    """A plan of a strength that keeps the 22 columns of order 10, at least."""
    strength = 0.03 if method == "harmonic" else 20.0
    return FillPlan(method, tuple(days.tolist()), method != "linear", strength, 0.7, (), 0.03, 1e-4)


def batched_solver(days: np.ndarray, values: np.ndarray, plan: FillPlan) -> None:
    """The same fit in double precision by numpy.linalg.solve."""
    columns = plan.prior.columns(days)
    count = columns.shape[1]
    products = (columns[:, :, None] * columns[:, None, :]).reshape(len(days), -1)
    for start in range(0, values.shape[1], 4096):
        part = values[:, start : start + 4096].astype(float)
        clear = np.isfinite(part)
        level = np.nansum(part, axis=0) / np.maximum(clear.sum(axis=0), 1)
        right = np.where(clear, part - level, 0).T @ columns
        equations = (clear.T @ products).reshape(-1, count, count) + plan.strength * np.eye(count)
        columns @ np.linalg.solve(equations, right[..., None])[..., 0].T + level


class Peers:
    """The process in the peers' environment, which times what it is asked for."""

    def __init__(self, days: np.ndarray, values: np.ndarray) -> None:
        np.save(FOLDER / "days.npy", days)
        np.save(FOLDER / "values.npy", values)
        script = Path(__file__).parent / "in_peers_environment" / "filling.py"
        command = [str(peer_python(FOLDER, "filling_peers.txt")), str(script), str(FOLDER)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The peers' process ended; its message stands above.")
        return line

    def time(self, name: str) -> Seconds:
        """The time of one run of a peer."""
        assert self._process.stdin
        print(name, file=self._process.stdin, flush=True)
        wall, processor = json.loads(self._answer())
        return wall, processor

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def timed(work: Callable[[], object], pixels: int) -> Callable[[], Seconds]:
    """A function that times one run, matrix products in one thread like all else."""

    def run() -> Seconds:
        with one_thread():
            wall, processor = time.perf_counter(), time.process_time()
            work()
            return 1e6 / pixels * (time.perf_counter() - wall), 1e6 / pixels * (time.process_time() - processor)

    return run


def compare(title: str, days: np.ndarray, values: np.ndarray) -> None:
    """Time all in turns, print medians and ratios."""
    pixels, plan, peers = values.shape[1], make_plan(days), Peers(days, values)
    runs: dict[str, Callable[[], Seconds]] = {}
    for threads in (1, 2):
        name = "one thread" if threads == 1 else "two threads"
        runs[f"fit, {name}"] = timed(lambda n=threads: fitted_values(days, values, days, plan, n), pixels)
        runs[f"fill with errors, {name}"] = timed(lambda n=threads: fill(days, values, plan, n), pixels)
    for peer in ("eo-learn", "eo-learn in parallel", "whittaker-eilers"):
        runs[peer] = lambda peer=peer: peers.time(peer)
    few = values[:, :16384]
    runs["numpy.linalg.solve"] = timed(lambda: batched_solver(days, few, plan), few.shape[1])
    times: dict[str, list[Seconds]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(run())
    peers.close()
    medians = {name: tuple(np.median(found, axis=0)) for name, found in times.items()}
    print(f"\n{title}: {DATES} dates, {pixels:,} px, {plan.prior.mapping.shape[1]} columns, {describe(values)}")
    for name, (wall, processor) in medians.items():
        print(f"  {name}: {wall:.2f} s/Mpx, of the processors {processor:.2f}")
    report(times)


def report(times: dict[str, list[Seconds]]) -> None:
    """Print how many times as fast as the peers: by the clock, and by processor time, which other load hides less."""
    for ours in (name for name in times if name.startswith("fi")):
        for peer in ("eo-learn", "eo-learn in parallel", "whittaker-eilers", "numpy.linalg.solve"):
            pairs = np.array(times[peer]) / np.array(times[ours])
            wall, processor = np.median(pairs, axis=0)
            asked = f" (asked {ASKED[peer]:g})" if peer in ASKED and ours.startswith("fit") else ""
            print(f"  {ours}: {wall:.1f} times {peer}{asked}, by processor time {processor:.1f}")


def describe(values: np.ndarray) -> str:
    """How much is missing, and how many patterns of dates there are a pixel."""
    clear = np.isfinite(values[:, :4096])
    first, _ = distinct(clear)
    alike = 1.0 if first is None else len(first) / clear.shape[1]
    return f"{np.isnan(values).mean():.0%} missing, {alike:.0%} of the pixels of a block with dates of their own"


def other_methods(days: np.ndarray, values: np.ndarray) -> None:
    """Print what the other methods take, errors and robust refit included."""
    for method in ("linear", "savitzky-golay", "whittaker", "published"):
        plan = make_plan(days, method)
        run = timed(lambda plan=plan: fill(days, values, plan), values.shape[1])
        wall, processor = np.median([run() for _ in range(3)], axis=0)
        print(f"  fill, {method}, one thread: {wall:.2f} s/Mpx, of the processors {processor:.2f}")


def peak_mb(side_px: int) -> float:
    """The most memory beyond input and results, in a fresh process."""
    command = [sys.executable, __file__, "--memory", str(side_px)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def measure_memory(side_px: int) -> None:
    """Fill in two threads and print how far memory rose above what it was with the input, less the results."""
    days, values = make_series(side_px)
    fill(days, values[:, :64], make_plan(days))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = memory_mb("VmRSS")
    filled = fill(days, values, make_plan(days), threads=2)
    results = sum(part.nbytes for part in vars(filled).values()) / 1e6
    print(memory_mb("VmHWM") - before - results)


def memory_mb(name: str) -> float:
    """A figure of this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(name))


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--memory"]:
        measure_memory(int(sys.argv[2]))
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    days, values = make_series(SIDE_PX)
    compare("clouds with edges", days, values)
    other_methods(days, values)
    compare("every pixel with gaps of its own", *make_series(SIDE_PX // 2, scattered=True))
    for side_px in (256, 1024):
        print(f"peak memory beyond input and results, {side_px} x {side_px} px, two threads: {peak_mb(side_px):.0f} MB")


if __name__ == "__main__":
    main()
