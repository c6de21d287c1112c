"""The reference of reading a band at a coarser scale, on arrays computed by hand."""

from __future__ import annotations

import numpy as np

from tests.reference.pyramid import coarser, read_at


def test_means_are_whole_numbers_with_halves_rounded_up():
    band = np.array([[1, 2, 1, 1], [2, 1, 1, 2]])
    values, valid = coarser(band, np.ones_like(band, dtype=bool))
    assert values.tolist() == [[2, 1]]
    assert valid.all()


def test_means_leave_out_invalid_pixels_and_use_what_odd_edges_have():
    band = np.array([[10, 999, 7], [20, 999, 9], [30, 31, 5]])
    known = band != 999
    values, valid = coarser(band, known)
    assert values.tolist() == [[15, 8], [31, 5]]
    assert valid.all()
    assert coarser(band, np.zeros_like(known))[1].tolist() == [[False, False], [False, False]]


def test_a_10_m_band_at_30_m_comes_from_the_20_m_means():
    band = np.arange(36).reshape(6, 6) * 4
    known = np.ones((6, 6), dtype=bool)
    means = coarser(band, known)[0]
    values, valid = read_at(band, known, 10, 30, (2, 2))
    assert values.tolist() == [[means[0, 0], means[0, 2]], [means[2, 0], means[2, 2]]]  # centres at 15 and 45 m
    assert valid.all()


def test_coarse_bands_are_repeated():
    band = np.array([[1, 2], [3, 4]])
    known = np.array([[True, True], [True, False]])
    values, valid = read_at(band, known, 60, 30, (4, 4))
    assert values.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 0, 0], [3, 3, 0, 0]]
    assert valid.sum() == 12
    assert read_at(band, known, 20, 30, (1, 1))[0].tolist() == [[1]]  # centre at 15 m: the first pixel


def test_the_native_scale_changes_nothing_and_60_m_is_read_from_40_m():
    band = np.arange(16).reshape(4, 4)
    known = np.ones((4, 4), dtype=bool)
    assert (read_at(band, known, 10, 10, (4, 4))[0] == band).all()
    forty = coarser(*coarser(band, known))[0]
    assert read_at(band, known, 10, 60, (1, 1))[0].tolist() == forty.tolist()


def test_pixels_beyond_the_band_are_invalid():
    band = np.arange(16).reshape(4, 4)
    values, valid = read_at(band, np.ones((4, 4), dtype=bool), 10, 30, (2, 2))
    assert valid.tolist() == [[True, False], [False, False]]
    assert values[1, 1] == 0
