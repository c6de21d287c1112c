"""The probability of cloud as an expression: tables and sums, against numpy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from s2mask_qgis.core.models.model import Additive, Table, Term
from s2mask_qgis.core.probability import added_up, contribution, looked_up
from tests.engines.in_process import image_of, row

KNOTS, VALUES = (-0.05, 0.0, 0.02, 0.1), (-3.0, -3.0, 1.0, 6.5)


def one(name: str):
    import ee

    return ee.Image(name)


@pytest.mark.parametrize(
    ("knots", "values"),
    [
        (KNOTS, VALUES),
        ((0.0, 1.0), (2.0, -1.0)),
        ((0.0, 1.0, 2.0), (4.0, 4.0, 4.0)),
        ((-1.0, 0.5), (0.0, 0.0)),
    ],
)
def test_a_term_is_the_line_between_its_knots_and_constant_beyond(ee, knots, values):
    places = np.array([-9.0, -0.05, -0.01, 0.0, 0.013, 0.02, 0.05, 0.1, 0.7, 40.0])
    found = row(contribution(one("measure"), Term("any", knots, values)), 10, measure=image_of({"m": places}))
    np.testing.assert_allclose(found["m"], np.interp(places, knots, values), atol=1e-6)


def test_terms_add_up_to_a_probability(ee):
    a, b = np.array([-0.02, 0.01, 0.05, 0.2]), np.array([0.3, 0.0, 0.9, 0.4])
    decision = Additive(-1.25, (Term("white", KNOTS, VALUES), Term("cirrus", (0.0, 1.0), (0.0, -2.0))))
    (found,) = row(
        added_up([one("first"), one("second")], decision),
        4,
        first=image_of({"m": a}),
        second=image_of({"m": b}, {"m": [True, True, False, True]}),
    ).values()
    log_odds = -1.25 + np.interp(a, KNOTS, VALUES) + np.interp(b, (0, 1), (0, -2))
    expected = 1 / (1 + np.exp(-log_odds))
    assert found[2] is None  # a measure is missing there
    np.testing.assert_allclose([found[n] for n in (0, 1, 3)], expected[[0, 1, 3]], atol=1e-6)


def test_a_cell_has_the_first_feature_as_its_highest_bit(ee):
    bits = np.array(list(itertools.product((0, 1), repeat=3)), np.uint8)
    chances = tuple(float(value) for value in np.random.default_rng(3).uniform(size=8))
    images = {f"f{n}": image_of({"b": bits[:, n]}) for n in range(3)}
    table = Table(("tree1", "tree2", "tree3"), chances)
    (found,) = row(looked_up([one(name) for name in images], table), 8, **images).values()
    assert found == pytest.approx(chances, abs=1e-7)
