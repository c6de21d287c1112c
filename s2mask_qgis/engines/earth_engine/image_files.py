"""Pixels of the service as a GeoTIFF on this computer, block by block, like the files of the embedded engine."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.grid import Grid
from ..base import Pyramiding
from ..calls import MALFORMED, understood
from ..client import ServiceClient
from ..errors import BadRequestError, StorageError, TransientError
from ..local.asset_files import (
    OPERATION_KEY,
    PROPERTIES_KEY,
    begun,
    filled,
    finish,
    properties_text,
    storage_errors,
    stored_type,
    write_block,
)
from ..local.assets import PARTIAL
from .heaviness import is_too_heavy

if TYPE_CHECKING:
    import ee

BLOCK_PX = 1024
"""Side of the blocks that are asked for: 5 MB of one band and its mask, far below the service's 48 MiB, since what
binds is its memory for computing them."""
SMALLEST_PX = 128
"""Blocks that the service cannot compute in its memory or time are halved down to this side."""
MOST_BYTES = 40 * 2**20
MOST_WAITING = 8
"""Blocks of one image that are asked for ahead of the one that is written."""
FOOTPRINT = "system:footprint"

Rows = tuple[list[np.ndarray], list[np.ndarray]]
"""The values of all bands in a block, and where they are valid."""


@dataclass(frozen=True)
class ImageOrder:
    """An image to be written over a grid; ``mark`` stands in the file for what made it."""

    image: ee.Image
    grid: Grid
    path: Path
    mark: str
    pyramiding: Pyramiding


@dataclass(frozen=True)
class _Bands:
    """What the service tells of an image: its bands, the type in which they are stored, and its properties."""

    names: tuple[str, ...]
    dtype: np.dtype[Any]
    properties: Mapping[str, Any]


def write_image(client: ServiceClient, order: ImageOrder, threads: Executor) -> Iterator[float]:
    """Write an image to a file that appears when it is whole; yields the share done (0-1).

    ``threads`` ask for blocks. What a killed process has left unfinished is replaced; of an error nothing stays.
    Raises EngineError.
    """
    partial = order.path.parent / PARTIAL / order.path.name
    blocks_file = partial.with_suffix(".blocks.tif")
    _make_folders(partial.parent, order.path)
    try:
        bands = _described(client, order.image)
        text = properties_text(bands.properties)
        dataset = begun(blocks_file, bands.names, order.grid, bands.dtype, order.path)
        blocks = list(_blocks(order.grid, _side(bands)))
        stacked = _with_validity(order.image, len(bands.names))
        read = _reader(client, stacked, len(bands.names))
        for done, ((row, column, _), rows) in enumerate(_ahead(read, blocks, threads), start=1):
            data = [filled(values, valid, bands.dtype) for values, valid in zip(*rows)]
            write_block(dataset, data, row, column, order.path)
            yield 0.95 * done / len(blocks)
        with storage_errors(order.path):
            dataset.FlushCache()
            del dataset
        metadata = {PROPERTIES_KEY: text, OPERATION_KEY: order.mark}
        finish(blocks_file, partial, order.path, order.pyramiding.value, metadata)
    finally:
        for left in (partial, blocks_file):
            left.unlink(missing_ok=True)
    yield 1.0


def remove_partial(folder: Path) -> None:
    """Remove the folder of unfinished files in ``folder`` where it is empty, once nothing is written there any more:
    another export may have made it and not its file yet."""
    with suppress(OSError):
        (folder / PARTIAL).rmdir()


def _make_folders(folder: Path, path: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); choose another folder.") from None


def _described(client: ServiceClient, image: ee.Image) -> _Bands:
    described = client.value(image)
    with understood():
        names = tuple(str(band["id"]) for band in described["bands"])
        dtype = stored_type([_type(band["data_type"]) for band in described["bands"]])
        properties = {name: value for name, value in described["properties"].items() if name != FOOTPRINT}
    if not names:
        raise BadRequestError("The image has no bands.")
    return _Bands(names, dtype, properties)


def _type(described: Mapping[str, Any]) -> np.dtype[Any]:
    """The type of a band's values from its description (ee.PixelType)."""
    if described["precision"] != "int":
        return np.dtype(np.float32 if described["precision"] == "float" else np.float64)
    lowest, highest = float(described.get("min", -np.inf)), float(described.get("max", np.inf))
    is_small = lowest >= -(2**15) and highest < 2**16
    return np.dtype(np.int16 if is_small else np.int32)


