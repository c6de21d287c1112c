"""The asset store: exported images as cloud-optimised GeoTIFFs in one folder, whole or not there at all."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, osr

from ...core.grid import Grid
from ..errors import EngineError, NotFoundError, StorageError
from ..export_requests import NODATA
from .algorithms.sampling import BLOCK_PX
from .algorithms.shapes import grid_outline
from .asset_files import (
    OPERATION_KEY,
    PROPERTIES_KEY,
    RESAMPLING,
    begun,
    filled,
    finish,
    properties_text,
    read_mark,
    storage_errors,
    stored_type,
    write_block,
    write_cog,
)
from .asset_pyramid import PYRAMID_KEY, level_factors
from .library.rasters import opened
from .raster.evaluation import SideBySide
from .raster.sources import Pixels
from .raster.stored import StoredBand
from .raster.windows import Window, blocks
from .values import Band, ImageValue

PROJECT = "local-engine"
ROOT = f"projects/{PROJECT}/assets"
BlockReader = Callable[[Window], Sequence[Pixels]]
"""Gives the pixels of an image's bands."""

PARTIAL = ".partial"
LONGEST_ID = 1000
"""Characters of an asset's id."""

_ASSET = re.compile(rf"{ROOT}/((?:[\w-]+/)*[\w-]+)", re.ASCII)


