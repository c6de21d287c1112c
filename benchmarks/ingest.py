"""How fast JPEG 2000 products are ingested on one core and two, beside gdal.Translate, and resumed after kill -9."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from osgeo import gdal  # noqa: E402

from s2mask_qgis.core.scenes import Scene  # noqa: E402
from s2mask_qgis.engines.local.engine import LocalEngine  # noqa: E402
from s2mask_qgis.engines.local.library.ingest import DESCRIPTION, creation_options  # noqa: E402
from s2mask_qgis.engines.local.worker import NICENESS  # noqa: E402
from s2mask_qgis.simulation.sample import write_sample  # noqa: E402
from s2mask_qgis.simulation.settings import SampleSettings  # noqa: E402

SIZE_PX, PRODUCTS, REPEATS = 1098, 10, 3
WARMING = 2
"""Products that are ingested first, so that every worker has started and GDAL has loaded its drivers."""

LEVELS = [2, 4, 8]
FOLDER = ROOT / "build" / "bench" / "ingest"
SCENES = FOLDER / f"scenes-{SIZE_PX}px-{PRODUCTS}"


def ingest_seconds(workers: int, attempt: int) -> float:
    """Seconds in which so many workers ingest all products but the warming ones."""
    library = FOLDER / f"library-{workers}-{attempt}"
    shutil.rmtree(library, ignore_errors=True)
    with LocalEngine(SCENES, library, FOLDER / "store", workers=workers) as engine:
        engine.refresh(lambda done, total: None)
        archive = engine.scenes()
        ingest(engine, archive[:WARMING])
        started = time.perf_counter()
        ingest(engine, archive[WARMING:])
        return time.perf_counter() - started


def ingest(engine: LocalEngine, scenes: list[Scene]) -> None:
    """Ingest scenes; RuntimeError where one cannot be."""
    problems = engine.prepare(scenes, lambda done, total: None)
    if problems:
        raise RuntimeError(str(problems))


def translate(product: Path, with_levels: bool) -> None:
    """GDAL's own way: every band of a product as a tiled, compressed GeoTIFF with the options of the library's."""
    target = FOLDER / "translated" / product.stem
    target.mkdir(parents=True, exist_ok=True)
    for band in sorted(product.rglob("IMG_DATA/*_B*.jp2")):
        path = target / f"{band.stem}.tif"
        made = gdal.Translate(str(path), str(band), creationOptions=creation_options(gdal.GetDriverByName("GTiff")))
        if with_levels:
            made.BuildOverviews("AVERAGE", LEVELS)
        made.FlushCache()


def translate_seconds(with_levels: bool) -> float:
    """Seconds in which two processes of one thread each translate the same products as the workers ingest."""
    shutil.rmtree(FOLDER / "translated", ignore_errors=True)
    products = sorted(SCENES.glob("*.SAFE"))
    # As far below other programs as the workers are, or the two would not be given the same share of the processors.
    with multiprocessing.get_context("fork").Pool(2, os.nice, (NICENESS,)) as pool:
        work = partial(translate, with_levels=with_levels)
        pool.map(work, products[:WARMING], chunksize=1)
        started = time.perf_counter()
        pool.map(work, products[WARMING:], chunksize=1)
        return time.perf_counter() - started


def whole_scenes(library: Path) -> dict[str, int]:
    """When each scene that is whole was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in library.glob(f"*/scenes/*/{DESCRIPTION}")}


def measure_resuming() -> None:
    """Kill the process that ingests once half is done, go on in another, and print what was done again."""
    library = FOLDER / "library-killed"
    shutil.rmtree(library, ignore_errors=True)
    with subprocess.Popen([sys.executable, __file__, "--into", str(library)]) as child:
        while len(whole_scenes(library)) < PRODUCTS // 2:
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
    time.sleep(1)  # its workers end with it
    before = whole_scenes(library)
    started = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--into", str(library)], check=True)
    seconds = time.perf_counter() - started
    after = whole_scenes(library)
    again = sum(after[scene] != written for scene, written in before.items())
    print(
        f"killed with {len(before)} of {PRODUCTS} products whole; the next run made the other "
        f"{len(after) - len(before)} in {seconds:.1f} s and {again} again"
    )


def main() -> None:
    """Measure in turn and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, metavar="LIBRARY", help="only ingest everything into a library")
    library = parser.parse_args().into
    if library:
        with LocalEngine(SCENES, library, FOLDER / "store") as engine:
            engine.refresh(lambda done, total: None)
            ingest(engine, engine.scenes())
        return
    settings = SampleSettings(size_px=SIZE_PX, dates=PRODUCTS, jp2_products=PRODUCTS)
    write_sample(SCENES, settings, workers=2)
    cases = {
        "one worker": lambda attempt: ingest_seconds(1, attempt),
        "two workers": lambda attempt: ingest_seconds(2, attempt),
        "translate": lambda attempt: translate_seconds(False),
        "translate with levels": lambda attempt: translate_seconds(True),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for attempt in range(REPEATS):
        for name, case in cases.items():
            times[name].append(case(attempt))
    one, two, plain, levels = (statistics.median(each) for each in times.values())
    megapixels = (PRODUCTS - WARMING) * SIZE_PX**2 * (4 + 6 / 4 + 3 / 36) / 1e6
    print(
        f"{PRODUCTS - WARMING} products of {SIZE_PX} x {SIZE_PX} px in lossless JPEG 2000, {megapixels:.0f} Mpx in all"
    )
    print(f"one worker: {one:.1f} s, {megapixels / one:.1f} Mpx/s")
    print(f"two workers: {two:.1f} s, {one / two:.2f} times as fast (bound: 1.8)")
    print(
        f"gdal.Translate to the same format, two processes: {plain:.1f} s; ours takes {two / plain:.2f} times as long"
    )
    print(f"gdal.Translate and GDAL's own levels: {levels:.1f} s; ours takes {two / levels:.2f} times as long")
    measure_resuming()


if __name__ == "__main__":
    os.environ["GDAL_NUM_THREADS"] = "1"
    gdal.UseExceptions()
    main()
