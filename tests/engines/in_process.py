"""Evaluates expressions of the real client in the tests' own process, on images made of arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.local.algorithms.shapes import grid_outline
from s2mask_qgis.engines.local.graph import check_vocabulary, decode
from s2mask_qgis.engines.local.interpreter import Interpreter
from s2mask_qgis.engines.local.raster.evaluation import Evaluation
from s2mask_qgis.engines.local.raster.sources import Pixels
from s2mask_qgis.engines.local.raster.stored import StoredBand
from s2mask_qgis.engines.local.raster.windows import Rectangle, Scatter, blocks
from s2mask_qgis.engines.local.values import Band, CollectionValue, ComputeError, ImageValue
from s2mask_qgis.engines.local.vocabulary import VOCABULARY

CRS = "EPSG:32631"


def grid_of(shape_yx: tuple[int, int], scale_m: float = 10.0, crs: str = CRS) -> Grid:
    """A grid whose upper left corner is 500000, 5000000."""
    return Grid(crs, (scale_m, 0.0, 500000.0, 0.0, -scale_m, 5000000.0), shape_yx)


class ArrayBand(StoredBand):
    """A band held in memory, without coarser levels; ``reads`` counts how often its pixels were asked for."""

    def __init__(self, values: np.ndarray, valid: np.ndarray | None, grid: Grid) -> None:
        super().__init__(grid, (1,), self._part)
        self._values, self._valid = values, valid
        self.reads = 0

    def _part(self, level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        assert level == 0
        self.reads += 1
        at = np.s_[row : row + rows, column : column + columns]
        return Pixels(self._values[at], None if self._valid is None else self._valid[at])


def image_of(
    bands: Mapping[str, Any],
    masks: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    grid: Grid | None = None,
) -> ImageValue:
    """An image of arrays by band name; ``masks`` hold True where a pixel is valid, for the bands that have any."""
    made = []
    for name, values in bands.items():
        array = np.atleast_2d(np.asarray(values))
        valid = None if masks is None or name not in masks else np.atleast_2d(np.asarray(masks[name], bool))
        own = grid or grid_of(array.shape)
        made.append(Band(name, ArrayBand(array, valid, own), own, array.dtype))
    return ImageValue(tuple(made), properties or {}, grid_outline(made[0].grid))


class Assets:
    """What expressions can load: images and collections by id."""

    def __init__(self, **assets: ImageValue | Sequence[ImageValue]) -> None:
        self._assets = assets

    def load_image(self, asset: str) -> ImageValue:
        if asset not in self._assets:
            raise ComputeError(f"Image asset '{asset}' does not exist.")
        return self._assets[asset]

    def load_collection(self, asset: str) -> CollectionValue:
        return CollectionValue(tuple(self._assets[asset]))


def encoded(computation: Any) -> Any:
    """The expression of a computation as it would arrive over the wire."""
    import ee

    return json.loads(json.dumps(ee.serializer.encode(computation, for_cloud_api=True)))


def evaluate_graph(expression: Any, assets: Assets | None = None) -> Any:
    """The value of an expression graph, refused where it leaves the vocabulary."""
    root = decode(expression)
    check_vocabulary(root, VOCABULARY)
    return Interpreter(root, VOCABULARY, assets or Assets()).result()


def evaluate(computation: Any, **assets: ImageValue | Sequence[ImageValue]) -> Any:
    """The value of a computation built with the client; ``assets`` are the images it loads, by id."""
    return evaluate_graph(encoded(computation), Assets(**assets))


def pixels_of(image: ImageValue, grid: Grid, block_px: int = 512) -> dict[str, np.ma.MaskedArray]:
    """The pixels of an image over a grid, by band name, evaluated in blocks."""
    evaluation = Evaluation([band.source for band in image.bands])
    parts: dict[tuple[int, int], list[np.ma.MaskedArray]] = {}
    for row, column, window in blocks(grid, block_px):
        parts[row, column] = [as_masked(pixels) for pixels in evaluation.read(window)]
    whole = {}
    for number, name in enumerate(image.band_names):
        array = np.ma.masked_all(grid.shape_yx, parts[0, 0][number].dtype)
        for (row, column), read in parts.items():
            rows, columns = read[number].shape
            array[row : row + rows, column : column + columns] = read[number]
        whole[name] = array
    return whole


def as_masked(pixels: Pixels) -> np.ma.MaskedArray:
    """Pixels as numpy's masked arrays have them: True where masked."""
    return np.ma.MaskedArray(np.array(pixels.data), mask=~pixels.valid_or_true())


def read(image: ImageValue, window: Rectangle | Scatter) -> list[np.ma.MaskedArray]:
    """The pixels of every band in one window."""
    return [as_masked(part) for part in Evaluation([band.source for band in image.bands]).read(window)]


def values(computation: Any, shape_yx: tuple[int, int], **assets: Any) -> dict[str, list[Any]]:
    """The pixels of a computed image as lists of rows, None where masked, by band name."""
    found = pixels_of(evaluate(computation, **assets), grid_of(shape_yx))
    return {name: array.tolist() for name, array in found.items()}


def row(computation: Any, width: int, **assets: Any) -> dict[str, list[Any]]:
    """The pixels of a computed image of one row, by band name."""
    return {name: rows[0] for name, rows in values(computation, (1, width), **assets).items()}