def _side(bands: _Bands) -> int:
    """The side of blocks that stay far below the service's limit of bytes, values and masks together."""
    pixel_bytes = len(bands.names) * (bands.dtype.itemsize + 1)
    side = BLOCK_PX
    while side > SMALLEST_PX and side * side * pixel_bytes > MOST_BYTES:
        side //= 2
    return side


def _blocks(grid: Grid, side: int) -> Iterator[tuple[int, int, Grid]]:
    """Row, column and grid of every block."""
    rows, columns = grid.shape_yx
    for row in range(0, rows, side):
        for column in range(0, columns, side):
            yield row, column, grid.part(row, column, min(side, rows - row), min(side, columns - column))


def _with_validity(image: ee.Image, count: int) -> ee.Image:
    """The image with a band beside each that is 1 where it is valid: masked pixels are sent as 0."""
    return image.addBands(image.mask().gt(0).rename([f"valid_{number}" for number in range(count)]))


def _reader(client: ServiceClient, image: ee.Image, count: int) -> Callable[[Grid], Rows]:
    """Reads blocks of an image; one that is too heavy for the service is read in quarters."""

    def read(grid: Grid) -> Rows:
        try:
            return _parsed(client.pixels(image, grid), grid.shape_yx, count)
        except BadRequestError as error:
            if not is_too_heavy(str(error)) or max(grid.shape_yx) <= SMALLEST_PX:
                raise
        side = -(-max(grid.shape_yx) // 2)
        parts = [(row, column, part.shape_yx, read(part)) for row, column, part in _blocks(grid, side)]
        return _joined(parts, grid.shape_yx, 0), _joined(parts, grid.shape_yx, 1)

    return read


def _joined(parts: list[tuple[int, int, tuple[int, int], Rows]], shape_yx: tuple[int, int], which: int) -> list:
    """Values (0) or validity (1) of a block put together of its parts."""
    first = parts[0][3][which]
    whole = [np.empty(shape_yx, band.dtype) for band in first]
    for row, column, (rows, columns), both in parts:
        for target, band in zip(whole, both[which]):
            target[row : row + rows, column : column + columns] = band
    return whole


def _parsed(data: bytes, shape_yx: tuple[int, int], count: int) -> Rows:
    """The arrays in an answer (NumPy's format, a field a band). TransientError where it holds something else."""
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
        names = found.dtype.names or ()
    except (ValueError, OSError, EOFError):
        raise TransientError(MALFORMED) from None
    if len(names) != 2 * count or found.shape != shape_yx:
        raise TransientError(MALFORMED)
    return [found[name] for name in names[:count]], [found[name] != 0 for name in names[count:]]


def _ahead(
    read: Callable[[Grid], Rows], blocks: list[tuple[int, int, Grid]], threads: Executor
) -> Iterator[tuple[tuple[int, int, Grid], Rows]]:
    """The pixels of all blocks in order, some of them asked for ahead."""
    waiting: deque[tuple[tuple[int, int, Grid], Future[Rows]]] = deque()
    left = deque(blocks)
    try:
        while left or waiting:
            while left and len(waiting) < MOST_WAITING:
                block = left.popleft()
                waiting.append((block, threads.submit(read, block[2])))
            block, future = waiting.popleft()
            yield block, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
