"""Files of results: an image's pixels as a cloud-optimised GeoTIFF with its properties, whole or not there at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal

from ...core.grid import Grid
from ..errors import BadRequestError, EngineError, StorageError
from ..export_requests import NODATA
from .algorithms.sampling import BLOCK_PX
from .algorithms.shapes import crs_reference
from .asset_pyramid import PYRAMID_KEY, build_levels
from .library.rasters import opened
from .values import ComputeError

PROPERTIES_KEY = "EARTH_ENGINE_PROPERTIES"
OPERATION_KEY = "EARTH_ENGINE_OPERATION"
"""Names the export that wrote a file."""

RESAMPLING = {"MEAN": "AVERAGE", "MODE": "MODE", "SAMPLE": "NEAREST"}
"""How overviews are made for each pyramiding policy of the service."""

_WAY_OUT = "free some space or choose another folder."


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
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


def begun(path: Path, names: Sequence[str], grid: Grid, dtype: np.dtype[Any], final: Path) -> gdal.Dataset:
    """An empty plain tiled GeoTIFF at ``path``, to be filled by write_block. ``final`` is named in errors."""
    with storage_errors(final):
        return _created(path, names, grid, dtype)
    raise StorageError(f"{final} cannot be written; {_WAY_OUT}")


def write_block(dataset: gdal.Dataset, bands: Sequence[np.ndarray], row: int, column: int, final: Path) -> None:
    """Write the pixels of all bands whose upper left one is at (row, column)."""
    with storage_errors(final):
        for number, data in enumerate(bands, start=1):
            dataset.GetRasterBand(number).WriteArray(data, column, row)


def finish(blocks_file: Path, partial: Path, final: Path, policy: str, metadata: Mapping[str, str]) -> None:
    """Turn a filled file into a cloud-optimised one with levels and metadata, which then takes its place."""
    with storage_errors(final):
        build_levels(blocks_file, NODATA, policy)
    with storage_errors(final):
        write_cog(blocks_file, partial, RESAMPLING[policy], metadata)
    with storage_errors(final):
        blocks_file.unlink()
        partial.replace(final)


def stored_type(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """The one floating type that holds the values of all bands exactly."""
    small = all(dtype.itemsize <= 2 or dtype == np.float32 for dtype in dtypes)
    return np.dtype(np.float32 if small else np.float64)


def filled(data: np.ndarray, valid: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Pixels as they are stored. EngineError where one of them has the value that stands for masked."""
    stored = data.astype(dtype)
    if (stored[valid] == NODATA).any():
        raise EngineError(f"The image holds the value {NODATA:g}, which stands for masked in stored images.")
    stored[~valid] = NODATA
    return stored


def write_cog(source_path: Path, path: Path, resampling: str, metadata: Mapping[str, str]) -> None:
    """A copy of a raster as a cloud-optimised GeoTIFF with other metadata; levels that it has already are kept."""
    written = opened(source_path)
    source = None if written is None else gdal.GetDriverByName("VRT").CreateCopy("", written)
    if written is None or source is None:
        raise RuntimeError(gdal.GetLastErrorMsg())
    policy = written.GetMetadataItem(PYRAMID_KEY)
    source.SetMetadata(dict(metadata) | ({PYRAMID_KEY: policy} if policy else {}))
    options = ["COMPRESS=DEFLATE", f"BLOCKSIZE={BLOCK_PX}", f"OVERVIEW_RESAMPLING={resampling}"]
    gdal.GetDriverByName("COG").CreateCopy(str(path), source, options=options)


def properties_text(properties: Mapping[str, Any]) -> str:
    """Properties as JSON, those without a value left out. BadRequestError for what the service does not store."""
    kept = {name: value for name, value in properties.items() if value is not None}
    for name, value in kept.items():
        if not all(isinstance(item, (str, int, float)) for item in (value if isinstance(value, list) else [value])):
            raise BadRequestError(f"The property {name!r} is neither a number nor a text nor a list of them.")
    return json.dumps(kept, sort_keys=True)


def _created(path: Path, names: Sequence[str], grid: Grid, dtype: np.dtype[Any]) -> gdal.Dataset:
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


def _wkt(crs: str) -> str:
    try:
        return str(crs_reference(crs).ExportToWkt())
    except ComputeError as error:
        raise BadRequestError(str(error)) from None


def read_mark(path: Path) -> str | None:
    """The name of the export that wrote a file, None where there is no such file or it was made otherwise."""
    dataset = opened(path) if path.is_file() else None
    return dataset.GetMetadataItem(OPERATION_KEY) if dataset is not None else None
