"""Image algebra against plain numpy and Python: values, masks, names and types."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.algorithms.conversions import constant_image
from s2mask_qgis.engines.local.raster.windows import Rectangle
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import evaluate, grid_of, image_of, pixels_of, read, row

WHOLE = st.integers(-(2**31), 2**31)
DN = st.integers(0, 65535)
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": lambda a, b: a / b if b else 0,
    "mod": lambda a, b: int(math.fmod(a, b)),
    "min": min,
    "max": max,
    "gt": lambda a, b: int(a > b),
    "gte": lambda a, b: int(a >= b),
    "lt": lambda a, b: int(a < b),
    "lte": lambda a, b: int(a <= b),
    "eq": lambda a, b: int(a == b),
    "neq": lambda a, b: int(a != b),
    "And": lambda a, b: int(bool(a) and bool(b)),
    "Or": lambda a, b: int(bool(a) or bool(b)),
    "bitwiseAnd": operator.and_,
    "bitwiseOr": operator.or_,
}


def pair(a: Any, b: Any, dtype: Any = np.int64) -> dict[str, Any]:
    return {"one": image_of({"a": np.array([a], dtype)}), "two": image_of({"b": np.array([b], dtype)})}


@pytest.mark.parametrize("name", BINARY)
@given(numbers=st.lists(st.tuples(WHOLE, WHOLE), min_size=1, max_size=5))
def test_binary_operations_on_whole_numbers(ee: ModuleType, name: str, numbers: list[tuple[int, int]]):
    numbers = [(a, b if b or name != "mod" else 1) for a, b in numbers]
    left, right = zip(*numbers)
    image = getattr(ee.Image("one"), name)(ee.Image("two"))
    assert row(image, len(numbers), **pair(left, right)) == {"a": [BINARY[name](a, b) for a, b in numbers]}


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "gt", "neq"])
@given(a=DN, b=DN)
def test_numbers_give_what_images_give(ee: ModuleType, name: str, a: int, b: int):
    expected = BINARY[name](a, b)
    assert evaluate(getattr(ee.Number(a), name)(b)) == expected
    assert row(getattr(ee.Image("one"), name)(ee.Image("two")), 1, **pair([a], [b], np.uint16)) == {"a": [expected]}


def test_remainders_by_0_are_refused_for_images_as_for_numbers(ee: ModuleType):
    image = ee.Image("one").mod(ee.Image("two"))
    masked = {"one": image_of({"a": [7, 8]}), "two": image_of({"b": [5, 0]}, {"b": [1, 0]})}
    assert row(image, 2, **masked) == {"a": [2, None]}
    for expression in (image, ee.Image("one").expression("a % b", {"a": ee.Image("one"), "b": ee.Image("two")})):
        with pytest.raises(ComputeError, match="remainder of a division by 0 is not implemented"):
            row(expression, 2, **pair([7, 8], [5, 0]))


@pytest.mark.parametrize("name", ["bitwiseAnd", "bitwiseXor", "leftShift"])
def test_bits_are_those_of_whole_numbers_only(ee: ModuleType, name: str):
    for other in (0.5, 2.0**70):
        with pytest.raises(ComputeError, match="bits of band 'constant'"):
            row(getattr(ee.Image("one"), name)(other), 1, **pair([1], [1]))
    assert row(ee.Image("one").bitwiseAnd(2.0), 1, **pair([3], [1])) == {"a": [2]}
    with pytest.raises(ComputeError, match="bits of band 'a'"):
        row(ee.Image("one").bitwiseNot(), 1, one=image_of({"a": np.array([1.5])}))


def test_digital_numbers_do_not_wrap(ee: ModuleType):
    image = ee.Image("one").subtract(ee.Image("two")).addBands(ee.Image("one").multiply(ee.Image("one")).rename("c"))
    assert row(image, 1, **pair([1], [3], np.uint16)) == {"a": [-2], "c": [1]}
    assert row(ee.Image("one").multiply(60000), 1, **pair([60000], [0], np.uint16)) == {"a": [3_600_000_000]}


def test_single_precision_is_compared_as_double(ee: ModuleType):
    one = image_of({"a": np.array([0.1], np.float32)})
    assert row(ee.Image("one").gt(0.1), 1, one=one) == {"a": [1]}


@pytest.mark.parametrize(
    ("name", "function", "numbers"),
    [
        ("abs", abs, [-3, 0, 4]),
        ("Not", lambda value: int(value == 0), [-3, 0, 4]),
        ("sqrt", math.sqrt, [0.0, 2.0, 9.0]),
        ("cos", math.cos, [0.0, 1.0, -2.5]),
        ("sin", math.sin, [0.0, 1.0, -2.5]),
        ("exp", math.exp, [0.0, 1.0, -2.5]),
        ("log", math.log, [1.0, 2.0, 0.5]),
    ],
)
def test_unary_operations(ee: ModuleType, name: str, function: Callable[[Any], Any], numbers: list[Any]):
    found = row(getattr(ee.Image("one"), name)(), 3, one=image_of({"a": np.array([numbers])}))
    assert found["a"] == pytest.approx([function(number) for number in numbers], abs=1e-15)
    assert [evaluate(getattr(ee.Number(number), name)()) for number in numbers] == [function(n) for n in numbers]


def test_numbers_without_a_finite_result(ee: ModuleType):
    assert evaluate(ee.Number(0).log()) == -math.inf
    assert math.isnan(evaluate(ee.Number(-1).sqrt()))
    assert evaluate(ee.Number(1000).exp()) == math.inf


def test_a_power_is_a_floating_number(ee: ModuleType):
    assert row(ee.Image("one").pow(ee.Image("two")), 3, **pair([2, 9, 0], [-1, 2, 0])) == {"a": [0.5, 81.0, 1.0]}


def test_shifts_move_bits(ee: ModuleType):
    image = ee.Image("one").rightShift(ee.Image("two"))
    assert row(image, 3, **pair([0b1011, 255, 1], [1, 4, 0])) == {"a": [0b101, 15, 1]}
    assert row(ee.Image("one").leftShift(ee.Image("two")), 2, **pair([3, 1], [2, 10])) == {"a": [12, 1024]}


def test_whole_constants_beyond_64_bits_are_floating(ee: ModuleType):
    assert row(ee.Image(10**30), 1) == {"constant": [1e30]}
    assert evaluate(ee.Number(10**30).add(1)) == 1e30
    with pytest.raises(ComputeError, match="more than 300 digits"):
        constant_image(10**400)


def test_results_are_masked_where_either_side_is(ee: ModuleType):
    one = image_of({"a": [1, 2, 3]}, {"a": [1, 0, 1]})
    two = image_of({"b": [10, 20, 30]}, {"b": [1, 1, 0]})
    for name in ("add", "And", "gt"):
        assert row(getattr(ee.Image("one"), name)(ee.Image("two")), 3, one=one, two=two)["a"][1:] == [None, None]


def test_one_band_goes_with_every_band(ee: ModuleType):
    one, three = image_of({"x": [1]}), image_of({"a": [10], "b": [20], "c": [30]})
    expected = {"a": [9], "b": [19], "c": [29]}
    assert row(ee.Image("three").subtract(ee.Image("one")), 1, one=one, three=three) == expected
    negative = {name: [-number for number in numbers] for name, numbers in expected.items()}
    assert row(ee.Image("one").subtract(ee.Image("three")), 1, one=one, three=three) == negative


def test_two_single_bands_are_named_after_the_first(ee: ModuleType):
    assert row(ee.Image("one").add(ee.Image("two")), 1, **pair([1], [2])) == {"a": [3]}


def test_the_same_names_go_together_by_name(ee: ModuleType):
    one, two = image_of({"a": [10], "b": [20]}), image_of({"b": [2], "a": [1]})
    assert row(ee.Image("one").subtract(ee.Image("two")), 1, one=one, two=two) == {"a": [9], "b": [18]}


def test_other_names_go_together_in_order(ee: ModuleType):
    one, two = image_of({"a": [10], "b": [20]}), image_of({"b": [1], "c": [2]})
    assert row(ee.Image("one").subtract(ee.Image("two")), 1, one=one, two=two) == {"a": [9], "b": [18]}


def test_other_numbers_of_bands_do_not_go_together(ee: ModuleType):
    one, two = image_of({"a": [1], "b": [2]}), image_of({"a": [1], "b": [2], "c": [3]})
    with pytest.raises(ComputeError, match=r"Image\.add: .* these have 2 and 3"):
        evaluate(ee.Image("one").add(ee.Image("two")), one=one, two=two)


def test_update_mask_only_ever_masks(ee: ModuleType):
    one = image_of({"a": [1, 2, 3, 4]}, {"a": [1, 1, 0, 1]})
    mask = image_of({"m": [1, 0, 1, 7]}, {"m": [1, 1, 1, 0]})
    assert row(ee.Image("one").updateMask(ee.Image("mask")), 4, one=one, mask=mask) == {"a": [1, None, None, None]}


def test_mask_replaces_the_mask_and_uncovers_zeros(ee: ModuleType):
    one = image_of({"a": [1, 2, 3]}, {"a": [1, 1, 0]})
    assert row(ee.Image("one").mask(), 3, one=one) == {"a": [1.0, 1.0, 0.0]}
    mask = image_of({"m": [1, 0, 1]})
    assert row(ee.Image("one").mask(ee.Image("mask")), 3, one=one, mask=mask) == {"a": [1, None, 0]}


def test_a_mask_may_have_a_band_for_each(ee: ModuleType):
    one, mask = image_of({"a": [1, 2], "b": [3, 4]}), image_of({"x": [1, 0], "y": [0, 1]})
    image = ee.Image("one").updateMask(ee.Image("mask"))
    assert row(image, 2, one=one, mask=mask) == {"a": [1, None], "b": [None, 4]}
    three = image_of({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    with pytest.raises(ComputeError, match="the mask has 2 bands, the image 3"):
        evaluate(image, one=three, mask=mask)


def test_unmask_fills_what_is_masked(ee: ModuleType):
    one = image_of({"a": np.array([1, 2, 3], np.uint16)}, {"a": [1, 0, 1]})
    assert row(ee.Image("one").unmask(), 3, one=one) == {"a": [1, 0, 3]}
    assert row(ee.Image("one").unmask(-1), 3, one=one) == {"a": [1, -1, 3]}
    assert row(ee.Image("one").unmask(0.25), 3, one=one) == {"a": [1.0, 0.25, 3.0]}


def test_unmask_keeps_to_the_footprint_unless_told(ee: ModuleType):
    one = image_of({"a": [1, 2]}, {"a": [1, 0]})
    assert row(ee.Image("one").unmask(9), 4, one=one) == {"a": [1, 9, None, None]}
    assert row(ee.Image("one").unmask(9, False), 4, one=one) == {"a": [1, 9, 9, 9]}


def test_where_chooses_by_the_test_and_keeps_the_mask(ee: ModuleType):
    assets = {
        "one": image_of({"a": [1, 2, 3, 4, 5]}, {"a": [1, 1, 0, 1, 1]}),
        "test": image_of({"t": [0, 2, 1, 1, 1]}, {"t": [1, 1, 1, 0, 1]}),
        "value": image_of({"v": [10, 20, 30, 40, 50]}, {"v": [1, 1, 1, 1, 0]}),
    }
    image = ee.Image("one").where(ee.Image("test"), ee.Image("value"))
    assert row(image, 5, **assets) == {"a": [1, 20, None, 4, 5]}


def test_select_by_name_position_and_pattern(ee: ModuleType):
    one = image_of({"B1": [1], "B2": [2], "B10": [10], "QA": [0]})
    assert row(ee.Image("one").select(["B2", "B1"]), 1, one=one) == {"B2": [2], "B1": [1]}
    assert row(ee.Image("one").select([2, 0]), 1, one=one) == {"B10": [10], "B1": [1]}
    assert row(ee.Image("one").select("B1.*"), 1, one=one) == {"B1": [1], "B10": [10]}
    assert row(ee.Image("one").select(["B1", "QA"], ["x", "y"]), 1, one=one) == {"x": [1], "y": [0]}


@pytest.mark.parametrize(
    ("selectors", "sentence"),
    [
        (["B3"], "Pattern 'B3' did not match any bands. Available bands: \\[B1\\]"),
        ([1], "there is no band number 1"),
        ([-1], "there is no band number -1"),
        (["("], "is not a regular expression"),
    ],
)
def test_bands_that_are_not_there_are_said(ee: ModuleType, selectors: list[Any], sentence: str):
    with pytest.raises(ComputeError, match=f"Image.select: .*{sentence}"):
        evaluate(ee.Image("one").select(selectors), one=image_of({"B1": [1]}))


def test_rename_takes_a_name_for_each_band(ee: ModuleType):
    one = image_of({"a": [1], "b": [2]})
    assert row(ee.Image("one").rename(["x", "y"]), 1, one=one) == {"x": [1], "y": [2]}
    for names, sentence in ((["x"], "1 names were given for 2 bands"), (["x", "x"], "given twice")):
        with pytest.raises(ComputeError, match=sentence):
            evaluate(ee.Image("one").rename(names), one=one)
    with pytest.raises(ComputeError, match="a text is needed, not list"):
        evaluate(ee.Image("one").rename([[1], 2]), one=one)


def test_add_bands_numbers_names_that_are_taken(ee: ModuleType):
    one, two = image_of({"a": [1], "b": [2]}), image_of({"a": [10], "c": [30]})
    image = ee.Image("one").addBands(ee.Image("two"))
    assert row(image, 1, one=one, two=two) == {"a": [1], "b": [2], "a_1": [10], "c": [30]}
    assert row(image.addBands(ee.Image("two"), ["a"]), 1, one=one, two=two)["a_2"] == [10]
    replaced = ee.Image("one").addBands(ee.Image("two"), ["a"], True)
    assert row(replaced, 1, one=one, two=two) == {"a": [10], "b": [2]}


def test_remap_masks_or_defaults_what_is_not_in_the_table(ee: ModuleType):
    one = image_of({"a": [1, 2, 3], "b": [7, 8, 9]})
    assert row(ee.Image("one").remap([3, 1], [30, 10]), 3, one=one) == {"remapped": [10, None, 30]}
    assert row(ee.Image("one").remap([1], [0.5], 2.25), 3, one=one) == {"remapped": [0.5, 2.25, 2.25]}
    assert row(ee.Image("one").remap([8], [80], None, "b"), 3, one=one) == {"remapped": [None, 80, None]}


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (([1, 2], [1]), "2 values cannot be mapped to 1"),
        ((["x"], [1]), "only numbers"),
        (([1], [1], "x"), "only numbers"),
    ],
)
def test_tables_that_cannot_be_used_are_said(ee: ModuleType, table: tuple[Any, ...], sentence: str):
    with pytest.raises(ComputeError, match=f"Image.remap: .*{sentence}"):
        evaluate(ee.Image("one").remap(*table), one=image_of({"a": [1]}))


CASTS = {
    "toByte": np.uint8,
    "toInt8": np.int8,
    "toUint16": np.uint16,
    "toInt16": np.int16,
    "toUint32": np.uint32,
    "toInt32": np.int32,
    "toInt64": np.int64,
}


@pytest.mark.parametrize("name", CASTS)
@given(number=st.one_of(st.floats(-1e30, 1e30), st.integers(-(2**62), 2**62)))
def test_integer_casts_cut_towards_zero_and_hold_within_the_range(ee: ModuleType, name: str, number: float):
    limits = np.iinfo(CASTS[name])
    expected = min(max(math.trunc(number), limits.min), limits.max)
    image = evaluate(getattr(ee.Image("one"), name)(), one=image_of({"a": np.array([number])}))
    (found,) = read(image, Rectangle(grid_of((1, 1))))
    assert found.dtype == image.bands[0].dtype == CASTS[name]
    assert found.tolist() == [[expected]]


@pytest.mark.parametrize("kind", [np.uint16, np.int64, np.float32, np.float64])
def test_casts_take_every_type_of_pixel(ee: ModuleType, kind: Any):
    one = image_of({"a": np.array([0, 127, 300], kind)})
    assert row(ee.Image("one").toInt8(), 3, one=one) == {"a": [0, 127, 127]}
    assert row(ee.Image("one").toFloat(), 3, one=one) == {"a": [0.0, 127.0, 300.0]}


@given(a=DN, b=DN)
def test_normalized_difference(ee: ModuleType, a: int, b: int):
    one = image_of({"B4": np.array([b], np.uint16), "B8": np.array([a], np.uint16)})
    expected = None if a + b == 0 else (a - b) / (a + b)
    assert row(ee.Image("one").normalizedDifference(["B8", "B4"]), 1, one=one) == {"nd": [expected]}


def test_normalized_difference_masks_negative_values_and_drops_properties(ee: ModuleType):
    one = image_of({"a": [3, -1, 3], "b": [1, 5, -1]}, properties={"x": 1})
    image = evaluate(ee.Image("one").normalizedDifference(), one=one)
    assert pixels_of(image, grid_of((1, 3)))["nd"].tolist() == [[0.5, None, None]]
    assert image.properties == {}


def test_a_mosaic_shows_the_last_valid_pixel(ee: ModuleType):
    one = image_of({"a": [1, 2, 3]})
    two = image_of({"a": [10, 20, 30]}, {"a": [1, 0, 0]})
    three = image_of({"a": [100, 200, 300]}, {"a": [0, 1, 0]})
    image = ee.ImageCollection([ee.Image("one"), ee.Image("two"), ee.Image("three")]).mosaic()
    assert row(image, 3, one=one, two=two, three=three) == {"a": [10, 200, 3]}


def test_map_keeps_the_order_of_a_collection(ee: ModuleType):
    images = [image_of({"a": [number]}, properties={"n": number}) for number in (5, 1, 3, 2, 4)]
    mapped = ee.ImageCollection("all").map(
        lambda image: image.multiply(2).set("twice", ee.Number(image.get("n")).add(1))
    )
    collection = evaluate(mapped, all=images)
    assert [image.properties["twice"] for image in collection.elements] == [6, 2, 4, 3, 5]
    assert [read(image, Rectangle(grid_of((1, 1))))[0].item() for image in collection.elements] == [10, 2, 6, 4, 8]


def test_a_shared_band_is_read_once_a_block(ee: ModuleType):
    one = image_of({"a": np.arange(64).reshape(8, 8)})
    base = ee.Image("one").add(1)
    image = base.multiply(base).add(base.divide(base)).addBands(base.sqrt().rename("b"))
    found = pixels_of(evaluate(image, one=one), grid_of((8, 8)), block_px=4)
    assert one.bands[0].source.reads == 4
    np.testing.assert_array_equal(found["a"], (np.arange(64).reshape(8, 8) + 1) ** 2 + 1)


def test_what_a_mapped_function_shares_is_read_once_a_block(ee: ModuleType):
    one = image_of({"a": [1, 2, 3]})

    def doubled(image: Any) -> Any:
        for _ in range(40):
            image = image.add(image)
        return image

    collection = evaluate(ee.ImageCollection("all").map(doubled), all=[one])
    assert pixels_of(collection.elements[0], grid_of((1, 3)))["a"].tolist() == [[2**40, 2 * 2**40, 3 * 2**40]]
    assert one.bands[0].source.reads == 1


def test_clip_keeps_pixels_whose_centre_is_inside(ee: ModuleType):
    one = image_of({"a": np.arange(16).reshape(4, 4)})
    box = ee.Geometry.Rectangle([500004, 4999971, 500026, 4999991], "EPSG:32631", False)
    found = pixels_of(evaluate(ee.Image("one").clip(box), one=one), grid_of((4, 4)))["a"]
    expected = np.zeros((4, 4), bool)
    expected[1:3, 0:3] = True
    np.testing.assert_array_equal(~np.ma.getmaskarray(found), expected)


def test_constants_are_the_same_everywhere(ee: ModuleType):
    assert row(ee.Image([1, 2.5]), 2) == {"constant": [1, 1], "constant_1": [2.5, 2.5]}
    assert row(ee.Image.constant([1, 2.5]), 2) == {"constant_0": [1, 1], "constant_1": [2.5, 2.5]}
    assert row(ee.Image.constant(7), 2) == {"constant": [7, 7]}


def test_metadata_becomes_a_band(ee: ModuleType):
    one = image_of({"a": [1]}, properties={"CLOUD": 12.5, "NAME": "x"})
    assert row(ee.Image("one").metadata("CLOUD"), 2, one=one) == {"CLOUD": [12.5, 12.5]}
    assert row(ee.Image("one").metadata("ABSENT", "b"), 1, one=one) == {"b": [None]}
    with pytest.raises(ComputeError, match="'NAME' is not a number"):
        evaluate(ee.Image("one").metadata("NAME"), one=one)
