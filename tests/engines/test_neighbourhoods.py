"""Neighbourhoods against scipy.ndimage, whole and in blocks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from s2mask_qgis.engines.local.algorithms.neighbourhoods import box, disc
from s2mask_qgis.engines.local.raster.windows import Scatter
from s2mask_qgis.engines.local.values import ComputeError, ImageValue
from tests.engines.in_process import evaluate, grid_of, image_of, pixels_of, read

SHAPE_YX = (23, 31)
RADII = [0.5, 1, 1.5, 2, 2.5, 4]
FILTERS: dict[str, tuple[Callable[..., np.ndarray], float]] = {
    "focalMin": (ndimage.minimum_filter, np.inf),
    "focalMax": (ndimage.maximum_filter, -np.inf),
}


def footprint(kind: str, radius: float) -> np.ndarray:
    """The pixels of a kernel, one by one from its definition."""
    reach = int(radius)
    side = range(-reach, reach + 1)
    return np.array([[kind == "square" or x * x + y * y <= radius * radius for x in side] for y in side])


def expected(name: str, values: np.ndarray, valid: np.ndarray, kind: str, radius: float) -> np.ma.MaskedArray:
    """What scipy gives where masked pixels and those outside the image never decide."""
    function, neutral = FILTERS[name]
    shape = footprint(kind, radius)
    folded = function(np.where(valid, values, neutral), footprint=shape, mode="constant", cval=neutral)
    found = ndimage.maximum_filter(valid.astype(np.uint8), footprint=shape, mode="constant", cval=0) > 0
    return np.ma.MaskedArray(np.where(found, folded, 0), mask=~found)


def picture(seed: int, share_valid: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 65535, SHAPE_YX), rng.random(SHAPE_YX) < share_valid


def assert_same(found: np.ma.MaskedArray, wanted: np.ma.MaskedArray) -> None:
    assert found.tolist() == wanted.astype(found.dtype).tolist()


@pytest.mark.parametrize("dtype", [np.uint16, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("kind", ["circle", "square"])
@pytest.mark.parametrize("name", FILTERS)
def test_extremes_are_those_of_scipy(ee: ModuleType, name: str, kind: str, radius: float, dtype: Any):
    values, valid = picture(1)
    one = image_of({"a": values.astype(dtype)}, {"a": valid})
    image = evaluate(getattr(ee.Image("one"), name)(radius, kind), one=one)
    assert_same(pixels_of(image, grid_of(SHAPE_YX))["a"], expected(name, values, valid, kind, radius))


@pytest.mark.parametrize("name", FILTERS)
def test_an_image_without_masked_pixels_ends_at_its_edge(ee: ModuleType, name: str):
    values, valid = picture(2, share_valid=2.0)
    image = evaluate(getattr(ee.Image("one"), name)(2), one=image_of({"a": values}))
    assert_same(pixels_of(image, grid_of(SHAPE_YX))["a"], expected(name, values, valid, "circle", 2))


def opened(ee: ModuleType) -> Any:
    """Minimum, then maximum, over a kernel, as the masks are opened."""
    kernel = ee.Kernel.circle(2)
    return ee.Image("one").focalMin(kernel=kernel).focalMax(kernel=kernel)


def one_masked(seed: int, share_valid: float = 0.8) -> dict[str, ImageValue]:
    values, valid = picture(seed, share_valid)
    return {"one": image_of({"a": values}, {"a": valid})}


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), block_px=st.integers(1, 40))
def test_blocks_give_the_same_pixels_as_the_whole(ee: ModuleType, seed: int, block_px: int):
    image = evaluate(opened(ee), **one_masked(seed))
    whole = pixels_of(image, grid_of(SHAPE_YX), 64)["a"]
    assert pixels_of(image, grid_of(SHAPE_YX), block_px)["a"].tolist() == whole.tolist()


def test_an_opening_is_that_of_scipy(ee: ModuleType):
    values, valid = picture(5, share_valid=2.0)
    image = evaluate(opened(ee), one=image_of({"a": values}))
    # Beyond the edge the minimum has values as well, as far as the kernel reaches.
    minimum = expected("focalMin", np.pad(values, 4), np.pad(valid, 4), "circle", 2)
    wanted = expected("focalMax", minimum.filled(0), ~np.ma.getmaskarray(minimum), "circle", 2)
    assert_same(pixels_of(image, grid_of(SHAPE_YX), 7)["a"], wanted[4:-4, 4:-4])


def test_a_binary_opening_removes_what_is_smaller_than_the_kernel(ee: ModuleType):
    cloud = np.random.default_rng(6).random((40, 40)) > 0.2
    image = evaluate(opened(ee), one=image_of({"a": cloud.astype(np.uint8)}))
    inside = np.s_[4:-4, 4:-4]
    found = pixels_of(image, grid_of((40, 40)))["a"].filled(9)
    assert set(np.unique(found)) == {0, 1}
    wanted = ndimage.binary_opening(cloud, footprint("circle", 2))
    np.testing.assert_array_equal(found[inside], wanted[inside])


def test_scattered_pixels_are_those_of_the_rectangle(ee: ModuleType):
    image = evaluate(opened(ee), **one_masked(7))
    whole = pixels_of(image, grid_of(SHAPE_YX))["a"]
    rng = np.random.default_rng(8)
    rows, columns = rng.integers(0, SHAPE_YX[0], 50), rng.integers(0, SHAPE_YX[1], 50)
    (found,) = read(image, Scatter(grid_of(SHAPE_YX), rows, columns))
    assert found.tolist() == whole[rows, columns].tolist()


def test_no_pixel_at_all_is_no_trouble(ee: ModuleType):
    none = np.array([], np.int64)
    (found,) = read(evaluate(opened(ee), **one_masked(9)), Scatter(grid_of(SHAPE_YX), none, none))
    assert found.shape == (0,)


def test_iterations_repeat_the_filter(ee: ModuleType):
    once = ee.Image("one").focalMax(1)
    twice = pixels_of(evaluate(once.focalMax(1), **one_masked(10)), grid_of(SHAPE_YX))["a"]
    repeated = evaluate(ee.Image("one").focalMax(radius=1, iterations=2), **one_masked(10))
    assert pixels_of(repeated, grid_of(SHAPE_YX))["a"].tolist() == twice.tolist()


def test_the_old_spelling_is_the_same_filter(ee: ModuleType):
    values, valid = picture(11)
    image = evaluate(ee.Image("one").focal_min(2), one=image_of({"a": values}, {"a": valid}))
    assert_same(pixels_of(image, grid_of(SHAPE_YX))["a"], expected("focalMin", values, valid, "circle", 2))


def test_a_circle_of_radius_2_has_13_pixels():
    assert disc(2).sum() == 13
    assert box(2).sum() == 25


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"radius": 30, "units": "meters"}, "kernels in 'meters' are not implemented by the local engine"),
        ({"radius": 2, "kernelType": "octagon"}, "the kernel 'octagon' is not implemented by the local engine"),
        ({"radius": 0}, "must be above 0"),
        ({"radius": 1000}, "at most 512"),
        ({"radius": 1, "iterations": 0}, "iterations must be from 1 to 100"),
    ],
)
def test_other_kernels_are_refused(ee: ModuleType, arguments: dict[str, Any], sentence: str):
    with pytest.raises(ComputeError, match=f"Image.focalMax: .*{sentence}"):
        evaluate(ee.Image("one").focalMax(**arguments), **one_masked(0))
