"""How fast one mask is made in one process, and what exchanging whole layers brings over numpy's median."""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import run  # noqa: E402
from s2mask_qgis.core.area import Area  # noqa: E402
from s2mask_qgis.core.models.files import find  # noqa: E402
from s2mask_qgis.core.parameters import RunParameters  # noqa: E402
from s2mask_qgis.engines.base import Export  # noqa: E402
from s2mask_qgis.engines.local.assets import AssetStore  # noqa: E402
from s2mask_qgis.engines.local.catalogue import Catalogue  # noqa: E402
from s2mask_qgis.engines.local.engine import LocalEngine  # noqa: E402
from s2mask_qgis.engines.local.library.library import SceneLibrary  # noqa: E402
from s2mask_qgis.engines.local.raster.medians import median_layers  # noqa: E402
from s2mask_qgis.engines.local.worker import CACHE_MB, Worker  # noqa: E402
from s2mask_qgis.jobs.planning import Planner  # noqa: E402
from s2mask_qgis.jobs.results import Place, mask_export  # noqa: E402

SIZE_PX, DATES = 1098, 42
REPEATS = 3
LAYERS, LAYER_PX = 20, 1_000_000
FOLDER = ROOT / "build" / "bench" / "mask"


@dataclass(frozen=True)
class Case:
    """One image that is ready to be masked: its export and how many images its mask is made from."""

    export: Export
    images: int
    scenes: Path
    library: Path


def make_case(scale_m: int) -> Case:
    """Prepare the last image of a sample and its backgrounds, and plan its mask."""
    options = run.parse_arguments(["--size", str(SIZE_PX), "--dates", str(DATES)])
    scenes, library = run.sample_folder(options), FOLDER / "library"
    run.write_sample(scenes, options)
    parameters = RunParameters(scale_m=scale_m, model="published", shadow=False)
    with LocalEngine(scenes, library, FOLDER / "store") as engine:
        engine.refresh(lambda done, total: None)
        archive = engine.scenes()
        scene = archive[-1]
        area = Area(((scene.footprint,),), "all of it")
        planner = Planner(engine, area, parameters, find(parameters.model))
        backgrounds = planner.choose(scene, archive)
        needed = {image.index: image for images in ((scene,), *backgrounds.values()) for image in images}
        problems = engine.prepare(needed.values(), lambda done, total: None)
        if problems:
            raise RuntimeError(f"The sample cannot be prepared: {problems}")
        plan = planner.plan(scene, backgrounds)
        return Case(mask_export(engine, scene, plan, Place(area), "benchmark"), len(needed), scenes, library)


def make_worker(case: Case) -> Worker:
    """A worker in this process, on the case's library."""

    def emit(event: dict[str, Any], *_payloads: bytes) -> None:
        if event["event"] == "error":
            raise RuntimeError(event["message"])

    return Worker(Catalogue(SceneLibrary(case.scenes, case.library), AssetStore(FOLDER / "store")), emit)


def make_mask(case: Case, worker: Worker) -> None:
    """Everything a worker does for a mask: decode the expression, evaluate, write the asset."""
    import ee

    expression = ee.serializer.encode(case.export.image, for_cloud_api=True)
    job = {
        "kind": "export",
        "name": "BENCHMARK",
        "expression": json.loads(json.dumps(expression)),
        "asset": case.export.destination.asset,
        "grid": case.export.grid.to_json(),
        "pyramiding": case.export.pyramiding.value,
    }
    worker.carry_out(job)


def seconds_of(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """The median time of some calls."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure_mask(scale_m: int, repeats: int) -> None:
    """Print the speed of a mask at a working scale, and what memory the process has needed so far."""
    case = make_case(scale_m)
    rows, columns = case.export.grid.shape_yx
    seconds = seconds_of(lambda: make_mask(case, make_worker(case)), repeats)
    megapixels = rows * columns / 1e6
    print(
        f"mask at {scale_m} m: {columns} x {rows} pixels of {case.images} images with 13 bands in {seconds:.2f} s: "
        f"{megapixels / seconds:.2f} Mpx/s, {megapixels * case.images * 13 / seconds:.0f} million values/s; "
        f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB of memory so far"
    )


def measure_median() -> None:
    """Print what the median of 20 layers costs by our selection network and by numpy, on the same data."""
    stack = np.random.default_rng(1).integers(0, 12_000, (LAYERS, LAYER_PX), dtype=np.uint16)

    def ours() -> np.ndarray:
        return median_layers(list(stack), [None] * LAYERS)[0]

    assert np.array_equal(ours(), np.median(stack, axis=0))
    seconds = seconds_of(ours)
    print(f"median of {LAYERS} layers of uint16: {LAYER_PX / 1e6 / seconds:.1f} Mpx/s by our selection network")
    for name, work in (
        ("np.median", lambda: np.median(stack, axis=0)),
        ("np.sort", lambda: np.sort(stack, axis=0)),
    ):
        others = seconds_of(work)
        print(f"  {name}: {LAYER_PX / 1e6 / others:.1f} Mpx/s; ours is {others / seconds:.1f} times as fast")


def main() -> None:
    """Measure all and print."""
    shutil.rmtree(FOLDER / "store", ignore_errors=True)
    gdal.SetCacheMax(CACHE_MB * 2**20)
    measure_mask(30, REPEATS)
    measure_mask(10, 1)
    measure_median()


if __name__ == "__main__":
    main()
