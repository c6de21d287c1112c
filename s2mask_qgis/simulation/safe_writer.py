"""Writes an observation as a Level-1C product and its truth beside it, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from ..core.grid import Grid
from ..core.scenes import BANDS, Ring
from . import safe_metadata, spectra
from .acquisitions import Acquisition
from .rasters import gdal_errors, to_degrees, write_raster
from .safe_metadata import ProductFacts
from .scene import SWATH_SLOPE, Observation, swath_cut_px

TRUTH_FOLDER, CASE_FOLDER = "truth", "surface"
"""Beside the products: what each pixel is (Truth), and what kind of ground lies there (Case) where a sample has it."""


def product_path(folder: Path, acquisition: Acquisition) -> Path:
    """Where an acquisition's product lies in a sample; it exists only once it is complete, its truth included."""
    return folder / safe_metadata.product_name(acquisition)


def truth_path(folder: Path, acquisition: Acquisition) -> Path:
    """Where the truth of an acquisition lies in a sample."""
    return folder / TRUTH_FOLDER / f"{acquisition.index}.tif"


def case_path(folder: Path, acquisition: Acquisition) -> Path:
    """Where the cases of an acquisition lie in a sample that has them."""
    return folder / CASE_FOLDER / f"{acquisition.index}.tif"


def write_product(folder: Path, acquisition: Acquisition, observation: Observation, grid: Grid, jp2: bool) -> None:
    """Writes the truth (and the cases), then the product under a passing name that becomes its own at the end.

    Raises StorageError where the disk is full or ``folder`` cannot be written; nothing half-written is left then.
    """
    final = product_path(folder, acquisition)
    partial = folder / f".{final.stem}.part"
    beside = {truth_path(folder, acquisition): observation.truth}
    if observation.case is not None:
        beside[case_path(folder, acquisition)] = observation.case
    with gdal_errors(final):
        try:
            shutil.rmtree(partial, ignore_errors=True)
            for path, classes in beside.items():
                _write_classes(path, classes, grid)
            _write_files(partial, acquisition, observation, grid, ".jp2" if jp2 else ".tif")
            partial.replace(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _write_classes(path: Path, classes: np.ndarray, grid: Grid) -> None:
    """Writes a raster of classes at 10 m, whole or not at all."""
    partial = path.with_name(f".{path.stem}.part.tif")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_raster(partial, classes, grid)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def footprint(acquisition: Acquisition, grid: Grid) -> Ring:
    """Outline of the pixels inside the swath, in longitude and latitude."""
    x_min, y_min, x_max, y_max = grid.bounds
    corners = [(x_min, y_max), (x_max, y_max), (x_max, y_min), (x_min, y_min)]
    if acquisition.swath_loss:
        width_m = swath_cut_px(acquisition.swath_loss, grid.shape_yx[1]) * grid.scale_m
        height_m = width_m / SWATH_SLOPE
        if acquisition.swath_side == "NW":
            corners[0:1] = [(x_min, y_max - height_m), (x_min + width_m, y_max)]
        else:
            corners[2:3] = [(x_max, y_min + height_m), (x_max - width_m, y_min)]
    return to_degrees(corners, grid.crs)


def _write_files(folder: Path, acquisition: Acquisition, observation: Observation, grid: Grid, ending: str) -> None:
    granule = folder / "GRANULE" / safe_metadata.granule_name(acquisition)
    images = granule / "IMG_DATA"
    images.mkdir(parents=True)
    for band in BANDS:
        path = images / (safe_metadata.band_stem(acquisition, band) + ending)
        write_raster(path, observation.numbers[band], grid.at_scale(spectra.SCALE_M[band]))
    facts = ProductFacts(
        grid,
        footprint(acquisition, grid),
        _reported_percent(acquisition, observation.cloudy_percent),
        observation.snow_percent,
        "JPEG2000" if ending == ".jp2" else "GeoTIFF",
    )
    _write_text(granule / "MTD_TL.xml", safe_metadata.tile_xml(acquisition, facts))
    _write_text(folder / "MTD_MSIL1C.xml", safe_metadata.product_xml(acquisition, facts))
    _write_text(folder / "manifest.safe", safe_metadata.manifest_xml(acquisition))
    _write_text(folder / "SAMPLE.txt", safe_metadata.NOTICE)


def _reported_percent(acquisition: Acquisition, true_percent: float) -> float:
    """The producer's cloud percentage: near the true one, furthest off (2.7) where half of the image is cloudy."""
    error = ((acquisition.number * 37) % 21 - 10) / 10
    return min(100.0, max(0.0, true_percent + error * (0.2 + 0.05 * min(true_percent, 100.0 - true_percent))))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
