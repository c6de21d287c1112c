"""The selection network against numpy's medians, for every number of layers and any pattern of missing values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.raster.medians import CHUNK_PX, exchanges, median_layers, selection


def reference(stack: np.ndarray, valid: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(np.where(valid, stack.astype(np.float64), np.nan), axis=0)


@pytest.mark.parametrize("count", [*range(1, 33), 40, 41, 64, 100])
def test_medians_equal_numpys(count):
    stack = np.random.default_rng(count).integers(0, 65536, (count, 300)).astype(np.uint16)
    values, known = median_layers(list(stack), [None] * count)
    assert known is None
    np.testing.assert_array_equal(values, np.median(stack, axis=0))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64])
@pytest.mark.parametrize("missing", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 20, 21])
def test_missing_values_count_for_nothing(count, missing, dtype):
    generator = np.random.default_rng(count)
    limits = np.iinfo(dtype)
    # The type's own limits occur as values: they stand for missing ones inside.
    stack = generator.choice(np.array([limits.min, limits.min + 1, 5, 17, limits.max], dtype), (count, 400))
    valid = generator.random((count, 400)) >= missing
    values, known = median_layers(list(stack), list(valid))
    expected = reference(stack, valid)
    np.testing.assert_array_equal(known, ~np.isnan(expected))
    np.testing.assert_array_equal(values[known], expected[known])


@given(st.data())
def test_any_few_values(data):
    count = data.draw(st.integers(1, 9))
    numbers = st.lists(st.integers(0, 65535), min_size=count, max_size=count)
    stack = np.array([data.draw(numbers) for _ in range(3)], np.uint16).T
    booleans = st.lists(st.booleans(), min_size=count, max_size=count)
    valid = np.array([data.draw(booleans) for _ in range(3)]).T
    values, known = median_layers(list(stack), list(valid))
    expected = reference(stack, valid)
    known = np.ones(3, bool) if known is None else known
    np.testing.assert_array_equal(known, ~np.isnan(expected))
    np.testing.assert_array_equal(values[known], expected[known])


def test_layers_keep_their_shape_and_are_not_changed():
    layers = list(np.random.default_rng(0).integers(0, 9, (5, 7, 3)).astype(np.uint16))
    before = [layer.copy() for layer in layers]
    values, _ = median_layers(layers, [None, np.ones((7, 3), bool), None, None, None])
    assert values.shape == (7, 3)
    for layer, copy in zip(layers, before, strict=True):
        np.testing.assert_array_equal(layer, copy)


def test_chunks_do_not_show():
    stack = np.random.default_rng(1).integers(0, 9999, (6, CHUNK_PX + 17)).astype(np.uint16)
    values, _ = median_layers(list(stack), [None] * 6)
    np.testing.assert_array_equal(values, np.median(stack, axis=0))


@pytest.mark.parametrize("count", range(1, 11))
def test_the_network_sorts_every_pattern_of_zeros_and_ones(count):
    """By the 0-1 principle that proves it for all values."""
    columns = np.array([[pattern >> i & 1 for pattern in range(2**count)] for i in range(count)])
    for low, high in exchanges(count):
        columns[[low, high]] = np.minimum(columns[low], columns[high]), np.maximum(columns[low], columns[high])
    assert (np.diff(columns, axis=0) >= 0).all()


def test_the_selection_is_shorter_than_the_sort():
    kept = sum(step.needs_low + step.needs_high for step in selection(20))
    assert kept < 0.8 * 2 * len(exchanges(20))
