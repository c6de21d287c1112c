"""Checksums of ingested rasters: one a stored tile, so that damage is found before anything is computed from it."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from osgeo import gdal

SUFFIX = ".crc.npy"
"""Added to a raster's name: the file of its checksums, uint32, tile by tile of each level of each band."""


def checksums_path(path: Path) -> Path:
    """The file of a raster's checksums."""
    return path.with_name(path.name + SUFFIX)


def write_checksums(path: Path) -> None:
    """Write the checksums of a tiled GeoTIFF beside it. OSError where the disk is full or the raster is damaged."""
    tiles = TileSums(path, _opened(path))
    sums = [
        tiles.stored(number, level, row, column)
        for number in range(1, tiles.band_count + 1)
        for level in range(tiles.level_count)
        for row in range(tiles.shape(level)[0])
        for column in range(tiles.shape(level)[1])
    ]
    tiles.close()
    np.save(checksums_path(path), np.array(sums, np.uint32))


def _opened(path: Path) -> gdal.Dataset:
    dataset = gdal.OpenEx(str(path), gdal.OF_RASTER, allowed_drivers=["GTiff"])
    if dataset is None:
        raise OSError(f"{path.name} cannot be read back")
    return dataset


class TileSums:
    """The stored tiles of an open raster: their checksums as they are, and where they stand among those written."""

    def __init__(self, path: Path, dataset: gdal.Dataset) -> None:
        band = dataset.GetRasterBand(1)
        self.tile_px = (band.GetBlockSize()[1], band.GetBlockSize()[0])
        self.band_count = dataset.RasterCount
        self.level_count = 1 + band.GetOverviewCount()
        self._stream = path.open("rb")
        self._levels = [
            [self._level(dataset.GetRasterBand(number), level) for level in range(self.level_count)]
            for number in range(1, self.band_count + 1)
        ]
        self._shapes = [self._tiles(level) for level in self._levels[0]]
        counts = [rows * columns for rows, columns in self._shapes]
        self._starts = [sum(counts[:level]) for level in range(self.level_count)]
        self._band_tiles = sum(counts)
        self._dataset = dataset

    @staticmethod
    def _level(band: gdal.Band, level: int) -> gdal.Band:
        return band if level == 0 else band.GetOverview(level - 1)

    def _tiles(self, band: gdal.Band) -> tuple[int, int]:
        return -(-band.YSize // self.tile_px[0]), -(-band.XSize // self.tile_px[1])

    def shape(self, level: int) -> tuple[int, int]:
        """Rows and columns of tiles of a level; 0 is full resolution."""
        return self._shapes[level]

    def position(self, number: int, level: int, row: int, column: int) -> int:
        """Where a tile's checksum stands among all of the file; ``number`` is the 1-based band."""
        return (number - 1) * self._band_tiles + self._starts[level] + row * self._shapes[level][1] + column

    def stored(self, number: int, level: int, row: int, column: int) -> int:
        """The checksum of a tile's bytes in the file. OSError where the file is too short or has no such tile."""
        band = self._levels[number - 1][level]
        offset = band.GetMetadataItem(f"BLOCK_OFFSET_{column}_{row}", "TIFF")
        size = band.GetMetadataItem(f"BLOCK_SIZE_{column}_{row}", "TIFF")
        if offset is None or size is None:
            raise OSError("a tile is missing")
        self._stream.seek(int(offset))
        data = self._stream.read(int(size))
        if len(data) != int(size):
            raise OSError("the file is cut off")
        return zlib.crc32(data)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class CheckedTiles:
    """Compares the tiles of a raster with the checksums that were written, each once."""

    def __init__(self, path: Path, dataset: gdal.Dataset) -> None:
        self._expected = np.load(checksums_path(path), allow_pickle=False)
        self._tiles = TileSums(path, dataset)
        self._done = np.zeros(self._expected.shape, bool)

    def is_whole(self, number: int, level: int, row: int, column: int, rows: int, columns: int) -> bool:
        """Whether all tiles under a window of a level are as they were written; OSError where they cannot be read."""
        tile_px = self._tiles.tile_px
        for tile_row in range(row // tile_px[0], -(-(row + rows) // tile_px[0])):
            for tile_column in range(column // tile_px[1], -(-(column + columns) // tile_px[1])):
                position = self._tiles.position(number, level, tile_row, tile_column)
                if self._done[position]:
                    continue
                if self._tiles.stored(number, level, tile_row, tile_column) != self._expected[position]:
                    return False
                self._done[position] = True
        return True

    def close(self) -> None:
        """Close the file."""
        self._tiles.close()
