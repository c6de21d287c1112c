"""Images put together of images, their projections and the types of their bands."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.engines.local.answers import to_json
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import CRS, evaluate, grid_of, image_of, pixels_of, row, values

PAIR = {"one": image_of({"a": [1, 5, 9]}, {"a": [1, 0, 1]}), "two": image_of({"a": [7, 8, 2], "b": [3, 3, 0]})}


def test_images_are_joined_and_taken_names_numbered(ee: ModuleType):
    joined = ee.Image.cat(ee.Image("one"), ee.Image("two"), 4, 4.5)
    assert row(joined, 3, **PAIR) == {
        "a": [1, None, 9],
        "a_1": [7, 8, 2],
        "b": [3, 3, 0],
        "constant": [4] * 3,
        "constant_1": [4.5] * 3,
    }


def test_the_upper_image_lies_over_the_lower_where_it_is_valid(ee: ModuleType):
    upper, lower = ee.Image("one"), ee.Image("two")
    assert row(lower.blend(upper), 3, **PAIR) == {"a": [1, 8, 9], "b": [1, 3, 9]}
    assert row(upper.blend(lower.select("b").selfMask()), 3, **PAIR) == {"a": [3, 3, 9]}
    assert row(upper.blend(upper), 3, **PAIR) == {"a": [1, None, 9]}


def test_values_are_held_and_scaled(ee: ModuleType):
    image = ee.Image("two")
    assert row(image.clamp(2, 7), 3, **PAIR) == {"a": [7, 7, 2], "b": [3, 3, 2]}
    assert row(image.clamp(2.5, 7), 3, **PAIR)["a"] == [7.0, 7.0, 2.5]
    assert row(image.unitScale(2, 6), 3, **PAIR)["a"] == [1.25, 1.5, 0.0]
    with pytest.raises(ComputeError, match="a range from 7 to 2 is not implemented"):
        evaluate(image.clamp(7, 2), **PAIR)
    with pytest.raises(ComputeError, match="low and high must differ"):
        evaluate(image.unitScale(2, 2), **PAIR)


def test_metadata_is_a_band_of_doubles(ee: ModuleType):
    one = image_of({"a": [1]}, properties={"angle": 3, "name": "x"})
    assert row(ee.Image("one").metadata("angle"), 1, one=one) == {"angle": [3.0]}
    assert evaluate(ee.Image("one").metadata("angle"), one=one).bands[0].dtype == np.float64
    assert row(ee.Image("one").metadata("none", "n"), 1, one=one) == {"n": [None]}
    with pytest.raises(ComputeError, match="'name' is not a number"):
        evaluate(ee.Image("one").metadata("name"), one=one)


def test_the_time_of_an_image(ee: ModuleType):
    one = image_of({"a": [1]}, properties={"system:time_start": 86_400_000})
    assert evaluate(ee.Image("one").date(), one=one).millis == 86_400_000


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("floor", [-1.5, 2.5], [-2.0, 2.0]),
        ("ceil", [-1.5, 2.5], [-1.0, 3.0]),
        ("round", [-1.5, 2.5], [-1.0, 3.0]),
        ("signum", [-1.5, 0.0], [-1.0, 0.0]),
        ("tan", [0.0, 1.0], [0.0, pytest.approx(1.557407724654902)]),
        ("log10", [1.0, 1000.0], [0.0, pytest.approx(3.0)]),
        ("cbrt", [-8.0, 27.0], [pytest.approx(-2.0), pytest.approx(3.0)]),
        ("bitCount", [5, -1], [2, 64]),
        ("bitwise_not", [5, -1], [-6, 0]),
    ],
)
def test_functions_of_one_image(ee: ModuleType, name: str, given: list[float], expected: list[float]):
    image = ee.apifunction.ApiFunction.call_(f"Image.{name}", ee.Image("one"))
    assert row(image, 2, one=image_of({"a": given})) == {"a": expected}


def types_of(computation: Any, **assets: Any) -> dict[str, dict[str, Any]]:
    found = to_json(evaluate(computation, **assets))
    return {band["id"]: {k: v for k, v in band["data_type"].items() if k != "type"} for band in found["bands"]}


def test_types_of_bands_are_described_with_their_limits(ee: ModuleType):
    one = image_of({"a": np.array([1], np.uint16), "f": np.array([1], np.float32)})
    image, a = ee.Image("one"), ee.Image("one").select("a")
    uint16, int64 = {"min": 0, "max": 65535}, {"min": -(2**63), "max": 2**63 - 1}
    assert types_of(image, one=one) == {"a": {"precision": "int", **uint16}, "f": {"precision": "float"}}
    assert types_of(ee.Image(5)) == {"constant": {"precision": "int", "min": 5, "max": 5}}
    assert types_of(ee.Image(0.5)) == {"constant": {"precision": "double", "min": 0.5, "max": 0.5}}
    assert types_of(a.multiply(a), one=one) == {"a": {"precision": "int", **int64}}
    assert types_of(a.max(a), one=one) == {"a": {"precision": "int", **uint16}}
    assert types_of(image.divide(2), one=one) == {"a": {"precision": "double"}, "f": {"precision": "double"}}
    assert types_of(a.gt(3), one=one) == {"a": {"precision": "int", "min": 0, "max": 255}}
    assert types_of(a.toInt8(), one=one) == {"a": {"precision": "int", "min": -128, "max": 127}}
    assert types_of(a.short(), one=one) == {"a": {"precision": "int", "min": -32768, "max": 32767}}


def test_products_and_sums_are_declared_wide_enough(ee: ModuleType):
    one = image_of({"a": np.array([65535], np.uint16)})
    a = ee.Image("one")
    assert row(a.multiply(a), 1, one=one) == {"a": [65535**2]}
    assert evaluate(ee.ImageCollection([a, a]).sum(), one=one).bands[0].dtype == np.int64


def test_an_image_forced_to_a_projection_is_computed_there(ee: ModuleType):
    array = np.arange(16).reshape(4, 4)
    coarse = ee.Image("one").reproject(ee.Projection(CRS), [20, 0, 500000, 0, -20, 5000000])
    found = pixels_of(evaluate(coarse, one=image_of({"a": array})), grid_of((4, 4)))["a"]
    centres = array[1::2, 1::2]  # a 20 m pixel's centre lies on a corner; the pixel to the lower right holds it
    assert found.tolist() == np.kron(centres, np.ones((2, 2), int)).tolist()
    projection = evaluate(coarse.projection(), one=image_of({"a": array}))
    assert (projection.crs, projection.transform[0], projection.transform[4]) == (CRS, 20, -20)


def test_a_default_projection_changes_no_pixel(ee: ModuleType):
    array = np.arange(16).reshape(4, 4)
    image = ee.Image("one").setDefaultProjection(CRS, [20, 0, 500000, 0, -20, 5000000])
    assert values(image, (4, 4), one=image_of({"a": array}))["a"] == array.tolist()
    assert evaluate(image.projection().nominalScale(), one=image_of({"a": array})) == 20
    with pytest.raises(ComputeError, match="without a footprint is not implemented"):
        evaluate(ee.Image(1).reproject(CRS, None, 10))


def test_bands_of_several_projections_have_no_common_one(ee: ModuleType):
    both = ee.Image("one").addBands(ee.Image("two"))
    coarse = image_of({"b": [[1]]}, grid=grid_of((1, 1), 20.0))
    with pytest.raises(ComputeError, match="do not all have the same default projection"):
        evaluate(both.projection(), one=image_of({"a": [[1]]}), two=coarse)


def test_pixels_know_where_they_are(ee: ModuleType):
    grid = grid_of((1, 2), 1.0, "EPSG:4326").part(4_999_950, -499_990, 2, 3)  # 10-13 degrees east, 50-48 degrees north
    found = pixels_of(evaluate(ee.Image.pixelLonLat()), grid)
    assert found["longitude"].tolist() == [[10.5, 11.5, 12.5]] * 2
    assert found["latitude"].tolist() == [[49.5] * 3, [48.5] * 3]


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [
        ("plus", [[0, 1, 0], [1, 1, 1], [0, 1, 0]]),
        ("cross", [[1, 0, 1], [0, 1, 0], [1, 0, 1]]),
        ("diamond", [[0, 1, 0], [1, 1, 1], [0, 1, 0]]),
        ("square", [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
    ],
)
def test_kernels_have_their_shapes(ee: ModuleType, kernel: str, shape: list[list[int]]):
    spot = np.zeros((3, 3), int)
    spot[1, 1] = 1
    assert values(ee.Image("one").focalMax(1, kernel), (3, 3), one=image_of({"a": spot}))["a"] == shape


def test_statistics_of_neighbourhoods_leave_masked_pixels_out(ee: ModuleType):
    one = image_of({"a": [1, 2, 9, 9]}, {"a": [1, 1, 0, 1]})
    line = ee.Kernel.rectangle(1, 0)
    image = ee.Image("one")
    assert row(image.focalMean(kernel=line), 4, one=one) == {"a": [1.5, 1.5, 5.5, 9.0]}
    assert row(image.focalMedian(kernel=line), 4, one=one) == {"a": [1.5, 1.5, 5.5, 9.0]}
    assert row(image.focalMode(kernel=line), 4, one=one) == {"a": [1, 1, 2, 9]}
    with pytest.raises(ComputeError, match="kernels of more than 441 pixels are not implemented"):
        evaluate(image.focalMean(30), one=one)
