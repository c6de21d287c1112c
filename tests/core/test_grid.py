"""Pixel grids."""

from __future__ import annotations

import json

import pytest

from s2mask_qgis.core.grid import Grid

GRID = Grid("EPSG:32633", (10.0, 0.0, 465180.0, 0.0, -10.0, 5080250.0), (101, 100))


def test_bounds_are_the_outer_edges():
    assert GRID.bounds == (465180.0, 5079240.0, 466180.0, 5080250.0)
    assert GRID.scale_m == 10.0


@pytest.mark.parametrize(
    ("scale_m", "shape_yx"), [(10, (101, 100)), (20, (50, 50)), (30, (34, 33)), (60, (17, 17)), (2000, (1, 1))]
)
def test_another_scale_keeps_the_corner_and_the_pixels_whose_centre_is_inside(scale_m, shape_yx):
    scaled = GRID.at_scale(scale_m)
    assert scaled.transform == (scale_m, 0.0, 465180.0, 0.0, -scale_m, 5080250.0)
    assert scaled.shape_yx == shape_yx


def test_a_whole_tile_has_whole_pixels_at_every_scale():
    tile = Grid("EPSG:32633", (10.0, 0.0, 399960.0, 0.0, -10.0, 5100000.0), (10980, 10980))
    assert [tile.at_scale(scale).shape_yx for scale in (20, 30, 60)] == [(5490, 5490), (3660, 3660), (1830, 1830)]


@pytest.mark.parametrize(
    ("bounds", "corner_xy", "shape_yx"),
    [
        pytest.param((465180.0, 5079240.0, 466180.0, 5080250.0), (465180.0, 5080250.0), (101, 100), id="all"),
        pytest.param((0.0, 0.0, 1e7, 1e7), (465180.0, 5080250.0), (101, 100), id="more than all"),
        pytest.param((465191.0, 5080225.0, 465199.0, 5080239.0), (465190.0, 5080240.0), (2, 1), id="inside pixels"),
        pytest.param((465190.0, 5080220.0, 465200.0, 5080240.0), (465190.0, 5080240.0), (2, 1), id="on pixel edges"),
        pytest.param((466175.0, 5079000.0, 467000.0, 5079245.0), (466170.0, 5079250.0), (1, 1), id="a corner"),
    ],
)
def test_window_is_every_pixel_that_meets_the_bounds(bounds, corner_xy, shape_yx):
    window = GRID.window(bounds)
    assert (window.transform[2], window.transform[5]) == corner_xy
    assert window.shape_yx == shape_yx
    assert window.crs == GRID.crs
    assert window.scale_m == GRID.scale_m


@pytest.mark.parametrize(
    "bounds",
    [
        (466180.0, 5079240.0, 466190.0, 5080250.0),
        (465000.0, 5079240.0, 465180.0, 5080250.0),
        (465180.0, 5080250.0, 466180.0, 5080300.0),
        (0.0, 0.0, 1.0, 1.0),
    ],
)
def test_bounds_that_touch_or_miss_the_grid_have_no_window(bounds):
    assert GRID.window(bounds) is None


def test_a_part_starts_at_its_row_and_column():
    part = GRID.part(2, 3, 4, 5)
    assert part.bounds == (465210.0, 5080190.0, 465260.0, 5080230.0)
    assert part.shape_yx == (4, 5)


@pytest.mark.parametrize(
    ("transform", "shape_yx"),
    [
        ((10.0, 0.1, 0.0, 0.0, -10.0, 0.0), (1, 1)),
        ((10.0, 0.0, 0.0, 0.1, -10.0, 0.0), (1, 1)),
        ((-10.0, 0.0, 0.0, 0.0, -10.0, 0.0), (1, 1)),
        ((10.0, 0.0, 0.0, 0.0, 10.0, 0.0), (1, 1)),
        ((10.0, 0.0, 0.0, 0.0, -10.0, 0.0), (0, 1)),
        ((10.0, 0.0, 0.0, 0.0, -10.0, 0.0), (1, -1)),
    ],
)
def test_grids_that_are_not_north_up_or_empty_are_refused(transform, shape_yx):
    with pytest.raises(ValueError, match="grid"):
        Grid("EPSG:32633", transform, shape_yx)


def test_json_gives_the_grid_back():
    assert Grid.from_json(json.loads(json.dumps(GRID.to_json()))) == GRID
