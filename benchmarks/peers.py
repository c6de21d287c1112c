"""Our medians and our whole mask against named peers, in the same run on the same arrays in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import numpy as np  # noqa: E402

import peer_environments  # noqa: E402
from s2mask_qgis.core.clusters import find  # noqa: E402
from s2mask_qgis.core.grid import Grid  # noqa: E402
from s2mask_qgis.core.models.files import find as find_model  # noqa: E402
from s2mask_qgis.core.parameters import MODEL  # noqa: E402
from s2mask_qgis.core.plan import Background, ImagePlan  # noqa: E402
from s2mask_qgis.core.probability import probability  # noqa: E402
from s2mask_qgis.core.scenes import BANDS  # noqa: E402
from s2mask_qgis.engines.expressions import ready_client  # noqa: E402
from s2mask_qgis.engines.local.algorithms.sampling import BLOCK_PX  # noqa: E402
from s2mask_qgis.engines.local.graph import decode  # noqa: E402
from s2mask_qgis.engines.local.interpreter import Interpreter  # noqa: E402
from s2mask_qgis.engines.local.raster.evaluation import Evaluation  # noqa: E402
from s2mask_qgis.engines.local.raster.medians import median_layers  # noqa: E402
from s2mask_qgis.engines.local.raster.sources import Pixels  # noqa: E402
from s2mask_qgis.engines.local.raster.stored import StoredBand  # noqa: E402
from s2mask_qgis.engines.local.raster.windows import blocks  # noqa: E402
from s2mask_qgis.engines.local.values import Band, ImageValue  # noqa: E402
from s2mask_qgis.engines.local.vocabulary import VOCABULARY  # noqa: E402
from s2mask_qgis.engines.local.workers import worker_environment  # noqa: E402

SIZE_PX = 1020
DATES, APART = 20, 10
"""Images of a background, and how many of the clearest are not among the nearest: half, as of 20 out of 40."""

REPEATS = 3
MISSING = 0.2
FOLDER = ROOT / "build" / "bench" / "peers"
TENS, TWENTIES = ("B2", "B3", "B4", "B8"), ("B5", "B6", "B7", "B8A", "B11", "B12")


def make_images(missing: float) -> list[dict[str, tuple[np.ndarray, np.ndarray | None]]]:
    """The image and its backgrounds': per band uint16 values at the native resolution and their validity."""
    generator = np.random.default_rng(0)
    ground = {band: generator.integers(500, 3000, (shape_of(band),) * 2) for band in BANDS}
    images = []
    for _ in range(1 + DATES + APART):
        image: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}
        for band, values in ground.items():
            noisy = (values + generator.normal(0, 200, values.shape)).clip(1, 60_000).astype(np.uint16)
            noisy[: len(noisy) // 3] += generator.integers(0, 4000)
            image[band] = noisy, generator.random(values.shape) >= missing if missing else None
        images.append(image)
    return images


def shape_of(band: str) -> int:
    """Pixels a side of a band's native raster."""
    return SIZE_PX if band in TENS else SIZE_PX // 2 if band in TWENTIES else SIZE_PX // 6


class Memory:
    """The images as assets "0", "1", …: what the interpreter asks of an engine."""

    def __init__(self, images: list[dict[str, tuple[np.ndarray, np.ndarray | None]]]) -> None:
        self._images = images

    def load_image(self, asset: str) -> ImageValue:
        """The image of an asset id."""
        bands = []
        for name in BANDS:
            values, valid = self._images[int(asset)][name]
            scale_m = 10.0 * SIZE_PX / len(values)
            grid = Grid("EPSG:32633", (scale_m, 0.0, 0.0, 0.0, -scale_m, 0.0), values.shape)
            bands.append(Band(name, StoredBand(grid, (1,), reader(values, valid)), grid, np.dtype(np.uint16)))
        return ImageValue(tuple(bands))

    def load_collection(self, asset: str) -> Any:
        """There is none."""
        raise KeyError(asset)


def reader(values: np.ndarray, valid: np.ndarray | None) -> Callable[[int, int, int, int, int], Pixels]:
    """Reads parts of an array in memory."""

    def read(level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        part = np.s_[row : row + rows, column : column + columns]
        return Pixels(values[part], None if valid is None else valid[part])

    return read


def make_mask(images: list[dict[str, tuple[np.ndarray, np.ndarray | None]]], plan: ImagePlan) -> np.ndarray:
    """The whole mask of image 0, evaluated block by block."""
    mask = evaluate(plan, Memory(images))
    evaluation = Evaluation([band.source for band in mask.bands])
    result = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    for row, column, window in blocks(plan.grid, BLOCK_PX):
        (pixels,) = evaluation.read(window)
        rows, columns = window.shape
        result[row : row + rows, column : column + columns] = pixels.data
    return result


def evaluate(plan: ImagePlan, assets: Any) -> ImageValue:
    """The mask of a plan as the interpreter makes it of the expression that the client would send."""
    import ee

    expression = ee.serializer.encode(probability(plan).gt(plan.cutoff), for_cloud_api=True)
    return Interpreter(decode(expression), VOCABULARY, assets).result()


def make_plan(dates: int = DATES, apart: int = APART, size_px: int = SIZE_PX, image: int = 0) -> ImagePlan:
    """A plan with ten clusters for an image against those after it; the work does not depend on the numbers in it."""
    generator, model = np.random.default_rng(1), find_model("published")
    clusters = find(
        generator.normal(0, 500, (2000, len(BANDS))),
        generator.uniform(500, 3000, (2000, 3)),
        BANDS,
        count=10,
        thresholds="as trained",
        seed=0,
    )
    grid = Grid("EPSG:32633", (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), (size_px, size_px))
    features = {"percentile1": image + 1, "percentile5": image + 1 + apart}
    return ImagePlan(
        image=str(image),
        grid=grid,
        bands=BANDS,
        quality_bands=(),
        model=model,
        cutoff=model.cutoff,
        source=MODEL,
        union=False,
        source_cutoff=0.0,
        backgrounds={name: Background(numbers(first, dates), clusters) for name, first in features.items()},
    )


def numbers(first: int, count: int) -> tuple[str, ...]:
    """The asset ids of ``count`` images from number ``first`` on."""
    return tuple(str(number) for number in range(first, first + count))


def seconds_of(work: Callable[[], object]) -> float:
    """The shortest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def seconds_each_of_two(work: Callable[[], object]) -> float:
    """Half of the time that two processes at once need, as two workers share two cores; the shortest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                work()
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        times.append((time.perf_counter() - start) / 2)
    return min(times)


def peer_python() -> Path:
    """The interpreter of the peers' own virtual environment."""
    return peer_environments.peer_python(FOLDER, "peers.txt")


def peer_environment() -> dict[str, str]:
    """The environment without what our workers run with: the peers use threads and memory as they like."""
    ours_alone = ("_NUM_THREADS", "MALLOC_")
    return {name: value for name, value in os.environ.items() if not any(part in name for part in ours_alone)}


def peer_times(stack: np.ndarray, missing: np.ndarray, scene: np.ndarray) -> dict[str, float]:
    """Seconds of the peers, run in a virtual environment of their own."""
    python = peer_python()
    for name, array in (("stack", stack), ("missing", missing), ("scene", scene)):
        np.save(FOLDER / f"{name}.npy", array)
    script = Path(__file__).parent / "in_peers_environment" / "times.py"
    answer = subprocess.run(
        [str(python), str(script), str(FOLDER)], check=True, capture_output=True, text=True, env=peer_environment()
    )
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print the ratios, each side on two cores: two of ours at once, one a core; the peers as they like."""
    if "--as-worker" not in sys.argv:  # the settings of a worker count from a process's start only
        os.execve(sys.executable, [sys.executable, __file__, "--as-worker"], worker_environment())
    ready_client()
    generator = np.random.default_rng(2)
    stack = generator.integers(0, 12_000, (DATES, SIZE_PX, SIZE_PX)).astype(np.uint16)
    missing = generator.random(stack.shape) < MISSING
    layers, masks = list(stack), list(~missing)
    full, holed, plan = make_images(0), make_images(MISSING), make_plan()
    scene = np.stack([np.kron(full[0][band][0], np.ones((SIZE_PX // shape_of(band),) * 2)) for band in BANDS], axis=-1)
    peers = peer_times(stack, missing, scene.astype(np.uint16))
    works: tuple[tuple[str, Callable[[], object], str], ...] = (
        ("median of 20", lambda: median_layers(layers, [None] * DATES), "np.median"),
        ("median of 20, 20 % missing", lambda: median_layers(layers, masks), "bottleneck.nanmedian"),
        ("whole mask", lambda: make_mask(full, plan), "s2cloudless"),
        ("whole mask, 20 % missing", lambda: make_mask(holed, plan), "s2cloudless"),
    )
    print(f"{SIZE_PX} x {SIZE_PX} px, data in memory; seconds and how many times as fast as the peer")
    for name, work, peer in works:
        alone, two = seconds_of(work), seconds_each_of_two(work)
        print(
            f"{name}: {alone:.3f} s on one core ({peers[peer] / alone:.1f} x), {two:.3f} s each on two "
            f"({peers[peer] / two:.1f} x); {peer}: {peers[peer]:.3f} s"
        )


if __name__ == "__main__":
    main()
