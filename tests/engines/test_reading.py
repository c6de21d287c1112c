"""Reading stored bands: which pyramid level, which of its pixels, and what lies outside."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import osr

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.local.library.pyramid import NODATA, halve, levels_of
from s2mask_qgis.engines.local.raster.sources import Pixels
from s2mask_qgis.engines.local.raster.stored import StoredBand
from s2mask_qgis.engines.local.raster.windows import Rectangle, Scatter, blocks
from tests.engines.in_process import as_masked, grid_of
from tests.reference.pyramid import coarser, read_at

SIZES = [(1, 1), (2, 3), (7, 5), (16, 16), (33, 41)]
SCALES = [10.0, 20.0, 30.0, 60.0]


def stored(values: np.ndarray, valid: np.ndarray, grid: Grid) -> StoredBand:
    """A band with the pyramid that the library would make of it, held in memory."""
    level, levels = np.where(valid, values, NODATA).astype(np.uint16), []
    for factor in levels_of(values.shape):
        level = level if factor == 1 else halve(level)
        levels.append(level)

    def part(number: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        height, width = levels[number].shape
        assert 0 <= row <= row + rows <= height, "rows outside the level were asked for"
        assert 0 <= column <= column + columns <= width, "columns outside the level were asked for"
        data = levels[number][row : row + rows, column : column + columns]
        return Pixels(data, data != NODATA)

    return StoredBand(grid, levels_of(values.shape), part)


def picture(shape_yx: tuple[int, int], share_valid: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(sum(shape_yx))
    return rng.integers(0, 10_000, shape_yx), rng.random(shape_yx) < share_valid


def pixels_in(band: StoredBand, window: Rectangle | Scatter) -> np.ma.MaskedArray:
    def read(source: StoredBand, part: Rectangle | Scatter) -> Pixels:
        return source.compute(part, read)

    return as_masked(read(band, window))


def scattered(grid: Grid) -> Scatter:
    """All pixels of a grid, one by one."""
    rows, columns = np.indices(grid.shape_yx)
    return Scatter(grid, rows.ravel(), columns.ravel())


@pytest.mark.parametrize("native_m", [10.0, 20.0, 60.0])
@pytest.mark.parametrize("scale_m", SCALES)
@pytest.mark.parametrize("shape_yx", SIZES)
def test_pixels_are_those_of_the_reference(shape_yx: tuple[int, int], scale_m: float, native_m: float):
    values, valid = picture(shape_yx)
    native = grid_of(shape_yx, native_m)
    wanted = native.at_scale(scale_m)
    found = pixels_in(stored(values, valid, native), Rectangle(wanted))
    expected, known = read_at(values, valid, native_m, scale_m, wanted.shape_yx)
    centres_y = (np.arange(wanted.shape_yx[0]) + 0.5) * scale_m < shape_yx[0] * native_m
    centres_x = (np.arange(wanted.shape_yx[1]) + 0.5) * scale_m < shape_yx[1] * native_m
    known &= centres_y[:, None] & centres_x[None, :]
    assert found.tolist() == np.ma.MaskedArray(expected, mask=~known).tolist()


@pytest.mark.parametrize("scale_m", SCALES)
def test_scattered_pixels_are_those_of_the_rectangle(scale_m: float):
    values, valid = picture((33, 41))
    band = stored(values, valid, grid_of((33, 41)))
    grid = grid_of((33, 41)).at_scale(scale_m).part(-3, -2, 20, 25)
    rectangle = pixels_in(band, Rectangle(grid))
    assert pixels_in(band, scattered(grid)).tolist() == rectangle.ravel().tolist()


@pytest.mark.parametrize("column", [-4, 0, 3, 6, 12])
@pytest.mark.parametrize("row", [-3, 0, 2, 5, 9])
def test_windows_partly_outside_are_masked_there(row: int, column: int):
    rows, columns = 4, 5
    values, valid = picture((7, 9))
    padded = np.ma.masked_all((27, 29), int)
    padded[10:17, 10:19] = np.ma.MaskedArray(values, mask=~valid)
    found = pixels_in(
        stored(values, valid, grid_of((7, 9))), Rectangle(grid_of((7, 9)).part(row, column, rows, columns))
    )
    expected = padded[10 + row : 10 + row + rows, 10 + column : 10 + column + columns]
    assert found.tolist() == expected.tolist()


def test_a_finer_grid_repeats_the_native_pixels():
    values, valid = picture((4, 5), share_valid=2.0)
    found = pixels_in(stored(values, valid, grid_of((4, 5), 20.0)), Rectangle(grid_of((8, 10), 10.0)))
    np.testing.assert_array_equal(found, values.repeat(2, axis=0).repeat(2, axis=1))


def test_blocks_join_to_the_whole():
    values, valid = picture((33, 41))
    band = stored(values, valid, grid_of((33, 41)))
    grid = grid_of((33, 41)).at_scale(30.0)
    whole = pixels_in(band, Rectangle(grid))
    for row, column, window in blocks(grid, 4):
        height, width = window.shape
        expected = whole[row : row + height, column : column + width]
        assert pixels_in(band, window).tolist() == expected.tolist()


def test_a_grid_that_is_shifted_takes_the_pixel_that_holds_each_centre():
    values, valid = picture((6, 6), share_valid=2.0)
    native = grid_of((6, 6))
    shifted = Grid(native.crs, (10.0, 0.0, 500004.0, 0.0, -10.0, 4999996.0), (5, 5))
    np.testing.assert_array_equal(pixels_in(stored(values, valid, native), Rectangle(shifted)), values[:5, :5])
    beyond = Grid(native.crs, (10.0, 0.0, 500006.0, 0.0, -10.0, 4999993.0), (5, 5))
    np.testing.assert_array_equal(pixels_in(stored(values, valid, native), Rectangle(beyond)), values[1:, 1:])


def reference(epsg: int) -> osr.SpatialReference:
    made = osr.SpatialReference()
    made.ImportFromEPSG(epsg)
    made.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return made


@pytest.mark.parametrize(("scale_m", "halvings"), [(10.5, 0), (30.0, 1), (50.0, 2)])
def test_another_zone_is_read_point_by_point(scale_m: float, halvings: int):
    values, valid = picture((40, 40))
    native = Grid("EPSG:32631", (10.0, 0.0, 740000.0, 0.0, -10.0, 5000000.0), (40, 40))
    to_other = osr.CoordinateTransformation(reference(32631), reference(32632))
    x0, y0, _ = to_other.TransformPoint(739950.0, 5000050.0)
    size = int(600 / scale_m)
    wanted = Grid("EPSG:32632", (scale_m, 0.0, x0, 0.0, -scale_m, y0), (size, size))
    level, level_valid = values, valid
    for _ in range(halvings):
        level, level_valid = coarser(level, level_valid)
    level_m = 10.0 * 2**halvings
    back = osr.CoordinateTransformation(reference(32632), reference(32631))
    expected: list[list[int | None]] = []
    for row in range(size):
        expected.append([])
        for column in range(size):
            x, y, _ = back.TransformPoint(x0 + (column + 0.5) * scale_m, y0 - (row + 0.5) * scale_m)
            is_inside = 0 <= x - 740000.0 < 400 and 0 <= 5000000.0 - y < 400
            at = (int((5000000.0 - y) // level_m), int((x - 740000.0) // level_m))
            expected[-1].append(int(level[at]) if is_inside and level_valid[at] else None)
    band = stored(values, valid, native)
    assert pixels_in(band, Rectangle(wanted)).tolist() == expected
    assert pixels_in(band, scattered(wanted)).tolist() == [value for line in expected for value in line]
    assert any(value is None for line in expected for value in line)


def test_degrees_are_read_at_the_scale_they_have_on_the_ground():
    values, valid = picture((40, 40), share_valid=2.0)
    native = Grid("EPSG:32631", (10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0), (40, 40))
    longitude, latitude, _ = osr.CoordinateTransformation(reference(32631), reference(4326)).TransformPoint(
        500200.0, 4999800.0
    )
    degrees = 25.0 / 78_600  # 25 m of longitude at 45 degrees north: pixels of 20 m are read
    window = Rectangle(Grid("EPSG:4326", (degrees, 0.0, longitude + degrees / 10, 0.0, -degrees, latitude), (1, 1)))
    level, _ = coarser(values, valid)
    found = pixels_in(stored(values, valid, native), window)
    assert found[0, 0] in level[10:12, 10:12]


def test_scattered_pixels_far_apart_are_read_by_strips():
    asked: list[int] = []
    values = np.arange(1000 * 4).reshape(1000, 4).astype(np.uint16)

    def part(level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        asked.append(rows)
        return Pixels(values[row : row + rows, column : column + columns])

    band = StoredBand(grid_of((1000, 4)), (1,), part)
    found = pixels_in(band, Scatter(grid_of((1000, 4)), np.array([999, 0, 999, 3]), np.array([3, 0, 0, 1])))
    assert found.tolist() == [3999, 0, 3996, 13]
    assert sum(asked) < 10
