"""The asset store: exported images as cloud-optimised GeoTIFFs in one folder, whole or not there at all."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, osr

from ...core.grid import Grid
from ..errors import BadRequestError, EngineError, NotFoundError, StorageError
from .algorithms.sampling import BLOCK_PX
from .algorithms.shapes import crs_reference, grid_outline
from .asset_pyramid import PYRAMID_KEY, build_levels, level_factors
from .library.rasters import opened
from .raster.evaluation import SideBySide
from .raster.sources import Pixels
from .raster.stored import StoredBand
from .raster.windows import Window, blocks
from .values import Band, ComputeError, ImageValue

PROJECT = "local-engine"
ROOT = f"projects/{PROJECT}/assets"
NODATA = -9999.0
"""Stands for masked in every stored asset."""

PROPERTIES_KEY = "EARTH_ENGINE_PROPERTIES"
OPERATION_KEY = "EARTH_ENGINE_OPERATION"
"""Names the export that wrote an asset."""

BlockReader = Callable[[Window], Sequence[Pixels]]
"""Gives the pixels of an image's bands."""

PARTIAL = ".partial"
_WAY_OUT = "free some space or choose another folder."
LONGEST_ID = 1000
"""Characters of an asset's id."""

_ASSET = re.compile(rf"{ROOT}/((?:[\w-]+/)*[\w-]+)", re.ASCII)
RESAMPLING = {"MEAN": "AVERAGE", "MODE": "MODE", "SAMPLE": "NEAREST"}
"""How overviews are made for each pyramiding policy of the service."""


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
        path = self.path(asset)
        dataset = opened(path) if path.is_file() else None
        return dataset.GetMetadataItem(OPERATION_KEY) if dataset is not None else None

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
        properties = _properties_text(image.properties)
        blocks_file = partial.with_suffix(".blocks.tif")
        try:
            read = read or functools.partial(SideBySide([[band.source for band in image.bands]], grid).read, 0)
            yield from _write_blocks(image, grid, blocks_file, final, read)
            with _storage_errors(final):
                build_levels(blocks_file, NODATA, policy)
            with _storage_errors(final):
                metadata = {PROPERTIES_KEY: properties, OPERATION_KEY: name}
                _write_cog(blocks_file, partial, RESAMPLING[policy], metadata)
            with _storage_errors(final):
                blocks_file.unlink()
                partial.replace(final)
        except BaseException:
            self.discard(name)
            raise
        yield 1.0

    def set_properties(self, asset: str, properties: Mapping[str, Any], name: str) -> None:
        """Give an asset other properties: a copy that has them takes its place. ``name`` names the unfinished file."""
        path, partial = self.path(asset), self.folder / PARTIAL / f"{name}.tif"
        if not path.is_file():
            raise NotFoundError(f"Asset '{asset}' not found.")
        text = _properties_text(properties)
        try:
            with _storage_errors(path):
                partial.parent.mkdir(parents=True, exist_ok=True)
                _write_cog(path, partial, RESAMPLING["MEAN"], {PROPERTIES_KEY: text})
            with _storage_errors(path):
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


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """GDAL's and the system's failures to write, as a sentence. GDAL's exceptions may be on or off."""
    messages: list[str] = []
    gdal.PushErrorHandler(lambda level, code, text: messages.append(text) if level >= gdal.CE_Failure else None)
    try:
        yield
    except OSError as error:
        messages.append(str(error.strerror))
    except RuntimeError as error:
        messages.append(str(error))
    finally:
        gdal.PopErrorHandler()
    if messages:
        raise StorageError(f"{path} cannot be written ({messages[0]}); {_WAY_OUT}")


