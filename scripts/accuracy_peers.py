"""What the s2cloudless package makes of scenes of the library, run in a virtual environment of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
from osgeo import gdal

from accuracy import read_raster
from peer_environments import peer_python
from s2mask_qgis.core.scenes import BANDS
from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.engines.local.library.ingest import IngestedScene
from s2mask_qgis.engines.local.library.library import SceneLibrary

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("accuracy_peer_s2cloudless.py")
UNDECIDED = 255
SMOOTHED_M, GROWN_M = 220.0, 110.0
"""Widths over which the package averages probabilities and by which it grows clouds: what its authors recommend, 22
and 11 pixels of 10 m."""


class PeerError(Exception):
    """The package could not be run on a set; the text says why."""


def s2cloudless_masks(scenes: Path, library: Path, references: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Masks on the valid pixels of ``references`` (by system:index), written below ``folder``. PeerError where that
    cannot be done."""
    python = _python()
    stored = SceneLibrary(scenes, library)
    exchange = folder / "exchange"
    exchange.mkdir(parents=True, exist_ok=True)
    masks = {index: folder / f"{index}.tif" for index in references}
    try:
        for index, reference in references.items():
            step = gdal.Open(str(reference)).GetGeoTransform()[1]
            pixels = read_bands(_ingested(stored, index), reference, BANDS)
            widths = {"average_over": round(SMOOTHED_M / step), "dilation": round(GROWN_M / step)}
            np.savez(exchange / f"{index}.npz", pixels=pixels, **widths)
        subprocess.run([str(python), str(SCRIPT), str(exchange)], check=True)
        for index, reference in references.items():
            found = np.load(exchange / f"{index}.npy")
            decided = read_raster(reference).valid
            write_like(masks[index], np.where(decided, found, UNDECIDED).astype(np.uint8), reference)
    except subprocess.CalledProcessError as error:
        raise PeerError("it failed, its message stands above") from error
    finally:
        shutil.rmtree(exchange)
    return masks


def read_bands(scene: IngestedScene, reference: Path, names: tuple[str, ...]) -> np.ndarray:
    """Bands of an ingested scene on the pixels of ``reference``: (band, y, x) reflectance, NaN where there is none.

    Finer bands are averaged, coarser ones take the nearest pixel.
    """
    gdal.UseExceptions()
    target = gdal.Open(str(reference))
    step = target.GetGeoTransform()[1]
    layers = []
    for name in names:
        band = scene.bands[name]
        layer = gdal.Translate("", str(band.path), format="MEM", bandList=[band.number])
        resampling = "average" if band.grid.scale_m < step else "near"
        layers.append(_warped(layer, target, gdal.GDT_Float32, resampling, np.nan) / 10_000)
    return np.stack(layers)


def median_reflectance(scene: IngestedScene, reference: Path, names: tuple[str, ...]) -> tuple[float, ...]:
    """The median of each band over the pixels that a mask decides."""
    bands = read_bands(scene, reference, names)
    decided = read_raster(reference).valid & np.isfinite(bands).all(axis=0)
    return tuple(float(np.median(band[decided])) for band in bands)


def _ingested(library: SceneLibrary, index: str) -> IngestedScene:
    try:
        scene = library.ingest(index)
    except EngineError as error:
        raise PeerError(str(error)) from error
    missing = [band for band in BANDS if band not in scene.bands]
    if missing:
        raise PeerError(f"it needs all 13 bands, {', '.join(missing)} missing")
    return scene


def _python() -> Path:
    try:
        return peer_python(ROOT / "build" / "bench" / "peers", "peers.txt")
    except (subprocess.CalledProcessError, OSError) as error:
        raise PeerError("it cannot be installed here") from error


def write_like(path: Path, mask: np.ndarray, reference: Path) -> None:
    """Write a mask (uint8, UNDECIDED where there is none) on the pixels of another raster."""
    target = gdal.Open(str(reference))
    rows, columns = mask.shape
    file = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, gdal.GDT_Byte, ["COMPRESS=DEFLATE"])
    file.SetGeoTransform(target.GetGeoTransform())
    file.SetSpatialRef(target.GetSpatialRef())
    file.GetRasterBand(1).SetNoDataValue(UNDECIDED)
    file.GetRasterBand(1).WriteArray(mask)


def same_pixels(path: Path, reference: Path, target: Path) -> Path:
    """A mask on the pixels of another raster, each the most frequent value below it; written to ``target``."""
    gdal.UseExceptions()
    values = _warped(gdal.Open(str(path)), gdal.Open(str(reference)), gdal.GDT_Byte, "mode", UNDECIDED)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_like(target, values, reference)
    return target


def _warped(source: gdal.Dataset, target: gdal.Dataset, kind: int, resampling: str, nodata: float) -> np.ndarray:
    """The first band of ``source`` on the pixels of ``target``."""
    x0, step, _, y0, _, _ = target.GetGeoTransform()
    rows, columns = target.RasterYSize, target.RasterXSize
    options = {
        "outputBounds": (x0, y0 - step * rows, x0 + step * columns, y0),
        "width": columns,
        "height": rows,
        "outputType": kind,
        "resampleAlg": resampling,
        "dstNodata": nodata,
    }
    return gdal.Warp("", source, format="MEM", **options).ReadAsArray()
