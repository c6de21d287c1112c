"""A whole sample: every acquisition as a product, the truth, and an area to run on."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

from ..core.grid import Grid
from ..core.scenes import Ring
from ..engines.errors import CancelledError, StorageError
from .acquisitions import Acquisition, plan_acquisitions
from .landscape import Landscape, build_landscape
from .rasters import gdal_errors, to_degrees, write_area
from .safe_metadata import NOTICE
from .safe_writer import product_path, write_product
from .scene import observe
from .settings import SampleSettings

CountCallback = Callable[[int, int], None]
"""Called with (done, total) products."""

DEFAULT_SETTINGS = SampleSettings()
AREA_FILE = "area.gpkg"
STAMP_FILE = "SAMPLE.txt"

_AREA_CORNERS = (
    (0.07, 0.20), (0.24, 0.05), (0.57, 0.09), (0.83, 0.04), (0.95, 0.33), (0.90, 0.78), (0.66, 0.95), (0.27, 0.89),
    (0.05, 0.62),
)  # fmt: skip
"""Outline of the area as shares of the sample's width and height from its upper left corner."""


def _ignore_count(done: int, total: int) -> None:
    """The caller does not want to know."""


def _never() -> bool:
    return False


def write_sample(
    folder: Path,
    settings: SampleSettings = DEFAULT_SETTINGS,
    on_count: CountCallback = _ignore_count,
    is_cancelled: Callable[[], bool] = _never,
    workers: int = 1,
) -> None:
    """Writes a sample to ``folder``, or what is missing of it.

    ``on_count`` hears how many products are complete. With more than one of ``workers``, dates are written by that
    many processes; from inside QGIS use one, in a thread or task. The same settings give the same bytes.

    Raises StorageError where the folder cannot be used (other products or another sample lie there, or it cannot be
    written), CancelledError soon after ``is_cancelled`` says so; complete products stay and are not written again.
    """
    _stamp(folder, settings)
    acquisitions = plan_acquisitions(settings)
    missing = [each for each in acquisitions if not product_path(folder, each).exists()]
    done = len(acquisitions) - len(missing)
    on_count(done, len(acquisitions))
    for _ in _write_missing(folder, settings, missing, is_cancelled, workers):
        done += 1
        on_count(done, len(acquisitions))
    if not (folder / AREA_FILE).exists():
        _write_area(folder, settings.grid)


def area_ring(grid: Grid) -> Ring:
    """The area of interest that comes with a sample, in longitude and latitude."""
    x_min, y_min, x_max, y_max = grid.bounds
    corners = [(x_min + x * (x_max - x_min), y_max - y * (y_max - y_min)) for x, y in _AREA_CORNERS]
    return to_degrees(corners, grid.crs)


def _write_missing(
    folder: Path,
    settings: SampleSettings,
    missing: Sequence[Acquisition],
    is_cancelled: Callable[[], bool],
    workers: int,
) -> Iterator[None]:
    """Yields after each product; cancelling is looked at between products."""
    if not missing:
        return
    if workers == 1:
        landscape = build_landscape(settings)
        for acquisition in missing:
            _stop_if(is_cancelled)
            _write_acquisition(folder, settings, acquisition, landscape)
            yield
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(_write_in_worker, folder, settings, acquisition) for acquisition in missing]
        try:
            for future in as_completed(futures):
                future.result()
                yield
                _stop_if(is_cancelled)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _stop_if(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise CancelledError("Writing the sample was stopped; what is complete stays, and is not written again.")


def _write_acquisition(folder: Path, settings: SampleSettings, acquisition: Acquisition, landscape: Landscape) -> None:
    observation = observe(landscape, acquisition, settings.seed)
    write_product(folder, acquisition, observation, settings.grid, jp2=acquisition.number < settings.jp2_products)


@lru_cache(maxsize=1)
def _landscape_of_worker(settings: SampleSettings) -> Landscape:
    return build_landscape(settings)


def _write_in_worker(folder: Path, settings: SampleSettings, acquisition: Acquisition) -> None:
    _write_acquisition(folder, settings, acquisition, _landscape_of_worker(settings))


def _stamp(folder: Path, settings: SampleSettings) -> None:
    """Marks ``folder`` as holding this sample; refuses a folder that holds anything else of the kind."""
    stamp = folder / STAMP_FILE
    text = f"{NOTICE}Made from the settings:\n{settings.to_json()}\n"
    try:
        if stamp.exists():
            if stamp.read_text(encoding="utf-8") != text:
                raise StorageError(
                    f"{folder} holds a sample made with other settings or another version of the plugin. "
                    "Choose an empty folder, or remove that one first."
                )
            return
        if folder.exists() and any(folder.glob("*.SAFE")):
            raise StorageError(f"{folder} holds other Sentinel-2 products. Choose an empty folder for the sample.")
        folder.mkdir(parents=True, exist_ok=True)
        stamp.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(f"The sample cannot be written to {folder}: {error}. Choose another folder.") from error


def _write_area(folder: Path, grid: Grid) -> None:
    path = folder / AREA_FILE
    partial = folder / f".part.{AREA_FILE}"
    try:
        with gdal_errors(path):
            partial.unlink(missing_ok=True)
            write_area(partial, area_ring(grid))
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