def _write_blocks(image: ImageValue, grid: Grid, path: Path, final: Path, read: BlockReader) -> Iterator[float]:
    """The image's pixels in a plain tiled GeoTIFF; yields the share done, up to 0.95. ``final`` is named in errors."""
    dtype = _stored_type([band.dtype for band in image.bands])
    with _storage_errors(final):
        dataset = _create(path, image.band_names, grid, dtype)
    rows, columns = grid.shape_yx
    total = -(-rows // BLOCK_PX) * -(-columns // BLOCK_PX)
    for done, (row, column, window) in enumerate(blocks(grid, BLOCK_PX), start=1):
        filled = [_filled(pixels, dtype) for pixels in read(window)]
        with _storage_errors(final):
            for number, data in enumerate(filled, start=1):
                dataset.GetRasterBand(number).WriteArray(data, column, row)
        yield 0.95 * done / total
    with _storage_errors(final):
        dataset.FlushCache()
        del dataset


def _create(path: Path, names: Sequence[str], grid: Grid, dtype: np.dtype[Any]) -> gdal.Dataset:
    """An empty plain tiled GeoTIFF."""
    rows, columns = grid.shape_yx
    kind = gdal.GDT_Float64 if dtype == np.float64 else gdal.GDT_Float32
    options = ["TILED=YES", f"BLOCKXSIZE={BLOCK_PX}", f"BLOCKYSIZE={BLOCK_PX}", "INTERLEAVE=BAND", "BIGTIFF=IF_SAFER"]
    options += ["COMPRESS=LZW", "SPARSE_OK=TRUE"]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, len(names), kind, options)
    if dataset is None:
        raise RuntimeError(gdal.GetLastErrorMsg())  # as GDAL does itself where its exceptions are on
    x_scale, _, x0, _, y_scale, y0 = grid.transform
    dataset.SetGeoTransform((x0, x_scale, 0.0, y0, 0.0, y_scale))
    dataset.SetProjection(_wkt(grid.crs))
    for number, name in enumerate(names, start=1):
        dataset.GetRasterBand(number).SetDescription(name)
        dataset.GetRasterBand(number).SetNoDataValue(NODATA)
    return dataset


def _stored_type(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """The one floating type that holds the values of all bands exactly."""
    small = all(dtype.itemsize <= 2 or dtype == np.float32 for dtype in dtypes)
    return np.dtype(np.float32 if small else np.float64)


def _filled(pixels: Pixels, dtype: np.dtype[Any]) -> np.ndarray:
    data = pixels.data.astype(dtype)
    valid = pixels.valid_or_true()
    if (data[valid] == NODATA).any():
        raise EngineError(f"The image holds the value {NODATA:g}, which stands for masked in stored images.")
    data[~valid] = NODATA
    return data


def _write_cog(source_path: Path, path: Path, resampling: str, metadata: Mapping[str, str]) -> None:
    """A copy of a raster as a cloud-optimised GeoTIFF with other metadata; levels that it has already are kept."""
    written = opened(source_path)
    source = None if written is None else gdal.GetDriverByName("VRT").CreateCopy("", written)
    if written is None or source is None:
        raise RuntimeError(gdal.GetLastErrorMsg())
    policy = written.GetMetadataItem(PYRAMID_KEY)
    source.SetMetadata(dict(metadata) | ({PYRAMID_KEY: policy} if policy else {}))
    options = ["COMPRESS=DEFLATE", f"BLOCKSIZE={BLOCK_PX}", f"OVERVIEW_RESAMPLING={resampling}"]
    gdal.GetDriverByName("COG").CreateCopy(str(path), source, options=options)


def _properties_text(properties: Mapping[str, Any]) -> str:
    """Properties as JSON, those without a value left out. BadRequestError for what the service does not store."""
    kept = {name: value for name, value in properties.items() if value is not None}
    for name, value in kept.items():
        if not all(isinstance(item, (str, int, float)) for item in (value if isinstance(value, list) else [value])):
            raise BadRequestError(f"The property {name!r} is neither a number nor a text nor a list of them.")
    return json.dumps(kept, sort_keys=True)


def _wkt(crs: str) -> str:
    try:
        return str(crs_reference(crs).ExportToWkt())
    except ComputeError as error:
        raise BadRequestError(str(error)) from None


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
