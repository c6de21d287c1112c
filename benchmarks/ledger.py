"""What the ledger of a run costs: time an image, bytes, memory, and a look at it; each size in a process of its own."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from s2mask_qgis.core.scenes import Scene  # noqa: E402
from s2mask_qgis.jobs.ledger.ledger import Ledger  # noqa: E402
from s2mask_qgis.jobs.ledger.reading import read  # noqa: E402
from s2mask_qgis.jobs.ledger.rows import ExportRow, RowState, RunHeader  # noqa: E402

IMAGES = (10_000, 100_000)
KINDS = ("mask", "ndvi")
TOGETHER = 30
ASSETS = "projects/some-project/assets/s2mask"
KEY = "0123456789abcdef" * 4
PLAN = {"backgrounds": [f"20230{n}01T105031_20230{n}01T105031_T31TCH" for n in range(1, 10)], "azimuth": 151.25}


def scenes(first: int, count: int) -> Iterator[Scene]:
    """Scenes of 600 tiles, one after the other."""
    for number in range(first, first + count):
        tile = f"{number % 60 + 1:02d}T{'CDEFGHJKLM'[number // 60 % 10]}H"
        index = f"20230101T105031_20230101T{number:06d}_T{tile}"
        x = number % 60 * 6.0 - 180.0
        ring = ((x, 42.0), (x + 1.3, 42.05), (x + 1.25, 43.0), (x + 0.05, 42.95), (x, 42.0))
        yield Scene(f"COPERNICUS/S2_HARMONIZED/{index}", index, tile, 1_672_570_231_024 + number, 12.5, ring)


def carry_out(ledger: Ledger, together: list[Scene], kind: str) -> None:
    """All that a run writes down of some exports, as the loop of a run does: each request on its own."""
    for scene in together:
        if kind == KINDS[0]:
            ledger.keep_plan(scene.index, PLAN)
        attempt = ledger.attempts(scene.index, kind) + 1
        request_id = f"{kind}-{scene.index[25:]}-{attempt}"
        ledger.send(ExportRow(request_id, scene.index, kind, attempt, KEY))
        ledger.sent(request_id, f"projects/some-project/operations/{scene.index[:24]}")
    with ledger.batch():
        ledger.running([f"{kind}-{scene.index[25:]}-1" for scene in together])
    with ledger.batch():
        for scene in together:
            ledger.end_export(f"{kind}-{scene.index[25:]}-1", RowState.DONE)
            if kind == KINDS[-1]:
                outputs = {each: f"{ASSETS}/{each}/{scene.index}" for each in KINDS}
                ledger.finish(scene.index, RowState.DONE, outputs=outputs, cloud_share=0.25, seconds=400.0)


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Milliseconds an image, bytes, MiB and seconds for a ledger of ``count`` images."""
    path = folder / "run.gpkg"
    with closing(Ledger.create(path, RunHeader("0", {}, {}, "0", time.time()))) as ledger:
        empty_mib = peak_mib()
        began, cpu_began_s = time.perf_counter(), time.process_time()
        for first in range(0, count, 500):
            ledger.add(scenes(first, 500))
        for first in range(0, count, TOGETHER):
            together = list(scenes(first, min(TOGETHER, count - first)))
            for kind in KINDS:
                carry_out(ledger, together, kind)
        spent_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began_s
        for _ in ledger.images():
            pass
        grown_mib = peak_mib() - empty_mib
        began = time.perf_counter()
        ledger.counts()
        count_s = time.perf_counter() - began
    began = time.perf_counter()
    read(path, most_rows=count)
    look_s = time.perf_counter() - began
    return {
        "ms": 1000 * spent_s / count,
        "cpu_ms": 1000 * cpu_s / count,
        "bytes": path.stat().st_size,
        "mib": grown_mib,
        "count_s": count_s,
        "look_s": look_s,
    }


def peak_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(count: int) -> dict[str, Any]:
    """One size, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--case", str(count)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, metavar="IMAGES", help="one case in this process")
    parser.add_argument("--images", type=int, nargs="+", default=IMAGES, help="how many images the ledgers have")
    arguments = parser.parse_args()
    if arguments.case:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(arguments.case, Path(folder))))
        return
    for count in arguments.images:
        case = measured(count)
        print(
            f"{count:,} images of {len(KINDS)} kinds: {case['ms']:.2f} ms an image, all but {case['cpu_ms']:.2f} of it "
            f"waiting for the disk; {case['bytes'] / 1e6:.1f} MB, "
            f"{case['mib']:.0f} MiB more than an empty one; counted in {1000 * case['count_s']:.1f} ms, "
            f"all rows read in {case['look_s']:.2f} s"
        )


if __name__ == "__main__":
    main()
