"""Ingesting a scene: its bands in tiled, compressed GeoTIFF with pyramids, a file per grid."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, osr

from ....core.grid import Grid
from ....core.scenes import BANDS, QUALITY_BANDS
from ...errors import StorageError
from .band_sources import BandSource, strips
from .checksums import checksums_path, write_checksums
from .pyramid import NODATA, halve, halve_classes, levels_of
from .rasters import gdal_failures
from .records import SceneRecord

FORMAT = 2
"""Version of the layout below; a scene ingested by another version is ingested again."""
DESCRIPTION = "scene.json"
TILE_PX = 256
STRIP_ROWS = TILE_PX * 8
"""Rows handled at once: whole tiles at every level of the pyramid, and bounded memory for bands of 10,980 rows."""
FILE_ORDER = ("B4", "B3", "B2", *(band for band in BANDS if band not in ("B4", "B3", "B2")), *QUALITY_BANDS)
"""Red, green and blue come first, so that a viewer shows a file in true colour without being told."""
COLOURS = {"B4": gdal.GCI_RedBand, "B3": gdal.GCI_GreenBand, "B2": gdal.GCI_BlueBand}


@dataclass(frozen=True)
class BandFile:
    """Where an ingested band is read: ``number`` is its 1-based band in the file; of the pyramid's ``levels``
    (1, 2, 4, 8) level i > 0 is GDAL's overview i - 1."""

    name: str
    path: Path
    number: int
    grid: Grid
    levels: tuple[int, ...]


@dataclass(frozen=True)
class IngestedScene:
    """A scene whose pixels are in the library, by band name."""

    index: str
    bands: Mapping[str, BandFile]


def write_scene(record: SceneRecord, sources: Mapping[str, BandSource], signature: str, folder: Path) -> None:
    """Write the rasters of a scene, and last their description, into an empty folder.

    Raises SceneError where the product cannot be read (the text names the band), StorageError where the disk is full.
    """
    files: dict[str, Any] = {}
    for name, grid, bands in _files_of(record):
        _write_raster(folder / name, grid, bands, sources)
        write_checksums(folder / name)
        files[name] = {"bytes": (folder / name).stat().st_size, "grid": grid.to_json(), "bands": list(bands)}
    description = {"format": FORMAT, "signature": signature, "record": record.to_json(), "files": files}
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")


def read_scene(record: SceneRecord, signature: str, folder: Path) -> IngestedScene | None:
    """The scene that :meth:`write_scene` put into a folder; None where there is none, or one that is out of date: of
    another state of the product, or without bands that the product has and an earlier version passed by."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["format"] != FORMAT or description["signature"] != signature:
            return None
        bands: dict[str, BandFile] = {}
        for name, file in description["files"].items():
            path = folder / name
            if path.stat().st_size != file["bytes"] or not checksums_path(path).is_file():
                return None
            grid = Grid.from_json(file["grid"])
            for number, band in enumerate(file["bands"], start=1):
                bands[band] = BandFile(band, path, number, grid, levels_of(grid.shape_yx))
        return IngestedScene(record.index, {band.name: bands[band.name] for band in record.bands})
    except (OSError, ValueError, KeyError, TypeError):
        # Absent or damaged: both mean that the scene is not ingested, and ingesting it mends either.
        return None


def _files_of(record: SceneRecord) -> list[tuple[str, Grid, tuple[str, ...]]]:
    by_grid: dict[Grid, list[str]] = {}
    for band in sorted(record.bands, key=lambda band: FILE_ORDER.index(band.name)):
        by_grid.setdefault(band.grid, []).append(band.name)
    files: dict[str, tuple[Grid, tuple[str, ...]]] = {}
    for grid in sorted(by_grid, key=lambda grid: (grid.scale_m, grid.transform, grid.shape_yx)):
        stem = name = f"r{grid.scale_m:g}".replace(".", "_")
        while f"{name}.tif" in files:
            name = f"{stem}-{len(files)}"
        files[f"{name}.tif"] = (grid, tuple(by_grid[grid]))
    return [(name, grid, bands) for name, (grid, bands) in files.items()]


def _write_raster(path: Path, grid: Grid, bands: tuple[str, ...], sources: Mapping[str, BandSource]) -> None:
    trouble = f"{path.parent.name}/{path.name} cannot be written to the scene library; is the disk full?"
    with gdal_failures(StorageError, trouble):
        target = _create(path, grid, bands)
    for number, band in enumerate(bands, start=1):
        halving = halve_classes if band in QUALITY_BANDS else halve
        for row, values in strips(f"band {band}", sources[band], grid, STRIP_ROWS):
            with gdal_failures(StorageError, trouble):
                _write_strip(target.GetRasterBand(number), row, values, halving)
    with gdal_failures(StorageError, trouble):
        target.FlushCache()
        del target


def _create(path: Path, grid: Grid, bands: tuple[str, ...]) -> gdal.Dataset:
    driver = gdal.GetDriverByName("GTiff")
    rows, columns = grid.shape_yx
    dataset = driver.Create(str(path), columns, rows, len(bands), gdal.GDT_UInt16, creation_options(driver))
    if dataset is None:
        raise RuntimeError(gdal.GetLastErrorMsg())  # as GDAL does itself where its exceptions are on
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(int(grid.crs.partition(":")[2]))
    dataset.SetProjection(reference.ExportToWkt())
    x_scale, x_shear, x0, y_shear, y_scale, y0 = grid.transform
    dataset.SetGeoTransform((x0, x_scale, x_shear, y0, y_shear, y_scale))
    for number, name in enumerate(bands, start=1):
        band = dataset.GetRasterBand(number)
        band.SetDescription(name)
        band.SetNoDataValue(NODATA)
        if set(COLOURS) <= set(bands):
            band.SetColorInterpretation(COLOURS.get(name, gdal.GCI_Undefined))
    factors = levels_of(grid.shape_yx)[1:]
    if factors:
        # Empty overviews, to be filled by _write_strip: GDAL's own averages shift by half a pixel at odd sizes.
        dataset.BuildOverviews("NONE", list(factors))
    return dataset


def creation_options(driver: gdal.Driver) -> list[str]:
    """How ingested rasters are tiled and compressed, for GDAL's GTiff driver."""
    has_zstd = "<Value>ZSTD</Value>" in driver.GetMetadataItem("DMD_CREATIONOPTIONLIST")
    compression = ["COMPRESS=ZSTD", "ZSTD_LEVEL=3"] if has_zstd else ["COMPRESS=DEFLATE"]
    tiles = ["TILED=YES", f"BLOCKXSIZE={TILE_PX}", f"BLOCKYSIZE={TILE_PX}", "INTERLEAVE=BAND"]
    return [*tiles, *compression, "PREDICTOR=2", "PHOTOMETRIC=MINISBLACK", "BIGTIFF=IF_SAFER"]


def _write_strip(band: gdal.Band, row: int, values: np.ndarray, halving: Callable[[np.ndarray], np.ndarray]) -> None:
    band.WriteArray(values, 0, row)
    for position in range(band.GetOverviewCount()):
        values = halving(values)
        row //= 2
        band.GetOverview(position).WriteArray(values, 0, row)
