"""Moving images by whole pixels: the same pixels whatever the block, and a refusal of everything else."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.engines.local.raster.windows import Scatter
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import CRS, evaluate, grid_of, image_of, pixels_of, read
from tests.reference import shadow as reference

SHAPE_YX = (23, 31)


def picture(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 65535, SHAPE_YX), rng.random(SHAPE_YX) < 0.7


def test_positive_metres_move_to_the_east_and_to_the_north(ee: ModuleType):
    one = image_of({"a": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]})
    image = evaluate(ee.Image("one").translate(10, 20, "meters", CRS), one=one)
    found = pixels_of(image, grid_of((3, 3)))["a"]
    assert found.tolist() == [[None, 7, 8], [None, None, None], [None, None, None]]


@pytest.mark.parametrize("block_px", [5, 8, 64])
@pytest.mark.parametrize("move", [(0, 0), (3, 0), (-4, 2), (7, -9), (0, 30), (60, 60)])
def test_blocks_do_not_change_pixels(ee: ModuleType, move: tuple[int, int], block_px: int):
    values, valid = picture()
    image = evaluate(ee.Image("one").translate(10 * move[0], 10 * move[1]), one=image_of({"a": values}, {"a": valid}))
    found = pixels_of(image, grid_of(SHAPE_YX), block_px)["a"]
    wanted, known = reference.moved(values, valid, *move)
    assert (~np.ma.getmaskarray(found) == known).all()
    assert (found.filled(0)[known] == wanted[known]).all()


def test_scattered_pixels_are_those_of_the_whole(ee: ModuleType):
    values, valid = picture(2)
    image = evaluate(ee.Image("one").translate(-20, 50), one=image_of({"a": values}, {"a": valid}))
    whole = pixels_of(image, grid_of(SHAPE_YX))["a"]
    rows, columns = np.array([0, 7, 22, 9]), np.array([30, 0, 14, 28])
    found = read(image, Scatter(grid_of(SHAPE_YX), rows, columns))[0]
    assert found.tolist() == whole[rows, columns].tolist()


def test_what_is_read_moved_and_unmoved_is_read_once(ee: ModuleType):
    one = image_of({"a": picture()[0]})
    source = ee.Image("one").multiply(2)
    for step in (1, 2, 4):
        source = source.translate(10 * step, 0).max(source)
    pixels_of(evaluate(source, one=one), grid_of(SHAPE_YX))
    assert one.bands[0].source.reads == 1


def test_the_outline_and_the_default_grid_move_along(ee: ModuleType):
    image = evaluate(ee.Image("one").translate(30, -40), one=image_of({"a": picture()[0]}))
    assert image.bands[0].grid.transform[2::3] == (500030.0, 4999960.0)
    assert image.footprint.crs == CRS
    x, y = np.array(image.footprint.geojson["coordinates"][0])[:, :2].T
    assert (x.min(), x.max(), y.min(), y.max()) == pytest.approx((500030, 500340, 4999730, 4999960), abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((5, 0), "parts of a pixel"),
        ((0, -13), "parts of a pixel"),
        ((1, 1, "pixels"), "pixels"),
        ((10, 0, "meters", "EPSG:4326"), "no UTM system"),
        ((10, 0, "meters", "EPSG:32632"), "EPSG:32632"),
        ((float("1e308") * 10, 0), "finite"),
    ],
)
def test_what_the_reference_leaves_open_is_refused(ee: ModuleType, arguments: tuple[Any, ...], text: str):
    one = image_of({"a": picture()[0]})
    with pytest.raises(ComputeError, match=text):
        pixels_of(evaluate(ee.Image("one").translate(*arguments), one=one), grid_of(SHAPE_YX))


def test_an_image_without_projection_needs_one(ee: ModuleType):
    with pytest.raises(ComputeError, match="no projection"):
        evaluate(ee.Image(1).translate(10, 10))
    found = pixels_of(evaluate(ee.Image(1).translate(10, 10, "meters", CRS)), grid_of((2, 2)))
    assert found["constant"].tolist() == [[1, 1], [1, 1]]


def test_another_coordinate_system_is_refused_when_it_is_asked_for(ee: ModuleType):
    image = evaluate(ee.Image("one").translate(10, 0), one=image_of({"a": picture()[0]}))
    with pytest.raises(ComputeError, match="asked for in EPSG:32632"):
        pixels_of(image, grid_of((2, 2), crs="EPSG:32632"))
