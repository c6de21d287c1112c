"""Where a warm mask's time goes: in decoding and array kernels or in Python, sampled from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import mask
import peers
from osgeo import gdal

from s2mask_qgis.engines.local.worker import CACHE_MB, Worker
from s2mask_qgis.engines.local.workers import worker_environment

SCALES_M = (10, 30)
RATE_HZ = 50
REPEATS = 3
BOUND = 0.7
FOLDER = peers.ROOT / "build" / "bench" / "own_time"
WARM = "warm_runs"
"""Samples below this function count."""

DECODING, ARRAYS = "GDAL and decoding", "array kernels"
KINDS = {"libgdal": DECODING, "libtiff": DECODING, "zstd": DECODING, "deflate": DECODING, "libz": DECODING}
KINDS |= dict.fromkeys(("numpy", "scipy", "blas"), ARRAYS)
"""Parts of a library's name, and what its time counts as."""

SYSTEM = "libc"
"""Copying, clearing and checking memory: it counts for the library that asks for it."""


def warm_runs(case: mask.Case, worker: Worker) -> None:
    """What is measured: the mask made again, its blocks decoded as far as the cache holds them."""
    for _ in range(REPEATS):
        mask.make_mask(case, worker)


def kind_of(frames: list[str]) -> str:
    """What the innermost frame of a sample was at work for."""
    for frame in reversed(frames):
        if ".py:" in frame or "<" in frame:
            return "Python of this project" if "s2mask_qgis" in frame else "Python of libraries"
        for part, kind in KINDS.items():
            if part in frame:
                return kind
        if SYSTEM not in frame and "ld-linux" not in frame:
            return "other libraries"
    return "other libraries"


def sampled(scale_m: int) -> Counter[str]:
    """Samples of the warm runs, by kind."""
    record = FOLDER / f"{scale_m}.txt"
    sampler = peers.peer_python().with_name("py-spy")
    command = [
        str(sampler),
        "record",
        "--native",
        "--full-filenames",
        "-r",
        str(RATE_HZ),
        "-f",
        "raw",
        "-o",
        str(record),
    ]
    command += ["--", sys.executable, str(Path(__file__)), "--work", str(scale_m)]
    subprocess.run(command, check=True, capture_output=True, env=worker_environment())
    counts: Counter[str] = Counter()
    for line in record.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if any(frame.startswith(WARM) for frame in frames):
            counts[kind_of(frames)] += int(count)
    return counts


def main() -> None:
    """Measure and print the shares."""
    if sys.argv[1:2] == ["--work"]:
        gdal.SetCacheMax(CACHE_MB * 2**20)
        case = mask.make_case(int(sys.argv[2]))
        worker = mask.make_worker(case)
        mask.make_mask(case, worker)
        warm_runs(case, worker)
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for scale_m in SCALES_M:
        counts = sampled(scale_m)
        total = sum(counts.values())
        kernels = 1 - sum(count for kind, count in counts.items() if kind.startswith("Python")) / total
        print(f"mask at {scale_m} m: {kernels:.0%} of a warm run in decoding and array kernels (bound: {BOUND:.0%})")
        for kind, count in counts.most_common():
            print(f"  {kind}: {count / total:.1%}")


if __name__ == "__main__":
    os.chdir(peers.ROOT)
    main()
