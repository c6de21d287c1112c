"""What lies below neighbourhoods: the same pixels as in one piece, every tile read once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.engines.local.algorithms.neighbourhoods import FOCAL
from s2mask_qgis.engines.local.raster.evaluation import Block, Evaluation, SideBySide
from s2mask_qgis.engines.local.raster.sources import Elementwise, Pixels, Source
from s2mask_qgis.engines.local.raster.squares import SIDE_PX, lattice_of
from s2mask_qgis.engines.local.raster.stored import StoredBand
from s2mask_qgis.engines.local.raster.windows import Rectangle, blocks
from s2mask_qgis.engines.local.values import Band, ImageValue

TILE_PX = 256
SHAPE_YX = (1100, 1400)
RADIUS_PX = 1
GRID = Grid("EPSG:32633", (10.0, 0.0, 300_000.0, 0.0, -10.0, 5_000_000.0), SHAPE_YX)
FOCAL_MIN = FOCAL[0]


class Tiled(StoredBand):
    """A band in memory that counts the tiles it would have to decode; a corner of it is masked."""

    def __init__(self, seed: int) -> None:
        self.values = np.random.default_rng(seed).integers(0, 9999, SHAPE_YX).astype(np.uint16)
        self.valid = np.ones(SHAPE_YX, bool)
        self.valid[300:520, 400:700] = False
        self.tiles = 0
        super().__init__(GRID, (1,), self.read)

    def read(self, level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        down = -(-(row + rows) // TILE_PX) - row // TILE_PX
        self.tiles += down * (-(-(column + columns) // TILE_PX) - column // TILE_PX)
        at = np.s_[row : row + rows, column : column + columns]
        return Pixels(self.values[at], self.valid[at])


def tiles_of(grid: Grid) -> int:
    rows, columns = grid.shape_yx
    return -(-rows // TILE_PX) * -(-columns // TILE_PX)


def bright(data: np.ndarray) -> np.ndarray:
    return (data > 500).astype(np.uint8)


def as_double(data: np.ndarray) -> np.ndarray:
    return bright(data).astype(np.float64)


def in_bytes(data: np.ndarray) -> np.ndarray:
    return (data // 50).astype(np.uint8)


def in_thousands(data: np.ndarray) -> np.ndarray:
    return data / 1000


def smallest(source: Source) -> Source:
    """The smallest value within RADIUS_PX, twice: each neighbourhood needs what lies around the other."""
    image = ImageValue((Band("b", source, GRID, np.dtype(np.float64)),))
    for _ in range(2):
        image = FOCAL_MIN.function(image, RADIUS_PX, "square", "pixels", 1, None)
    return image.bands[0].source


def exported(side_by_side: SideBySide, grid: Grid, images: int = 1) -> list[np.ma.MaskedArray]:
    made = [np.ma.masked_all(grid.shape_yx) for _ in range(images)]
    for row, column, window in blocks(grid, SIDE_PX):
        for position, target in enumerate(made):
            (pixels,) = side_by_side.read(position, window)
            at = np.s_[row : row + window.shape[0], column : column + window.shape[1]]
            target[at] = np.ma.array(pixels.data, mask=~pixels.valid_or_true())
    return made


def reference(values: np.ndarray, valid: np.ndarray) -> np.ma.MaskedArray:
    """The smallest valid value of the square of 4 RADIUS_PX + 1 around each pixel."""
    size = 4 * RADIUS_PX + 1
    lowest = ndimage.minimum_filter(np.where(valid, values, np.inf), size, mode="constant", cval=np.inf)
    return np.ma.masked_invalid(lowest)


PARTS = {
    "whole": GRID,
    "shifted": GRID.part(70, 130, 900, 1200),
    "over the edge": GRID.part(-100, 300, 700, 1300),
    "one column": GRID.part(0, 0, 1100, 40),
}


CASES = [(part, bright) for part in PARTS] + [("shifted", values) for values in (as_double, in_bytes, in_thousands)]


@pytest.mark.parametrize(("part", "values"), CASES)
def test_an_export_has_the_pixels_of_the_whole_at_once(part: str, values):
    band, grid = Tiled(1), PARTS[part]
    (found,) = exported(SideBySide([[smallest(Elementwise(values, band))]], grid), grid)
    row, column = (round((GRID.transform[5] - grid.transform[5]) / 10), round((grid.transform[2] - 300_000) / 10))
    padding = ((100, 700), (0, 900))
    numbers, valid = (np.pad(array, padding) for array in (values(band.values).astype(np.float64), band.valid))
    rows, columns = grid.shape_yx
    expected = reference(numbers, valid)[row + 100 : row + 100 + rows, column : column + columns]
    assert expected.count()
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))
    np.testing.assert_array_equal(found.compressed(), expected.compressed())


@pytest.mark.parametrize("values", [bright, as_double, in_bytes])
def test_an_export_of_a_whole_raster_reads_each_tile_once(values):
    band = Tiled(1)
    exported(SideBySide([[smallest(Elementwise(values, band))]], GRID), GRID)
    assert band.tiles == tiles_of(GRID)


def test_values_of_more_than_a_byte_are_read_window_by_window():
    band = Tiled(1)
    result = smallest(Elementwise(in_thousands, band))
    side_by_side = SideBySide([[result]], GRID)
    exported(side_by_side, GRID)
    assert band.tiles > 2 * tiles_of(GRID)


def test_images_side_by_side_read_the_tiles_that_they_share_once():
    shared, own = Tiled(1), [Tiled(2), Tiled(3)]
    results = [smallest(Elementwise(lambda a, b: (a > b).astype(np.uint8), band, shared)) for band in own]
    found = exported(SideBySide([[result] for result in results], GRID), GRID, images=2)
    assert [band.tiles for band in (shared, *own)] == [tiles_of(GRID)] * 3
    for values, band in zip(found, own):
        expected = reference(band.values > shared.values, band.valid)
        np.testing.assert_array_equal(values.compressed(), expected.compressed())


def test_squares_above_the_windows_are_forgotten():
    result = smallest(Elementwise(bright, Tiled(1)))
    tall = GRID.part(0, 0, SHAPE_YX[0], SIDE_PX)
    lattice = lattice_of(tall, [result])
    assert lattice is not None
    evaluation = Evaluation([result], lattice)
    windows = [window.grown(lattice.margin_px) for _, _, window in blocks(tall, SIDE_PX)]
    for window in windows:
        for place in evaluation.missing(window):
            evaluation.fill(lattice.square(place), Block(frozenset(), {}))
        assert not evaluation.missing(window)
    assert evaluation.missing(windows[0])


def test_an_image_that_cannot_be_read_leaves_those_beside_it_and_is_not_tried_again():
    damaged, sound = Tiled(1), Tiled(2)
    tries = []

    def fail(*window: int) -> Pixels:
        tries.append(window)
        raise SceneError("damaged")

    damaged.read_level = fail
    results = [smallest(Elementwise(bright, band)) for band in (damaged, sound)]
    side_by_side = SideBySide([[result] for result in results], GRID)
    first, *others = [window for _, _, window in blocks(GRID, SIDE_PX)]
    with pytest.raises(SceneError, match="damaged"):
        side_by_side.read(0, first)
    side_by_side.read(1, first)
    side_by_side.read(1, others[0])
    before = len(tries)
    for window in others[1:]:
        side_by_side.read(1, window)
    assert len(tries) == before
    (pixels,) = side_by_side.read(1, others[-1])
    rows, columns = pixels.data.shape
    expected = reference(bright(sound.values), sound.valid)[-rows:, -columns:]
    np.testing.assert_array_equal(pixels.data, expected.filled(0))


def test_exports_without_neighbourhoods_or_of_a_single_square_are_not_cut():
    plain = Elementwise(bright, Tiled(1))
    assert lattice_of(GRID, [plain]) is None
    assert lattice_of(GRID.part(0, 0, 400, 400), [smallest(plain)]) is None
    assert lattice_of(GRID, [smallest(plain)]) is not None


def test_a_window_outside_the_export_is_read_by_itself():
    band = Tiled(1)
    side_by_side = SideBySide([[smallest(Elementwise(bright, band))]], GRID.part(0, 0, 600, 600))
    (pixels,) = side_by_side.read(0, Rectangle(GRID.part(700, 700, 50, 60)))
    expected = reference(bright(band.values), band.valid)[700:750, 700:760]
    np.testing.assert_array_equal(pixels.data, expected.filled(0))