@dataclass(frozen=True)
class AssetStore:
    """Assets of the local project below a folder: ``projects/local-engine/assets/mask/X`` is ``mask/X.tif``."""

    folder: Path

    def path(self, asset: str) -> Path:
        """The file of an asset, whether it exists or not. NotFoundError where the id cannot be one of this store, or
        where a link leads out of it."""
        match = _ASSET.fullmatch(asset)
        if match is None or len(asset) > LONGEST_ID:
            raise NotFoundError(f"{asset[:LONGEST_ID]!r} is not the id of an asset of this computer ({ROOT}/…).")
        path = self.folder / f"{match[1]}.tif"
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise NotFoundError(f"{path} leads out of the folder {self.folder}.")
        return path

    def made_by(self, asset: str) -> str | None:
        """The name of the export that wrote an asset, None where there is no such asset or it was made otherwise."""
        return read_mark(self.path(asset))

    def properties(self, asset: str) -> dict[str, Any] | None:
        """The properties of an asset, None where it does not exist."""
        path = self.path(asset)
        return read_properties(path) if path.is_file() else None

    def load(self, asset: str) -> ImageValue:
        """The image of an asset. NotFoundError where there is none."""
        path = self.path(asset)
        if not path.is_file():
            raise NotFoundError(f"Image asset '{asset}' does not exist.")
        return read_image(path, asset)

    def write(
        self, image: ImageValue, grid: Grid, asset: str, name: str, policy: str, read: BlockReader | None = None
    ) -> Iterator[float]:
        """Evaluate an image over a grid and store it as an asset; yields the share done (0-1) block by block.

        ``read`` gives the pixels of the image's bands, which is evaluated by itself unless it is given. ``name`` names
        the unfinished file, which replaces an older asset only when it is whole. Raises StorageError
        where the disk is full or the folder cannot be written; whatever goes wrong, nothing unfinished stays.
        """
        final = self.path(asset)
        partial = self.folder / PARTIAL / f"{name}.tif"
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            final.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {self.folder} cannot be written ({error.strerror}); choose another."
            ) from None
        properties = properties_text(image.properties)
        blocks_file = partial.with_suffix(".blocks.tif")
        try:
            read = read or functools.partial(SideBySide([[band.source for band in image.bands]], grid).read, 0)
            yield from _write_blocks(image, grid, blocks_file, final, read)
            finish(blocks_file, partial, final, policy, {PROPERTIES_KEY: properties, OPERATION_KEY: name})
        except BaseException:
            self.discard(name)
            raise
        yield 1.0

    def set_properties(self, asset: str, properties: Mapping[str, Any], name: str) -> None:
        """Give an asset other properties: a copy that has them takes its place. ``name`` names the unfinished file."""
        path, partial = self.path(asset), self.folder / PARTIAL / f"{name}.tif"
        if not path.is_file():
            raise NotFoundError(f"Asset '{asset}' not found.")
        text = properties_text(properties)
        try:
            with storage_errors(path):
                partial.parent.mkdir(parents=True, exist_ok=True)
                write_cog(path, partial, RESAMPLING["MEAN"], {PROPERTIES_KEY: text})
            with storage_errors(path):
                partial.replace(path)
        finally:
            self.discard(name)
            self.tidy()

    def discard(self, name: str) -> None:
        """Remove what an unfinished export of this name has left."""
        for path in (self.folder / PARTIAL).glob(f"{name}.*"):
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove the folder of unfinished exports where it is empty."""
        folder = self.folder / PARTIAL
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _write_blocks(image: ImageValue, grid: Grid, path: Path, final: Path, read: BlockReader) -> Iterator[float]:
    """The image's pixels in a plain tiled GeoTIFF; yields the share done, up to 0.95. ``final`` is named in errors."""
    dtype = stored_type([band.dtype for band in image.bands])
    dataset = begun(path, image.band_names, grid, dtype, final)
    rows, columns = grid.shape_yx
    total = -(-rows // BLOCK_PX) * -(-columns // BLOCK_PX)
    for done, (row, column, window) in enumerate(blocks(grid, BLOCK_PX), start=1):
        filled_bands = [filled(pixels.data, pixels.valid_or_true(), dtype) for pixels in read(window)]
        write_block(dataset, filled_bands, row, column, final)
        yield 0.95 * done / total
    with storage_errors(final):
        dataset.FlushCache()
        del dataset


def read_properties(path: Path) -> dict[str, Any]:
    """The properties stored in an asset's file; empty where it holds none or cannot be read."""
    dataset = opened(path)
    text = dataset.GetMetadataItem(PROPERTIES_KEY) if dataset is not None else None
    return json.loads(text) if text else {}


def read_image(path: Path, asset: str) -> ImageValue:
    """A stored asset as an image. Files without exact levels are read at their own resolution only."""
    dataset = opened(path)
    if dataset is None:
        raise EngineError(f"{path} cannot be read; remove it and run again.")
    x0, x_scale, _, y0, _, y_scale = dataset.GetGeoTransform()
    reference = osr.SpatialReference(wkt=dataset.GetProjection())
    crs = f"EPSG:{reference.GetAuthorityCode(None)}"
    grid = Grid(crs, (x_scale, 0.0, x0, 0.0, y_scale, y0), (dataset.RasterYSize, dataset.RasterXSize))
    factors = level_factors(grid.shape_yx) if dataset.GetMetadataItem(PYRAMID_KEY) else (1,)
    bands = []
    for number in range(1, dataset.RasterCount + 1):
        band = dataset.GetRasterBand(number)
        dtype = np.dtype(np.float64 if band.DataType == gdal.GDT_Float64 else np.float32)
        source = StoredBand(grid, factors, _part_reader(path, number))
        bands.append(Band(band.GetDescription() or f"b{number}", source, grid, dtype))
    text = dataset.GetMetadataItem(PROPERTIES_KEY)
    return ImageValue(tuple(bands), json.loads(text) if text else {}, grid_outline(grid), asset)


def _part_reader(path: Path, number: int) -> Any:
    def read(level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        dataset = opened(path)
        raster = None if dataset is None else dataset.GetRasterBand(number)
        if raster is not None and level:
            raster = raster.GetOverview(level - 1)
        try:
            data = None if raster is None else raster.ReadAsArray(column, row, columns, rows)
        except RuntimeError:
            data = None
        if data is None:
            raise EngineError(f"{path} cannot be read; remove it and run again.")
        return Pixels(data, data != NODATA)

    return read
