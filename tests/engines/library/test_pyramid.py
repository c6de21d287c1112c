"""Stored pixels: the offset, the special values, and the mean of valid pixels at every level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from s2mask_qgis.engines.local.library.pyramid import halve, halve_classes, harmonise, level_shape, levels_of

INVALID = 65535
PIXELS = arrays.arrays(
    np.uint16,
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    elements=st.one_of(st.integers(0, 65534), st.just(INVALID)),
)


def halved_pixel_by_pixel(values: np.ndarray) -> np.ndarray:
    rows, columns = values.shape
    result = np.empty((math.ceil(rows / 2), math.ceil(columns / 2)), np.uint16)
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            sources = values[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].ravel().tolist()
            valid = [value for value in sources if value != INVALID]
            result[row, column] = math.floor(sum(valid) / len(valid) + 0.5) if valid else INVALID
    return result


@given(PIXELS)
@settings(deadline=None)
def test_a_level_is_the_mean_of_the_valid_pixels_rounded_half_up(values: np.ndarray):
    np.testing.assert_array_equal(halve(values), halved_pixel_by_pixel(values))


def test_an_odd_edge_takes_the_pixels_that_are_there():
    values = np.array([[1, 2, 10], [2, 2, 20], [7, 8, 30]], np.uint16)
    np.testing.assert_array_equal(halve(values), [[2, 15], [8, 30]])


@given(
    arrays.arrays(np.uint16, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.sampled_from([0, 3, INVALID]))
)
@settings(deadline=None)
def test_a_level_of_classes_is_the_most_frequent_valid_one_and_the_first_of_equals(values: np.ndarray):
    halved = halve_classes(values)
    assert halved.shape == tuple(math.ceil(size / 2) for size in values.shape)
    for (row, column), value in np.ndenumerate(halved):
        sources = values[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].ravel().tolist()
        valid = [each for each in sources if each != INVALID]
        assert value == (max(valid, key=valid.count) if valid else INVALID)


@given(
    numbers=arrays.arrays(np.uint16, (3, 4)),
    offset=st.sampled_from([0, -1000, -1, 250]),
    nodata=st.sampled_from([0, 9999, 65535]),
    saturated=st.sampled_from([None, 65535]),
)
@settings(deadline=None)
def test_numbers_become_reflectance_clamped_at_zero_with_their_special_values(numbers, offset, nodata, saturated):
    values = harmonise(numbers, offset, nodata, saturated)
    for number, value in zip(numbers.ravel().tolist(), values.ravel().tolist(), strict=True):
        if number == nodata:
            assert value == INVALID
        elif number == saturated:
            assert value == INVALID - 1
        else:
            assert value == min(max(number + offset, 0), INVALID - 1)


@pytest.mark.parametrize(
    ("shape", "levels"),
    [((1, 1), (1,)), ((2, 1), (1, 2)), ((3, 2), (1, 2, 4)), ((9, 8), (1, 2, 4, 8)), ((10980, 10980), (1, 2, 4, 8))],
)
def test_levels_go_on_until_one_pixel_is_left(shape, levels):
    assert levels_of(shape) == levels
    assert level_shape(shape, 2) == (math.ceil(shape[0] / 2), math.ceil(shape[1] / 2))
