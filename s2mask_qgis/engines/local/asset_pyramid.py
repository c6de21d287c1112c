"""Pyramids of stored assets: each level made of 2 x 2 pixels of the one before, by the policy of the export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from osgeo import gdal

PYRAMID_KEY = "EARTH_ENGINE_PYRAMID"
"""Metadata of a file whose levels are exact: the policy they follow."""

_LARGEST_TOP_PX = 256
"""The service makes levels until the whole image fits a square of this size."""

_STRIP_ROWS = 512
Halving = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Folds four layers (4, rows, columns) and their validity into one."""


def level_factors(shape_yx: tuple[int, int]) -> tuple[int, ...]:
    """Native pixels to a pixel of each level, the native one (1) first."""
    factors = [1]
    while max(shape_yx) > _LARGEST_TOP_PX * factors[-1]:
        factors.append(2 * factors[-1])
    return tuple(factors)


def _mean(layers: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = valid.sum(axis=0)
    return np.sum(layers, axis=0, where=valid, dtype=np.float64) / np.maximum(count, 1), count > 0


def _mode(layers: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent valid value; of several, the one that comes first in reading order."""
    same = (layers[:, None] == layers[None, :]) & valid[None, :]
    votes = np.where(valid, same.sum(axis=1), 0)
    at = votes.argmax(axis=0)[None]
    return np.take_along_axis(layers, at, axis=0)[0], valid.any(axis=0)


def _sample(layers: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return layers[0], valid[0]


HALVINGS: Mapping[str, Halving] = {"MEAN": _mean, "MODE": _mode, "SAMPLE": _sample}
"""By policy: the mean of the valid pixels, the most frequent valid value, or the upper left pixel as it is."""


def halve(values: np.ndarray, nodata: float, policy: str) -> np.ndarray:
    """The next level of a 2-D array (sizes round up); pixels without a valid source are ``nodata``."""
    rows, columns = ((size + 1) // 2 for size in values.shape)
    padded = np.full((2 * rows, 2 * columns), nodata, values.dtype)
    padded[: values.shape[0], : values.shape[1]] = values
    layers = np.stack([padded[0::2, 0::2], padded[0::2, 1::2], padded[1::2, 0::2], padded[1::2, 1::2]])
    data, found = HALVINGS[policy](layers, layers != nodata)
    return np.where(found, data, nodata).astype(values.dtype)


def build_levels(path: Path, nodata: float, policy: str) -> None:
    """Give a GeoTIFF its levels, strip by strip. RuntimeError where it cannot be opened."""
    dataset = gdal.OpenEx(str(path), gdal.OF_RASTER | gdal.OF_UPDATE)
    if dataset is None:
        raise RuntimeError(gdal.GetLastErrorMsg())
    factors = level_factors((dataset.RasterYSize, dataset.RasterXSize))[1:]
    if factors:
        dataset.BuildOverviews("NONE", list(factors))
    for number in range(1, dataset.RasterCount + 1):
        finer = dataset.GetRasterBand(number)
        for position in range(len(factors)):
            coarser = dataset.GetRasterBand(number).GetOverview(position)
            for row in range(0, coarser.YSize, _STRIP_ROWS):
                height = min(2 * _STRIP_ROWS, finer.YSize - 2 * row)
                strip = finer.ReadAsArray(0, 2 * row, finer.XSize, height)
                coarser.WriteArray(halve(strip, nodata, policy), 0, row)
            finer = coarser
    dataset.SetMetadataItem(PYRAMID_KEY, policy)
    dataset.FlushCache()
