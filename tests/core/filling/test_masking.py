"""Choices by masks are those of numpy.where, whatever stands where nothing was seen."""

from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.core.filling.masking import chosen, nan_unless, zero_unless

VALUES = np.array([[0.5, np.nan, np.inf], [-0.0, -np.inf, 1e-40]], np.float32)
MASK = np.array([[True, False, False], [True, False, True]])


def test_zero_and_nan_stand_where_the_mask_does_not_hold():
    np.testing.assert_array_equal(zero_unless(MASK, VALUES), np.where(MASK, VALUES, 0))
    np.testing.assert_array_equal(nan_unless(MASK, VALUES), np.where(MASK, VALUES, np.nan))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16])
def test_numbers_are_chosen_in_their_own_type(kind):
    first, second = np.array([[1, -2, 3]], kind), np.array([[-4], [5]], kind)
    found = chosen(MASK, first, second)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, np.where(MASK, first, second))
    np.testing.assert_array_equal(chosen(MASK, kind(-1), second), np.where(MASK, kind(-1), second))


def test_parts_of_larger_arrays_can_be_given():
    wide = np.arange(12, dtype=np.float32).reshape(2, 6)
    np.testing.assert_array_equal(zero_unless(MASK, wide[:, 2:5]), np.where(MASK, wide[:, 2:5], 0))
