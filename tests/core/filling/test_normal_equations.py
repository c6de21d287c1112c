"""Equations shared by pixels with the same dates, and what is solved for them."""

from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.core.filling import normal_equations as equations

COLUMNS, DATES = 5, 70
"""More dates than fit one word of 64 bits."""


def observed(patterns: int, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns (n, k), clear dates (n, p) of some patterns in runs, and values that are 0 elsewhere."""
    rng = np.random.default_rng(4)
    clear = (rng.random((DATES, patterns)) > 0.4)[:, np.sort(rng.integers(0, patterns, pixels))]
    return rng.normal(size=(DATES, COLUMNS)), clear, np.where(clear, rng.normal(size=clear.shape), 0)


@pytest.mark.parametrize("patterns", [1, 7, 200])
def test_pixels_are_solved_as_each_alone(patterns):
    columns, clear, values = observed(patterns, 200)
    penalty = np.linspace(0.1, 0.5, COLUMNS)
    solution = equations.solve(columns, clear, values, penalty, 0.0)
    inverse = equations.inverse_packed(solution.factor)
    forms = equations.quadratic_forms(columns, inverse)
    for pixel in range(200):
        seen = columns[clear[:, pixel]]
        matrix = seen.T @ seen + np.diag(penalty)
        expected = np.linalg.solve(matrix, seen.T @ values[clear[:, pixel], pixel])
        np.testing.assert_allclose(solution.coefficients[:, pixel], expected, rtol=1e-9, atol=1e-12)
        own = pixel if solution.pattern is None else solution.pattern[pixel]
        alone = np.linalg.inv(matrix)
        np.testing.assert_allclose(equations.trace(inverse, COLUMNS)[own], np.trace(alone), rtol=1e-9)
        np.testing.assert_allclose(forms[:, own], np.einsum("ni,ij,nj->n", columns, alone, columns), rtol=1e-9)


def test_patterns_are_shared_where_neighbours_are_alike_and_told_apart_by_their_last_date():
    clear = observed(3, 200)[1]
    first, pattern = equations.distinct(clear)
    assert len(first) == len(np.unique(clear, axis=1).T)
    assert np.array_equal(clear[:, first][:, pattern], clear)
    clear = np.ones((DATES, 200), bool)
    clear[-1, 150:] = False
    assert len(equations.distinct(clear)[0]) == 2


def test_patterns_are_not_looked_for_where_pixels_differ():
    assert equations.distinct(np.random.default_rng(0).random((DATES, 200)) > 0.5) == (None, None)


def test_pixels_that_are_replaced_take_factor_and_coefficients_with_them():
    columns, clear, values = observed(7, 200)
    penalty, changed = np.full(COLUMNS, 0.3), np.array([3, 90, 199])
    fewer = clear.copy()
    fewer[:30, changed] = False
    before = equations.solve(columns, clear, values, penalty, 0.0)
    others = equations.solve(columns, fewer[:, changed], np.where(fewer, values, 0)[:, changed], penalty, 0.0)
    found = equations.replaced(before, changed, others)
    whole = equations.solve(columns, fewer, np.where(fewer, values, 0), penalty, 0.0)
    np.testing.assert_allclose(found.coefficients, whole.coefficients, rtol=1e-9, atol=1e-12)
    traces = [equations.trace(equations.inverse_packed(each.factor), COLUMNS)[each.pattern] for each in (found, whole)]
    np.testing.assert_allclose(*traces, rtol=1e-9)


def test_equations_without_a_solution_are_told_apart():
    columns, clear, values = observed(4, 40)
    clear[2:, :10] = False
    solution = equations.solve(columns, clear, np.where(clear, values, 0), np.zeros(COLUMNS), 1e-8)
    assert np.array_equal(solution.is_regular, np.arange(40) >= 10)
    assert (solution.coefficients[:, :10] == 0).all()


def test_blocks_shrink_with_the_numbers_of_a_pixel():
    sizes = [equations.block_px(numbers) for numbers in (1, 24**2, 60**2, 10**7)]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (equations.MOST_PX, 256)
    assert 4 * 60**2 * sizes[2] <= equations.WORKING_BYTES
