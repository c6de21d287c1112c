"""What an image costs by each model and source of masks, with and without shadows, beside the published model."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from osgeo import gdal

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import mask_queue  # noqa: E402
from mask_queue import Cost, masks_of, middle, nothing, session, whole  # noqa: E402

import run  # noqa: E402
from s2mask_qgis.core.area import Area  # noqa: E402
from s2mask_qgis.core.models.files import find  # noqa: E402
from s2mask_qgis.core.parameters import PRODUCT, RunParameters  # noqa: E402
from s2mask_qgis.core.scenes import Scene  # noqa: E402
from s2mask_qgis.engines.local.engine import LocalEngine  # noqa: E402
from s2mask_qgis.jobs.planning import Planner  # noqa: E402
from s2mask_qgis.simulation.rasters import to_degrees  # noqa: E402
from s2mask_qgis.simulation.scene import Truth  # noqa: E402

SIZE_PX, DATES = mask_queue.SIZE_PX, mask_queue.DATES
SCALES_M = (30, 10)
SMALL_PX = 100
LIMIT = 1.3
PUBLISHED = "published without shadows"
CASES = {
    PUBLISHED: RunParameters(model="published", shadow=False),
    "published": RunParameters(model="published"),
    "magnitude without shadows": RunParameters(model="magnitude", shadow=False),
    "magnitude": RunParameters(model="magnitude"),
    "multitemporal": RunParameters(model="multitemporal"),
    "product mask": RunParameters(source=PRODUCT),
}
BOUND = ("magnitude", "multitemporal")
"""Models that may cost LIMIT times what the published one costs, their shadows included."""

FOLDER = ROOT / "build" / "bench" / "models"
SCENES = FOLDER / "scenes"

Work = Callable[[Sequence[Scene], RunParameters], Callable[[LocalEngine], None]]
"""Makes the work of a session of images and parameters."""


def products_with_masks() -> Path:
    """A folder of the sample's products, to which masks as the producer makes them are added, cut from the truth."""
    options = run.parse_arguments(["--size", str(SIZE_PX), "--dates", str(DATES)])
    sample = run.sample_folder(options)
    run.write_sample(sample, options)
    for product in sorted(sample.glob("*.SAFE")):
        if not (SCENES / product.name).exists():
            partial = SCENES / f".{product.stem}.part"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(product, partial, copy_function=os.link)
            add_mask(partial, sample / "truth")
            partial.replace(SCENES / product.name)
    return SCENES


def add_mask(product: Path, truth_folder: Path) -> None:
    """MSK_CLASSI_B00 of a product: opaque cloud, cirrus, snow at 60 m; all clouds of the truth count as opaque."""
    (band,) = product.glob("GRANULE/*/IMG_DATA/*_B01.*")
    tile, start = band.stem.split("_")[:2]
    (truth,) = truth_folder.glob(f"{start}_*_{tile}.tif")
    layers = np.zeros((3, SIZE_PX // 6, SIZE_PX // 6), np.uint8)
    layers[0] = gdal.Open(str(truth)).ReadAsArray()[::6, ::6] == Truth.CLOUD
    folder = band.parent.parent / "QI_DATA"
    folder.mkdir()
    like = gdal.Open(str(band))
    made = gdal.GetDriverByName("GTiff").Create(
        str(folder / "MSK_CLASSI_B00.tif"), like.RasterXSize, like.RasterYSize, 3, gdal.GDT_Byte
    )
    made.SetProjection(like.GetProjection())
    made.SetGeoTransform(like.GetGeoTransform())
    made.WriteArray(layers)


def plans_of(targets: Sequence[Scene], parameters: RunParameters) -> Callable[[LocalEngine], None]:
    """Work for a session: to plan these images and nothing else."""

    def work(engine: LocalEngine) -> None:
        archive = engine.scenes()
        planner = Planner(engine, whole(targets[0]), parameters, find(parameters.model))
        for scene in targets:
            planner.plan(scene, planner.choose(scene, archive))

    return work


def masks(targets: Sequence[Scene], parameters: RunParameters) -> Callable[[LocalEngine], None]:
    """Work for a session: plans, masks and NDVI of these images."""
    return masks_of(SCENES, targets, parameters)


def small_masks(targets: Sequence[Scene], parameters: RunParameters) -> Callable[[LocalEngine], None]:
    """Work for a session: the same of a small square in the middle of the tile."""
    return masks_of(SCENES, targets, parameters, small_area(parameters.scale_m))


def small_area(scale_m: int) -> Area:
    """A square of SMALL_PX pixels in the middle of the sample."""
    (band,) = next(SCENES.glob("*.SAFE")).glob("GRANULE/*/IMG_DATA/*_B02.*")
    raster = gdal.Open(str(band))
    x0, y0 = (raster.GetGeoTransform()[place] for place in (0, 3))
    x, y, half = x0 + 5 * SIZE_PX, y0 - 5 * SIZE_PX, SMALL_PX * scale_m / 2
    corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    crs = f"EPSG:{raster.GetSpatialRef().GetAuthorityCode(None)}"
    return Area(((to_degrees(corners, crs),),), "small")


def compare(title: str, work: Work, targets: Sequence[Scene], scale_m: int, rounds: int) -> None:
    """Print the middle cost of an image in each case, without that of starting; the cases take turns, so that what
    else the machine does meets each of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in CASES}
    for _ in range(rounds):
        start = session(SCENES, nothing)
        for name, found in costs.items():
            done = session(SCENES, work(targets, replace(CASES[name], scale_m=scale_m)))
            found.append(done.per_image(start, len(targets)))
    print(f"{title}, each of {len(targets)} (load {os.getloadavg()[0]:.1f})")
    base = middle(costs[PUBLISHED])
    for name, cost in ((name, middle(found)) for name, found in costs.items()):
        bound = f" (bound: {LIMIT})" if name in BOUND and work is masks else ""
        share = f"{cost.cpu_s / base.cpu_s:.2f} times {PUBLISHED}{bound}"
        print(f"  {name}: {cost.cpu_s:.2f} s of processors, {cost.wall_s:.2f} s; {share}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=8, help="images of a queue (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="times that all take their turn (default %(default)s)")
    options = parser.parse_args()
    archive = mask_queue.prepared(products_with_masks())
    targets = archive[-options.images :]
    for scale_m in SCALES_M:
        side_px = 10 * SIZE_PX // scale_m
        pixels, small = f"{side_px} x {side_px} px at {scale_m} m", f"{SMALL_PX} x {SMALL_PX} px at {scale_m} m"
        compare(f"masks and NDVI of {pixels}", masks, targets[-1:], scale_m, options.rounds)
        compare(f"masks and NDVI of {pixels}", masks, targets, scale_m, options.rounds)
        compare(f"plans of {pixels}", plans_of, targets, scale_m, options.rounds)
        compare(f"masks and NDVI of {small} among them", small_masks, targets, scale_m, options.rounds)


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":  # this process plans: one thread, as inside QGIS beside its workers
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_NUM_THREADS": "1"})
    gdal.UseExceptions()
    main()
